"""The extent of a set of records: where on the axis it lies, and what else restricts it.

What is held and what is asked for are both extents: an interval of the axis, under a restriction.
Taking the first from the second leaves what is missing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from drmsmirror.model.conditions.terms import terms_of
from drmsmirror.model.intervals import EVERYTHING, Interval, union
from drmsmirror.model.recordset.bound import BoundSet, Condition, Span
from drmsmirror.model.valuesets import ALL_VALUES, ValueSet

__all__ = ["Extent", "Restriction", "extent_of", "joined", "without"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Which records of a part of the axis are meant, where not all are.

    Parameters
    ----------
    values : tuple of (str, ValueSet)
        By column, values of prime keys other than the axis; sorted, those with all values left out.
    cadence : tuple of int, optional
        (phase, step): only axis positions that leave ``phase`` when divided by ``step``.
    terms : frozenset of str
        Conditions joined by AND, in canonical text: those in SQL, and filters on keys whose steps
        neither values nor a cadence can say.
    """

    values: tuple[tuple[str, ValueSet], ...] = ()
    cadence: tuple[int, int] | None = None
    terms: frozenset[str] = frozenset()

    def of(self, column: str) -> ValueSet:
        """The values of one prime key."""
        return next((values for name, values in self.values if name == column), ALL_VALUES)

    def where(self, column: str, values: ValueSet) -> Restriction:
        """The same, with other values of one prime key."""
        others = [(name, given) for name, given in self.values if name != column]
        added = [] if values.is_everything else [(column, values)]
        return replace(self, values=tuple(sorted([*others, *added], key=lambda pair: pair[0])))

    @property
    def text(self) -> str:
        """Canonical text; empty where nothing is restricted."""
        if self == Restriction():
            return ""
        spans = {
            column: [
                [s.low, s.high, s.high_included, *([True] if without_low else [])]
                for s, without_low in values.pieces
            ]
            for column, values in self.values
        }
        content = {"cadence": self.cadence, "spans": spans, "terms": sorted(self.terms)}
        return json.dumps(content, sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Restriction:
        """The inverse of :attr:`text`."""
        if not text:
            return cls()
        content = json.loads(text)
        cadence = content["cadence"]
        return cls(
            tuple(
                (
                    column,
                    ValueSet.of_pieces((Span(*span[:3]), len(span) > 3) for span in spans),
                )
                for column, spans in sorted(content["spans"].items())
            ),
            None if cadence is None else (cadence[0], cadence[1]),
            frozenset(content.get("terms", ())),
        )

    @property
    def words(self) -> str:
        """The restriction for a person: ``harpnum 377, 4315``; empty where there is none."""
        parts = [f"{column} {values.words}" for column, values in self.values]
        if self.cadence is not None:
            parts.append(f"every {self.cadence[1]} slots")
        if self.terms:
            parts.append("under a condition")
        return "; ".join(parts)

    def admits(self, other: Restriction) -> bool:
        """Whether all that ``other`` lets through, this lets through."""
        return (
            self.admits_cadence(other)
            and self.terms <= other.terms
            and all(values.contains(other.of(column)) for column, values in self.values)
        )

    def admits_cadence(self, other: Restriction) -> bool:
        """Whether all positions that ``other`` lets through lie on the cadence."""
        if self.cadence is None:
            return True
        if other.cadence is None:
            return False
        (phase, step), (other_phase, other_step) = self.cadence, other.cadence
        return other_step % step == 0 and other_phase % step == phase


@dataclass(frozen=True, slots=True)
class Extent:
    """An interval of the axis under a restriction."""

    interval: Interval
    restriction: Restriction = Restriction()

    def __bool__(self) -> bool:
        has_values = all(values for _, values in self.restriction.values)
        return bool(self.interval) and has_values and self._has_a_slot

    @property
    def _has_a_slot(self) -> bool:
        """Whether a slot of the cadence lies in the interval."""
        low, high = self.interval.low, self.interval.high
        if self.restriction.cadence is None or low == -math.inf:
            return True
        phase, step = self.restriction.cadence
        return low + (phase - low) % step < high

    def without(self, held: Extent) -> tuple[Extent, ...]:
        """The parts that do not lie in another extent; of conditions nothing can be taken away."""
        inner, outer = self._on_a_cadence.restriction, held.restriction
        both = self.interval.intersection(held.interval)
        if not both or not outer.terms <= inner.terms or not outer.admits_cadence(inner):
            return (self,)
        left = [
            replace(self, interval=Interval(self.interval.low, both.low)),
            replace(self, interval=Interval(both.high, self.interval.high)),
        ]
        within = replace(self, interval=both)
        for column, values in outer.values:
            mine = within.restriction.of(column)
            left.append(_where(within, column, mine - values))
            within = _where(within, column, mine & values)
        return tuple(part for part in left if part) if within else (self,)

    def intersection(self, other: Extent) -> Extent:
        """What both have, of conditions and cadences the narrower."""
        mine, theirs = self.restriction, other.restriction
        cadence = mine.cadence or theirs.cadence
        both = replace(mine, cadence=cadence, terms=mine.terms | theirs.terms)
        for column, values in theirs.values:
            both = both.where(column, mine.of(column) & values)
        return Extent(self.interval.intersection(other.interval), both)

    @property
    def _on_a_cadence(self) -> Extent:
        """A single slot lies on any cadence that meets it."""
        low, high = self.interval.low, self.interval.high
        if self.restriction.cadence is not None or high - low != 1:
            return self
        # the step is divided by every other one
        cadence = (int(low), 0)
        return replace(self, restriction=replace(self.restriction, cadence=cadence))


def _where(extent: Extent, column: str, values: ValueSet) -> Extent:
    return replace(extent, restriction=extent.restriction.where(column, values))


def joined(extents: Iterable[Extent]) -> tuple[Extent, ...]:
    """The same extents, those under one restriction with intervals that do not meet."""
    intervals: dict[Restriction, list[Interval]] = {}
    for extent in extents:
        if extent:
            intervals.setdefault(extent.restriction, []).append(extent.interval)
    return tuple(
        Extent(interval, restriction)
        for restriction, several in intervals.items()
        for interval in union(several)
    )


def without(wanted: Iterable[Extent], held: Iterable[Extent]) -> tuple[Extent, ...]:
    """The parts of some extents that lie in none of others."""
    left = tuple(extent for extent in wanted if extent)
    for one in held:
        left = tuple(part for extent in left for part in extent.without(one))
    return left


def extent_of(bound: BoundSet) -> tuple[Extent, ...]:
    """The pieces of a bound set, one for each span of its condition on the axis.

    Where a first or last value is asked for, it is the set in which that is searched.
    """
    searched = bound.searched
    axis = searched.series.axis.column
    restriction = Restriction(terms=_terms(searched))
    for condition in searched.conditions:
        if condition.column != axis and condition.column in searched.series.internal_prime_keys:
            both = restriction.of(condition.column) & ValueSet.of(condition.spans)
            restriction = restriction.where(condition.column, both)
    on_axis = [
        condition
        for condition in searched.conditions
        if condition.column == axis and not any(span.is_everything for span in condition.spans)
    ]
    if not on_axis:
        return tuple(one for one in [Extent(EVERYTHING, restriction)] if one)
    first, *more = on_axis
    pieces = [
        Extent(span.interval, replace(restriction, cadence=_cadence(span))) for span in first.spans
    ]
    for condition in more:  # filters are joined by AND: each narrows every piece
        pieces = [
            replace(piece, interval=interval)
            for piece in pieces
            for span in condition.spans
            if (interval := piece.interval.intersection(span.interval))
        ]
    return tuple(piece for piece in pieces if piece)


def _terms(bound: BoundSet) -> frozenset[str]:
    """What a set demands besides values, intervals and a cadence."""
    terms = {term for one in bound.sql for term in terms_of(one.tree)}
    on_axis = False
    for condition in bound.conditions:
        is_told = ValueSet.tells
        if condition.column == bound.series.axis.column:
            is_told = _is_first_told if not on_axis else _has_no_step
            on_axis = on_axis or not any(span.is_everything for span in condition.spans)
        if not all(is_told(span) for span in condition.spans):
            terms.add(_steps_text(condition))
    return frozenset(terms)


def _is_first_told(span: Span) -> bool:
    """Whether interval and cadence say what a span of the first filter on the axis contains."""
    return span.step is None or _cadence(span) is not None


def _has_no_step(span: Span) -> bool:
    """The same for a further filter, of which the interval alone is kept."""
    return span.step is None


def _steps_text(condition: Condition) -> str:
    spans = sorted(
        json.dumps([span.low, span.high, span.high_included, span.step]) for span in condition.spans
    )
    return f"every {condition.column} {' '.join(spans)}"


def _cadence(span: Span) -> tuple[int, int] | None:
    if not isinstance(span.step, int) or not isinstance(span.low, int):
        return None
    return (span.low % span.step, span.step)
