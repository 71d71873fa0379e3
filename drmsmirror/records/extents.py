"""Extents as SQL: which rows of a record table lie in a part of its series."""

from __future__ import annotations

import math
from collections.abc import Sequence

from drmsmirror.model.extent import Extent
from drmsmirror.model.recordset import Span
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.engine import identifier
from drmsmirror.records.rows import span_sql
from drmsmirror.records.schema import pruning_columns

__all__ = ["extent_sql", "extents_files", "extents_sql"]


def extents_sql(definition: SeriesDefinition, extents: Sequence[Extent]) -> str:
    """The condition that a row lies in one of some extents."""
    return " OR ".join(f"({extent_sql(definition, extent)})" for extent in extents) or "FALSE"


def extent_sql(definition: SeriesDefinition, extent: Extent) -> str:
    """The condition that a row lies in an extent, whatever its conditions in SQL say."""
    axis = identifier(definition.axis.column)
    parts = [span_sql(axis, Span(*_ends(definition, extent)))]
    for column, values in extent.restriction.values:
        spans = values.spans or (Span(None, None),)
        parts.append(f"({' OR '.join(span_sql(identifier(column), span) for span in spans)})")
    if extent.restriction.cadence is not None:
        phase, step = extent.restriction.cadence
        parts.append(f"({axis} % {step} + {step}) % {step} = {phase}")
    return " AND ".join(parts)


def extents_files(definition: SeriesDefinition, extents: Sequence[Extent]) -> str | None:
    """What the extents say about files, in Delta's own SQL; None where any can hold rows."""
    axis = definition.axis.column
    parts = []
    for extent in extents:
        ends = zip((">=", "<="), _ends(definition, extent), strict=True)
        bounds = [f"{axis} {comparison} {end!r}" for comparison, end in ends if end is not None]
        if not bounds or axis not in pruning_columns(definition):
            return None
        parts.append(f"({' AND '.join(bounds)})")
    return " OR ".join(parts) or None


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
