"""What is known of the upstream's speed before a run has asked for anything.

Every answer of a list, whoever asked for it, has taught what a request and a record take.
"""

from __future__ import annotations

from drmsmirror.catalogue import RunKind, RunOutcome
from drmsmirror.sharing.cost import estimate, rows_within
from drmsmirror.sync.work import Work

__all__ = ["first_rows", "likely_bytes", "likely_seconds"]

#: Bytes of an answer that one value takes: 24 for a time, 13 for a float, 3 for a small number.
_BYTES_PER_VALUE = 12.0

_ENDED_BADLY = (RunOutcome.FAILED, RunOutcome.ABANDONED)


def first_rows(work: Work) -> float:
    """Records that the first window of a run may have; 0 where it has to be careful.

    After a run that failed nothing is taken for granted: its windows may have been too large.
    """
    settings = work.mirror.settings.sync
    last = work.mirror.catalogue.runs.recent(
        series=work.wanted.series.name,
        limit=1,
        kinds=[RunKind.SYNC],
        outcomes=[one for one in RunOutcome if one is not RunOutcome.RUNNING],
    )
    if last and last[0].outcome in _ENDED_BADLY:
        return 0.0
    cost = work.mirror.catalogue.upstreams.cost(work.mirror.settings.upstream.url)
    by_size = settings.window_mib * 2**20 / likely_bytes(work, 1)
    return min(rows_within(cost, settings.window_seconds), by_size)


def likely_seconds(work: Work, records: int) -> float:
    """Time that a list of so many records is expected to take."""
    return estimate(
        work.mirror.catalogue.upstreams.cost(work.mirror.settings.upstream.url), records
    )


def likely_bytes(work: Work, records: int) -> float:
    """Size that a list of so many records is expected to have."""
    return records * (len(work.wanted.series.columns) + 2) * _BYTES_PER_VALUE
