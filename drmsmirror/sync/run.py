"""One run of ``sync``: bring a set of records up to date and fetch what is not held.

The target is pinned first: the upstream's largest record number. Then what is held is followed up
to it by record number, and what is not held is fetched window by window, newest first. Each window
is a unit of work: the rows are committed to the record table, then one catalogue transaction says
that they are there. A run that was killed is taken up at the first window that was not recorded.
"""

from __future__ import annotations

import math
import time

from drmsmirror.catalogue import AsOf, RunOutcome
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.sync.backfill import backfill
from drmsmirror.sync.follow import follow
from drmsmirror.sync.parts import refuse_what_is_no_part
from drmsmirror.sync.progress import Reporter, SilentReporter, SyncReport
from drmsmirror.sync.store import WindowStore, adopt_definition
from drmsmirror.sync.work import Work
from drmsmirror.upstream import SeriesState, Traffic, Upstream

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
    pins = {name: upstream.definition(name) for name in {str(s.series).lower() for s in tree.sets}}
    bound = bind(tree, lambda name: pins[name.lower()].definition)
    refuse_what_is_no_part(bound)
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


def _sync_set(
    mirror: Mirror,
    upstream: Upstream,
    wanted: BoundSet,
    pin: SeriesState,
    reporter: Reporter,
    ends_at: float,
    traffic: Traffic,
) -> SyncReport:
    catalogue, series = mirror.catalogue, wanted.series.name
    as_of = AsOf(pin.max_recnum or 0, catalogue.database.clock())
    with catalogue.holding(f"series {series.lower()}") as lease:
        adopt_definition(mirror, pin.definition, mirror.settings.upstream.url)
        _refuse_going_back(mirror, series, as_of.recnum)
        run = catalogue.start_run(series, wanted.text)
        store = WindowStore(mirror, pin.definition, run.id, lease)
        work = Work(mirror, upstream, wanted, as_of, store, reporter, ends_at, traffic)
        try:
            outcome = _carry_out(work)
        except KeyboardInterrupt:
            catalogue.finish_run(run.id, RunOutcome.STOPPED, share_held=work.share_held)
            raise
        except BaseException as error:
            catalogue.finish_run(run.id, RunOutcome.FAILED, error=error)
            raise
        catalogue.finish_run(run.id, outcome, counters=work.uncounted(), share_held=work.share_held)
        mirror.publish()
    return work.report(outcome)


def _carry_out(work: Work) -> RunOutcome:
    """Follow what is held, fetch what is not, tidy up."""
    follow(work)
    outcome = backfill(work)
    work.store.finish(work.as_of)
    return outcome


def _refuse_going_back(mirror: Mirror, series: str, target: int) -> None:
    """A largest record number below the last one means that the upstream was set back."""
    watermark = mirror.catalogue.state(series).watermark
    if watermark is not None and target < watermark:
        raise UpstreamAnswerError(
            f"The upstream's largest record number of {series} is {target}, but it was {watermark} "
            f"before: the server was set back, or another one answers. Nothing was changed, and "
            f"what is held can still be queried. Try again when the upstream has caught up"
        )
