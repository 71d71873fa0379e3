"""Changes to a series, as an upstream makes them: each gives a new `Series`.

A new version of a record is a new record with a larger recnum and the same prime keys
(DRMS semantics 1.8); a change in place keeps its recnum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .definitions import Keyword
from .printing import column_texts
from .records import SYSTEM_COLUMNS, Series, constant_column, first_unit
from .select import select
from .taitime import parse_time

__all__ = [
    "add_keyword",
    "append",
    "change_in_place",
    "change_type",
    "drop_keyword",
    "find_rows",
    "remove",
    "revise",
]

Values = Mapping[str, Any]


def find_rows(series: Series, where: str | Sequence[int]) -> NDArray[np.int64]:
    """Rows meant by filters (``"[377][2011.02.15_TAI]"``) or by recnums."""
    if isinstance(where, str):
        return select(series.definition.name + where, lambda _: series)[0].rows
    return np.flatnonzero(np.isin(series.columns["recnum"], np.asarray(where, dtype=np.int64)))


def _typed(keyword: Keyword, value: Any, rows: int) -> NDArray[Any]:
    """A column of values of a keyword's type; times may be strings, None means missing."""
    cells = list(value) if isinstance(value, list | tuple | np.ndarray) else [value] * rows
    if len(cells) != rows:
        raise ValueError(f"{keyword.name}: {len(cells)} values for {rows} records")
    out = np.empty(rows, dtype=keyword.dtype)
    for i, cell in enumerate(cells):
        if cell is None:
            cell = keyword.missing
        elif keyword.type == "time" and isinstance(cell, str):
            parsed = parse_time(cell)
            if parsed is None:
                raise ValueError(f"{keyword.name}: not a time: {cell!r}")
            cell = parsed
        out[i] = cell
    return out


def _index_columns(series: Series, columns: dict[str, NDArray[Any]]) -> None:
    for name, slot in series.definition.slots.items():
        columns[f"{name}_index"] = slot.indices(columns[name].astype(np.float64))


def _set(series: Series, columns: dict[str, NDArray[Any]], values: Values) -> None:
    """Put values into a table in the making; unknown names are an error."""
    rows = len(columns["recnum"])
    for name, value in values.items():
        found = series.definition.resolve(name)
        column = name.lower() if found is None else found[1]
        if column in SYSTEM_COLUMNS:
            columns[column] = np.broadcast_to(np.asarray(value, dtype=np.int64), (rows,)).copy()
        elif found is None or column not in columns:
            raise KeyError(f"{series.definition.name} has no column {name}")
        else:
            columns[column] = _typed(found[0], value, rows)
    _index_columns(series, columns)


def _renumber(series: Series, columns: dict[str, NDArray[Any]]) -> None:
    """Fresh recnums and storage units for new records."""
    rows = len(columns["recnum"])
    top = int(series.columns["recnum"].max()) if series.rows else 0
    unit = int(series.columns["sunum"].max()) if series.rows else first_unit(series.definition.name)
    columns["recnum"] = np.arange(top + 1, top + 1 + rows, dtype=np.int64)
    columns["sunum"] = unit + 1 + np.arange(rows, dtype=np.int64) // 4
    columns["slotnum"] = np.arange(rows, dtype=np.int64) % 4


def append(series: Series, values: Values) -> tuple[Series, list[int]]:
    """Add records given by columns; keywords not named are missing. Returns the new recnums."""
    rows = max(
        (len(v) for v in values.values() if isinstance(v, list | tuple | np.ndarray)), default=1
    )
    columns: dict[str, NDArray[Any]] = {k: np.zeros(rows, np.int64) for k in SYSTEM_COLUMNS}
    for name, column in series.columns.items():
        if name not in SYSTEM_COLUMNS:
            found = series.definition.resolve(name)
            gap = found[0].missing if found is not None else 0
            columns[name] = constant_column(gap, column.dtype, rows)
    _renumber(series, columns)
    _set(series, columns, values)
    return series.with_rows(columns), columns["recnum"].tolist()


def revise(series: Series, where: str | Sequence[int], values: Values) -> tuple[Series, list[int]]:
    """New versions of records with some values changed. Returns the new recnums."""
    columns = series.take(find_rows(series, where))
    _renumber(series, columns)
    _set(series, columns, values)
    return series.with_rows(columns), columns["recnum"].tolist()


def change_in_place(
    series: Series, where: str | Sequence[int], values: Values
) -> tuple[Series, list[int]]:
    """Other values under the same recnum. Returns the recnums changed."""
    rows = find_rows(series, where)
    before = series.take(rows)
    after = dict(before)
    _set(series, after, values)
    columns = dict(series.columns)
    for name in (n for n in after if after[n] is not before[n]):
        changed = columns[name].copy()
        changed[rows] = after[name]
        columns[name] = changed
    return Series(series.definition, columns), series.columns["recnum"][rows].tolist()


def remove(series: Series, where: str | Sequence[int]) -> tuple[Series, list[int]]:
    """Take records away. Filters find the latest versions: an older one shows again, if any."""
    drop = np.zeros(series.rows, dtype=bool)
    drop[find_rows(series, where)] = True
    return series.without(drop), series.columns["recnum"][drop].tolist()


def add_keyword(series: Series, keyword: Keyword, value: Any = None) -> Series:
    """A new keyword at the end; existing records have `value` (None: missing)."""
    definition = series.definition.with_keywords((*series.definition.keywords, keyword))
    columns = dict(series.columns)
    if not keyword.is_constant:
        fill = _typed(keyword, value, 1)[0]
        columns[keyword.name.lower()] = constant_column(fill, keyword.dtype, series.rows)
    return Series(definition, columns)


def drop_keyword(series: Series, name: str) -> Series:
    """The series without a keyword (and its column); prime keys cannot go."""
    lower = name.lower()
    if lower in {k.lower() for k in series.definition.primekeys}:
        raise ValueError(f"{name} is a prime key")
    kept = tuple(k for k in series.definition.keywords if k.name.lower() != lower)
    if len(kept) == len(series.definition.keywords):
        raise KeyError(f"{series.definition.name} has no keyword {name}")
    definition = replace(series.definition, keywords=kept)
    columns = {
        c: v for c, v in series.columns.items() if c in definition.columns or _keeps(definition, c)
    }
    return Series(definition, columns)


def change_type(series: Series, name: str, type_: str) -> Series:
    """The series with a keyword of another type: the same numbers, or the texts they print as."""
    keyword = series.definition.by_name[name.lower()]
    now = replace(keyword, type=type_)
    if type_ == "string":
        now = replace(now, format="")
    keywords = tuple(now if k is keyword else k for k in series.definition.keywords)
    before, columns = series.columns[name.lower()], dict(series.columns)
    missing = np.isnan(before) if before.dtype.kind == "f" else before == keyword.missing
    if type_ == "string":
        values = np.array(column_texts(keyword, before), dtype=object)
    else:
        values = np.where(missing, 0, before).astype(now.dtype)
    values[missing] = now.missing
    columns[name.lower()] = values
    return Series(series.definition.with_keywords(keywords), columns)


def _keeps(definition: Any, column: str) -> bool:
    return column in SYSTEM_COLUMNS or column in definition.by_name
