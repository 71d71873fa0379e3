"""Segment files: what each record has, by which path, and the bytes (DRMS semantics 3.4)."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .definitions import Segment
from .images import TEXT_SIZE, Shape, image_file, image_size, text_file
from .records import Series
from .storage import Units

__all__ = ["SegmentFile", "Shelf", "Stored", "axes", "folder_minute"]

_PATH: Final = re.compile(r"/SUM(\d+)/D(\d+)/S(\d{5})/([^/]+)")
_EXTENSIONS: Final = {"fits": ".fits", "fitz": ".fits", "fitsdep": ".fits", "fitzdep": ".fitz"}
_FITS: Final = tuple(_EXTENSIONS)
_FIXED_SHAPE: Final[Shape] = (64, 48)
_SMALL: Final = 128
_WRITTEN: Final = datetime(2015, 3, 1, tzinfo=UTC).timestamp()
_WIDTHS: Final = 5
_HEIGHTS: Final = 4
_KINDS: Final = _WIDTHS * _HEIGHTS

_Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """One file of one record.

    Attributes
    ----------
    series : Series
    row : int
        Of the series' columns.
    segment : Segment
    name : str
        Without directory; empty when the record has no such file.
    """

    series: Series
    row: int
    segment: Segment
    name: str

    @property
    def recnum(self) -> int:
        """Number of the record."""
        return int(self.series.columns["recnum"][self.row])

    @property
    def sunum(self) -> int:
        """Number of the storage unit."""
        return int(self.series.columns["sunum"][self.row])

    @property
    def key(self) -> _Key:
        """What it is known by: series and segment in lower case, and the record number."""
        return _key(self.series.definition.name, self.recnum, self.segment.name)


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that lie somewhere.

    Attributes
    ----------
    read, other : callable
        The bytes, and others in their place.
    modified : float
        When they were written, in seconds of the Unix epoch.
    """

    read: Callable[[], bytes]
    other: Callable[[], bytes]
    modified: float


def _key(series: str, recnum: int, segment: str) -> _Key:
    return series.lower(), int(recnum), segment.lower()


def axes(segment: Segment, recnum: int) -> Shape:
    """Columns and rows of a generated image."""
    if "VAR" in segment.dims:
        return 48 + 4 * (recnum % _WIDTHS), 32 + 2 * (recnum % _HEIGHTS)
    known = tuple(int(n) for n in segment.dims.split("x") if n)
    small = len(known) == 2 and max(known) <= _SMALL
    return (known[0], known[1]) if small else _FIXED_SHAPE


def folder_minute(sunum: int) -> int:
    """Minute of 2015.03.01 (UT) in which a unit was written."""
    return sunum % 1440


