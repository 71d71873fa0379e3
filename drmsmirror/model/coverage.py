"""What part of a series is held completely: the algebra of coverage.

An entry says: of this series, on this interval of its axis, for these values of the other prime
keys, these columns are held completely as of this upstream record number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from drmsmirror.model.extent import Extent, Restriction, joined
from drmsmirror.model.intervals import Interval, gaps

__all__ = ["CoverageEntry", "Found", "Versions", "coalesce", "come_back", "forget", "look_up"]


class Versions(StrEnum):
    """Which versions of each record are held: those DRMS shows, or all."""

    LATEST = "latest"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class CoverageEntry:
    """One statement of what is held.

    Parameters
    ----------
    interval : Interval
        Part of the axis.
    restriction : Restriction
        Which records of it: values of the other prime keys, cadence, conditions.
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
    restriction: Restriction
    columns: frozenset[str]
    versions: Versions
    generation: int
    as_of_recnum: int
    as_of_utc: datetime

    @property
    def extent(self) -> Extent:
        """The records that are held."""
        return Extent(self.interval, self.restriction)

    def replaces(self, earlier: CoverageEntry) -> bool:
        """Whether, on the interval of both, nothing of the earlier reading is worth keeping."""
        return (
            self.restriction.admits(earlier.restriction)
            and self.columns >= earlier.columns
            and self.versions in (earlier.versions, Versions.ALL)
            and self.generation >= earlier.generation
        )

    def says_the_same(self, other: CoverageEntry) -> bool:
        """Whether the two differ in nothing but the interval."""
        return replace(self, interval=other.interval) == other


@dataclass(frozen=True, slots=True)
class Found:
    """How what is wanted stands.

    Parameters
    ----------
    missing : tuple of Extent
        Parts that are not held, in the order of the axis; none lies in another.
    used : tuple of CoverageEntry
        What holds the rest, the latest reading of each place.
    """

    missing: tuple[Extent, ...]
    used: tuple[CoverageEntry, ...]


def look_up(wanted: Iterable[Extent], entries: Iterable[CoverageEntry]) -> Found:
    """Find what holds some extents, and what of them nothing holds."""
    left = joined(wanted)
    used = []
    for entry in sorted(entries, key=_when_read, reverse=True):
        rest = tuple(part for extent in left for part in extent.without(entry.extent))
        if rest != left:
            used.append(entry)
            left = rest
    missing = sorted(joined(left), key=lambda extent: extent.interval)
    return Found(tuple(missing), tuple(used))


def coalesce(entries: Sequence[CoverageEntry]) -> tuple[CoverageEntry, ...]:
    """The fewest entries that say all that is said.

    What a later reading says replaces what an earlier one said of the same place; entries that
    then say the same of intervals that touch or overlap become one, and so do those that say the
    same of other values of one key.
    """
    kept: list[CoverageEntry] = []
    for entry in sorted(entries, key=_latest_and_widest, reverse=True):
        replacing = [later.interval for later in kept if later.replaces(entry)]
        kept += [replace(entry, interval=part) for part in gaps(entry.interval, replacing)]
    joined = [entry for entry in kept if entry.extent]
    while (fewer := _joined(joined)) != joined:
        joined = fewer
    return tuple(joined)


def forget(
    entries: Iterable[CoverageEntry], dropped: Collection[str], changed: Collection[str] = ()
) -> tuple[CoverageEntry, ...]:
    """What is still said when some columns are no more.

    Parameters
    ----------
    entries : iterable of CoverageEntry
    dropped : collection of str
        Columns that nothing is said of any more.
    changed : collection of str
        Columns whose values are others now: which records satisfied a condition on one of these,
        or on one that is dropped, cannot be told any more.
    """
    names = {name.lower() for name in (*dropped, *changed)}
    kept = [
        replace(entry, columns=entry.columns - frozenset(dropped))
        for entry in entries
        if names.isdisjoint(_words(entry.restriction.terms))
    ]
    return coalesce(kept)


def _words(terms: Iterable[str]) -> set[str]:
    """All words in some conditions, names of columns among them, in lower case."""
    return {word.lower() for term in terms for word in re.findall(r"\w+", term)}


def come_back(
    then: Iterable[CoverageEntry], now: Iterable[CoverageEntry], column: str
) -> tuple[CoverageEntry, ...]:
    """What can be said of a column again that was said of it before it was dropped.

    It holds where no record lies that came in between: those lack it. Of the other columns no more
    is said than now, and of a condition nothing, since revisions in between can have met it.

    Parameters
    ----------
    then, now : iterable of CoverageEntry
        What was held when the column was held last, and what is held now.
    column : str
    """
    return tuple(
        replace(
            min(was, is_, key=_when_read),
            interval=both.interval,
            restriction=both.restriction,
            columns=(was.columns & is_.columns) | {column},
            versions=was.versions if was.versions is is_.versions else Versions.LATEST,
        )
        for was in then
        if column in was.columns
        for is_ in now
        if was.restriction.cadence == is_.restriction.cadence
        and not (was.restriction.terms or is_.restriction.terms)
        and (both := was.extent.intersection(is_.extent))
    )


def _when_read(entry: CoverageEntry) -> tuple[int, int, datetime]:
    """Which of two readings is the later one: numbers begin anew with a generation."""
    return entry.generation, entry.as_of_recnum, entry.as_of_utc


def _latest_and_widest(entry: CoverageEntry) -> tuple[tuple[int, int, datetime], int]:
    """Of what was read at one time the one that says more comes later."""
    return _when_read(entry), len(entry.columns)


def _joined(entries: Sequence[CoverageEntry]) -> list[CoverageEntry]:
    joined: list[CoverageEntry] = []
    for entry in sorted(entries, key=lambda e: e.interval):
        for position, earlier in enumerate(joined):
            if (both := _as_one(earlier, entry)) is not None:
                joined[position] = both
                break
        else:
            joined.append(entry)
    return joined


def _as_one(earlier: CoverageEntry, later: CoverageEntry) -> CoverageEntry | None:
    """One entry that says what two say, the second of which begins no lower; None without one."""
    if earlier.says_the_same(later) and later.interval.low <= earlier.interval.high:
        high = max(earlier.interval.high, later.interval.high)
        return replace(earlier, interval=Interval(earlier.interval.low, high))
    differing = set(earlier.restriction.values) ^ set(later.restriction.values)
    columns = {column for column, _ in differing}
    if len(columns) != 1:
        return None
    column = columns.pop()
    both = earlier.restriction.of(column) | later.restriction.of(column)
    joined = replace(earlier, restriction=earlier.restriction.where(column, both))
    other = replace(later, restriction=later.restriction.where(column, both))
    return joined if joined == other else None
