"""Extents as SQL: which rows of a record table lie in a part of its series."""

from __future__ import annotations

import math
from collections.abc import Sequence

from drmsmirror.model.extent import Extent
from drmsmirror.model.recordset import Span
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.engine import identifier
from drmsmirror.records.filelist import Ranges
from drmsmirror.records.rows import span_sql
from drmsmirror.records.schema import pruning_columns

__all__ = ["extent_sql", "extents_ranges", "extents_sql"]


def extents_sql(definition: SeriesDefinition, extents: Sequence[Extent]) -> str:
    """The condition that a row lies in one of some extents."""
    return " OR ".join(f"({extent_sql(definition, extent)})" for extent in extents) or "FALSE"


def extent_sql(definition: SeriesDefinition, extent: Extent) -> str:
    """The condition that a row lies in an extent, whatever its conditions in SQL say."""
    parts = [
        f"({' OR '.join(span_sql(identifier(column), span) for span in spans) or 'FALSE'})"
        for column, spans in _spans(definition, extent).items()
    ]
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


def _spans(definition: SeriesDefinition, extent: Extent) -> dict[str, Sequence[Span]]:
    """By column, where rows of an extent lie."""
    spans = {column: values.spans for column, values in extent.restriction.values}
    axis = definition.axis.column
    return {axis: [Span(*_ends(definition, extent))]} | {
        column: found for column, found in spans.items() if found is not None
    }


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
