"""Operators as PostgreSQL chooses them: by the types on both sides.

Two numbers are calculated with in their common type. The engine calculates ``numeric`` in double
precision, and every result of it is rounded to the 15 digits which that keeps.
Source: PostgreSQL 15, chapters 9 and 10.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from drmsmirror.model.conditions import constants
from drmsmirror.model.conditions.nodes import (
    Call,
    Case,
    Column,
    Constant,
    Node,
    SubSelect,
    columns_of,
)
from drmsmirror.model.conditions.refusal import RefusalError
from drmsmirror.model.conditions.sqltypes import SqlType, common_number, wider_number

__all__ = [
    "BINARY",
    "between",
    "binary",
    "bit_not",
    "boolean",
    "cast",
    "coerce",
    "comparable",
    "in_list",
    "in_select",
    "negative",
    "refuse_ungrouped",
    "settled",
    "text",
    "unified",
]


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

#: Operators that have another meaning between whole numbers.
_WHOLE: Final = {"/": "div", "%": "mod"}
#: The comparison that holds for the same two the other way round.
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def binary(operator: str, left: Node, right: Node) -> Node:
    """Two operands and the operator between them.

    Raises
    ------
    RefusalError
        There is no such operator for these types.
    """
    if operator in _COMPARISONS:
        return _compared(operator, left, right)
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
    left, right = _as_number(left, type_), _as_number(right, type_)
    if type_ is SqlType.NUMERIC:
        found = constants.calculated(operator, left, right)
        return found or Call("fifteen_digits", (Call(operator, (left, right), type_),), type_)
    return Call(_WHOLE.get(operator, operator) if type_.is_integer else operator,
                (left, right), type_)  # fmt: skip


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
    left, right = comparable("=", value, Column("", chosen.type))
    wanted = right.type
    return Call("in_select", (left, Call("selected", (chosen,), wanted)), SqlType.BOOLEAN)


def negative(node: Node) -> Node:
    """The number with the other sign."""
    node = _settled_with(node, SqlType.FLOAT8)
    if not node.type.is_number:
        raise RefusalError(f"there is no - before {node.type}")
    if isinstance(node, Constant):
        return constants.negated(node)
    if node.type.is_integer:
        return Call("-", (Constant(0, node.type), node), node.type)
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
    if node.type is SqlType.BITS and isinstance(node, Constant):
        if type_ is SqlType.TEXT:
            return Constant(node.value, type_)
        return constants.bits_as_number(str(node.value), type_)
    if type_ is SqlType.TEXT and (node.type.is_integer or node.type is SqlType.BOOLEAN):
        return Call("as_text", (node,), type_)
    if node.type is SqlType.TEXT and type_.is_number:
        return Call(f"{type_.name.lower()}_from_text", (node,), type_)
    if node.type is SqlType.BOOLEAN and type_ is SqlType.INT4:
        return Call("as_number", (node,), type_)
    if node.type is SqlType.INT4 and type_ is SqlType.BOOLEAN:
        return Call("<>", (node, Constant(0, SqlType.INT4)), type_)
    if node.type.is_number and type_.is_number:
        return _as_number(node, type_)
    if SqlType.TEXT in (node.type, type_):  # how PostgreSQL prints and reads what is left
        raise RefusalError(f"a cast of {node.type} to {type_}", is_valid=True)
    raise RefusalError(f"{node.type} cannot be cast to {type_}")


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
        return constants.literal(node, type_) if isinstance(node, Constant) else node
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


def comparable(operator: str, left: Node, right: Node) -> tuple[Node, Node]:
    """Both sides of a comparison, in the type in which PostgreSQL compares them."""
    left, right = _alike(left, right)
    if left.type.is_number and right.type.is_number:
        type_ = common_number(left.type, right.type)
        return _as_number(left, type_), _as_number(right, type_)
    if left.type is not right.type:
        raise _no_operator(operator, left, right)
    return left, right


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


def _compared(operator: str, left: Node, right: Node) -> Node:
    left, right = _alike(left, right)
    for whole, other, turned in (
        (left, right, operator),
        (right, left, _TURNED.get(operator, operator)),
    ):
        value = other.value if isinstance(other, Constant) else None
        if whole.type.is_integer and isinstance(value, Decimal) and value.is_finite():
            return _compared_exactly(turned, whole, value)
    left, right = comparable(operator, left, right)
    return Call(operator, (left, right), SqlType.BOOLEAN)


def _compared_exactly(operator: str, whole: Node, value: Decimal) -> Node:
    """A whole number and a decimal: compared with the whole number beside it, no digit is lost."""
    beside = int(value.to_integral_value(decimal.ROUND_FLOOR))
    if beside == value and constants.in_range(beside, SqlType.INT8):
        return binary(operator, whole, constants.whole(beside))
    smallest, largest = -(2**63), 2**63 - 1
    less, more = ("<=", ">") if beside >= smallest else ("<", ">=")
    end = constants.whole(min(max(beside, smallest), largest))
    match operator:
        case "<" | "<=":
            return binary(less, whole, end)
        case ">" | ">=":
            return binary(more, whole, end)
        case "=" | "<>":  # NULL where the number is
            return binary("<>" if operator == "=" else "=", whole, whole)
        case _:
            return Constant(operator == "is_other", SqlType.BOOLEAN)


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
    if isinstance(node, Constant) and isinstance(node.value, int | float | Decimal):
        return constants.converted(node.value, type_)
    if node.type is SqlType.NUMERIC and type_.is_integer:  # away from zero at a half
        node = Call("round_numeric", (node,), SqlType.NUMERIC)
    return Call(f"to_{type_.name.lower()}", (node,), type_)


def _bits_with(operator: str, left: Node, right: Node) -> Constant:
    """Bit strings are literals always, so that they are calculated with here."""
    if not (isinstance(left, Constant) and isinstance(right, Constant)) or {
        left.type,
        right.type,
    } != {SqlType.BITS}:
        raise _no_operator(operator, left, right)
    if operator not in (*_BITWISE, "||"):
        raise _no_operator(operator, left, right)
    return constants.bits_with(operator, str(left.value), str(right.value))
