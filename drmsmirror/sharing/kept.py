"""Answers of the upstream that the mirror keeps: a file each, and a row that says that it is there.

::

    <mirror>/answers/<first two digits>/<digest of the question>.parquet

The file is durable before the row is written, and the row is gone before the file: a file that no
row speaks of is nothing, and one that is absent or not what its row says is as if it had never been
stored.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drmsmirror.catalogue import StoredAnswer
from drmsmirror.errors import LockedError, StoreError
from drmsmirror.files import make_directory, remove_file, write_bytes
from drmsmirror.mirror import Mirror
from drmsmirror.sharing.answerfile import FORMAT, from_bytes, to_bytes
from drmsmirror.sharing.question import Question
from drmsmirror.upstream import RecordText

__all__ = ["AnswerStore", "KeptAnswer"]

#: For so long an answer stays, whatever it takes: somebody may be waiting for it.
GRACE = timedelta(minutes=1)
#: When an answer was used is written down no more often than this.
_USED_EVERY = timedelta(minutes=1)
#: A file that no row speaks of belongs to a process that works on it, unless it is older.
_ABANDONED = timedelta(hours=1)

_FILE = re.compile(r"[0-9a-f]{64}\.parquet")


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer of the upstream.

    Parameters
    ----------
    question : Question
    asked_utc : datetime
        Before the request was sent: the answer is as of this moment or later.
    rows : int
        How many records it lists.
    body_bytes : int
        Size of the upstream's answer, bytes.
    seconds : float
        Time that it took the upstream, seconds.
    """

    question: Question
    asked_utc: datetime
    rows: int
    body_bytes: int
    seconds: float
    _content: RecordText | bytes = field(repr=False, compare=False)

    @classmethod
    def of(cls, question: Question, asked_utc: datetime, text: RecordText) -> KeptAnswer:
        """Give an answer that has just come."""
        return cls(question, asked_utc, text.rows, text.body_bytes, text.seconds, text)

    def text(self) -> RecordText:
        """Give the records as the upstream printed them; those that were stored are read now."""
        if isinstance(self._content, RecordText):
            return self._content
        keys, segments, links = from_bytes(self._content)
        return RecordText(
            keys, self.rows, self.body_bytes, self.seconds, segments=segments, links=links
        )


class AnswerStore:
    """The answers that a mirror keeps.

    Parameters
    ----------
    mirror : Mirror
    """

    def __init__(self, mirror: Mirror) -> None:
        self._catalogue = mirror.catalogue
        self._root = mirror.root / "answers"
        self._url = mirror.settings.upstream.url
        self._most_bytes = mirror.settings.answers.max_mib * 2**20

    def find(self, question: Question, wanted: Callable[[StoredAnswer], bool]) -> KeptAnswer | None:
        """Give the answer that is kept to a question, where it is one that is wanted.

        Between a new file and its row another process may see the new one with the old: it looks
        once more.

        Raises
        ------
        StoreError
            The catalogue cannot be read.
        """
        for _ in range(2):
            stored = self._catalogue.answers.load(question.digest)
            if stored is None or not self._counts(stored) or not wanted(stored):
                return None
            content = _read(self._path(question.digest), stored)
            if content is not None:
                self._use(stored)
                return KeptAnswer(
                    question,
                    stored.asked_utc,
                    stored.records,
                    stored.body_bytes,
                    stored.seconds,
                    content,
                )
        return None

    def keep(self, answer: KeptAnswer) -> None:
        """Store an answer, and make room.

        Raises
        ------
        StoreError, LockedError
            The file or the catalogue cannot be written.
        """
        digest, text = answer.question.digest, answer.text()
        content = to_bytes((text.table, text.segments, text.links))
        path = self._path(digest)
        make_directory(path.parent)
        write_bytes(path, content)
        now = self._now()
        self._catalogue.answers.keep(
            StoredAnswer(
                digest=digest,
                upstream_url=self._url,
                record_set=answer.question.record_set,
                asked_utc=answer.asked_utc,
                stored_utc=now,
                used_utc=now,
                records=answer.rows,
                body_bytes=answer.body_bytes,
                seconds=answer.seconds,
                file_format=FORMAT,
                file_bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
        )
        self._make_room()
        self._sweep(path.parent)

    def excess(self) -> int:
        """Bytes that are kept beyond what the settings allow."""
        return max(0, self._catalogue.answers.totals()[1] - self._most_bytes)

    def abandoned(self) -> list[Path]:
        """Files that processes which were killed left."""
        return [path for one in self.directories() for path in self._abandoned(one)]

    def directories(self) -> list[Path]:
        """Where there are files of answers."""
        return sorted(path for path in self._root.glob("??") if path.is_dir())

    def tidy(self) -> None:
        """Make room where more is kept than may be, and remove what was left."""
        self._make_room()
        for directory in self.directories():
            self._sweep(directory)

    def remove_files(self, digests: Iterable[str]) -> None:
        """Remove the files of answers that were forgotten."""
        for digest in digests:
            remove_file(self._path(digest))

    def _counts(self, stored: StoredAnswer) -> bool:
        """Whether an answer is one of this server, and answers are kept at all."""
        is_kept = self._most_bytes > 0 or stored.stored_utc + GRACE >= self._now()
        return is_kept and stored.upstream_url == self._url

    def _use(self, stored: StoredAnswer) -> None:
        if stored.used_utc + _USED_EVERY <= self._now():
            with suppress(StoreError, LockedError):  # who may only read cannot say so
                self._catalogue.answers.use(stored.digest)

    def _make_room(self) -> None:
        """Let the answers go that were not used for longest.

        One that is stored anew between row and file loses its file, and is asked for again.
        """
        self.remove_files(
            self._catalogue.answers.forget_least_used(self._most_bytes, self._now() - GRACE)
        )

    def _sweep(self, directory: Path) -> None:
        """Remove what processes that were killed left in one of the directories."""
        for path in self._abandoned(directory):
            remove_file(path)

    def _abandoned(self, directory: Path) -> list[Path]:
        """Files in one of the directories that no row speaks of, and that are old."""
        found = []
        with suppress(OSError):  # another process was quicker; the next one goes on
            files = {path.stem: path for path in directory.iterdir() if _FILE.fullmatch(path.name)}
            for digest in files.keys() - self._catalogue.answers.known(files):
                written = datetime.fromtimestamp(files[digest].stat().st_mtime, UTC)
                if written + _ABANDONED < self._now():
                    found.append(files[digest])
        return found

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / f"{digest}.parquet"

    def _now(self) -> datetime:
        return self._catalogue.database.clock()


def _read(path: Path, stored: StoredAnswer) -> bytes | None:
    """What is in a file; None where it is not what the catalogue says."""
    if stored.file_format != FORMAT:
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == stored.sha256 else None
