"""One round: everything that is due, one after the other."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from drmsmirror.catalogue import Catalogue, DutyOutcome, RunKind, RunOutcome, TakenDuty
from drmsmirror.daemon.chores import Chore, chores_of
from drmsmirror.daemon.logs import add_field, fields, say
from drmsmirror.daemon.metrics import write_metrics_file
from drmsmirror.daemon.pulse import Pulse
from drmsmirror.errors import DrmsMirrorError, LockedError, NoSpaceError, StoreError
from drmsmirror.mirror import Mirror
from drmsmirror.model.subscription import Subscription
from drmsmirror.publish import publish, targets_of
from drmsmirror.sync import Ahead, SilentReporter, SyncReport, sync_subscription
from drmsmirror.upstream import Upstream

__all__ = ["TROUBLE", "Done", "Maintain", "Rounds"]

_log = logging.getLogger(__name__)

#: A duty that is begun so long after its moment is late.
_LATE = timedelta(minutes=5)

#: What looks after the record tables.
Maintain = Callable[[Mirror], object]

#: What a catalogue raises that cannot be read or written.
TROUBLE = (StoreError, LockedError)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a duty.

    Parameters
    ----------
    name : str
    outcome : DutyOutcome
    error : Exception or None
        What made it fail.
    """

    name: str
    outcome: DutyOutcome
    error: Exception | None = None

    @property
    def may_pass(self) -> bool:
        """Whether the same can succeed before its next time comes."""
        if isinstance(self.error, NoSpaceError):
            return True  # somebody frees some, or upkeep does
        return isinstance(self.error, DrmsMirrorError) and self.error.retryable


class Rounds:
    """Does what is due.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    pulse : Pulse
        Hears what is being done.
    maintain : callable
        Looks after the record tables.
    """

    def __init__(
        self, mirror: Mirror, upstream: Upstream, pulse: Pulse, maintain: Maintain
    ) -> None:
        self._mirror = mirror
        self._catalogue = mirror.catalogue
        self._upstream = upstream
        self._pulse = pulse
        self._maintain = maintain

    def do(self) -> Iterator[Done]:
        """Do everything that is due now, syncs by priority, maintenance last.

        What becomes due meanwhile belongs to the next round, so that each has its turn.

        Raises
        ------
        StoreError, LockedError
            The catalogue cannot be read or written; what was begun is taken up again.
        """
        chores = chores_of(self._mirror)
        self._pulse.learn(self._catalogue.duties.keep(chore.plan for chore in chores))
        due = frozenset(self._catalogue.duties.due())
        for chore in chores:
            if chore.plan.name not in due:
                continue
            with self._catalogue.duties.taking(chore.plan) as taken:
                if taken is not None:
                    yield self._carry_out(chore, taken)
            self._pulse.learn(self._catalogue.duties.all())
            self._pulse.beat()

    def _carry_out(self, chore: Chore, taken: TakenDuty) -> Done:
        """Do one duty, and say in the catalogue how it went."""
        name, wanted = chore.plan.name, chore.subscription
        about = {} if wanted is None else {"series": wanted.series, "record_set": wanted.record_set}
        with self._pulse.working(name), fields(duty=name, **about):
            began, late = time.monotonic(), _is_late(taken)
            try:
                say(_log, "duty.begun", due=taken.before.due_utc, late=late or None)
                outcome = DutyOutcome.DONE if wanted is None else self._sync(wanted)
                if wanted is None:
                    self._maintain(self._mirror)
                done = Done(name, outcome)
            except DrmsMirrorError as error:
                done = Done(name, DutyOutcome.FAILED, error)
            except Exception as error:  # noqa: BLE001 - the boundary: one mistake stops no other duty
                done = Done(name, DutyOutcome.FAILED, error)
            except BaseException:  # a signal: the next daemon goes on with it
                with suppress(*TROUBLE):
                    self._end(taken, Done(name, DutyOutcome.STOPPED))
                say(_log, "duty.interrupted", seconds=time.monotonic() - began)
                raise
            self._end(taken, done)
            _tell(done, time.monotonic() - began)
        return done

    def _end(self, taken: TakenDuty, done: Done) -> None:
        now, again = self._catalogue.database.clock(), None
        if done.outcome is DutyOutcome.STOPPED:
            again = now
        elif done.may_pass:
            again = now + timedelta(seconds=self._mirror.settings.daemon.retry_after)
        message = None if done.error is None else str(done.error) or type(done.error).__name__
        try:
            self._catalogue.duties.end(taken, done.outcome, message=message, again_utc=again)
        except LockedError as error:  # whoever has it now says how it went
            say(_log, "duty.lost", logging.WARNING, reason=str(error))

    def _sync(self, wanted: Subscription) -> DutyOutcome:
        """Sync a subscription, and publish its series where the settings say so."""
        try:
            report = sync_subscription(
                self._mirror,
                self._upstream,
                wanted,
                reporter=_Reporter(self._mirror),
                seconds=self._mirror.settings.sync.max_run,
            )
            _name_run(self._catalogue, report.series)
            _tell_report(report)
            self._publish(report.series)
        finally:
            self._measure()
        return DutyOutcome.DONE if report.outcome is RunOutcome.DONE else DutyOutcome.STOPPED

    def _measure(self) -> None:
        try:
            write_metrics_file(self._mirror)
        except DrmsMirrorError as error:  # whoever watches sees that the file is old
            say(_log, "metrics.unwritten", logging.ERROR, reason=str(error))

    def _publish(self, series: str) -> None:
        if not self._mirror.settings.publish.targets:
            return
        if self._catalogue.state(series).table_path is None:
            return
        for target in targets_of(self._mirror.settings, series):
            publication = publish(self._mirror, series, target)
            say(_log, "publish.done", target=publication.target)


