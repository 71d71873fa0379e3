"""Record tables as SQL views: one schema a namespace, typed columns, missing values as null."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from drmsmirror.model.series import Column, SeriesDefinition
from drmsmirror.model.types import MISSING_TIME_TOLERANCE, KeywordType
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "ALL_VERSIONS",
    "comment_on",
    "comment_view",
    "create_table",
    "create_view",
    "former_columns",
    "null_for_missing",
]

#: What follows the name of a series where every version is meant.
ALL_VERSIONS: Final = "_all"

_IS_LATEST = "_latest AND _gone_run IS NULL"

#: What tells versions apart: SQL and meaning, by column.
_VERSION: Final = {
    "_latest": (_IS_LATEST, "whether DRMS shows this version of the record"),
    "_seen_run": ("_seen_run", "number of the run that stored the row"),
    "_gone_run": ("_gone_run", "number of the run that found it gone, or null"),
    "_generation": ("_generation", "stretch of the server's life in which recnum has one meaning"),
}


def create_view(
    connection: DuckDBPyConnection,
    table: RecordTable,
    *,
    all_versions: bool = False,
    columns: Collection[str] | None = None,
) -> None:
    """Make the view of a series: the latest version of each record, or every row that is held.

    Columns are named as in DRMS's own series table. Every version goes by the name of the series
    with :data:`ALL_VERSIONS`, and has what tells versions apart after the other columns, before it
    those of keywords that the series no longer has.

    Parameters
    ----------
    connection : DuckDBPyConnection
    table : RecordTable
    all_versions : bool
    columns : collection of str, optional
        Of the keywords' columns the only ones that the view is to have: one of a hundred takes the
        engine a while.
    """
    definition = table.definition
    complete = table.complete_keys()
    known = (*definition.columns, *(former_columns(table) if all_versions else ()))
    wanted = [one for one in known if columns is None or one.name in columns]
    shown = ["recnum", "sunum", *(null_for_missing(column, complete) for column in wanted)]
    if all_versions:
        shown += [f"{sql} AS {name}" for name, (sql, _) in _VERSION.items()]
    used = {"recnum", "sunum", *_VERSION, *(column.name for column in wanted)}
    fields = {field.name: field for field in (*table.schema, *table_schema(definition))}
    rows = files_relation(
        table.files(), pa.schema([field for name, field in fields.items() if name in used])
    )
    _create_schema(connection, definition.namespace)
    connection.execute(
        f"CREATE VIEW {_name(definition, all_versions)} AS SELECT {', '.join(shown)} FROM {rows}"
        + ("" if all_versions else f" WHERE {_IS_LATEST}")
    )


def former_columns(table: RecordTable) -> tuple[Column, ...]:
    """Columns of keywords that the series no longer has, as every version shows them."""
    return tuple(one.column for one in table.former)


def comment_view(
    connection: DuckDBPyConnection, table: RecordTable, *, all_versions: bool = False
) -> None:
    """Add units and notes to the columns of a view, where somebody wants to read them."""
    name = _name(table.definition, all_versions)
    for column, text in _comments(table, all_versions):
        connection.execute(f"COMMENT ON COLUMN {name}.{identifier(column)} IS {literal(text)}")


def create_table(connection: DuckDBPyConnection, namespace: str, name: str, rows: pa.Table) -> None:
    """Make a table of the connection's own from rows that are in memory."""
    _create_schema(connection, namespace)
    connection.register("_given", rows)
    connection.execute(
        f"CREATE TABLE {identifier(namespace)}.{identifier(name)} AS SELECT * FROM _given"
    )
    connection.unregister("_given")


def _create_schema(connection: DuckDBPyConnection, namespace: str) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(namespace)}")


def _name(definition: SeriesDefinition, all_versions: bool) -> str:
    table = definition.table + (ALL_VERSIONS if all_versions else "")
    return f"{identifier(definition.namespace)}.{identifier(table)}"


def _comments(table: RecordTable, all_versions: bool) -> Iterator[tuple[str, str]]:
    for column in table.definition.columns:
        yield column.name, comment_on(column)
    if all_versions:
        for column in former_columns(table):
            yield column.name, f"{comment_on(column)} (the series no longer has it)"
        for name, (_, meaning) in _VERSION.items():
            yield name, meaning


def comment_on(column: Column) -> str:
    """Units and note of a column, in one line."""
    return f"[{_units(column)}] {column.keyword.note}".strip()


def _units(column: Column) -> str:
    if column.type is KeywordType.TIME:
        return "TAI seconds since 1977.01.01_00:00:00_TAI"
    return column.keyword.units or "none"


def null_for_missing(column: Column, complete: Collection[str] = ()) -> str:
    """SQL for a column with null for DRMS's missing value (DRMS semantics 2.1).

    One of those that have none is left as it is: the engine compares it with statistics then, and
    does not read what cannot match.
    """
    name = identifier(column.name)
    if column.name in complete:
        return name
    if column.type.is_float:
        return f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END AS {name}"
    if column.type is KeywordType.TIME:
        distance = f"abs({name} - {literal(column.type.missing)})"
        is_there = f"{distance} > {MISSING_TIME_TOLERANCE} AND NOT isnan({name})"
        return f"CASE WHEN {is_there} THEN {name} END AS {name}"
    return f"nullif({name}, {literal(column.type.missing)}) AS {name}"
