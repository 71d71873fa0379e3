"""Where a database is: a SQLite file or a PostgreSQL server's, a catalogue or something else."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from drmsmirror.errors import SettingsError

__all__ = ["Place", "Role", "place_of", "with_password"]

_SECRET_PARAMETERS = ("password", "sslpassword")


class Role(StrEnum):
    """What a database is to us, as messages call it."""

    CATALOGUE = "catalogue"
    #: Where records are published for other tools.
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is.

    Parameters
    ----------
    url : sqlalchemy.URL
        With the driver that we use; it may contain a password, so it is never shown.
    path : Path or None
        The file of a SQLite database.
    shown : str
        The place in words, without a password.
    role : Role
        What it is to us.
    """

    url: URL = field(repr=False)
    path: Path | None
    shown: str
    role: Role = Role.CATALOGUE

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no message may contain."""
        found = [self.url.password, *(self.url.query.get(name) for name in _SECRET_PARAMETERS)]
        return tuple(str(secret) for secret in found if secret)


def place_of(url: str | os.PathLike[str] | URL, role: Role = Role.CATALOGUE) -> Place:
    """Read the address of a catalogue, or of another database.

    Parameters
    ----------
    url : str, path or sqlalchemy.URL
        ``sqlite:///file``, ``postgresql://user@host/database``, or the path of a SQLite file.
    role : Role
        What the database is to us.

    Raises
    ------
    SettingsError
        It is no such address. The message does not repeat it: it may contain a password.
    """
    if isinstance(url, os.PathLike):
        return _of_file(Path(url), role)
    parsed = _parsed(url, role)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise SettingsError(f"A SQLite {role} has to be a file: write sqlite:////path/to/file")
        return _of_file(Path(parsed.database), role)
    if backend in ("postgresql", "postgres"):
        return _of_server(parsed.set(drivername="postgresql+psycopg"), role)
    raise SettingsError(
        f"The {role}'s URL names {backend!r}; a {role} is kept in SQLite (sqlite:////path) "
        "or in PostgreSQL (postgresql://user@host/database)"
    )


def with_password(url: str, password: str) -> str:
    """Give the URL of a catalogue with a password, unless it has one.

    Raises
    ------
    SettingsError
        It is no URL.
    """
    parsed = _parsed(url, Role.CATALOGUE)
    if parsed.password is None:
        parsed = parsed.set(password=password)
    return parsed.render_as_string(hide_password=False)


def _parsed(url: str | URL, role: Role) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(
            f"The {role}'s URL cannot be read; write sqlite:////path/to/file or "
            "postgresql://user:password@host/database, with special characters of the password "
            "written as %XX"
        ) from None


def _of_file(path: Path, role: Role) -> Place:
    path = path.expanduser().absolute()
    return Place(URL.create("sqlite", database=str(path)), path, str(path), role)


def _of_server(url: URL, role: Role) -> Place:
    host = url.host or url.query.get("host") or "this host"
    port = f":{url.port}" if url.port else ""
    database = url.database or url.username or "postgres"
    return Place(url, None, f"PostgreSQL database {database!r} on {host}{port}", role)
