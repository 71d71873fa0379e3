"""Copies of a catalogue, always as one SQLite file, whichever database it is kept in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, delete, func, insert, select, text

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.failures import explained
from drmsmirror.catalogue.place import Place

__all__ = ["copy_file", "copy_rows", "problems"]

_CHUNK = 1000


def copy_file(source: Place, target: Path) -> None:
    """Copy a SQLite catalogue, as it is at one moment, while others write to it.

    The copy has no write-ahead log, so that it can be read where nothing may be written.

    Parameters
    ----------
    source : Place
    target : Path
        An empty file, or none.

    Raises
    ------
    IntegrityError
        The source is damaged or no SQLite file.
    StoreError
        It cannot be read, or the copy not be written.
    """
    address = f"file:{quote(str(source.path))}?mode=ro"
    with (
        explained(source),
        closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection,
    ):
        connection.execute("VACUUM INTO ?", (str(target),))


def copy_rows(source: Connection, target: Connection) -> None:
    """Replace everything in a catalogue by what is in another of the same schema.

    Parameters
    ----------
    source, target : sqlalchemy.Connection
        In transactions; the target's foreign keys may be held.
    """
    for table in reversed(tables.metadata.sorted_tables):
        target.execute(delete(table))
    for table in tables.metadata.sorted_tables:
        for rows in source.execute(select(table)).mappings().partitions(_CHUNK):
            target.execute(insert(table), [dict(row) for row in rows])
    if target.dialect.name == "postgresql":
        _count_on(target)


def problems(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Say what SQLite finds wrong with a whole file; empty for a sound one."""
    found = [str(line) for (line,) in connection.execute("PRAGMA integrity_check")]
    dangling = [
        f"row {row} of {table} refers to a row of {parent} that does not exist"
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check")
    ]
    return tuple(line for line in [*found, *dangling] if line != "ok")


def _count_on(connection: Connection) -> None:
    """Let PostgreSQL number new rows after those that were copied with their numbers."""
    for table in tables.metadata.sorted_tables:
        if not table.dialect_options["sqlite"]["autoincrement"]:
            continue
        largest = connection.scalar(select(func.max(table.c.id)))
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :next, false)"),
            {"name": table.name, "next": (largest or 0) + 1},
        )
