"""Make a catalogue, and bring an old one up to date, by the migrations in ``migrations/``."""

from __future__ import annotations

import importlib.resources
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from drmsmirror.catalogue.copies import copy_file
from drmsmirror.catalogue.database import Database, connect
from drmsmirror.catalogue.failures import explained
from drmsmirror.catalogue.journal import probe, set_journal_mode
from drmsmirror.catalogue.place import Place
from drmsmirror.catalogue.schema import REVISIONS, check_revision, read_revision, refuse_newer
from drmsmirror.errors import IntegrityError, NoMirrorError, StoreError
from drmsmirror.failpoints import effect
from drmsmirror.files import make_directory, replacing

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "SchemaChange",
    "changing_schema",
    "create",
    "current",
    "migrations_directory",
    "upgrade",
]

#: Key of the PostgreSQL advisory lock under which a schema is changed.
_MIGRATION_LOCK = 0x64726D73


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A transaction in which the schema is changed.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    config : alembic.config.Config
        Bound to the connection.
    """

    connection: Connection
    config: Config

    def upgrade(self, revision: str = "head") -> None:
        """Run every migration up to ``revision`` that was not run yet."""
        from alembic import command

        command.upgrade(self.config, revision)

    def downgrade(self, revision: str) -> None:
        """Undo every migration after ``revision``; ``base`` undoes all."""
        from alembic import command

        command.downgrade(self.config, revision)


def migrations_directory() -> Path:
    """Where the migrations are: in the package once installed, beside it in a checkout.

    Raises
    ------
    StoreError
        They are in neither place: the installation is incomplete.
    """
    package = Path(str(importlib.resources.files(__package__.partition(".")[0])))
    installed, checkout = package / "migrations", package.parent / "migrations"
    for directory in (installed, checkout):
        if (directory / "env.py").is_file():
            return directory
    raise StoreError(
        f"The migrations of the catalogue are neither in {installed} nor in {checkout}; "
        "install drmsmirror again"
    )


def create(place: Place) -> None:
    """Make an empty catalogue with the newest schema.

    Raises
    ------
    StoreError
        There is a catalogue already, or something else, or the place cannot be written.
    """
    if place.path is not None:
        make_directory(place.path.parent)
        if not place.path.exists() or not place.path.stat().st_size:
            _prepare_file(place.path, place)
    with closing(connect(place, foreign_keys=False)) as database:
        _fill_empty(database)


def upgrade(
    place: Place,
    *,
    keep: bool = True,
    directory: Path | None = None,
    revisions: Sequence[str] = REVISIONS,
) -> tuple[str, str]:
    """Bring a catalogue to the newest schema, in one transaction.

    Parameters
    ----------
    place : Place
    keep : bool
        Whether a SQLite catalogue as it was is kept beside it, as ``<name>.schema-<version>``.
    directory : Path, optional
        The migrations, where they are not drmsmirror's own.
    revisions : sequence of str
        What is in it, oldest first.

    Returns
    -------
    before, after : str
        Schema versions; the same where there was nothing to do.

    Raises
    ------
    NoMirrorError
        There is no catalogue.
    CatalogueVersionError
        It is newer than this program.
    """
    before = current(place)
    if before is None:
        raise NoMirrorError(
            f"There is no catalogue in {place.shown}; make a mirror with `drmsmirror init`"
        )
    refuse_newer(before, place, revisions)
    if before != revisions[-1]:
        if keep and place.path is not None:
            kept = place.path.with_name(f"{place.path.name}.schema-{before}")
            with replacing(kept, mode=0o444) as temporary:
                copy_file(place, temporary)
        with (
            closing(connect(place, foreign_keys=False)) as database,
            changing_schema(database, directory) as change,
        ):
            change.upgrade()
    return before, revisions[-1]


def current(place: Place) -> str | None:
    """Give the schema version of a catalogue, whatever it is; None where there is none.

    Raises
    ------
    NoMirrorError
        There is no such SQLite file.
    StoreError
        The database cannot be read.
    """
    with closing(connect(place, read_only=True)) as database, database.read() as connection:
        return read_revision(connection)


@contextmanager
def changing_schema(database: Database, directory: Path | None = None) -> Iterator[SchemaChange]:
    """Change the schema in one transaction, alone.

    Parameters
    ----------
    database : Database
        Opened without foreign keys.
    directory : Path, optional
        The migrations, where they are not drmsmirror's own.

    Raises
    ------
    IntegrityError
        Rows would be left that refer to nothing; the change is undone.
    """
    from alembic.config import Config

    scripts = str(directory or migrations_directory())
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        config = Config(attributes={"connection": connection})
        # Alembic expands % in its settings
        config.set_main_option("script_location", scripts.replace("%", "%%"))
        yield SchemaChange(connection, config)
        if database.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise IntegrityError(
                f"Changing the schema of {database.place.shown} would leave rows that refer to "
                "nothing; it was left as it was. Please report this"
            )


def _fill_empty(database: Database) -> None:
    with changing_schema(database) as change:
        if read_revision(change.connection) is not None:
            raise StoreError(f"There is a catalogue already: {database.place.shown}")
        if set(inspect(change.connection).get_table_names()) - {"alembic_version"}:
            check_revision(change.connection, database.place)  # says what else it is
        change.upgrade()


def _prepare_file(path: Path, place: Place) -> None:
    """Make an empty SQLite file with the journal that suits its file system."""
    mode = probe(path.parent)
    with (
        effect("catalogue.making"),
        explained(place),
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
    ):
        if not set_journal_mode(connection, mode):
            raise StoreError(f"SQLite does not accept the journal mode {mode} for {path}")
