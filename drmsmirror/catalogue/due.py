"""When record sets are to be synced next, as far as somebody keeps a timetable."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database

__all__ = ["next_syncs"]

#: What the name of such a duty begins with; the record set follows.
_SYNC = "sync "


def next_syncs(database: Database) -> dict[str, datetime]:
    """By record set, when it is to be synced next."""
    table = tables.duties
    query = select(table.c.name, table.c.due_utc).where(
        table.c.name.startswith(_SYNC, autoescape=True)
    )
    with database.read() as connection:
        return {row.name.removeprefix(_SYNC): row.due_utc for row in connection.execute(query)}
