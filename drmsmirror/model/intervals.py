"""Half-open intervals on the axis of a series, and what several of them leave open.

Positions on the axis are slot numbers, TAI seconds or record numbers (see
:class:`~drmsmirror.model.series.Axis`); all fit a double exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import pairwise

__all__ = ["EVERYTHING", "Interval", "around", "gaps", "inside", "length", "union"]


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Positions ``low <= x < high`` on the axis of a series; infinite where open."""

    low: float
    high: float

    def __bool__(self) -> bool:
        return self.low < self.high

    def contains(self, other: Interval) -> bool:
        """Whether all of ``other`` lies inside."""
        return not other or (self.low <= other.low and other.high <= self.high)

    def intersection(self, other: Interval) -> Interval:
        """What both have; empty (false) where they do not meet."""
        return Interval(max(self.low, other.low), min(self.high, other.high))


EVERYTHING = Interval(-math.inf, math.inf)


def gaps(wanted: Interval, held: Iterable[Interval]) -> tuple[Interval, ...]:
    """The parts of ``wanted`` that no interval of ``held`` contains, in ascending order."""
    missing: list[Interval] = []
    reached = wanted.low
    for interval in sorted(held):
        part = interval.intersection(wanted)
        if not part:
            continue
        if part.low > reached:
            missing.append(Interval(reached, part.low))
        reached = max(reached, part.high)
    if reached < wanted.high:
        missing.append(Interval(reached, wanted.high))
    return tuple(missing)


def union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same places in the fewest intervals, in ascending order."""
    joined: list[Interval] = []
    for interval in sorted(interval for interval in intervals if interval):
        if joined and interval.low <= joined[-1].high:
            joined[-1] = Interval(joined[-1].low, max(joined[-1].high, interval.high))
        else:
            joined.append(interval)
    return tuple(joined)


def inside(intervals: Iterable[Interval], around: Interval) -> tuple[Interval, ...]:
    """The parts of intervals that lie in another."""
    return tuple(part for interval in intervals if (part := interval.intersection(around)))


def around(positions: Sequence[float], most: int, *, whole: bool) -> tuple[Interval, ...]:
    """Intervals with some positions, as narrow as so few can be, in ascending order.

    Parameters
    ----------
    positions : sequence of float
        Ascending.
    most : int
        How many intervals there may be.
    whole : bool
        Whether positions are whole numbers.
    """
    if not len(positions):
        return ()
    steps = [(after - before, n) for n, (before, after) in enumerate(pairwise(positions), start=1)]
    cuts = sorted(number for _, number in nlargest(most - 1, steps))
    return tuple(
        Interval(positions[first], _beyond(positions[end - 1], whole=whole))
        for first, end in pairwise([0, *cuts, len(positions)])
    )


def _beyond(position: float, *, whole: bool) -> float:
    """The next position; of those so large that they have no neighbours the next number."""
    return max(position + 1 if whole else position, math.nextafter(position, math.inf))


def length(intervals: Iterable[Interval]) -> float:
    """The length of intervals together, in units of the axis."""
    return sum(interval.high - interval.low for interval in intervals)
