"""Runs: what each did, and how it ended."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from drmsmirror.catalogue import history, tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.masters import series_key
from drmsmirror.catalogue.processes import this_process
from drmsmirror.errors import DrmsMirrorError, NotFoundError

__all__ = [
    "Run",
    "RunCounters",
    "RunKind",
    "RunOutcome",
    "Runs",
    "add",
]


class RunKind(StrEnum):
    """What a run is for."""

    #: Brings what is wanted in, and keeps it current.
    SYNC = "sync"
    #: Brings records in from a file.
    IMPORT = "import"
    #: Keeps what a question brought.
    QUESTION = "question"
    #: Brings files in before somebody asks for them.
    FETCH = "fetch"
    #: Compares what is held with the upstream.
    RECONCILE = "reconcile"
    #: Keeps what is held small, fast and sound.
    MAINTAIN = "maintain"
    #: Removes what is no longer wanted.
    DROP = "drop"


class RunOutcome(StrEnum):
    """How a run ended, or that it has not."""

    RUNNING = "running"
    DONE = "done"
    #: Ended in good order before all was held: time was up, or somebody pressed Ctrl-C.
    STOPPED = "stopped"
    FAILED = "failed"
    #: Its process ended without saying how.
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class RunCounters:
    """What a run, or a part of it, did.

    Parameters
    ----------
    requests : int
        Requests to the upstream.
    bytes : int
        Size of the answers, bytes.
    records_new, records_revised, records_unchanged : int
        Records received, by what became of them.
    records_removed : int
        Records that were found gone; of a drop, rows that it removed.
    """

    requests: int = 0
    bytes: int = 0
    records_new: int = 0
    records_revised: int = 0
    records_unchanged: int = 0
    records_removed: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    Parameters
    ----------
    id : int
        Number; later runs have larger ones.
    series : str
        Series that it worked on.
    record_set : str
        What was asked for.
    started_utc : datetime
    finished_utc : datetime or None
        None while it runs.
    outcome : RunOutcome
    host : str
    pid : int
        Where it ran.
    counters : RunCounters
        Sums over the run.
    watermark_before, watermark_after : int or None
        Watermark of the series at its start and at its end.
    share_held : float or None
        Share of what was asked for that was held at its end, 0 to 1.
    error_code, error_message : str or None
        What stopped it, where it failed.
    kind : RunKind
        What it was for.
    notices : tuple of str
        What a person should know of it.
    """

    id: int
    series: str
    record_set: str
    started_utc: datetime
    finished_utc: datetime | None
    outcome: RunOutcome
    host: str
    pid: int
    counters: RunCounters = field(default_factory=RunCounters)
    watermark_before: int | None = None
    watermark_after: int | None = None
    share_held: float | None = None
    error_code: str | None = None
    error_message: str | None = None
    kind: RunKind = RunKind.SYNC
    notices: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        if self.finished_utc is None:
            return None
        return (self.finished_utc - self.started_utc).total_seconds()


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a mirror.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def start(
        self,
        series: str,
        record_set: str,
        *,
        kind: RunKind = RunKind.SYNC,
        above: int = 0,
        notices: Sequence[str] = (),
    ) -> Run:
        """Begin a run.

        The caller holds the lease of the series, so that a run of the same series that still says
        that it is running has died: it is marked as abandoned, and what it recorded is noted.
        Fetching files goes on beside the others, under a lease of its own.

        Parameters
        ----------
        series, record_set : str
            What it works on.
        kind : RunKind
            What it is for.
        above : int
            A number that its own has to lie above: record tables can know runs that a catalogue
            which was restored has forgotten.
        notices : sequence of str
            What a person should know of it, even if it does not come to its end.
        """
        key, process = series_key(series), this_process()
        table, fetches = tables.runs, kind is RunKind.FETCH
        with self.database.write() as connection:
            now = self.database.clock()
            connection.execute(
                update(table)
                .where(
                    table.c.series_key == key,
                    table.c.outcome == RunOutcome.RUNNING.value,
                    (table.c.kind == RunKind.FETCH.value)
                    if fetches
                    else (table.c.kind != RunKind.FETCH.value),
                )
                .values(outcome=RunOutcome.ABANDONED.value, finished_utc=now)
            )
            before = connection.scalar(
                select(func.max(table.c.id)).where(table.c.series_key == key)
            )
            if before is not None and not fetches:
                history.record(connection, key, before, now)
            state = tables.series_state.c
            watermark = connection.scalar(select(state.watermark).where(state.series_key == key))
            begun = {
                "series_key": key,
                "series": series,
                "record_set": record_set,
                "kind": kind.value,
                "started_utc": now,
                "outcome": RunOutcome.RUNNING.value,
                "watermark_before": watermark,
                "watermark_after": watermark,
                "host": process.host,
                "pid": process.pid,
                "notices": list(notices) or None,
                **dict.fromkeys(RunCounters.__slots__, 0),
            }
            number = _add(connection, begun)
            if number <= above:
                connection.execute(delete(table).where(table.c.id == number))
                _count_from(connection, above, is_sqlite=self.database.is_sqlite)
                number = _add(connection, begun)
            return _read(connection, number)

    def finish(
        self,
        run: int,
        outcome: RunOutcome,
        *,
        counters: RunCounters | None = None,
        share_held: float | None = None,
        error: BaseException | None = None,
        notices: Sequence[str] = (),
    ) -> Run:
        """End a run, and note the coverage that it leaves.

        Parameters
        ----------
        run : int
            Number of the run.
        outcome : RunOutcome
        counters : RunCounters, optional
            What it did since its last window.
        share_held : float, optional
            Share held of what was asked for, 0 to 1.
        error : exception, optional
            What stopped it.
        notices : sequence of str
            What a person should know of it, in place of what was when it began.

        Raises
        ------
        NotFoundError
            There is no such run.
        """
        values: dict[str, Any] = {"outcome": outcome.value, "notices": list(notices) or None}
        if error is not None:
            code = error.code if isinstance(error, DrmsMirrorError) else type(error).__name__
            values |= {"error_code": code, "error_message": str(error)}
        with self.database.write() as connection:
            values["finished_utc"] = self.database.clock()
            add(connection, run, counters or RunCounters(), share_held=share_held)
            table = tables.runs
            ended = update(table).where(table.c.id == run).values(values)
            key = connection.execute(ended.returning(table.c.series_key)).scalar_one()
            history.record(connection, key, run, values["finished_utc"])
            return _read(connection, run)

    def load(self, run: int) -> Run:
        """One run by its number.

        Raises
        ------
        NotFoundError
            There is no such run.
        """
        with self.database.read() as connection:
            return _read(connection, run)

    def recent(
        self,
        *,
        series: str | None = None,
        limit: int = 20,
        kinds: Collection[RunKind] | None = None,
        outcomes: Collection[RunOutcome] | None = None,
        changing: bool = False,
    ) -> tuple[Run, ...]:
        """List the latest runs, newest first.

        Parameters
        ----------
        series : str, optional
            Only those of this series, in any case.
        limit : int
            At most so many.
        kinds, outcomes : collection, optional
            Only those of these kinds, and with these outcomes.
        changing : bool
            Only those that brought records, revised some or found some gone.
        """
        table = tables.runs
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        if series is not None:
            query = query.where(table.c.series_key == series_key(series))
        if kinds is not None:
            query = query.where(table.c.kind.in_([kind.value for kind in kinds]))
        if outcomes is not None:
            query = query.where(table.c.outcome.in_([outcome.value for outcome in outcomes]))
        if changing:
            changed = table.c.records_new + table.c.records_revised + table.c.records_removed
            query = query.where(changed > 0)
        with self.database.read() as connection:
            return tuple(_run(row) for row in connection.execute(query))


