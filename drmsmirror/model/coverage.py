"""What part of a series is held completely: the algebra of coverage.

An entry says: of this series, on this interval of its axis, for these values of the other prime
keys, these columns are held completely as of this upstream record number. Intervals are half-open.
Positions on the axis are slot numbers, TAI seconds or record numbers (see
:class:`~drmsmirror.model.series.Axis`); all fit a double exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

__all__ = [
    "EVERYTHING",
    "CoverageEntry",
    "Interval",
    "Versions",
    "coalesce",
    "gaps",
    "inside",
    "length",
    "union",
]


class Versions(StrEnum):
    """Which versions of each record are held: those DRMS shows, or all."""

    LATEST = "latest"
    ALL = "all"


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


@dataclass(frozen=True, slots=True)
class CoverageEntry:
    """One statement of what is held.

    Parameters
    ----------
    interval : Interval
        Part of the axis.
    restriction : str
        Values held of the other prime keys, as the canonical text of their conditions; empty
        where all are held.
    columns : frozenset of str
        Record-table columns that were fetched.
    versions : Versions
        Whether superseded versions are held too.
    generation : int
        Generation of the upstream that was read.
    as_of_recnum : int
        The upstream's largest record number when the reading began.
    as_of_utc : datetime
        When that was, in UTC.
    """

    interval: Interval
    restriction: str
    columns: frozenset[str]
    versions: Versions
    generation: int
    as_of_recnum: int
    as_of_utc: datetime

    def replaces(self, earlier: CoverageEntry) -> bool:
        """Whether, where both speak, nothing of the earlier reading is worth keeping."""
        return (
            self.restriction == earlier.restriction
            and self.columns >= earlier.columns
            and self.versions in (earlier.versions, Versions.ALL)
            and self.generation == earlier.generation
        )

    def says_the_same(self, other: CoverageEntry) -> bool:
        """Whether the two differ in nothing but the interval."""
        return replace(self, interval=other.interval) == other


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


def length(intervals: Iterable[Interval]) -> float:
    """The length of intervals together, in units of the axis."""
    return sum(interval.high - interval.low for interval in intervals)


def coalesce(entries: Sequence[CoverageEntry]) -> tuple[CoverageEntry, ...]:
    """The fewest entries that say all that is said.

    What a later reading says replaces what an earlier one said of the same place; entries that
    then say the same of intervals that touch or overlap become one.
    """
    kept: list[CoverageEntry] = []
    for entry in sorted(entries, key=lambda e: (e.as_of_recnum, e.as_of_utc), reverse=True):
        replacing = [later.interval for later in kept if later.replaces(entry)]
        kept += [replace(entry, interval=part) for part in gaps(entry.interval, replacing)]
    return tuple(_joined(kept))


def _joined(entries: Sequence[CoverageEntry]) -> list[CoverageEntry]:
    joined: list[CoverageEntry] = []
    for entry in sorted((e for e in entries if e.interval), key=lambda e: e.interval):
        for position, earlier in enumerate(joined):
            if earlier.says_the_same(entry) and entry.interval.low <= earlier.interval.high:
                high = max(earlier.interval.high, entry.interval.high)
                joined[position] = replace(earlier, interval=Interval(earlier.interval.low, high))
                break
        else:
            joined.append(entry)
    return joined
