"""Leases: who works on a series now.

A lease is a row with an end. Its holder moves the end on while it lives; when the end has passed,
or when the holder is known to have died, another may take it over. A holder that was suspended and
wakes up too late notices when it renews, and :func:`confirm` keeps it from writing.

Ends are compared with the clock of whoever asks: the clocks of hosts that share a catalogue may
differ by less than a lease's length.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.hosts import note_host
from drmsmirror.catalogue.processes import Process, has_ended, this_process
from drmsmirror.errors import DrmsMirrorError, LockedError

__all__ = [
    "Lease",
    "Leases",
    "confirm",
]

_log = logging.getLogger(__name__)


class _HeldError(LockedError):
    """A lease is held; other reasons to be locked out are the database's."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on something for a while.

    Parameters
    ----------
    name : str
        What it is for.
    token : str
        Secret of the holder; renewing and releasing need it.
    holder : Process
    ttl_seconds : float
        Its length, seconds.
    acquired_utc, heartbeat_utc, expires_utc : datetime
        When it was acquired, when it was last renewed, when it ends.
    """

    name: str
    token: str
    holder: Process
    ttl_seconds: float
    acquired_utc: datetime
    heartbeat_utc: datetime
    expires_utc: datetime


@dataclass(frozen=True, slots=True)
class Leases:
    """Who works on what.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def acquire(self, name: str, ttl_seconds: float) -> Lease:
        """Take a lease that nobody holds, whose end has passed, or whose holder has died here.

        Parameters
        ----------
        name : str
            What it is for: ``series/hmi.M_720s``.
        ttl_seconds : float
            Its length, seconds.

        Raises
        ------
        LockedError
            Another process, or this one, holds it; the message says which and since when.
        """
        with self.database.write() as connection:
            return self.take(connection, name, ttl_seconds)

    def take(self, connection: Connection, name: str, ttl_seconds: float) -> Lease:
        """Take a lease inside a transaction, as :meth:`acquire`."""
        table = tables.leases
        self.database.keep_others_out(connection, table)
        now = self.database.clock()
        held_now = _find(connection, name)
        if held_now is not None:
            if _counts(self.database, held_now):
                raise _HeldError(_explain(held_now))
            connection.execute(delete(table).where(table.c.name == name))
            _log.warning("took over the lease %s of process %d", name, held_now.holder.pid)
        lease = Lease(
            name=name,
            token=secrets.token_hex(16),
            holder=this_process(),
            ttl_seconds=ttl_seconds,
            acquired_utc=now,
            heartbeat_utc=now,
            expires_utc=now + timedelta(seconds=ttl_seconds),
        )
        connection.execute(insert(table), _row(lease))
        note_host(self.database, connection)
        return lease

    def renew(self, lease: Lease) -> Lease | None:
        """Move the end of a lease on; one that has passed may be renewed while nobody took it over.

        Returns
        -------
        Lease or None
            With its later end; None where it was given back, or another process has taken it over.
        """
        table = tables.leases
        with self.database.write() as connection:
            now = self.database.clock()
            later = replace(
                lease, heartbeat_utc=now, expires_utc=now + timedelta(seconds=lease.ttl_seconds)
            )
            changed = connection.execute(
                update(table)
                .where(table.c.name == lease.name, table.c.token == lease.token)
                .values(heartbeat_utc=later.heartbeat_utc, expires_utc=later.expires_utc)
            )
        return later if changed.rowcount else None

    def release(self, lease: Lease) -> None:
        """Give a lease back; nothing happens where another has taken it over."""
        table = tables.leases
        with self.database.write() as connection:
            connection.execute(
                delete(table).where(table.c.name == lease.name, table.c.token == lease.token)
            )

    def all(self) -> tuple[Lease, ...]:
        """All leases, those past their end included."""
        with self.database.read() as connection:
            rows = connection.execute(select(tables.leases)).all()
        return tuple(sorted((_lease(row) for row in rows), key=lambda lease: lease.name))

    def is_held(self, name: str) -> bool:
        """Whether somebody who lives, as far as is known, holds a lease that has not ended."""
        with self.database.read() as connection:
            return self.keeps_others_out(connection, name)

    def keeps_others_out(self, connection: Connection, name: str) -> bool:
        """Whether a lease is held, inside a transaction; see :meth:`is_held`."""
        found = _find(connection, name)
        return found is not None and _counts(self.database, found)

    def is_ours(self, lease: Lease) -> bool:
        """Whether nobody has taken a lease over, be it past its end or not."""
        with self.database.read() as connection:
            found = _find(connection, lease.name)
        return found is not None and found.token == lease.token

    @contextmanager
    def holding(self, name: str, *, ttl_seconds: float = 120.0) -> Iterator[Lease]:
        """Hold a lease while the block runs; a thread renews it three times in its length.

        Losing it to another process does not stop the block: writing transactions must
        :func:`confirm` the lease.

        Raises
        ------
        LockedError
            Another process, or this one, holds it.
        """
        lease = self.acquire(name, ttl_seconds)
        with self.kept_alive(lease):
            yield lease

    @contextmanager
    def kept_alive(self, lease: Lease) -> Iterator[None]:
        """Renew a lease three times in its length while the block runs, and then give it back.

        One that cannot be given back, since the catalogue is away or its disk full, keeps others
        out until its end, and this process no longer: how the block went is of more account.
        """
        stop = Event()
        name = f"lease {lease.name}"
        thread = Thread(target=_keep, args=(self, lease, stop), name=name, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            _give_back(self, lease)

    @contextmanager
    def holding_if_free(self, name: str, *, ttl_seconds: float = 120.0) -> Iterator[Lease | None]:
        """Hold a lease while the block runs, as :meth:`holding`; None where it is held already."""
        with ExitStack() as stack:
            try:
                lease = stack.enter_context(self.holding(name, ttl_seconds=ttl_seconds))
            except _HeldError:
                lease = None
            yield lease


def confirm(connection: Connection, lease: Lease) -> None:
    """Make sure inside a transaction that a lease is still ours, and stays so until its end.

    Raises
    ------
    LockedError
        Another process has taken it over.
    """
    table = tables.leases
    row = connection.execute(
        select(table).where(table.c.name == lease.name).with_for_update()
    ).first()
    if row is None or row.token != lease.token:
        raise LockedError(_explain_loss(lease.name, _lease(row) if row else None))


def _give_back(leases: Leases, lease: Lease) -> None:
    try:
        leases.release(lease)
    except DrmsMirrorError as error:
        leases.database.left.add(lease.token)
        _log.info("could not give back the lease %s: %s", lease.name, error)


def _counts(database: Database, lease: Lease) -> bool:
    """Whether a lease keeps others out."""
    if lease.token in database.left:
        return False
    return lease.expires_utc > database.clock() and not has_ended(lease.holder)


def _keep(leases: Leases, lease: Lease, stop: Event) -> None:
    while not stop.wait(lease.ttl_seconds / 3):
        try:
            if leases.renew(lease) is None:
                _log.error("lost the lease %s to another process", lease.name)
                return
        except DrmsMirrorError as error:  # the next beat may succeed before the end
            _log.warning("could not renew the lease %s: %s", lease.name, error)


def _explain(lease: Lease) -> str:
    return (
        f"{lease.name} is being worked on by process {lease.holder.pid} on {lease.holder.host} "
        f"since {lease.acquired_utc:%Y-%m-%d %H:%M:%S} UTC; wait until it has finished. If that "
        f"process is gone, its hold ends by itself at {lease.expires_utc:%H:%M:%S} UTC"
    )


def _explain_loss(name: str, now: Lease | None) -> str:
    if now is None:
        return f"The hold on {name} was given up meanwhile; run the same again"
    return (
        f"The hold on {name} ran out and process {now.holder.pid} on {now.holder.host} took it "
        f"over at {now.acquired_utc:%Y-%m-%d %H:%M:%S} UTC; run the same again when it has finished"
    )


def _find(connection: Connection, name: str) -> Lease | None:
    table = tables.leases
    row = connection.execute(select(table).where(table.c.name == name)).first()
    return None if row is None else _lease(row)


def _lease(row: Row[Any]) -> Lease:
    return Lease(
        name=row.name,
        token=row.token,
        holder=Process(row.host, row.pid, row.process),
        ttl_seconds=(row.expires_utc - row.heartbeat_utc).total_seconds(),
        acquired_utc=row.acquired_utc,
        heartbeat_utc=row.heartbeat_utc,
        expires_utc=row.expires_utc,
    )


def _row(lease: Lease) -> dict[str, Any]:
    return {
        "name": lease.name,
        "token": lease.token,
        "host": lease.holder.host,
        "pid": lease.holder.pid,
        "process": lease.holder.identity,
        "acquired_utc": lease.acquired_utc,
        "heartbeat_utc": lease.heartbeat_utc,
        "expires_utc": lease.expires_utc,
    }
