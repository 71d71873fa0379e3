"""What stands in a condition as it is: numbers, quoted literals, bit strings.

A ``numeric`` is kept as the decimal number that was written, and calculated with exactly where both
sides stand there. A quoted literal takes the type of what it meets.
Source: PostgreSQL 15, chapters 4.1.2 and 8.
"""

from __future__ import annotations

import decimal
import math
import re
import struct
from decimal import Decimal
from typing import Final

from drmsmirror.model.conditions.nodes import Constant, Node
from drmsmirror.model.conditions.refusal import RefusalError
from drmsmirror.model.conditions.sqltypes import SqlType

__all__ = [
    "bits",
    "bits_as_number",
    "bits_with",
    "calculated",
    "converted",
    "in_range",
    "literal",
    "negated",
    "number",
    "whole",
]

_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]+\s*")
#: What stands unquoted; a sign is an operator.
_UNSIGNED: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_FLOAT: Final = re.compile(
    r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)\s*", re.IGNORECASE
)
_TRUE: Final = frozenset({"t", "true", "y", "yes", "on", "1"})
_FALSE: Final = frozenset({"f", "false", "n", "no", "off", "0"})

#: Exact, or not at all.
_EXACT: Final = decimal.Context(prec=1_000, traps=[decimal.Inexact, decimal.InvalidOperation])


def number(written: str) -> Constant:
    """A number as it stands: the smallest whole type that holds it, else ``numeric``."""
    if not _UNSIGNED.fullmatch(written):
        raise RefusalError(f"{written[:30]!r} is no number")
    value = _reached(_decimal(written))
    if written.isdigit() and in_range(value, SqlType.INT8):
        return whole(int(value))
    return Constant(value, SqlType.NUMERIC)


def whole(value: int) -> Constant:
    """A whole number, in the smallest type that a number which stands there can have."""
    return Constant(value, SqlType.INT4 if in_range(value, SqlType.INT4) else SqlType.INT8)


def literal(node: Constant, type_: SqlType) -> Constant:
    """A quoted literal as a value of a type."""
    if node.value is None:
        return Constant(None, type_)
    written = str(node.value)
    wrong = RefusalError(f"{written[:40]!r} is no {type_}")
    if type_.is_integer:
        if not _INTEGER.fullmatch(written):
            raise wrong
        return converted(Decimal(written.strip()), type_)
    if type_.is_number:
        if not _FLOAT.fullmatch(written):
            raise wrong
        value = _decimal(written.strip())
        return Constant(_reached(value), type_) if type_ is SqlType.NUMERIC else _floating(
            value, type_
        )  # fmt: skip
    if type_ is SqlType.BOOLEAN:
        word = written.strip().lower()
        if word not in _TRUE | _FALSE:
            raise wrong
        return Constant(word in _TRUE, type_)
    if type_ is SqlType.BITS and set(written) - {"0", "1"}:
        raise wrong
    return Constant(written, type_)


def converted(value: int | float | Decimal, type_: SqlType) -> Constant:
    """A number in another type of number.

    To a whole one a float is rounded to the even neighbour at a half, a decimal away from zero.
    """
    if type_ is SqlType.NUMERIC:
        return Constant(Decimal(value), type_)
    if not type_.is_integer:
        return _floating(value, type_)
    if math.isfinite(value):
        rounded = (
            value.to_integral_value(decimal.ROUND_HALF_UP)
            if isinstance(value, Decimal)
            else round(value)
        )
        if in_range(rounded, type_):
            return Constant(int(rounded), type_)
    raise RefusalError(f"{Decimal(value):.20g} is out of range for {type_}")


def in_range(value: int | float | Decimal, type_: SqlType) -> bool:
    """Whether a whole number is one of a type."""
    largest: int = 2 ** (type_.bits - 1) - 1
    return -largest - 1 <= value <= largest


def negated(node: Constant) -> Constant:
    """The number with the other sign."""
    value = node.value
    if isinstance(value, Decimal):
        value = value.copy_negate()
        is_smallest = value == -(2**63)
        return Constant(int(value), SqlType.INT8) if is_smallest else Constant(value, node.type)
    if node.type.is_integer and isinstance(value, int):
        return converted(-value, node.type)
    return Constant(-value if isinstance(value, float) else None, node.type)


def calculated(operator: str, left: Node, right: Node) -> Constant | None:
    """Two decimals that stand there, exactly; None where the engine has to calculate."""
    if not (isinstance(left, Constant) and isinstance(right, Constant)):
        return None
    one, other = left.value, right.value
    if not (isinstance(one, Decimal) and isinstance(other, Decimal)):
        return None
    try:
        match operator:
            case "+":
                value = _EXACT.add(one, other)
            case "-":
                value = _EXACT.subtract(one, other)
            case "*":
                value = _EXACT.multiply(one, other)
            case _:
                return None
    except decimal.DecimalException:
        return None
    return None if math.isinf(float(value)) else Constant(value, SqlType.NUMERIC)


def bits(digits: str, base: int) -> Constant:
    """A bit string, ``x'1c'`` or ``b'101'``, as its digits; it becomes a number by a cast."""
    try:
        value = int(digits, base) if digits else 0
    except ValueError:
        raise RefusalError(f"{digits[:30]!r} is no bit string") from None
    width = len(digits) * (4 if base == 16 else 1)
    return Constant(f"{value:b}".zfill(width) if width else "", SqlType.BITS)


def bits_with(operator: str, left: str, right: str) -> Constant:
    """Bit strings are literals always, so that they are calculated with here."""
    if operator == "||":
        return Constant(left + right, SqlType.BITS)
    if len(left) != len(right):
        raise RefusalError(f"bit strings of {len(left)} and {len(right)} bits do not go together")
    a, b = int(left or "0", 2), int(right or "0", 2)
    value = {"&": a & b, "|": a | b, "#": a ^ b}[operator]
    return Constant(f"{value:b}".zfill(len(left)) if left else "", SqlType.BITS)


def bits_as_number(written: str, type_: SqlType) -> Constant:
    """A bit string as a whole number of two's complement."""
    if type_ not in (SqlType.INT4, SqlType.INT8):
        raise RefusalError(f"{SqlType.BITS} cannot be cast to {type_}")
    if len(written) > type_.bits:
        raise RefusalError(f"a bit string of {len(written)} bits is out of range for {type_}")
    value = int(written or "0", 2)
    sign = 2 ** (type_.bits - 1)
    return Constant(value - 2 * sign if value >= sign else value, type_)


def _decimal(written: str) -> Decimal:
    try:
        return Decimal(written)
    except decimal.InvalidOperation:
        raise RefusalError(f"{written[:30]} is out of range") from None


def _reached(value: Decimal) -> Decimal:
    """A decimal as large as the engine's: PostgreSQL's reach further."""
    if value.is_finite() and math.isinf(float(value)):
        raise RefusalError(f"the number {value:.20g}", is_valid=True)
    return value


def _floating(value: int | float | Decimal, type_: SqlType) -> Constant:
    """A floating number, a ``real`` with the bits that it has; none that is lost in its type."""
    given, found = Decimal(value), float(value)
    if type_ is SqlType.FLOAT4 and math.isfinite(found):
        try:
            (found,) = struct.unpack("<f", struct.pack("<f", found))
        except OverflowError:
            found = math.inf
    if given.is_finite() and (math.isinf(found) or (found == 0 and given)):
        raise RefusalError(f"{given:.20g} is out of range for {type_}")
    return Constant(found, type_)
