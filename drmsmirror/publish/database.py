"""A database as the target: what is there, whether it is ours, and the one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, delete, insert, inspect, select, text
from sqlalchemy.schema import CreateSchema

from drmsmirror.catalogue.database import connect
from drmsmirror.catalogue.failures import explained
from drmsmirror.catalogue.journal import probe, set_journal_mode
from drmsmirror.catalogue.place import Place
from drmsmirror.errors import StoreError
from drmsmirror.failpoints import effect, reach
from drmsmirror.files import make_directory
from drmsmirror.publish.note import Note
from drmsmirror.publish.tables import Tables

__all__ = ["forget", "note_in", "prepare", "remember", "transaction"]

#: Key of the PostgreSQL advisory lock under which one process at a time publishes.
_LOCK = 0x64726D70


@contextmanager
def transaction(place: Place) -> Iterator[Connection]:
    """Open the transaction in which a series is published; a SQLite file is made where needed.

    Others see what was there before until it is committed. Only one process at a time is inside.

    Raises
    ------
    LockedError
        Another process publishes there.
    StoreError, NoSpaceError, IntegrityError
        The database cannot be reached, or refuses.
    """
    if place.path is not None and not place.path.exists():
        _make_file(place)
    with closing(connect(place, foreign_keys=False, may_create=True)) as database:
        with database.write() as connection:
            if not database.is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            yield connection
            reach("publish.before_commit")
        reach("publish.after_commit")


def prepare(connection: Connection, tables: Tables, place: Place) -> None:
    """Make what all series share, where nothing of another's is in the way.

    Raises
    ------
    StoreError
        There is a table of one of our names, and no note of ours.
    """
    schema, inspector = tables.published.schema, inspect(connection)
    if schema is not None and not inspector.has_schema(schema):
        connection.execute(CreateSchema(schema))
    names = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
    if tables.published.name not in names:
        for name in tables.names:
            _refuse_other(name, names, place)
        for table in (tables.published, *tables.masters.values()):
            table.create(connection)
    elif note_in(connection, tables) is None:
        for name in (tables.records.name, tables.view):
            _refuse_other(name, names, place)


def note_in(connection: Connection, tables: Tables) -> Note | None:
    """What the target remembers of the series; None where it never had it."""
    query = select(tables.published).where(tables.published.c.name == tables.records.name)
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    values: dict[str, Any] = {field.name: row[field.name] for field in fields(Note)}
    columns = tuple((name, type_) for name, type_ in row["columns"])
    return Note(**values | {"columns": columns, "prime_keys": tuple(row["prime_keys"])})


def remember(connection: Connection, tables: Tables, note: Note) -> None:
    """Replace what the target remembers of the series."""
    forget(connection, tables)
    row = asdict(note) | {"name": tables.records.name}
    connection.execute(insert(tables.published), row)


def forget(connection: Connection, tables: Tables) -> None:
    """Remove what the target remembers of the series."""
    connection.execute(
        delete(tables.published).where(tables.published.c.name == tables.records.name)
    )


def _refuse_other(name: str, names: set[str], place: Place) -> None:
    if name in names:
        raise StoreError(
            f"The {place.shown} has a table {name} already that drmsmirror did not make; it is "
            f"left as it is. Name another target"
        )


def _make_file(place: Place) -> None:
    """Make an empty SQLite file that can be read while it is written, where that is possible."""
    assert place.path is not None
    make_directory(place.path.parent)
    mode = probe(place.path.parent)
    with (
        effect("catalogue.making"),
        explained(place),
        closing(sqlite3.connect(place.path, isolation_level=None)) as connection,
    ):
        set_journal_mode(connection, mode)
