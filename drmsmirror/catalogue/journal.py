"""Which journal a SQLite catalogue can have on the file system that it is to live on.

The write-ahead log lets readers go on while one process writes, but keeps its index in memory
shared between processes: on a network file system two hosts would not see each other's and would
destroy the database. So it is used only on a local file system, and only after a scratch database
in the same directory was written and read with it: some file systems accept the mode and fail at
the first write.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from drmsmirror.errors import StoreError

__all__ = ["JournalMode", "network_file_system", "probe", "set_journal_mode", "stored_journal_mode"]

_MOUNTS = Path("/proc/self/mountinfo")
# fmt: off
_NETWORK = frozenset((
    "9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "panfs", "pvfs2", "smb3", "smbfs", "virtiofs", "wekafs",
))
# fmt: on


class JournalMode(StrEnum):
    """How SQLite keeps the old or new state until a transaction is complete."""

    WAL = "wal"
    DELETE = "delete"
    TRUNCATE = "truncate"


# Only the write-ahead log is remembered by the file itself; the header's user_version, of which
# SQLite makes no use, remembers that the journal must be truncated where it cannot be deleted.
_TRUNCATE_MARK = 1


def probe(directory: Path, mounts: str | None = None) -> JournalMode:
    """Find the best journal that works in a directory, by trying.

    Parameters
    ----------
    directory : Path
    mounts : str, optional
        Content of ``/proc/self/mountinfo``; read from there by default.

    Raises
    ------
    StoreError
        The directory cannot be written, or none works there.
    """
    candidates = [JournalMode.DELETE, JournalMode.TRUNCATE]
    if network_file_system(directory, mounts) is None:
        candidates.insert(0, JournalMode.WAL)
    try:
        with tempfile.TemporaryDirectory(dir=directory, prefix=".probe-") as scratch:
            for mode in candidates:
                if _works(Path(scratch) / f"{mode}.sqlite", mode):
                    return mode
    except OSError as error:
        raise StoreError(f"Cannot write in {directory}: {error.strerror or error}") from error
    raise StoreError(
        f"SQLite cannot keep a database in {directory}: the file system lacks locks or "
        "renaming. Put the catalogue on another one, or into PostgreSQL (setting catalogue_url)"
    )


def network_file_system(directory: Path, mounts: str | None = None) -> str | None:
    """Name the network file system that a directory is on; None where it is local or unknown.

    Parameters
    ----------
    directory : Path
    mounts : str, optional
        Content of ``/proc/self/mountinfo``; read from there by default.
    """
    if mounts is None:
        mounts = _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.exists() else ""
    place = directory.resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        mount = Path(fields[4].replace("\\040", " "))
        # of several on one place the last was mounted over the others
        if place.is_relative_to(mount) and len(mount.parts) >= best:
            best, kind = len(mount.parts), after.split()[0]
    return kind if kind in _NETWORK or kind.startswith("fuse") else None


def set_journal_mode(connection: sqlite3.Connection, mode: JournalMode) -> bool:
    """Give a database its journal, for good; False where SQLite keeps another."""
    mark = _TRUNCATE_MARK if mode is JournalMode.TRUNCATE else 0
    (now,) = connection.execute(f"PRAGMA journal_mode={mode}").fetchone()
    if str(now).lower() != mode:
        return False
    connection.execute(f"PRAGMA user_version={mark}")
    return True


def stored_journal_mode(connection: sqlite3.Connection) -> JournalMode | None:
    """Give the journal that has to be set anew on each connection, or None."""
    (mark,) = connection.execute("PRAGMA user_version").fetchone()
    return JournalMode.TRUNCATE if mark == _TRUNCATE_MARK else None


def _works(path: Path, mode: JournalMode) -> bool:
    """Whether a row written on one connection with this journal is seen on another."""
    try:
        with (
            closing(sqlite3.connect(path, isolation_level=None)) as writer,
            closing(sqlite3.connect(path, isolation_level=None)) as reader,
        ):
            if not set_journal_mode(writer, mode):
                return False
            writer.executescript(
                "BEGIN; CREATE TABLE probe (x); INSERT INTO probe VALUES (1); COMMIT"
            )
            return reader.execute("SELECT x FROM probe").fetchall() == [(1,)]
    except sqlite3.Error:
        return False
