"""The catalogue as the rest of drmsmirror sees it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import URL

from drmsmirror.catalogue import (
    answers,
    backup,
    care,
    checks,
    codecs,
    coverage,
    definitions,
    drops,
    duties,
    evolving,
    history,
    hosts,
    leases,
    mastertables,
    migrate,
    moments,
    pruning,
    reconciliations,
    runs,
    state,
    subscriptions,
    tags,
    totals,
    upstreams,
    windows,
)
from drmsmirror.catalogue.answers import FailedQuestion, StoredAnswer
from drmsmirror.catalogue.care import Care
from drmsmirror.catalogue.checks import CheckedFile
from drmsmirror.catalogue.coverage import AsOf
from drmsmirror.catalogue.database import Clock, Database, connect, utc_now
from drmsmirror.catalogue.definitions import SeriesSummary
from drmsmirror.catalogue.downloads import Downloads
from drmsmirror.catalogue.drops import Drop, GivenUp
from drmsmirror.catalogue.duties import Duty, DutyOutcome, Plan, TakenDuty
from drmsmirror.catalogue.filedrops import FileDrops
from drmsmirror.catalogue.history import CoverageThen
from drmsmirror.catalogue.hosts import SeenHost
from drmsmirror.catalogue.journal import network_file_system
from drmsmirror.catalogue.leases import Lease
from drmsmirror.catalogue.madefiles import MadeFiles
from drmsmirror.catalogue.moments import Moment, Named
from drmsmirror.catalogue.objectcare import ObjectCare
from drmsmirror.catalogue.orders import Orders
from drmsmirror.catalogue.pins import Pins
from drmsmirror.catalogue.place import place_of
from drmsmirror.catalogue.pruning import Superfluous
from drmsmirror.catalogue.reconciliations import Reconciliation
from drmsmirror.catalogue.runs import Run, RunCounters, RunKind, RunOutcome
from drmsmirror.catalogue.schema import check_revision
from drmsmirror.catalogue.segmentindex import SegmentIndex
from drmsmirror.catalogue.state import SeriesState
from drmsmirror.catalogue.subscriptions import StoredSubscription
from drmsmirror.catalogue.tags import Tag
from drmsmirror.catalogue.totals import RunTotals
from drmsmirror.catalogue.upstreams import Cost, Health
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import Extent
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.subscription import Subscription

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

    def reconciliation(self, series: str, record_set: str) -> Reconciliation | None:
        """How far a record set was compared with the upstream; None where it never was."""
        return reconciliations.load(self.database, series, record_set)

    def reconciliations(self, series: str) -> dict[str, Reconciliation]:
        """How far the record sets of a series were compared with the upstream."""
        return reconciliations.load_all(self.database, series)

    def save_reconciliation(self, series: str, record_set: str, now: Reconciliation) -> None:
        """Say how far a record set was compared with the upstream."""
        reconciliations.save(self.database, series, record_set, now)

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

    def start_run(
        self, series: str, record_set: str, *, kind: RunKind = RunKind.SYNC, above: int = 0
    ) -> Run:
        """Begin a run; see :func:`drmsmirror.catalogue.runs.start`."""
        return runs.start(self.database, series, record_set, kind=kind, above=above)

    def finish_run(
        self,
        run: int,
        outcome: RunOutcome,
        *,
        counters: RunCounters | None = None,
        share_held: float | None = None,
        error: BaseException | None = None,
    ) -> Run:
        """End a run; see :func:`drmsmirror.catalogue.runs.finish`."""
        return runs.finish(
            self.database, run, outcome, counters=counters, share_held=share_held, error=error
        )

    def run(self, number: int) -> Run:
        """One run by its number; NotFoundError without one."""
        return runs.load(self.database, number)

    def runs(
        self,
        *,
        series: str | None = None,
        limit: int = 20,
        kinds: Collection[RunKind] | None = None,
        outcomes: Collection[RunOutcome] | None = None,
        changing: bool = False,
    ) -> tuple[Run, ...]:
        """List the latest runs, newest first; see :func:`drmsmirror.catalogue.runs.recent`."""
        return runs.recent(
            self.database,
            series=series,
            limit=limit,
            kinds=kinds,
            outcomes=outcomes,
            changing=changing,
        )

    def next_syncs(self) -> dict[str, datetime]:
        """By record set, when it is to be synced next, where somebody keeps a timetable."""
        return duties.next_syncs(self.database)

    def run_totals(self) -> tuple[RunTotals, ...]:
        """What all runs did together, by series, kind and outcome."""
        return totals.of_runs(self.database)

    def subscriptions(self, *, series: str | None = None) -> tuple[StoredSubscription, ...]:
        """All subscriptions, or those of one series; what comes first is first."""
        return subscriptions.load_all(self.database, series=series)

    def add_subscription(self, subscription: Subscription) -> StoredSubscription:
        """Add a subscription; one of the same record set that is there stays as it is."""
        return subscriptions.add(self.database, subscription)

    def change_subscription(self, subscription: Subscription) -> StoredSubscription:
        """Change the subscription of the same record set."""
        return subscriptions.change(self.database, subscription)

    def remove_subscription(self, number: int) -> StoredSubscription:
        """Remove a subscription; what is held stays."""
        return subscriptions.remove(self.database, number)

    def replace_subscriptions(
        self, before: Iterable[Subscription], after: Iterable[Subscription]
    ) -> None:
        """Put some subscriptions in the place of all that the caller has seen."""
        subscriptions.replace_all(self.database, before, after)

    def moment(self, named: Named | None = None) -> Moment:
        """Find a moment; see :func:`drmsmirror.catalogue.moments.find`."""
        return moments.find(self.database, named)

    def last_run_at(self, series: str, moment: Moment) -> int | None:
        """Number of the last run of a series that had ended at a moment; None without one."""
        return moments.last_run(self.database, series, moment)

    def unknown_runs(self, series: str, moment: Moment) -> range:
        """Numbers of runs that may be forgotten; see :mod:`drmsmirror.catalogue.moments`."""
        return moments.unknown_runs(self.database, series, moment)

    def coverage_after(self, series: str, run: int) -> CoverageThen | None:
        """What was held completely after a run; see :func:`drmsmirror.catalogue.history.load`."""
        return history.load(self.database, series, run)

    def coverage_naming(self, series: str, column: str) -> tuple[CoverageEntry, ...]:
        """What was held when a column was; see :func:`drmsmirror.catalogue.history.last_naming`."""
        return history.last_naming(self.database, series, column)

    def tag(self, name: str, moment: Moment, note: str = "") -> Tag:
        """Give a moment a name; see :func:`drmsmirror.catalogue.tags.make`."""
        return tags.make(self.database, name, moment, note)

    def tags(self) -> tuple[Tag, ...]:
        """All tags, the earliest moment first."""
        return tags.every(self.database)

    def drop_tag(self, name: str) -> None:
        """Forget a tag; NotFoundError without it."""
        tags.drop(self.database, name)

    def duties(self) -> tuple[Duty, ...]:
        """What has to be done at its time, and how it went; by name."""
        return duties.load_all(self.database)

    def keep_duties(self, plans: Iterable[Plan]) -> tuple[Duty, ...]:
        """Make the duties those of some plans; see :func:`drmsmirror.catalogue.duties.keep`."""
        return duties.keep(self.database, plans)

    def due_duties(self) -> tuple[str, ...]:
        """Name the duties that somebody should do now."""
        return duties.due(self.database)

    def taking_duty(
        self, plan: Plan, *, ttl_seconds: float = 120.0
    ) -> AbstractContextManager[TakenDuty | None]:
        """Do a duty while a block runs; see :func:`drmsmirror.catalogue.duties.taking`."""
        return duties.taking(self.database, plan, ttl_seconds=ttl_seconds)

    def end_duty(
        self,
        taken: TakenDuty,
        outcome: DutyOutcome,
        *,
        message: str | None = None,
        again_utc: datetime | None = None,
    ) -> None:
        """Say how a duty went; see :func:`drmsmirror.catalogue.duties.end`."""
        duties.end(self.database, taken, outcome, message=message, again_utc=again_utc)

    def leases(self) -> tuple[Lease, ...]:
        """All leases, those past their end included."""
        return leases.held(self.database)

    def holding(self, name: str, *, ttl_seconds: float = 120.0) -> AbstractContextManager[Lease]:
        """Hold a lease while a block runs; see :func:`drmsmirror.catalogue.leases.holding`."""
        return leases.holding(self.database, name, ttl_seconds=ttl_seconds)

    def other_hosts(self) -> tuple[SeenHost, ...]:
        """Hosts besides this one that write here, where the catalogue is for one of them."""
        return hosts.other_hosts(self.database)

    def network_file_system(self) -> str | None:
        """Which network file system a SQLite catalogue is on; None where it is on none."""
        path = self.database.place.path
        return None if path is None else network_file_system(path.parent)

    def is_ours(self, lease: Lease) -> bool:
        """Whether nobody has taken a lease over, be it past its end or not."""
        return leases.is_ours(self.database, lease)

    def is_held(self, name: str) -> bool:
        """Whether somebody holds a lease; see :func:`drmsmirror.catalogue.leases.is_held`."""
        return leases.is_held(self.database, name)

    def holding_if_free(
        self, name: str, *, ttl_seconds: float = 120.0
    ) -> AbstractContextManager[Lease | None]:
        """Hold a lease, or None where it is held already, while a block runs."""
        return leases.holding_if_free(self.database, name, ttl_seconds=ttl_seconds)

    def kept_answers(self) -> tuple[int, int]:
        """How many answers of the upstream are kept, and how many bytes they take."""
        return answers.totals(self.database)

    def answer(self, digest: str) -> StoredAnswer | None:
        """Give the answer of the upstream that is kept to a question; None where there is none."""
        return answers.load(self.database, digest)

    def keep_answer(self, answer: StoredAnswer) -> None:
        """Keep an answer whose file is there; see :func:`drmsmirror.catalogue.answers.save`."""
        answers.save(self.database, answer)

    def use_answer(self, digest: str) -> None:
        """Say that an answer was used now."""
        answers.touch(self.database, digest)

    def forget_answers(self, most_bytes: int, before: datetime) -> tuple[str, ...]:
        """Forget answers; see :func:`drmsmirror.catalogue.answers.forget_least_used`."""
        return answers.forget_least_used(self.database, most_bytes, before)

    def known_answers(self, digests: Iterable[str]) -> frozenset[str]:
        """Say to which of these questions answers are kept."""
        return answers.known(self.database, digests)

    def failed_question(self, digest: str) -> FailedQuestion | None:
        """Give the latest failure of a question, also one whose time is over."""
        return answers.failure(self.database, digest)

    def keep_failure(self, failed: FailedQuestion) -> None:
        """Remember that a question failed."""
        answers.save_failure(self.database, failed)

    def begin_drop(
        self, series: str, record_set: str, extents: Sequence[Extent], lease: Lease
    ) -> GivenUp:
        """Give up parts of a series; see :func:`drmsmirror.catalogue.drops.begin_part`."""
        return drops.begin_part(self.database, series, record_set, extents, lease)

    def begin_whole_drop(self, series: str, lease: Lease, *, unsubscribe: bool = False) -> GivenUp:
        """Give up a series; see :func:`drmsmirror.catalogue.drops.begin_whole`."""
        return drops.begin_whole(self.database, series, lease, unsubscribe=unsubscribe)

    def drops(self, series: str | None = None) -> tuple[Drop, ...]:
        """What was given up and has still to be removed, of one series or of all."""
        return drops.pending(self.database, series)

    def finish_drop(
        self,
        drop: Drop,
        lease: Lease | None = None,
        *,
        table_version: int | None = None,
        rows_held: int | None = None,
    ) -> None:
        """Say that a drop is done; see :func:`drmsmirror.catalogue.drops.finish`."""
        drops.finish(self.database, drop, lease, table_version=table_version, rows_held=rows_held)

    def checked_files(self, series: str) -> dict[str, CheckedFile]:
        """Give the files of a series that were read whole, by path."""
        return checks.load_all(self.database, series)

    def save_checked_file(self, series: str, path: str, problem: str | None) -> None:
        """Say that a file was read now; see :func:`drmsmirror.catalogue.checks.save`."""
        checks.save(self.database, series, path, problem)

    def keep_checked_files(self, series: str, paths: Collection[str]) -> None:
        """Forget what was found of files of a series that there are no longer."""
        checks.keep_only(self.database, series, paths)

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

    def health(self, url: str) -> Health:
        """Say how an upstream is; see :func:`drmsmirror.catalogue.upstreams.health`."""
        return upstreams.health(self.database, url)

    def change_health(self, url: str, change: Callable[[Health], Health]) -> Health:
        """Change how an upstream is; see :func:`drmsmirror.catalogue.upstreams.change_health`."""
        return upstreams.change_health(self.database, url, change)

    def cost(self, url: str) -> Cost:
        """Say what was learnt of the time that an upstream takes."""
        return upstreams.cost(self.database, url)

    def change_cost(self, url: str, change: Callable[[Cost], Cost]) -> Cost:
        """Change what is known of the time that an upstream takes."""
        return upstreams.change_cost(self.database, url, change)

    def publish(self, target: Path) -> None:
        """Publish a read-only copy; see :func:`drmsmirror.catalogue.backup.publish`."""
        backup.publish(self.database, target)

    def backup(self, target: Path, *, overwrite: bool = False) -> None:
        """Write a backup; see :func:`drmsmirror.catalogue.backup.back_up`."""
        backup.back_up(self.database, target, overwrite=overwrite)
