"""A series' records as columns, with the order and the latest versions worked out once."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .definitions import SeriesDefinition

__all__ = [
    "SYSTEM_COLUMNS",
    "Series",
    "constant_column",
    "first_unit",
    "is_constant_column",
    "text_ranks",
]

SYSTEM_COLUMNS: Final = ("recnum", "sunum", "slotnum")

Column = NDArray[Any]


def first_unit(series: str) -> int:
    """Where the numbers of a series' storage units begin: far from those of other series."""
    return 1_148_000_000 + 20_000_000 * (zlib.crc32(series.lower().encode()) % 900)


def constant_column(value: Any, dtype: Any, rows: int) -> Column:
    """A column of one value that takes no memory per row."""
    cell = np.empty(1, dtype=dtype)
    cell[0] = value
    return np.broadcast_to(cell, (rows,))


def is_constant_column(column: Column) -> bool:
    """Whether a column was made by `constant_column`."""
    return column.strides == (0,)


def text_ranks(column: Column) -> NDArray[np.int64]:
    """Rank of each string in byte order (equal strings, equal ranks)."""
    ranks = {text: i for i, text in enumerate(sorted(set(column.tolist())))}
    return np.fromiter((ranks[text] for text in column.tolist()), np.int64, len(column))


@dataclass(frozen=True, eq=False)
class Series:
    """A definition and the records under it. Never changed: a change makes a new one.

    Attributes
    ----------
    definition : SeriesDefinition
    columns : mapping of str to ndarray
        ``recnum``, ``sunum``, ``slotnum``, every stored keyword in lower case (DRMS semantics 3.2)
        and, for keywords read through links, the value that the link yields.
    """

    definition: SeriesDefinition
    columns: Mapping[str, Column]

    @property
    def rows(self) -> int:
        """Number of records, all versions."""
        return len(self.columns["recnum"])

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Row numbers in the order of answers: internal prime keys, then recnum (semantics 1.8)."""
        keys: list[Column] = [self.columns["recnum"]]
        for name in reversed(self.definition.internal_primekeys):
            column = self.columns[name]
            keys.append(text_ranks(column) if column.dtype == object else column)
        return np.lexsort(tuple(keys))

    @cached_property
    def latest(self) -> NDArray[np.bool_]:
        """Rows that are the newest version of their prime key (semantics 1.8)."""
        mask = np.ones(self.rows, dtype=bool)
        names = self.definition.internal_primekeys
        if not names or self.rows == 0:
            return mask
        changes = np.zeros(self.rows - 1, dtype=bool)
        for name in names:
            column = self.columns[name][self.order]
            differs = column[1:] != column[:-1]
            if column.dtype.kind == "f":
                differs &= ~(np.isnan(column[1:]) & np.isnan(column[:-1]))
            changes |= differs.astype(bool)
        mask[self.order[:-1]] = changes
        return mask

    def take(self, rows: NDArray[Any]) -> dict[str, Column]:
        """The columns at some rows, as a new table."""
        return {name: _pick(column, rows) for name, column in self.columns.items()}

    def with_rows(self, more: Mapping[str, Column]) -> Series:
        """The series with more records behind; both must have the same columns."""
        joined = {name: _join(self.columns[name], more[name]) for name in self.columns}
        return Series(self.definition, joined)

    def without(self, drop: NDArray[np.bool_]) -> Series:
        """The series without the masked records."""
        return Series(self.definition, self.take(np.flatnonzero(~drop)))


def _pick(column: Column, rows: NDArray[Any]) -> Column:
    if is_constant_column(column) and len(column):
        return constant_column(column[0], column.dtype, len(rows))
    picked: Column = column[rows]
    return picked


def _join(first: Column, second: Column) -> Column:
    if len(first) and len(second) and is_constant_column(first) and is_constant_column(second):
        a, b = first[0], second[0]
        if a == b or (a != a and b != b):
            return constant_column(a, first.dtype, len(first) + len(second))
    return np.concatenate([first, second])
