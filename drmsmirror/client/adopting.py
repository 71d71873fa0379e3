"""Adopt files that somebody has: each that can be recognised and is whole becomes the mirror's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from drmsmirror.client.client import Client
from drmsmirror.client.matching import Claim, Mismatch, NotMatchedError, Records, Series
from drmsmirror.errors import DrmsMirrorError, FitsError, NoSpaceError, StoreError
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.objects import Way
from drmsmirror.segments.adopting import LINKED, Exports, adopt_export, adopt_stored, examine
from drmsmirror.segments.outcome import Form
from drmsmirror.segments.recognising import clue_of

__all__ = ["Adopted", "Adoption", "adopt", "files_below"]

_ENDINGS = (".fits", ".fit", ".fts", ".fits.fz")
_PACKED = tuple(f"{ending}.gz" for ending in _ENDINGS)
#: So many files are looked at together.
_AT_ONCE = 100


class Adoption(StrEnum):
    """What becomes of a file."""

    ADOPTED = "adopted"
    HELD = "held"  #: the mirror has that file of the record already; nothing was done
    UNRECOGNISED = "not recognised"
    OTHER_VERSION = "other version"  #: it is of a version of the record that was superseded
    NO_RECORD = "no record"  #: the record that it says it is of cannot be found
    DAMAGED = "damaged"
    FAILED = "failed"

    @property
    def is_there(self) -> bool:
        """Whether the mirror has it."""
        return self in (Adoption.ADOPTED, Adoption.HELD)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A file, and what became of it, or would.

    Parameters
    ----------
    path : Path
    adoption : Adoption
    file : SegmentFile or None
        What it is.
    form : Form or None
        In which form.
    size_bytes : int
    message : str
        Why it was not adopted, and what to do about it.
    """

    path: Path
    adoption: Adoption
    file: SegmentFile | None = None
    form: Form | None = None
    size_bytes: int = 0
    message: str = ""


def files_below(places: Sequence[Path]) -> Iterator[Path]:
    """The files that are called like FITS files: those named, and those below directories.

    Parameters
    ----------
    places : sequence of Path
        Links among them are followed, and no others.

    Yields
    ------
    Path
        In order of name; each once. Directories that cannot be read are among them.
    """
    seen = set()
    for place in places:
        for path in _below(place.resolve()):
            if path not in seen:
                seen.add(path)
                yield path


def adopt(
    client: Client,
    paths: Sequence[Path],
    *,
    how: Sequence[Way] = LINKED,
    trust_names: bool = False,
    dry_run: bool = False,
) -> Iterator[Adopted]:
    """Adopt files; one that cannot be keeps no other from it.

    Parameters
    ----------
    client : Client
        Finds the records.
    paths : sequence of Path
    how : sequence of Way
        The first that is possible brings the bytes into the store; else they are copied.
    trust_names : bool
        Whether files whose header says no record number, as JSOC stores them, are taken for those
        of the newest version of the record that their name tells.
    dry_run : bool
        Only say what would become of each.

    Yields
    ------
    Adopted
        One for each, in their order.

    Raises
    ------
    NoSpaceError
        There is no room for one; those before it were adopted.
    """
    work = _Work(client, how, trust_names, dry_run)
    left = iter(paths)
    while some := list(islice(left, _AT_ONCE)):
        yield from work.adopt(some)


class _Work:
    """An adoption under way."""

    def __init__(
        self, client: Client, how: Sequence[Way], trust_names: bool, dry_run: bool
    ) -> None:
        self._mirror = client.mirror
        self._how, self._trust_names, self._dry_run = how, trust_names, dry_run
        self._series, self._records = Series(client), Records(client)

    def adopt(self, paths: Sequence[Path]) -> Iterator[Adopted]:
        """Adopt some files: their records, and what is held of them, are looked up together."""
        claims = {path: self._claim(path) for path in paths}
        valid = {path: one for path, one in claims.items() if isinstance(one, Claim)}
        files = dict(zip(valid, self._records.files(list(valid.values())), strict=True))
        held = self._held([file for file in files.values() if isinstance(file, SegmentFile)])
        for path, claim in claims.items():
            if isinstance(claim, Adopted):
                yield claim
                continue
            file, form = files[path], Form.FITS if claim.has_header else Form.AS_IS
            if not isinstance(file, SegmentFile):
                yield _refused(path, file)
            elif file in held:
                yield Adopted(path, Adoption.HELD, file, form, _size_of(path))
            else:
                adopted = self._take(path, file, form)
                if adopted.adoption is Adoption.ADOPTED:
                    held.add(file)
                yield adopted

    def _claim(self, path: Path) -> Claim | Adopted:
        """What a file claims to be, or why it is nothing."""
        try:
            if path.is_symlink():
                raise NotMatchedError(
                    Mismatch.UNRECOGNISED, f"it is a link to {path.readlink()}; name that"
                )
            if path.is_dir():
                raise StoreError(f"{path} is a directory that cannot be read")
            if not path.is_file():  # to open a pipe would be to wait for who writes to it
                raise NotMatchedError(Mismatch.UNRECOGNISED, "it is no file, or not there any more")
            if path.name.lower().endswith(_PACKED):
                raise NotMatchedError(
                    Mismatch.UNRECOGNISED, "it is packed; unpack it (gunzip), and adopt that"
                )
            return self._series.claim(clue_of(path), trust_names=self._trust_names)
        except (NotMatchedError, DrmsMirrorError) as error:
            return _refused(path, error)

    def _held(self, files: Sequence[SegmentFile]) -> set[SegmentFile]:
        """Those of which the image is there already, in whatever form."""
        exports = Exports(self._mirror).held(files)
        return {*self._mirror.catalogue.segments.locate(files), *exports}

    def _take(self, path: Path, file: SegmentFile, form: Form) -> Adopted:
        """Take a file in whose record is known."""
        try:
            sha256, size = examine(path), path.stat().st_size
            if not self._dry_run:
                take = adopt_export if form is Form.FITS else adopt_stored
                take(self._mirror, file, path, sha256, self._how)
        except NoSpaceError:
            raise
        except DrmsMirrorError as error:
            return _refused(path, error)
        except OSError as error:  # its owner removed it meanwhile
            return _refused(path, StoreError(f"Cannot read {path}: {error.strerror or error}"))
        return Adopted(path, Adoption.ADOPTED, file, form, size)


def _refused(path: Path, error: Exception) -> Adopted:
    if isinstance(error, NotMatchedError):
        return Adopted(path, Adoption(error.mismatch.value), message=str(error))
    adoption = Adoption.DAMAGED if isinstance(error, FitsError) else Adoption.FAILED
    return Adopted(path, adoption, message=str(error))


def _below(place: Path) -> Iterator[Path]:
    if not place.is_dir():
        yield place
        return
    unreadable: list[OSError] = []
    for directory, names, files in os.walk(place, onerror=unreadable.append):
        names.sort()
        for name in sorted(files):
            if name.lower().endswith(_ENDINGS + _PACKED):
                yield Path(directory, name)
    yield from (Path(error.filename) for error in unreadable)


def _size_of(path: Path) -> int:
    """Bytes of a file; none of one that its owner removed meanwhile."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
