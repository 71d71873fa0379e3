"""A bound set of records as a DuckDB query over the files that can hold them, in DRMS's order.

Source: record sets, rules 50-52.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from drmsmirror.model.conditions import sub_selects_of
from drmsmirror.model.extent import extent_of
from drmsmirror.model.parts import most_records
from drmsmirror.model.recordset import BoundSet, Edge, Span
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.edges import extreme, with_edges_found
from drmsmirror.records.engine import Interruptible, files_relation, identifier, literal
from drmsmirror.records.rows import Rows, TableOf, calculating
from drmsmirror.records.slices import SLICE, slices
from drmsmirror.records.supplement import Supplement
from drmsmirror.records.table import RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["count_records", "find_extreme", "find_newest", "ordered_sql", "select_records"]

#: Rows of one batch of an answer.
BATCH = 20_000

#: Name under which a supplement is known to the engine.
_SUPPLEMENT = "supplement"


def select_records(
    table: RecordTable,
    bound: BoundSet,
    columns: Sequence[str],
    *,
    limit: int | None = None,
    table_of: TableOf | None = None,
    supplement: Supplement | None = None,
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
    supplement : Supplement, optional
        Records that are not held; needs a set without first or last values.

    Raises
    ------
    SqlError
        A condition cannot be calculated for a record: a division by zero, a number out of range.
    """
    with _answering(table, bound, table_of) as (connection, rows), Interruptible(connection) as do:
        if supplement is not None:
            connection.register(_SUPPLEMENT, supplement.rows)
        found = do(lambda: with_edges_found(connection, rows, bound))
        keys = order_keys(bound.series)
        if not limit and _most_rows(table, found, supplement) <= SLICE:
            chosen = _chosen(
                rows, found, list(dict.fromkeys([*columns, *keys])), "TRUE", supplement
            )
            yield from do(partial(_at_once, connection, chosen, columns, keys))
            return
        parts = ["TRUE"]
        if not limit:
            chosen = _chosen(rows, found, [keys[0]], "TRUE", supplement)
            parts = do(lambda: slices(connection, f"({chosen})", keys[0]))
        for part in parts:
            sql = ordered_sql(rows, found, columns, limit=limit, part=part, supplement=supplement)
            reader = do(partial(_reader, connection, sql))
            while (batch := do(partial(next, reader, None))) is not None:
                yield batch


def _most_rows(table: RecordTable, bound: BoundSet, supplement: Supplement | None) -> int:
    """How many records a set without edges can have at most."""
    most = table.row_count() + (0 if supplement is None else supplement.rows.num_rows)
    by_keys = most_records(bound, extent_of(bound))
    return most if by_keys is None else min(most, by_keys)


def _at_once(
    connection: DuckDBPyConnection, sql: str, columns: Sequence[str], keys: Sequence[str]
) -> list[pa.RecordBatch]:
    """All rows in order; Arrow sorts wide rows that are in memory in a fraction of the time."""
    # no name holds what comes between, so that its memory is free as soon as it is used
    ordered = (
        connection.sql(sql)
        .to_arrow_table()
        .combine_chunks()
        .sort_by([(key, "ascending") for key in keys])
    )
    return list(ordered.select(columns).to_batches())


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
    supplement: Supplement | None = None,
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
    supplement : Supplement, optional
        As for :func:`select_records`.
    """
    definition = bound.series
    wanted = list(dict.fromkeys([*columns, *order_keys(definition)]))
    ordered = f"{_chosen(rows, bound, wanted, part, supplement)} ORDER BY {_order(definition)}"
    if limit:
        ordered = _limited(ordered, definition, limit)
    return f"SELECT {', '.join(identifier(column) for column in columns)} FROM ({ordered})"


def _chosen(
    rows: Rows, bound: BoundSet, columns: Sequence[str], part: str, supplement: Supplement | None
) -> str:
    """The rows of a set in no order: those held, and those of a supplement."""
    if supplement is None:
        return rows.sql(bound.filters, columns, all_versions=bound.all_versions, part=part)
    outside = f"({part}) AND {supplement.outside(bound.series)}"
    held = rows.sql(bound.filters, columns, all_versions=bound.all_versions, part=outside)
    listed = ", ".join(identifier(column) for column in columns)
    given = f"SELECT {listed} FROM {_SUPPLEMENT} WHERE {part}"
    return f"SELECT * FROM ({held} UNION ALL {given})"


def find_extreme(
    table: RecordTable,
    among: BoundSet,
    column: str,
    edge: Edge,
    *,
    table_of: TableOf | None = None,
) -> Any:
    """The first or last value of a column among the records of a set, as it is stored.

    Parameters
    ----------
    table : RecordTable
    among : BoundSet
        Without first or last values of its own.
    column : str
        Of a key, or ``recnum``.
    edge : Edge
    table_of : callable, optional
        As for :func:`select_records`; so are the errors raised.

    Returns
    -------
    int, float, str or None
        None where there is no record.
    """
    with _answering(table, among, table_of) as (connection, rows), Interruptible(connection) as do:
        return do(lambda: extreme(connection, rows, column, edge, among.filters))


def find_newest(table: RecordTable, recnum: int) -> float | None:
    """The largest value on the axis of a series among records up to a number, all versions counted.

    Parameters
    ----------
    table : RecordTable
    recnum : int

    Returns
    -------
    float or None
        None where there is no such record.
    """
    largest = table.largest("recnum")
    if largest is None or largest <= recnum:
        return table.largest(table.definition.axis.column)
    return table.once(("newest", recnum), lambda: _find_newest(table, recnum))


def _find_newest(table: RecordTable, recnum: int) -> float | None:
    axis = table.definition.axis.column
    fields = [table.schema.field(name) for name in dict.fromkeys((axis, "recnum"))]
    files = table.files([("recnum", [Span(None, recnum, high_included=True)])])
    rows = files_relation(files, pa.schema(fields))
    query = f"SELECT max({identifier(axis)}) FROM {rows} WHERE recnum <= {literal(recnum)}"
    with table.connect([table.path]) as connection, Interruptible(connection) as do:
        newest = do(lambda: connection.execute(query).fetchall())[0][0]
    return None if newest is None else float(newest)


def order_keys(definition: SeriesDefinition) -> tuple[str, ...]:
    """Columns by which records are ordered: prime keys, then the record number."""
    return (*definition.internal_prime_keys, "recnum")


@contextmanager
def _answering(
    table: RecordTable, bound: BoundSet, table_of: TableOf | None
) -> Iterator[tuple[DuckDBPyConnection, Rows]]:
    """A connection that may read the tables that the set is about, and nothing else."""
    tables = {table.definition.name.lower(): table}
    for one in bound.sql:
        for chosen in sub_selects_of(one.tree):
            name = chosen.series.name.lower()
            if name not in tables:
                assert table_of is not None, "a sub-select needs the table of its series"
                tables[name] = table_of(chosen.series)
    paths = [one.path for one in tables.values()]
    with calculating(bound.sql), table.connect(paths) as connection:
        yield connection, Rows(table, lambda series: tables[series.name.lower()])


def _order(definition: SeriesDefinition, direction: str = "ASC") -> str:
    return ", ".join(f"{identifier(key)} {direction}" for key in order_keys(definition))


def _limited(ordered: str, definition: SeriesDefinition, limit: int) -> str:
    if limit > 0:
        return f"{ordered} LIMIT {limit}"
    last = f"SELECT * FROM ({ordered}) ORDER BY {_order(definition, 'DESC')} LIMIT {-limit}"
    return f"SELECT * FROM ({last}) ORDER BY {_order(definition)}"
