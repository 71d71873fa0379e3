"""Drops: what the catalogue gives up before it is removed, so that nothing ever claims it.

One transaction takes a part of a series, or all of it, out of everything that speaks of it, and
notes what has to go from its record table. When that is gone, another takes the note away. Whoever
finds a note carries it out: what was held again in the meantime is left. A record table that was
replaced by another one is noted in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from drmsmirror.catalogue import answers, coverage, leases, pins, state, subscriptions, tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.definitions import known_key
from drmsmirror.catalogue.leases import Lease
from drmsmirror.catalogue.masters import series_key
from drmsmirror.catalogue.state import SeriesState
from drmsmirror.catalogue.subscriptions import StoredSubscription
from drmsmirror.errors import SubscribedError
from drmsmirror.model.extent import Extent, Restriction
from drmsmirror.model.intervals import Interval

__all__ = [
    "Drop",
    "Drops",
    "GivenUp",
    "forget_table",
    "note_table",
]

_TABLE = tables.drops


@dataclass(frozen=True, slots=True)
class Drop:
    """What has still to be removed.

    Parameters
    ----------
    id : int
    series, record_set : str
        What it is of, and what was asked for.
    table_path : str
        Record table, relative to the mirror.
    extents : tuple of Extent or None
        The parts whose rows go; None where the whole table does.
    begun_utc : datetime
        Since when nothing claims it.
    """

    id: int
    series: str
    record_set: str
    table_path: str
    extents: tuple[Extent, ...] | None
    begun_utc: datetime


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What went from the catalogue when a drop began.

    Parameters
    ----------
    drop : Drop or None
        What has to be removed; None where the series has no record table.
    answers : tuple of str
        Digests of answers about the series that were forgotten: their files can go.
    subscriptions : tuple of StoredSubscription
        Those that were ended.
    """

    drop: Drop | None
    answers: tuple[str, ...]
    subscriptions: tuple[StoredSubscription, ...] = ()


