"""The functions that a condition may call: a named list; each looks at its arguments only.

Source: PostgreSQL 15, chapter 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drmsmirror.model.conditions import operators
from drmsmirror.model.conditions.nodes import Call, Constant, Node, SubSelect, walk
from drmsmirror.model.conditions.refusal import RefusalError
from drmsmirror.model.conditions.sqltypes import SqlType

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["AGGREGATES", "BEFORE_BRACKETS", "Called", "call_of", "make", "name_of"]

AGGREGATES: Final = frozenset({"min", "max", "sum", "avg", "count", "count_all", "count_distinct"})

#: Of one number, in double precision.
_OF_DOUBLE: Final = frozenset(
    [
        "sqrt",
        "cbrt",
        "exp",
        "ln",
        "log10",
        "sin",
        "cos",
        "tan",
        "cot",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "degrees",
        "radians",
    ]
)
_OF_TEXT: Final = frozenset({"lower", "upper", "reverse"})
#: Names that mean the same.
_SAME: Final = {
    "ceiling": "ceil", "char_length": "length", "character_length": "length", "substr": "substring",
    "pow": "power", "btrim": "trim", "log": "log10",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Called:
    """A function that was called.

    Parameters
    ----------
    name : str
    arguments : tuple of sqlglot expressions
    """

    name: str
    arguments: tuple[exp.Expr, ...]

    @property
    def is_aggregate(self) -> bool:
        """Whether it makes one value of many records."""
        return self.name in AGGREGATES


def call_of(tree: exp.Expr) -> Called | None:
    """What function a node of the parser calls, with which arguments; None for no known one."""
    from sqlglot import exp

    if isinstance(tree, exp.Log) and tree.expression is not None:
        base = tree.this  # log10(x) is a logarithm to the base 10
        is_ten = isinstance(base, exp.Literal) and base.this == "10"
        return Called("log10", (tree.expression,)) if is_ten else None
    reading = _READINGS.get(type(tree).__name__)
    if reading is not None:
        name, members = reading
        used = {member for member, value in tree.args.items() if value is not None}
        given = [tree.args[member] for member in members if member in used]
        flat = [one for part in given for one in (part if isinstance(part, list) else [part])]
        allowed = {*members, "ignore_nulls", "big_int", "safe", "coalesce"}
        if isinstance(tree, exp.Trim):
            name = _TRIMS.get(str(tree.args.get("position") or ""), name)
            allowed.add("position")
        if any(tree.args[member] for member in used - allowed):
            return None
        if name == "count" and flat and isinstance(flat[0], exp.Star):
            return Called("count_all", ())
        if name in ("count", "min", "max", "sum", "avg") and isinstance(flat[0], exp.Distinct):
            inner = flat[0].expressions
            distinct = "count_distinct" if name == "count" else name
            return Called(distinct, tuple(inner)) if len(inner) == 1 else None
        return Called(name, tuple(flat))
    if isinstance(tree, exp.Anonymous):
        name = str(tree.this).lower()
        name = _SAME.get(name, name)
        return Called(name, tuple(tree.expressions)) if name in _MAKERS else None
    return None


def name_of(tree: exp.Expr) -> str:
    """What a node of the parser is called, for messages."""
    from sqlglot import exp

    if isinstance(tree, exp.Anonymous):
        return f"The function {str(tree.this)[:40]}()"
    if isinstance(tree, exp.Func):
        return f"The function {tree.sql_name().lower()}()"
    return f"This {type(tree).__name__.upper()}"


#: By the side that is trimmed.
_TRIMS: Final = {"LEADING": "ltrim", "TRAILING": "rtrim"}

#: By the parser's node, the function and where its arguments stand.
_READINGS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "Abs": ("abs", ("this",)), "Sign": ("sign", ("this",)), "Sqrt": ("sqrt", ("this",)),
    "Cbrt": ("cbrt", ("this",)), "Exp": ("exp", ("this",)), "Ln": ("ln", ("this",)),
    "Log": ("log10", ("this",)), "Ceil": ("ceil", ("this",)),
    "Floor": ("floor", ("this",)), "Round": ("round", ("this", "decimals")),
    "Trunc": ("trunc", ("this", "decimals")), "Sin": ("sin", ("this",)),
    "Cos": ("cos", ("this",)), "Tan": ("tan", ("this",)), "Cot": ("cot", ("this",)),
    "Asin": ("asin", ("this",)), "Acos": ("acos", ("this",)), "Atan": ("atan", ("this",)),
    "Atan2": ("atan2", ("this", "expression")), "Sinh": ("sinh", ("this",)),
    "Cosh": ("cosh", ("this",)), "Tanh": ("tanh", ("this",)),
    "Degrees": ("degrees", ("this",)), "Radians": ("radians", ("this",)), "Pi": ("pi", ()),
    "Greatest": ("greatest", ("this", "expressions")),
    "Least": ("least", ("this", "expressions")),
    "Coalesce": ("coalesce", ("this", "expressions")), "Nullif": ("nullif", ("this", "expression")),
    "Length": ("length", ("this",)), "Lower": ("lower", ("this",)), "Upper": ("upper", ("this",)),
    "Reverse": ("reverse", ("this",)), "Substring": ("substring", ("this", "start", "length")),
    "StrPosition": ("strpos", ("this", "substr")),
    "Trim": ("trim", ("this", "expression")),
    "Left": ("left", ("this", "expression")), "Right": ("right", ("this", "expression")),
    "Replace": ("replace", ("this", "expression", "replacement")),
    "Concat": ("concat", ("expressions",)), "StartsWith": ("starts_with", ("this", "expression")),
    "Min": ("min", ("this",)), "Max": ("max", ("this",)), "Sum": ("sum", ("this",)),
    "Avg": ("avg", ("this",)), "Count": ("count", ("this",)),
}  # fmt: skip


def make(called: Called, arguments: Sequence[Node]) -> Node:
    """The node of a call.

    Raises
    ------
    RefusalError
        PostgreSQL has no such function for these arguments.
    """
    least, most, maker = _MAKERS[called.name]
    if not least <= len(arguments) <= most:
        raise RefusalError(f"{called.name}() does not take {len(arguments)} arguments")
    return maker(called.name, list(arguments))


def _no_function(name: str, arguments: Sequence[Node]) -> RefusalError:
    kinds = ", ".join(argument.type for argument in arguments)
    return RefusalError(f"there is no function {name}({kinds})")


def _number(name: str, node: Node) -> Node:
    """A number; a literal is taken for one in double precision."""
    if node.type is SqlType.UNKNOWN:
        node = operators.coerce(node, SqlType.FLOAT8)
    if not node.type.is_number:
        raise _no_function(name, [node])
    return node


def _double(name: str, arguments: list[Node]) -> Node:
    numbers = [operators.cast(_number(name, one), SqlType.FLOAT8) for one in arguments]
    return Call(name, tuple(numbers), SqlType.FLOAT8)


def _same_type(name: str, arguments: list[Node]) -> Node:
    """``abs``, and ``sign`` of what is not whole."""
    node = _number(name, arguments[0])
    if name == "sign" and (node.type.is_integer or node.type is SqlType.FLOAT4):
        node = operators.cast(node, SqlType.FLOAT8)
    return Call(name, (node,), node.type)


def _rounding(name: str, arguments: list[Node]) -> Node:
    """``numeric`` is rounded away from zero at a half, doubles to the even neighbour."""
    node = _number(name, arguments[0])
    if len(arguments) > 1:
        if node.type in (SqlType.FLOAT4, SqlType.FLOAT8):
            raise _no_function(name, arguments)
        digits = operators.coerce(arguments[1], SqlType.INT4)
        if not isinstance(digits, Constant) or not isinstance(digits.value, int):
            raise RefusalError(f"{name}() to digits that are computed", is_valid=True)
        if abs(digits.value) > 15:
            raise RefusalError(f"{name}() to {digits.value} digits", is_valid=True)
        wide = operators.cast(node, SqlType.NUMERIC)
        return Call(f"{name}_digits", (wide, digits), SqlType.NUMERIC)
    if node.type is SqlType.NUMERIC:
        return Call(f"{name}_numeric", (node,), SqlType.NUMERIC)
    return Call(name, (operators.cast(node, SqlType.FLOAT8),), SqlType.FLOAT8)


def _power(_: str, arguments: list[Node]) -> Node:
    one, other = (_number("power", argument) for argument in arguments)
    return operators.binary("^", one, other)


def _remainder(_: str, arguments: list[Node]) -> Node:
    return operators.binary("%", *arguments)


def _choice(name: str, arguments: list[Node]) -> Node:
    values = operators.unified(arguments)
    return values[0] if len(values) == 1 else Call(name, tuple(values), values[0].type)


def _null_if(_: str, arguments: list[Node]) -> Node:
    """The first in the type in which the two are compared."""
    value, other = operators.comparable("=", *arguments)
    same = Call("=", (value, other), SqlType.BOOLEAN)
    return Call("nullif", (same, value), value.type)


def _texts(name: str, arguments: list[Node]) -> Node:
    texts = tuple(operators.text(one) for one in arguments)
    type_ = SqlType.BOOLEAN if name == "starts_with" else SqlType.TEXT
    return Call(name, texts, SqlType.INT4 if name in ("length", "strpos") else type_)


def _replace(name: str, arguments: list[Node]) -> Node:
    """What makes texts longer may do so once and a little: nested, it would fill the memory."""
    whole, sought, given = (operators.text(one) for one in arguments)
    call = Call(name, (whole, sought, given), SqlType.TEXT)
    if _grows(call):
        is_short = isinstance(given, Constant) and len(str(given.value)) <= _LONGEST_REPLACEMENT
        if not is_short or any(_grows(node) for node in walk(whole)):
            raise RefusalError("replace() that makes texts much longer", is_valid=True)
    return call


def _grows(node: Node) -> bool:
    if not isinstance(node, Call) or node.name != "replace":
        return isinstance(node, SubSelect)  # what is in it is not looked at
    _, sought, given = node.arguments
    if not isinstance(sought, Constant) or not isinstance(given, Constant):
        return True
    return len(str(given.value)) > len(str(sought.value))


def _substring(name: str, arguments: list[Node]) -> Node:
    whole = operators.text(arguments[0])
    if name == "substring" and any(one.type in _WORDS for one in arguments[1:]):
        raise RefusalError("substring() by a pattern", is_valid=True)
    places = tuple(operators.coerce(one, SqlType.INT4) for one in arguments[1:])
    return Call(name, (whole, *places), SqlType.TEXT)


def _trim(name: str, arguments: list[Node]) -> Node:
    characters = arguments[1] if len(arguments) > 1 else Constant(" ", SqlType.UNKNOWN)
    return Call(name, (operators.text(arguments[0]), operators.text(characters)), SqlType.TEXT)


def _concat(_: str, arguments: list[Node]) -> Node:
    """Values as PostgreSQL prints them: true is ``t`` here, and ``true`` where it is cast."""
    texts = [operators.settled(one) for one in arguments]
    if any(one.type is SqlType.BOOLEAN for one in texts):
        raise RefusalError("concat() of what is true or false", is_valid=True)
    return Call("concat", tuple(operators.cast(one, SqlType.TEXT) for one in texts), SqlType.TEXT)


def _aggregate(name: str, arguments: list[Node]) -> Node:
    if not arguments:
        return Call(name, (), SqlType.INT8)
    node = operators.settled(arguments[0])
    if name in ("count", "count_distinct"):
        return Call(name, (node,), SqlType.INT8)
    if name in ("sum", "avg"):
        if not node.type.is_number:
            raise _no_function(name, arguments)
        is_float = node.type in (SqlType.FLOAT4, SqlType.FLOAT8)
        type_ = SqlType.FLOAT8 if is_float else SqlType.NUMERIC
        if name == "sum" and node.type in (SqlType.INT2, SqlType.INT4):
            return Call("sum_whole", (node,), SqlType.INT8)
        return Call(name, (operators.cast(node, type_),), type_)
    if node.type is SqlType.BOOLEAN:
        raise _no_function(name, arguments)
    return Call(name, (node,), node.type)


_WORDS: Final = (SqlType.TEXT, SqlType.UNKNOWN)
_MANY: Final = 100
_LONGEST_REPLACEMENT: Final = 100
_MAKERS: Final = {
    "abs": (1, 1, _same_type), "sign": (1, 1, _same_type),
    **dict.fromkeys(_OF_DOUBLE, (1, 1, _double)),
    "atan2": (2, 2, _double), "pi": (0, 0, _double),
    **dict.fromkeys(("ceil", "floor"), (1, 1, _rounding)),
    **dict.fromkeys(("round", "trunc"), (1, 2, _rounding)),
    "power": (2, 2, _power), "mod": (2, 2, _remainder),
    **dict.fromkeys(("greatest", "least", "coalesce"), (1, _MANY, _choice)),
    "nullif": (2, 2, _null_if),
    "length": (1, 1, _texts), **dict.fromkeys(_OF_TEXT, (1, 1, _texts)),
    "strpos": (2, 2, _texts), "starts_with": (2, 2, _texts), "replace": (3, 3, _replace),
    "substring": (2, 3, _substring), "left": (2, 2, _substring), "right": (2, 2, _substring),
    "trim": (1, 2, _trim), "ltrim": (1, 2, _trim), "rtrim": (1, 2, _trim),
    "concat": (1, _MANY, _concat),
    **dict.fromkeys(AGGREGATES - {"count_all"}, (1, 1, _aggregate)),
    "count_all": (0, 0, _aggregate),
}  # fmt: skip

#: Words that may stand before a bracket: the parser knows more names, of other languages.
BEFORE_BRACKETS: Final = frozenset(
    {
        *_MAKERS, *_SAME, "position", "extract", "cast", "now", "drms.image_exists",
        *("and", "or", "not", "in", "is", "like", "ilike", "to", "between", "symmetric", "escape"),
        *("case", "when", "then", "else", "select", "distinct", "from", "where", "by", "exists"),
        *("any", "all", "some", "both", "leading", "trailing", "for", "as"),
        *("numeric", "decimal", "varchar", "char", "float", "bit", "timestamp", "interval"),
    }
) - {"count_all", "count_distinct"}  # fmt: skip
