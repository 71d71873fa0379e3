"""A bound set as SQL that a person can read: series in place of files, edges still as searches."""

from __future__ import annotations

from collections.abc import Sequence

from drmsmirror.model.conditions import SubSelect
from drmsmirror.model.recordset import BoundSet, Condition, Edge
from drmsmirror.records.conditions import Part, all_of, condition_part
from drmsmirror.records.engine import identifier
from drmsmirror.records.rows import Filter, span_sql
from drmsmirror.records.select import order_keys

__all__ = ["readable_sql"]


def readable_sql(bound: BoundSet) -> str:
    """The query that a set becomes, over tables named like the series.

    ``series`` has the latest version of each record, ``series_all`` every one. It is for people:
    what runs reads files, and has every first and last value already found.
    """
    definition = bound.series
    where = _where(bound, bound.filters)
    rows = _table(bound, all_versions=bound.all_versions)
    order = ", ".join(identifier(key) for key in order_keys(definition))
    return f"SELECT *\nFROM {rows}\nWHERE {where}\nORDER BY {order}"


def _where(bound: BoundSet, filters: Sequence[Filter]) -> str:
    parts = [
        Part(_condition(bound, one, filters[:number]))
        if isinstance(one, Condition)
        else condition_part(one.tree, _rows_of_sub_select)
        for number, one in enumerate(filters)
    ]
    return all_of(parts) if parts else "TRUE"


def _condition(bound: BoundSet, condition: Condition, before: Sequence[Filter]) -> str:
    column = identifier(condition.column)
    rows = _table(bound, all_versions=True)
    smallest = f"(SELECT min({column}) FROM {rows})"
    parts = [
        span_sql(column, span, smallest if span.is_unanchored else None) for span in condition.spans
    ]
    among = "TRUE" if condition.has_edges_of_series else _where(bound, before)
    for edge in condition.edges:
        function = "min" if edge is Edge.FIRST else "max"
        parts.append(f"{column} = (SELECT {function}({column}) FROM {rows} WHERE {among})")
    return f"({' OR '.join(parts)})" if len(parts) > 1 else (parts or ["FALSE"])[0]


def _table(bound: BoundSet, *, all_versions: bool) -> str:
    return f"{bound.series.name.lower()}{'_all' if all_versions else ''}"


def _rows_of_sub_select(chosen: SubSelect) -> str:
    return f"{chosen.series.name.lower()}_all"
