"""Read the text of a record-set query into its syntax tree (record sets, rules 1-13)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from drmsmirror.errors import RecordSetError
from drmsmirror.model.recordset.explain import explain_query, wrong_place
from drmsmirror.model.recordset.grammars import query_parser
from drmsmirror.model.recordset.syntax import (
    Filter,
    Name,
    Number,
    NumberFilter,
    RecnumFilter,
    RecordSet,
    SeriesSet,
    SqlFilter,
    Value,
    ValueFilter,
)

if TYPE_CHECKING:
    from lark import Token, Tree

__all__ = ["parse_recordset"]

_LONGEST_SERIES_NAME: Final = 63
_LONGEST_QUERY: Final = 500_000
#: What is in no text: half of a surrogate pair (a byte that is no UTF-8), and NUL.
_NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_MANY_DIGITS: Final = 19  # 64-bit numbers have no more


def parse_recordset(text: str) -> RecordSet:
    """Read a record-set query.

    Parameters
    ----------
    text : str
        One or more sets, separated by commas, semicolons or newlines.

    Returns
    -------
    RecordSet
        The syntax tree; `bind` gives it a meaning.

    Raises
    ------
    RecordSetError
        The query is wrong; the error points at the character.
    """
    from lark import UnexpectedInput

    if len(text) > _LONGEST_QUERY:
        raise RecordSetError(
            f"The record set has {len(text):,} characters", text[:80], 80, "Ask in smaller parts"
        )
    unreadable = _NO_TEXT.search(text)
    if unreadable:
        raise RecordSetError(
            f"{unreadable[0]!r} is no character", text, unreadable.start(), "Leave it out"
        )
    try:
        tree = query_parser().parse(text)
    except UnexpectedInput as error:
        raise explain_query(text, *wrong_place(error, text)) from None
    return RecordSet(tuple(_series_set(node, text) for node in tree.children), text)


def _series_set(node: Tree[Token] | Token, text: str) -> SeriesSet:
    if isinstance(node, str):
        raise RecordSetError(
            "A file on the server is not read",
            text,
            _offset(node),
            "Write the sets that stand in it, separated by commas",
        )
    filters: list[Filter] = []
    segments = None
    for part in _trees(node):
        if part.data == "segments":
            segments = _segments(_tokens(part))
        else:
            filters.append(_filter(part, text))
    _refuse_two_recnum_filters(filters, text)
    return SeriesSet(_series_name(_tokens(node)[0], text), tuple(filters), segments)


def _series_name(token: Token, text: str) -> Name:
    """Check what DRMS demands of every name of a series (record sets, rule 3)."""
    name, offset = str(token), _offset(token)
    if "." not in name:
        raise RecordSetError(
            f"{name!r} is no name of a series: it has no namespace",
            text,
            offset,
            "Names of series have two parts, like hmi.M_45s",
        )
    if len(name) > _LONGEST_SERIES_NAME:
        raise RecordSetError(
            f"The name of the series has {len(name)} characters",
            text,
            offset,
            f"DRMS allows {_LONGEST_SERIES_NAME}",
        )
    return Name(name, offset)


def _filter(part: Tree[Token], text: str) -> Filter:
    tokens = _tokens(part)
    if part.data == "by_sql":
        return _sql(tokens[0])
    keyword = next((Name(str(t), _offset(t)) for t in tokens if t.type == "KEYWORD"), None)
    if part.data == "by_value":
        values = tuple(Value(str(t), _offset(t)) for t in tokens if t.type != "KEYWORD")
        return ValueFilter(keyword, values)
    numbers = tuple(_number(one, text) for one in _trees(part))
    return RecnumFilter(numbers) if part.data == "by_recnum" else NumberFilter(keyword, numbers)


def _sql(token: Token) -> SqlFilter:
    body = str(token)[1:-1]
    offset = _offset(token) + 1 + len(body) - len(body.lstrip())
    return SqlFilter(body.strip(), token.type == "ALL_VERSIONS", offset)


def _number(one: Tree[Token], text: str) -> Number:
    """One alternative by number (record sets, rule 28)."""
    mark, *parts = one.children
    offset = _offset(mark)  # type: ignore[arg-type]
    first, second, third = (*parts, None, None)[:3]
    if one.data == "single":
        if first.type in ("FIRST", "LAST"):  # type: ignore[union-attr]
            return Number(edge=str(first), offset=offset)
        value = _integer(first, text)
        return Number(value, value, offset=offset)
    low, last, step = (_integer(part, text) for part in (first, second, third))
    if step == 0:
        assert isinstance(third, str), "a step is a number"
        raise RecordSetError(
            "A step cannot be zero", text, _offset(third), "Leave it out for every number"
        )
    if one.data == "count":
        return Number(low, length=last, step=step, is_range=True, offset=offset)
    return Number(low, last, step=step, is_range=True, offset=offset)


def _integer(token: Tree[Token] | Token | None, text: str) -> int | None:
    if token is None:
        return None
    digits = str(token).lstrip("+-").lstrip("0") or "0"
    value = int(digits[:_MANY_DIGITS]) * (-1 if str(token).startswith("-") else 1)
    if len(digits) > _MANY_DIGITS or not -(2**63) <= value < 2**63:
        raise RecordSetError(
            f"{str(token)[:30]} is too large for a number of slots or records",
            text,
            _offset(token),  # type: ignore[arg-type]
            "Leave the end of a range open: #1-#",
        )
    return value


def _refuse_two_recnum_filters(filters: list[Filter], text: str) -> None:
    found = [part for part in filters if isinstance(part, RecnumFilter)]
    if len(found) > 1:
        raise RecordSetError(
            "A set has one filter by record number",
            text,
            found[1].numbers[0].offset,
            "Write the numbers into one filter, separated by commas: [:#1,#2]",
        )


def _segments(tokens: list[Token]) -> tuple[str, ...]:
    """Names between braces; white space is dropped, ``{a b}`` is ``ab`` (record sets, rule 6)."""
    names = re.split("[,:;]", "".join("".join(tokens).split()))
    return tuple(name for name in names if name)


def _trees(node: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in node.children if not isinstance(child, str)]


def _tokens(node: Tree[Token]) -> list[Token]:
    return [child for child in node.children if isinstance(child, str)]


def _offset(token: Token) -> int:
    assert token.start_pos is not None, "the lexer gives every token its place"
    return token.start_pos
