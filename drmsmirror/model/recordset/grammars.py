"""The two lark parsers, built when first needed.

Building takes some ten milliseconds and importing lark more, so neither happens on import.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lark import Lark

__all__ = ["query_parser", "value_parser"]

_BUILDING: Final = Lock()
_VALUE_KINDS: Final = ("integer", "number", "quantity", "string", "time")


def query_parser() -> Lark:
    """Give the parser of whole record sets."""
    return _built("grammar.lark", ("start",))


def value_parser() -> Lark:
    """Give the parser of single alternatives; its start rules are the kinds of keys."""
    return _built("values.lark", _VALUE_KINDS)


def _built(file: str, starts: tuple[str, ...]) -> Lark:
    with _BUILDING:
        return _build(file, starts)


@cache
def _build(file: str, starts: tuple[str, ...]) -> Lark:
    from lark import Lark

    return Lark.open_from_package(
        __name__, file, parser="lalr", lexer="contextual", start=list(starts), strict=False
    )
