"""Where a catalogue is: a SQLite file or a PostgreSQL database."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from drmsmirror.errors import SettingsError

__all__ = ["Place", "place_of"]

_SECRET_PARAMETERS = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a catalogue is.

    Parameters
    ----------
    url : sqlalchemy.URL
        With the driver that we use; it may contain a password, so it is never shown.
    path : Path or None
        The file of a SQLite catalogue.
    shown : str
        The place in words, without a password.
    """

    url: URL = field(repr=False)
    path: Path | None
    shown: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no message may contain."""
        found = [self.url.password, *(self.url.query.get(name) for name in _SECRET_PARAMETERS)]
        return tuple(str(secret) for secret in found if secret)


def place_of(url: str | os.PathLike[str] | URL) -> Place:
    """Read the address of a catalogue.

    Parameters
    ----------
    url : str, path or sqlalchemy.URL
        ``sqlite:///file``, ``postgresql://user@host/database``, or the path of a SQLite file.

    Raises
    ------
    SettingsError
        It is no such address. The message does not repeat it: it may contain a password.
    """
    if isinstance(url, os.PathLike):
        return _of_file(Path(url))
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "The catalogue's URL cannot be read; write sqlite:////path/to/file or "
            "postgresql://user:password@host/database, with special characters of the password "
            "written as %XX"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise SettingsError(
                "A SQLite catalogue has to be a file: write sqlite:////path/to/file"
            )
        return _of_file(Path(parsed.database))
    if backend in ("postgresql", "postgres"):
        return _of_server(parsed.set(drivername="postgresql+psycopg"))
    raise SettingsError(
        f"The catalogue's URL names {backend!r}; a catalogue is kept in SQLite (sqlite:////path) "
        "or in PostgreSQL (postgresql://user@host/database)"
    )


def _of_file(path: Path) -> Place:
    path = path.expanduser().absolute()
    return Place(URL.create("sqlite", database=str(path)), path, str(path))


def _of_server(url: URL) -> Place:
    host = url.host or url.query.get("host") or "this host"
    port = f":{url.port}" if url.port else ""
    database = url.database or url.username or "postgres"
    return Place(url, None, f"PostgreSQL database {database!r} on {host}{port}")
