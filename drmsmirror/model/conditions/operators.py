"""Operators as PostgreSQL chooses them: by the types on both sides.

A quoted literal takes the type of what it meets. Two numbers are calculated with in their common
type; ``numeric`` is calculated in double precision here, which keeps 15 digits.
Source: PostgreSQL 15, chapters 9 and 10.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from typing import Final

from drmsmirror.model.conditions.nodes import (
    Call,
    Case,
    Column,
    Constant,
    Node,
    SubSelect,
    columns_of,
)
from drmsmirror.model.conditions.sqltypes import SqlType, common_number, wider_number

__all__ = [
    "BINARY",
    "RefusalError",
    "between",
    "binary",
    "bit_not",
    "bits",
    "boolean",
    "cast",
    "coerce",
    "in_list",
    "in_select",
    "negative",
    "number",
    "refuse_ungrouped",
    "settled",
    "text",
    "unified",
]


class RefusalError(Exception):
    """PostgreSQL would refuse this; the message says why."""


#: The operators that take two operands, by the parser's name.
BINARY: Final = {
    "EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=",
    "NullSafeEQ": "is_same", "NullSafeNEQ": "is_other",
    "Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Mod": "%", "Pow": "^",
    "BitwiseAnd": "&", "BitwiseOr": "|", "BitwiseXor": "#",
    "BitwiseLeftShift": "<<", "BitwiseRightShift": ">>", "DPipe": "||",
}  # fmt: skip

_COMPARISONS: Final = ("=", "<>", "<", "<=", ">", ">=", "is_same", "is_other")
_SHIFTS: Final = ("<<", ">>")
_BITWISE: Final = ("&", "|", "#")

_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]+\s*")
#: What stands unquoted; a sign is an operator.
_UNSIGNED: Final = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_FLOAT: Final = re.compile(
    r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)\s*", re.IGNORECASE
)
#: Operators that have another meaning between whole numbers.
_WHOLE: Final = {"/": "div", "%": "mod"}
_TRUE: Final = frozenset({"t", "true", "y", "yes", "on", "1"})
_FALSE: Final = frozenset({"f", "false", "n", "no", "off", "0"})


def binary(operator: str, left: Node, right: Node) -> Node:
    """Two operands and the operator between them.

    Raises
    ------
    RefusalError
        There is no such operator for these types.
    """
    if operator in _COMPARISONS:
        left, right = _comparable(operator, left, right)
        return Call(operator, (left, right), SqlType.BOOLEAN)
    if operator == "||":
        return _joined(left, right)
    if operator in _SHIFTS:
        left, right = _settled_with(left, SqlType.INT4), coerce(right, SqlType.INT4)
        if not left.type.is_integer:
            raise _no_operator(operator, left, right)
        return Call(f"{operator}{left.type.bits}", (left, right), left.type)
    left, right = _alike(left, right)
    if SqlType.BITS in (left.type, right.type):
        return _bits_with(operator, left, right)
    if not (left.type.is_number and right.type.is_number):
        raise _no_operator(operator, left, right)
    type_ = common_number(left.type, right.type)
    if operator == "^":
        type_ = SqlType.NUMERIC if type_ is SqlType.NUMERIC else SqlType.FLOAT8
    if operator in _BITWISE and not type_.is_integer:
        raise _no_operator(operator, left, right)
    if operator == "%" and type_ in (SqlType.FLOAT4, SqlType.FLOAT8):
        raise _no_operator(operator, left, right)
    name = _WHOLE.get(operator, operator) if type_.is_integer else operator
    return Call(name, (_as_number(left, type_), _as_number(right, type_)), type_)


def between(value: Node, low: Node, high: Node) -> Node:
    """Not below one end and not above the other."""
    ends = (binary(">=", value, low), binary("<=", value, high))
    return Call("and", ends, SqlType.BOOLEAN)


def in_list(value: Node, members: Sequence[Node]) -> Node:
    """Equal to one of them.

    Several members without columns are first brought to one type, with the value: so a ``real`` is
    in ``(0.1, 0.2)`` where it does not equal ``0.1``.
    """
    fixed = [member for member in members if not columns_of(member)]
    if len(fixed) > 1:
        try:
            common: SqlType | None = unified([value, *fixed])[0].type
        except RefusalError:  # each comparison by itself says what is wrong
            common = None
        if common is not None:
            members = [cast(one, common) if one in fixed else one for one in members]
    found = tuple(binary("=", value, member) for member in members)
    return found[0] if len(found) == 1 else Call("or", found, SqlType.BOOLEAN)


def in_select(value: Node, chosen: SubSelect) -> Node:
    """Equal to one that a sub-select gives."""
    left, right = _comparable("=", value, Column("", chosen.type))
    wanted = right.type
    return Call("in_select", (left, Call("selected", (chosen,), wanted)), SqlType.BOOLEAN)


def number(written: str) -> Constant:
    """A number as it stands: the smallest whole type that holds it, else ``numeric``."""
    if not _UNSIGNED.fullmatch(written):
        raise RefusalError(f"{written[:30]!r} is no number")
    digits = written.lstrip("0") or "0"
    if written.isdigit() and len(digits) <= 19:
        value = int(digits)
        for type_ in (SqlType.INT4, SqlType.INT8):
            if value < 2 ** (type_.bits - 1):
                return Constant(value, type_)
        if value == 2**63:  # its negative is the smallest there is
            return Constant(value, SqlType.NUMERIC)
    value_of_text = float(written)
    if math.isinf(value_of_text):
        raise RefusalError(f"{written[:30]} is out of range")
    return Constant(value_of_text, SqlType.NUMERIC)


def bits(digits: str, base: int) -> Constant:
    """A bit string, ``x'1c'`` or ``b'101'``, as its digits; it becomes a number by a cast."""
    try:
        value = int(digits, base) if digits else 0
    except ValueError:
        raise RefusalError(f"{digits[:30]!r} is no bit string") from None
    width = len(digits) * (4 if base == 16 else 1)
    return Constant(f"{value:b}".zfill(width) if width else "", SqlType.BITS)


def negative(node: Node) -> Node:
    """The number with the other sign."""
    node = _settled_with(node, SqlType.FLOAT8)
    if not node.type.is_number:
        raise RefusalError(f"there is no - before {node.type}")
    if isinstance(node, Constant) and node.value is not None:
        value = -node.value  # type: ignore[operator]
        is_whole = isinstance(value, int) and value >= -(2**63)
        if is_whole and node.type is SqlType.NUMERIC:
            return Constant(value, SqlType.INT8)
        return Constant(value, node.type)
    return Call("negative", (node,), node.type)


def bit_not(node: Node) -> Node:
    """Every bit turned over."""
    if node.type is SqlType.BITS and isinstance(node, Constant):
        turned = str(node.value).translate(str.maketrans("01", "10"))
        return Constant(turned, SqlType.BITS)
    if not node.type.is_integer:
        raise RefusalError(f"there is no ~ before {node.type}")
    return Call("~", (node,), node.type)


def cast(node: Node, type_: SqlType) -> Node:
    """``value::type``."""
    if node.type is type_:
        return node
    if node.type is SqlType.UNKNOWN:
        return coerce(node, type_)
    if node.type is SqlType.BITS:
        return _bits_as_number(node, type_)
    if type_ is SqlType.TEXT and (node.type.is_integer or node.type is SqlType.BOOLEAN):
        return Call("as_text", (node,), type_)
    if node.type is SqlType.TEXT and (type_.is_integer or type_ in _PLAIN_FLOATS):
        return Call(f"{type_.name.lower()}_from_text", (node,), type_)
    if node.type is SqlType.BOOLEAN and type_ is SqlType.INT4:
        return Call("as_number", (node,), type_)
    if node.type is SqlType.INT4 and type_ is SqlType.BOOLEAN:
        return Call("<>", (node, Constant(0, SqlType.INT4)), type_)
    if node.type.is_number and type_.is_number:
        return _as_number(node, type_)
    raise RefusalError(f"{node.type} cannot be cast to {type_} here")


_PLAIN_FLOATS: Final = (SqlType.FLOAT4, SqlType.FLOAT8, SqlType.NUMERIC)


def coerce(node: Node, type_: SqlType) -> Node:
    """A node where a type is wanted: literals become it, smaller numbers too, nothing else.

    Raises
    ------
    RefusalError
        The literal is no such value, or the type does not go with it.
    """
    if node.type is type_:
        return node
    if node.type is SqlType.UNKNOWN:
        return _literal(node, type_) if isinstance(node, Constant) else node
    if node.type.is_number and type_.is_number and common_number(node.type, type_) is type_:
        return _as_number(node, type_)
    raise RefusalError(f"{type_} is wanted here, and this is {node.type}")


def boolean(node: Node) -> Node:
    """A node where true or false is wanted."""
    return coerce(node, SqlType.BOOLEAN)


def text(node: Node) -> Node:
    """A node where a text is wanted."""
    return coerce(node, SqlType.TEXT)


def settled(node: Node) -> Node:
    """A literal that met nothing is a text."""
    return _settled_with(node, SqlType.TEXT)


def unified(nodes: Sequence[Node]) -> list[Node]:
    """Values of which one is chosen, in their common type (CASE, COALESCE, GREATEST)."""
    types = {node.type for node in nodes} - {SqlType.UNKNOWN}
    if not types:
        return [settled(node) for node in nodes]
    if len(types) > 1 and not all(type_.is_number for type_ in types):
        raise RefusalError(f"{' and '.join(sorted(types))} cannot be matched")
    wanted = wider_number(types) if len(types) > 1 else next(iter(types))
    return [
        coerce(node, wanted) if node.type is SqlType.UNKNOWN else cast(node, wanted)
        for node in nodes
    ]


def refuse_ungrouped(value: Node, groups: Sequence[Node]) -> None:
    """A selected column is grouped by, or nothing is counted beside it.

    Raises
    ------
    RefusalError
    """
    from drmsmirror.model.conditions.functions import AGGREGATES

    def columns(node: Node) -> list[Column]:
        if node in groups:
            return []
        if isinstance(node, Call):
            inside = () if node.name in AGGREGATES else node.arguments
            return [column for one in inside for column in columns(one)]
        if isinstance(node, Case):
            parts = [part for branch in node.branches for part in branch] + [node.otherwise]
            return [column for one in parts for column in columns(one)]
        return [node] if isinstance(node, Column) else []

    def counts(node: Node) -> bool:
        return isinstance(node, Call) and (
            node.name in AGGREGATES or any(counts(one) for one in node.arguments)
        )

    loose = columns(value)
    if loose and (groups or counts(value)):
        raise RefusalError(f"{loose[0].name} must stand in GROUP BY or in an aggregate function")


# ------------------------------------------------------------------------------------ in private
def _no_operator(operator: str, left: Node, right: Node) -> RefusalError:
    return RefusalError(f"there is no operator {left.type} {operator} {right.type}")


def _alike(left: Node, right: Node) -> tuple[Node, Node]:
    """Literals take the type of the other side."""
    if left.type is SqlType.UNKNOWN and right.type is not SqlType.UNKNOWN:
        return coerce(left, right.type), right
    if right.type is SqlType.UNKNOWN and left.type is not SqlType.UNKNOWN:
        return left, coerce(right, left.type)
    return settled(left), settled(right)


def _comparable(operator: str, left: Node, right: Node) -> tuple[Node, Node]:
    left, right = _alike(left, right)
    if left.type.is_number and right.type.is_number:
        type_ = common_number(left.type, right.type)
        return _as_number(left, type_), _as_number(right, type_)
    if left.type is not right.type:
        raise _no_operator(operator, left, right)
    return left, right


def _joined(left: Node, right: Node) -> Node:
    """``||`` of a text and anything; of two bit strings."""
    if SqlType.BITS in (left.type, right.type):
        return _bits_with("||", left, right)
    if SqlType.TEXT not in (left.type, right.type) and SqlType.UNKNOWN not in (
        left.type,
        right.type,
    ):
        raise _no_operator("||", left, right)
    return Call("||", (cast(settled(left), SqlType.TEXT), cast(settled(right), SqlType.TEXT)),
                SqlType.TEXT)  # fmt: skip


def _settled_with(node: Node, type_: SqlType) -> Node:
    return coerce(node, type_) if node.type is SqlType.UNKNOWN else node


def _as_number(node: Node, type_: SqlType) -> Node:
    """A number in another type: constants at once, all else by a cast."""
    if node.type is type_:
        return node
    if type_ is SqlType.NUMERIC and node.type in (SqlType.FLOAT4, SqlType.FLOAT8):
        return Call(f"numeric_of_{node.type.name.lower()}", (node,), type_)
    if isinstance(node, Constant) and isinstance(node.value, int | float):
        if type_.is_integer and node.type in (SqlType.FLOAT4, SqlType.FLOAT8):
            return _constant(_even(node.value, type_), type_)
        return _constant(node.value, type_)
    if node.type is SqlType.NUMERIC and type_.is_integer:  # away from zero at a half
        node = Call("round_numeric", (node,), SqlType.NUMERIC)
    return Call(f"to_{type_.name.lower()}", (node,), type_)


def _even(value: int | float, type_: SqlType) -> int:
    """To the even neighbour at a half, as floats are rounded."""
    if not math.isfinite(value):
        raise RefusalError(f"{value} is out of range for {type_}")
    return round(value)


def _floating(value: float, type_: SqlType) -> Constant:
    """A number that is not whole; a ``real`` with the bits that it has."""
    if type_ is SqlType.FLOAT4 and math.isfinite(value):
        try:
            (value,) = struct.unpack("f", struct.pack("f", value))
        except OverflowError:
            raise RefusalError(f"{value:g} is out of range for {type_}") from None
    return Constant(value, type_)


def _constant(value: int | float, type_: SqlType) -> Constant:
    if not type_.is_integer:
        return _floating(float(value), type_)
    if not math.isfinite(value):
        raise RefusalError(f"{value} is out of range for {type_}")
    whole = value if isinstance(value, int) else math.floor(abs(value) + 0.5)
    whole = whole if isinstance(value, int) or value >= 0 else -whole
    if not -(2 ** (type_.bits - 1)) <= whole < 2 ** (type_.bits - 1):
        raise RefusalError(f"{value:g} is out of range for {type_}")
    return Constant(int(whole), type_)


def _literal(node: Constant, type_: SqlType) -> Constant:
    """A quoted literal as a value of a type."""
    if node.value is None:
        return Constant(None, type_)
    written = str(node.value)
    wrong = RefusalError(f"{written[:40]!r} is no {type_}")
    if type_.is_integer:
        if not _INTEGER.fullmatch(written) or len(written.strip()) > 30:
            raise wrong
        value = int(written)
        if not -(2 ** (type_.bits - 1)) <= value < 2 ** (type_.bits - 1):
            raise RefusalError(f"{written.strip()} is out of range for {type_}")
        return Constant(value, type_)
    if type_ in _PLAIN_FLOATS:
        if not _FLOAT.fullmatch(written):
            raise wrong
        return _floating(float(written), type_)
    if type_ is SqlType.BOOLEAN:
        word = written.strip().lower()
        if word not in _TRUE | _FALSE:
            raise wrong
        return Constant(word in _TRUE, type_)
    if type_ is SqlType.BITS:
        if set(written) - {"0", "1"}:
            raise wrong
        return Constant(written, type_)
    return Constant(written, type_)


def _bits_with(operator: str, left: Node, right: Node) -> Constant:
    """Bit strings are literals always, so that they are calculated with here."""
    if not (isinstance(left, Constant) and isinstance(right, Constant)) or {
        left.type,
        right.type,
    } != {SqlType.BITS}:
        raise _no_operator(operator, left, right)
    one, other = str(left.value), str(right.value)
    if operator == "||":
        return Constant(one + other, SqlType.BITS)
    if operator not in _BITWISE:
        raise _no_operator(operator, left, right)
    if len(one) != len(other):
        raise RefusalError(f"bit strings of {len(one)} and {len(other)} bits do not go together")
    a, b = int(one or "0", 2), int(other or "0", 2)
    value = {"&": a & b, "|": a | b, "#": a ^ b}[operator]
    return Constant(f"{value:b}".zfill(len(one)) if one else "", SqlType.BITS)


def _bits_as_number(node: Node, type_: SqlType) -> Constant:
    """A bit string as a whole number of two's complement."""
    if not isinstance(node, Constant) or type_ not in (SqlType.INT4, SqlType.INT8):
        raise RefusalError(f"{node.type} cannot be cast to {type_}")
    written = str(node.value)
    if len(written) > type_.bits:
        raise RefusalError(f"a bit string of {len(written)} bits is out of range for {type_}")
    value = int(written or "0", 2)
    sign = 2 ** (type_.bits - 1)
    return Constant(value - 2 * sign if value >= sign else value, type_)
