"""Turn one alternative of a filter into a span of stored values (record sets, rules 14-27)."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal
from typing import Final

from drmsmirror.model.recordset.bound import Span
from drmsmirror.model.recordset.keys import Key
from drmsmirror.model.recordset.slotspans import slot_span, time_span
from drmsmirror.model.recordset.values import Alternative, Kind, Part, parse_value
from drmsmirror.model.types import KeywordType

__all__ = ["read_span"]

_MISSING: Final = "DRMS_MISSING_VALUE"
_MANY_DIGITS: Final = 20  # more than any type holds
_ESCAPES: Final = {"t": "\t", "n": "\n", "\\": "\\", '"': '"', "'": "'"}


def read_span(key: Key, text: str) -> Span:
    """Bind one alternative of a filter.

    Parameters
    ----------
    key : Key
        The key that the filter is about.
    text : str
        The alternative as it was written.

    Raises
    ------
    RecordSetError
        The text means nothing for this key; positions count in ``text``.
    """
    given = parse_value(key.kind, key.name, text)
    if key.slots is not None:
        return slot_span(key, key.slots, given)
    if key.kind is Kind.TIME:
        return time_span(key, given)
    if key.kind is Kind.INTEGER:
        return _integer_span(key, given)
    return _number_span(key, given) if key.kind is Kind.NUMBER else _string_span(key, given)


def _integer_span(key: Key, given: Alternative) -> Span:
    """Record sets, rule 15."""
    low = _integer(key, given, given.first)
    high = low + 1
    most = 2 ** (key.type.bits - 1)  # a column cannot hold more: printable, and the same rows
    if given.last:
        high = _integer(key, given, given.last) + 1
    elif given.length:
        high = min(low + _integer(key, given, given.length), most)
    step = given.checked_step(_integer(key, given, given.step)) if given.step else None
    if high <= -most:
        return Span(1, 1)  # nothing, in numbers that can be printed
    return Span(low, high, step=step)


def _integer(key: Key, given: Alternative, part: Part) -> int:
    if part.text == _MISSING:
        return int(key.type.missing)
    least = int(-(2 ** (key.type.bits - 1)))
    value = _whole_number(part.text)
    if value is None or not least <= value < -least:
        raise given.error(
            f"{part.text} does not fit {key.name}, whose type is {key.type}",
            part,
            f"It holds {least} to {-least - 1}",
        )
    return value


def _whole_number(text: str) -> int | None:
    """Read decimal or hexadecimal digits, 010 as ten (record sets, rule 15); None if very many."""
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-").lower()
    base = 16 if digits.startswith("0x") else 10
    digits = digits.removeprefix("0x").lstrip("0") or "0"
    return sign * int(digits, base) if len(digits) <= _MANY_DIGITS else None


def _number_span(key: Key, given: Alternative) -> Span:
    """Record sets, rule 16."""
    low = _number(key, given, given.first)
    step = given.checked_step(_number(key, given, given.step)) if given.step else None
    if given.length:
        length = _number(key, given, given.length)
        # PostgreSQL adds the two literals as decimals before it compares with the column.
        return Span(low, float(Decimal(repr(low)) + Decimal(repr(length))), step=step)
    high = _number(key, given, given.last) if given.last else low
    return Span(low, high, high_included=True, step=step)


def _number(key: Key, given: Alternative, part: Part) -> float:
    """Read a number as DRMS puts it into its SQL: for a ``float`` key rounded to nine digits.

    So ``[10.1]`` does not find a stored 10.1 (record sets, rule 16): compared as doubles, the
    literal 10.1000004 and the stored 10.100000381 differ.
    """
    try:
        is_hexadecimal = part.text.lstrip("+-")[:2].lower() == "0x"
        value = float.fromhex(part.text) if is_hexadecimal else float(part.text)
        if key.type is KeywordType.FLOAT:
            value = float(f"{struct.unpack('f', struct.pack('f', value))[0]:.9g}")
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise given.error(f"{part.text} does not fit {key.name}, whose type is {key.type}", part)
    return value


def _string_span(key: Key, given: Alternative) -> Span:
    """Record sets, rule 17."""
    low = _string(key, given, given.first)
    high = _string(key, given, given.last) if given.last else low
    return Span(low, high, high_included=True)


def _string(key: Key, given: Alternative, part: Part) -> str:
    if part.text == _MISSING:
        return str(key.type.missing)
    if part.text[0] not in "'\"":
        return part.text

    def unescaped(escape: re.Match[str]) -> str:
        if escape[1] not in _ESCAPES:
            raise given.error(
                f"{escape[0]!r} is no escape",
                Part(escape[0], part.offset + 1 + escape.start()),
                r"A backslash is written \\; the others are \t \n \" \'",
            )
        return _ESCAPES[escape[1]]

    return re.sub(r"\\([\s\S])", unescaped, part.text[1:-1])
