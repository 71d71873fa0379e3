"""One mirror: the catalogue and the record tables of one directory, opened together.

::

    <mirror>/
        drmsmirror.toml         settings, where there are any
        catalogue.sqlite        the catalogue (elsewhere where ``catalogue_url`` says so)
        catalogue.copy.sqlite   its published copy: a backup, and what read-only hosts open
        records/<namespace>/<series>/   record tables; <series>~2 where it was made anew
        objects/                segment files, by what is in them
        answers/                kept answers of the upstream
        daemon.health.json      how the daemon is, where one runs
        .upstream               whose turn it is to ask the upstream, and when one was asked last
"""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from drmsmirror.catalogue import Catalogue, Drop, SeriesState, with_password
from drmsmirror.errors import IntegrityError, NoMirrorError, NotHeldError, StoreError
from drmsmirror.files import (
    free_bytes,
    make_directory,
    refuse_read_only,
    remove_directory,
    write_bytes,
)
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import FORMAT, Databases, OpenTables, Period, RecordTable, choose_period
from drmsmirror.settings import FILE_NAME, Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from drmsmirror.objects import ObjectStore

__all__ = ["Mirror", "catalogue_place", "catalogue_to_read", "catalogue_to_write"]

_log = logging.getLogger(__name__)

_CATALOGUE = "catalogue.sqlite"
_PUBLISHED = "catalogue.copy.sqlite"
_RECORDS = "records"
_GATE = ".upstream"
_OBJECTS = "objects"

#: Stands between the name of a record table and a number where it was made anew; names of series
#: have none.
_NEXT = "~"

_NEW_SETTINGS = """\
# Settings of this mirror. Everything has a default; the project's config/ shows them all.

[upstream]
# url = "http://jsoc.stanford.edu"
# contact = "you@example.org"     # sent in the User-Agent, so that JSOC can reach you
"""


