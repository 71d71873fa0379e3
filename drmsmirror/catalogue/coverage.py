"""Coverage as it is kept: what is held completely of each series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.definitions import known_key
from drmsmirror.model.coverage import CoverageEntry, Versions, coalesce
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval

__all__ = ["AsOf", "date_back", "load", "read", "write"]

_MOMENT = timedelta(microseconds=1)

_COVERAGE = (
    select(tables.coverage)
    .where(tables.coverage.c.series_key == bindparam("key"))
    .order_by(tables.coverage.c.id)
)


@dataclass(frozen=True, slots=True)
class AsOf:
    """A moment in the upstream's life.

    Parameters
    ----------
    recnum : int
        Its largest record number.
    utc : datetime
        When that was read.
    """

    recnum: int
    utc: datetime


def load(database: Database, series: str) -> tuple[CoverageEntry, ...]:
    """Say what is held completely of a series, along its axis.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    with database.read() as connection:
        return read(connection, known_key(connection, series))


def date_back(database: Database, series: str, now: datetime) -> None:
    """Let what is held as of a moment that has not come be held as of shortly before now.

    The clock by which it was read was ahead. By that date it would count as read later than all
    that is read until then.

    Parameters
    ----------
    database : Database
    series : str
        Of which the caller holds the lease.
    now : datetime
        Of the clock as it goes now.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    if all(entry.as_of_utc <= now for entry in load(database, series)):
        return
    with database.write() as connection:
        key = known_key(connection, series)
        held = [
            replace(one, as_of_utc=now - _MOMENT) if one.as_of_utc > now else one
            for one in read(connection, key)
        ]
        write(connection, key, coalesce(held))


def read(connection: Connection, key: str) -> tuple[CoverageEntry, ...]:
    """Say what is held completely of a series, inside a transaction."""
    return coalesce([entry for _, entry in _stored(connection, key)])


def write(connection: Connection, key: str, entries: Sequence[CoverageEntry]) -> None:
    """Make ``entries`` all that is held of a series; rows that stay are not touched."""
    wanted = set(entries)
    kept: set[CoverageEntry] = set()
    gone = []
    for number, entry in _stored(connection, key):
        if entry in wanted and entry not in kept:
            kept.add(entry)
        else:
            gone.append({"gone": number})
    table = tables.coverage
    if gone:
        connection.execute(delete(table).where(table.c.id == bindparam("gone")), gone)
    if added := [_row(key, entry) for entry in entries if entry not in kept]:
        connection.execute(insert(table), added)


def _stored(connection: Connection, key: str) -> list[tuple[int, CoverageEntry]]:
    return [(row.id, _entry(row)) for row in connection.execute(_COVERAGE, {"key": key})]


def _entry(row: Row[Any]) -> CoverageEntry:
    return CoverageEntry(
        interval=Interval(
            -math.inf if row.low is None else row.low, math.inf if row.high is None else row.high
        ),
        restriction=Restriction.parse(row.restriction),
        columns=frozenset(row.columns),
        versions=Versions(row.versions),
        generation=row.generation,
        as_of_recnum=row.as_of_recnum,
        as_of_utc=row.as_of_utc,
    )


def _row(key: str, entry: CoverageEntry) -> dict[str, Any]:
    low, high = entry.interval.low, entry.interval.high
    return {
        "series_key": key,
        "low": None if low == -math.inf else low,
        "high": None if high == math.inf else high,
        "restriction": entry.restriction.text,
        "columns": sorted(entry.columns),
        "versions": str(entry.versions),
        "generation": entry.generation,
        "as_of_recnum": entry.as_of_recnum,
        "as_of_utc": entry.as_of_utc,
    }