class Shelf:
    """The files of every record, most of which are made when they are first asked for."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self._lock = threading.Lock()
        self._names: dict[_Key, str] = {}
        self._given: dict[_Key, Path] = {}
        self._editions: dict[_Key, int] = {}

    # ------------------------------------------------------------ changes
    def name_file(self, series: str, recnum: int, segment: str, name: str) -> None:
        """Give a file another name; the empty name says that the record has no such file."""
        with self._lock:
            self._names[_key(series, recnum, segment)] = name

    def give(self, series: str, recnum: int, segment: str, path: Path) -> None:
        """Serve the bytes of a real file in place of generated ones."""
        with self._lock:
            self._given[_key(series, recnum, segment)] = path

    def rewrite(self, series: str, recnum: int, segment: str) -> None:
        """Let other bytes of the same size lie under the same path."""
        key = _key(series, recnum, segment)
        with self._lock:
            self._editions[key] = self._editions.get(key, 0) + 1

    # ------------------------------------------------------------ places
    def folders(self, series: Series, rows: NDArray[Any]) -> list[str]:
        """Slot directory of each record; empty where the unit is not on disk."""
        slots = series.columns["slotnum"][rows].tolist()
        units = self.units.folders(series.columns["sunum"][rows])
        return [f"{u}/S{slot:05d}" if u else "" for u, slot in zip(units, slots, strict=True)]

    def names(self, series: Series, rows: NDArray[Any], segment: Segment) -> list[str]:
        """File name of a segment of each record; empty where there is no file."""
        usual = segment.name + _EXTENSIONS.get(segment.protocol.lower(), "")
        with self._lock:
            told = dict(self._names)
        if not told:
            return [usual] * len(rows)
        series_name = series.definition.name
        recnums = series.columns["recnum"][rows].tolist()
        return [told.get(_key(series_name, recnum, segment.name), usual) for recnum in recnums]

    def paths(self, series: Series, rows: NDArray[Any], segment: Segment) -> list[str]:
        """Path of a segment of each record, as ``rs_list`` says it (semantics 4.2.4).

        A record on tape has ``NoDataDirectory``; one without a file the directory, with a slash.
        """
        folders = self.folders(series, rows)
        names = self.names(series, rows, segment)
        return [
            f"{folder}/{name}" if folder else "NoDataDirectory"
            for folder, name in zip(folders, names, strict=True)
        ]

    def files(
        self, series: Series, row: int, segments: Iterable[Segment] | None = None
    ) -> list[SegmentFile]:
        """The files of one record, those without a name among them."""
        rows = np.array([row])
        chosen = series.definition.segments if segments is None else segments
        return [SegmentFile(series, row, s, self.names(series, rows, s)[0]) for s in chosen]

    def path(self, file: SegmentFile) -> str:
        """Where a file lies; empty when its unit is not on disk, or the record has no such file."""
        folder = self.folders(file.series, np.array([file.row]))[0]
        return f"{folder}/{file.name}" if folder and file.name else ""

    def find(self, path: str, series: Iterable[Series]) -> SegmentFile | None:
        """The file at a path; None when nothing lies there (now)."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        sunum, slot = int(match[2]), int(match[3])
        if self.units.folder(sunum) != f"/SUM{match[1]}/D{match[2]}":
            return None
        for one in series:
            here = (one.columns["sunum"] == sunum) & (one.columns["slotnum"] == slot)
            for row in np.flatnonzero(here).tolist():
                for file in self.files(one, row):
                    if file.name == match[4]:
                        return file
        return None

    def stored(self, path: str, series: Iterable[Series]) -> Stored | None:
        """What lies at a path; None when nothing does (now)."""
        file = self.find(path, series)
        if file is None:
            return None
        return Stored(partial(self.read, file), partial(self.other, file), self.modified(file))

    # ------------------------------------------------------------ bytes
    def read(self, file: SegmentFile) -> bytes:
        """The bytes of a file."""
        with self._lock:
            given = self._given.get(file.key)
        if given is not None:
            return given.read_bytes()
        return self._make(file, self._identity(file))

    def other(self, file: SegmentFile) -> bytes:
        """Bytes that a file does not have, of the same size."""
        with self._lock:
            given = self._given.get(file.key)
        if given is not None:
            return bytes(byte ^ 0x55 for byte in given.read_bytes())
        return self._make(file, self._identity(file) + " other")

    def modified(self, file: SegmentFile) -> float:
        """When a file was written last, in seconds of the Unix epoch."""
        with self._lock:
            given = self._given.get(file.key)
            edition = self._editions.get(file.key, 0)
        if given is not None:
            return given.stat().st_mtime
        return _WRITTEN + 60.0 * folder_minute(file.sunum) + 86400.0 * edition

    def size(self, file: SegmentFile) -> int:
        """How many bytes `read` gives, without making them."""
        with self._lock:
            given = self._given.get(file.key)
        if not file.name:
            return 0
        if given is not None:
            return given.stat().st_size
        if file.segment.protocol.lower() in _FITS:
            return image_size(file.segment.type, axes(file.segment, file.recnum))
        return TEXT_SIZE

    def sizes(self, series: Series, rows: NDArray[Any]) -> list[int]:
        """Bytes of all files of each record."""
        name = series.definition.name.lower()
        with self._lock:
            odd = {r for s, r, _ in (*self._names, *self._given) if s == name}
        usual: dict[int, int] = {}
        sizes: list[int] = []
        for row, recnum in zip(rows.tolist(), series.columns["recnum"][rows].tolist(), strict=True):
            kind = recnum % _KINDS  # records of one kind have files of the same sizes
            if recnum in odd or kind not in usual:
                size = sum(self.size(file) for file in self.files(series, row))
                if recnum not in odd:
                    usual[kind] = size
            else:
                size = usual[kind]
            sizes.append(size)
        return sizes

    def _make(self, file: SegmentFile, identity: str) -> bytes:
        if file.segment.protocol.lower() in _FITS:
            return image_file(identity, file.segment.type, axes(file.segment, file.recnum))
        return text_file(identity)

    def _identity(self, file: SegmentFile) -> str:
        with self._lock:
            edition = self._editions.get(file.key, 0)
        series, recnum, segment = file.key
        return f"{series}[:#{recnum}]{{{segment}}}" + (f" edition {edition}" if edition else "")
