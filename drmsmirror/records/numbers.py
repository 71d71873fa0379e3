"""Record numbers of the mirror's own, for records that came without one.

They are negative, so that a record which the upstream numbered always supersedes them, and stay
with their prime key, so that the same file can be imported twice.
"""

from __future__ import annotations

import pyarrow as pa

from drmsmirror.records.engine import connect, files_relation, identifier
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

__all__ = ["number_records"]

_FIRST = -(2**62)


def number_records(table: RecordTable, rows: pa.Table) -> pa.Table:
    """Give each record without a recnum one of the mirror's own.

    Parameters
    ----------
    table : RecordTable
        Where they will be merged; its records keep their numbers.
    rows : pyarrow.Table
        As :attr:`~drmsmirror.records.ingest.TypedRecords.rows`, ``recnum`` null throughout.
    """
    keys = table.definition.internal_prime_keys
    schema = table_schema(table.definition)
    needed = pa.schema([schema.field(name) for name in ("recnum", *keys)])
    same = " AND ".join(
        f"held.{identifier(k)} IS NOT DISTINCT FROM given.{identifier(k)}" for k in keys
    )
    given = rows.append_column("_row", pa.array(range(rows.num_rows), pa.int64()))
    with connect([table.path]) as connection:
        connection.register("given", given)
        connection.execute(
            f"CREATE TEMP TABLE held AS SELECT * FROM {files_relation(table.files(), needed)} "
            f"WHERE recnum < 0"
        )
        numbers = connection.sql(
            f"""
            WITH known AS (
                SELECT given._row, max(held.recnum) AS recnum
                FROM given LEFT JOIN held ON {same or "FALSE"}
                GROUP BY given._row
            ), top AS (SELECT coalesce(max(recnum), {_FIRST}) AS recnum FROM held)
            SELECT coalesce(
                known.recnum,
                top.recnum + row_number() OVER (PARTITION BY known.recnum IS NULL ORDER BY _row)
            ) AS recnum
            FROM known, top ORDER BY known._row
            """
        ).to_arrow_table()
    index = rows.schema.get_field_index("recnum")
    return rows.set_column(index, rows.schema.field("recnum"), numbers["recnum"])
