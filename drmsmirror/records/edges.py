"""Find the values that ``^`` and ``$`` stand for, and put them in their place.

A first or last value is searched among all versions of the records that the filters before it let
through (record sets, rule 34). Versions of one record share its keys, so that the latest are enough
unless a condition in SQL stands before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from drmsmirror.model.recordset import BoundSet, Condition, Edge, Span, SqlCondition
from drmsmirror.records.engine import identifier
from drmsmirror.records.rows import Filter, Rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["extreme", "with_edges_found"]


def with_edges_found(connection: DuckDBPyConnection, rows: Rows, bound: BoundSet) -> BoundSet:
    """The same set with every first and last value, and every start of an open step, looked up.

    Parameters
    ----------
    connection : DuckDBPyConnection
        That may read the tables.
    rows : Rows
        Of the set's series.
    bound : BoundSet
    """
    found: list[Filter] = []
    for one in bound.filters:
        if isinstance(one, Condition):
            spans = [_started(connection, rows, one.column, span) for span in one.spans]
            before = () if one.has_edges_of_series else found
            for edge in one.edges:
                spans += _searched(connection, rows, one.column, edge, before)
            one = replace(one, spans=tuple(spans), edges=())
        found.append(one)
    return replace(bound, filters=tuple(found))


def _started(connection: DuckDBPyConnection, rows: Rows, column: str, span: Span) -> Span:
    """A step that is open below counts from the smallest value of the series."""
    if span.step is None or span.low is not None:
        return span
    smallest = extreme(connection, rows, column, Edge.FIRST, ())
    return replace(span, low=smallest) if smallest is not None else span


def _searched(
    connection: DuckDBPyConnection,
    rows: Rows,
    column: str,
    edge: Edge,
    before: Sequence[Filter],
) -> list[Span]:
    """The value of an edge as a span; nothing where no record is left."""
    value = extreme(connection, rows, column, edge, before)
    if value is None:
        return []
    if isinstance(value, int):
        return [Span(value, value + 1)]
    return [Span(value, value, high_included=True)]


def extreme(
    connection: DuckDBPyConnection,
    rows: Rows,
    column: str,
    edge: Edge,
    before: Sequence[Filter],
) -> Any:
    """The first or last value of a column among records; None where there are none.

    Parameters
    ----------
    connection : DuckDBPyConnection
        That may read the tables.
    rows : Rows
        Of the series.
    column : str
        Of a key, or ``recnum``.
    edge : Edge
    before : sequence of Condition or SqlCondition
        What the records satisfy; without edges.
    """
    has_sql = any(isinstance(one, SqlCondition) for one in before)
    needs_all = has_sql or column == "recnum" or any(c.column == "recnum" for c in _keys(before))
    chosen = rows.sql(before, [column], all_versions=needs_all)
    function = "min" if edge is Edge.FIRST else "max"
    query = f"SELECT {function}({identifier(column)}) FROM ({chosen})"
    return connection.execute(query).fetchall()[0][0]


def _keys(filters: Sequence[Filter]) -> list[Condition]:
    return [one for one in filters if isinstance(one, Condition)]
