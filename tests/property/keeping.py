"""A mirror of an upstream that changes, and what it promises, held against what was said."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drmsmirror.catalogue import Catalogue, RunCounters, RunKind, RunOutcome
from drmsmirror.client.answer import Answer, Source
from drmsmirror.client.answering import Answering
from drmsmirror.client.definitions import Definitions
from drmsmirror.client.question import Asked
from drmsmirror.client.recalling import recall
from drmsmirror.client.terms import Policy, Terms
from drmsmirror.errors import (
    DefinitionError,
    NotFoundError,
    RequestLimitError,
    TooSlowError,
    UpstreamError,
    UpstreamPausedError,
)
from drmsmirror.mirror import Mirror, catalogue_place
from drmsmirror.model.subscription import Reconcile
from drmsmirror.records import connect, create_view
from drmsmirror.sharing import SharedUpstream
from drmsmirror.sync import SyncReport, Task, sync
from drmsmirror.upkeep import drop, maintain
from drmsmirror.upstream import Jsoc, LimitedSession, PoliteSession
from tests.jsoc import Fault, FaultKind, Request, SampleJsoc
from tests.property.chronicle import KEYS, NAME, Cell, Chronicle, Doubt, Part, Row
from tests.property.killed import run_until
from tests.unit.sync.mirrors import asked, settings_for, truth

__all__ = ["Kept"]

_WHOLE = Part()


@dataclass
class Kept:
    """A mirror, its upstream, and what the mirror has said.

    Parameters
    ----------
    mirror : Mirror
    upstream : Chronicle
    """

    mirror: Mirror
    upstream: Chronicle
    #: Moments at which the mirror asked its upstream something.
    attempts: list[int] = field(default_factory=list)
    #: Moments at which it noticed that the upstream had gone back in time.
    setbacks: list[int] = field(default_factory=list)
    #: Doubts that a reading of everything has put an end to.
    settled: set[Doubt] = field(default_factory=set)
    #: Records that answers have shown.
    shown: set[Row] = field(default_factory=set)
    #: By tag, what the mirror answered then.
    tagged: dict[str, dict[Cell, Row]] = field(default_factory=dict)
    dropped: list[Part] = field(default_factory=list)
    kills: int = 0
    restless_runs: int = 0

    @classmethod
    @contextmanager
    def open(cls, **sections: Any) -> Iterator[Kept]:
        """Open an empty mirror of an empty upstream."""
        now = [datetime(2026, 11, 1, tzinfo=UTC)]
        with SampleJsoc() as jsoc, tempfile.TemporaryDirectory() as directory:
            settings = settings_for(Path(directory) / "mirror", jsoc, **sections)
            Mirror.create(settings).close()
            catalogue = Catalogue.open(catalogue_place(settings), clock=lambda: now[0])
            with Mirror(settings, catalogue) as mirror:
                yield cls(mirror, Chronicle(jsoc, now))

    # -- what happens -----------------------------------------------------------------------------

    def wait(self, hours: float) -> None:
        """Time passes."""
        self.upstream.now[0] += timedelta(hours=hours)

    def fail(self, fault: Fault, times: int, when: str | None) -> None:
        """Have the upstream fail."""
        self.upstream.jsoc.fault(fault, times, when)

    def sync(
        self,
        part: Part,
        task: Task,
        *,
        seconds: float = math.inf,
        most_requests: int | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> SyncReport | None:
        """Sync a part; None where that ended with an error, which only a failing upstream may."""
        jsoc = self.upstream.jsoc
        is_restless = meanwhile is not None
        if meanwhile is not None:
            self.restless_runs += 1
            jsoc.fault(FaultKind.HTML, times=None, when=_Meanwhile(meanwhile, self.upstream))
        jsoc.clear_requests()
        begun, before = self._attempt(), self._generation
        last_run = max((run.id for run in self.mirror.catalogue.runs.recent()), default=0)
        limited: Any = PoliteSession(self.mirror.settings.upstream)
        if most_requests is not None:
            limited = LimitedSession(limited, most_requests)
        upstream = Jsoc(self.mirror.settings.upstream, limited)
        is_failing = bool(jsoc._faults)
        report = None
        try:
            (report,) = sync(self.mirror, upstream, str(part), seconds=seconds, task=task)
        except RequestLimitError:
            assert most_requests is not None
        except (UpstreamError, DefinitionError):
            assert is_failing
        finally:
            jsoc.clear_faults()
        if is_restless:
            self._attempt()
        self._notice_setback(before, begun)
        if report is not None:
            self._check_report(report, last_run)
            if report.outcome is RunOutcome.DONE:
                self._settle(part, task, begun)
        self.check_catalogue()
        self._pause()
        return report

    def sync_killed(self, point: str, part: Part, task: Task) -> None:
        """Sync a part in a process that is killed."""
        begun, before = self._attempt(), self._generation
        self._killed(point, _sync, str(part), task)
        self.upstream.jsoc.clear_faults()
        self._notice_setback(before, begun)
        self._pause()

    def maintain(self, point: str = "") -> None:
        """Do the upkeep that is due, in a process that is killed where a point is named."""
        if point:
            self._killed(point, _maintain)
        else:
            assert not maintain(self.mirror).failed
        self._pause()

    def drop(self, part: Part, point: str = "") -> None:
        """Take a part out of the mirror, in a process that is killed where a point is named."""
        if not self.mirror.catalogue.knows(NAME):
            return
        if point:
            self._killed(point, _drop, str(part))
        else:
            drop(self.mirror, str(part))
        self.dropped.append(part)
        self.shown = {row for row in self.shown if self.upstream.cell_of(row) not in part}
        if part == _WHOLE:
            self.tagged.clear()
            self.setbacks.append(self.upstream.current)
        for listed in self.tagged.values():
            for cell in [cell for cell in listed if cell in part]:
                del listed[cell]
        self._pause()

    def tag(self) -> None:
        """Name the present moment, and note what the mirror answers."""
        name = f"t{len(self.mirror.catalogue.tags.all())}"
        self.mirror.catalogue.tags.make(name, self.mirror.catalogue.moments.find())
        self._pause()
        self.tagged[name] = rows = self._recall(name)
        if self.is_quiet:
            now = self.ask(_WHOLE, Terms(Policy.OFFLINE))
            if now is not None and {_typed(row) for row in now.values()} <= self._versions():
                assert now == rows
        self.tagged[name] = {cell: row for cell, row in rows.items() if not self._is_going(cell)}

    # -- questions --------------------------------------------------------------------------------

    def ask(self, part: Part, terms: Terms) -> dict[Cell, Row] | None:
        """Put a question and give the records; None where it is refused.

        Offline that is for what is not held, else for an upstream that fails, went back in time, or
        would have to list too much.
        """
        jsoc = self.upstream.jsoc
        if any(fault.kind is FaultKind.NO_RECORDS for fault, *_ in jsoc._faults):
            jsoc.clear_faults()  # a question takes that at its word
        is_offline = terms.policy is Policy.OFFLINE
        is_failing = bool(jsoc._faults)
        if not is_offline:
            self._attempt()
        jsoc.clear_requests()
        upstream = SharedUpstream(self.mirror, Jsoc(self.mirror.settings.upstream))
        definitions = Definitions(self.mirror, upstream, terms.policy)
        question = Asked(str(part), KEYS)
        rows = refused = None
        try:
            answer = Answering(self.mirror, upstream, definitions, question, terms).answer()
            rows = self._by_cell(answer)
        except (UpstreamError, NotFoundError) as error:
            refused = error
        finally:
            jsoc.clear_faults()
        if rows is None:
            allowed = NotFoundError if is_offline else (TooSlowError, UpstreamPausedError)
            is_setback = "set back" in str(refused)  # it is refused until the next sync
            assert is_failing or is_setback or isinstance(refused, allowed), refused
        else:
            assert not (is_offline and asked(jsoc))
            assert is_offline or answer.complete
            if terms.max_age is not None and answer.complete:
                assert answer.as_of_utc >= self.upstream.now[0] - terms.max_age
            if answer.source is Source.LOCAL:
                held = self._versions()  # a kept answer is no record table
                self.shown |= {
                    row
                    for cell, row in rows.items()
                    if _typed(row) in held and not self._is_going(cell)
                }
            self._check_promise(part, answer, rows)
        self._pause()
        return rows

    def ask_tag(self, name: str) -> None:
        """Ask as of a tag: it is answered as it was then, but for what was dropped since."""
        then, now = self.tagged[name], self._recall(name)
        # how values print is of the present
        assert all(cell in now and _typed(now[cell]) == _typed(row) for cell, row in then.items())
        assert all(self._was_dropped(cell) for cell in now.keys() - then.keys())

    # -- checks -----------------------------------------------------------------------------------

    def _check_promise(self, part: Part, answer: Answer, rows: dict[Cell, Row]) -> None:
        upstream = self.upstream
        since = upstream.at(answer.as_of_utc)
        until = max([since, *self.attempts])
        moments = upstream.moments[since : until + 1]
        doubtful = {doubt.cell for doubt in self._open_doubts(until)}
        for cell in upstream.cells() | set(rows):
            if cell not in part:
                assert cell not in rows
            elif cell in rows and (cell in doubtful or not answer.complete):
                assert rows[cell] in upstream.ever(cell)
            elif answer.complete and cell not in doubtful:
                said = [moment.listed.get(cell) for moment in moments]
                assert rows.get(cell) in said, (cell, rows.get(cell), said)

    def _open_doubts(self, until: int) -> Iterator[Doubt]:
        upstream = self.upstream
        for doubt in upstream.doubts:
            if (
                doubt in self.settled
                or not min(self.attempts, default=until) < doubt.moment <= until
            ):
                continue
            since = max((one for one in self.setbacks if one < doubt.moment), default=0)
            reached = max(one.top for one in upstream.moments[since : doubt.moment])
            if doubt.was_there or doubt.number <= reached:
                yield doubt

    def check_catalogue(self) -> None:
        """Whatever ran in this process has left no lease, and no run that has not ended."""
        catalogue, ours = self.mirror.catalogue, os.getpid()
        assert not [lease for lease in catalogue.leases.all() if lease.holder.pid == ours]
        assert not [
            run for run in catalogue.runs.recent() if run.pid == ours and not run.finished_utc
        ]

    def _check_report(self, report: SyncReport, before: int) -> None:
        """What a sync says is what its runs have: its own, and where it compared that one."""
        runs = [run for run in self.mirror.catalogue.runs.recent() if run.id > before]
        counted = [run.counters for run in runs if run.kind in (RunKind.SYNC, RunKind.RECONCILE)]
        for name in (one.name for one in fields(RunCounters)):
            assert sum(getattr(one, name) for one in counted) == getattr(report, name), name
        assert report.requests == len(asked(self.upstream.jsoc))
        if report.outcome is RunOutcome.DONE:
            assert self.mirror.catalogue.state(NAME).rows_held == self._rows()
        if not (self.kills or self.dropped or self.restless_runs):
            runs = self.mirror.catalogue.runs.recent(limit=10_000)
            stored = sum(one.counters.records_new + one.counters.records_revised for one in runs)
            assert stored == report.rows_held

    def check_all(self) -> None:
        """After an undisturbed sync that compares everything the mirror is as the upstream."""
        jsoc = self.upstream.jsoc
        jsoc.clear_faults()
        report = self.sync(_WHOLE, Task(everywhere=True))
        assert report is not None
        assert report.outcome is RunOutcome.DONE
        definition = self.mirror.catalogue.definition(NAME)
        keys = ["*recnum*", *(column.key for column in definition.columns)]
        terms = Terms(Policy.OFFLINE)
        upstream = SharedUpstream(self.mirror, Jsoc(self.mirror.settings.upstream))
        definitions = Definitions(self.mirror, upstream, terms.policy)
        question = Asked(NAME, tuple(keys))
        answer = Answering(self.mirror, upstream, definitions, question, terms).answer()
        assert answer.complete
        assert answer.texts() == truth(jsoc, f"{NAME}[]", keys)
        assert not self.mirror.catalogue.leases.all()
        self._check_versions()
        for name in self.tagged:
            self.ask_tag(name)

    def _check_versions(self) -> None:
        """Every version that an answer showed is still there."""
        assert {_typed(row) for row in self.shown} <= self._versions()

    def _versions(self) -> set[tuple[Any, ...]]:
        """Every version of every record that is held."""
        catalogue = self.mirror.catalogue
        if not (catalogue.knows(NAME) and catalogue.state(NAME).table_path):
            return set()
        table = self.mirror.table(catalogue.definition(NAME))
        with connect([table.path]) as connection:
            create_view(connection, table, all_versions=True)
            found = f"SELECT recnum, harpnum, quality, usflux FROM {NAME}_all"
            return set(connection.execute(found).fetchall())

    # -- inside -----------------------------------------------------------------------------------

    @property
    def is_quiet(self) -> bool:
        """Whether no process was killed since the last run that came to its end."""
        return self._last_kill < self.mirror.catalogue.moments.find().run

    _last_kill: int = -1

    @property
    def _generation(self) -> int:
        catalogue = self.mirror.catalogue
        return catalogue.state(NAME).generation if catalogue.knows(NAME) else 0

    def _attempt(self) -> int:
        self.attempts.append(self.upstream.current)
        return self.upstream.current

    def _pause(self) -> None:
        """Time enough passes that nothing counts as done at the same time as another."""
        self.upstream.now[0] += timedelta(minutes=2)

    def _killed(self, point: str, work: Callable[..., None], *given: Any) -> None:
        settings, now = self.mirror.settings, self.upstream.now[0]
        if run_until(point, settings, now, work, *given):
            self.kills += 1
            runs = self.mirror.catalogue.runs.recent()
            self._last_kill = runs[0].id if runs else 0

    def _notice_setback(self, before: int, moment: int) -> None:
        if self._generation != before:
            self.setbacks.append(moment)

    def _settle(self, part: Part, task: Task, begun: int) -> None:
        """What has been read again as a whole is no longer in doubt."""
        last = max(self.setbacks, default=-1)
        listed = self.upstream.moments[begun].listed
        for doubt in self.upstream.doubts:
            if doubt.cell not in part:
                continue
            compared = task.everywhere and task.reconcile is not Reconcile.OFF
            row = listed.get(doubt.cell)
            if compared and doubt.moment <= begun:
                there = self.upstream.moments[begun].records
                if doubt.number not in there or (row is not None and row[0] == doubt.number):
                    self.settled.add(doubt)
            if doubt.moment <= last:
                self.settled.add(doubt)

    def _by_cell(self, answer: Answer) -> dict[Cell, Row]:
        texts = answer.texts()
        rows = [tuple(row) for row in zip(*(texts[key] for key in KEYS), strict=True)]
        found = {self.upstream.cell_of(row): row for row in rows}
        assert len(found) == len(rows), "a record is there twice"
        return found

    def _recall(self, name: str) -> dict[Cell, Row]:
        """What is answered as of a tag; nothing where nothing was held, or is any more."""
        try:
            moment = self.mirror.catalogue.moments.find(name)
            return self._by_cell(recall(self.mirror, Asked(NAME, KEYS), moment, partial=True))
        except NotFoundError:
            return {}

    def _was_dropped(self, cell: Cell) -> bool:
        return any(cell in part for part in self.dropped)

    def _is_going(self, cell: Cell) -> bool:
        """Whether a drop that was killed has still to remove it."""
        return bool(self.mirror.catalogue.drops.pending(NAME)) and self._was_dropped(cell)

    def _rows(self) -> int:
        table = self.mirror.table(self.mirror.catalogue.definition(NAME))
        return table.row_count()


def _typed(row: Row) -> tuple[Any, ...]:
    """A printed record as `Kept._versions` has it."""
    return int(row[0]), int(row[1]), int(row[4], 0), float(row[5])


class _Meanwhile:
    """Lets the upstream change while it is asked: at its third request. It answers as it should."""

    def __init__(self, change: Callable[[], None], upstream: Chronicle) -> None:
        self._change, self._upstream, self._seen = change, upstream, 0

    def __call__(self, _: Request) -> bool:
        self._seen += 1
        if self._seen == 3:
            self._upstream.now[0] += timedelta(seconds=1)
            self._change()
        return False


def _sync(mirror: Mirror, record_set: str, task: Task) -> None:
    with suppress(UpstreamError):
        sync(mirror, Jsoc(mirror.settings.upstream), record_set, task=task)


def _maintain(mirror: Mirror) -> None:
    maintain(mirror)


def _drop(mirror: Mirror, record_set: str) -> None:
    drop(mirror, record_set)
