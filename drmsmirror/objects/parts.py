"""What is on its way into a store: parts that are downloaded to, and files that are adopted."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drmsmirror.errors import StoreError, WrongContentError
from drmsmirror.files import (
    GrowingFile,
    abandoned_files,
    clone_bytes,
    copy_bytes,
    growing_file,
    is_abandoned,
    remove_abandoned,
    remove_file,
    temporary_in,
    temporary_link,
)
from drmsmirror.objects.content import refuse_other, sha256_of
from drmsmirror.objects.digesting import Digesting, digesting_beside
from drmsmirror.objects.directories import Directories, names_in
from drmsmirror.objects.names import INCOMING, NOTE, PART, checked_part, name_of_part
from drmsmirror.objects.partnote import PartNote, open_note
from drmsmirror.objects.protocol import Leftover, Stored, Way

__all__ = ["FilePart", "Incoming"]

#: Permissions of a part: whoever of the group goes on with it writes it.
_MODE = 0o664
#: How a file is called that is being adopted, with what makes it unique.
_ADOPTED = "adopted"


class FilePart:
    """A part as a file, digested while it is written.

    Parameters
    ----------
    file : GrowingFile
    keep : callable
        Makes an object of the file, after which there is none of its name.
    note : PartNote
    digesting : Digesting
    seal : int, optional
        Permissions of the object that the file becomes; None where it is only read.
    became : Stored, optional
        The object that a part of this name became.
    """

    def __init__(
        self,
        file: GrowingFile,
        keep: Callable[[GrowingFile, Stored], None],
        note: PartNote,
        digesting: Digesting,
        seal: int | None,
        became: Stored | None,
    ) -> None:
        self._file = file
        self._keep = keep
        self._note = note
        self._digesting = digesting
        self._seal = seal
        self._became = became
        self.is_finished = False
        for piece in file.content():
            digesting.add(piece)

    @property
    def path(self) -> Path:
        """Where it is on this host, to look into."""
        return self._file.path

    @property
    def size_bytes(self) -> int:
        """How much is there."""
        return self._file.size

    @property
    def became(self) -> Stored | None:
        """The object that a process made of it that died then."""
        return self._became

    def append(self, content: bytes | memoryview) -> None:
        """Write at the end."""
        self._file.append(content)
        self._digesting.add(content)

    def restart(self) -> None:
        """Throw away what is there."""
        self._note.begin_again()
        self._file.cut()
        self._digesting.begin_again()

    def finish(self, expected_sha256: str | None = None) -> Stored:
        """Make an object of it."""
        if self._seal is not None:
            self._file.seal(self._seal)  # while the last of it is still being digested
        stored = Stored(self._digesting.sha256(), self.size_bytes)
        try:
            refuse_other(stored.sha256, expected_sha256, f"What came for {self._file.path.name}")
        except WrongContentError:
            self.restart()
            raise
        self._note.ends_as(stored)
        self._keep(self._file, stored)
        self.is_finished = True
        return stored


class Incoming:
    """The directory of what is no object yet.

    Parameters
    ----------
    directories : Directories
    boot : str
        Of this host; see `drmsmirror.objects.partnote`.
    seal : int, optional
        Permissions of the objects that parts become; None where they are only read.
    """

    def __init__(self, directories: Directories, boot: str, seal: int | None = None) -> None:
        self._directories = directories
        self._boot = boot
        self._seal = seal

    @contextmanager
    def part(
        self,
        name: str,
        keep: Callable[[GrowingFile, Stored], None],
        has: Callable[[Stored], bool],
    ) -> Iterator[FilePart | None]:
        """Open a part while a block runs; None where another process works on it.

        Parameters
        ----------
        name : str
        keep : callable
            Makes an object of the file, after which there is none of its name.
        has : callable
            Whether there is such an object, and it stays.
        """
        path = self._directories.made(INCOMING) / checked_part(name)
        with growing_file(path, mode=_MODE) as file:
            if file is None:
                yield None
                return
            note_path = path.with_suffix(NOTE)
            with (
                digesting_beside() as digesting,
                open_note(note_path, file, self._boot) as note,
            ):
                became = note.became if note.became and has(note.became) else None
                part = FilePart(file, keep, note, digesting, self._seal, became)
                try:
                    yield part
                finally:
                    if part.is_finished or not file.size:
                        remove_file(note_path)
                    else:
                        note.close()

    def size(self, name: str) -> int | None:
        """Bytes of a part, whoever works on it; None where there is none."""
        try:
            return (self._directories.root / INCOMING / checked_part(name)).stat().st_size
        except OSError:
            return None

    @contextmanager
    def adopted(self, path: Path, how: Sequence[Way]) -> Iterator[tuple[Path, Stored] | None]:
        """Bring a file in, the first way that is possible, and say what it is by what is there.

        It goes when the block ends, unless it was renamed. None where no way is possible.
        """
        if not path.is_file():
            raise StoreError(f"Cannot adopt {path}: it is no file, or cannot be reached")
        directory = self._directories.made(INCOMING)
        for way in how:
            with _brought(path.resolve(), directory, way) as temporary:
                if temporary is not None:
                    with temporary.open("rb") as file:
                        digest, size = sha256_of(file), os.fstat(file.fileno()).st_size
                    yield temporary, Stored(digest, size)
                    return
        yield None

    def abandoned(self, before: float) -> list[Leftover]:
        """What nobody has locked and was last written earlier, seconds since 1970."""
        return [_leftover(path) for path in self._abandoned(before)]

    def remove_abandoned(self, before: float) -> list[Leftover]:
        """Remove that, and say what it was."""
        removed = []
        for path in self._abandoned(before):
            left = _leftover(path)
            remove_abandoned(path)
            if not path.exists():
                removed.append(left)
        for path in self._notes():
            if not path.with_suffix(PART).exists() and is_abandoned(path, before):
                remove_abandoned(path)
        return removed

    def _notes(self) -> list[Path]:
        directory = self._directories.root / INCOMING
        return [directory / name for name in names_in(directory) if name.endswith(NOTE)]

    def _abandoned(self, before: float) -> list[Path]:
        directory = self._directories.root / INCOMING
        parts = [directory / name for name in names_in(directory) if name_of_part(name)]
        return [
            *(path for path in parts if is_abandoned(path, before)),
            *abandoned_files(directory, before),
            *abandoned_files(self._directories.root, before),
        ]


@contextmanager
def _brought(path: Path, directory: Path, way: Way) -> Iterator[Path | None]:
    """Give a file of no lasting name with the bytes of another one; None where that cannot be."""
    if way is Way.HARD_LINK and os.geteuid() in (0, path.stat().st_uid):  # else nobody protects it
        with temporary_link(path, directory, _ADOPTED) as temporary:
            yield temporary
    elif way in (Way.REFLINK, Way.COPY):
        with temporary_in(directory, _ADOPTED) as temporary:
            if way is Way.COPY:
                copy_bytes(path, temporary)
                yield temporary
            else:
                yield temporary if clone_bytes(path, temporary) else None
    else:
        yield None


def _leftover(path: Path) -> Leftover:
    try:
        status = path.stat()
    except OSError:  # gone meanwhile
        return Leftover(name_of_part(path.name) or path.name, 0, 0.0)
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return Leftover(name_of_part(path.name) or path.name, size, status.st_mtime)
