"""The text of a condition before it is parsed: quotes, times, and what cannot be allowed at all.

Everything is replaced by something of the same length, so that places in the text stay places in
the query.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from drmsmirror.errors import NotUnderstoodError, QueryError, RecordSetError, TimeTextError
from drmsmirror.model.conditions.refusal import RefusalError
from drmsmirror.model.times import parse_time

__all__ = ["Body", "Source"]

_PIECES: Final = re.compile(
    r"""
    (?P<single>'(?:[^']|'')*')
  | (?P<double>"[^"]*")
  | (?P<prefixed>(?<![A-Za-z0-9_])(?:[eEnN]|[uU]&)(?='))
  | (?P<macro>\$\((?P<time>[^)'"]*)\))
  | (?P<open_macro>\$\()
  | (?P<dollar_text>\$[A-Za-z_]*\$)
  | (?P<dollar>\$)
  | (?P<line_comment>--[^\n]*)
  | (?P<comment>/\*)
  | (?P<hexadecimal>(?<![A-Za-z0-9_'])0[xX][0-9a-fA-F]*)
  | (?P<operator>(?:(?!/\*|--)[-+*/<>=~!@\#%^&|`])+)
  | (?P<other>[;\\?:]{1,2})
  | (?P<bracket>[()])
  | (?P<quote>['"])
  | (?P<word>[A-Za-z0-9_.]+|[^\sA-Za-z0-9_.])
    """,
    re.VERBOSE,
)

#: What PostgreSQL has for the values of a series; it reads as many signs together as there are.
_OPERATORS: Final = frozenset(
    {
        *("+", "-", "*", "/", "%", "^", "=", "<>", "!=", "<", "<=", ">", ">="),
        *("&", "|", "#", "~", "<<", ">>", "||", "~*", "!~", "!~*", "~~", "~~*", "!~~", "!~~*"),
    }
)
#: What it has besides, and the mirror has not.
_OTHERS: Final = frozenset({"@", "|/", "||/", "^@"})
#: In one of these, a sign at the end belongs to the operator.
_BINDING: Final = frozenset("~!@#%^&|`")
#: Operators of other languages that the parser knows.
_FOREIGN: Final = frozenset({"rlike", "regexp"})

_TEXTS: Final = ("single", "double")
_DEEPEST: Final = 40
_MOST_WORDS: Final = 5_000
_LONGEST_MACRO: Final = 40


@dataclass(frozen=True, slots=True)
class Source:
    """Where a condition stands.

    Parameters
    ----------
    query : str
        The whole query.
    offset : int
        Where the condition begins in it.
    """

    query: str
    offset: int

    def error(self, problem: str, place: int = 0, hint: str | None = None) -> RecordSetError:
        """What PostgreSQL or DRMS would refuse; ``place`` counts in the condition."""
        return RecordSetError(problem, self.query, self.offset + place, hint)

    def refused(self, refusal: RefusalError, place: int = 0) -> QueryError:
        """What a part of the condition was refused for."""
        make = self.not_local if refusal.is_valid else self.error
        return make(str(refusal)[:1].upper() + str(refusal)[1:], place)

    def not_local(self, what: str, place: int = 0) -> NotUnderstoodError:
        """What PostgreSQL may know and is not answered here."""
        return NotUnderstoodError(
            f"{what} is not answered by the mirror itself",
            self.query,
            self.offset + place,
            "The upstream may know it: ask with --policy remote",
        )


@dataclass(frozen=True, slots=True)
class Body:
    """A condition that can be parsed.

    Parameters
    ----------
    text : str
        In PostgreSQL's SQL, every time replaced by a name of the same length.
    times : dict of str to Decimal
        By such a name, in lower case, the TAI seconds that it stands for.
    called : tuple of (str, int)
        Every word before an opening bracket, and where it stands.
    """

    text: str
    times: dict[str, Decimal]
    called: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, written: str, source: Source) -> Body:
        """Prepare a condition.

        Raises
        ------
        RecordSetError
            A time is none, a quote or bracket is not closed, or the text is absurdly long or deep.
        """
        pieces: list[str] = []
        times: dict[str, Decimal] = {}
        called: list[tuple[str, int]] = []
        before, word = "", ("", 0)
        position = depth = words = 0
        while position < len(written):
            found = _PIECES.match(written, position)
            if found is None:  # white space
                pieces.append(written[position])
                position += 1
                continue
            kind, text = str(found.lastgroup), found[0]
            words += 1
            depth += {"(": 1, ")": -1}.get(text, 0)
            if depth > _DEEPEST or words > _MOST_WORDS:
                what = "deep" if depth > _DEEPEST else "long"
                raise source.error(f"This condition is too {what}", position, "Write it simpler")
            if kind == "macro":
                text = _name_of_time(found["time"], text, len(times), times, source, position)
            elif kind == "double":  # DRMS rewrites them: quoted identifiers are impossible
                if "'" in text:
                    raise source.error(
                        "An apostrophe ends the text in these quotes, since DRMS makes them single",
                        position + text.index("'"),
                        "Write the text in single quotes, an apostrophe in it twice: 'O''Neil'",
                    )
                text = f"'{text[1:-1]}'"
            elif kind == "comment":
                text = " " * (_end_of_comment(written, position, source) - position)
            else:
                _refuse(kind, text, position, source)
            if kind != "comment":
                is_apart = word[1] + len(word[0]) < position  # else it is one text: 'a''b'
                if kind in _TEXTS and before in _TEXTS and is_apart:
                    raise source.error("Two texts stand side by side", position, "Write || between")
                if text == "(" and before == "word":
                    called.append(word)
                before, word = kind, (text, position)
            pieces.append(text)
            position += len(text)
        return cls("".join(pieces), times, tuple(called))


def _end_of_comment(written: str, start: int, source: Source) -> int:
    """Where a comment ends, which may have others in it."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", written[start:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return start + mark.end()
    raise source.error("This comment is not closed", start, "Add */")


def _refuse(kind: str, text: str, position: int, source: Source) -> None:
    if kind == "quote":
        raise source.error("This quote is not closed", position, f"Add {text}")
    if kind == "line_comment":
        raise source.error(
            "A comment to the end of the line swallows the end of the filter",
            position,
            "Leave it out, or write /* ... */",
        )
    if kind == "open_macro":
        raise source.error("This time is not closed", position, "Write $(2010.05.01_TAI)")
    if kind == "hexadecimal":
        raise source.error(
            f"{text} is no number in PostgreSQL", position, f"Write x'{text[2:] or '0'}'::int"
        )
    if kind == "operator":
        _refuse_operator(text, position, source)
    if text.lower() in _FOREIGN or text in ("{", "}"):
        raise source.error(f"PostgreSQL has no {text}", position)
    if kind == "prefixed":
        raise source.not_local("A text with escapes (E'...')", position)
    if kind == "dollar_text":
        raise source.not_local("A text between dollars", position)
    if kind == "dollar" or (kind == "other" and text not in ("::",)):
        raise source.error(f"{text!r} cannot stand in a condition", position, "Leave it out")


def _refuse_operator(text: str, position: int, source: Source) -> None:
    """Refuse signs that PostgreSQL reads together and does not know."""
    together = text
    if not _BINDING & set(text):
        together = text[0] + text[1:].rstrip("+-")
    if together in _OTHERS:
        raise source.not_local(f"The operator {together}", position)
    if together not in _OPERATORS:
        raise source.error(
            f"There is no operator {together}", position, "Put blanks between those that are meant"
        )


def _name_of_time(
    time: str, text: str, number: int, times: dict[str, Decimal], source: Source, position: int
) -> str:
    """A name in place of ``$(...)``; its value is printed by DRMS with ``%16.6f``."""
    if len(time) > _LONGEST_MACRO:
        raise source.error("A time in $( ) has at most 40 characters", position, "Shorten it")
    try:
        tai = parse_time(time.strip())
    except TimeTextError as error:
        raise source.error(str(error), position + 2, "Write $(2010.05.01_TAI)") from None
    name = f"_{number:d}".ljust(len(text), "_")
    times[name.lower()] = Decimal(f"{tai:.6f}")
    return name
