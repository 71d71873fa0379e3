"""Read the text of a record-set query into its syntax tree (DRMS semantics 1.1, 1.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from drmsmirror.errors import NotUnderstoodError, RecordSetError
from drmsmirror.model.recordset.explain import explain_query, wrong_place
from drmsmirror.model.recordset.grammars import query_parser
from drmsmirror.model.recordset.syntax import Filter, Name, RecordSet, SeriesSet, Value

if TYPE_CHECKING:
    from lark import Token, Tree

__all__ = ["parse_recordset"]

_LONGEST_SERIES_NAME: Final = 63

#: What DRMS knows and this version does not answer, by the token that shows it.
_NOT_YET: Final = {
    "SQL": "An SQL filter, [? ... ?]",
    "ALL_VERSIONS": "A filter that shows all versions, [! ... !]",
    "HASH": "A filter by slot index, [#...]",
    "COLON": "A filter by record number, [:#...]",
    "FIRST": "The first record, ^",
    "LAST": "The last record, $",
    "COMMENT": "A comment, # ...",
    "FILE": "A file of queries on the server, @file",
}


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
    NotUnderstoodError
        The query is right but has a form that this version does not answer by itself.
    RecordSetError
        The query is wrong; the error points at the character.
    """
    from lark import UnexpectedInput

    try:
        tree = query_parser().parse(text)
    except UnexpectedInput as error:
        raise explain_query(text, *wrong_place(error, text)) from None
    _refuse_what_is_not_answered(tree, text)
    return RecordSet(tuple(_series_set(node, text) for node in _trees(tree)), text)


def _refuse_what_is_not_answered(tree: Tree[Token], text: str) -> None:
    found = [token for token in tree.scan_values(_is_token) if token.type in _NOT_YET]
    if found:
        first = min(found, key=_offset)
        raise NotUnderstoodError(
            f"{_NOT_YET[first.type]}: DRMS knows it, drmsmirror does not answer it by itself yet",
            text,
            _offset(first),
        )


def _series_set(node: Tree[Token], text: str) -> SeriesSet:
    filters: list[Filter] = []
    segments = None
    for part in _trees(node):
        if part.data == "segments":
            segments = _segments(_tokens(part))
        else:
            filters.append(_filter(_tokens(part)))
    return SeriesSet(_series_name(_tokens(node)[0], text), tuple(filters), segments)


def _series_name(token: Token, text: str) -> Name:
    """Check what DRMS demands of every name of a series (DRMS semantics 1.1)."""
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


def _filter(tokens: list[Token]) -> Filter:
    keyword = next((Name(str(t), _offset(t)) for t in tokens if t.type == "KEYWORD"), None)
    values = tuple(Value(str(t), _offset(t)) for t in tokens if t.type == "VALUE")
    return Filter(keyword, values)


def _segments(tokens: list[Token]) -> tuple[str, ...]:
    """Names between braces; white space is dropped, ``{a b}`` is ``ab`` (DRMS semantics 1.1)."""
    names = re.split("[,:;]", "".join("".join(tokens).split()))
    return tuple(name for name in names if name)


def _trees(node: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in node.children if not isinstance(child, str)]


def _tokens(node: Tree[Token]) -> list[Token]:
    return [child for child in node.children if isinstance(child, str)]


def _is_token(child: object) -> bool:
    return isinstance(child, str)  # lark's tokens are strings, its trees are not


def _offset(token: Token) -> int:
    assert token.start_pos is not None, "the lexer gives every token its place"
    return token.start_pos