def _add(connection: Connection, values: dict[str, Any]) -> int:
    added = insert(tables.runs).returning(tables.runs.c.id)
    return int(connection.execute(added, values).scalar_one())


def _count_from(connection: Connection, number: int, *, is_sqlite: bool) -> None:
    """Let the next run have the number after this one."""
    statement = "SELECT setval(pg_get_serial_sequence('runs', 'id'), :number)"
    if is_sqlite:
        statement = "UPDATE sqlite_sequence SET seq = :number WHERE name = 'runs'"
    connection.execute(text(statement), {"number": number})


def add(
    connection: Connection,
    run: int,
    counters: RunCounters,
    *,
    watermark: int | None = None,
    share_held: float | None = None,
) -> None:
    """Add to the counters of a run inside a transaction; what is None stays.

    Raises
    ------
    NotFoundError
        There is no such run.
    """
    table = tables.runs
    values: dict[str, Any] = {
        name: table.c[name] + getattr(counters, name) for name in RunCounters.__slots__
    }
    if watermark is not None:
        values["watermark_after"] = watermark
    if share_held is not None:
        values["share_held"] = share_held
    changed = connection.execute(update(table).where(table.c.id == run).values(values))
    if not changed.rowcount:
        raise NotFoundError(f"The catalogue has no run {run}")


def _read(connection: Connection, run: int) -> Run:
    row = connection.execute(select(tables.runs).where(tables.runs.c.id == run)).first()
    if row is None:
        raise NotFoundError(f"The catalogue has no run {run}")
    return _run(row)


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        series=row.series,
        record_set=row.record_set,
        started_utc=row.started_utc,
        finished_utc=row.finished_utc,
        outcome=RunOutcome(row.outcome),
        host=row.host,
        pid=row.pid,
        counters=RunCounters(
            **{name: row._mapping[name] for name in RunCounters.__slots__}  # noqa: SLF001
        ),
        watermark_before=row.watermark_before,
        watermark_after=row.watermark_after,
        share_held=row.share_held,
        error_code=row.error_code,
        error_message=row.error_message,
        kind=RunKind(row.kind),
        notices=tuple(row.notices or ()),
    )
