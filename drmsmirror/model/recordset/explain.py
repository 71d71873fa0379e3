"""Say what is wrong where a grammar stops: one problem, one position, one hint."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from drmsmirror.errors import RecordSetError

if TYPE_CHECKING:
    from lark import UnexpectedInput

__all__ = ["explain_query", "explain_value", "wrong_place"]

_SLASHED: Final = re.compile(r"[0-9]{4}/[0-9]{1,2}/")
_EXAMPLE: Final = "Write it like hmi.M_45s[2010.05.01_TAI/1h] or hmi.sharp_720s[377]"
_QUOTED: Final = r"""'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*\""""
#: How far an SQL filter can be read, by the mark that opens it.
_SQL: Final = {mark: re.compile(rf"\{mark}(?:[^{mark}'\"]|{_QUOTED})*") for mark in "?!"}
_BY_NUMBER: Final = "Each bound is # and a whole number: [#1-#5], [#1-#], [#1/10], [:#1,#2]"
_AFTER_SET: Final = "After a set come a comma, a semicolon or a newline and the next set"

#: How values of each kind of key are written.
USAGE: Final = {
    "integer": "whole numbers: 5, -5, 0x1F, a range 1-10 or 1/10, a step 1-10@2, a list 1,2,3",
    "number": "numbers: 7.5, a range 0-15 or 0/15, a step 0-15@5, a list 0,7.5",
    "quantity": "numbers: 7.5, a range 0-15 or 0/15, a step 0-15@5 in whole slots, a list 0,7.5",
    "string": "names: abc, 'a name', a list abc,def; a range has its ends in quotes, 'a'-'c'",
    "time": "times: 2010.05.01_TAI, a range with - between two, /1h after one, then a step @6h",
}


def wrong_place(error: UnexpectedInput, text: str) -> tuple[int, Collection[str]]:
    """Offset at which the parser stopped, and the terminals that it could have gone on with."""
    from lark import UnexpectedCharacters, UnexpectedToken

    if isinstance(error, UnexpectedToken):
        at_end = error.token.type == "$END"
        position = len(text) if at_end else error.token.start_pos or 0
        return position, frozenset(error.expected)
    assert isinstance(error, UnexpectedCharacters), "the LALR parser raises nothing else"
    return error.pos_in_stream or 0, frozenset(error.allowed)


def explain_query(text: str, position: int, expected: Collection[str]) -> RecordSetError:
    """Describe why the shape of a query is wrong at ``position``."""
    char = text[position : position + 1]
    if "VALUE" in expected or "RSQB" in expected:
        return _in_filter(text, position, char, expected)
    if "SERIES" in expected:
        return _at_series(text, position, char)
    if "HASH" in expected or "NUMBER" in expected:  # inside a filter by number
        return RecordSetError(
            f"{_shown(char)} cannot stand here in a filter by number", text, position, _BY_NUMBER
        )
    if "RBRACE" in expected:
        if not char:
            return RecordSetError("The list of segments is not closed", text, position, "Add }")
        return RecordSetError(
            f"{_shown(char)} cannot stand in a list of segments",
            text,
            position,
            "Name segments like this: {magnetogram} or {Br,Bp,Bt}",
        )
    if "_SEPARATOR" not in expected and "_COMMENT" not in expected:
        problem = f"{_shown(char)} cannot follow a comment"
        return RecordSetError(problem, text, position, "Move the comment to the end")
    return _after_set(text, position, char)


def _at_series(text: str, position: int, char: str) -> RecordSetError:
    if not text.strip():
        return RecordSetError("The record set is empty", text, 0, _EXAMPLE)
    if not char:
        return RecordSetError("The name of a series is missing", text, position, _EXAMPLE)
    if char in ",;\n":
        problem, hint = "There is no set before this separator", "Leave the separator out"
    elif char == "#":
        problem, hint = "A comment follows a set", "Move the comment to the end"
    elif char == "{":
        problem, hint = "Sets of the form {prog:...} belong to DSDS and are not read", _EXAMPLE
    elif char in "/.":
        problem, hint = "Files on the server's disk are not read", _EXAMPLE
    elif char.isdigit():
        problem, hint = "The name of a series begins with a letter", _EXAMPLE
    else:
        problem, hint = f"A set begins with the name of a series, not with {_shown(char)}", _EXAMPLE
    return RecordSetError(problem, text, position, hint)


