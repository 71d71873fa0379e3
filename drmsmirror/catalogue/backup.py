"""Publish, back up and restore a catalogue.

A copy is one SQLite file with the same tables, whichever database the catalogue is kept in, so
that a backup of either restores to either.
"""

from __future__ import annotations

import itertools
import sqlite3
import stat
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.copies import copy_file, copy_rows, problems
from drmsmirror.catalogue.database import Clock, Database, connect, utc_now
from drmsmirror.catalogue.failures import explained
from drmsmirror.catalogue.journal import probe, set_journal_mode
from drmsmirror.catalogue.leases import Leases
from drmsmirror.catalogue.migrate import changing_schema, upgrade
from drmsmirror.catalogue.place import Place, place_of
from drmsmirror.catalogue.processes import has_ended
from drmsmirror.catalogue.schema import check_revision, read_revision, refuse_newer
from drmsmirror.errors import IntegrityError, LockedError, NotFoundError, StoreError
from drmsmirror.files import make_directory, move_file, name_again, replacing

__all__ = ["back_up", "publish", "restore"]

_SIDE_FILES = ("-wal", "-shm", "-journal")


def publish(database: Database, target: Path) -> None:
    """Put a consistent copy that nobody writes to under a name, in place of the one before.

    Hosts and users without write access read it: a catalogue in use cannot be opened by them.

    Raises
    ------
    StoreError, NoSpaceError
        The copy cannot be written; the one before stays.
    """
    with replacing(target, mode=0o444) as temporary:
        _write_copy(database, temporary)


def back_up(database: Database, target: Path, *, overwrite: bool = False) -> None:
    """Write a copy that :func:`restore` takes, and check it.

    Raises
    ------
    StoreError
        There is a file of that name and ``overwrite`` is not set, or it cannot be written.
    IntegrityError
        The catalogue is damaged; no backup is written.
    """
    if target.exists() and not overwrite:
        raise StoreError(f"{target} exists already; name another file for the backup")
    with replacing(target) as temporary:
        _write_copy(database, temporary)
        _refuse_damaged(temporary, database.place.shown)


def restore(
    place: Place, source: Path, *, aside: Path | None = None, clock: Clock = utc_now
) -> Path | None:
    """Make a backup the catalogue.

    The backup is checked, and brought to the newest schema, before anything is touched. Leases
    are not restored, nor which hosts wrote it.

    Parameters
    ----------
    place : Place
        Catalogue to replace; it need not exist.
    source : Path
        What :func:`back_up` or :func:`publish` wrote.
    aside : Path, optional
        Directory for the copy of a PostgreSQL catalogue that is replaced; by default that of
        ``source``. A SQLite catalogue that is replaced stays in its own directory.
    clock : callable

    Returns
    -------
    Path or None
        Where the replaced one is kept; None where there was none.

    Raises
    ------
    NotFoundError
        There is no such backup.
    CatalogueVersionError
        The backup, or the PostgreSQL catalogue, was made by a newer drmsmirror.
    IntegrityError
        The backup is damaged or no catalogue.
    LockedError
        The catalogue is in use.
    """
    if not source.is_file():
        raise NotFoundError(f"There is no backup {source}")
    if place.path is None:
        return _restore_server(place, source, aside or source.parent, clock)
    return _restore_file(place, place.path, source, clock)


def _write_copy(database: Database, target: Path) -> None:
    """Fill an empty file with a copy."""
    if database.is_sqlite:
        copy_file(database.place, target)
        return
    with closing(connect(place_of(target), foreign_keys=False)) as copy:
        with changing_schema(copy) as change:
            change.upgrade()
        with database.read() as rows, copy.write() as connection:
            copy_rows(rows, connection)


