"""Pins: segment files that are never evicted, whether they are there yet or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.model.segmentfile import SegmentFile

__all__ = ["Pin", "Pins", "pin_of_subscription", "take_away"]

_PINS, _PINNED = tables.pins, tables.pinned_files


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
            mine = select(_PINNED).where(_PINNED.c.pin == pin)
            there = {
                (row.series_key, row.generation, row.recnum, row.segment_key)
                for row in connection.execute(mine)
            }
            wanted = {
                (file.series.lower(), file.generation, file.recnum, file.segment.lower())
                for file in files
            }
            new = sorted(wanted - there)
            names = ("series_key", "generation", "recnum", "segment_key")
            if new:
                connection.execute(
                    insert(_PINNED),
                    [dict(zip(names, key, strict=True)) | {"pin": pin} for key in new],
                )
        return len(new)

    def remove(self, record_set: str) -> bool:
        """Take a pin away; False where there is none of that record set."""
        with self.database.write() as connection:
            return take_away(connection, record_set)


def pin_of_subscription(record_set: str) -> str:
    """By what name the files of a subscription are pinned."""
    return f"subscription to {record_set}"


def take_away(connection: Connection, record_set: str) -> bool:
    """Take a pin away inside a transaction; False where there is none of that record set."""
    pin = connection.scalar(select(_PINS.c.id).where(_PINS.c.record_set == record_set))
    if pin is None:
        return False
    connection.execute(delete(_PINNED).where(_PINNED.c.pin == pin))
    connection.execute(delete(_PINS).where(_PINS.c.id == pin))
    return True
