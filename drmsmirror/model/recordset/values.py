"""Read one alternative of a filter as the kind of its key wants it (record sets, rules 14-27).

What comes out is still text, cut into its parts: ``spans`` turns the parts into values. Errors take
the alternative for the whole query; ``bind`` moves them to their place in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from drmsmirror.errors import RecordSetError
from drmsmirror.model.recordset.explain import explain_value, wrong_place
from drmsmirror.model.recordset.grammars import value_parser
from drmsmirror.model.recordset.moments import BLANKS, time_end, why_no_time

if TYPE_CHECKING:
    from lark import Token

_Step = TypeVar("_Step", int, float)

__all__ = ["Alternative", "Kind", "Part", "parse_value"]


class Kind(StrEnum):
    """How the values of a key are written; the names are start rules of ``values.lark``."""

    INTEGER = "integer"
    NUMBER = "number"
    QUANTITY = "quantity"
    STRING = "string"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an alternative and where it begins in it."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """The parts of one alternative.

    Parameters
    ----------
    text : str
        All of it.
    first : Part
        The single value, or the start.
    last : Part, optional
        The end of a range.
    length : Part, optional
        The duration; never together with ``last``.
    step : Part, optional
        Only together with ``last`` or ``length``.
    """

    text: str
    first: Part
    last: Part | None = None
    length: Part | None = None
    step: Part | None = None

    def error(self, problem: str, part: Part, hint: str | None = None) -> RecordSetError:
        """Make the error that points at one of the parts."""
        return RecordSetError(problem, self.text, part.offset, hint)

    def checked_step(self, step: _Step) -> _Step:
        """Take the sign off a step; zero is an error (record sets, rule 14)."""
        if step == 0 and self.step:
            raise self.error("A step cannot be zero", self.step, "Leave it out for every value")
        return abs(step)


def parse_value(kind: Kind, key: str, text: str) -> Alternative:
    """Cut one alternative into its parts.

    Parameters
    ----------
    kind : Kind
        How the values of the key are written.
    key : str
        Name of the key, for messages.
    text : str
        The alternative.

    Raises
    ------
    RecordSetError
        The text is no alternative of that kind; positions count in ``text``.
    """
    from lark import UnexpectedInput

    try:
        tree = value_parser().parse(text, start=str(kind))
    except UnexpectedInput as error:
        raise explain_value(kind, key, text, *wrong_place(error, text)) from None
    parts = [_part(child) for child in tree.children if isinstance(child, str)]
    first, second, third = (*parts, None, None)[:3]
    assert first is not None, "every form begins with a value"
    if tree.data == "single":
        alternative = Alternative(text, first)
    elif tree.data == "range":
        alternative = Alternative(text, first, last=second, step=third)
    elif tree.data == "stepped":
        alternative = Alternative(text, first, step=second)
    else:
        alternative = Alternative(text, first, length=second, step=third)
    return _with_times_cut(alternative, key) if kind is Kind.TIME else alternative


def _part(token: Token) -> Part:
    assert token.start_pos is not None, "the lexer gives every token its place"
    return Part(str(token).rstrip(BLANKS), token.start_pos)


def _with_times_cut(alternative: Alternative, key: str) -> Alternative:
    """Find out whether the times are one or two, and refuse what does not go with that."""
    text, times = alternative.text, alternative.first.text
    start = alternative.first.offset
    first_end = start + time_end(times)
    second = first_end + _blanks(text, first_end)
    end = start + len(times)
    if first_end == start or (second < end and text[second] != "-"):
        raise RecordSetError(*why_no_time(text, start, first_end, end, key))
    first = Part(text[start:first_end], start)
    if second >= end:
        if alternative.step and not alternative.length:
            raise alternative.error(
                "A step needs a range or a duration before it",
                Part("@", text.rindex("@", 0, alternative.step.offset)),
                f"Write for example {first.text}/1d@{alternative.step.text}",
            )
        return Alternative(text, first, None, alternative.length, alternative.step)
    begin = second + 1 + _blanks(text, second + 1)
    last = Part(text[begin:end], begin)
    if time_end(last.text) < len(last.text) or not last.text:
        last_end = begin + time_end(last.text)
        raise RecordSetError(*why_no_time(text, begin, last_end, end, key))
    if alternative.length:
        raise alternative.error(
            "A range has no duration",
            Part("/", text.rindex("/", 0, alternative.length.offset)),
            "Give a start with an end, or a start with a duration",
        )
    return Alternative(text, first, last, None, alternative.step)


def _blanks(text: str, start: int) -> int:
    return len(text[start:]) - len(text[start:].lstrip(BLANKS))
