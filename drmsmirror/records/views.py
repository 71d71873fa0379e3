"""Record tables as SQL views: one schema a namespace, typed columns, missing values as null."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drmsmirror.model.series import Column
from drmsmirror.model.types import MISSING_TIME_TOLERANCE, KeywordType
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["create_view"]


def create_view(connection: DuckDBPyConnection, table: RecordTable) -> None:
    """Make the view of a series: the latest version of each record.

    Columns are named as in DRMS's own series table; each has its units and note as a comment.
    """
    definition = table.definition
    name = f"{identifier(definition.namespace)}.{identifier(definition.table)}"
    columns = ["recnum", "sunum", *(_value(column) for column in definition.columns)]
    rows = files_relation(table.files(), table_schema(definition))
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(definition.namespace)}")
    connection.execute(
        f"CREATE VIEW {name} AS SELECT {', '.join(columns)} FROM {rows} "
        f"WHERE _latest AND _gone_run IS NULL"
    )
    connection.execute(f"COMMENT ON VIEW {name} IS {literal(definition.note)}")
    for column in definition.columns:
        text = f"[{_units(column)}] {column.keyword.note}".strip()
        connection.execute(f"COMMENT ON COLUMN {name}.{identifier(column.name)} IS {literal(text)}")


def _units(column: Column) -> str:
    if column.type is KeywordType.TIME:
        return "TAI seconds since 1977.01.01_00:00:00_TAI"
    return column.keyword.units or "none"


def _value(column: Column) -> str:
    """A column with null for DRMS's missing value (DRMS semantics 2.1)."""
    name = identifier(column.name)
    if column.type.is_float:
        return f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END AS {name}"
    if column.type is KeywordType.TIME:
        distance = f"abs({name} - {literal(column.type.missing)})"
        is_there = f"{distance} > {MISSING_TIME_TOLERANCE} AND NOT isnan({name})"
        return f"CASE WHEN {is_there} THEN {name} END AS {name}"
    return f"nullif({name}, {literal(column.type.missing)}) AS {name}"
