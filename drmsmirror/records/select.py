"""A bound set of records as a DuckDB query over the files that can hold them, in DRMS's order.

Source: record sets, rules 50-52.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from drmsmirror.errors import SqlError
from drmsmirror.model.conditions import sub_selects_of
from drmsmirror.model.recordset import BoundSet
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.edges import with_edges_found
from drmsmirror.records.engine import Interruptible, connect, identifier
from drmsmirror.records.rows import Rows, TableOf
from drmsmirror.records.slices import SLICE, slices
from drmsmirror.records.table import RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["count_records", "ordered_sql", "select_records"]

#: Rows of one batch of an answer.
BATCH = 20_000

#: Characters of a condition that a message repeats.
_SHOWN = 200


def select_records(
    table: RecordTable,
    bound: BoundSet,
    columns: Sequence[str],
    *,
    limit: int | None = None,
    table_of: TableOf | None = None,
) -> Iterator[pa.RecordBatch]:
    """The rows of a set in DRMS's order, as batches of stored values.

    Parameters
    ----------
    table : RecordTable
    bound : BoundSet
    columns : sequence of str
        Columns of the record table.
    limit : int, optional
        As JSOC's ``n``: the first ``n`` rows, or the last ``-n`` in ascending order; 0 and None
        mean all (record sets, rule 52).
    table_of : callable, optional
        Gives the tables of series that sub-selects name; needed where there are any.

    Raises
    ------
    SqlError
        A condition cannot be calculated for a record: a division by zero, a number out of range.
    """
    with _answering(table, bound, table_of) as (connection, rows), Interruptible(connection) as do:
        found = do(lambda: with_edges_found(connection, rows, bound))
        parts = ["TRUE"]
        if not limit and table.row_count() > SLICE:
            key = order_keys(bound.series)[0]
            chosen = rows.sql(found.filters, [key], all_versions=found.all_versions)
            parts = do(lambda: slices(connection, f"({chosen})", key))
        for part in parts:
            sql = ordered_sql(rows, found, columns, limit=limit, part=part)
            reader = do(partial(_reader, connection, sql))
            while (batch := do(partial(next, reader, None))) is not None:
                yield batch


def _reader(connection: DuckDBPyConnection, sql: str) -> pa.RecordBatchReader:
    return connection.sql(sql).to_arrow_reader(BATCH)


def count_records(table: RecordTable, bound: BoundSet, *, table_of: TableOf | None = None) -> int:
    """How many records the set has; raises as :func:`select_records`."""
    with _answering(table, bound, table_of) as (connection, rows), Interruptible(connection) as do:
        found = with_edges_found(connection, rows, bound)
        chosen = rows.sql(found.filters, ["recnum"], all_versions=found.all_versions)
        counted = connection.sql(f"SELECT count(*) FROM ({chosen})")
        return int(do(counted.fetchall)[0][0])


def ordered_sql(
    rows: Rows,
    bound: BoundSet,
    columns: Sequence[str],
    *,
    limit: int | None = None,
    part: str = "TRUE",
) -> str:
    """The query itself.

    Parameters
    ----------
    rows : Rows
        Of the set's series.
    bound : BoundSet
        Without edges.
    columns, limit
        As for :func:`select_records`.
    part : str
        A condition on the first key: one of the slices in which a large answer is sorted.
    """
    definition = bound.series
    wanted = list(dict.fromkeys([*columns, *order_keys(definition)]))
    chosen = rows.sql(bound.filters, wanted, all_versions=bound.all_versions, part=part)
    ordered = f"{chosen} ORDER BY {_order(definition)}"
    if limit:
        ordered = _limited(ordered, definition, limit)
    return f"SELECT {', '.join(identifier(column) for column in columns)} FROM ({ordered})"


def order_keys(definition: SeriesDefinition) -> tuple[str, ...]:
    """Columns by which records are ordered: prime keys, then the record number."""
    return (*definition.internal_prime_keys, "recnum")


@contextmanager
def _answering(
    table: RecordTable, bound: BoundSet, table_of: TableOf | None
) -> Iterator[tuple[DuckDBPyConnection, Rows]]:
    """A connection that may read the tables that the set is about, and nothing else."""
    import duckdb

    tables = {table.definition.name.lower(): table}
    for one in bound.sql:
        for chosen in sub_selects_of(one.tree):
            name = chosen.series.name.lower()
            if name not in tables:
                assert table_of is not None, "a sub-select needs the table of its series"
                tables[name] = table_of(chosen.series)
    try:
        with connect([one.path for one in tables.values()]) as connection:
            yield connection, Rows(table, lambda series: tables[series.name.lower()])
    except duckdb.Error as error:
        if not bound.sql:
            raise
        problem = str(error).partition("\n")[0].partition("Error: ")[2] or str(error)
        shown = "; ".join(one.text for one in bound.sql)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        raise SqlError(f"The condition [? {shown} ?] cannot be calculated: {problem}") from None


def _order(definition: SeriesDefinition, direction: str = "ASC") -> str:
    return ", ".join(f"{identifier(key)} {direction}" for key in order_keys(definition))


def _limited(ordered: str, definition: SeriesDefinition, limit: int) -> str:
    if limit > 0:
        return f"{ordered} LIMIT {limit}"
    last = f"SELECT * FROM ({ordered}) ORDER BY {_order(definition, 'DESC')} LIMIT {-limit}"
    return f"SELECT * FROM ({last}) ORDER BY {_order(definition)}"