class Mirror:
    """An open mirror.

    Parameters
    ----------
    settings : Settings
    catalogue : Catalogue
        Open, of the version that this code knows.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self._tables = OpenTables()
        self._objects: ObjectStore | None = None
        self._databases = Databases(remembers_files=False)  # who writes sees ever new ones

    @classmethod
    def create(cls, settings: Settings) -> Mirror:
        """Make the mirror's directory and what is missing in it; nothing that is there is touched.

        Raises
        ------
        StoreError
            The directory cannot be written, or a catalogue that was there is not there now.
        """
        _refuse_lost_catalogue(settings)
        make_directory(settings.mirror / _RECORDS)
        if not (settings.mirror / FILE_NAME).exists():
            write_bytes(settings.mirror / FILE_NAME, _NEW_SETTINGS.encode())
        return cls(settings, Catalogue.create(catalogue_place(settings)))

    @classmethod
    def open(cls, settings: Settings) -> Mirror:
        """Open a mirror that is there, read-only where it cannot be written.

        Raises
        ------
        NoMirrorError
            There is none.
        CatalogueVersionError
            It was written by another version of drmsmirror.
        StoreError
            There is one, but its catalogue is not there.
        """
        _refuse_lost_catalogue(settings)
        place, to_read = catalogue_place(settings), catalogue_to_read(settings)
        if isinstance(place, Path) and not place.exists():
            raise NoMirrorError(
                f"There is no mirror at {settings.mirror}. Make one with\n"
                f"  drmsmirror init {shlex.quote(str(settings.mirror))}\n"
                f"or name another with --mirror DIR"
            )
        return cls(settings, Catalogue.open(to_read, read_only=to_read != place))

    @classmethod
    def open_or_create(
        cls, settings: Settings, announce: Callable[[str], None] = _log.warning
    ) -> Mirror:
        """Open the mirror; where there is none, make it and announce where.

        One whose making was interrupted is made to its end.
        """
        with suppress(NoMirrorError):
            return cls.open(settings)
        mirror = cls.create(settings)
        free = free_bytes(settings.mirror) / 2**30
        announce(f"Made a new mirror at {settings.mirror} ({free:.1f} GiB free)")
        return mirror

    @staticmethod
    def exists(settings: Settings) -> bool:
        """Whether there is a mirror at the place that the settings name."""
        place = catalogue_place(settings)
        if isinstance(place, Path):
            # who may not write reads the published copy; a file without tables was left half made
            return place.exists() and (_is_read_only(place) or Catalogue.current(place) is not None)
        try:
            return Catalogue.current(place) is not None
        except NoMirrorError:  # the URL of a SQLite file that is not there yet
            return False

    def __enter__(self) -> Mirror:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the catalogue, and of what is kept open of the record tables."""
        self.catalogue.close()
        self._tables.close()
        self._databases.close()

    @property
    def root(self) -> Path:
        """The mirror's directory."""
        return self.settings.mirror

    def table(self, definition: SeriesDefinition, state: SeriesState | None = None) -> RecordTable:
        """Open the record table of a series that has one, at its newest version.

        Parameters
        ----------
        definition : SeriesDefinition
        state : SeriesState, optional
            Of the series, where it was read already.

        Raises
        ------
        NotHeldError
            The series has none yet.
        IntegrityError
            It is not there, or older than the catalogue says.
        """
        state = state or self.catalogue.state(definition.name)
        if state.table_path is None or state.table_version is None:
            raise NotHeldError(
                f"The mirror holds no records of {definition.name}. Get some with\n"
                f"  drmsmirror sync {shlex.quote(definition.name)}"
            )
        return self._tables.open(*self._place(definition, state), at_least=state.table_version)

    def workspace(
        self, tables: Iterable[RecordTable]
    ) -> AbstractContextManager[DuckDBPyConnection]:
        """A connection that can read these tables, for views and tables of its own."""
        return self._tables.databases.workspace([table.path for table in tables])

    def table_for_writing(
        self, definition: SeriesDefinition, expected_rows: int, expected_days: float
    ) -> RecordTable:
        """Open the record table of a series, making it first where there is none.

        The caller holds the lease of the series.

        Parameters
        ----------
        definition : SeriesDefinition
        expected_rows : int
            Rows the whole series will have: with its length they fix the partition period.
        expected_days : float
            Length of the series in days.
        """
        state = self.catalogue.state(definition.name)
        if state.table_path is not None:
            return RecordTable.open(
                *self._place(definition, state),
                at_least=state.table_version or 0,
                connect=self._databases.connect,
            )
        self._finish_whole_drop(definition.name)
        period = choose_period(definition, expected_rows, expected_days)
        path = Path(_RECORDS) / definition.namespace / definition.table
        table = RecordTable.create(
            self.root / path, definition, period, connect=self._databases.connect
        )
        self.catalogue.save_state(
            replace(
                state,
                table_path=str(path),
                table_format=FORMAT,
                partition_period=str(table.period),
                table_version=table.version,
            )
        )
        return table

    def path_for_rebuilding(self, state: SeriesState) -> str:
        """Where the record table that is to take the place of a series' own is made.

        Relative to the mirror; an attempt that was killed can have left something there.
        """
        base, _, number = str(state.table_path).partition(_NEXT)
        return f"{base}{_NEXT}{int(number or 1) + 1}"

    def remove_table(self, drop: Drop) -> None:
        """Remove a record table that was given up; the caller holds the lease of its series."""
        if self.catalogue.state(drop.series).table_path != drop.table_path:
            remove_directory(self.root / drop.table_path)

    @property
    def catalogue_files(self) -> tuple[Path, ...]:
        """Files of a catalogue in SQLite; none where it is in PostgreSQL."""
        place = self.catalogue.database.place.path
        if place is None:
            return ()
        beside = (place.with_name(place.name + end) for end in ("", "-wal", "-shm", "-journal"))
        return tuple(path for path in beside if path.exists())

    @property
    def upstream_gate(self) -> Path:
        """The file at which all processes of the mirror wait for their turn to ask."""
        return self.root / _GATE

    @property
    def objects(self) -> ObjectStore:
        """The store of segment files."""
        if self._objects is None:
            from drmsmirror.objects import open_store

            self._objects = open_store(self.settings.segments.store, self.objects_directory)
        return self._objects

    @property
    def objects_directory(self) -> Path:
        """Where objects are, or what is on its way to S3, whether it is there or not."""
        return self.root / _OBJECTS

    @property
    def published_file(self) -> Path:
        """The published copy of the catalogue, whether it is there or not."""
        return _published(self.settings)

    def publish(self) -> None:
        """Publish a consistent read-only copy of the catalogue beside the records."""
        if isinstance(catalogue_place(self.settings), Path):
            self.catalogue.publish(_published(self.settings))

    def refuse_read_only(self) -> None:
        """Refuse to write a mirror that can only be read, before anything is done for it.

        Raises
        ------
        StoreError
            Its catalogue or its records cannot be written by this user.
        """
        catalogue_to_write(self.settings)
        if (self.root / _RECORDS).exists():
            refuse_read_only(self.root / _RECORDS)

    def _finish_whole_drop(self, series: str) -> None:
        """Finish what a killed drop left, so that no new table is made of the old one's rows."""
        for drop in self.catalogue.drops.pending(series):
            if drop.extents is None:
                self.remove_table(drop)
                self.catalogue.drops.finish(drop)

    def _place(
        self, definition: SeriesDefinition, state: SeriesState
    ) -> tuple[Path, SeriesDefinition, Period]:
        """Where a record table is, what it is of, and how it is cut."""
        if state.table_format != FORMAT:
            raise IntegrityError(
                f"The record table of {definition.name} has format {state.table_format}; this "
                f"version of drmsmirror reads format {FORMAT}"
            )
        period = Period(state.partition_period or Period.NONE)
        return self.root / str(state.table_path), definition, period


