"""Rows into a table: by COPY into PostgreSQL, by INSERT into SQLite."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import DBAPIError

__all__ = ["load", "with_own_digits"]


def load(connection: Connection, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
    """Add rows to a table, inside the transaction of the connection.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        Columns named as in the table, in any order; null is NULL.

    Returns
    -------
    int
        Number of rows.
    """
    names = [column.name for column in table.columns]
    ordered = (batch.select(names) for batch in batches)
    if connection.dialect.name == "postgresql":
        return _copy(connection, table, ordered)
    return _insert(connection, table, ordered)


def _copy(connection: Connection, table: Table, batches: Iterator[pa.RecordBatch]) -> int:
    """Hand rows over as CSV, in which only null has no quotes and no character."""
    import psycopg

    preparer = connection.dialect.identifier_preparer
    columns = ", ".join(preparer.format_column(column) for column in table.columns)
    statement = (
        f"COPY {preparer.format_table(table)} ({columns}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')"
    )
    options = pyarrow.csv.WriteOptions(include_header=False)
    driver: Any = connection.connection.driver_connection
    count = 0
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for batch in batches:
                text = io.BytesIO()
                pyarrow.csv.write_csv(batch, text, options)
                copy.write(text.getbuffer())
                count += batch.num_rows
    except psycopg.Error as error:
        raise DBAPIError("COPY", None, error) from error
    return count


def _insert(connection: Connection, table: Table, batches: Iterator[pa.RecordBatch]) -> int:
    statement = str(insert(table).compile(dialect=connection.dialect))
    count = 0
    for batch in batches:
        columns = [with_own_digits(column).to_pylist() for column in batch.columns]
        rows = list(zip(*columns, strict=True))
        if rows:
            connection.exec_driver_sql(statement, rows)
        count += len(rows)
    return count


def with_own_digits(column: pa.Array) -> pa.Array:
    """A float as the double that its own shortest digits spell: SQLite knows only doubles."""
    if not pa.types.is_float32(column.type):
        return column
    return pc.cast(pc.cast(column, pa.string()), pa.float64())
