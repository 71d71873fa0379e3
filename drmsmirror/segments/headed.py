"""Files with the header of their record: made of the file as it is stored, and kept beside it.

The same file and the same keywords make the same bytes, which are made once; other keywords make
another file, and leave the one before alone.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from drmsmirror.catalogue import MadeFile
from drmsmirror.errors import FitsError, LockedError, NoSpaceError
from drmsmirror.mirror import Mirror
from drmsmirror.model.fitscards import Card
from drmsmirror.objects import Condition, Part
from drmsmirror.segments.outcome import FileState, Form, Outcome
from drmsmirror.segments.room import Room

__all__ = ["HeadedFiles"]

#: Changes with the way in which files are written, so that those of another way are made anew.
_WAY = "fits 1"
#: How often it is looked whether another process has made a file, seconds.
_LOOK_EVERY = 0.05
#: Room that is reserved for a header, bytes: a thousand cards.
_HEADER = 80_000

_FITS = b"SIMPLE  ="

_FETCH_AGAIN = "It counts as not there now: run the same again, and it is fetched anew"


class HeadedFiles:
    """The files of a mirror that have the header of their record.

    Parameters
    ----------
    mirror : Mirror
    pause : callable
        Lets seconds go by while another process makes the same file.
    """

    def __init__(self, mirror: Mirror, pause: Callable[[float], object] = time.sleep) -> None:
        self._made = mirror.catalogue.made
        self._downloads = mirror.catalogue.downloads
        self._index = mirror.catalogue.segments
        self._store = mirror.objects
        self._room = Room(mirror, pause)
        self._pause = pause

    def of(self, outcome: Outcome, cards: Sequence[Card]) -> Outcome:
        """Give a file with its record's header, in place of the file as it is stored.

        Parameters
        ----------
        outcome : Outcome
            What came of the file as it is stored.
        cards : sequence of Card
            What :func:`~drmsmirror.segments.headers.segment_cards` gives.

        Returns
        -------
        Outcome
            Where the file with the header is. The same outcome where there is no file, and where
            it is no FITS file: text has no header. A file that none can be written for has failed.

        Raises
        ------
        StoreError
        """
        if not outcome.state.is_there or not self._is_fits(outcome):
            return outcome
        texts = "".join(text for card in cards for text in card.images())
        digest = hashlib.sha256(f"{_WAY}\0{outcome.sha256}\0{texts}".encode()).hexdigest()
        try:
            made = self._kept(digest) or self._room.storing(
                lambda: self._make(digest, outcome, cards)
            )
        except (FitsError, NoSpaceError) as error:
            return Outcome(outcome.file, FileState.FAILED, message=str(error))
        return replace(
            outcome,
            path=self._store.local_path(made.sha256),
            sha256=made.sha256,
            size_bytes=made.size_bytes,
            file_name=made.file_name,
            form=Form.FITS,
            url=self._store.url(made.sha256),
        )

    def _is_fits(self, outcome: Outcome) -> bool:
        with self._store.open(outcome.sha256) as file:
            return file.read(len(_FITS)) == _FITS

    def _kept(self, digest: str) -> MadeFile | None:
        for made in self._made.use(digest):
            if self._store.exists(made.sha256):
                return made
        return None

    def _make(self, digest: str, outcome: Outcome, cards: Sequence[Card]) -> MadeFile:
        """Write a file, or wait for whoever is writing it."""
        while True:
            with self._store.part(digest) as part:
                if part is not None:
                    return self._kept(digest) or self._written(digest, part, outcome, cards)
            self._pause(_LOOK_EVERY)

    def _written(
        self, digest: str, part: Part, outcome: Outcome, cards: Sequence[Card]
    ) -> MadeFile:
        from drmsmirror.segments.fits import fits_pieces  # which loads NumPy

        part.restart()  # of one that was killed nobody knows how far it came
        self._room.reserve(digest, outcome.size_bytes + _HEADER)
        try:
            with self._source(outcome) as source:
                for piece in fits_pieces(source, cards):
                    part.append(piece)
            stored = part.finish()
            made = MadeFile(stored.sha256, stored.size_bytes, _name_of(outcome), of=outcome.file)
            self._made.keep(digest, [made])
        except (FitsError, NoSpaceError):
            part.restart()  # it could not be gone on with
            raise
        finally:
            self._downloads.end([digest])
        if not self._store.exists(made.sha256):  # what had the same bytes went between the two
            raise LockedError(f"{outcome.file} was removed by another process once it was written")
        return made

    @contextmanager
    def _source(self, outcome: Outcome) -> Iterator[Path]:
        """The file as it is stored, as a file of this host, and with the bytes that it had."""
        if outcome.path is not None:
            found = self._store.hash_of(outcome.sha256, outcome.size_bytes)
            if found.condition is not Condition.INTACT:
                self._index.say_damaged(outcome.sha256)
                raise FitsError(f"{outcome.path} is {found.condition.value}. {_FETCH_AGAIN}")
            yield outcome.path
            return
        with tempfile.TemporaryDirectory(prefix="drmsmirror-") as directory:
            copy = Path(directory) / "stored.fits"
            self._store.fetch_to(outcome.sha256, copy)
            yield copy


def _name_of(outcome: Outcome) -> str:
    name = outcome.file_name.removesuffix(".fz") or outcome.file.segment
    return str(PurePosixPath(name).with_suffix(".fits"))
