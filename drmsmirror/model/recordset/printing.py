"""Print bound sets as queries that a DRMS server understands.

What is printed is about stored values, so that nothing is rounded twice: slots go by number
(record sets, rule 28), times with all their digits. The first condition on a key takes the key's
position, further ones follow with its name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from drmsmirror.model.intervals import EVERYTHING, Interval
from drmsmirror.model.recordset.bound import BoundSet, Condition, Span, SqlCondition
from drmsmirror.model.recordset.keys import find_key
from drmsmirror.model.times import format_time
from drmsmirror.model.types import KeywordType

__all__ = [
    "edge_text",
    "print_set",
    "recnum_text",
    "replaced_text",
    "window_text",
    "windows_text",
]

#: Ends printed where a window on a time key is open, since DRMS has no open-ended ranges of values
#: (record sets, rule 28): -4712.01.01_TAI, half a day before the missing time, and 9999.12.31_TAI.
_EARLIEST: Final = -211087728000.0
_LATEST: Final = 253181289600.0


def print_set(bound: BoundSet) -> str:
    """Print a bound set.

    Parameters
    ----------
    bound : BoundSet

    Returns
    -------
    str
        ``series[...][...]{...}``, the same for sets with equal filters in the same order. Where
        the order counts, since a first or last value or a condition in SQL is among them, filters
        on keys are printed with their names.
    """
    by_key = all(one.column in bound.series.internal_prime_keys for one in bound.conditions)
    if by_key and bound.searched is bound and not bound.sql:
        return _printed(bound, bound.conditions)
    filters = "".join(_in_order(bound, one) for one in bound.filters)
    return f"{bound.series.name}{filters or '[]'}{_segments(bound)}"


def window_text(bound: BoundSet, window: Interval) -> str:
    """Print a bound set, narrowed to a window of the axis of its series.

    Parameters
    ----------
    bound : BoundSet
        What else is asked for. Conditions on other keys keep their positions. One on the axis
        follows by name, unless all of the window satisfies it.
    window : Interval
        Half-open, in what the axis counts: slots, seconds since 1977.01.01_00:00:00_TAI or record
        numbers. May be infinite.

    Returns
    -------
    str
        For example ``hmi.sharp_720s[377][#794280-#794399]``; on a time axis without slots
        ``test.timekey[2010.05.01_00:00:34_TAI/3600s]``; on record numbers ``test.nopk[][:#1-#99]``,
        which switches the choice of the latest version off (record sets, rule 32).
    """
    return windows_text(bound, [window])


def windows_text(
    bound: BoundSet, windows: Sequence[Interval], recnums: Interval | None = None
) -> str:
    """Print a bound set, narrowed to some windows of the axis of its series.

    Parameters
    ----------
    bound : BoundSet
    windows : sequence of Interval
        At least one; see `window_text`.
    recnums : Interval, optional
        Of a series whose axis is time, only records with such numbers, superseded ones too.

    Returns
    -------
    str
        For example ``hmi.sharp_720s[377][#794280-#794399,#794500]``.
    """
    axis = bound.series.axis
    numbers = "" if recnums is None else f"[:{_slots(*_whole(recnums))}]"
    if EVERYTHING in windows:
        return _printed(bound, bound.conditions, recnums=numbers)
    if axis.keyword is None:
        slots = ",".join(_slots(*_whole(window)) for window in windows)
        return _printed(bound, bound.conditions, recnums=f"[:{slots}]")
    others = [
        condition
        for condition in bound.conditions
        if condition.column != axis.column
        or not all(_holds(condition, window) for window in windows)
    ]
    texts = [
        _slots(*_whole(window)) if axis.slotted else _time_window(window) for window in windows
    ]
    return _printed(bound, others, {axis.column: ",".join(texts)}, numbers)


def recnum_text(bound: BoundSet, window: Interval) -> str:
    """Print a bound set, narrowed to record numbers.

    Parameters
    ----------
    bound : BoundSet
    window : Interval
        Record numbers, half-open.

    Returns
    -------
    str
        ``hmi.sharp_720s[377][:#100-#199]``: superseded records too (record sets, rule 32).
    """
    return _printed(bound, bound.conditions, recnums=f"[:{_slots(*_whole(window))}]")


def edge_text(bound: BoundSet, edge: str) -> str:
    """Print a bound set, narrowed to the first or last position on its axis.

    Parameters
    ----------
    bound : BoundSet
        Of a series with a time axis.
    edge : {'^', '$'}
        Only filters to the left of it restrict the search (record sets, rule 34).
    """
    return replaced_text(bound, bound.series.axis.column, edge)


def replaced_text(bound: BoundSet, column: str, text: str) -> str:
    """Print a bound set with another filter on one of its prime keys.

    Parameters
    ----------
    bound : BoundSet
    column : str
        Column of the key: ``t_rec_index``, ``harpnum``.
    text : str
        What then stands in its brackets, as it is.
    """
    others = [condition for condition in bound.conditions if condition.column != column]
    return _printed(bound, others, {column: text})


def _printed(
    bound: BoundSet,
    conditions: Sequence[Condition],
    positions: Mapping[str, str] | None = None,
    recnums: str = "",
) -> str:
    columns = bound.series.internal_prime_keys
    taken = dict(positions or {})
    named = []
    for condition in conditions:
        text = None if condition.column in taken else _positional(bound, condition)
        if text is None:
            named.append(_named(bound, condition))
        else:
            taken[condition.column] = text
    last = max((columns.index(column) for column in taken), default=0)
    filters = [f"[{taken.get(column, '')}]" for column in columns[: last + 1]] or ["[]"]
    sql = "".join(_in_order(bound, one) for one in bound.sql)
    return f"{bound.series.name}{''.join(filters)}{''.join(named)}{recnums}{sql}{_segments(bound)}"


def _segments(bound: BoundSet) -> str:
    return "" if bound.segments is None else f"{{{','.join(bound.segments)}}}"


def _in_order(bound: BoundSet, one: Condition | SqlCondition) -> str:
    """One filter that can stand anywhere."""
    if isinstance(one, SqlCondition):
        mark = "!" if one.all_versions else "?"
        return f"[{mark} {one.text} {mark}]"
    if one.column not in bound.series.internal_prime_keys:
        return f"[:{_by_number(one, 1, 0)}]"
    return _named(bound, one)


def _positional(bound: BoundSet, condition: Condition) -> str | None:
    """Print what stands in the brackets of a key; None where only its name will do."""
    key = _external(bound, condition)
    if not bound.series.keyword(key).scope.is_slotted:
        return _values(bound, condition)
    if any(isinstance(end, int) and end <= 0 for s in condition.spans for end in (s.low, s.high)):
        return None  # DRMS's reading of [#-5] is not known; [T_REC_index=-5] is safe
    return ",".join(_index_span(span) for span in condition.spans)


def _named(bound: BoundSet, condition: Condition) -> str:
    key = bound.series.keyword(_external(bound, condition))
    name = f"{key.name}_index" if key.scope.is_slotted else key.name
    return f"[{name}={_values(bound, condition)}]"


def _external(bound: BoundSet, condition: Condition) -> str:
    return bound.series.prime_keys[bound.series.internal_prime_keys.index(condition.column)]


def _values(bound: BoundSet, condition: Condition) -> str:
    keyword = bound.series.keyword(_external(bound, condition))
    by_index = keyword.scope.is_slotted
    type_ = KeywordType.LONGLONG if by_index else keyword.type
    if any(span.low is None or span.high is None for span in condition.spans):
        key = find_key(bound.series, keyword.name, by_index=by_index)
        return _by_number(condition, key.number_step, key.number_base)
    spans = [_value_span(type_, span) for span in condition.spans]
    return ",".join([*spans, *condition.edges])


def _by_number(condition: Condition, step: float, base: float) -> str:
    """Alternatives of which one is open: DRMS has no open-ended ranges of values."""

    def number(value: float | str | None, end: int = 0) -> str:
        assert not isinstance(value, str), "a string has no numbers"
        return "" if value is None else f"{round((value - base) / step) - end:d}"

    spans = []
    for span in condition.spans:
        text = f"#{number(span.low)}"
        if not span.is_single:
            text += f"-#{number(span.high, 0 if span.high_included else 1)}"
        spans.append(text if span.step is None else f"{text}@{round(span.step / step):d}")
    return ",".join([*spans, *(f"#{edge}" for edge in condition.edges)])


def _index_span(span: Span) -> str:
    assert not isinstance(span.low, float | str)
    assert not isinstance(span.high, float | str)
    step = "" if span.step is None else f"@{span.step}"
    return _slots(span.low, span.high) + step


def _slots(low: int | None, high: int | None) -> str:
    """``#a-#b``, both inclusive, from a half-open interval (record sets, rule 28)."""
    if low is not None and high == low + 1:
        return f"#{low}"
    return f"#{'' if low is None else low}-#{'' if high is None else high - 1}"


def _value_span(type_: KeywordType, span: Span) -> str:
    low, high = span.low, span.high
    assert low is not None, "DRMS has no open-ended ranges of values"
    assert high is not None, "DRMS has no open-ended ranges of values"
    step = "" if span.step is None else f"@{_extent(type_, span.step)}"
    if isinstance(high, int):
        text = f"{low}" if high == int(low) + 1 and not step else f"{low}-{high - 1}"
    elif isinstance(low, str) or isinstance(high, str) or span.high_included:
        text = _value(type_, low)
        text += "" if high == low and not step else f"-{_value(type_, high)}"
    elif type_ is KeywordType.TIME:
        # Added in double precision, the difference gives the end again.
        text = f"{_value(type_, low)}/{_extent(type_, float(Decimal(high) - Decimal(low)))}"
    else:
        # Added as decimals, as PostgreSQL does with literals, it gives the end again.
        length = Decimal(repr(high)) - Decimal(repr(low))
        text = f"{_value(type_, low)}/{length.normalize():f}"
    return text + step


def _value(type_: KeywordType, value: float | str) -> str:
    if isinstance(value, str):
        for char, escape in (("\\", r"\\"), ("'", r"\'"), ("\n", r"\n"), ("\t", r"\t")):
            value = value.replace(char, escape)
        return f"'{value}'"
    return _exact_time(value) if type_ is KeywordType.TIME else _number(value)


def _extent(type_: KeywordType, value: float) -> str:
    return f"{_number(value)}s" if type_ is KeywordType.TIME else _number(value)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _exact_time(tai: float) -> str:
    """Print a time so that it parses to exactly this double."""
    whole = math.floor(tai)
    text = format_time(float(whole), "TAI")
    fraction = f"{Decimal(repr(tai - whole)):f}".removeprefix("0").removesuffix(".0")
    return f"{text.removesuffix('_TAI')}{fraction}_TAI" if tai != whole else text


def _time_window(window: Interval) -> str:
    low, high = max(window.low, _EARLIEST), min(window.high, _LATEST)
    return f"{_exact_time(low)}/{_number(float(Decimal(high) - Decimal(low)))}s"


def _whole(window: Interval) -> tuple[int | None, int | None]:
    """Give the whole numbers of a window, half-open; None where it is infinite."""
    low, high = window.low, window.high
    return (
        None if math.isinf(low) else math.ceil(low),
        None if math.isinf(high) else math.ceil(high),
    )


def _holds(condition: Condition, window: Interval) -> bool:
    """Whether every position of the window satisfies a condition on the axis."""
    return any(span.step is None and span.interval.contains(window) for span in condition.spans)
