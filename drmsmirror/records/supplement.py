"""Records from elsewhere that take the place of those that a table holds in some extents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from drmsmirror.model.extent import Extent
from drmsmirror.model.recordset import Span
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.engine import connect, identifier
from drmsmirror.records.rows import span_sql

__all__ = ["Supplement"]


@dataclass(frozen=True, slots=True)
class Supplement:
    """What the upstream gave for the parts of a set that are not held.

    Parameters
    ----------
    extents : tuple of Extent
        Those parts; what the table has of them does not count.
    rows : pyarrow.Table
        Their records, as :attr:`~drmsmirror.records.ingest.TypedRecords.rows`. They satisfy the
        set's filters already.
    """

    extents: tuple[Extent, ...]
    rows: pa.Table

    def outside(self, definition: SeriesDefinition) -> str:
        """The condition that a held row lies in none of the extents, as SQL."""
        return " AND ".join(f"NOT ({_inside(definition, extent)})" for extent in self.extents)

    def count_elsewhere(self, definition: SeriesDefinition) -> int:
        """How many of the rows lie in none of the extents."""
        with connect() as connection:
            connection.register("given", self.rows)
            where = self.outside(definition)
            return int(
                connection.execute(f"SELECT count(*) FROM given WHERE {where}").fetchall()[0][0]
            )


def _inside(definition: SeriesDefinition, extent: Extent) -> str:
    axis = definition.axis
    whole = axis.slotted or axis.keyword is None
    low, high = (
        None if math.isinf(end) else math.ceil(end) if whole else end
        for end in (extent.interval.low, extent.interval.high)
    )
    parts = [span_sql(identifier(axis.column), Span(low, high))]
    for column, values in extent.restriction.values:
        parts.append(_among(column, values.spans or (Span(None, None),)))
    return " AND ".join(parts)


def _among(column: str, spans: Sequence[Span]) -> str:
    return f"({' OR '.join(span_sql(identifier(column), span) for span in spans)})"
