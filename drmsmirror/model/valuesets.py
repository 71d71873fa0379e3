"""Sets of values of one key: what spans contain, and what one set leaves of another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import total_ordering
from typing import TypeAlias

from drmsmirror.model.recordset.bound import Span

__all__ = ["ALL_VALUES", "ValueSet"]

Value: TypeAlias = int | float | str

#: Steps of whole numbers are written out up to so many values.
_MOST_STEPS = 10_000


@total_ordering
@dataclass(frozen=True, slots=True)
class _Cut:
    """A place before or after a value; with a side, one before or after all values."""

    value: Value | None = None
    after: bool = False
    side: int = 0

    def __lt__(self, other: _Cut) -> bool:
        if self.side or other.side or self.value == other.value:
            return (self.side, self.after) < (other.side, other.after)
        return self.value < other.value  # type: ignore[operator]


_BELOW = _Cut(side=-1)
_ABOVE = _Cut(side=1)

_Range: TypeAlias = tuple[_Cut, _Cut]


@dataclass(frozen=True, slots=True)
class ValueSet:
    """Values of one key.

    Parameters
    ----------
    ranges : tuple
        From place to place, ascending; none touch.
    """

    ranges: tuple[_Range, ...] = field(default=((_BELOW, _ABOVE),))

    @classmethod
    def of(cls, spans: Iterable[Span]) -> ValueSet:
        """The values in spans, steps left out of account: with steps it is more than they contain.

        Steps of whole numbers between two ends count, where they are not too many.
        """
        return cls(_joined(part for span in spans for part in _ranges_of(span)))

    @staticmethod
    def tells(span: Span) -> bool:
        """Whether a set of values can say what a span contains, its steps too."""
        return span.step is None or bool(_steps_of(span))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __or__(self, other: ValueSet) -> ValueSet:
        return ValueSet(_joined([*self.ranges, *other.ranges]))

    def __and__(self, other: ValueSet) -> ValueSet:
        both = (
            (max(mine[0], theirs[0]), min(mine[1], theirs[1]))
            for mine in self.ranges
            for theirs in other.ranges
        )
        return ValueSet(_joined(both))

    def __sub__(self, other: ValueSet) -> ValueSet:
        left = list(self.ranges)
        for low, high in other.ranges:
            left = [
                part
                for start, end in left
                for part in ((start, min(end, low)), (max(start, high), end))
                if part[0] < part[1]
            ]
        return ValueSet(tuple(left))

    def contains(self, other: ValueSet) -> bool:
        """Whether all of ``other`` lies inside."""
        return not other - self

    @property
    def is_everything(self) -> bool:
        """Whether every value lies inside."""
        return self == ALL_VALUES

    @property
    def count(self) -> int | None:
        """How many values these are; None where they cannot be counted."""
        total = 0
        for low, high in self.ranges:
            if isinstance(low.value, int) and isinstance(high.value, int):
                total += high.value - low.value
            elif low.value is not None and low.value == high.value:
                total += 1
            else:
                return None
        return total

    @property
    def spans(self) -> tuple[Span, ...] | None:
        """The same as spans; None where a range begins after a value, which no span does."""
        if any(low.after for low, _ in self.ranges):
            return None
        return tuple(Span(low.value, high.value, high.after) for low, high in self.ranges)

    @property
    def pieces(self) -> tuple[tuple[Span, bool], ...]:
        """Spans, each with whether its lowest value is left out: all that is in the set."""
        return tuple(
            (Span(low.value, high.value, high.after), low.after) for low, high in self.ranges
        )

    @classmethod
    def of_pieces(cls, pieces: Iterable[tuple[Span, bool]]) -> ValueSet:
        """The inverse of :attr:`pieces`."""
        both = cls(())
        for span, without_low in pieces:
            lowest = cls.of([Span(span.low, span.low, True)]) if without_low else cls(())
            both |= cls.of([span]) - lowest
        return both

    @property
    def words(self) -> str:
        """The values for a person: ``377, 380 to 390``."""
        return ", ".join(_words(low, high) for low, high in self.ranges)


ALL_VALUES = ValueSet()


def _ranges_of(span: Span) -> Iterable[_Range]:
    if steps := _steps_of(span):
        return [(_Cut(value), _Cut(value + 1)) for value in steps]
    low, high = span.low, span.high
    start = _BELOW if low is None else _Cut(low)
    return [(start, _ABOVE if high is None else _Cut(high, span.high_included))]


def _steps_of(span: Span) -> range | None:
    """The steps of whole numbers between two ends, where they are not too many."""
    low, high, step = span.low, span.high, span.step
    if not (isinstance(step, int) and isinstance(low, int) and isinstance(high, int)):
        return None
    values = range(low, high, step)
    return values if len(values) <= _MOST_STEPS else None


def _joined(ranges: Iterable[_Range]) -> tuple[_Range, ...]:
    joined: list[_Range] = []
    for low, high in sorted(part for part in ranges if part[0] < part[1]):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return tuple(joined)


def _words(low: _Cut, high: _Cut) -> str:
    first, last = low.value, high.value
    if isinstance(last, int) and not high.after:
        last -= 1
    if first is not None and first == last:
        return f"{first}"
    if first is None or last is None:
        return f"up to {last}" if first is None else f"from {first}"
    return f"{first} to {last}"
