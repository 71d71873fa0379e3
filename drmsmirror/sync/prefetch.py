"""Files of what is subscribed to, brought before somebody asks for them.

Every record of the subscription that is held is gone through, the newest first, and the files are
fetched that are not there. They are pinned as long as the subscription wants them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np

from drmsmirror.catalogue import RunCounters, RunKind, RunOutcome, pin_of_subscription
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.subscription import Subscription
from drmsmirror.records import select_records
from drmsmirror.runs import recorded_run
from drmsmirror.segments import Files, FileState, Orderer
from drmsmirror.segments.places import ASKED_AT_ONCE
from drmsmirror.sharing import SharedUpstream
from drmsmirror.sync.progress import Prefetched
from drmsmirror.upstream import Deadline, Upstream

__all__ = ["likely_requests", "missing_files", "prefetch"]

#: So many files are looked up, pinned and fetched together.
_AT_ONCE = 500

#: What may be had by the next run.
_MISSING = (FileState.FAILED, FileState.ORDERED, FileState.ON_TAPE)


def prefetch(
    mirror: Mirror, upstream: Upstream, subscription: Subscription, *, seconds: float
) -> Prefetched:
    """Bring the files of a subscription that are not there.

    An order of files on tape that takes longer than ``[segments] order_wait`` is waited for once;
    the next run goes on with it.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    subscription : Subscription
        One whose records were synced.
    seconds : float
        Time after which no further files are begun with, nor orders waited for.

    Raises
    ------
    LockedError
        Another process does so for the same series.
    StoreError
        The catalogue fails.
    """
    shared = upstream if isinstance(upstream, SharedUpstream) else SharedUpstream(mirror, upstream)
    deadline = Deadline.within(max(0.0, seconds))
    definition = mirror.catalogue.definition(subscription.series)
    named = pin_of_subscription(subscription.record_set)
    with (
        mirror.catalogue.leases.holding(f"files of {definition.name.lower()}"),
        recorded_run(mirror, definition.name, subscription.record_set, RunKind.FETCH) as run,
    ):
        counts: Counter[FileState] = Counter()
        size, complete, traffic = 0, True, upstream.traffic
        files = Files(mirror, shared, orderer=Orderer(deadline=deadline))
        for some in _batches(mirror, subscription):
            mirror.catalogue.pins.add(named, some)
            for outcome in files.get(some, exports=True):
                counts[outcome.state] += 1
                size += outcome.size_bytes if outcome.state is FileState.FETCHED else 0
                if outcome.state in _MISSING and not run.notices:
                    run.notices = [outcome.message]
                if outcome.state is not FileState.HELD and not deadline.left:
                    break
            asked = upstream.traffic - traffic
            run.counters = RunCounters(requests=asked.requests, bytes=asked.bytes)
            if not deadline.left:
                complete = False
                run.outcome = RunOutcome.STOPPED
                break
    return Prefetched(
        held=counts[FileState.HELD],
        fetched=counts[FileState.FETCHED],
        bytes=size,
        without=counts[FileState.NO_FILE] + counts[FileState.LOST],
        missing=sum(counts[state] for state in _MISSING),
        reason="".join(run.notices),
        complete=complete,
        requests=(upstream.traffic - traffic).requests,
    )


def missing_files(mirror: Mirror, subscription: Subscription) -> int:
    """How many files of held records a subscription wants that are not there.

    Those that the upstream does not have are among them.
    """
    index = mirror.catalogue.segments
    return sum(len(some) - len(index.locate(some)) for some in _batches(mirror, subscription))


def likely_requests(files: int, segments: int) -> int:
    """Requests for so many files, of so many segments a record: where they are, then each."""
    return files + math.ceil(files / max(segments, 1) / ASKED_AT_ONCE)


def _batches(mirror: Mirror, subscription: Subscription) -> Iterator[list[SegmentFile]]:
    files = _files(mirror, subscription)
    while some := list(islice(files, _AT_ONCE)):
        yield some


def _files(mirror: Mirror, subscription: Subscription) -> Iterator[SegmentFile]:
    """Every file that the held records of a subscription have, of the newest records first."""
    bound = bind(parse_recordset(subscription.record_set), mirror.catalogue.definition)
    for one in bound.sets:
        state = mirror.catalogue.state(one.series.name)
        table = mirror.table(one.series, state)
        batches = select_records(table, one, ["recnum"], table_of=mirror.table)
        numbers = [batch.column("recnum").to_numpy() for batch in batches]
        for recnum in np.sort(np.concatenate([np.empty(0, np.int64), *numbers]))[::-1]:
            for segment in subscription.segments:
                yield SegmentFile(one.series.name, state.generation, int(recnum), segment)
