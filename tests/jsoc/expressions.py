"""``[? ... ?]``: a small part of PostgreSQL, evaluated on whole columns (DRMS semantics 1.7).

Covered: columns, numbers, strings, ``$(time)``, ``+ - * / % &``, comparisons, BETWEEN, IN, LIKE,
``~``/``!~`` with plain patterns, IS NULL, NOT/AND/OR, ``abs``, ``drms.image_exists``, casts of
literals to floats. NaN equals itself and is the largest number. Whatever else a condition holds
raises `NotCovered`: this oracle never guesses.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .errors import FilterError, NotCovered, SqlError
from .records import SYSTEM_COLUMNS, Series
from .sqlvalues import Value, arithmetic, compare, like_pattern, literal_number
from .taitime import parse_time

__all__ = ["condition_mask"]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?P<text>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<op><=|>=|<>|!=|!~\*|!~|~\*|~|::|[=<>()+\-*/%&,.]))"
)
_COMPARISONS: Final = ("=", "<>", "!=", "<", "<=", ">", ">=")
_PLAIN_PATTERN: Final = re.compile(r"[\w^$ .,\-\[\]]*")
_WORDS: Final = (
    "and",
    "or",
    "not",
    "between",
    "in",
    "like",
    "is",
    "null",
    "true",
    "false",
    "escape",
)


class _Tokens:
    def __init__(self, text: str) -> None:
        self.items: list[tuple[str, str]] = []
        pos, text = 0, text.rstrip()
        while pos < len(text):
            match = _TOKEN.match(text, pos)
            if match is None:
                if text[pos:].count("'") % 2 or re.match(r"\s*\d+[A-Za-z_]", text[pos:]):
                    raise SqlError(f'ERROR:  syntax error at or near "{text[pos:][:20]}"')
                raise NotCovered(f"condition: {text[pos:].strip()[:30]!r}")
            self.items.append((str(match.lastgroup), match[str(match.lastgroup)]))
            pos = match.end()
            if self.items[-1][1] == "-" and text[pos : pos + 1] == "-":
                raise NotCovered("condition: comment")
            if self.items[-1][1] == "/" and text[pos : pos + 1] == "*":
                raise NotCovered("condition: comment")
        self.pos = 0

    def word(self) -> str:
        """Next token in lower case ('' at the end; strings keep their quotes)."""
        if self.pos >= len(self.items):
            return ""
        return self.items[self.pos][1].lower()

    def accept(self, *words: str) -> str:
        found = self.word()
        if found and found in words:
            self.pos += 1
            return found
        return ""

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise SqlError(f'ERROR:  syntax error at or near "{self.word()}"')


class _Parser:
    """Recursive descent; evaluates while it reads."""

    def __init__(self, series: Series, text: str) -> None:
        self.series, self.tokens = series, _Tokens(text)

    def whole(self) -> NDArray[np.bool_]:
        if not self.tokens.items:
            raise SqlError('ERROR:  syntax error at or near ")"')
        value = self.either()
        if self.tokens.word():
            if self.tokens.items[self.tokens.pos][0] in ("op", "name"):
                raise NotCovered(f"condition: {self.tokens.word()!r}")
            raise SqlError(f'ERROR:  syntax error at or near "{self.tokens.word()}"')
        return np.broadcast_to(self.boolean(value), (self.series.rows,))

    def boolean(self, value: Value) -> Any:
        if value.kind != "bool":
            raise SqlError(f"ERROR:  argument of WHERE must be type boolean, not type {value.kind}")
        return value.data

    def either(self) -> Value:
        value = self.both()
        while self.tokens.accept("or"):
            value = Value("bool", self.boolean(value) | self.boolean(self.both()))
        return value

    def both(self) -> Value:
        value = self.negation()
        while self.tokens.accept("and"):
            value = Value("bool", self.boolean(value) & self.boolean(self.negation()))
        return value

    def negation(self) -> Value:
        if self.tokens.accept("not"):
            return Value("bool", np.logical_not(self.boolean(self.negation())))
        return self.predicate()

    def predicate(self) -> Value:
        left = self.sum()
        if op := self.tokens.accept(*_COMPARISONS):
            if op in "<>" and self.tokens.word() == op:
                raise NotCovered(f"condition: {op}{op}")
            return compare(op, left, self.sum())
        if op := self.tokens.accept("~", "!~", "~*", "!~*"):
            return self.regex(op, left)
        if self.tokens.accept("is"):
            negated = bool(self.tokens.accept("not"))
            self.tokens.expect("null")
            return Value("bool", np.asarray(negated))  # nothing here is ever NULL
        negated = bool(self.tokens.accept("not"))
        if self.tokens.accept("between"):
            low = self.sum()
            self.tokens.expect("and")
            found = compare(">=", left, low).data & compare("<=", left, self.sum()).data
        elif self.tokens.accept("in"):
            found = self.membership(left)
        elif self.tokens.accept("like"):
            found = self.like(left)
        elif negated:
            raise SqlError('ERROR:  syntax error at or near "not"')
        else:
            return left
        return Value("bool", np.logical_not(found) if negated else found)

    def membership(self, left: Value) -> Any:
        self.tokens.expect("(")
        found = compare("=", left, self.sum()).data
        while self.tokens.accept(","):
            found = found | compare("=", left, self.sum()).data
        self.tokens.expect(")")
        return found

    def quoted(self) -> str:
        value = self.sum()
        if value.kind != "literal":
            raise NotCovered("condition: pattern that is not a literal")
        return str(value.data)

    def texts(self, value: Value) -> list[str]:
        if value.kind != "text":
            raise SqlError(f"ERROR:  operator does not exist: {value.kind} ~~ unknown")
        found: list[str] = value.data.tolist()
        return found

    def like(self, left: Value) -> Any:
        pattern = self.quoted()
        escape = self.quoted() if self.tokens.accept("escape") else "\\"
        match = like_pattern(pattern, escape).match
        return np.array([match(text) is not None for text in self.texts(left)], dtype=bool)

    def regex(self, op: str, left: Value) -> Value:
        pattern = self.quoted()
        if not _PLAIN_PATTERN.fullmatch(pattern):
            raise NotCovered(f"condition: regular expression {pattern!r}")
        search = re.compile(pattern, re.IGNORECASE if op.endswith("*") else 0).search
        found = np.array([search(text) is not None for text in self.texts(left)], dtype=bool)
        return Value("bool", ~found if op.startswith("!") else found)

    def sum(self) -> Value:
        value = self.bits()
        while op := self.tokens.accept("+", "-"):
            value = arithmetic(op, value, self.bits())
        return value

    def bits(self) -> Value:
        value = self.product()
        if self.tokens.word() == "&":
            self.tokens.accept("&")
            value = arithmetic("&", value, self.product())
            if self.tokens.word() in ("+", "-", "*", "/", "%", "&"):
                raise NotCovered("condition: & among other operators")  # PostgreSQL ranks it lower
        return value

    def product(self) -> Value:
        value = self.unary()
        while op := self.tokens.accept("*", "/", "%"):
            value = arithmetic(op, value, self.unary())
        return value

    def unary(self) -> Value:
        if self.tokens.accept("-"):
            value = self.unary()
            if value.kind not in ("int", "float"):
                raise SqlError(f"ERROR:  operator does not exist: - {value.kind}")
            return Value(value.kind, -value.data)
        self.tokens.accept("+")
        return self.primary()

    def primary(self) -> Value:
        tokens = self.tokens
        if tokens.pos >= len(tokens.items):
            raise SqlError("ERROR:  syntax error at end of input")
        kind, text = tokens.items[tokens.pos]
        if tokens.accept("("):
            value = self.either()
            tokens.expect(")")
            return value
        tokens.pos += 1
        if kind == "number":
            whole = text.isdigit() and int(text) <= 2**63
            return Value("int" if whole else "float", int(text) if whole else float(text))
        if kind == "text":
            return self.cast(text[1:-1].replace("''", "'"))
        if kind == "name":
            return self.named(text.lower())
        raise SqlError(f'ERROR:  syntax error at or near "{text}"')

    def cast(self, text: str) -> Value:
        if not self.tokens.accept("::"):
            return Value("literal", text)
        target = self.tokens.accept("real", "float4", "float8", "double")
        if not target or (target == "double" and not self.tokens.accept("precision")):
            raise NotCovered("condition: cast")
        number = literal_number(text)
        return Value("float", np.float32(number) if target in ("real", "float4") else number)

    def named(self, name: str) -> Value:
        tokens = self.tokens
        if name in ("true", "false"):
            return Value("bool", np.asarray(name == "true"))
        if name == "drms" and tokens.accept("."):
            if not tokens.accept("image_exists"):
                raise NotCovered(f"condition: drms.{tokens.word()}")
            argument = self.argument()
            return Value("bool", np.asarray(argument.data >= 0))
        if tokens.word() == "(":
            if name != "abs":
                raise NotCovered(f"condition: function {name}")
            argument = self.argument()
            return Value(argument.kind, np.abs(argument.data))
        if tokens.word() in (".", "::"):
            raise NotCovered(f"condition: {name}{tokens.word()}")
        return self.column(name)

    def argument(self) -> Value:
        self.tokens.expect("(")
        value = self.sum()
        self.tokens.expect(")")
        if value.kind not in ("int", "float"):
            raise SqlError("ERROR:  function does not exist")
        return value

    def column(self, name: str) -> Value:
        if name == "x" and self.tokens.word().startswith("'"):
            raise NotCovered("condition: bit string")
        keyword = self.series.definition.columns.get(name)
        if keyword is None and name not in SYSTEM_COLUMNS:
            if name in _WORDS or name in ("case", "cast", "coalesce", "now", "interval", "select"):
                raise NotCovered(f"condition: {name}")
            if name in ("sessionid", "sessionns") or name.startswith(("ln_", "sg_")):
                raise NotCovered(f"condition: column {name}")
            raise SqlError(f'ERROR:  column "{name}" does not exist')
        data = self.series.columns[name]
        if keyword is not None and keyword.type == "char":
            raise NotCovered("condition: char column")
        if data.dtype == object:
            return Value("text", data)
        if data.dtype.kind == "i":
            return Value("int", data.astype(np.int64))
        return Value("float", data)


def _expand_times(text: str) -> str:
    """Replace ``$(time)`` by seconds, as printed with ``%16.6f``."""
    out, pos = [], 0
    while (start := text.find("$(", pos)) >= 0:
        end = text.find(")", start)
        if end < 0 or end - start > 42:
            raise FilterError("$( is not closed")
        tai = parse_time(text[start + 2 : end].strip())
        if tai is None or math.isnan(tai):
            raise FilterError(f"not a time: {text[start : end + 1]}")
        out += [text[pos:start], f"({tai:.6f})"]
        pos = end + 1
    return "".join([*out, text[pos:]])


def condition_mask(series: Series, body: str) -> NDArray[np.bool_]:
    """Rows that satisfy a condition.

    Parameters
    ----------
    series : Series
    body : str
        What stands between ``[?`` and ``?]`` (or ``[!`` and ``!]``).

    Returns
    -------
    ndarray of bool, shape (rows,)

    Raises
    ------
    SqlError
        PostgreSQL would refuse it.
    NotCovered
        This evaluator cannot tell.
    """
    if body.strip() == "1=1":
        return np.ones(series.rows, dtype=bool)
    text = _expand_times(body).replace('"', "'")
    try:
        return np.asarray(_Parser(series, text).whole(), dtype=bool)
    except (OverflowError, TypeError, ValueError) as error:
        raise NotCovered(f"condition: {error}") from error
