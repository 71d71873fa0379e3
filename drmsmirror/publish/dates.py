"""The view in which times are dates: TAI seconds since 1977 are of use to programs only."""

from __future__ import annotations

from sqlalchemy import Connection, text

from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.publish.tables import Tables

__all__ = ["make_view"]

#: 1977.01.01 in the seconds of SQLite's dates, which know no leap seconds, nor does TAI.
_EPOCH = 220_924_800

#: Seconds within which both databases know dates: the years 0 to 9999, roughly.
_FIRST, _LAST = -62_000_000_000, 253_000_000_000


def make_view(connection: Connection, tables: Tables, definition: SeriesDefinition) -> None:
    """Make the view, or make it anew where the table gained columns."""
    preparer = connection.dialect.identifier_preparer
    columns = []
    for column in tables.records.columns:
        name = preparer.format_column(column)
        keyword = definition.column(column.name)
        is_time = keyword is not None and keyword.type is KeywordType.TIME
        columns.append(f"{_date(connection, name)} AS {name}" if is_time else name)
    view = preparer.quote(tables.view)
    if tables.records.schema is not None:
        view = f"{preparer.quote_schema(tables.records.schema)}.{view}"
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        connection.execute(text(f"DROP VIEW IF EXISTS {view}"))
    create = "CREATE VIEW" if sqlite else "CREATE OR REPLACE VIEW"  # which others may build upon
    source = preparer.format_table(tables.records)
    body = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608 - names are quoted
    connection.exec_driver_sql(f"{create} {view} AS {body}")


def _date(connection: Connection, name: str) -> str:
    if connection.dialect.name == "sqlite":
        date = f"strftime('%Y-%m-%d %H:%M:%f', {name} + {_EPOCH}, 'unixepoch')"
    else:
        date = f"timestamp '1977-01-01' + {name} * interval '1 second'"
    return f"CASE WHEN {name} BETWEEN {_FIRST} AND {_LAST} THEN {date} END"
