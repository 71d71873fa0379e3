"""Which coverage counts, as old as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import Extent
from drmsmirror.model.intervals import Interval

__all__ = ["ANY_AGE", "Freshness"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


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
    """

    since: datetime = _LONG_AGO
    open_end_since: datetime = _LONG_AGO

    @classmethod
    def at(
        cls, now: datetime, max_age: timedelta | None, open_end: timedelta | None = None
    ) -> Freshness:
        """What may be so old now; the age of an open end counts where no other is demanded."""
        if max_age is not None:
            return cls(since=now - max_age)
        return cls() if open_end is None else cls(open_end_since=now - open_end)

    def counting(
        self, entries: Sequence[CoverageEntry], newest: Callable[[], float | None]
    ) -> tuple[CoverageEntry, ...]:
        """The entries that count, as far as they do.

        Parameters
        ----------
        entries : sequence of CoverageEntry
        newest : callable
            Gives the newest position on the axis that is held of the series; None where the axis
            is no time.
        """
        kept = [entry for entry in entries if entry.as_of_utc >= self.since]
        if all(entry.as_of_utc >= self.open_end_since for entry in kept):
            return tuple(kept)
        end = newest()
        return tuple(
            entry
            if end is None or entry.as_of_utc >= self.open_end_since
            else replace(entry, interval=entry.interval.intersection(Interval(-math.inf, end + 1)))
            for entry in kept
        )

    def answers_since(self, extents: Sequence[Extent], newest: float | None) -> datetime:
        """The moment since which a stored answer about extents counts."""
        is_open = newest is None or any(extent.interval.high > newest + 1 for extent in extents)
        return max(self.since, self.open_end_since) if is_open else self.since


#: Whatever is held counts.
ANY_AGE = Freshness()
