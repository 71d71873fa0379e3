"""Compaction: the many small files of a backfill become few, sorted by prime key.

The rows stay the same; a partition is replaced in one commit, streamed, so that memory stays
bounded whatever its size.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.engine import connect, files_relation, identifier, literal
from drmsmirror.records.schema import PERIOD, table_schema
from drmsmirror.records.table import RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["compact"]

#: Rows that are sorted at once.
_SLICE = 50_000

#: Rows that are handed to the writer at once.
_BATCH = 10_000


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
    if crowded:
        table.remove_unused_files()
    return len(crowded)


def _rewrite(table: RecordTable, period: str, file_bytes: int) -> None:
    files = table.files(f"{PERIOD} = {literal(period)}")
    with connect([table.path]) as connection:
        batches = _sorted_batches(connection, table.definition, files)
        rows = pa.RecordBatchReader.from_batches(table_schema(table.definition), batches)
        table.replace_partition(period, rows, file_bytes)


def _sorted_batches(
    connection: DuckDBPyConnection, definition: SeriesDefinition, files: list[str]
) -> Iterator[pa.RecordBatch]:
    """All rows, sorted by prime key; sorted slice by slice, so that memory stays bounded."""
    schema = table_schema(definition)
    keys = (*definition.internal_prime_keys, "recnum", "_seen_run")
    order = ", ".join(identifier(key) for key in keys)
    columns = ", ".join(identifier(field.name) for field in schema)
    rows = files_relation(files, schema)
    for condition in _slices(connection, rows, keys[0]):
        query = f"SELECT {columns} FROM {rows} WHERE {condition} ORDER BY {order}"
        for batch in connection.sql(query).to_arrow_reader(_BATCH):
            yield batch.cast(schema)


def _slices(connection: DuckDBPyConnection, rows: str, key: str) -> list[str]:
    """Conditions that cut the rows into slices of some ten thousand, in the order of the key."""
    column = identifier(key)
    count = connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0]
    shares = [number * _SLICE / count for number in range(1, -(-count // _SLICE))]
    if not shares:
        return ["TRUE"]
    found = connection.execute(f"SELECT quantile_disc({column}, {shares}) FROM {rows}").fetchall()
    edges = [literal(edge) for edge in dict.fromkeys(found[0][0])]
    inner = [f"{column} >= {a} AND {column} < {b}" for a, b in itertools.pairwise(edges)]
    return [f"{column} < {edges[0]}", *inner, f"{column} >= {edges[-1]} OR {column} IS NULL"]
