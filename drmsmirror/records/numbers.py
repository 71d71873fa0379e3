"""Record numbers of the mirror's own, for records that came without one.

A file may lack them, and so may a server. They are negative, so that a record which the upstream
numbered always supersedes them, and stay with their prime key, so that the same file can be
imported twice and the same record read again.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.recordset import Span
from drmsmirror.records.engine import files_relation, identifier
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
    near, last = _with_their_keys(table, rows), _with_the_last(table)
    needed = pa.schema([schema.field(name) for name in ("recnum", *keys)])
    same = " AND ".join(
        f"held.{identifier(k)} IS NOT DISTINCT FROM given.{identifier(k)}" for k in keys
    )
    given = rows.append_column("_row", pa.array(range(rows.num_rows), pa.int64()))
    with table.connect([table.path]) as connection:
        connection.register("given", given)
        connection.execute(
            f"CREATE TEMP TABLE held AS SELECT * FROM {files_relation(near, needed)} "
            f"WHERE recnum < 0"
        )
        numbers = connection.sql(
            f"""
            WITH known AS (
                SELECT given._row, max(held.recnum) AS recnum
                FROM given LEFT JOIN held ON {same or "FALSE"}
                GROUP BY given._row
            ), top AS (SELECT coalesce(max(recnum), {_FIRST}) AS recnum
                FROM {files_relation(last, needed)} WHERE recnum < 0
            )
            SELECT coalesce(
                known.recnum,
                top.recnum + row_number() OVER (PARTITION BY known.recnum IS NULL ORDER BY _row)
            ) AS recnum
            FROM known, top ORDER BY known._row
            """
        ).to_arrow_table()
    index = rows.schema.get_field_index("recnum")
    return rows.set_column(index, rows.schema.field("recnum"), numbers["recnum"])


def _with_their_keys(table: RecordTable, rows: pa.Table) -> list[str]:
    """Files that can hold records with the prime keys of some others."""
    axis = table.definition.axis
    if axis.keyword is None or not rows.num_rows:
        return table.files()
    bounds = pc.min_max(rows[axis.column]).as_py()
    return table.files([(axis.column, [Span(bounds["min"], bounds["max"], high_included=True)])])


def _with_the_last(table: RecordTable) -> list[str]:
    """Files among which is the one with the largest of the mirror's own numbers."""
    largest = table.largest("recnum")
    is_own = largest is not None and largest < 0
    return table.files([("recnum", [Span(largest if is_own else None, 0)])])