def _in_filter(text: str, position: int, char: str, expected: Collection[str]) -> RecordSetError:
    if not char:
        return RecordSetError("The filter is not closed", text, position, "Add ]")
    if char in "'\"":
        return RecordSetError("This quote is not closed", text, position, f"Add {char}")
    if "VALUE" not in expected:
        return _after_value(text, position, char)
    if char in "?!" and "SQL" in expected:
        return _in_sql(text, position, char)
    if char == "=":
        problem, hint = "The name of a key is missing before =", "Write [HARPNUM=377]"
    elif char in "],":
        problem, hint = "A value is missing", "Write one, or leave out what stands before"
    elif char == "[":
        problem, hint = "A filter cannot stand inside another", "Close the first with ]"
    else:
        problem = f"A value cannot begin with {_shown(char)}"
        hint = "Where it belongs to a name, put the name in quotes"
    return RecordSetError(problem, text, position, hint)


def _after_value(text: str, position: int, char: str) -> RecordSetError:
    before = text[text.rindex("[", 0, position) + 1 : position].strip()
    if before[-1:] in ("^", "$"):
        problem = f"{before[-1]} stands alone, without range, duration or step"
        hint = f"Write {before[-1]} and then , or ]"
    elif "#" in before:
        problem, hint = f"{_shown(char)} cannot stand here in a filter by number", _BY_NUMBER
    else:
        problem, hint = f"{_shown(char)} cannot stand here", "Add ] where the filter ends"
    return RecordSetError(problem, text, position, hint)


def _in_sql(text: str, position: int, mark: str) -> RecordSetError:
    """Describe an SQL filter that does not end, or ends too early (record sets, rule 5)."""
    match = _SQL[mark].match(text, position)
    end = match.end() if match else position
    rest = text[end : end + 1]
    if not rest:
        return RecordSetError(f"The filter [{mark} is not closed", text, len(text), f"Add {mark}]")
    if rest in "'\"":
        return RecordSetError("This quote is not closed", text, end, f"Add {rest}")
    return RecordSetError(
        f"A {mark} outside quotes ends the filter, and ] must follow", text, end, f"Write {mark}]"
    )


def _after_set(text: str, position: int, char: str) -> RecordSetError:
    before = text[:position].rstrip()[-1:]
    if before not in ("]", "}") and char not in "]#":
        return RecordSetError(
            f"{_shown(char)} cannot stand in the name of a series",
            text,
            position,
            "Names of series have letters, digits, _ and a dot; values stand in brackets",
        )
    if char == "]":
        return RecordSetError("This ] closes nothing", text, position, "Leave it out")
    if char == "{":
        problem = "A set has one list of segments"
    elif char == "[" and before == "}":
        problem = "Filters stand before the segments"
    elif char in ",;":
        problem = "There is no set between these separators"
    else:
        problem = f"{_shown(char)} cannot follow a set"
    return RecordSetError(problem, text, position, _AFTER_SET)


def explain_value(
    kind: str, key: str, text: str, position: int, expected: Collection[str]
) -> RecordSetError:
    """Describe why a value is wrong at ``position``; the error's query is the value alone."""
    char = text[position : position + 1]
    usage = f"{key} takes {USAGE[kind]}"
    if not char:
        problem = f"Something is missing after {_shown(text)}"
    elif char == "@" and position and "AT" not in expected and "@" not in text[:position]:
        problem = "A step needs a range or a duration before it"
    elif char == "/" and "-" in text[1:position] and "/" not in text[:position]:
        problem = "A range has no duration"
    elif kind == "time" and _SLASHED.match(text):
        problem, usage = "Dates are not written with /", f"Write {text.replace('/', '.')}"
    elif kind == "string":
        problem, usage = _string_problem(text, position, usage)
    else:
        problem = f"{_shown(text[position:])} does not belong to a value of {key}"
    return RecordSetError(problem, text, position, usage)


def _string_problem(text: str, position: int, usage: str) -> tuple[str, str]:
    rest = text[position:]
    if text[:position].rstrip().endswith("-"):
        return "Both ends of a range of names are in quotes", f"Write '{rest}'"
    if text[0] in "'\"":
        return f"{_shown(rest)} cannot follow a name in quotes", usage
    return "A name with a blank in it is put in quotes", f"Write '{text}'"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:30] + "...")