class _Reporter(SilentReporter):
    """Agrees to whatever lies ahead, and logs it; from then on lines have the number of the run."""

    def __init__(self, mirror: Mirror) -> None:
        self._catalogue = mirror.catalogue

    def ahead(self, ahead: Ahead) -> bool:
        _name_run(self._catalogue, ahead.series)
        say(
            _log,
            "sync.ahead",
            records=ahead.records,
            seconds=ahead.seconds,
            bytes=ahead.bytes,
            disk_bytes=ahead.disk_bytes,
            free_bytes=ahead.free_bytes,
        )
        return True


def _name_run(catalogue: Catalogue, series: str) -> None:
    """Have the number of the sync's run, the latest of its series, on every further line."""
    runs = catalogue.runs.recent(series=series, limit=1, kinds=[RunKind.SYNC])
    if runs:
        add_field("run", runs[0].id)


def _is_late(taken: TakenDuty) -> bool:
    """Whether a duty was taken over, or its moment went by while nobody looked."""
    return taken.before.is_open or taken.lease.acquired_utc - taken.before.due_utc > _LATE


def _tell(done: Done, seconds: float) -> None:
    if done.error is None:
        say(_log, f"duty.{done.outcome}", seconds=seconds)
        return
    is_ours = isinstance(done.error, DrmsMirrorError)
    say(
        _log,
        "duty.failed",
        logging.ERROR,
        trace=None if is_ours else done.error,
        seconds=seconds,
        error=getattr(done.error, "code", type(done.error).__name__),
        message=str(done.error),
    )


def _tell_report(report: SyncReport) -> None:
    say(
        _log,
        "sync.done" if report.outcome is RunOutcome.DONE else "sync.stopped",
        new=report.records_new,
        revised=report.records_revised,
        unchanged=report.records_unchanged,
        removed=report.records_removed,
        requests=report.requests,
        bytes=report.bytes,
        seconds=report.seconds,
        share_held=report.share_held,
        rows=report.rows_held,
    )
    for notice in report.notices:
        say(_log, "sync.notice", logging.WARNING, notice=notice)