@dataclass(frozen=True, slots=True)
class Drops:
    """Record sets that are given up, until they are removed.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def begin_part(
        self, series: str, record_set: str, extents: Sequence[Extent], lease: Lease
    ) -> GivenUp:
        """Give up some parts of a series.

        What was held before the drop can no longer be told: its rows go in all versions, so the
        history of the series' coverage goes too.

        Parameters
        ----------
        series, record_set : str
        extents : sequence of Extent
            By values and intervals alone: without cadences and conditions, which cannot be taken
            away from what is held.
        lease : Lease
            The hold on the series.

        Raises
        ------
        UnknownSeriesError
            The mirror knows no such series.
        LockedError
            The lease was lost.
        """
        with self.database.write() as connection:
            leases.confirm(connection, lease)
            key = known_key(connection, series)
            before = state.read(connection, key, for_change=True)
            left = [
                replace(entry, interval=part.interval, restriction=part.restriction)
                for entry in coverage.read(connection, key)
                for part in _without(entry.extent, extents)
            ]
            coverage.write(connection, key, left)
            _forget_history(connection, key)
            gone = answers.forget_about(connection, key)
            drop = _note(connection, before, record_set, tuple(extents), self.database.clock())
        return GivenUp(drop, gone)

    def begin_whole(self, series: str, lease: Lease, *, unsubscribe: bool = False) -> GivenUp:
        """Give up all of a series but its definition; earlier notes about it are no longer needed.

        Raises
        ------
        UnknownSeriesError
            The mirror knows no such series.
        SubscribedError
            There is a subscription to it that is not to be ended.
        LockedError
            The lease was lost.
        """
        with self.database.write() as connection:
            leases.confirm(connection, lease)
            key = known_key(connection, series)
            before = state.read(connection, key, for_change=True)
            ended = subscriptions.of_series(connection, key)
            if ended and not unsubscribe:
                raise SubscribedError(f"Somebody has subscribed to {before.series} in the meantime")
            table = tables.subscriptions
            connection.execute(delete(table).where(table.c.series_key == key))
            for one in ended:
                pins.take_away(connection, pins.pin_of_subscription(one.subscription.record_set))
            earlier = _pending(connection, key)
            path = before.table_path or next((one.table_path for one in earlier), None)
            # a table that was replaced has to go as before
            done = (_TABLE.c.table_path == path) | (_TABLE.c.extents.is_not(None))
            connection.execute(delete(_TABLE).where(_TABLE.c.series_key == key, done))
            coverage.write(connection, key, ())
            _forget_history(connection, key)
            _forget_reconciliation(connection, key)
            _forget_checks(connection, key)
            keywords = tables.drms_keyword
            connection.execute(
                update(keywords).where(keywords.c.series_key == key).values(codec=None)
            )
            gone = answers.forget_about(connection, key)
            drop = _note(
                connection,
                replace(before, table_path=path),
                before.series,
                None,
                self.database.clock(),
            )
            state.write(connection, key, _nothing_held(before))
        return GivenUp(drop, gone, ended)

    def pending(self, series: str | None = None) -> tuple[Drop, ...]:
        """What has still to be removed, of one series or of all, the earlier first."""
        with self.database.read() as connection:
            return _pending(connection, None if series is None else series_key(series))

    def finish(
        self,
        drop: Drop,
        lease: Lease | None = None,
        *,
        table_version: int | None = None,
        rows_held: int | None = None,
    ) -> None:
        """Say that a drop is done, and how the record table is now, where there is one still.

        Raises
        ------
        LockedError
            The lease was lost.
        """
        with self.database.write() as connection:
            if lease is not None:
                leases.confirm(connection, lease)
            connection.execute(delete(_TABLE).where(_TABLE.c.id == drop.id))
            if table_version is not None and rows_held is not None:
                key = known_key(connection, drop.series)
                now = state.read(connection, key, for_change=True)
                after = replace(now, table_version=table_version, rows_held=rows_held)
                state.write(connection, key, after)


def note_table(connection: Connection, of: SeriesState, when: datetime) -> None:
    """Note, inside a transaction, that the record table of a state is to be removed."""
    _note(connection, of, of.series, None, when)


def forget_table(connection: Connection, key: str, table_path: str) -> None:
    """Forget, inside a transaction, that a record table is to be removed."""
    mine = (_TABLE.c.series_key == key) & (_TABLE.c.table_path == table_path)
    connection.execute(delete(_TABLE).where(mine & _TABLE.c.extents.is_(None)))


def _without(held: Extent, dropped: Iterable[Extent]) -> tuple[Extent, ...]:
    left: tuple[Extent, ...] = (held,)
    for one in dropped:
        if one.restriction.cadence is not None or one.restriction.terms:
            raise ValueError("a cadence or a condition cannot be taken away from what is held")
        left = tuple(part for extent in left for part in extent.without(one))
    return left


def _nothing_held(before: SeriesState) -> SeriesState:
    return SeriesState(before.series, 0, before.definition_read_utc, before.upstream_url)


def _forget_history(connection: Connection, key: str) -> None:
    table = tables.coverage_history
    connection.execute(delete(table).where(table.c.series_key == key))


def _forget_reconciliation(connection: Connection, key: str) -> None:
    table = tables.reconciliations
    connection.execute(delete(table).where(table.c.series_key == key))


def _forget_checks(connection: Connection, key: str) -> None:
    table = tables.checked_files
    connection.execute(delete(table).where(table.c.series_key == key))


def _note(
    connection: Connection,
    of: SeriesState,
    record_set: str,
    extents: tuple[Extent, ...] | None,
    when: datetime,
) -> Drop | None:
    if of.table_path is None:
        return None
    values = {
        "series_key": series_key(of.series),
        "series": of.series,
        "record_set": record_set,
        "table_path": of.table_path,
        "extents": None if extents is None else [_plain(extent) for extent in extents],
        "begun_utc": when,
    }
    return _drop(connection.execute(insert(_TABLE).returning(_TABLE), values).one())


def _pending(connection: Connection, key: str | None) -> tuple[Drop, ...]:
    query = select(_TABLE).order_by(_TABLE.c.id)
    if key is not None:
        query = query.where(_TABLE.c.series_key == key)
    return tuple(_drop(row) for row in connection.execute(query))


def _drop(row: Row[Any]) -> Drop:
    return Drop(
        id=row.id,
        series=row.series,
        record_set=row.record_set,
        table_path=row.table_path,
        extents=None if row.extents is None else tuple(_extent(*one) for one in row.extents),
        begun_utc=row.begun_utc,
    )


def _plain(extent: Extent) -> list[Any]:
    low, high = extent.interval.low, extent.interval.high
    ends = [None if math.isinf(end) else end for end in (low, high)]
    return [*ends, extent.restriction.text]


def _extent(low: float | None, high: float | None, restriction: str) -> Extent:
    interval = Interval(-math.inf if low is None else low, math.inf if high is None else high)
    return Extent(interval, Restriction.parse(restriction))
