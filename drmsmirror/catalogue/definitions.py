"""Series definitions: kept in DRMS's master tables, given back exactly."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

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
from drmsmirror.model.identity import identity_of
from drmsmirror.model.series import SeriesDefinition

__all__ = ["DefinitionChange", "SeriesSummary", "known_key", "load", "names", "save"]


class DefinitionChange(StrEnum):
    """What saving a definition changed."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    #: Prime keys or slots changed: positions on the axis mean something else than before.
    IDENTITY = "identity"


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


def save(
    database: Database,
    definition: SeriesDefinition,
    *,
    upstream_url: str = "",
    read_utc: datetime | None = None,
) -> DefinitionChange:
    """Keep a definition, in place of the one that is there, in one transaction.

    Codecs stay with keywords that still have the same type. Coverage counts by prime keys and
    slots: where those changed it is dropped, since it would speak of other positions; the rows
    have to be read again into a new table.

    Parameters
    ----------
    database : Database
    definition : SeriesDefinition
    upstream_url : str
        Server that the definition comes from; empty keeps what is known.
    read_utc : datetime, optional
        When it was read there; now by default.

    Returns
    -------
    DefinitionChange
    """
    key = series_key(definition.name)
    when = read_utc or database.clock()
    with database.write() as connection:
        before = _find(connection, key)
        codecs = _codecs_to_keep(connection, key, definition)
        change = _compare(before, definition)
        if before is None:
            connection.execute(insert(tables.drms_series), series_row(definition))
        elif change is not DefinitionChange.SAME:
            connection.execute(
                update(tables.drms_series)
                .where(tables.drms_series.c.series_key == key)
                .values(series_row(definition))
            )
        if change is not DefinitionChange.SAME:
            _replace(connection, tables.drms_keyword, key, keyword_rows(definition, codecs))
            _replace(connection, tables.drms_segment, key, segment_rows(definition))
            _replace(connection, tables.drms_link, key, link_rows(definition))
        if change is DefinitionChange.IDENTITY:
            _replace(connection, tables.coverage, key, [])
        _note_reading(connection, key, when, upstream_url, is_new=before is None)
    return change


def load(database: Database, name: str) -> SeriesDefinition:
    """Give the definition of a series, looked up in any case.

    Raises
    ------
    UnknownSeriesError
        There is none; the message suggests near names.
    """
    with database.read() as connection:
        key = known_key(connection, name)
        definition = _find(connection, key)
        assert definition is not None
        return definition


def names(database: Database) -> tuple[SeriesSummary, ...]:
    """All series of the mirror, by name."""
    series = tables.drms_series.c
    with database.read() as connection:
        rows = connection.execute(select(series.series_key, series.seriesname, series.description))
        # sorted here, because PostgreSQL's order depends on how the database was made
        return tuple(SeriesSummary(row.seriesname, row.description) for row in sorted(rows))


def known_key(connection: Connection, name: str) -> str:
    """Give the ``series_key`` of a series that the catalogue knows.

    Raises
    ------
    UnknownSeriesError
        It knows none of that name; the message suggests near names.
    """
    key = series_key(name)
    series = tables.drms_series.c
    if connection.execute(select(series.series_key).where(series.series_key == key)).first():
        return key
    known = {
        row.series_key: row.seriesname for row in connection.execute(select(tables.drms_series))
    }
    near = [known[match] for match in difflib.get_close_matches(key, known, n=3)]
    hint = (
        f"Did you mean {', '.join(near)}?" if near else "`drmsmirror status` lists what it holds."
    )
    raise UnknownSeriesError(f"The mirror knows no series {name!r}. {hint}")


def _find(connection: Connection, key: str) -> SeriesDefinition | None:
    series = connection.execute(
        select(tables.drms_series).where(tables.drms_series.c.series_key == key)
    ).first()
    if series is None:
        return None
    return definition_of(
        series,
        _rows(connection, tables.drms_keyword, key, "keyword_rank"),
        _rows(connection, tables.drms_segment, key, "segnum"),
        _rows(connection, tables.drms_link, key, "link_rank"),
    )


def _rows(connection: Connection, table: Table, key: str, rank: str) -> list[Any]:
    query = select(table).where(table.c.series_key == key).order_by(table.c[rank])
    return list(connection.execute(query))


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


def _compare(before: SeriesDefinition | None, after: SeriesDefinition) -> DefinitionChange:
    if before is None:
        return DefinitionChange.NEW
    if before == after:
        return DefinitionChange.SAME
    if identity_of(before) != identity_of(after):
        return DefinitionChange.IDENTITY
    return DefinitionChange.CHANGED


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
