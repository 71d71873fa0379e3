"""Which hosts write a SQLite catalogue.

SQLite is for the processes of one host. Whoever takes a lease notes his host, so that others who
write the same catalogue can be told. PostgreSQL serves any number of hosts: nothing is noted there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.processes import this_host

__all__ = ["SeenHost", "note_host", "other_hosts"]

_ALL = tables.hosts
_NOTED_EVERY = timedelta(hours=1)
#: A host that did not write for longer is one that the mirror moved away from.
_COUNTS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SeenHost:
    """A host that wrote the catalogue.

    Parameters
    ----------
    name : str
    seen_utc : datetime
        About when it last did.
    """

    name: str
    seen_utc: datetime


def note_host(database: Database, connection: Connection) -> None:
    """Note in a writing transaction, once an hour, that this host writes here."""
    now, noted = database.clock(), database.host_noted_utc
    if not database.is_sqlite or (noted is not None and noted <= now < noted + _NOTED_EVERY):
        return
    host = this_host()
    connection.execute(
        delete(_ALL).where(or_(_ALL.c.name == host.name, _ALL.c.seen_utc < now - _COUNTS))
    )
    connection.execute(insert(_ALL), {"name": host.name, "boot": host.boot, "seen_utc": now})
    database.host_noted_utc = now


def other_hosts(database: Database) -> tuple[SeenHost, ...]:
    """Give the hosts besides this one that wrote a SQLite catalogue within the last day.

    Containers of this host are no others: SQLite's locks hold among them.
    """
    if not database.is_sqlite:
        return ()
    here = this_host()
    query = (
        select(_ALL.c.name, _ALL.c.seen_utc)
        .where(
            _ALL.c.name != here.name,
            _ALL.c.boot != here.boot,
            _ALL.c.seen_utc > database.clock() - _COUNTS,
        )
        .order_by(_ALL.c.name)
    )
    with database.read() as connection:
        return tuple(SeenHost(row.name, row.seen_utc) for row in connection.execute(query))
