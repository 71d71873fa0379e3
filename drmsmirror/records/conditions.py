"""Conditions in the engine's SQL, with PostgreSQL's meaning.

Each call of a condition's tree has one template here. Where the two engines differ, the template
says what PostgreSQL does: whole division cuts, a division by zero is an error, shifts drop bits,
texts are searched by their own rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from drmsmirror.errors import QueryError
from drmsmirror.model.conditions import Call, Case, Column, Constant, Node, SqlType, SubSelect
from drmsmirror.records.engine import identifier, literal

__all__ = ["Part", "all_of", "condition_part"]

_TYPES: Final = {
    SqlType.BOOLEAN: "BOOLEAN",
    SqlType.INT2: "SMALLINT",
    SqlType.INT4: "INTEGER",
    SqlType.INT8: "BIGINT",
    SqlType.NUMERIC: "DOUBLE",
    SqlType.FLOAT4: "FLOAT",
    SqlType.FLOAT8: "DOUBLE",
    SqlType.TEXT: "VARCHAR",
}

#: Much longer than what is written by hand becomes; the engine has to read it.
_LONGEST_SQL: Final = 2_000_000

#: Gives the rows of a sub-select's series, with at least the columns that it reads.
RowsOf = Callable[[SubSelect], str]


@dataclass(frozen=True, slots=True)
class Part:
    """A condition in SQL.

    Parameters
    ----------
    sql : str
    can_fail : bool
        Whether it cannot be calculated for some values: it is then calculated only where what
        stands before it has not decided yet, as in PostgreSQL.
    """

    sql: str
    can_fail: bool = False


def condition_part(node: Node, rows_of: RowsOf) -> Part:
    """Print a tree.

    Parameters
    ----------
    node : Node
    rows_of : callable
        Gives, for a sub-select, SQL of all rows of its series.
    """
    return Part(_sql(node, rows_of), _can_fail(node))


def all_of(parts: Sequence[Part]) -> str:
    """The parts, joined by AND."""
    return _joined("AND", parts)


def _joined(word: str, parts: Sequence[Part]) -> str:
    """The engine calculates operands in any order; those that can fail have to wait.

    Where none has decided, all were calculated, and can be joined as they are.
    """
    if len(parts) == 1:
        return parts[0].sql
    together = f"({f' {word} '.join(part.sql for part in parts)})"
    if not any(part.can_fail for part in parts[1:]):
        return _bounded(together)
    decided = {"AND": "FALSE", "OR": "TRUE"}[word]
    tried = " ".join(f"WHEN {part.sql} IS {decided} THEN {decided}" for part in parts[:-1])
    return _bounded(f"(CASE {tried} ELSE {together} END)")


def _bounded(sql: str) -> str:
    """Parts stand twice where one must not be calculated before another; nested, they add up."""
    if len(sql) > _LONGEST_SQL:
        raise QueryError(
            "This condition is nested too deeply to be calculated here. Write it simpler, or ask "
            "the upstream with --policy remote"
        )
    return sql


def _can_fail(node: Node) -> bool:
    if isinstance(node, Call):
        return node.name not in _SAFE or any(_can_fail(one) for one in node.arguments)
    if isinstance(node, Case):
        parts = [part for branch in node.branches for part in branch] + [node.otherwise]
        return any(_can_fail(part) for part in parts)
    return isinstance(node, SubSelect)


def _sql(node: Node, rows_of: RowsOf) -> str:
    if isinstance(node, Constant):
        return _constant(node)
    if isinstance(node, Column):
        return identifier(node.name)
    if isinstance(node, SubSelect):
        return f"({_sub_select(node, rows_of)})"
    if isinstance(node, Case):
        branches = " ".join(
            f"WHEN {_sql(when, rows_of)} THEN {_sql(value, rows_of)}"
            for when, value in node.branches
        )
        return _bounded(f"(CASE {branches} ELSE {_sql(node.otherwise, rows_of)} END)")
    if node.name in ("and", "or"):
        parts = [condition_part(argument, rows_of) for argument in node.arguments]
        return _joined(node.name.upper(), parts)
    return _bounded(_call(node, [_sql(argument, rows_of) for argument in node.arguments]))


def _constant(node: Constant) -> str:
    if node.value is None:
        type_ = _TYPES.get(node.type, "VARCHAR")
        return f"CAST(NULL AS {type_})"
    if node.type in (SqlType.INT4, SqlType.INT8) and int(node.value) > -(2**63):
        return f"({node.value})" if int(node.value) < 0 else str(node.value)
    if node.type.is_number:
        return f"CAST({literal(str(node.value))} AS {_TYPES[node.type]})"
    return literal(node.value)


def _sub_select(node: SubSelect, rows_of: RowsOf) -> str:
    value = _sql(node.value, rows_of)
    text = f"SELECT {'DISTINCT ' if node.distinct else ''}{value} FROM {rows_of(node)}"
    if node.where is not None:
        text += f" WHERE {_sql(node.where, rows_of)}"
    if node.groups:
        text += f" GROUP BY {', '.join(_sql(group, rows_of) for group in node.groups)}"
    return text


def _call(node: Call, arguments: list[str]) -> str:
    template = _TEMPLATES.get(node.name)
    if template is not None:
        return template.format(*arguments)
    if node.name in _FUNCTIONS:
        return f"{_FUNCTIONS[node.name]}({', '.join(arguments)})"
    return _SPECIAL[node.name](*arguments)


def _guarded(wrong: str, problem: str, call: str) -> str:
    """A function that PostgreSQL refuses to calculate for some values."""
    return f"(CASE WHEN {wrong} THEN error('{problem}') ELSE {call} END)"


def _divided(operator: str, *, but: str = "") -> str:
    """A quotient or remainder; zero is an error, as in PostgreSQL."""
    return (
        f"(CASE WHEN {{1}} = 0{but} THEN error('division by zero') ELSE {{0}} {operator} {{1}} END)"
    )


def _shifted(bits: int) -> dict[str, str]:
    """Shifts of a number of so many bits: the distance counts modulo 32 (or 64)."""
    distance = f"(({{1}}) & {63 if bits == 64 else 31})"
    whole, half = f"{2**bits}::HUGEINT", f"{2 ** (bits - 1)}::HUGEINT"
    moved = f"(({{0}})::HUGEINT * (1::HUGEINT << {distance}) + {half})"
    type_ = {16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}[bits]
    return {
        f"<<{bits}": f"CAST((({moved} % {whole}) + {whole}) % {whole} - {half} AS {type_})",
        f">>{bits}": f"(({{0}}) >> {distance})",
    }


def _fifteen(number: str) -> str:
    """What a decimal of so many digits is nearest to a double: the double nearest to that."""
    return f"CAST(printf('%.15g', {number}) AS DOUBLE)"


#: With so many digits moved before the point.
_MOVED: Final = _fifteen("{0} * pow(10, {1})")


def _lower(words: str) -> str:
    """As in PostgreSQL's collation C, which knows the letters of ASCII only."""
    return f"translate({words}, '{ascii_uppercase}', '{ascii_lowercase}')"


