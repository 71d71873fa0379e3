"""A connection to the catalogue: the engine, reading and writing transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, create_engine, event, text

from drmsmirror.catalogue.failures import explained
from drmsmirror.catalogue.journal import stored_journal_mode
from drmsmirror.catalogue.place import Place
from drmsmirror.errors import NoMirrorError, StoreError
from drmsmirror.failpoints import reach

__all__ = ["Clock", "Database", "connect", "utc_now"]

Clock = Callable[[], datetime]

#: How long a writer waits for another, in seconds.
BUSY_SECONDS = 30.0

_WRITES = "drmsmirror_writes"


def utc_now() -> datetime:
    """Tell the time of day, in UTC."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Database:
    """An open catalogue.

    Parameters
    ----------
    place : Place
        Where it is.
    engine : sqlalchemy.Engine
    read_only : bool
        Whether writing is refused.
    clock : callable
        Gives the time, aware.
    busy_seconds : float
        How long a writer waits for another, seconds.
    """

    place: Place
    engine: Engine
    read_only: bool = False
    clock: Clock = utc_now
    busy_seconds: float = BUSY_SECONDS
    closed: bool = field(default=False, init=False)
    #: Tokens of leases that this process no longer needs and could not give back.
    left: set[str] = field(default_factory=set, init=False)
    #: When it was last noted that this host writes.
    host_noted_utc: datetime | None = field(default=None, init=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file; else it is PostgreSQL."""
        return self.place.path is not None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the whole catalogue and changes nothing.

        Raises
        ------
        StoreError, LockedError
            It was closed; and see :func:`~drmsmirror.catalogue.failures.explained`.
        """
        self._refuse_closed()
        with explained(self.place), self.engine.connect() as connection:
            if not self.is_sqlite:  # a SQLite transaction is a snapshot by itself
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that is committed when the block ends well, and else undone.

        Raises
        ------
        StoreError
            The catalogue is open only to read, or was closed; and see
            :func:`~drmsmirror.catalogue.failures.explained`.
        LockedError
            Another process was writing all the time.
        """
        self._refuse_closed()
        if self.read_only:
            raise StoreError(
                f"The catalogue {self.place.shown} was opened only to read. Have somebody who may "
                "write there run this, or name a mirror of your own with --mirror DIR"
            )
        with explained(self.place), self.engine.connect() as connection:
            connection = connection.execution_options(**{_WRITES: True})
            with connection.begin():
                if not self.is_sqlite:
                    wait = round(self.busy_seconds * 1000)
                    connection.execute(text(f"SET LOCAL lock_timeout = '{wait}ms'"))
                yield connection
                reach("catalogue.before_commit")
            reach("catalogue.after_commit")

    def keep_others_out(self, connection: Connection, table: Table) -> None:
        """Let nobody else write a table until the transaction ends.

        Two that find no row must not both insert one. SQLite's writers are alone anyway.
        """
        if not self.is_sqlite:
            connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))

    def close(self) -> None:
        """Give up all connections."""
        self.closed = True
        self.engine.dispose()

    def _refuse_closed(self) -> None:
        if self.closed:
            raise StoreError(
                f"The catalogue {self.place.shown} was closed. Read an answer before its client is "
                "closed"
            )


def connect(
    place: Place,
    *,
    read_only: bool = False,
    clock: Clock = utc_now,
    foreign_keys: bool = True,
    may_create: bool = False,
    busy_seconds: float = BUSY_SECONDS,
) -> Database:
    """Make an engine for a catalogue; nothing is read yet.

    Parameters
    ----------
    place : Place
    read_only : bool
        Whether the database itself is to refuse writing.
    clock : callable
    foreign_keys : bool
        Whether SQLite holds foreign keys; migrations, which rebuild tables, need them off.
    may_create : bool
        Whether a SQLite file that is absent is made.
    busy_seconds : float
        How long a writer waits for another, seconds.

    Raises
    ------
    NoMirrorError
        There is no such SQLite file.
    StoreError
        The driver for PostgreSQL is not installed.
    """
    if place.path is None:
        engine = _postgresql_engine(place, read_only=read_only)
        return Database(place, engine, read_only, clock, busy_seconds)
    if not may_create and not place.path.exists():
        raise NoMirrorError(
            f"There is no catalogue {place.shown}; make a mirror with `drmsmirror init`"
        )
    mode = "ro" if read_only else "rwc" if may_create else "rw"
    engine = _sqlite_engine(place, mode=mode, foreign_keys=foreign_keys, busy_seconds=busy_seconds)
    return Database(place, engine, read_only, clock, busy_seconds)


def _sqlite_engine(place: Place, *, mode: str, foreign_keys: bool, busy_seconds: float) -> Engine:
    def open_file() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(place.path))}?mode={mode}",
            uri=True,
            timeout=busy_seconds,
            isolation_level=None,  # transactions begin where SQLAlchemy says, not by guessing
            check_same_thread=False,
        )
        try:
            connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
            if mode != "ro" and (journal := stored_journal_mode(connection)):
                connection.execute(f"PRAGMA journal_mode={journal}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = create_engine(place.url, creator=open_file)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that reads first and writes later could find that it must be undone
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(place: Place, *, read_only: bool) -> Engine:
    wanted = {"connect_timeout": 10, "application_name": "drmsmirror"}
    arguments = {name: value for name, value in wanted.items() if name not in place.url.query}
    options: dict[str, Any] = {"postgresql_readonly": True} if read_only else {}
    try:
        return create_engine(
            place.url, connect_args=arguments, execution_options=options, pool_pre_ping=True
        )
    except ImportError as error:
        raise StoreError(
            f"The {place.role} is a {place.shown}, but the driver for it is not installed; "
            "run: pip install 'drmsmirror[postgresql]'"
        ) from error
