"""The catalogue as the rest of drmsmirror sees it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import URL

from drmsmirror.catalogue import (
    backup,
    care,
    codecs,
    coverage,
    definitions,
    evolving,
    hosts,
    mastertables,
    migrate,
    pruning,
    state,
    totals,
    windows,
)
from drmsmirror.catalogue.answers import Answers
from drmsmirror.catalogue.care import Care
from drmsmirror.catalogue.checks import Checks
from drmsmirror.catalogue.coverage import AsOf
from drmsmirror.catalogue.database import Clock, Database, connect, utc_now
from drmsmirror.catalogue.definitions import SeriesSummary
from drmsmirror.catalogue.downloads import Downloads
from drmsmirror.catalogue.drops import Drops
from drmsmirror.catalogue.duties import Duties
from drmsmirror.catalogue.filedrops import FileDrops
from drmsmirror.catalogue.history import History
from drmsmirror.catalogue.hosts import SeenHost
from drmsmirror.catalogue.journal import network_file_system
from drmsmirror.catalogue.leases import Lease, Leases
from drmsmirror.catalogue.madefiles import MadeFiles
from drmsmirror.catalogue.moments import Moments
from drmsmirror.catalogue.objectcare import ObjectCare
from drmsmirror.catalogue.orders import Orders
from drmsmirror.catalogue.pins import Pins
from drmsmirror.catalogue.place import place_of
from drmsmirror.catalogue.pruning import Superfluous
from drmsmirror.catalogue.reconciliations import Reconciliations
from drmsmirror.catalogue.runs import RunCounters, Runs
from drmsmirror.catalogue.schema import check_revision
from drmsmirror.catalogue.segmentindex import SegmentIndex
from drmsmirror.catalogue.state import SeriesState
from drmsmirror.catalogue.subscriptions import Subscriptions
from drmsmirror.catalogue.tags import Tags
from drmsmirror.catalogue.totals import RunTotals
from drmsmirror.catalogue.upstreams import Upstreams
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.series import SeriesDefinition

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Address", "Catalogue"]

#: ``sqlite:////path/to/file``, ``postgresql://user@host/database``, or the path of a SQLite file.
Address = str | os.PathLike[str] | URL


@dataclass(frozen=True, slots=True)
class Catalogue:
    """An open catalogue: the mirror's one truth for progress.

    Made by :meth:`create` and :meth:`open`; a context manager that closes it. Threads may share
    one; a process that was forked must open its own.

    Besides what each method names, all raise ``StoreError`` (the database fails or cannot be
    reached), ``NoSpaceError`` and, when another process keeps the database locked, ``LockedError``.

    Parameters
    ----------
    database : Database
    schema_version : str
        Revision of its schema.
    """

    database: Database
    schema_version: str

    @classmethod
    def create(cls, url: Address, *, clock: Clock = utc_now) -> Self:
        """Make an empty catalogue and open it.

        Parameters
        ----------
        url : str, path or sqlalchemy.URL
            Where; directories of a SQLite file are made.
        clock : callable
            Gives the time, aware.

        Raises
        ------
        SettingsError
            ``url`` is no address of a catalogue.
        StoreError
            There is one already, or something else.
        """
        migrate.create(place_of(url))
        return cls.open(url, clock=clock)

    @classmethod
    def open(cls, url: Address, *, read_only: bool = False, clock: Clock = utc_now) -> Self:
        """Open a catalogue.

        Raises
        ------
        SettingsError
            ``url`` is no address of a catalogue.
        NoMirrorError
            There is none.
        CatalogueVersionError
            It belongs to a newer version, or has to be upgraded first.
        IntegrityError
            The file is damaged.
        """
        database = connect(place_of(url), read_only=read_only, clock=clock)
        try:
            with database.read() as connection:
                version = check_revision(connection, database.place)
        except BaseException:
            database.close()
            raise
        return cls(database, version)

    @staticmethod
    def current(url: Address) -> str | None:
        """Read the schema version of a catalogue of any version; None for an empty database.

        Raises
        ------
        NoMirrorError
            There is no such SQLite file.
        """
        return migrate.current(place_of(url))

    @staticmethod
    def upgrade(url: Address) -> tuple[str, str]:
        """Bring a catalogue to the newest schema; see :func:`drmsmirror.catalogue.migrate.upgrade`.

        Returns
        -------
        before, after : str
            Schema versions.
        """
        return migrate.upgrade(place_of(url))

    @staticmethod
    def restore(url: Address, source: Path, *, aside: Path | None = None) -> Path | None:
        """Make a backup the catalogue; see :func:`drmsmirror.catalogue.backup.restore`."""
        return backup.restore(place_of(url), source, aside=aside)

    def close(self) -> None:
        """Give up all connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def place(self) -> str:
        """Where it is, in words, without a password."""
        return self.database.place.shown

    @property
    def runs(self) -> Runs:
        """Runs: what each did, and how it ended."""
        return Runs(self.database)

    @property
    def reconciliations(self) -> Reconciliations:
        """How far record sets were compared with the upstream."""
        return Reconciliations(self.database)

    @property
    def moments(self) -> Moments:
        """Moments, by their names."""
        return Moments(self.database)

    @property
    def tags(self) -> Tags:
        """Moments that have a name."""
        return Tags(self.database)

    @property
    def history(self) -> History:
        """What was held completely after earlier runs."""
        return History(self.database)

    @property
    def subscriptions(self) -> Subscriptions:
        """What is to be held."""
        return Subscriptions(self.database)

    @property
    def duties(self) -> Duties:
        """What has to be done at its time."""
        return Duties(self.database)

    @property
    def leases(self) -> Leases:
        """Who works on what now."""
        return Leases(self.database)

    @property
    def drops(self) -> Drops:
        """What was given up, until it is removed."""
        return Drops(self.database)

    @property
    def checks(self) -> Checks:
        """Files of records that were read whole."""
        return Checks(self.database)

    @property
    def answers(self) -> Answers:
        """Answers of the upstream that are kept, and questions that it failed to answer."""
        return Answers(self.database)

    @property
    def upstreams(self) -> Upstreams:
        """How upstreams are, and the time that they take."""
        return Upstreams(self.database)

    @property
    def segments(self) -> SegmentIndex:
        """Which segment files are there."""
        return SegmentIndex(self.database)

    @property
    def object_care(self) -> ObjectCare:
        """What has to be known of objects to look after them."""
        return ObjectCare(self.database)

    @property
    def made(self) -> MadeFiles:
        """Files that were made of others."""
        return MadeFiles(self.database)

    @property
    def file_drops(self) -> FileDrops:
        """Takes files of records that are dropped out of the index."""
        return FileDrops(self.database)

    @property
    def downloads(self) -> Downloads:
        """Segment files that are being downloaded."""
        return Downloads(self.database)

    @property
    def pins(self) -> Pins:
        """Segment files that are never evicted."""
        return Pins(self.database)

    @property
    def orders(self) -> Orders:
        """Segment files that were ordered at the upstream."""
        return Orders(self.database)

    def save_definition(self, definition: SeriesDefinition, *, upstream_url: str = "") -> None:
        """Keep a definition; see :func:`drmsmirror.catalogue.definitions.save`."""
        definitions.save(self.database, definition, upstream_url=upstream_url)

    def definition(self, series: str) -> SeriesDefinition:
        """Load the definition of a series, in any case; UnknownSeriesError without one."""
        return definitions.load(self.database, series)

    def series(self) -> tuple[SeriesSummary, ...]:
        """All series of the mirror, by name."""
        return definitions.names(self.database)

    def evolve(
        self,
        definition: SeriesDefinition,
        *,
        upstream_url: str,
        entries: Sequence[CoverageEntry],
        codecs: Mapping[str, str],
        table_version: int,
        table_path: str,
        lease: Lease,
    ) -> None:
        """Follow a changed definition; see :func:`drmsmirror.catalogue.evolving.evolve`."""
        evolving.evolve(
            self.database,
            definition,
            upstream_url=upstream_url,
            entries=entries,
            codecs=codecs,
            table_version=table_version,
            table_path=table_path,
            lease=lease,
        )

    def note_new_table(self, series: str, table_path: str, lease: Lease) -> None:
        """Note a table to be made; see :func:`drmsmirror.catalogue.evolving.note_new_table`."""
        evolving.note_new_table(self.database, series, table_path, lease)

    def master_table(self, name: str, namespace: str) -> pa.Table:
        """Read a table of DRMS's own; see :func:`drmsmirror.catalogue.mastertables.load`."""
        return mastertables.load(self.database, name, namespace)

    def codecs(self, series: str) -> dict[str, str]:
        """Give the text codecs of a series, by keyword; UnknownSeriesError without the series."""
        return codecs.load(self.database, series)

    def linked_to(self, series: str) -> tuple[str, ...]:
        """Name the series with records held that have a link to a series, in any case."""
        return definitions.linked_to(self.database, series)

    def knows(self, series: str) -> bool:
        """Whether there is a series of that name, in any case."""
        return definitions.is_known(self.database, series)

    def state(self, series: str) -> SeriesState:
        """How far the mirror has come with a series; UnknownSeriesError without the series."""
        return state.load(self.database, series)

    def held(self, series: str) -> tuple[SeriesState, tuple[CoverageEntry, ...]]:
        """State and coverage of a series as of one moment; UnknownSeriesError without it."""
        return state.load_with_coverage(self.database, series)

    def save_state(self, changed: SeriesState) -> None:
        """Replace the state of a series; see :func:`drmsmirror.catalogue.state.save`."""
        state.save(self.database, changed)

    def coverage(self, series: str) -> tuple[CoverageEntry, ...]:
        """Say what is held completely of a series; UnknownSeriesError without the series."""
        return coverage.load(self.database, series)

    def date_back_coverage(self, series: str, now: datetime) -> None:
        """See :func:`drmsmirror.catalogue.coverage.date_back`."""
        coverage.date_back(self.database, series, now)

    def record_window(
        self,
        series: str,
        *,
        entries: Sequence[CoverageEntry],
        table_version: int,
        rows_held: int,
        run: int | None = None,
        counters: RunCounters | None = None,
        watermark: AsOf | None = None,
        share_held: float | None = None,
        codecs: Mapping[str, str] | None = None,
        lease: Lease | None = None,
    ) -> SeriesState:
        """Say that rows are held; see :func:`drmsmirror.catalogue.windows.record_window`."""
        return windows.record_window(
            self.database,
            series,
            entries=entries,
            table_version=table_version,
            rows_held=rows_held,
            run=run,
            counters=counters,
            watermark=watermark,
            share_held=share_held,
            codecs=codecs,
            lease=lease,
        )

    def run_totals(self) -> tuple[RunTotals, ...]:
        """What all runs did together, by series, kind and outcome."""
        return totals.of_runs(self.database)

    def other_hosts(self) -> tuple[SeenHost, ...]:
        """Hosts besides this one that write here, where the catalogue is for one of them."""
        return hosts.other_hosts(self.database)

    def network_file_system(self) -> str | None:
        """Which network file system a SQLite catalogue is on; None where it is on none."""
        path = self.database.place.path
        return None if path is None else network_file_system(path.parent)

    def superfluous(self, *, keep_runs: int, series: str | None = None) -> Superfluous:
        """Count old rows that nobody needs, of one series or of all."""
        return pruning.superfluous(self.database, keep_runs=keep_runs, series=series)

    def prune(self, *, keep_runs: int, series: str | None = None) -> Superfluous:
        """Remove old rows that nobody needs; see :func:`drmsmirror.catalogue.pruning.prune`."""
        return pruning.prune(self.database, keep_runs=keep_runs, series=series)

    def care_needed(self) -> tuple[Care, ...]:
        """What the database needs now; see :mod:`drmsmirror.catalogue.care`."""
        return care.needed(self.database)

    def take_care(self, what: Care) -> None:
        """Do what the database needs."""
        care.take(self.database, what)

    def publish(self, target: Path) -> None:
        """Publish a read-only copy; see :func:`drmsmirror.catalogue.backup.publish`."""
        backup.publish(self.database, target)

    def backup(self, target: Path, *, overwrite: bool = False) -> None:
        """Write a backup; see :func:`drmsmirror.catalogue.backup.back_up`."""
        backup.back_up(self.database, target, overwrite=overwrite)
