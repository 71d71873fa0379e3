"""Downloads under way, and the room that is reserved for them.

What is reserved counts as if it were there already, so that however many download at once, they
never take more than they may together. A download that was broken off keeps its row for as long as
its part is there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database

__all__ = ["Download", "Downloads"]

_ALL, _TOTALS = tables.downloads, tables.object_totals


@dataclass(frozen=True, slots=True)
class Download:
    """One download.

    Parameters
    ----------
    name : str
        Of the part in the store.
    size_bytes : int
        What it will have, as the server says.
    validator : str
        By which the server knows this version of it: an entity tag or a date; empty for none.
    begun_utc : datetime
    """

    name: str
    size_bytes: int
    validator: str
    begun_utc: datetime


@dataclass(frozen=True, slots=True)
class Downloads:
    """The downloads of a mirror.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def find(self, name: str) -> Download | None:
        """Give the download of a part; None where there is none."""
        with self.database.read() as connection:
            row = connection.execute(select(_ALL).where(_ALL.c.name == name)).first()
        return None if row is None else Download(row.name, row.bytes, row.validator, row.begun_utc)

    def begin(self, name: str, size_bytes: int, validator: str, *, most_bytes: int | None) -> int:
        """Reserve room for a download, in place of what was reserved for it before.

        Parameters
        ----------
        name : str
        size_bytes : int
        validator : str
        most_bytes : int or None
            What all objects and all downloads may have together; None for no limit.

        Returns
        -------
        int
            Bytes that are lacking; where it is more than 0 nothing was reserved.
        """
        with self.database.write() as connection:
            self.database.keep_others_out(connection, tables.objects)
            connection.execute(delete(_ALL).where(_ALL.c.name == name))
            held = connection.scalar(select(_TOTALS.c.bytes)) or 0
            reserved = connection.scalar(select(func.coalesce(func.sum(_ALL.c.bytes), 0))) or 0
            lacking = 0 if most_bytes is None else int(held + reserved) + size_bytes - most_bytes
            if lacking > 0:
                return lacking
            connection.execute(
                insert(_ALL),
                {
                    "name": name,
                    "bytes": size_bytes,
                    "validator": validator,
                    "begun_utc": self.database.clock(),
                },
            )
        return 0

    def end(self, names: Collection[str], *, before: datetime | None = None) -> None:
        """Give back what was reserved for downloads; ``before``: only if they began earlier."""
        ended = delete(_ALL).where(_ALL.c.name.in_(list(names)))
        if before is not None:
            ended = ended.where(_ALL.c.begun_utc < before)
        with self.database.write() as connection:
            connection.execute(ended)

    def reserved(self) -> int:
        """Bytes that are reserved."""
        with self.database.read() as connection:
            return int(connection.scalar(select(func.coalesce(func.sum(_ALL.c.bytes), 0))) or 0)

    def sizes(self) -> dict[str, int]:
        """Bytes that are reserved for each download, by name."""
        with self.database.read() as connection:
            return {row.name: row.bytes for row in connection.execute(select(_ALL))}

    def begun_before(self, moment: datetime) -> tuple[str, ...]:
        """Name the parts of downloads that began earlier."""
        with self.database.read() as connection:
            query = select(_ALL.c.name).where(_ALL.c.begun_utc < moment)
            return tuple(connection.scalars(query))
