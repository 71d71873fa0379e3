"""Extents as SQL: which rows of a record table lie in a part of its series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.intervals import Interval
from drmsmirror.model.recordset import BoundSet, Span
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.valuesets import ValueSet
from drmsmirror.records.engine import identifier, literal
from drmsmirror.records.filelist import Ranges
from drmsmirror.records.rows import Filter, columns_of_filters, no_sub_selects, span_sql, where_sql
from drmsmirror.records.schema import pruning_columns

__all__ = ["Portion", "extent_sql"]


@dataclass(frozen=True, slots=True)
class Portion:
    """Part of a series: some extents, and filters that the records in them satisfy besides.

    Parameters
    ----------
    extents : tuple of Extent
        None of which lies in another.
    filters : tuple of Condition or SqlCondition
        Without edges and sub-selects.
    """

    extents: tuple[Extent, ...]
    filters: tuple[Filter, ...] = ()

    @classmethod
    def of(cls, wanted: BoundSet) -> Portion:
        """A record set, of which prime keys cut out the extents."""
        extents = extent_of(wanted)
        is_filtered = any(extent.restriction.terms for extent in extents)
        return cls(extents, wanted.filters if is_filtered else ())

    def __bool__(self) -> bool:
        return bool(self.extents)

    def within(self, window: Interval) -> Portion:
        """What of it lies in a window of the axis."""
        parts = (replace(one, interval=one.interval.intersection(window)) for one in self.extents)
        return replace(self, extents=tuple(part for part in parts if part))

    @property
    def columns(self) -> set[str]:
        """Columns by which its rows are known, besides the axis."""
        restricted = {name for extent in self.extents for name, _ in extent.restriction.values}
        return restricted | columns_of_filters(self.filters)

    def sql(self, definition: SeriesDefinition) -> str:
        """The condition that a row lies in it."""
        parts = [f"({extent_sql(definition, extent)})" for extent in self.extents]
        inside = " OR ".join(parts) or "FALSE"
        if not self.filters:
            return inside
        return f"({inside}) AND {where_sql(self.filters, no_sub_selects)}"

    def ranges(self, definition: SeriesDefinition) -> list[Ranges]:
        """Between which values its rows lie, of columns that have statistics."""
        safe = pruning_columns(definition)
        return [
            [(name, spans) for name, spans in _spans(definition, extent).items() if name in safe]
            for extent in self.extents
        ]


def extent_sql(definition: SeriesDefinition, extent: Extent) -> str:
    """The condition that a row lies in an extent, whatever its conditions in SQL say."""
    axis = span_sql(identifier(definition.axis.column), Span(*_ends(definition, extent)))
    parts = [axis, *(_values_sql(column, values) for column, values in extent.restriction.values)]
    if extent.restriction.cadence is not None:
        axis = identifier(definition.axis.column)
        phase, step = extent.restriction.cadence
        parts.append(f"({axis} % {step} + {step}) % {step} = {phase}")
    return " AND ".join(parts)


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
