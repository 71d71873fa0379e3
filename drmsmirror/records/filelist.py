"""The files of one version of a record table, and what the log tells of them.

Read once from the log and never changed, so that any number of questions may choose files from it
at the same time, whatever is written meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.recordset import Span
from drmsmirror.records.former import FORMER_PROPERTY
from drmsmirror.records.schema import NO_TIME, PERIOD

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["DataFile", "FileList", "Ranges", "commit_file"]

_Found = TypeVar("_Found")

#: Columns, each with spans of which a row has to lie in one.
Ranges = Sequence[tuple[str, Sequence[Span]]]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file, as the log describes it.

    Parameters
    ----------
    path : str
        Relative to the table.
    period : str
        Partition that it belongs to.
    bytes, rows : int
    written : float
        When, seconds since 1970.
    low, high : float or None
        Smallest and largest position on the axis; None where that is not known, or missing.
    """

    path: str
    period: str
    bytes: int
    rows: int
    written: float
    low: float | None
    high: float | None


class FileList:
    """The files of a record table at one version.

    Parameters
    ----------
    path : Path
        Directory of the table.
    version : int
    schema : pyarrow.Schema
        Columns that the table has.
    actions : pyarrow.Table
        One row a file, as ``DeltaTable.get_add_actions(flatten=True)`` gives them.
    former : str
        What the table says of its :mod:`former columns <drmsmirror.records.former>`.
    """

    def __init__(
        self, path: Path, version: int, schema: pa.Schema, actions: pa.Table, former: str = ""
    ) -> None:
        self.version = version
        self.schema = schema
        self.types = dict(zip(schema.names, schema.types, strict=True))
        self.former = former
        self._path = path
        self._actions = actions
        self._paths = [str(path / file) for file in actions["path"].to_pylist()]
        self._commit = _identity(commit_file(path, version))
        self._bounds: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        self._found: dict[Hashable, object] = {}

    @classmethod
    def of(cls, path: Path, delta: DeltaTable) -> FileList:
        """What an open Delta table consists of."""
        actions = pa.table(delta.get_add_actions(flatten=True))
        former = delta.metadata().configuration.get(FORMER_PROPERTY, "")
        return cls(path, int(delta.version()), pa.schema(delta.schema()), actions, former)

    def is_newest(self) -> bool:
        """Whether nothing was committed since, and the table was not put back from a copy."""
        is_last = not commit_file(self._path, self.version + 1).exists()
        return is_last and _identity(commit_file(self._path, self.version)) == self._commit

    def paths(self, *wanted: Ranges) -> list[str]:
        """Paths of the files that can hold a row that lies in all ranges of one of ``wanted``.

        Parameters
        ----------
        *wanted : sequence of tuple
            None at all means every file. A file of which the log does not tell the smallest and
            largest value can hold any.
        """
        if not wanted:
            return list(self._paths)
        return [self._paths[number] for number in self._chosen(wanted)]

    def periods(self, *wanted: Ranges) -> list[str]:
        """The partitions of those files, each once."""
        periods = self._values(f"partition.{PERIOD}")
        return sorted({periods[number] for number in self._chosen(wanted)})

    def smallest(self, column: str) -> list[Any]:
        """The smallest value of a column in each file; None where it is not known."""
        return self._values(f"min.{column}")

    def largest(self, column: str) -> list[Any]:
        """The largest value of a column in each file; None where it is not known."""
        return self._values(f"max.{column}")

    def value_after(self, column: str, low: float, rows: int) -> float | None:
        """A value of a column so that as many rows at least lie between it and ``low``.

        None where the log does not tell one, since there are fewer or it does not tell their
        values. The value itself lies above all those rows.
        """
        files = zip(
            self.smallest(column), self.largest(column), self._values("num_records"), strict=True
        )
        known = sorted(
            (most, count)
            for least, most, count in files
            if least is not None and most is not None and least >= low
        )
        found = 0
        for most, count in known:
            found += count
            if found >= rows:
                return float(most) + 1.0
        return None

    def row_count(self) -> int:
        """Number of rows, all versions counted."""
        return sum(self._values("num_records"))

    def sizes(self) -> dict[str, list[int]]:
        """Sizes of the files of each partition, bytes."""
        sizes: dict[str, list[int]] = {}
        periods, bytes_ = self._values(f"partition.{PERIOD}"), self._values("size_bytes")
        for period, size in zip(periods, bytes_, strict=True):
            sizes.setdefault(period, []).append(size)
        return sizes

    def described(self, axis: str) -> list[DataFile]:
        """Every file as the log describes it; ``axis`` is the column of positions."""
        described = zip(
            self._values("path"),
            self._values(f"partition.{PERIOD}"),
            self._values("size_bytes"),
            self._values("num_records"),
            self._values("modification_time"),
            self._values(f"min.{axis}"),
            self._values(f"max.{axis}"),
            strict=True,
        )
        return [
            DataFile(path, period, size, rows, written / 1000, low, high)
            if period != NO_TIME
            else DataFile(path, period, size, rows, written / 1000, None, None)
            for path, period, size, rows, written, low, high in described
        ]

    def once(self, what: Hashable, find: Callable[[], _Found]) -> _Found:
        """Find something out about the rows of this version, the first time that it is asked."""
        if what not in self._found:
            self._found[what] = find()
        return cast(_Found, self._found[what])

    def _values(self, name: str) -> list[Any]:
        """A column of the log's, by its name; None throughout where there is none."""
        if name not in self._actions.column_names:
            return [None] * len(self._paths)
        return cast(list[Any], self._actions[name].to_pylist())

    def _chosen(self, wanted: Sequence[Ranges]) -> np.ndarray:
        """Numbers of the files that can hold a row that lies in all ranges of one of ``wanted``."""
        chosen = np.zeros(len(self._paths), dtype=bool)
        for ranges in wanted:
            chosen |= self._can_hold(ranges)
        return np.flatnonzero(chosen)

    def _can_hold(self, ranges: Ranges) -> np.ndarray:
        chosen = np.ones(len(self._paths), dtype=bool)
        for column, spans in ranges:
            least, most, known = self._bounds_of(column)
            chosen &= ~known | _meets(least, most, spans)
        return chosen

    def _bounds_of(self, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Smallest and largest value of a column in each file, and whether they are known."""
        if column not in self._bounds:
            lowest, highest = (
                (f"partition.{PERIOD}",) * 2
                if column == PERIOD
                else (f"min.{column}", f"max.{column}")
            )
            self._bounds[column] = self._read_bounds(lowest, highest)
        return self._bounds[column]

    def _read_bounds(self, lowest: str, highest: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not {lowest, highest} <= set(self._actions.column_names):
            nothing = np.zeros(len(self._paths))
            return nothing, nothing, nothing.astype(bool)
        least, most = self._actions[lowest], self._actions[highest]
        known = pc.and_(pc.is_valid(least), pc.is_valid(most))
        return _filled(least), _filled(most), np.asarray(known)


def commit_file(path: Path, version: int) -> Path:
    """The file of the log that made a version of a table."""
    return path / "_delta_log" / f"{version:020d}.json"


def _identity(file: Path) -> tuple[int, int, int] | None:
    """What tells a file from another of its name; None where there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _filled(values: pa.ChunkedArray) -> np.ndarray:
    """As NumPy's, exactly; something of the type stands for null."""
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        return cast(np.ndarray, pc.fill_null(values.cast(pa.string()), "").to_numpy())
    return cast(np.ndarray, pc.fill_null(values, pa.scalar(0, values.type)).to_numpy())


def _meets(least: np.ndarray, most: np.ndarray, spans: Iterable[Span]) -> np.ndarray:
    """Whether what lies from ``least`` to ``most`` meets one of the spans."""
    meets = np.zeros(len(least), dtype=bool)
    for span in spans:
        inside = np.ones(len(least), dtype=bool)
        if span.low is not None:
            inside &= most >= span.low
        if span.high is not None:
            inside &= least <= span.high if span.high_included else least < span.high
        meets |= inside
    return meets
