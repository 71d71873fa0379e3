"""Compaction: the many small files of a backfill become few, sorted by prime key.

The rows stay the same; a partition is replaced in one commit, streamed, so that memory stays
bounded whatever its size.
"""

from __future__ import annotations

from drmsmirror.records.engine import connect, files_relation, identifier, literal
from drmsmirror.records.schema import PERIOD, table_schema
from drmsmirror.records.table import ROW_GROUP, RecordTable

__all__ = ["compact"]


def compact(table: RecordTable, *, above_files: int, file_bytes: int) -> int:
    """Rewrite each partition that has more files than ``above_files``.

    Parameters
    ----------
    table : RecordTable
    above_files : int
    file_bytes : int
        Size that a file of the new partition aims at.

    Returns
    -------
    int
        Number of partitions rewritten.
    """
    crowded = [period for period, files in table.file_counts().items() if files > above_files]
    for period in crowded:
        _rewrite(table, period, file_bytes)
    return len(crowded)


def _rewrite(table: RecordTable, period: str, file_bytes: int) -> None:
    schema = table_schema(table.definition)
    files = table.files(f"{PERIOD} = {literal(period)}")
    order = ", ".join(
        identifier(key) for key in (*table.definition.internal_prime_keys, "recnum", "_seen_run")
    )
    columns = ", ".join(identifier(field.name) for field in schema)
    with connect([table.path]) as connection:
        rows = connection.sql(
            f"SELECT {columns} FROM {files_relation(files, schema)} ORDER BY {order}"
        )
        table.replace_partition(period, rows.to_arrow_reader(ROW_GROUP), file_bytes)
