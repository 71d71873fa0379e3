"""Extents as SQL: which rows of a record table lie in a part of its series."""

from __future__ import annotations

import math
from collections.abc import Sequence

from drmsmirror.model.extent import Extent
from drmsmirror.model.recordset import Span
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.valuesets import ValueSet
from drmsmirror.records.engine import identifier, literal
from drmsmirror.records.filelist import Ranges
from drmsmirror.records.rows import span_sql
from drmsmirror.records.schema import pruning_columns

__all__ = ["extent_sql", "extents_ranges", "extents_sql"]


def extents_sql(definition: SeriesDefinition, extents: Sequence[Extent]) -> str:
    """The condition that a row lies in one of some extents."""
    return " OR ".join(f"({extent_sql(definition, extent)})" for extent in extents) or "FALSE"


def extent_sql(definition: SeriesDefinition, extent: Extent) -> str:
    """The condition that a row lies in an extent, whatever its conditions in SQL say."""
    axis = span_sql(identifier(definition.axis.column), Span(*_ends(definition, extent)))
    parts = [axis, *(_values_sql(column, values) for column, values in extent.restriction.values)]
    if extent.restriction.cadence is not None:
        axis = identifier(definition.axis.column)
        phase, step = extent.restriction.cadence
        parts.append(f"({axis} % {step} + {step}) % {step} = {phase}")
    return " AND ".join(parts)


def extents_ranges(definition: SeriesDefinition, extents: Sequence[Extent]) -> list[Ranges]:
    """Between which values rows of the extents lie, of columns that have statistics."""
    safe = pruning_columns(definition)
    return [
        [(name, spans) for name, spans in _spans(definition, extent).items() if name in safe]
        for extent in extents
    ]


def _values_sql(column: str, values: ValueSet) -> str:
    name = identifier(column)
    parts = [
        f"({span_sql(name, span)} AND {name} <> {literal(span.low)})"
        if without_low
        else span_sql(name, span)
        for span, without_low in values.pieces
    ]
    return f"({' OR '.join(parts) or 'FALSE'})"


def _spans(definition: SeriesDefinition, extent: Extent) -> dict[str, Sequence[Span]]:
    """By column, the spans within which rows of an extent lie."""
    spans: dict[str, Sequence[Span]] = {
        column: [span for span, _ in values.pieces] for column, values in extent.restriction.values
    }
    return {definition.axis.column: [Span(*_ends(definition, extent))], **spans}


def _ends(
    definition: SeriesDefinition, extent: Extent
) -> tuple[int | float | None, int | float | None]:
    """First position of the axis that lies in it, and the first beyond; None where it is open."""
    axis = definition.axis
    whole = axis.slotted or axis.keyword is None
    low, high = (
        None if math.isinf(end) else math.ceil(end) if whole else end
        for end in (extent.interval.low, extent.interval.high)
    )
    return low, high
