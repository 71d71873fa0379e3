"""Care of objects: which may go, which are pinned, and which have to be read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, func, insert, select, true, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.pins import is_one_of_pinned

__all__ = [
    "HeldObject",
    "ObjectCare",
    "ObjectShares",
    "ObjectTotals",
    "add_to_totals",
    "count_evicted",
    "make_totals",
]

_OBJECTS, _TOTALS = tables.objects, tables.object_totals


@dataclass(frozen=True, slots=True)
class HeldObject:
    """An object that is there.

    Parameters
    ----------
    sha256 : str
    size_bytes : int
    used_utc : datetime
        About when it was last given to somebody.
    checked_utc : datetime or None
        When it was last read whole and found sound.
    """

    sha256: str
    size_bytes: int
    used_utc: datetime
    checked_utc: datetime | None


@dataclass(frozen=True, slots=True)
class ObjectTotals:
    """What all objects are together.

    Parameters
    ----------
    objects : int
    size_bytes : int
    """

    objects: int
    size_bytes: int

    def __add__(self, other: ObjectTotals) -> ObjectTotals:
        return ObjectTotals(self.objects + other.objects, self.size_bytes + other.size_bytes)

    def __sub__(self, other: ObjectTotals) -> ObjectTotals:
        return ObjectTotals(self.objects - other.objects, self.size_bytes - other.size_bytes)


@dataclass(frozen=True, slots=True)
class ObjectShares:
    """Why objects stay, or may go.

    Parameters
    ----------
    pinned : ObjectTotals
    in_use : ObjectTotals
        Those that are not pinned, and were used lately.
    may_go : ObjectTotals
        All others.
    damaged : ObjectTotals
        Those among them that nobody is given, since they are not what their names say.
    """

    pinned: ObjectTotals
    in_use: ObjectTotals
    may_go: ObjectTotals
    damaged: ObjectTotals = ObjectTotals(0, 0)

    @property
    def total(self) -> ObjectTotals:
        """All there is."""
        return self.pinned + self.in_use + self.may_go


@dataclass(frozen=True, slots=True)
class ObjectCare:
    """What has to be known of objects to look after them.

    Parameters
    ----------
    database : Database
    """

    database: Database

    # -- room -------------------------------------------------------------------------------------

    def evicted(self) -> ObjectTotals:
        """Count what went so far to make room, since there is this catalogue."""
        with self.database.read() as connection:
            row = connection.execute(select(_TOTALS)).first()
        return _counted(row.evicted_objects, row.evicted_bytes) if row else ObjectTotals(0, 0)

    def shares(self, before: datetime) -> ObjectShares:
        """Count what is pinned, what was used since a moment, and the others."""
        is_pinned = is_one_of_pinned()
        counts = select(func.count(), func.coalesce(func.sum(_OBJECTS.c.bytes), 0))
        there = counts.where(_OBJECTS.c.is_leaving.is_(false()))
        lately = _OBJECTS.c.used_utc >= before
        with self.database.read() as connection:
            row = connection.execute(select(_TOTALS)).first()
            pinned, in_use, damaged = (
                _counted(*connection.execute(there.where(condition)).one())
                for condition in (
                    is_pinned,
                    and_(lately, ~is_pinned),
                    _OBJECTS.c.is_damaged.is_(true()),
                )
            )
        everything = _counted(row.objects, row.bytes) if row else ObjectTotals(0, 0)
        return ObjectShares(pinned, in_use, everything - pinned - in_use, damaged)

    def longest_unused(self) -> datetime | None:
        """When that was used which nobody used for longest; None where there is nothing."""
        query = (
            select(_OBJECTS.c.used_utc)
            .where(_OBJECTS.c.is_leaving.is_(false()))
            .order_by(_OBJECTS.c.used_utc)
            .limit(1)
        )
        with self.database.read() as connection:
            moment: datetime | None = connection.scalar(query)
        return moment

    def size_of(self, sha256: str) -> int | None:
        """Bytes of an object by its row; None where it does not count."""
        query = select(_OBJECTS.c.bytes).where(
            _OBJECTS.c.sha256 == sha256, _OBJECTS.c.is_leaving.is_(false())
        )
        with self.database.read() as connection:
            size: int | None = connection.scalar(query)
        return size

    # -- reading ----------------------------------------------------------------------------------

    def unread(self, since: datetime, after: str = "", *, most: int) -> tuple[HeldObject, ...]:
        """Give those that were neither read whole nor stored since, in order of name."""
        query = (
            select(_OBJECTS)
            .where(_is_unread(since), _OBJECTS.c.sha256 > after)
            .order_by(_OBJECTS.c.sha256)
            .limit(most)
        )
        with self.database.read() as connection:
            return tuple(
                HeldObject(row.sha256, row.bytes, row.used_utc, row.checked_utc)
                for row in connection.execute(query)
            )

    def unread_totals(self, since: datetime) -> ObjectTotals:
        """Count those that were neither read whole nor stored since."""
        query = select(func.count(), func.coalesce(func.sum(_OBJECTS.c.bytes), 0))
        with self.database.read() as connection:
            return _counted(*connection.execute(query.where(_is_unread(since))).one())

    def begin_reading_all(self) -> datetime:
        """Begin to read all objects; where that was begun and did not end, say when it was."""
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            begun: datetime | None = connection.scalar(select(_TOTALS.c.check_begun_utc))
            if begun is None:
                begun = self.database.clock()
                make_totals(connection)
                connection.execute(update(_TOTALS).values(check_begun_utc=begun))
        return begun

    def end_reading_all(self) -> None:
        """Say that all objects were read since that was begun."""
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            connection.execute(update(_TOTALS).values(check_begun_utc=None))


def make_totals(connection: Connection) -> None:
    """Make the one row of totals, inside a transaction that keeps others out of the objects."""
    if not connection.scalar(select(func.count()).select_from(_TOTALS)):
        connection.execute(insert(_TOTALS), {"id": 1, "objects": 0, "bytes": 0})


def add_to_totals(connection: Connection, objects: int, size: int) -> None:
    """Keep count of what is there, inside such a transaction."""
    if not objects:
        return
    make_totals(connection)
    connection.execute(
        update(_TOTALS).values(objects=_TOTALS.c.objects + objects, bytes=_TOTALS.c.bytes + size)
    )


def count_evicted(connection: Connection, objects: int, size: int) -> None:
    """Keep count of what went to make room, inside such a transaction."""
    connection.execute(
        update(_TOTALS).values(
            evicted_objects=_TOTALS.c.evicted_objects + objects,
            evicted_bytes=_TOTALS.c.evicted_bytes + size,
        )
    )


def _is_unread(since: datetime) -> ColumnElement[bool]:
    last_known = func.coalesce(_OBJECTS.c.checked_utc, _OBJECTS.c.stored_utc)
    return and_(last_known <= since, _OBJECTS.c.is_leaving.is_(false()))


def _counted(objects: Any, size: Any) -> ObjectTotals:
    return ObjectTotals(int(objects), int(size))