def _unpack(source: Path, target: Path) -> None:
    """Copy a backup to an empty file and bring it to the newest schema, without leases."""
    origin = place_of(source)
    try:
        with closing(connect(origin, read_only=True)) as database, database.read() as connection:
            revision = read_revision(connection)
    except IntegrityError:
        revision = None
    if revision is None:
        raise IntegrityError(f"{source} is damaged or no backup of a catalogue; name another")
    refuse_newer(revision, origin)
    copy_file(origin, target)
    _refuse_damaged(target, str(source))
    upgrade(place_of(target), keep=False)
    with closing(connect(place_of(target))) as database, database.write() as connection:
        for table in (tables.leases, tables.hosts):
            connection.execute(delete(table))


def _restore_file(place: Place, path: Path, source: Path, clock: Clock) -> Path | None:
    make_directory(path.parent)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    with replacing(path, mode=mode) as temporary:
        _unpack(source, temporary)
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            set_journal_mode(connection, probe(path.parent))
        return _put_aside(place, path, clock) if path.exists() else None


def _put_aside(place: Place, path: Path, clock: Clock) -> Path:
    """Keep a catalogue that nobody uses under another name, with whatever belongs to it."""
    _refuse_leased(place, clock())
    _settle(place, path)
    aside = _free_name(path.parent, path.name, clock())
    # a journal left at the old name would be played into the new file: it goes first
    for suffix in _SIDE_FILES:
        side = path.with_name(path.name + suffix)
        if side.exists():
            move_file(side, aside.with_name(aside.name + suffix))
    name_again(path, aside)  # so that at no moment there is no catalogue
    return aside


def _settle(place: Place, path: Path) -> None:
    """Have SQLite fold all journals into the file, which it does only for its last user.

    Raises
    ------
    LockedError
        Another process has the catalogue open.
    """
    try:
        with (
            explained(place),
            closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.executescript("BEGIN EXCLUSIVE; COMMIT")
    except LockedError as error:
        raise LockedError(
            f"The catalogue {place.shown} is in use; stop the processes of this mirror "
            "(server, sync) and run the same again"
        ) from error
    except StoreError:
        return  # damaged: the reason to restore


def _restore_server(place: Place, source: Path, aside: Path, clock: Clock) -> Path | None:
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch) / "catalogue.sqlite"
        _unpack(source, unpacked)
        with closing(connect(place)) as database:
            kept = _keep_server(database, aside, clock)
            with (
                closing(connect(place_of(unpacked), read_only=True)) as copy,
                copy.read() as rows,
                changing_schema(database) as change,
            ):
                if read_revision(change.connection) is None:
                    change.upgrade()
                copy_rows(rows, change.connection)
    return kept


def _keep_server(database: Database, aside: Path, clock: Clock) -> Path | None:
    """Write a copy of the PostgreSQL catalogue that is to be replaced, where there is one."""
    with database.read() as connection:
        if read_revision(connection) is None:
            return None
        check_revision(connection, database.place)
    _refuse_leased(database.place, clock())
    kept = _free_name(aside, f"{database.place.url.database}.sqlite", clock())
    back_up(database, kept)
    return kept


def _refuse_leased(place: Place, now: datetime) -> None:
    """Refuse while a process works on the catalogue.

    Raises
    ------
    LockedError
        A lease is held; the message says by which process.
    """
    try:
        with closing(connect(place)) as database:
            held = Leases(database).all()
    except StoreError:
        return  # damaged, or of another schema
    for lease in held:
        if lease.expires_utc > now and not has_ended(lease.holder):
            raise LockedError(
                f"The catalogue {place.shown} is in use: {lease.name} is being worked on by "
                f"process {lease.holder.pid} on {lease.holder.host}. Stop it and run the same again"
            )


def _refuse_damaged(copy: Path, shown: str) -> None:
    with explained(place_of(copy)), closing(sqlite3.connect(copy)) as connection:
        found = problems(connection)
    if found:
        raise IntegrityError(f"{shown} is damaged: {'; '.join(found[:3])}. Use another backup")


def _free_name(directory: Path, name: str, now: datetime) -> Path:
    for number in itertools.count(1):
        suffix = f"-{number}" if number > 1 else ""
        path = directory / f"{name}.replaced-{now:%Y%m%dT%H%M%SZ}{suffix}"
        if not path.exists():
            return path
    raise AssertionError("unreachable")