def catalogue_place(settings: Settings) -> Path | str:
    """Where the catalogue of a mirror is: a URL, or the path of a SQLite file."""
    if not settings.catalogue_url:
        return settings.mirror / _CATALOGUE
    if not settings.catalogue_password:
        return settings.catalogue_url
    return with_password(settings.catalogue_url, settings.catalogue_password)


def catalogue_to_read(settings: Settings) -> Path | str:
    """Where the catalogue of a mirror can be read: the published copy where it cannot be written.

    SQLite writes beside a catalogue that is in use, even to read it.
    """
    place = catalogue_place(settings)
    return _published(settings) if _is_read_only(place) else place


def catalogue_to_write(settings: Settings) -> Path | str:
    """Where the catalogue of a mirror can be written.

    Raises
    ------
    StoreError
        It cannot be by this user.
    """
    place = catalogue_place(settings)
    if _is_read_only(place):
        raise StoreError(
            f"This writes the catalogue {place}, which you may not. Have somebody who may write "
            f"there run it, or name a mirror of your own with --mirror DIR"
        )
    return place


def _published(settings: Settings) -> Path:
    return settings.mirror / _PUBLISHED


def _refuse_lost_catalogue(settings: Settings) -> None:
    """Refuse a mirror that lost its catalogue, instead of making another one for its records."""
    place, copy = catalogue_place(settings), _published(settings)
    if isinstance(place, Path) and not place.exists() and copy.exists():
        raise StoreError(
            f"The catalogue {place} is not there, though its published copy is. Bring it back, or "
            f"take the copy in its place:\n"
            f"  drmsmirror db restore {shlex.quote(str(copy))}"
        )


def _is_read_only(place: Path | str) -> bool:
    if isinstance(place, str) or not place.exists():
        return False
    return not (os.access(place, os.W_OK) and os.access(place.parent, os.W_OK))
