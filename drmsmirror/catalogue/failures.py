"""What a database says when it fails, in our words."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from drmsmirror.catalogue.place import Place, Role
from drmsmirror.errors import DrmsMirrorError, IntegrityError, LockedError, NoSpaceError, StoreError

__all__ = ["explained"]


#: What to do about a file that is damaged, and about one that may not be opened.
_REPAIR = {
    Role.CATALOGUE: "bring back a backup with `drmsmirror db restore`",
    Role.TARGET: "name another, or remove it and publish again",
}
_ACCESS = {
    Role.CATALOGUE: (
        "Without write access to its directory a catalogue in use cannot be read: read the copy "
        "that is published beside it"
    ),
    Role.TARGET: "Write access to it and to its directory is needed; name another place",
}


@contextmanager
def explained(place: Place) -> Iterator[None]:
    """Raise every failure of the database inside the block as one of our own errors.

    Raises
    ------
    LockedError
        Another process was writing for too long, or two got in each other's way.
    NoSpaceError
        The disk is full.
    IntegrityError
        The file is damaged or no catalogue, or what was to be written contradicts itself.
    StoreError
        Everything else: no permission, unreachable server, failing disk.
    KeyboardInterrupt
        A signal came meanwhile, and a library failed when it cleaned up behind it.
    """
    before = sys.exception()
    try:
        yield
    except DBAPIError as error:
        cause = error.orig if error.orig is not None else error
        raise _interruption(cause, before) or _explanation(cause, place) from error
    except sqlite3.Error as error:
        raise _interruption(error, before) or _explanation(error, place) from error


def _interruption(error: BaseException, before: BaseException | None) -> KeyboardInterrupt | None:
    """The signal during whose handling an error came, and not one that is dealt with already.

    SQLAlchemy's ping is such a place: it sets the connection back, which is busy then.
    """
    at: BaseException | None = error
    while at is not None and at is not before:
        if isinstance(at, KeyboardInterrupt):
            return KeyboardInterrupt()
        at = at.__context__
    return None


def _explanation(error: BaseException, place: Place) -> DrmsMirrorError:
    if place.path is not None:
        return _of_sqlite(error, place)
    return _of_postgresql(error, place)


def _of_sqlite(error: BaseException, place: Place) -> DrmsMirrorError:
    name = str(getattr(error, "sqlite_errorname", ""))
    role = place.role
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LockedError(
            f"Another process kept the {role} {place.shown} locked for too long; "
            "run the same again when it has finished"
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return IntegrityError(
            f"The {role} {place.shown} is damaged or no SQLite file ({error}); {_REPAIR[role]}"
        )
    if name.startswith("SQLITE_FULL"):
        return NoSpaceError(
            f"No space left to write the {role} {place.shown}; free some and run the same again"
        )
    if name.startswith("SQLITE_CANTOPEN") and place.path is not None and not place.path.exists():
        return StoreError(
            f"The {role} {place.shown} is not there any more; bring it back and run the same again"
        )
    if name.startswith("SQLITE_READONLY_DBMOVED"):
        return StoreError(f"The {role} {place.shown} was replaced while it was open; start again")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreError(f"Cannot open the {role} {place.shown} ({error}). {_ACCESS[role]}")
    if name.startswith("SQLITE_CONSTRAINT"):
        return IntegrityError(f"The {role} {place.shown} refuses what was to be written: {error}")
    return StoreError(f"The {role} {place.shown} failed: {error}")


def _of_postgresql(error: BaseException, place: Place) -> DrmsMirrorError:
    state = str(getattr(error, "sqlstate", None) or "")
    text = _first_line(error, place)
    if state in ("55P03", "40001", "40P01"):
        return LockedError(
            f"Another process kept the {place.shown} locked for too long; "
            "run the same again when it has finished"
        )
    if state == "53100":
        return NoSpaceError(f"The disk of the {place.shown} is full; free some and run again")
    if state == "42501":
        return StoreError(f"{place.shown}: {text}; have the owner of the database grant it")
    if state == "25006":
        return StoreError(f"{place.shown} was opened only to read: {text}")
    if state.startswith("23"):
        return IntegrityError(f"{place.shown} refuses what was to be written: {text}")
    if state in ("", "3D000") or state.startswith(("08", "28", "57P", "53")):
        return StoreError(
            f"Cannot reach the {place.shown}: {text}. Check that the server runs, that the "
            f"database exists, and that user and password in the {place.role}'s URL are right"
        )
    return StoreError(f"{place.shown} failed: {text}")


def _first_line(error: BaseException, place: Place) -> str:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    for secret in place.secrets:
        text = text.replace(secret, "***")
    return text
