"""One run of ``sync``: bring a set of records up to date and fetch what is not held.

The target is pinned first: the upstream's largest record number. A survey says what lies ahead.
Then what is held is followed up to the target by record number, and what is not held is fetched
window by window, newest first. Each window
is a unit of work: the rows are committed to the record table, then one catalogue transaction says
that they are there. A run that was killed is taken up at the first window that was not recorded.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace

from drmsmirror.catalogue import RunKind, RunOutcome
from drmsmirror.catalogue.hold import holding_series, refuse_held
from drmsmirror.errors import (
    RequestLimitError,
    UpstreamNumbersError,
    UpstreamRefusedError,
    UpstreamTooLargeError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.model.subscription import Reconcile
from drmsmirror.runs import recorded_run
from drmsmirror.sync.adopting import adopt_definition
from drmsmirror.sync.asking import Asker
from drmsmirror.sync.backfill import backfill
from drmsmirror.sync.enough import refusing_too_few
from drmsmirror.sync.follow import follow
from drmsmirror.sync.links import links_notice, links_to
from drmsmirror.sync.parts import refuse_what_is_no_part
from drmsmirror.sync.patience import telling
from drmsmirror.sync.pieces import all_behind
from drmsmirror.sync.precision import adopt_precision, refuse_without_numbers
from drmsmirror.sync.progress import Known, Reporter, SilentReporter, SyncReport
from drmsmirror.sync.reconcile import is_due, note_as_read, note_reading, reconcile
from drmsmirror.sync.setback import notice_setback
from drmsmirror.sync.store import WindowStore
from drmsmirror.sync.survey import survey
from drmsmirror.sync.target import (
    Target,
    found_without_numbers,
    is_first_reading,
    read_target,
    with_numbers_given,
)
from drmsmirror.sync.task import Task
from drmsmirror.sync.work import Terms, Work
from drmsmirror.upkeep import maintain_after_sync
from drmsmirror.upstream import Upstream

__all__ = ["sync"]


def sync(
    mirror: Mirror,
    upstream: Upstream,
    record_set: str,
    *,
    reporter: Reporter | None = None,
    seconds: float = math.inf,
    task: Task = Task(),  # noqa: B008 - it cannot be changed
) -> tuple[SyncReport, ...]:
    """Bring a record set into the mirror, as far as time allows.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    record_set : str
        What ``query`` takes; a bare series means all of it.
    reporter : Reporter, optional
        Hears what lies ahead, and of each window.
    seconds : float
        Time after which no further window is begun; the next run goes on. Where there is any, one
        window is taken of what is newer and one of what is missing, however long it takes to find
        out what lies ahead, so that every run comes further.
    task : Task
        What there is to do besides fetching what is missing.

    Returns
    -------
    tuple of SyncReport
        One for each set of the record set.

    Raises
    ------
    RecordSetError
        The record set is wrong.
    UpstreamError
        The upstream failed; what was held stays, and the next run goes on where this one stopped.
    DefinitionError
        The series changed so that it no longer fits what is held.
    LockedError
        Another process is syncing the series.
    TooFewRequestsError
        The requests that the run may send do not do for anything.
    StoreError
        The mirror can only be read.
    """
    mirror.refuse_read_only()
    within = mirror.settings.sync.tell_within
    terms = Terms(
        reporter or SilentReporter(),
        tell_at=time.monotonic() + within,
        ends_at=time.monotonic() + seconds,
        has_time=seconds > 0,
        traffic_before=upstream.traffic,
        by_others=upstream.traffic.requests,
        task=task,
    )
    tree = parse_recordset(record_set)
    clock = mirror.catalogue.database.clock
    names = {str(part.series).lower(): str(part.series) for part in tree.sets}
    for name in names:  # whoever works on it may have the upstream for long
        refuse_held(mirror.catalogue, name)
    known = Known(record_set)
    with (
        refusing_too_few(upstream, record_set, terms),
        telling(lambda: terms.reporter.waiting(known), first=terms.tell_at, every=within),
    ):
        targets = {key: read_target(upstream, name, clock) for key, name in names.items()}
    bound = bind(tree, lambda name: targets[name.lower()].definition)
    refuse_what_is_no_part(bound)
    reports = []
    for asked, wanted in zip(tree.sets, bound.sets, strict=True):
        target = targets[wanted.series.name.lower()]
        reports.append(_sync_set_as_given(mirror, upstream, str(asked), wanted, target, terms))
        terms = replace(
            terms,
            tell_at=time.monotonic() + within,
            traffic_before=upstream.traffic,
            by_others=upstream.traffic.requests,
        )
    return tuple(reports)


def _sync_set_as_given(
    mirror: Mirror,
    upstream: Upstream,
    asked: str,
    wanted: BoundSet,
    target: Target,
    terms: Terms,
) -> SyncReport:
    """Sync one set; once more where the upstream proves to have ceased to give record numbers."""
    try:
        return _sync_set(mirror, upstream, asked, wanted, target, terms)
    except UpstreamTooLargeError:
        raise
    except (UpstreamNumbersError, UpstreamRefusedError):
        seen = None
        with suppress(RequestLimitError):  # what was refused is what is told
            seen = found_without_numbers(target, mirror, upstream, wanted)
        if seen is None:
            raise
    terms = replace(terms, traffic_before=upstream.traffic)
    return _sync_set(mirror, upstream, asked, wanted, seen, terms)


def _sync_set(
    mirror: Mirror,
    upstream: Upstream,
    asked: str,
    wanted: BoundSet,
    target: Target,
    terms: Terms,
) -> SyncReport:
    series = wanted.series.name
    outdated = links_to(mirror, series)
    with holding_series(mirror.catalogue, series) as lease:
        with refusing_too_few(upstream, asked, terms):
            target = _with_numbers_given(mirror, upstream, asked, wanted, target, terms)
            if mirror.catalogue.knows(series):
                mirror.catalogue.date_back_coverage(series, target.as_of.utc)
            is_compared = is_due(mirror, wanted, terms.task, target.as_of.utc)
            notice = notice_setback(mirror, upstream, target, is_compared=is_compared)
        notices = [notice] if notice else []
        url = mirror.settings.upstream.url
        notices += adopt_definition(mirror, target.definition, url, lease)
        if not target.lists_recnums:
            refuse_without_numbers(mirror, series, terms.task.precision)
        all_digits = adopt_precision(mirror, series, terms.task.precision)
        with recorded_run(mirror, series, asked, notices=notices) as run:
            store = WindowStore(mirror, target.definition, run.id, lease, all_digits=all_digits)
            work = Work(mirror, upstream, asked, wanted, target, store, terms)
            work.notices += notices
            run.notices = work.notices
            try:
                with refusing_too_few(upstream, asked, terms, work):
                    run.outcome = _carry_out(work)
                run.share_held = work.share_held
                changed = links_to(mirror, series) - outdated
                work.notices += links_notice(changed)
            finally:
                run.counters = work.uncounted()
        if run.outcome is RunOutcome.DONE and not all_behind(work.pieces()):
            _compare(work)
    work.notices += links_notice(links_to(mirror, series) - outdated - changed)
    work.notices += maintain_after_sync(mirror, series)
    return work.report(run.outcome)


def _with_numbers_given(
    mirror: Mirror, upstream: Upstream, asked: str, wanted: BoundSet, target: Target, terms: Terms
) -> Target:
    """Find out which numbers records come with; of what is read first a survey finds it out."""
    if is_first_reading(mirror, target):
        return target
    known, within = Known(asked), mirror.settings.sync.tell_within
    with telling(lambda: terms.reporter.waiting(known), first=terms.tell_at, every=within):
        return with_numbers_given(target, mirror, upstream, wanted)


def _carry_out(work: Work) -> RunOutcome:
    """Find out what lies ahead, follow what is held, fetch what is not, tidy up."""
    asker, reporter = Asker(work), work.terms.reporter
    within = work.mirror.settings.sync.tell_within
    with telling(lambda: reporter.waiting(work.known), first=work.terms.tell_at, every=within):
        found = survey(work, asker)
    work.outlook = found.outlook
    outcome = RunOutcome.DONE
    if found.ahead is not None:
        outcome = _take_all(work, asker) if reporter.ahead(found.ahead) else RunOutcome.STOPPED
    if outcome is RunOutcome.DONE and not all_behind(work.pieces()):
        work.store.finish(entries=work.all_entries(), watermark=work.reached)
        note_as_read(work)
    else:
        work.store.finish()
    return outcome


def _take_all(work: Work, asker: Asker) -> RunOutcome:
    if not work.store.has_table:
        work.store.make_table(asker.records_of_series(), asker.days_of_series())
    note_reading(work)
    work.meter.start()
    followed = follow(work) if work.terms.task.follows else RunOutcome.DONE
    return backfill(work) if followed is RunOutcome.DONE else followed


def _compare(work: Work) -> None:
    """Compare what is held with the upstream, where that is wanted and due, in a run of its own.

    What ends it early ends nothing else: all that was wanted is held.
    """
    task, now = work.terms.task, work.as_of.utc
    if not work.store.has_table or not is_due(work.mirror, work.wanted, task, now):
        return
    series, whole, is_done = work.wanted.series.name, task.reconcile is Reconcile.FULL, False
    with recorded_run(work.mirror, series, work.asked, RunKind.RECONCILE) as run:
        work.store = replace(work.store, run=run.id)
        said = len(work.notices)
        try:
            with suppress(RequestLimitError):
                is_done = reconcile(work, whole=whole, everywhere=whole or task.everywhere)
            if not is_done and task.everywhere:
                work.notices.append(
                    f"The run ended before all of {work.asked} was compared with the upstream; "
                    f"the next nights go on with it"
                )
            work.store.finish()
            run.outcome = RunOutcome.DONE if is_done else RunOutcome.STOPPED
        finally:
            run.counters, run.notices = work.uncounted(), work.notices[said:]
