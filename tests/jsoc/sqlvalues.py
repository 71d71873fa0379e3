"""Values of a condition and what PostgreSQL does with them (DRMS semantics 1.7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import NotCovered, SqlError

__all__ = ["Value", "arithmetic", "compare", "like_pattern", "literal_number"]


@dataclass(frozen=True, slots=True)
class Value:
    """A column or scalar with its kind: int, float, text, literal (quoted) or bool."""

    kind: str
    data: Any


def literal_number(text: str) -> float:
    lowered = text.strip().lower()
    if lowered in ("nan", "infinity", "-infinity"):
        return float(lowered)
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", lowered):
        raise SqlError(f'ERROR:  invalid input syntax for type double precision: "{text}"')
    return float(lowered)


def _literal_integer(text: str) -> int:
    if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
        raise SqlError(f'ERROR:  invalid input syntax for type integer: "{text}"')
    return int(text)


def _comparable(left: Value, right: Value) -> tuple[Any, Any, str]:
    """Both sides as one kind of data; quoted literals take the kind of the other side."""
    kinds = {left.kind, right.kind}
    if kinds <= {"text", "literal"}:
        return left.data, right.data, "text"
    if "bool" in kinds or "text" in kinds:
        raise SqlError(f"ERROR:  operator does not exist: {left.kind} = {right.kind}")
    kind = "float" if "float" in kinds else "int"
    read = literal_number if kind == "float" else _literal_integer
    a = read(left.data) if left.kind == "literal" else left.data
    b = read(right.data) if right.kind == "literal" else right.data
    if kind == "int":
        return a, b, kind
    return np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), kind


def compare(op: str, left: Value, right: Value) -> Value:
    a, b, kind = _comparable(left, right)
    with np.errstate(invalid="ignore"):
        equal, less = np.equal(a, b), np.less(a, b)
    if kind == "float":
        nan_a, nan_b = np.isnan(a), np.isnan(b)
        equal, less = equal | (nan_a & nan_b), less | (~nan_a & nan_b)
    equal, less = np.asarray(equal, dtype=bool), np.asarray(less, dtype=bool)
    table: dict[str, Callable[[], Any]] = {
        "=": lambda: equal,
        "<>": lambda: ~equal,
        "!=": lambda: ~equal,
        "<": lambda: less,
        ">=": lambda: ~less,
        "<=": lambda: less | equal,
        ">": lambda: ~(less | equal),
    }
    return Value("bool", table[op]())


def arithmetic(op: str, left: Value, right: Value) -> Value:
    if not {left.kind, right.kind} <= {"int", "float"}:
        if {left.kind, right.kind} & {"literal"}:
            raise NotCovered("condition: arithmetic with a quoted literal")
        raise SqlError(f"ERROR:  operator does not exist: {left.kind} {op} {right.kind}")
    kind = "int" if left.kind == right.kind == "int" else "float"
    a, b = left.data, right.data
    if op in "&%" and kind != "int":
        raise NotCovered(f"condition: {op} of floats")
    if op in "/%" and np.any(np.equal(b, 0)):
        raise SqlError("ERROR:  division by zero")
    with np.errstate(invalid="ignore", over="ignore"):
        if op == "&":
            return Value(kind, np.bitwise_and(a, b))
        if op == "%":
            return Value(kind, np.fmod(a, b))
        if op == "/" and kind == "int":
            whole = np.trunc(np.true_divide(a, b))
            return Value(kind, whole.astype(np.int64))
        table = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.true_divide}
        return Value(kind, table[op](a, b))


def like_pattern(pattern: str, escape: str) -> re.Pattern[str]:
    out, i = [], 0
    while i < len(pattern):
        char = pattern[i]
        if char == escape and escape:
            i += 1
            if i >= len(pattern):
                raise SqlError("ERROR:  LIKE pattern must not end with escape character")
            out.append(re.escape(pattern[i]))
        else:
            out.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
        i += 1
    return re.compile("".join(out) + r"\Z", re.DOTALL)
