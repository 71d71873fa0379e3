"""Which coverage counts, as old as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import Extent
from drmsmirror.model.intervals import Interval
from drmsmirror.model.positions import position_seconds
from drmsmirror.model.series import SeriesDefinition

__all__ = ["ANY_AGE", "Freshness"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

#: Second 0 of the DRMS epoch, near enough for days.
_BEGINNING = datetime(1977, 1, 1, tzinfo=UTC)

#: Seconds that no date of Python's is away.
_FAR = 6e10

#: After so long it is taken that the records of a time have come.
_IS_OVER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what is held may be.

    Parameters
    ----------
    since : datetime
        What was read before does not count.
    open_end_since : datetime
        What was read before says nothing of records newer than the newest that is held: since
        then there can be more.
    any_generation : bool
        Whether what was read before the upstream went back in time counts, as of its date.
    """

    since: datetime = _LONG_AGO
    open_end_since: datetime = _LONG_AGO
    any_generation: bool = True

    @classmethod
    def at(
        cls, now: datetime, max_age: timedelta | None, open_end: timedelta | None = None
    ) -> Freshness:
        """What may be so old now; the age of an open end counts where no other is demanded."""
        if max_age is not None:
            return cls(since=now - max_age, any_generation=False)
        if open_end is None:
            return cls()
        return cls(open_end_since=now - open_end, any_generation=False)

    def of_generation(
        self, entries: Iterable[CoverageEntry], generation: int
    ) -> list[CoverageEntry]:
        """The entries that count where the upstream has come to a generation."""
        return [one for one in entries if self.any_generation or one.generation == generation]

    def counting(
        self, entries: Sequence[CoverageEntry], newest: Callable[[int, datetime], float | None]
    ) -> tuple[CoverageEntry, ...]:
        """The entries that count, as far as they do.

        Parameters
        ----------
        entries : sequence of CoverageEntry
        newest : callable
            Gives the newest position on the axis that is held of the series, among records up to a
            number and of a time; None where later records do not lie at later positions.
        """
        newest = cache(newest)
        return tuple(
            entry
            if entry.as_of_utc >= self.open_end_since
            else _without_open_end(entry, newest(entry.as_of_recnum, entry.as_of_utc))
            for entry in entries
            if entry.as_of_utc >= self.since
        )

    def answers_since(self, definition: SeriesDefinition, extents: Sequence[Extent]) -> datetime:
        """The moment since which a stored answer about extents counts.

        About times that were over for a day when the upstream was asked, it counts at any age.
        """
        ends = [position_seconds(definition, extent.interval.high) for extent in extents]
        if not ends or None in ends:
            return max(self.since, self.open_end_since)
        last = max(end for end in ends if end is not None)
        over = _BEGINNING + timedelta(seconds=min(max(last, -_FAR), _FAR))
        return max(self.since, min(self.open_end_since, over + _IS_OVER))


def _without_open_end(entry: CoverageEntry, newest: float | None) -> CoverageEntry:
    """What an entry says of positions at which there were records when it was read."""
    if newest is None:
        return entry
    reached = entry.interval.intersection(Interval(-math.inf, newest + 1))
    return replace(entry, interval=reached)


#: Whatever is held counts.
ANY_AGE = Freshness()
