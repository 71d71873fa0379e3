"""Compaction: the many small files of a backfill become few, sorted by prime key.

The rows stay the same; a partition is replaced in one commit, streamed, so that memory stays
bounded whatever its size. A file of half the size that is aimed at, or more, is no small one, so
that a partition that is large by nature is not written again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from drmsmirror.model.recordset import Span
from drmsmirror.records.engine import files_relation, identifier
from drmsmirror.records.schema import NO_TIME, PERIOD
from drmsmirror.records.slices import slices
from drmsmirror.records.table import RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["compact", "crowded_periods", "rewrite", "sorted_batches"]

#: Rows that are handed to the writer at once.
_BATCH = 10_000


def compact(
    table: RecordTable, *, above_files: int, file_bytes: int, least_share: float = 0.0
) -> int:
    """Rewrite each partition that has more than ``above_files`` small files.

    Parameters
    ----------
    table : RecordTable
    above_files : int
    file_bytes : int
        Size that a file of the new partition aims at.
    least_share : float
        Share of the partition's bytes that must be in small files. While a table grows, a share
        keeps what is written in proportion to its final size, however often this is called: with
        one half the partition has doubled each time.

    Returns
    -------
    int
        Number of partitions rewritten.
    """
    crowded = crowded_periods(
        table, above_files=above_files, file_bytes=file_bytes, least_share=least_share
    )
    for period in crowded:
        rewrite(table, period, file_bytes)
    if crowded:
        table.remove_unused_files()
    return len(crowded)


def crowded_periods(
    table: RecordTable,
    *,
    above_files: int,
    file_bytes: int,
    least_share: float = 0.0,
    above_files_when_over: int | None = None,
) -> list[str]:
    """The partitions that :func:`compact` rewrites.

    Parameters
    ----------
    table : RecordTable
    above_files, file_bytes, least_share
        See :func:`compact`.
    above_files_when_over : int, optional
        In the place of ``above_files`` for all partitions but the newest: those hardly grow any
        more, and what they are left with they keep.
    """
    sizes_of = table.file_sizes()
    newest = max((period for period in sizes_of if period != NO_TIME), default=None)
    crowded = []
    for period, sizes in sizes_of.items():
        most = above_files
        if above_files_when_over is not None and period not in (newest, NO_TIME):
            most = above_files_when_over
        small = [size for size in sizes if size < file_bytes / 2]
        if len(small) > most and sum(small) >= least_share * sum(sizes):
            crowded.append(period)
    return crowded


def rewrite(table: RecordTable, period: str, file_bytes: int) -> None:
    """Make files of about ``file_bytes`` of all the files of a partition."""
    with table.connect([table.path]) as connection:
        table.replace_partition(period, sorted_batches(connection, table, period), file_bytes)


def sorted_batches(
    connection: DuckDBPyConnection, table: RecordTable, period: str
) -> Iterator[pa.RecordBatch]:
    """All rows of a partition, sorted by prime key."""
    schema = table.schema
    keys = (*table.definition.internal_prime_keys, "recnum", "_seen_run")
    order = ", ".join(identifier(key) for key in keys)
    columns = ", ".join(identifier(field.name) for field in schema)
    rows = files_relation(
        table.files([(PERIOD, [Span(period, period, high_included=True)])]), schema
    )
    for condition in slices(connection, rows, keys[0]):
        query = f"SELECT {columns} FROM {rows} WHERE {condition} ORDER BY {order}"
        for batch in connection.sql(query).to_arrow_reader(_BATCH):
            yield batch.cast(schema)
