"""How what is wanted stands: piece by piece what is missing, and what is held of an older date.

Everything that is said of progress is worked out here from coverage.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import Extent, extent_of, without
from drmsmirror.model.intervals import Interval, gaps, union
from drmsmirror.model.recordset import BoundSet

__all__ = ["Piece", "all_behind", "all_missing", "before_lag", "pieces_of", "recnums_to_follow"]

#: Record numbers below the last reading that are read again: a long transaction can make a
#: smaller number visible after a larger one.
_OVERLAP = 1000


@dataclass(frozen=True, slots=True)
class Piece:
    """One stretch of the wanted set.

    Parameters
    ----------
    wanted : Extent
    missing : tuple of Interval
        Parts of it that are not held, ascending.
    behind : tuple of CoverageEntry
        Parts that are held, if with fewer columns, as of a smaller record number than the run is
        about.
    """

    wanted: Extent
    missing: tuple[Interval, ...]
    behind: tuple[CoverageEntry, ...]


def pieces_of(
    wanted: BoundSet, coverage: Iterable[CoverageEntry], columns: frozenset[str], target: int
) -> tuple[Piece, ...]:
    """How each piece of a set stands.

    Parameters
    ----------
    wanted : BoundSet
    coverage : iterable of CoverageEntry
        What is held of its series.
    columns : frozenset of str
        What is wanted of each record.
    target : int
        Record number up to which the run is to come.
    """
    entries = list(coverage)
    return tuple(_piece(extent, entries, columns, target) for extent in extent_of(wanted))


def _piece(
    extent: Extent, entries: Sequence[CoverageEntry], columns: frozenset[str], target: int
) -> Piece:
    near = [entry for entry in entries if extent.without(entry.extent) != (extent,)]
    held = [entry.extent for entry in near if entry.columns >= columns]
    missing = union(part.interval for part in without([extent], held))
    behind = tuple(
        replace(entry, interval=interval, restriction=part.restriction)
        for entry in near
        if entry.as_of_recnum < target
        for part in without([extent.intersection(entry.extent)], _current(near, entry, target))
        # what is missing is read again whole; what was held without some columns is not
        for interval in gaps(part.interval, missing if entry.columns >= columns else ())
    )
    return Piece(extent, missing, behind)


def _current(near: Iterable[CoverageEntry], entry: CoverageEntry, target: int) -> list[Extent]:
    """Where all that an entry speaks of is held as of the target."""
    return [
        one.extent for one in near if one.as_of_recnum >= target and one.columns >= entry.columns
    ]


def before_lag(
    coverage: Iterable[CoverageEntry], begins: float, since: datetime
) -> list[CoverageEntry]:
    """What still counts where record numbers do not tell what is new.

    Parameters
    ----------
    coverage : iterable of CoverageEntry
    begins : float
        Position on the axis from which records can still come late.
    since : datetime
        What was read from then on counts all the same.
    """
    past = Interval(-math.inf, begins)
    entries = [
        entry
        if entry.as_of_utc >= since
        else replace(entry, interval=entry.interval.intersection(past))
        for entry in coverage
    ]
    return [entry for entry in entries if entry.interval]


def all_missing(pieces: Iterable[Piece]) -> tuple[Interval, ...]:
    """What is missing of all pieces, ascending."""
    return union(gap for piece in pieces for gap in piece.missing)


def all_behind(pieces: Iterable[Piece]) -> tuple[CoverageEntry, ...]:
    """What is held of an older date, of all pieces."""
    return tuple(entry for piece in pieces for entry in piece.behind)


def recnums_to_follow(behind: Sequence[CoverageEntry], target: int) -> Interval:
    """The record numbers to be read so that what is behind comes up to the target.

    Empty where nothing is behind.
    """
    if not behind:
        return Interval(target + 1, target + 1)
    since = min(entry.as_of_recnum for entry in behind)
    return Interval(max(1, since + 1 - _OVERLAP), target + 1)
