"""SQL over the whole mirror: one SELECT, parsed and checked first, then run by DuckDB.

Besides being checked (:mod:`drmsmirror.client.statement`) it has to be a SELECT for the engine's
own parser too, and runs on a connection that can read the record tables which it names only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from drmsmirror.client.sqlnames import MasterName, SeriesName, SqlName, SqlNames
from drmsmirror.client.statement import Statement, check_statement
from drmsmirror.errors import SqlError
from drmsmirror.mirror import Mirror
from drmsmirror.records import (
    TIME_FUNCTIONS,
    Interruptible,
    OutOfTimeError,
    RecordTable,
    comment_view,
    connect,
    create_table,
    create_time_functions,
    create_view,
    former_columns,
)

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

__all__ = ["SqlRows", "refuse_what_is_no_select", "run_sql", "sql_frame", "stream_sql"]

#: Rows that are taken from the engine at once.
_BATCH = 2048

#: What stands in the engine's words before an error of a time.
_TIME_ERROR = "TimeTextError: "


def run_sql(mirror: Mirror, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run one statement and give names of columns and all rows; see :func:`stream_sql`."""
    with stream_sql(mirror, statement) as answer:
        return list(answer.columns), list(answer)


@dataclass(slots=True)
class SqlRows:
    """The rows of a statement, one after the other; they can be read once.

    A FLOAT is the number that its own shortest digits spell.

    Parameters
    ----------
    columns, types : tuple of str
        Of each column the name, and the type in the engine's words.
    limit : int or None
        How many rows are given at most.
    was_cut : bool
        Whether there were more, known when all that are given have been read.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    limit: int | None
    was_cut: bool = False
    _fetch: Callable[[int], list[tuple[Any, ...]]] = field(kw_only=True, repr=False)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        left = self.limit
        while rows := self._fetch(_BATCH if left is None else min(_BATCH, left + 1)):
            if left is not None:
                self.was_cut = len(rows) > left
                rows = rows[:left]
                left -= len(rows)
            yield from self._with_own_digits(rows)
            if self.was_cut:
                return

    def _with_own_digits(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Floats by their own digits: as doubles they show 17, of which DRMS printed eight."""
        import numpy as np

        floats = {place for place, type_ in enumerate(self.types) if type_ == "FLOAT"}
        if not floats:
            return rows
        return [
            tuple(
                float(str(np.float32(value))) if place in floats and value is not None else value
                for place, value in enumerate(row)
            )
            for row in rows
        ]


@contextmanager
def stream_sql(
    mirror: Mirror, statement: str, *, limit: int | None = None, seconds: float | None = None
) -> Iterator[SqlRows]:
    """Run one SELECT, or DESCRIBE, over what the mirror holds.

    Parameters
    ----------
    mirror : Mirror
    statement : str
        DuckDB's SQL. Series are named as in DRMS, ``hmi.sharp_720s``; ``hmi.sharp_720s_all`` is
        every version of their records, ``hmi.drms_keyword`` one of DRMS's master tables.
    limit : int, optional
        How many rows are given at most.
    seconds : float, optional
        How long the engine may take.

    Yields
    ------
    SqlRows
        To be read before the block ends.

    Raises
    ------
    SqlError
        It is no single SELECT, names what is no table of the mirror, uses what is not allowed, the
        engine cannot run it, or it took too long.
    IntegrityError
        The record table of a series that it names cannot be read.
    """
    with _ready(mirror, statement, limit, seconds) as (connection, text, do):
        description = do(lambda: connection.execute(text).description or [])
        yield SqlRows(
            tuple(name for name, *_ in description),
            tuple(str(type_) for _, type_, *_ in description),
            limit,
            _fetch=lambda count: do(partial(connection.fetchmany, count)),
        )


def sql_frame(
    mirror: Mirror, statement: str, *, limit: int | None = None, seconds: float | None = None
) -> pd.DataFrame:
    """Run one statement and give its rows as a table; see :func:`stream_sql`.

    Returns
    -------
    pandas.DataFrame
        A FLOAT is float32, a DECIMAL and a HUGEINT float64, each with NaN for null; an integer or
        a BOOLEAN has pandas' own type for nulls where there are any; a text is text or None.
    """
    import pyarrow as pa

    from drmsmirror.client.frames import frame_of_arrow

    with _ready(mirror, statement, limit, seconds) as (connection, text, do):
        reader = do(lambda: connection.sql(text).to_arrow_reader(_BATCH))
        batches: list[pa.RecordBatch] = []
        left = limit
        while left != 0 and (batch := do(partial(next, reader, None))) is not None:
            batches.append(batch if left is None else batch.slice(0, left))
            left = None if left is None else left - batches[-1].num_rows
        return frame_of_arrow(pa.Table.from_batches(batches, reader.schema))


