"""Where on the axis records are held without a value that was read of others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from drmsmirror.model.extent import Extent
from drmsmirror.records.engine import files_relation, identifier
from drmsmirror.records.extents import Portion
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

__all__ = ["positions_lacking"]


def positions_lacking(table: RecordTable, column: str, extent: Extent) -> np.ndarray:
    """Positions of records of an extent of which a column was not read, in order.

    Superseded versions count: they show again when what superseded them is gone.

    Parameters
    ----------
    table : RecordTable
    column : str
    extent : Extent
        Without conditions in SQL.
    """
    definition = table.definition
    axis = definition.axis.column
    portion = Portion((extent,))
    used = {column, axis, "_gone_run", *portion.columns}
    fields = {field.name: field for field in (*table_schema(definition), *table.schema)}
    rows = files_relation(
        table.files(*portion.ranges(definition)), pa.schema([fields[n] for n in used])
    )
    with table.connect([table.path]) as connection:
        found = connection.sql(
            f"SELECT DISTINCT CAST({identifier(axis)} AS DOUBLE) AS position FROM {rows} "
            f"WHERE _gone_run IS NULL AND {identifier(column)} IS NULL "
            f"AND ({portion.sql(definition)}) ORDER BY position"
        ).to_arrow_table()
    return np.asarray(found["position"].to_numpy())
