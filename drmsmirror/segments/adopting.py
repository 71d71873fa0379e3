"""Files that somebody has already become files of the mirror.

A file as JSOC stores it becomes the segment's file. One that an export wrote, with the record's
keywords in its header, has the same image and other bytes: it is kept beside, and given to whoever
takes either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from drmsmirror.catalogue import MadeFile
from drmsmirror.errors import FitsError, LockedError, StoreError
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.objects import Stored, Way
from drmsmirror.segments.outcome import FileState, Form, Outcome
from drmsmirror.segments.room import Room

__all__ = ["COPIED", "LINKED", "Exports", "adopt_export", "adopt_stored", "examine"]

#: Ways to take a file in that share its bytes with its owner, who may write to it or not; where
#: none is possible it is copied.
LINKED = (Way.REFLINK, Way.HARD_LINK)
COPIED = (Way.REFLINK,)

#: Bytes that are copied at once.
_PIECE = 2**20

_Keep = Callable[[Stored], None]


def examine(path: Path) -> str:
    """Make sure that the data of a FITS file are those of which its header has the sum.

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    FitsError
        They are not, or it is no whole FITS file.
    StoreError
        It cannot be read.
    """
    from drmsmirror.segments.checksums import has_right_sums  # which loads NumPy

    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror or error}") from error
    if not has_right_sums(path):
        raise FitsError(f"{path} is damaged: its data have another sum than its header says")
    return sha256


def adopt_stored(
    mirror: Mirror, file: SegmentFile, path: Path, sha256: str, how: Sequence[Way]
) -> Stored:
    """Make a file as JSOC stores it the file of a segment.

    Parameters
    ----------
    mirror : Mirror
    file : SegmentFile
    path : Path
    sha256 : str
        What it was found to be.
    how : sequence of Way
        The first that is possible brings the bytes into the store; else they are copied.

    Raises
    ------
    NoSpaceError, StoreError, LockedError
    WrongContentError
        It changed meanwhile.
    """

    def keep(stored: Stored) -> None:
        name = f"{file.segment}.fits"
        mirror.catalogue.segments.keep(file, stored.sha256, stored.size_bytes, name)

    name = hashlib.sha256(f"adopted\0{file.digest}".encode()).hexdigest()  # not that of a download
    return _put(mirror, name, path, sha256, how, keep)


def adopt_export(
    mirror: Mirror, file: SegmentFile, path: Path, sha256: str, how: Sequence[Way]
) -> Stored:
    """Keep an exported file of a segment beside the file as it is stored, in the same way."""

    def keep(stored: Stored) -> None:
        name = f"{file.segment}.fits"
        made = MadeFile(stored.sha256, stored.size_bytes, name, of=file)
        mirror.catalogue.made.keep(_digest(file), [made])

    return _put(mirror, _digest(file), path, sha256, how, keep)


class Exports:
    """Exported files that were adopted.

    Parameters
    ----------
    mirror : Mirror
    """

    def __init__(self, mirror: Mirror) -> None:
        self._made = mirror.catalogue.made
        self._store = mirror.objects

    def held(self, files: Iterable[SegmentFile]) -> dict[SegmentFile, Outcome]:
        """Give the exported files of some segments, those that are there."""
        digests = {_digest(file): file for file in files}
        found = {}
        for digest, (made, *_) in self._made.use_all(digests).items():
            path = self._store.local_path(made.sha256)
            if path is None and not self._store.exists(made.sha256):
                continue
            file = digests[digest]
            found[file] = Outcome(
                file,
                FileState.HELD,
                path,
                made.sha256,
                made.size_bytes,
                made.file_name,
                form=Form.FITS,
                url=self._store.url(made.sha256),
            )
        return found

    def shown_by(self, sha256: str) -> tuple[SegmentFile, ...]:
        """Which segment files an object is the adopted export of; as the index spells them."""
        made = self._made.of_object(sha256).items()
        return tuple(
            one.of for digest, one in made if one.of is not None and digest == _digest(one.of)
        )


def _put(
    mirror: Mirror, name: str, path: Path, sha256: str, how: Sequence[Way], keep: _Keep
) -> Stored:
    """Store a file, in room that is reserved by the name by which it is kept."""
    room = Room(mirror)

    def stored() -> Stored:
        room.reserve(name, path.stat().st_size)
        stored = mirror.objects.put_file(path, how, sha256)
        if stored is None:
            stored = _copied(mirror, room, name, path, sha256)
        keep(stored)
        if not mirror.objects.exists(stored.sha256):
            raise LockedError(f"{path} was removed by another process as soon as it was taken in")
        return stored

    try:
        return room.storing(stored)
    finally:
        mirror.catalogue.downloads.end([name])


def _copied(mirror: Mirror, room: Room, name: str, path: Path, sha256: str) -> Stored:
    """Make an object of a copy of a file, for which the disk needs room too."""
    with mirror.objects.part(name) as part:
        if part is None:
            raise LockedError(f"Another process is copying {path}. Try again later")
        part.restart()  # the file may be another one by now
        room.reserve(name, path.stat().st_size)
        try:
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    part.append(piece)
            return part.finish(sha256)
        except (OSError, StoreError):
            part.restart()  # it is not gone on with
            raise


def _digest(file: SegmentFile) -> str:
    return hashlib.sha256(f"export\0{file.digest}".encode()).hexdigest()
