"""Sync what is subscribed to: a record set, which becomes a subscription, or all there are."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from drmsmirror.catalogue import Run, RunKind, RunOutcome, StoredSubscription
from drmsmirror.errors import (
    DrmsMirrorError,
    LockedError,
    RequestLimitError,
    TooFewRequestsError,
    UpstreamError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import parse_recordset
from drmsmirror.model.subscription import Subscription
from drmsmirror.sync.prefetch import prefetch
from drmsmirror.sync.progress import Ahead, Known, Progress, Reporter, SyncReport
from drmsmirror.sync.run import sync
from drmsmirror.sync.subscribing import subscription_around
from drmsmirror.sync.task import Task, task_for
from drmsmirror.upstream import Upstream

__all__ = [
    "Attempt",
    "SubscribingReporter",
    "sync_all",
    "sync_and_subscribe",
    "sync_subscription",
]


#: Runs of a series that are looked through for the last one of a subscription.
_LATEST = 100


class SubscribingReporter(Reporter, Protocol):
    """Whoever also wants to know what a run subscribes to."""

    def subscribed(self, subscription: StoredSubscription) -> None:
        """Hear of a subscription that was made."""

    def lies_within(self, record_set: str, subscription: StoredSubscription) -> None:
        """Hear that none was made, since there is one of more."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one subscription.

    Parameters
    ----------
    subscription : StoredSubscription
    report : SyncReport or None
        What the run did; None where it failed, or was not begun.
    error : DrmsMirrorError or None
        What stopped it.
    reason : str
        Why it was not begun, where it was its turn.
    """

    subscription: StoredSubscription
    report: SyncReport | None = None
    error: DrmsMirrorError | None = None
    reason: str = ""


def sync_and_subscribe(
    mirror: Mirror,
    upstream: Upstream,
    record_set: str,
    *,
    reporter: SubscribingReporter,
    seconds: float = math.inf,
    task: Task | None = None,
) -> tuple[SyncReport, ...]:
    """Sync a record set; where it is not subscribed to yet, that is made up for.

    A subscription is made once whoever is asked has agreed to what lies ahead, before anything is
    fetched, so that a run that is killed is known for what it was about.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    record_set : str
        What ``query`` takes; one or more sets.
    reporter : SubscribingReporter
    seconds : float
        Time after which no further window is begun.
    task : Task, optional
        By default what the subscription says.

    Raises
    ------
    RequestLimitError
        The requests were used up before the run of a set had begun.
    DrmsMirrorError
        What a sync raises.
    """
    ends_at = time.monotonic() + seconds
    sets = parse_recordset(record_set).sets
    texts = [record_set] if len(sets) == 1 else [str(one) for one in sets]
    wanted = [Subscription.of(text) for text in texts]
    reports = []
    for text, one in zip(texts, wanted, strict=True):
        subscribing = _Subscribing(mirror, one, reporter)
        left = ends_at - time.monotonic()
        todo = task_for(subscribing.subscription, task)
        report = _run(mirror, upstream, text, one.series, subscribing, left, todo)
        if report.outcome is RunOutcome.DONE:
            subscribing.subscribe()
        left = ends_at - time.monotonic()
        reports.append(_with_files(mirror, upstream, subscribing.subscription, report, left))
    return tuple(reports)


def sync_all(
    mirror: Mirror,
    upstream: Upstream,
    *,
    reporter: Reporter,
    seconds: float = math.inf,
    task: Task | None = None,
) -> Iterator[Attempt]:
    """Sync every subscription, the one of the largest priority first; none stops the others.

    Those of which all was held come before those that are still being filled: a few requests bring
    them up to date, and they need not wait for nights until others are filled. Once time or
    requests are used up the others are not begun.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    reporter : Reporter
    seconds : float
        Time after which no further window of any is begun.
    task : Task, optional
        By default what each subscription says.
    """
    ends_at = time.monotonic() + seconds
    is_over = False
    for stored in sorted(
        mirror.catalogue.subscriptions.all(), key=partial(_is_being_filled, mirror)
    ):
        is_over = is_over or time.monotonic() >= ends_at
        if is_over:
            yield Attempt(stored)
            continue
        wanted, left = stored.subscription, ends_at - time.monotonic()
        try:
            report = sync_subscription(
                mirror, upstream, wanted, reporter=reporter, seconds=left, task=task
            )
        except TooFewRequestsError as error:
            is_over = True
            yield Attempt(stored, error=error)
        except RequestLimitError as error:
            is_over = True
            yield Attempt(stored, reason=str(error))
        except DrmsMirrorError as error:
            yield Attempt(stored, error=error)
        else:
            yield Attempt(stored, report)


def sync_subscription(
    mirror: Mirror,
    upstream: Upstream,
    wanted: Subscription,
    *,
    reporter: Reporter,
    seconds: float = math.inf,
    task: Task | None = None,
) -> SyncReport:
    """Sync what is subscribed to.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    wanted : Subscription
    reporter : Reporter
    seconds : float
        Time after which no further window is begun.
    task : Task, optional
        By default what the subscription says.

    Raises
    ------
    RequestLimitError
        The requests were used up before the run had begun.
    DrmsMirrorError
        What a sync raises.
    """
    ends_at = time.monotonic() + seconds
    todo = task_for(wanted, task)
    report = _run(mirror, upstream, wanted.record_set, wanted.series, reporter, seconds, todo)
    return _with_files(mirror, upstream, wanted, report, ends_at - time.monotonic())


def _is_being_filled(mirror: Mirror, stored: StoredSubscription) -> bool:
    """Whether not all of a subscription was held when its last run ended."""
    wanted = stored.subscription
    runs = mirror.catalogue.runs.recent(series=wanted.series, kinds=[RunKind.SYNC], limit=_LATEST)
    told = (run for run in runs if run.record_set == wanted.record_set)
    return next((run.share_held < 1 for run in told if run.share_held is not None), True)


class _Subscribing:
    """A reporter that subscribes to what was agreed to."""

    def __init__(self, mirror: Mirror, wanted: Subscription, inner: SubscribingReporter) -> None:
        self._mirror = mirror
        self._wanted = wanted
        self._inner = inner
        self._found = self._find()

    @property
    def subscription(self) -> Subscription:
        """The one that there is, or will be."""
        return self._wanted if self._found is None else self._found.subscription

    def waiting(self, known: Known) -> None:
        self._inner.waiting(known)

    def ahead(self, ahead: Ahead) -> bool:
        agreed = self._inner.ahead(ahead)
        if agreed:
            self.subscribe()
        return agreed

    def window(self, progress: Progress) -> None:
        self._inner.window(progress)

    def subscribe(self) -> None:
        """See to it that there is a subscription; the definition is known by now."""
        self._found = self._found or self._find()
        if self._found is None:
            self._found = self._mirror.catalogue.subscriptions.add(self._wanted)
            self._mirror.publish()
            self._inner.subscribed(self._found)

    def _find(self) -> StoredSubscription | None:
        found = subscription_around(self._mirror, self._wanted)
        if found is not None and found.subscription.filters != self._wanted.filters:
            self._inner.lies_within(self._wanted.record_set, found)
        return found


def _run(
    mirror: Mirror,
    upstream: Upstream,
    record_set: str,
    series: str,
    reporter: Reporter,
    seconds: float,
    task: Task,
) -> SyncReport:
    """Run a sync; one whose requests are used up has stopped.

    Raises
    ------
    RequestLimitError
        They were used up before it had begun.
    """
    began, traffic = time.monotonic(), upstream.traffic
    before = _latest_sync(mirror, series)
    try:
        (report,) = sync(
            mirror,
            upstream,
            record_set,
            reporter=reporter,
            seconds=max(0.0, seconds),
            task=task,
        )
    except TooFewRequestsError:
        raise
    except RequestLimitError:
        run = _latest_sync(mirror, series)
        if run is None or run == before or run.outcome is not RunOutcome.STOPPED:
            raise
    else:
        return report
    asked = upstream.traffic - traffic
    return SyncReport(
        series=run.series,
        record_set=record_set,
        outcome=run.outcome,
        records_new=run.counters.records_new,
        records_revised=run.counters.records_revised,
        records_unchanged=run.counters.records_unchanged,
        records_removed=run.counters.records_removed,
        requests=asked.requests,
        bytes=asked.bytes,
        seconds=time.monotonic() - began,
        share_held=run.share_held,
        rows_held=mirror.catalogue.state(run.series).rows_held,
        notices=run.notices,
    )


def _latest_sync(mirror: Mirror, series: str) -> Run | None:
    runs = mirror.catalogue.runs.recent(series=series, limit=1, kinds=[RunKind.SYNC])
    return next(iter(runs), None)


def _with_files(
    mirror: Mirror,
    upstream: Upstream,
    subscription: Subscription,
    report: SyncReport,
    seconds: float,
) -> SyncReport:
    """Bring the files that a subscription wants, once its records are there.

    That they cannot be had now makes no failure of the sync.
    """
    if not subscription.segments or report.outcome is not RunOutcome.DONE or seconds <= 0:
        return report
    try:
        files = prefetch(mirror, upstream, subscription, seconds=seconds)
    except (RequestLimitError, LockedError, UpstreamError) as error:
        return replace(report, notices=(*report.notices, f"Files were not fetched: {error}"))
    return replace(report, files=files, requests=report.requests + files.requests)
