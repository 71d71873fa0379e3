"""Pins: segment files that are never evicted, whether they are there yet or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.filerows import key_of, rows_of
from drmsmirror.model.segmentfile import SegmentFile

__all__ = [
    "Pin",
    "Pins",
    "is_pinned",
    "is_pinned_object",
    "pin_of_subscription",
    "take_away",
]

_PINS, _PINNED, _OBJECTS = tables.pins, tables.pinned_files, tables.objects
#: What there is of segment files: as they are stored, and in other forms.
_FORMS = (tables.segment_files, tables.made_files)
_KEY = ("series_key", "generation", "recnum", "segment_key")


@dataclass(frozen=True, slots=True)
class Pin:
    """A record set whose files stay.

    Parameters
    ----------
    record_set : str
        What a user named; a subscription that wants files has a pin of its own.
    files : int
        How many segment files it pins.
    made_utc : datetime
    """

    record_set: str
    files: int
    made_utc: datetime


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins of a mirror.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def all(self) -> tuple[Pin, ...]:
        """Give all pins, the oldest first."""
        files = (
            select(_PINNED.c.pin, func.count().label("files")).group_by(_PINNED.c.pin).subquery()
        )
        query = (
            select(_PINS, func.coalesce(files.c.files, 0).label("files"))
            .outerjoin(files, files.c.pin == _PINS.c.id)
            .order_by(_PINS.c.id)
        )
        with self.database.read() as connection:
            return tuple(
                Pin(row.record_set, row.files, row.made_utc) for row in connection.execute(query)
            )

    def add(self, record_set: str, files: Iterable[SegmentFile]) -> int:
        """Pin segment files in the name of a record set, besides those that it pins already.

        Returns
        -------
        int
            How many were not pinned by it before.
        """
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _PINS)
            pin = connection.scalar(select(_PINS.c.id).where(_PINS.c.record_set == record_set))
            if pin is None:
                values = {"record_set": record_set, "made_utc": self.database.clock()}
                pin = connection.scalar(insert(_PINS).returning(_PINS.c.id), values)
            wanted = {tuple(key_of(file).values()): file for file in files}
            mine = select(_PINNED).where(_PINNED.c.pin == pin)
            for _, row in rows_of(connection, mine, _PINNED, [*wanted.values()]):
                del wanted[tuple(getattr(row, name) for name in _KEY)]
            new = sorted(wanted)
            if new:
                connection.execute(
                    insert(_PINNED),
                    [dict(zip(_KEY, key, strict=True)) | {"pin": pin} for key in new],
                )
        return len(new)

    def remove(self, record_set: str) -> bool:
        """Take a pin away; False where there is none of that record set."""
        with self.database.write() as connection:
            return take_away(connection, record_set)


def pin_of_subscription(record_set: str) -> str:
    """By what name the files of a subscription are pinned."""
    return f"subscription to {record_set}"


def is_pinned(table: Any) -> ColumnElement[bool]:
    """Whether the segment file that a row of a table is of is pinned."""
    same = and_(*(_PINNED.c[name] == table.c[name] for name in _KEY))
    return exists().where(same).correlate(table)


def is_pinned_object() -> ColumnElement[bool]:
    """Whether an object is a segment file that is pinned, as it is stored or in another form."""
    return or_(
        *(
            exists()
            .where(
                form.c.sha256 == _OBJECTS.c.sha256,
                *(_PINNED.c[name] == form.c[name] for name in _KEY),
            )
            .correlate(_OBJECTS)
            for form in _FORMS
        )
    )


def is_one_of_pinned() -> ColumnElement[bool]:
    """The same, found from what is pinned: for those who ask it of all objects."""
    return or_(
        *(
            _OBJECTS.c.sha256.in_(
                select(form.c.sha256).join(
                    _PINNED, and_(*(_PINNED.c[name] == form.c[name] for name in _KEY))
                )
            )
            for form in _FORMS
        )
    )


def take_away(connection: Connection, record_set: str) -> bool:
    """Take a pin away inside a transaction; False where there is none of that record set."""
    pin = connection.scalar(select(_PINS.c.id).where(_PINS.c.record_set == record_set))
    if pin is None:
        return False
    connection.execute(delete(_PINNED).where(_PINNED.c.pin == pin))
    connection.execute(delete(_PINS).where(_PINS.c.id == pin))
    return True
