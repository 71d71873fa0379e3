"""What is held of a part of a series: how many records, where a window ends, and which differ.

The latest version of each record that is there, as DRMS would show it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from drmsmirror.model.intervals import Interval
from drmsmirror.model.positions import lowest_named
from drmsmirror.model.recordset import SqlCondition
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.extents import Portion
from drmsmirror.records.rows import calculating
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["count_held", "find_differing", "sample_held", "sample_positions", "window_end"]


def count_held(table: RecordTable, portion: Portion) -> int:
    """How many records are held of a part of a series."""
    with _holding(table, portion) as connection:
        return int(connection.execute("SELECT count(*) FROM held").fetchall()[0][0])


def window_end(table: RecordTable, portion: Portion, low: float, records: int) -> float | None:
    """Position on the axis before which so many records of a part lie, from ``low`` on.

    None where there are not more of them.
    """
    axis = table.definition.axis.column
    near = table.file_list.value_after(axis, low, 2 * records)
    for high in (near, math.inf):  # mostly the first is enough, and few files are read
        if high is None:
            continue
        with _holding(table, portion.within(Interval(low, high))) as connection:
            found = connection.execute(
                f"SELECT {identifier(axis)} FROM held WHERE {identifier(axis)} >= {literal(low)} "
                f"ORDER BY {identifier(axis)} LIMIT 1 OFFSET {int(records)}"
            ).fetchall()
        if found:
            return float(found[0][0])
    return None


def find_differing(
    table: RecordTable,
    portion: Portion,
    given: pa.Table,
    columns: Iterable[str],
    *,
    generation: int,
) -> list[int]:
    """Numbers of records that are given and are not held so.

    Parameters
    ----------
    table : RecordTable
    portion : Portion
        Of which the records are.
    given : pyarrow.Table
        Records with ``recnum`` and some columns.
    columns : iterable of str
        Those that are compared.
    generation : int
        In which they were read.
    """
    names = list(columns)
    differs = [
        f"held.{identifier(name)} IS DISTINCT FROM given.{identifier(name)}" for name in names
    ]
    with _holding(table, portion, names) as connection:
        connection.register("given", given.select(["recnum", *names]))
        found = connection.execute(
            f"""
            SELECT given.recnum FROM given LEFT JOIN held
                ON held.recnum = given.recnum AND held._generation = {literal(generation)}
            WHERE held.recnum IS NULL OR {" OR ".join(differs) or "FALSE"}
            ORDER BY given.recnum
            """
        ).fetchall()
    return [int(number) for (number,) in found]


def sample_held(
    table: RecordTable, portion: Portion, records: int, *, generation: int
) -> list[int]:
    """Numbers of some records of a part, chosen at random."""
    with _holding(table, portion) as connection:
        found = connection.execute(
            f"SELECT recnum FROM (SELECT recnum FROM held WHERE recnum >= 0 "
            f"AND _generation = {literal(generation)}) USING SAMPLE reservoir({int(records)} ROWS)"
        ).fetchall()
    return sorted(int(number) for (number,) in found)


def sample_positions(table: RecordTable, portion: Portion, most: int) -> list[float]:
    """Positions on the axis at which records of a part of a series are held, chosen at random.

    Whole ones; such that each can be asked for by itself.
    """
    definition = table.definition
    axis, lowest = identifier(definition.axis.column), lowest_named(definition)
    with _holding(table, portion) as connection:
        found = connection.execute(
            f"SELECT position FROM (SELECT DISTINCT floor({axis}) AS position FROM held "
            f"WHERE {axis} > {literal(lowest)}) USING SAMPLE reservoir({int(most)} ROWS)"
        ).fetchall()
    return sorted(float(position) for (position,) in found)


@contextmanager
def _holding(
    table: RecordTable, portion: Portion, columns: Collection[str] = ()
) -> Iterator[DuckDBPyConnection]:
    """A connection that has the records of a part as ``held``."""
    definition = table.definition
    used = {*columns, *portion.columns, definition.axis.column, "recnum", "_generation"}
    fields = [
        field for field in table_schema(definition) if field.name in used | {"_latest", "_gone_run"}
    ]
    rows = files_relation(table.files(*portion.ranges(definition)), pa.schema(fields))
    conditions = [one for one in portion.filters if isinstance(one, SqlCondition)]
    with calculating(conditions), table.connect([table.path]) as connection:
        connection.execute(
            f"CREATE TEMP VIEW held AS SELECT * FROM {rows} "
            f"WHERE _latest AND _gone_run IS NULL AND ({portion.sql(definition)})"
        )
        yield connection
