"""Times, offsets and durations as they stand in a filter (record sets, rules 18-26)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from drmsmirror.errors import TimeTextError
from drmsmirror.model.times import parse_time, time_prefix
from drmsmirror.model.times.durations import DURATION_UNITS

__all__ = [
    "BLANKS",
    "Amount",
    "is_offset",
    "read_amount",
    "read_time",
    "time_end",
    "why_no_amount",
    "why_no_time",
]

#: What counts as white space.
BLANKS: Final = " \t\r\n\f\v"

#: Letters that may follow a number; ``u`` is one slot.
_UNITS: Final = {**DURATION_UNITS, "u": 1.0}
_NUMBER: Final = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]+)?"
_OFFSET: Final = re.compile(rf"{_NUMBER}[{''.join(_UNITS)}](?![A-Za-z0-9_.:])")
_AMOUNT: Final = re.compile(rf"(?P<number>{_NUMBER})(?P<unit>[A-Za-z]*)")
_SHORT_YEAR: Final = re.compile(r"(?P<sign>-?)(?P<year>[0-9]{1,3})(?![0-9])")
_LETTERS: Final = "the unit is one letter: s, m, h, d, or u for slots"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit: a duration, a step, or an offset from slot 0.

    Parameters
    ----------
    number : float
    unit : str
        ``s``, ``m``, ``h``, ``d``, ``u`` (slots), or empty.
    """

    number: float
    unit: str

    @property
    def size(self) -> float:
        """In seconds, in slots, or as it stands."""
        return self.number * _UNITS.get(self.unit, 1.0)


def read_amount(text: str) -> Amount | None:
    """Read a number and at most one unit letter; None where the text is something else."""
    match = _AMOUNT.fullmatch(text)
    if match is None or match["unit"] not in ("", *_UNITS):
        return None
    amount = Amount(float(match["number"]), match["unit"])
    return amount if math.isfinite(amount.size) else None


def why_no_amount(text: str, *, unit_needed: bool) -> tuple[str, str]:
    """Say what is wrong with a text that is no duration or step, and what would be right."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return f"{text!r} is no number with a unit", f"Write for example 12h; {_LETTERS}"
    number, unit = match["number"], match["unit"]
    if not unit and unit_needed:
        return f"{text!r} has no unit", f"Write {number}s for seconds; {_LETTERS}"
    if unit in ("", *_UNITS):
        return f"{text!r} is too large", "Leave the filter out to ask for all records"
    if unit.lower() in ("w", "week", "weeks"):
        return f"{unit!r} is no unit", f"Write {7 * float(number):g}d; {_LETTERS}"
    if unit[0].lower() in _UNITS:
        return f"{unit!r} is no unit", f"Did you mean {number}{unit[0].lower()}? {_LETTERS}"
    return f"{unit!r} is no unit", f"Write for example {number}d; {_LETTERS}"


def is_offset(text: str) -> bool:
    """Whether a text is a number and a unit letter, which counts from slot 0."""
    return _OFFSET.fullmatch(text) is not None


def time_end(text: str) -> int:
    """How far a text is one time or one offset."""
    offset = _OFFSET.match(text)
    if offset:
        return offset.end()
    padded = _padded(text)
    return max(0, time_prefix(padded) - (len(padded) - len(text)))


def read_time(text: str) -> float:
    """TAI seconds of a time; raises `TimeTextError`."""
    return parse_time(_padded(text))


def _padded(text: str) -> str:
    """DRMS reads ``[1]`` on a time key as the year 1; `parse_time` wants four digits."""
    year = _SHORT_YEAR.match(text)
    return f"{year['sign']}{year['year'].zfill(4)}{text[year.end() :]}" if year else text


def why_no_time(
    text: str, start: int, reached: int, end: int, key: str
) -> tuple[str, str, int, str]:
    """Arguments of the error for a text that is no time from ``start`` to ``end``.

    ``reached`` is how far it is one; there, or at the start, is what the error points at.
    """
    piece, rest = text[start:end], text[reached:end].lstrip(BLANKS)
    hint = f"{key} takes times like 2010.05.01_00:00:00_TAI or 2010-05-01T00:00:00Z"
    if not piece:
        problem, hint = "The end of the range is missing", "Write a time after -, or leave - out"
    elif piece[0] in "'\"":
        problem, hint = "Times stand without quotes", f"Write {piece.strip(piece[0])}"
    elif piece[0] in "^$":
        problem = f"{piece[0]} cannot be the end of a range"
        hint = f"It stands alone, [{piece[0]}]; for the rest of a range write a time"
    elif piece == "DRMS_MISSING_VALUE":
        problem = f"{key} is a time, which DRMS_MISSING_VALUE does not stand for"
    elif (amount := _AMOUNT.fullmatch(piece)) and amount["unit"]:
        reached, rest = start, piece
        problem, hint = why_no_amount(piece, unit_needed=True)
    elif reached == start:
        problem = f"{_short(piece)} is no time"
    elif rest[:1] in ("T", "t") or (rest[:1].isdigit() and text[reached] in BLANKS):
        problem = "Only a date with dashes, 2010-05-01, is followed by T or a blank"
        hint = f"Write {text[start:reached]}_{rest.lstrip('Tt')}"
    elif rest[:1] == ";":
        problem, hint = "';' does not separate times", "Alternatives are separated by commas"
    else:
        problem = f"{_short(rest)} does not belong to the time {_short(text[start:reached])}"
        hint = _why(piece) or hint
    return problem, text, reached + len(text[reached:end]) - len(rest), hint


def _why(text: str) -> str:
    """Ask `parse_time` what it advises about a text that only begins with a time."""
    try:
        read_time(text)
    except TimeTextError as error:
        advice = str(error).rpartition("; ")[2]
        return advice[:1].upper() + advice[1:]
    return ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:30] + "...")
