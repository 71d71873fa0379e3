"""Series definitions: kept in DRMS's master tables, given back exactly."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, delete, func, insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.masters import (
    definition_of,
    keyword_rows,
    link_rows,
    segment_rows,
    series_key,
    series_row,
)
from drmsmirror.errors import UnknownSeriesError
from drmsmirror.model.series import SeriesDefinition

__all__ = [
    "SeriesSummary",
    "is_known",
    "known_key",
    "linked_to",
    "load",
    "names",
    "save",
    "write",
]


def _of_series(table: Table, rank: str | None = None) -> Select[Any]:
    """The rows of a series, the text of which is made once: every question reads them."""
    query = select(table).where(table.c.series_key == bindparam("key"))
    return query if rank is None else query.order_by(table.c[rank])


_SERIES = _of_series(tables.drms_series)
_KEYWORDS = _of_series(tables.drms_keyword, "keyword_rank")
_SEGMENTS = _of_series(tables.drms_segment, "segnum")
_LINKS = _of_series(tables.drms_link, "link_rank")


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """One line about a series.

    Parameters
    ----------
    name : str
        Canonical spelling.
    note : str
        What the upstream says about it.
    """

    name: str
    note: str


def save(database: Database, definition: SeriesDefinition, *, upstream_url: str = "") -> None:
    """Keep a definition, in place of the one that is there, in one transaction.

    Codecs stay with keywords that still have the same type. Coverage stays too: whoever saves has
    made sure that what is held means the same by the new definition.

    Parameters
    ----------
    database : Database
    definition : SeriesDefinition
        As it was read now.
    upstream_url : str
        Server that the definition comes from; empty keeps what is known.
    """
    with database.write() as connection:
        write(connection, definition, database.clock(), upstream_url)


def write(
    connection: Connection, definition: SeriesDefinition, when: datetime, upstream_url: str
) -> None:
    """Keep a definition that was read at a moment, inside a transaction; see :func:`save`."""
    key = series_key(definition.name)
    before = _find(connection, key)
    if before != definition:
        codecs = _codecs_to_keep(connection, key, definition)
        _write_series(connection, key, series_row(definition), is_new=before is None)
        _replace(connection, tables.drms_keyword, key, keyword_rows(definition, codecs))
        _replace(connection, tables.drms_segment, key, segment_rows(definition))
        _replace(connection, tables.drms_link, key, link_rows(definition))
    _note_reading(connection, key, when, upstream_url, is_new=before is None)


def load(database: Database, name: str) -> SeriesDefinition:
    """Give the definition of a series, looked up in any case.

    Raises
    ------
    UnknownSeriesError
        There is none; the message suggests near names.
    """
    with database.read() as connection:
        definition = _find(connection, series_key(name))
        if definition is None:
            known_key(connection, name)  # says what is known
        assert definition is not None
        return definition


def names(database: Database) -> tuple[SeriesSummary, ...]:
    """All series of the mirror, by name."""
    series = tables.drms_series.c
    with database.read() as connection:
        rows = connection.execute(select(series.series_key, series.seriesname, series.description))
        # sorted here, because PostgreSQL's order depends on how the database was made
        return tuple(SeriesSummary(row.seriesname, row.description) for row in sorted(rows))


def is_known(database: Database, name: str) -> bool:
    """Whether the catalogue knows a series of that name, in any case."""
    key = tables.drms_series.c.series_key
    with database.read() as connection:
        found = connection.execute(select(key).where(key == series_key(name))).first()
    return found is not None


def linked_to(database: Database, name: str) -> tuple[str, ...]:
    """Name the series with a record table that have a link to a series, in any case; by name."""
    link, series, state = tables.drms_link, tables.drms_series, tables.series_state
    query = (
        select(series.c.seriesname)
        .distinct()
        .join(link, link.c.series_key == series.c.series_key)
        .join(state, state.c.series_key == series.c.series_key)
        .where(
            func.lower(link.c.target_seriesname) == series_key(name),
            state.c.table_path.is_not(None),
        )
    )
    with database.read() as connection:
        return tuple(sorted(connection.scalars(query)))


def known_key(connection: Connection, name: str) -> str:
    """Give the ``series_key`` of a series that the catalogue knows.

    Raises
    ------
    UnknownSeriesError
        It knows none of that name; the message suggests near names.
    """
    key = series_key(name)
    if connection.execute(_SERIES, {"key": key}).first():
        return key
    known = {
        row.series_key: row.seriesname for row in connection.execute(select(tables.drms_series))
    }
    near = [known[match] for match in difflib.get_close_matches(key, known, n=3)]
    meant = f" Did you mean {', '.join(near)}?" if near else ""
    raise UnknownSeriesError(
        f"The mirror knows no series {name!r}.{meant} `drmsmirror status` lists what it holds; "
        f"what it does not comes with\n  drmsmirror sync '{name}'"
    )


def _find(connection: Connection, key: str) -> SeriesDefinition | None:
    series = connection.execute(_SERIES, {"key": key}).first()
    if series is None:
        return None
    return definition_of(
        series,
        connection.execute(_KEYWORDS, {"key": key}).all(),
        connection.execute(_SEGMENTS, {"key": key}).all(),
        connection.execute(_LINKS, {"key": key}).all(),
    )


def _write_series(connection: Connection, key: str, row: dict[str, Any], *, is_new: bool) -> None:
    """Write the line of a series; it is not deleted first, since other tables refer to it."""
    table = tables.drms_series
    if is_new:
        connection.execute(insert(table), row)
    else:
        connection.execute(update(table).where(table.c.series_key == key).values(row))


def _replace(connection: Connection, table: Table, key: str, rows: list[dict[str, Any]]) -> None:
    connection.execute(delete(table).where(table.c.series_key == key))
    if rows:
        connection.execute(insert(table), rows)


def _codecs_to_keep(
    connection: Connection, key: str, definition: SeriesDefinition
) -> dict[str, str]:
    """Codecs by lower-case keyword, of those whose values are still of the same type."""
    keyword = tables.drms_keyword.c
    query = select(keyword.keywordname, keyword.type, keyword.codec).where(
        keyword.series_key == key, keyword.codec.is_not(None)
    )
    kept = {}
    for row in connection.execute(query):
        now = definition.find(row.keywordname)
        if now is not None and now.type == row.type:
            kept[row.keywordname.lower()] = row.codec
    return kept


def _note_reading(
    connection: Connection, key: str, when: datetime, upstream_url: str, *, is_new: bool
) -> None:
    """Remember when the definition was read, and from where."""
    if is_new:
        first = {"series_key": key, "generation": 0, "rows_held": 0, "upstream_url": upstream_url}
        connection.execute(insert(tables.series_state), first | {"definition_read_utc": when})
        return
    known = {"upstream_url": upstream_url} if upstream_url else {}
    connection.execute(
        update(tables.series_state)
        .where(tables.series_state.c.series_key == key)
        .values(definition_read_utc=when, **known)
    )
