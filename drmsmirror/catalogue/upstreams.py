"""How the servers are that the mirror asks: whether they answer, and how long they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database

__all__ = [
    "Cost",
    "Health",
    "Upstreams",
]

T = TypeVar("T", "Health", "Cost")


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a server answers, as far as all processes of the mirror have seen.

    Parameters
    ----------
    failures : int
        How often it failed in a row.
    pauses : int
        How many pauses in a row that led to.
    paused_utc, until_utc : datetime or None
        When the latest pause began, and when it ends; None while there is none.
    reason : str
        What the latest failure was.
    """

    failures: int = 0
    pauses: int = 0
    paused_utc: datetime | None = None
    until_utc: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer takes a server.

    Parameters
    ----------
    seconds_per_request : float or None
        For the request itself, seconds; None before anything was learnt.
    seconds_per_record : float or None
        For each record in the answer, seconds.
    """

    seconds_per_request: float | None = None
    seconds_per_record: float | None = None


@dataclass(frozen=True, slots=True)
class Upstreams:
    """What is known of upstreams.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def health(self, url: str) -> Health:
        """Say how a server is; of one that was never heard of nothing bad is known."""
        with self.database.read() as connection:
            return _read(connection, url, Health)

    def cost(self, url: str) -> Cost:
        """Say what was learnt of the time that a server takes."""
        with self.database.read() as connection:
            return _read(connection, url, Cost)

    def change_health(self, url: str, change: Callable[[Health], Health]) -> Health:
        """Change how a server is, from what it is at that moment; nobody comes between.

        Returns
        -------
        Health
            As it is now.
        """
        return _change(self.database, url, Health, change)

    def change_cost(self, url: str, change: Callable[[Cost], Cost]) -> Cost:
        """Change what is known of the time that a server takes; nobody comes between."""
        return _change(self.database, url, Cost, change)


def _change(database: Database, url: str, kind: type[T], change: Callable[[T], T]) -> T:
    table = tables.upstreams
    with database.write() as connection:
        database.keep_others_out(connection, table)
        before = _read(connection, url, kind)
        after = change(before)
        if after != before:
            _write(connection, url, asdict(after))
    return after


def _read(connection: Connection, url: str, kind: type[T]) -> T:
    columns = [tables.upstreams.c[name] for name in kind.__slots__]
    query = select(*columns).where(tables.upstreams.c.url == url)
    row = connection.execute(query).mappings().first()
    return kind() if row is None else kind(**row)


def _write(connection: Connection, url: str, values: dict[str, object]) -> None:
    table = tables.upstreams
    changed = connection.execute(update(table).where(table.c.url == url).values(values))
    if not changed.rowcount:
        connection.execute(insert(table), asdict(Health()) | asdict(Cost()) | {"url": url} | values)
