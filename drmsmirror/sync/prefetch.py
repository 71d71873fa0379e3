"""Files of what is subscribed to, brought before somebody asks for them.

Every record of the subscription that is held is gone through, the newest first, and the files are
fetched that are not there. They are pinned as long as the subscription wants them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from drmsmirror.catalogue import RunCounters, RunKind, RunOutcome, pin_of_subscription
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.subscription import Subscription
from drmsmirror.records import select_records
from drmsmirror.runs import recorded_run
from drmsmirror.segments import Files, FileState
from drmsmirror.sharing import SharedUpstream
from drmsmirror.sync.progress import Prefetched
from drmsmirror.upstream import Upstream

__all__ = ["prefetch"]

#: So many files are looked up, pinned and fetched together.
_AT_ONCE = 500


def prefetch(
    mirror: Mirror, upstream: Upstream, subscription: Subscription, *, seconds: float
) -> Prefetched:
    """Bring the files of a subscription that are not there.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    subscription : Subscription
        One whose records were synced.
    seconds : float
        Time after which no further files are begun with.

    Raises
    ------
    LockedError
        Another process does so for the same series.
    StoreError
        The catalogue fails.
    """
    shared = upstream if isinstance(upstream, SharedUpstream) else SharedUpstream(mirror, upstream)
    ends_at = time.monotonic() + seconds
    definition = mirror.catalogue.definition(subscription.series)
    named = pin_of_subscription(subscription.record_set)
    with (
        mirror.catalogue.holding(f"files of {definition.name.lower()}"),
        recorded_run(mirror, definition.name, subscription.record_set, RunKind.FETCH) as run,
    ):
        counts: Counter[FileState] = Counter()
        size, complete, traffic = 0, True, upstream.traffic
        files = Files(mirror, shared)
        for some in _batches(mirror, subscription):
            mirror.catalogue.pins.add(named, some)
            for outcome in files.get(some):
                counts[outcome.state] += 1
                size += outcome.size_bytes if outcome.state is FileState.FETCHED else 0
            asked = upstream.traffic - traffic
            run.counters = RunCounters(requests=asked.requests, bytes=asked.bytes)
            if time.monotonic() >= ends_at:
                complete = False
                run.outcome = RunOutcome.STOPPED
                break
    return Prefetched(
        held=counts[FileState.HELD],
        fetched=counts[FileState.FETCHED],
        bytes=size,
        without=counts[FileState.NO_FILE] + counts[FileState.LOST],
        missing=counts[FileState.FAILED] + counts[FileState.ORDERED] + counts[FileState.ON_TAPE],
        complete=complete,
        requests=(upstream.traffic - traffic).requests,
    )


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
        numbers: list[int] = []
        for batch in select_records(table, one, ["recnum"], table_of=mirror.table):
            numbers.extend(batch.column("recnum").to_pylist())
        for recnum in sorted(numbers, reverse=True):
            for segment in subscription.segments:
                yield SegmentFile(one.series.name, state.generation, recnum, segment)