_BEYOND_ONE: Final = "abs({0}) > 1 AND NOT isnan({0})"
_TEMPLATES: Final = {
    "not": "(NOT {0})",
    "is_null": "({0} IS NULL)",
    "is_same": "({0} IS NOT DISTINCT FROM {1})",
    "is_other": "({0} IS DISTINCT FROM {1})",
    **{operator: f"({{0}} {operator} {{1}})" for operator in ("=", "<>", "<", "<=", ">", ">=")},
    **{operator: f"({{0}} {operator} {{1}})" for operator in ("&", "|", "||")},
    # as functions: of operators the engine moves constants to the other side, past what overflows
    "+": "add({0}, {1})",
    "-": "subtract({0}, {1})",
    "*": "multiply({0}, {1})",
    "#": "xor({0}, {1})",
    "~": "(~{0})",
    "negative": "(-{0})",
    "div": _divided("//"),
    "/": _divided("/", but=" AND NOT isnan({0})"),
    "%": _divided("%"),
    "mod": "(CASE WHEN {1} = -1 THEN 0 ELSE " + _divided("%") + " END)",  # no overflow
    "^": _guarded(
        "{0} = 0 AND {1} < 0",
        "zero raised to a negative power is undefined",
        _guarded(
            "{0} < 0 AND {1} <> floor({1})",
            "a negative number raised to a non-integer power yields a complex result",
            "pow({0}, {1})",
        ),
    ),
    **_shifted(16),
    **_shifted(32),
    **_shifted(64),
    **{
        f"to_{type_.name.lower()}": f"CAST({{0}} AS {name})"
        for type_, name in _TYPES.items()
        if type_.is_number
    },
    **{
        f"{type_.name.lower()}_from_text": f"CAST(trim({{0}}) AS {name})"
        for type_, name in _TYPES.items()
        if type_.is_number
    },
    "numeric_of_float4": "CAST(printf('%.6g', {0}) AS DOUBLE)",
    "numeric_of_float8": _fifteen("{0}"),
    "fifteen_digits": _fifteen("{0}"),
    "as_text": "CAST({0} AS VARCHAR)",
    "as_number": "CAST({0} AS INTEGER)",
    "like": "({0} LIKE {1} ESCAPE {2})",
    "ilike": f"({_lower('{0}')} LIKE {_lower('{1}')} ESCAPE {{2}})",
    "lower": _lower("{0}"),
    "upper": f"translate({{0}}, '{ascii_lowercase}', '{ascii_uppercase}')",
    "match": "regexp_matches({0}, {1}, 's')",
    "match_any_case": "regexp_matches({0}, {1}, 'si')",
    "full_match": "regexp_full_match({0}, {1}, 's')",
    "now_epoch": "epoch(now())",
    "nullif": "(CASE WHEN {0} THEN NULL ELSE {1} END)",
    "trim": "trim({0}, {1})",
    "in_select": "({0} IN {1})",
    "selected": "{0}",
    "exists": "EXISTS {0}",
    "sqrt": _guarded("{0} < 0", "cannot take square root of a negative number", "sqrt({0})"),
    "ln": _guarded("{0} <= 0", "cannot take logarithm of zero or less", "ln({0})"),
    "log10": _guarded("{0} <= 0", "cannot take logarithm of zero or less", "log10({0})"),
    "asin": _guarded(_BEYOND_ONE, "input is out of range", "asin({0})"),
    "acos": _guarded(_BEYOND_ONE, "input is out of range", "acos({0})"),
    **{
        name: _guarded("isinf({0})", "input is out of range", f"{name}({{0}})")
        for name in ("sin", "cos", "tan", "cot")
    },
    "round": "round_even({0}, 0)",
    "round_numeric": "round({0})",
    "round_digits": f"(round({_MOVED}) / pow(10, {{1}}))",
    "trunc_numeric": "trunc({0})",
    "trunc_digits": f"(trunc({_MOVED}) / pow(10, {{1}}))",
    "ceil_numeric": "ceil({0})",
    "floor_numeric": "floor({0})",
    "count_all": "count(*)",
    "count_distinct": "count(DISTINCT {0})",
    "sum_whole": "CAST(sum({0}) AS BIGINT)",
    "left": "left({0}, {1})",
    "right": "right({0}, {1})",
}

