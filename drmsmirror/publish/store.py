"""A series as tables of a database, brought up to date by record number in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Table, delete, exists, func, insert, select, text, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable, SetColumnComment, SetTableComment

from drmsmirror.catalogue.masters import keyword_rows, link_rows, segment_rows, series_row
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.publish.dates import make_view
from drmsmirror.publish.loading import load
from drmsmirror.publish.tables import Tables
from drmsmirror.records import LatestRecords

__all__ = [
    "Change",
    "Counted",
    "add_columns",
    "count",
    "drop_table",
    "make_table",
    "merge_touched",
    "merge_whole",
    "write_masters",
]

#: Hears how many rows were read, and hands them on.
Counted = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class Change:
    """Records written, and records removed."""

    written: int
    removed: int


def make_table(
    connection: Connection,
    tables: Tables,
    definition: SeriesDefinition,
    rows: Iterator[pa.RecordBatch],
) -> Change:
    """Make the table of a series with its rows; its indexes come after them, which is faster."""
    connection.execute(CreateTable(tables.records))
    written = load(connection, tables.records, rows)
    for index in sorted(tables.records.indexes, key=lambda index: str(index.name)):
        index.create(connection)
    if connection.dialect.supports_comments and tables.records.comment is not None:
        connection.execute(SetTableComment(tables.records))
    _describe(connection, tables.records, tuple(tables.records.columns.keys()))
    make_view(connection, tables, definition)
    return Change(written, 0)


def drop_table(connection: Connection, tables: Tables) -> None:
    """Remove the table of a series and the view on it."""
    preparer = connection.dialect.identifier_preparer
    schema = tables.records.schema
    view = preparer.quote(tables.view)
    view = f"{preparer.quote_schema(schema)}.{view}" if schema else view
    connection.execute(text(f"DROP VIEW IF EXISTS {view}"))
    tables.records.drop(connection, checkfirst=True)


def add_columns(
    connection: Connection, tables: Tables, definition: SeriesDefinition, names: tuple[str, ...]
) -> None:
    """Add the columns of keywords that the series gained."""
    if not names:
        return
    preparer = connection.dialect.identifier_preparer
    table = preparer.format_table(tables.records)
    for name in names:
        column = tables.records.c[name]
        type_ = column.type.compile(connection.dialect)
        connection.execute(
            text(f"ALTER TABLE {table} ADD COLUMN {preparer.format_column(column)} {type_}")
        )
    _describe(connection, tables.records, names)
    make_view(connection, tables, definition)


def merge_whole(
    connection: Connection, tables: Tables, records: LatestRecords, counted: Counted
) -> Change:
    """Make the table hold all latest records, and nothing else."""
    with _temporary(connection, tables.stage):
        load(connection, tables.stage, counted(records.rows()))
        return _merge(connection, tables, only_touched=False)


def merge_touched(
    connection: Connection, tables: Tables, records: LatestRecords, counted: Counted
) -> Change:
    """Make the touched records be as they are now; those that are not shown any more leave."""
    with _temporary(connection, tables.stage), _temporary(connection, tables.touched):
        load(connection, tables.touched, records.touched())
        load(connection, tables.stage, counted(records.rows(only_touched=True)))
        return _merge(connection, tables, only_touched=True)


def count(connection: Connection, table: Table) -> int:
    """Number of rows of a table."""
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def write_masters(connection: Connection, tables: Tables, definition: SeriesDefinition) -> None:
    """Replace what DRMS's master tables say of the series."""
    rows: dict[str, list[dict[str, Any]]] = {
        "drms_series": [series_row(definition)],
        "drms_keyword": keyword_rows(definition, {}),
        "drms_segment": segment_rows(definition),
        "drms_link": link_rows(definition),
    }
    for name, table in tables.masters.items():
        connection.execute(delete(table).where(table.c.seriesname == definition.name))
        names = set(table.columns.keys())
        own = [{key: row[key] for key in row if key in names} for row in rows[name]]
        if own:
            connection.execute(insert(table), own)


@contextmanager
def _temporary(connection: Connection, table: Table) -> Iterator[None]:
    """Have a temporary table for a block; where that fails it goes with the transaction."""
    connection.execute(CreateTable(table))
    yield
    table.drop(connection)


def _describe(connection: Connection, table: Table, names: tuple[str, ...]) -> None:
    if connection.dialect.supports_comments:
        for name in names:
            if table.c[name].comment is not None:
                connection.execute(SetColumnComment(table.c[name]))


def _merge(connection: Connection, tables: Tables, *, only_touched: bool) -> Change:
    records, stage, touched = tables.records, tables.stage, tables.touched
    if connection.dialect.name == "postgresql":  # which plans a join by what it knows
        for table in (stage, touched) if only_touched else (stage,):
            connection.execute(text(f"ANALYZE {table.name}"))
    leaving = ~exists().where(stage.c.recnum == records.c.recnum)
    if only_touched:
        leaving &= exists().where(touched.c.recnum == records.c.recnum)
    removed = connection.execute(delete(records).where(leaving)).rowcount
    # SQLAlchemy asks for the count of an INSERT only where it is told to
    counting = {"preserve_rowcount": True}
    upsert = _upsert(connection, records, stage)
    written = connection.execute(upsert, execution_options=counting).rowcount
    return Change(written, removed)


def _upsert(connection: Connection, records: Table, stage: Table) -> Any:
    """Insert what is staged; of rows that are there only those that differ are touched."""
    names = [column.name for column in records.columns]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    # SQLite needs a WHERE to tell ON CONFLICT from the ON of a join
    staged = select(*(stage.c[name] for name in names)).where(text("TRUE"))
    statement = dialect.insert(records).from_select(names, staged)
    others = [name for name in names if name != "recnum"]
    given = statement.excluded
    differs = tuple_(*(records.c[name] for name in others)).is_distinct_from(
        tuple_(*(given[name] for name in others))
    )
    return statement.on_conflict_do_update(
        index_elements=["recnum"], set_={name: given[name] for name in others}, where=differs
    )
