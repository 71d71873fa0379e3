"""The extent of a set of records: where on the axis it lies, and what else restricts it.

Coverage is counted along the axis; the other conditions of what was synced are its restriction. A
question is covered where entries whose restriction admits it hold its part of the axis.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drmsmirror.model.conditions import columns_of
from drmsmirror.model.coverage import EVERYTHING, CoverageEntry, Interval, Versions, gaps
from drmsmirror.model.recordset import BoundSet, Condition, Span

__all__ = ["Extent", "Restriction", "extent_of", "parts_not_held"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Which records of a part of the axis are meant, where not all are.

    Parameters
    ----------
    conditions : tuple of Condition
        On prime keys other than the axis, sorted by column.
    cadence : tuple of int, optional
        (phase, step): only axis positions that leave ``phase`` when divided by ``step``.
    """

    conditions: tuple[Condition, ...] = ()
    cadence: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        """Canonical text; empty where nothing is restricted."""
        if not self.conditions and self.cadence is None:
            return ""
        spans = {
            condition.column: [[s.low, s.high, s.high_included, s.step] for s in condition.spans]
            for condition in self.conditions
        }
        return json.dumps({"cadence": self.cadence, "spans": spans}, sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Restriction:
        """The inverse of :attr:`text`."""
        if not text:
            return cls()
        content = json.loads(text)
        cadence = content["cadence"]
        return cls(
            tuple(
                Condition(column, column, tuple(Span(*span) for span in spans))
                for column, spans in sorted(content["spans"].items())
            ),
            None if cadence is None else (cadence[0], cadence[1]),
        )

    @property
    def words(self) -> str:
        """The restriction for a person: ``harpnum 377, 4315``; empty where there is none."""
        parts = [
            f"{condition.column} {', '.join(_span_words(span) for span in condition.spans)}"
            for condition in self.conditions
        ]
        if self.cadence is not None:
            parts.append(f"every {self.cadence[1]} slots")
        return "; ".join(parts)

    def admits(self, other: Restriction) -> bool:
        """Whether all that ``other`` lets through, this lets through."""
        return self._admits_cadence(other) and all(
            any(
                theirs.column == mine.column and _all_inside(theirs.spans, mine.spans)
                for theirs in other.conditions
            )
            for mine in self.conditions
        )

    def _admits_cadence(self, other: Restriction) -> bool:
        if self.cadence is None:
            return True
        if other.cadence is None:
            return False
        (phase, step), (other_phase, other_step) = self.cadence, other.cadence
        return other_step % step == 0 and other_phase % step == phase


@dataclass(frozen=True, slots=True)
class Extent:
    """One piece of a set: an interval of the axis under a restriction."""

    interval: Interval
    restriction: Restriction


def extent_of(bound: BoundSet) -> tuple[Extent, ...]:
    """The pieces of a bound set, one for each span of its condition on the axis.

    Conditions in SQL narrow nothing: what they let through, only the records can tell. Where a
    first or last value is asked for, it is the set in which that is searched.
    """
    axis = bound.series.axis.column
    conditions = [
        condition
        for condition in bound.searched.conditions
        if not any(span.is_everything for span in condition.spans)
    ]
    on_axis = [condition for condition in conditions if condition.column == axis]
    others = tuple(
        Condition(condition.column, condition.column, condition.spans)
        for condition in sorted(conditions, key=lambda c: c.column)
        if condition.column != axis
    )
    if not on_axis:
        return (Extent(EVERYTHING, Restriction(others)),)
    first, *more = on_axis
    pieces = [Extent(span.interval, Restriction(others, _cadence(span))) for span in first.spans]
    for condition in more:  # filters are joined by AND: each narrows every piece
        pieces = [
            Extent(interval, piece.restriction)
            for piece in pieces
            for span in condition.spans
            if (interval := piece.interval.intersection(span.interval))
        ]
    return tuple(pieces)


def parts_not_held(
    bound: BoundSet, entries: Iterable[CoverageEntry], columns: Sequence[str]
) -> tuple[Interval, ...]:
    """The parts of the axis on which a question cannot be answered completely from what is held.

    Parameters
    ----------
    bound : BoundSet
    entries : iterable of CoverageEntry
        Coverage of the series.
    columns : sequence of str
        Keyword columns that the answer needs.
    """
    needed = frozenset(columns) | {condition.column for condition in bound.conditions}
    needed |= {name for one in bound.sql for name in columns_of(one.tree)}
    known = {column.name for column in bound.series.columns}
    usable = [
        entry
        for entry in entries
        if entry.columns >= (needed & known)
        and (entry.versions is Versions.ALL or not bound.needs_all_versions)
    ]
    return tuple(
        part
        for extent in extent_of(bound)
        for part in gaps(
            extent.interval,
            [
                entry.interval
                for entry in usable
                if Restriction.parse(entry.restriction).admits(extent.restriction)
            ],
        )
    )


def _cadence(span: Span) -> tuple[int, int] | None:
    if not isinstance(span.step, int) or not isinstance(span.low, int):
        return None
    return (span.low % span.step, span.step)


def _all_inside(inner: Sequence[Span], outer: Sequence[Span]) -> bool:
    return all(any(_inside(span, around) for around in outer) for span in inner)


def _inside(inner: Span, outer: Span) -> bool:
    if outer.step is not None:
        return inner == outer
    return _starts_inside(inner, outer) and _ends_inside(inner, outer)


def _span_words(span: Span) -> str:
    last = span.high - 1 if isinstance(span.high, int) and not span.high_included else span.high
    return f"{span.low}" if span.low == last else f"{span.low} to {last}"


def _starts_inside(inner: Span, outer: Span) -> bool:
    if outer.low is None:
        return True
    return inner.low is not None and outer.low <= inner.low  # type: ignore[operator]


def _ends_inside(inner: Span, outer: Span) -> bool:
    if outer.high is None:
        return True
    if inner.high is None:
        return False
    if inner.high == outer.high:
        return outer.high_included or not inner.high_included
    return inner.high < outer.high  # type: ignore[operator]
