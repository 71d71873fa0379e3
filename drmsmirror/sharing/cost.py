"""What an answer takes the upstream, learnt from what earlier ones took: pure."""

from __future__ import annotations

import math
from dataclasses import replace

from drmsmirror.catalogue import Cost

__all__ = ["estimate", "learnt", "rows_within", "seconds_per_record", "seconds_per_request"]

#: What JSOC takes, as long as nothing is known: seconds for a request, and for each record.
_PER_REQUEST = 0.5
_PER_RECORD = 0.0044
#: How far what is known moves towards what was seen last.
_WEIGHT = 0.2
#: One answer that takes so many times what was expected counts no more than that.
_MOST = 10.0


def seconds_per_request(cost: Cost) -> float:
    """Seconds that a request takes, whatever it lists."""
    return _PER_REQUEST if cost.seconds_per_request is None else cost.seconds_per_request


def seconds_per_record(cost: Cost) -> float:
    """Seconds that each record takes."""
    return _PER_RECORD if cost.seconds_per_record is None else cost.seconds_per_record


def estimate(cost: Cost, records: int) -> float:
    """Seconds that an answer of so many records is expected to take."""
    return seconds_per_request(cost) + records * seconds_per_record(cost)


def rows_within(cost: Cost, seconds: float) -> float:
    """How many records an answer may list that is expected within so many seconds."""
    left, record = max(0.0, seconds - seconds_per_request(cost)), seconds_per_record(cost)
    return left / record if record > 0 else math.inf


def learnt(cost: Cost, *, records: int, seconds: float) -> Cost:
    """Take into account what an answer took.

    What it took more or less than expected is laid to the request and to the records, to each by
    its share in what was expected: small answers teach about requests, large ones about records.
    """
    expected = estimate(cost, records)
    if expected <= 0:
        return replace(cost, seconds_per_request=_WEIGHT * seconds)
    ratio = min(seconds / expected, _MOST) - 1.0
    request, record = seconds_per_request(cost), seconds_per_record(cost)
    of_request = request / expected
    return Cost(
        seconds_per_request=request * (1.0 + _WEIGHT * ratio * of_request),
        seconds_per_record=record * (1.0 + _WEIGHT * ratio * (1.0 - of_request)),
    )
