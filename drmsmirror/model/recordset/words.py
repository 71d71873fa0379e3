"""Say in words what a bound set means: one line a filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drmsmirror.model.recordset.bound import BoundSet, Condition, Edge, Span, SqlCondition
from drmsmirror.model.slots import Slotting, slotting
from drmsmirror.model.times import format_time
from drmsmirror.model.types import KeywordType

__all__ = ["words_of"]

_EDGES = {Edge.FIRST: "the first", Edge.LAST: "the last"}


def words_of(bound: BoundSet) -> tuple[str, ...]:
    """What each filter asks for, in the order of the query.

    Parameters
    ----------
    bound : BoundSet

    Returns
    -------
    tuple of str
        For example ``T_REC: slots 12151680 to 12151759, 2010.05.01_00:00:00_TAI to ...``.
    """
    return tuple(_filter(bound, one) for one in bound.filters)


def _filter(bound: BoundSet, one: Condition | SqlCondition) -> str:
    if isinstance(one, SqlCondition):
        return f"SQL: {one.text}"
    alternatives = [_span(bound, one, span) for span in one.spans]
    among = (
        "of the series" if one.has_edges_of_series else "among what the filters before let through"
    )
    alternatives += [f"{_EDGES[edge]} there is, {among}" for edge in one.edges]
    name = "record number" if one.column == "recnum" else one.keyword
    return f"{name}: {' or '.join(alternatives)}"


def _span(bound: BoundSet, condition: Condition, span: Span) -> str:
    if span.is_everything:
        return "any"
    if condition.column not in bound.series.internal_prime_keys:
        return _range(span, str)
    keyword = bound.series.keyword(condition.keyword)
    if keyword.scope.is_slotted:
        return _slots(slotting(bound.series, keyword), span)
    if keyword.type is KeywordType.TIME:
        return _range(span, lambda value: format_time(float(value), "TAI", 3))
    return _range(span, repr if keyword.type is KeywordType.STRING else str)


def _slots(rule: Slotting, span: Span) -> str:
    """Slot numbers, and where those slots sit."""

    def place(index: int) -> str:
        value = rule.value(index)
        return format_time(value, "TAI", 3 if value % 1 else 0) if rule.is_time else f"{value:g}"

    step = "" if span.step is None else f", {float(span.step) * rule.step:g}"
    step += " s apart" if step and rule.is_time else " apart" if step else ""
    many = "slot" if span.is_single else "slots"
    return f"{many} {_range(span, str)} ({_range(Span(span.low, span.high), place)}{step})"


def _range(span: Span, show: Callable[[Any], str]) -> str:
    """A span with its values shown; whole numbers up to and with the last."""
    if span.is_single:
        return show(span.low)
    high, until = span.high, "to"
    if isinstance(high, int):
        high -= 1
    elif high is not None and not span.high_included:
        until = "to before"
    start = "from the first" if span.low is None else show(span.low)
    end = "on" if high is None else f"{until} {show(high)}"
    step = "" if span.step is None else f", every {span.step}"
    return f"{start} {end}{step}"
