"""A timeline of our own, in the form of the recorded one: bursts of errors, an outage, a rollback.

Three regions grow for ten days and are listed twice a day. Now and then the server fails in each of
the ways that were recorded, once or a few times in a row: its answers are then what it gave, and
whoever asks it is answered so. Then it is away for five days, comes back three and a half days in
the past, and refills, some of it with other values, faster than it had grown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.jsoc import Fault, FaultKind
from tests.jsoc.faults import spoil
from tests.real.conftest import RECORDED_KEYS

__all__ = ["BURSTS", "Capture", "timeline"]

#: Each way in which the server fails, with how often in a row.
BURSTS = (
    (Fault(FaultKind.ERROR_BODY, status=4), 1),
    (Fault(FaultKind.ERROR_BODY, status=5), 1),
    (Fault(FaultKind.ERROR_BODY, status=6), 3),
    (Fault(FaultKind.ERROR_BODY, status=6, text="Connection to database 'jsoc' failed."), 1),
    (Fault(FaultKind.ERROR_BODY, status=1, text="series not found"), 1),
    (Fault(FaultKind.OVERLOAD), 2),
    (Fault(FaultKind.EMPTY_BODY), 2),
    (Fault(FaultKind.NO_RECORDS), 3),
    (Fault(FaultKind.HTML), 1),
    (Fault(FaultKind.HTTP_STATUS, status=503), 1),
    (Fault(FaultKind.TRUNCATED_JSON), 1),
)

_START = datetime(2024, 11, 20, tzinfo=UTC)
_STEP = timedelta(hours=4)
_REGIONS = {11001: 0, 11002: 5, 11003: 20}  # and the number of records by which it begins later
_OUTAGE, _BACK = 60, 21  # records of four hours: ten days, and three and a half


@dataclass(frozen=True, slots=True)
class Capture:
    """What the server gave at one moment, by query, and how it failed; nothing while it is away.

    Where it is ``unseen`` the server was so, and nobody asked.
    """

    bodies: dict[str, bytes]
    fault: Fault | None = None
    is_away: bool = False
    is_back: bool = False
    is_unseen: bool = False


def timeline(
    *, slowly: bool, every: int = 3, bursts: Sequence[tuple[Fault, int]] = BURSTS
) -> Iterator[Capture]:
    """Give the captures, one moment after the other.

    Parameters
    ----------
    slowly : bool
        Whether the upstream is asked while it is three and a half days back; else it has refilled
        beyond what it had had before anybody asks.
    every : int
        The number of records that come between two captures.
    bursts : sequence of tuple of Fault and int
        How it fails, and how often in a row.
    """
    to_come = [[fault] * times for fault, times in bursts]
    for newest in range(every, _OUTAGE, every):
        good = _listed(newest, refilled=False)
        yield Capture(good)
        if len(to_come) > len(bursts) // 2:
            yield from (_failing(good, fault) for fault in to_come.pop())
    yield Capture({}, is_away=True)
    for newest in range(_OUTAGE - _BACK, _OUTAGE + 40, 2 * every):
        good, is_unseen = _listed(newest, refilled=True), not slowly and newest < _OUTAGE
        yield Capture(good, is_back=True, is_unseen=is_unseen)
        if to_come and not is_unseen:
            yield from (_failing(good, fault) for fault in to_come.pop())


def _failing(good: dict[str, bytes], fault: Fault) -> Capture:
    return Capture({query: spoil(fault, body, query) for query, body in good.items()}, fault)


def _listed(newest: int, *, refilled: bool) -> dict[str, bytes]:
    """What is listed of each region once so many records have come."""
    listed = {}
    for region, begins in _REGIONS.items():
        if begins <= newest:
            rows = [_record(region, number, refilled) for number in range(begins, newest + 1)]
            columns = dict(zip(RECORDED_KEYS, zip(*rows, strict=True), strict=True))
            body = {
                "keywords": [{"name": key, "values": columns[key]} for key in RECORDED_KEYS],
                "count": len(rows),
                "runtime": 0.1,
                "status": 0,
            }
            listed[f"hmi.sharp_720s_nrt[{region}][]"] = json.dumps(body).encode()
    return listed


def _record(region: int, number: int, refilled: bool) -> tuple[str, ...]:
    """A record as it was printed; one of five has other values when it has come again."""
    time = f"{_START + number * _STEP:%Y.%m.%d_%H:%M:%S}_TAI"
    is_other = refilled and number > _OUTAGE - _BACK and number % 5 == 0
    value = region - 11000 + number / 4 + (100 if is_other else 0)
    return (time, str(region), *(f"{value + place:.3f}" for place in range(len(RECORDED_KEYS) - 2)))
