"""From a query to rows: binding filters, latest versions, order, limit (DRMS semantics 1.9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import FilterError
from .expressions import condition_mask
from .filters import index_mask, key_mask
from .records import Series
from .recordsets import RecordSet, split_query

__all__ = ["Selection", "select", "select_set"]


@dataclass(frozen=True, eq=False)
class Selection:
    """The rows that one record set stands for, in order."""

    series: Series
    rows: NDArray[np.int64]
    segments: tuple[str, ...] | None

    @property
    def recnums(self) -> list[int]:
        """Record numbers, in order."""
        found: list[int] = self.series.columns["recnum"][self.rows].tolist()
        return found


def _named_key(series: Series, name: str) -> str:
    """The prime key a named filter is about, or FilterError (semantics 1.2)."""
    definition = series.definition
    keyword = definition.by_name.get(name.lower())
    if keyword is None:
        raise FilterError(f"'{name}' is not a keyword of series {definition.name}.")
    lower = keyword.name.lower()
    if lower in {k.lower() for k in definition.primekeys} or lower in definition.internal_primekeys:
        return keyword.name
    raise FilterError(f"'{name}' is not a primary index for series {definition.name}.")


def _condition(series: Series, record_set: RecordSet) -> tuple[NDArray[Any] | None, bool]:
    """Mask of rows (None: all) and whether old versions are hidden."""
    latest, position = True, 0
    mask: NDArray[np.bool_] | None = None
    primekeys = series.definition.primekeys
    for item in record_set.filters:
        if item.kind == "empty":
            position += 1
            continue
        if item.kind == "recnum":
            # its first and last are those of the whole table (1.5)
            found, latest = index_mask(series, "recnum", item.body, None), False
        elif item.kind in ("sql", "bang"):
            found, latest = condition_mask(series, item.body), latest and item.kind == "sql"
        elif item.kind == "named":
            found = key_mask(series, _named_key(series, item.name), item.body, mask)
        else:
            if position >= len(primekeys):
                raise FilterError("More primary keys are implied than exist.")
            found = key_mask(series, primekeys[position], item.body, mask)
            position += 1
        mask = found if mask is None else mask & found
    return mask, latest


def select_set(series: Series, record_set: RecordSet, n: int = 0) -> Selection:
    """Evaluate one record set.

    Parameters
    ----------
    series : Series
    record_set : RecordSet
    n : int
        First `n` rows, or last ``-n`` (still ascending); 0 for all (semantics 1.8).

    Returns
    -------
    Selection
    """
    mask, latest = _condition(series, record_set)
    if latest:
        mask = series.latest if mask is None else mask & series.latest
    rows = series.order if mask is None else series.order[mask[series.order]]
    if n:
        rows = rows[:n] if n > 0 else rows[n:]
    return Selection(series, rows, record_set.segments)


def select(query: str, lookup: Callable[[str], Series], n: int = 0) -> list[Selection]:
    """Evaluate a whole query: its sets, in the order written.

    Parameters
    ----------
    query : str
    lookup : callable
        Gives the series of a name, in any case, or raises `UnknownSeries`.
    n : int
        Limit, applied to each set.

    Raises
    ------
    QueryError
        Whatever is wrong with the query, or `NotCovered`.
    """
    pairs = [(lookup(s.series), s) for s in split_query(query)]
    return [select_set(series, record_set, n) for series, record_set in pairs]
