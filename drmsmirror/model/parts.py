"""The parts of a set that are missing, as questions to a server."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.recordset import BoundSet, Condition, Span
from drmsmirror.model.recordset.printing import windows_text
from drmsmirror.model.valuesets import ValueSet

__all__ = ["MOST_WINDOWS", "Part", "most_records", "parts_of"]

#: Windows in one question: a server takes addresses of some 8,000 characters.
MOST_WINDOWS = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One question about a part of a set.

    Parameters
    ----------
    text : str
        The record set to ask for.
    extents : tuple of Extent
        Where its records lie; its answer has all that the set has there.
    most : int or None
        How many latest versions of records there can be; None where nobody can tell.
    """

    text: str
    extents: tuple[Extent, ...]
    most: int | None


def parts_of(bound: BoundSet, missing: Sequence[Extent]) -> tuple[Part, ...]:
    """Ask for missing extents of a set, for those of the same values in one question.

    Parameters
    ----------
    bound : BoundSet
        Without first or last values.
    missing : sequence of Extent
        Of the set; none lies in another.
    """
    by_values: dict[tuple[tuple[str, ValueSet], ...], list[Extent]] = {}
    for extent in missing:
        by_values.setdefault(extent.restriction.values, []).append(extent)
    parts: list[Part] = []
    for values, extents in by_values.items():
        narrowed = _narrowed(bound, values)
        if narrowed is None:  # it cannot be asked for by itself
            return _questions(bound, extent_of(bound))
        parts += _questions(narrowed, extents)
    return tuple(parts)


def _questions(bound: BoundSet, extents: Iterable[Extent]) -> tuple[Part, ...]:
    return tuple(
        Part(
            windows_text(bound, [extent.interval for extent in some]),
            some,
            most_records(bound, some),
        )
        for some in _some_at_a_time(extents)
    )


def _some_at_a_time(extents: Iterable[Extent]) -> Iterator[tuple[Extent, ...]]:
    remaining = iter(extents)
    while some := tuple(islice(remaining, MOST_WINDOWS)):
        yield some


def _narrowed(bound: BoundSet, values: Iterable[tuple[str, ValueSet]]) -> BoundSet | None:
    """The set with these values of its keys only; None where they cannot be written."""
    series = bound.series
    (whole, *_) = extent_of(replace(bound, filters=tuple(_of_other_keys(bound)))) or [None]
    for column, wanted in values:
        if whole is not None and wanted == whole.restriction.of(column):
            continue
        keyword = series.keyword(series.prime_keys[series.internal_prime_keys.index(column)])
        spans = wanted.spans
        is_whole = column.endswith("_index") or keyword.type.is_integer
        if spans is None or not (is_whole or all(_is_closed(span) for span in spans)):
            return None
        bound = _with_condition(bound, Condition(column, keyword.name, spans))
    return bound


def _of_other_keys(bound: BoundSet) -> list[Condition]:
    return [one for one in bound.conditions if one.column != bound.series.axis.column]


def _with_condition(bound: BoundSet, condition: Condition) -> BoundSet:
    """The set with a condition in place of those on the same key that say no more than values."""
    kept = [
        one
        for one in bound.filters
        if not isinstance(one, Condition)
        or one.column != condition.column
        or any(span.step is not None for span in one.spans)
    ]
    return replace(bound, filters=(*kept, condition))


def _is_closed(span: Span) -> bool:
    return span.low is not None and span.high is not None


def most_records(bound: BoundSet, extents: Iterable[Extent]) -> int | None:
    """How many records a set can have in some extents: one for each combination of prime keys.

    None where nobody can tell.
    """
    if bound.all_versions:
        return None
    axis, total = bound.series.axis, 0
    for extent in extents:
        length = extent.interval.high - extent.interval.low
        if not axis.slotted or not math.isfinite(length):
            return None
        combinations = int(length)
        if (cadence := extent.restriction.cadence) is not None and cadence[1]:
            combinations = math.ceil(length / cadence[1])
        for column in bound.series.internal_prime_keys:
            if column != axis.column:
                count = extent.restriction.of(column).count
                if count is None:
                    return None
                combinations *= count
        total += combinations
    return total