#: What can be calculated for any values.
_SAFE: Final = frozenset(
    {
        *("and", "or", "not", "is_null", "is_same", "is_other", "=", "<>", "<", "<=", ">", ">="),
        *("&", "|", "#", "~", "like", "ilike", "match", "match_any_case", "full_match"),
        *("greatest", "least", "coalesce", "nullif", "length", "lower", "upper", "strpos", "trim"),
        *("to_int4", "to_int8", "to_numeric", "to_float8", "as_text", "as_number", "||"),
        *("numeric_of_float4", "numeric_of_float8"),
    }
)

#: Functions of the same name and meaning, or of another name.
_FUNCTIONS: Final = {
    **{
        name: name
        for name in (
            *("abs", "sign", "cbrt", "exp", "ceil", "floor", "trunc"),
            *("atan", "atan2"),
            *("sinh", "cosh", "tanh", "degrees", "radians", "pi"),
            *("greatest", "least", "coalesce", "reverse", "length", "strpos"),
            *("starts_with", "replace", "concat", "ltrim", "rtrim"),
            *("min", "max", "sum", "avg", "count"),
        )
    }
}


def _substring(text: str, start: str, length: str | None = None) -> str:
    """Characters from ``start`` on; what lies before the first counts and is not there."""
    first = f"greatest({start}, 1)"
    if length is None:
        return f"substring({text}, {first})"
    count = f"greatest(CAST({start} AS BIGINT) + {length} - {first}, 0)"
    negative = f"{length} < 0"
    return (
        f"(CASE WHEN {negative} THEN error('negative substring length not allowed') "
        f"ELSE substring({text}, {first}, {count}) END)"
    )


_SPECIAL: Final[dict[str, Callable[..., str]]] = {"substring": _substring}
