"""Find the values that ``^`` and ``$`` stand for among what is held, where that is enough.

The first or last value of a key is known where no record beyond it can exist that is not held: the
records found must be held, and all that the search covers beyond them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from drmsmirror.model.coverage import CoverageEntry, look_up
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.recordset import BoundSet, Condition, Edge, Span, SqlCondition
from drmsmirror.model.valuesets import ValueSet
from drmsmirror.records import RecordTable, TableOf, find_extreme

__all__ = ["with_edges_held"]


def with_edges_held(
    table: RecordTable, table_of: TableOf, wanted: BoundSet, entries: Sequence[CoverageEntry]
) -> BoundSet | None:
    """The set with every first and last value, and every start of an open step, as spans.

    None where one of them may lie in what is not held.

    Parameters
    ----------
    table : RecordTable
        Of the set's series.
    table_of : callable
        Gives the tables of series that sub-selects name.
    wanted : BoundSet
    entries : sequence of CoverageEntry
        Coverage that counts: of all versions where they are needed.
    """
    if wanted.searched is wanted:
        return wanted
    search = _Search(table, table_of, wanted, entries)
    found: list[Condition | SqlCondition] = []
    for one in wanted.filters:
        if isinstance(one, Condition):
            try:
                one = search.without_edges(one, found)
            except _MayLieElsewhereError:
                return None
        found.append(one)
    return replace(wanted, filters=tuple(found))


class _MayLieElsewhereError(Exception):
    """A first or last value may lie in what is not held."""


@dataclass(frozen=True, slots=True)
class _Search:
    """A search for first and last values in one set."""

    table: RecordTable
    table_of: TableOf
    wanted: BoundSet
    entries: Sequence[CoverageEntry]

    def without_edges(
        self, condition: Condition, before: Sequence[Condition | SqlCondition]
    ) -> Condition:
        spans = [self._started(condition.column, span) for span in condition.spans]
        among = () if condition.has_edges_of_series else tuple(before)
        for edge in condition.edges:
            value = self._extreme(condition.column, edge, among)
            spans += [] if value is None else [_only(value)]
        return replace(condition, spans=tuple(spans), edges=())

    def _started(self, column: str, span: Span) -> Span:
        """A step that is open below counts from the smallest value of the series."""
        if not span.is_unanchored:
            return span
        smallest = self._extreme(column, Edge.FIRST, ())
        return span if smallest is None else replace(span, low=smallest)

    def _extreme(
        self, column: str, edge: Edge, before: tuple[Condition | SqlCondition, ...]
    ) -> Any:
        among = replace(self.wanted, filters=before)
        value = find_extreme(self.table, among, column, edge, table_of=self.table_of)
        is_known = value is not None and not (isinstance(value, float) and math.isnan(value))
        beyond = extent_of(among)
        if is_known:
            beyond = tuple(_from(extent, among, column, edge, value) for extent in beyond)
        if look_up(beyond, self.entries).missing:
            raise _MayLieElsewhereError
        return value


def _only(value: Any) -> Span:
    if isinstance(value, int):
        return Span(value, value + 1)
    return Span(value, value, high_included=True)


def _from(extent: Extent, among: BoundSet, column: str, edge: Edge, value: Any) -> Extent:
    """The part of an extent from a value of a key on, in the direction of an edge."""
    single = _only(value)
    if edge is Edge.FIRST:
        span = Span(None, single.high, single.high_included)
    else:
        span = Span(single.low, None)
    if column == among.series.axis.column:
        return replace(extent, interval=extent.interval.intersection(span.interval))
    if column not in among.series.internal_prime_keys:
        return extent
    values = extent.restriction.of(column) & ValueSet.of([span])
    return replace(extent, restriction=extent.restriction.where(column, values))
