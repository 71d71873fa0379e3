"""Records from elsewhere that take the place of those that a table holds in some extents."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from drmsmirror.model.extent import Extent
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.engine import connect
from drmsmirror.records.extents import extent_sql

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
        return " AND ".join(f"NOT ({extent_sql(definition, extent)})" for extent in self.extents)

    def count_elsewhere(self, definition: SeriesDefinition) -> int:
        """How many of the rows lie in none of the extents."""
        with connect() as connection:
            connection.register("given", self.rows)
            where = self.outside(definition)
            return int(
                connection.execute(f"SELECT count(*) FROM given WHERE {where}").fetchall()[0][0]
            )
