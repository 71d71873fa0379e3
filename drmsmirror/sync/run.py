"""One run of ``sync``: bring a set of records up to date and fetch what is not held.

The target is pinned first: the upstream's largest record number. Then what is held is followed up
to it by record number, and what is not held is fetched window by window, newest first. Each window
is a unit of work: the rows are committed to the record table, then one catalogue transaction says
that they are there. A run that was killed is taken up at the first window that was not recorded.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import datetime

from drmsmirror.catalogue import AsOf, RunOutcome
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.sync.backfill import backfill
from drmsmirror.sync.follow import follow
from drmsmirror.sync.progress import Reporter, SilentReporter, SyncReport
from drmsmirror.sync.runs import recorded_run
from drmsmirror.sync.store import WindowStore, adopt_definition
from drmsmirror.sync.work import Work
from drmsmirror.upstream import Traffic, Upstream

__all__ = ["sync"]


def sync(
    mirror: Mirror,
    upstream: Upstream,
    record_set: str,
    *,
    reporter: Reporter | None = None,
    seconds: float = math.inf,
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
        Time after which no further window is begun; the next run goes on.

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
    """
    ends_at = time.monotonic() + seconds
    traffic = upstream.traffic
    tree = parse_recordset(record_set)
    clock = mirror.catalogue.database.clock
    names = dict.fromkeys(str(part.series).lower() for part in tree.sets)
    pins = {name: _pin(upstream, name, clock()) for name in names}
    bound = bind(tree, lambda name: pins[name.lower()].definition)
    return tuple(
        _sync_set(
            mirror,
            upstream,
            wanted,
            pins[wanted.series.name.lower()],
            reporter or SilentReporter(),
            ends_at,
            traffic,
        )
        for wanted in bound.sets
    )


@dataclass(frozen=True, slots=True)
class _Pin:
    """A series as it was before anything was fetched: what a run is about."""

    definition: SeriesDefinition
    as_of: AsOf


def _pin(upstream: Upstream, series: str, now: datetime) -> _Pin:
    """Read the definition of a series and the target, the upstream's largest record number."""
    state = upstream.definition(series)
    if state.max_recnum is None:
        raise UpstreamAnswerError(
            f"The upstream does not say the largest record number of {state.definition.name} (its "
            f"series_struct has no Interval), without which nobody can tell what is new. Nothing "
            f"was changed. Sync from a server that says it (upstream.url), or import files"
        )
    return _Pin(state.definition, AsOf(state.max_recnum, now))


def _sync_set(
    mirror: Mirror,
    upstream: Upstream,
    wanted: BoundSet,
    pin: _Pin,
    reporter: Reporter,
    ends_at: float,
    traffic: Traffic,
) -> SyncReport:
    series = wanted.series.name
    with mirror.catalogue.holding(f"series {series.lower()}") as lease:
        _refuse_going_back(mirror, series, pin.as_of.recnum)
        adopt_definition(mirror, pin.definition, mirror.settings.upstream.url)
        with recorded_run(mirror, series, wanted.text) as run:
            store = WindowStore(mirror, pin.definition, run.id, lease)
            work = Work(mirror, upstream, wanted, pin.as_of, store, reporter, ends_at, traffic)
            run.outcome = _carry_out(work)
            run.counters, run.share_held = work.uncounted(), work.share_held
    return work.report(run.outcome)


def _carry_out(work: Work) -> RunOutcome:
    """Follow what is held, fetch what is not, tidy up."""
    follow(work)
    outcome = backfill(work)
    work.store.finish(work.as_of)
    return outcome


def _refuse_going_back(mirror: Mirror, series: str, target: int) -> None:
    """A largest record number below one that was read means that the upstream was set back."""
    catalogue = mirror.catalogue
    if series not in {summary.name for summary in catalogue.series()}:
        return
    seen = [entry.as_of_recnum for entry in catalogue.coverage(series)]
    reached = max(catalogue.state(series).watermark or 0, *seen, 0)
    if target < reached:
        raise UpstreamAnswerError(
            f"The upstream's largest record number of {series} is {target}, but it was {reached} "
            f"before: the server was set back, or another one answers. Nothing was changed, and "
            f"what is held can still be queried. Try again when the upstream has caught up"
        )