@contextmanager
def _ready(
    mirror: Mirror, statement: str, limit: int | None, seconds: float | None
) -> Iterator[tuple[DuckDBPyConnection, str, Interruptible]]:
    """A connection with the tables of a statement, what is to be run there, and by what."""
    import duckdb

    if limit is not None and limit < 0:
        raise SqlError(f"The limit is {limit}; it must be a number of rows, from 0 up")
    if seconds is not None and not seconds > 0:
        raise SqlError(f"The time limit is {seconds:g} s; it must be more than 0")
    checked = check_statement(statement, SqlNames.of(mirror))
    tables = _record_tables(mirror, checked.names)
    columns = _columns_to_show(checked, tables)
    try:
        with (
            _connection(mirror, checked, tables.values()) as connection,
            Interruptible(connection, seconds) as do,
        ):
            for name in checked.names:
                if isinstance(name, MasterName):
                    rows = mirror.catalogue.master_table(name.table, name.namespace)
                    create_table(connection, name.namespace, name.table, rows)
                else:
                    create_view(
                        connection,
                        tables[name.series],
                        all_versions=name.all_versions,
                        columns=columns,
                    )
            if checked.describes:
                (name,) = checked.names
                if isinstance(name, SeriesName):
                    comment_view(connection, tables[name.series], all_versions=name.all_versions)
                text = _columns_of(name)
            else:
                text = checked.text
                refuse_what_is_no_select(connection, text)
            yield connection, text, do
    except duckdb.Error as error:
        raise SqlError(_in_words(error)) from None
    except OutOfTimeError:
        raise SqlError(
            f"The statement took longer than {seconds:g} s and was stopped. Ask for less, or give "
            "it more time"
        ) from None


def _record_tables(mirror: Mirror, names: tuple[SqlName, ...]) -> dict[str, RecordTable]:
    """The record tables behind what is named, by series."""
    series = dict.fromkeys(name.series for name in names if isinstance(name, SeriesName))
    return {name: mirror.table(mirror.catalogue.definition(name)) for name in series}


@contextmanager
def _connection(
    mirror: Mirror, statement: Statement, tables: Collection[RecordTable]
) -> Iterator[DuckDBPyConnection]:
    """A connection for views of these tables: to a database of its own where it needs functions."""
    if TIME_FUNCTIONS.isdisjoint(statement.functions):
        with mirror.workspace(tables) as connection:
            yield connection
        return
    with connect([table.path for table in tables]) as connection:
        create_time_functions(connection)
        yield connection


def _columns_to_show(
    statement: Statement, tables: Mapping[str, RecordTable]
) -> frozenset[str] | None:
    """Columns that views need to have for a statement; None for all.

    Where a name is no column's the engine is to say which are like it, so that it needs all.
    """
    known = {"recnum", "sunum", *statement.own}
    known |= {column.name for table in tables.values() for column in table.definition.columns}
    known |= {
        column.name
        for name in statement.names
        if isinstance(name, SeriesName) and name.all_versions
        for column in former_columns(tables[name.series])
    }
    if statement.columns is None or not statement.columns <= known:
        return None
    return statement.columns


def refuse_what_is_no_select(connection: DuckDBPyConnection, text: str) -> None:
    """Ask the engine's parser too, lest it understand something else than ours did.

    Raises
    ------
    SqlError
        It is no single SELECT.
    """
    import duckdb

    found = [statement.type for statement in connection.extract_statements(text)]
    if found != [duckdb.StatementType.SELECT]:
        raise SqlError("Only one SELECT or DESCRIBE is allowed")


def _in_words(error: Exception) -> str:
    """What the engine says; of a time that is none, what we said to the engine."""
    _, is_ours, said = str(error).partition(_TIME_ERROR)
    return said if is_ours else f"DuckDB cannot run this: {error}"


def _columns_of(name: SqlName) -> str:
    namespace, _, table = name.text.partition(".")
    return (
        "SELECT column_name AS column, data_type AS type, comment FROM duckdb_columns() "
        f"WHERE database_name = current_database() AND schema_name = '{namespace}' "
        f"AND table_name = '{table}' ORDER BY column_index"
    )
