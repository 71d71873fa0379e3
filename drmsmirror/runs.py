"""One run in the catalogue: begun, ended whichever way it ends, and published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from drmsmirror.catalogue import RunCounters, RunKind, RunOutcome
from drmsmirror.errors import (
    DrmsMirrorError,
    IntegrityError,
    RequestLimitError,
    TooFewRequestsError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.records import last_run

__all__ = ["OpenRun", "recorded_run"]


@dataclass
class OpenRun:
    """A run that is under way; what is set here is recorded when it ends.

    Parameters
    ----------
    id : int
        Its number.
    outcome : RunOutcome
    counters : RunCounters
        What it did since its last window, also where it fails.
    share_held : float or None
        Share of what was asked for that is held, 0 to 1.
    notices : sequence of str
        What a person should know of it, however it ends.
    """

    id: int
    outcome: RunOutcome = RunOutcome.DONE
    counters: RunCounters = field(default_factory=RunCounters)
    share_held: float | None = None
    notices: Sequence[str] = ()


@contextmanager
def recorded_run(
    mirror: Mirror,
    series: str,
    record_set: str,
    kind: RunKind = RunKind.SYNC,
    *,
    publishes: bool = True,
    notices: Sequence[str] = (),
) -> Iterator[OpenRun]:
    """Record a run while a block carries it out.

    The caller holds the lease of the series; one that is about the whole mirror names none.
    However it ends, the catalogue's copy is published, unless the caller does so when it has done
    more: what the run had finished is held, and those who only read shall see it. Where one that
    fails cannot be ended so, since the catalogue is away or the disk is full, what made it fail
    is what is told, and the next run of the series ends it. What a person should know of it from
    the beginning, its ``notices``, is recorded then, so that a kill does not lose it.
    """
    catalogue = mirror.catalogue
    above = _numbers_used(mirror, series)
    begun = catalogue.runs.start(series, record_set, kind=kind, above=above, notices=notices)
    run = OpenRun(begun.id, notices=begun.notices)
    try:
        yield run
    except BaseException as error:
        is_stopped = isinstance(error, (KeyboardInterrupt, RequestLimitError))
        is_stopped = is_stopped and not isinstance(error, TooFewRequestsError)
        outcome = RunOutcome.STOPPED if is_stopped else RunOutcome.FAILED
        told = None if is_stopped else error
        with suppress(DrmsMirrorError):
            catalogue.runs.finish(
                run.id, outcome, counters=run.counters, error=told, notices=run.notices
            )
            if publishes:
                mirror.publish()
        raise
    catalogue.runs.finish(
        run.id,
        run.outcome,
        counters=run.counters,
        share_held=run.share_held,
        notices=run.notices,
    )
    if publishes:
        mirror.publish()


def _numbers_used(mirror: Mirror, series: str) -> int:
    """The largest number of a run in the record table, where the catalogue may know less.

    It does after it was restored. Rows go by the numbers of runs, so none may be given again.
    """
    if not series:
        return 0
    state = mirror.catalogue.state(series)
    if state.table_path is None:
        return 0
    with suppress(IntegrityError):  # whoever works with the table says so
        table = mirror.table(mirror.catalogue.definition(series), state)
        if table.version > (state.table_version or 0):
            return last_run(table)
    return 0
