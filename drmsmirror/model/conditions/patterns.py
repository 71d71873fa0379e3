r"""Regular expressions, SIMILAR TO and LIKE: PostgreSQL's patterns in the engine's own language.

The engine's (RE2) is a subset: it has no references back and no looking around, which is why it
needs time in proportion to the text. What both write the same passes; what differs is rewritten or
refused. PostgreSQL's ``.`` takes newlines and its ``^`` and ``$`` stand for the ends of the text
only, which the engine is told by its options.
"""

from __future__ import annotations

import re
from typing import Final

from drmsmirror.model.conditions.refusal import RefusalError

__all__ = ["check_like", "regex_from_posix", "regex_from_similar"]

_BRACKET: Final = re.compile(
    r"\[\^?\]?(?:\[:[a-z]+:\]|\[[.=][^\]]*\]|\\[\s\S]|\[(?![.:=])|[^\]\\\[])*\]"
)
_TOKEN: Final = re.compile(
    rf"(?P<bracket>{_BRACKET.pattern})"
    r"""
  | (?P<escape>\\[\s\S])
  | (?P<group>\(\?:|\((?!\?))
  | (?P<special_group>\(\?)
  | (?P<close>\))
  | (?P<repeat>[*+?]\??|\{(?P<least>[0-9]{1,3})(?:(?P<comma>,)(?P<most>[0-9]{0,3}))?\}\??)
  | (?P<anchor>[\^$])
  | (?P<brace>[{}])
  | (?P<literal>[\s\S])
    """,
    re.VERBOSE,
)
_CLASSES: Final = frozenset("dDwWsS")
_CHARACTERS: Final = frozenset("tnrfv")
_NAMED: Final = frozenset(
    [
        "alnum",
        "alpha",
        "blank",
        "cntrl",
        "digit",
        "graph",
        "lower",
        "print",
        "punct",
        "space",
        "upper",
        "xdigit",
    ]
)
_MOST_REPEATS: Final = 255
#: Nested repeats multiply; beyond this the engine would need much memory.
_LARGEST_PRODUCT: Final = 1_000


def regex_from_posix(pattern: str) -> str:
    """Rewrite a PostgreSQL regular expression, or refuse it.

    Raises
    ------
    RefusalError
        It is wrong, or has what the engine has not.
    """
    if pattern.startswith("***"):
        raise RefusalError("a pattern that begins with ***", is_valid=True)
    pieces: list[str] = []
    open_groups = 0
    repeats = [1]
    can_repeat = False
    for found in _TOKEN.finditer(pattern):
        kind, text = str(found.lastgroup), found[0]
        if text == "{" and pattern[found.end() : found.end() + 1].isdigit():
            raise RefusalError("a repeat { that is not closed")
        if kind in ("least", "comma", "most"):
            kind = "repeat"
        if kind == "repeat":
            if not can_repeat:
                raise RefusalError(f"{text} has nothing to repeat")
            repeats[-1] *= _times(found)
            if repeats[-1] > _LARGEST_PRODUCT:
                raise RefusalError("so many repeats", is_valid=True)
        elif kind == "group":
            open_groups += 1
            text = "(?:"
            repeats.append(repeats[-1])
        elif kind == "close":
            open_groups -= 1
            if open_groups < 0:
                raise RefusalError("a bracket ) that closes nothing")
            inner = repeats.pop()
            repeats[-1] = max(repeats[-1], inner)
        else:
            text = _plain(kind, text)
        can_repeat = kind in ("bracket", "escape", "close", "literal") and text != "|"
        pieces.append(text)
    if open_groups:
        raise RefusalError("a bracket ( that is not closed")
    return "".join(pieces)


def _times(found: re.Match[str]) -> int:
    """How often a repeat repeats at most, as far as that costs memory."""
    if found["least"] is None:
        return 1
    least = int(found["least"])
    most = int(found["most"]) if found["most"] else least
    if max(least, most) > _MOST_REPEATS or most < least:
        raise RefusalError(f"the repeat {found[0]}")
    return max(1, most)


def _plain(kind: str, text: str) -> str:
    if kind == "special_group":
        raise RefusalError("a group (?...)", is_valid=True)
    if kind == "brace":
        return f"\\{text}"
    if kind == "bracket":
        return _bracket(text)
    if kind == "escape":
        return _escape(text[1])
    if text in "[\\":
        raise RefusalError(f"{text} that is not closed")
    return text


def _escape(char: str) -> str:
    if char in _CLASSES or char in _CHARACTERS or not (char.isalnum() or char == "_"):
        return f"\\{char}" if char.isascii() else char
    raise RefusalError(f"\\{char} in a pattern", is_valid=True)


def _bracket(text: str) -> str:
    for name in re.findall(r"\[:([a-z]+):\]", text):
        if name not in _NAMED:
            raise RefusalError(f"the class [:{name}:]")
    if element := re.search(r"\[[.=][^\]]*\]", text):
        raise RefusalError(f"the class {element[0]}", is_valid=True)
    for char in re.findall(r"\\([\s\S])", text):
        _escape(char)
    return text


def regex_from_similar(pattern: str, escape: str = "\\") -> str:
    """Rewrite a pattern of SIMILAR TO as a regular expression for the whole text.

    Raises
    ------
    RefusalError
        It is wrong, or has what the engine has not.
    """
    pieces: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == escape:
            if position == len(pattern):
                raise RefusalError("the escape at the end")
            pieces.append(re.escape(pattern[position]))
            position += 1
        elif char == "[":
            found = _BRACKET.match(pattern, position - 1)
            if found is None:
                raise RefusalError("[ that is not closed")
            pieces.append(_bracket(found[0]))
            position = found.end()
        else:
            pieces.append(
                {"%": ".*", "_": "."}.get(
                    char,
                    char if char in "|*+?{}()" or re.fullmatch(r"[\w,]", char) else re.escape(char),
                )
            )
    return regex_from_posix("".join(pieces))


def check_like(pattern: str, escape: str) -> None:
    """Refuse a LIKE pattern that ends in its escape.

    Raises
    ------
    RefusalError
    """
    escaped = False
    for char in pattern:
        escaped = char == escape and not escaped
    if escaped and escape:
        raise RefusalError("the escape at the end")
