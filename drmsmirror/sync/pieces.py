"""How what is wanted stands: piece by piece what is missing, and what is held of an older date.

Everything that is said of progress is worked out here from coverage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from drmsmirror.model.coverage import CoverageEntry, Interval, gaps, union
from drmsmirror.model.extent import Extent, Restriction, extent_of
from drmsmirror.model.recordset import BoundSet

__all__ = ["Piece", "all_behind", "all_missing", "pieces_of", "recnums_to_follow"]

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
        Parts that are held as of a smaller record number than the run is about.
    """

    wanted: Extent
    missing: tuple[Interval, ...]
    behind: tuple[CoverageEntry, ...]


def pieces_of(
    wanted: BoundSet, coverage: Iterable[CoverageEntry], target: int
) -> tuple[Piece, ...]:
    """How each piece of a set stands.

    Parameters
    ----------
    wanted : BoundSet
    coverage : iterable of CoverageEntry
        What is held with all keywords that are wanted.
    target : int
        Record number up to which the run is to come.
    """
    entries = [(entry, Restriction.parse(entry.restriction)) for entry in coverage]
    return tuple(
        _piece(
            extent,
            [entry for entry, admitted in entries if admitted.admits(extent.restriction)],
            target,
        )
        for extent in extent_of(wanted)
    )


def _piece(extent: Extent, entries: Sequence[CoverageEntry], target: int) -> Piece:
    held = [
        replace(entry, interval=part, restriction=extent.restriction.text)
        for entry in entries
        if (part := entry.interval.intersection(extent.interval))
    ]
    current = [entry.interval for entry in held if entry.as_of_recnum >= target]
    behind = tuple(
        replace(entry, interval=part)
        for entry in held
        if entry.as_of_recnum < target
        for part in gaps(entry.interval, current)
    )
    missing = gaps(extent.interval, [entry.interval for entry in held])
    return Piece(extent, missing, behind)


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
