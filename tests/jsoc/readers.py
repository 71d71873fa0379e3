"""Reading the values of a filter: integers, floats, strings, times, slots (DRMS semantics 1.3)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .definitions import Keyword
from .errors import FilterError
from .records import Series
from .slots import Slot
from .taitime import scan_time

__all__ = ["Extreme", "Reader", "Scanner", "Span", "read_item", "reader_for"]

_INTEGER: Final = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|\d+)")
_FLOAT: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_DURATION: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([smhdu])(?![A-Za-z])")
_OFFSET: Final = re.compile(_DURATION.pattern + r"(?=\s*(?:[,/@-]|\Z))")
_LETTERS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_ESCAPES: Final = {"t": "\t", "n": "\n", "\\": "\\", '"': '"', "'": "'"}
_BITS: Final = {"char": 8, "short": 16, "int": 32, "longlong": 64}


class Scanner:
    """Position in the text of one filter."""

    def __init__(self, text: str) -> None:
        self.text, self.pos = text, 0

    def skip(self) -> None:
        while self.pos < len(self.text) and self.text[self.pos].isspace():
            self.pos += 1

    def peek(self) -> str:
        """Next character that is not blank, or '' at the end."""
        self.skip()
        return self.text[self.pos : self.pos + 1]

    def accept(self, char: str) -> bool:
        if self.peek() != char:
            return False
        self.pos += 1
        return True

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.skip()
        found = pattern.match(self.text, self.pos)
        if found:
            self.pos = found.end()
        return found

    def fail(self, wanted: str) -> FilterError:
        return FilterError(f"expected {wanted} at {self.pos} of [{self.text}]")


@dataclass(frozen=True, slots=True)
class Extreme:
    """``^`` (first) or ``$`` (last)."""

    last: bool


@dataclass(frozen=True, slots=True)
class Span:
    """A value, an inclusive range or a half-open duration, with an optional step."""

    start: Any
    stop: Any
    half_open: bool
    step: Any


class Reader:
    """Reads the values of one kind of key. `end` and `step` units are the kind's own."""

    stepped = True

    def __init__(self, keyword: Keyword) -> None:
        self.keyword = keyword

    def value(self, s: Scanner) -> Any:
        raise NotImplementedError

    def end(self, s: Scanner) -> Any:
        return self.value(s)

    def stop(self, start: Any, s: Scanner) -> Any:
        """End of ``start/duration``."""
        return start + self.value(s)

    def step(self, s: Scanner) -> Any:
        return self.value(s)


class _IntegerReader(Reader):
    def value(self, s: Scanner) -> int:
        if s.match(re.compile("DRMS_MISSING_VALUE")):
            return int(self.keyword.missing)
        found = s.match(_INTEGER)
        if found is None:
            raise s.fail("an integer")
        digits = found[0].lower()
        value = int(digits, 16) if "x" in digits else int(digits)
        limit = 1 << (_BITS[self.keyword.type] - 1)
        if not -limit <= value < limit:
            raise FilterError(f"{found[0]} does not fit {self.keyword.type}")
        return value


class _FloatReader(Reader):
    def value(self, s: Scanner) -> float:
        found = s.match(_FLOAT)
        if found is None:
            raise s.fail("a number")
        value = float(found[0])
        return float(f"{np.float32(value):.9g}") if self.keyword.type == "float" else value


class _TimeReader(Reader):
    def value(self, s: Scanner) -> float:
        s.skip()
        found = scan_time(s.text, s.pos)
        if found is None:
            raise s.fail("a time")
        s.pos = found[1]
        return found[0]

    def duration(self, s: Scanner) -> float:
        found = s.match(_DURATION)
        if found is None:
            raise s.fail("a duration")
        return float(found[1]) * _LETTERS.get(found[2], 1.0)

    def stop(self, start: Any, s: Scanner) -> float:
        return float(start) + self.duration(s)

    def step(self, s: Scanner) -> float:
        return self.duration(s)


class _SlotReader(Reader):
    """Values of a slotted key become indices (semantics 1.3.5)."""

    def __init__(self, keyword: Keyword, slot: Slot) -> None:
        super().__init__(keyword)
        self.slot = slot
        self.plain = _TimeReader(keyword) if keyword.type == "time" else _FloatReader(keyword)

    def value(self, s: Scanner) -> int:
        s.skip()
        if found := s.match(_OFFSET):
            number = float(found[1])
            if found[2] == "u" and self.slot.kind != "carr":
                return math.trunc(number)
            if found[2] == "u":
                raise FilterError("no slot units for a Carrington key")
            return self.slot.index(self.slot.base + number * _LETTERS[found[2]])
        return self.slot.index(self.plain.value(s))

    def end(self, s: Scanner) -> int:
        return self.slot.index(self.plain.value(s))

    def _length(self, s: Scanner) -> tuple[float, bool]:
        """A duration in key units, or a number of slots (True)."""
        s.skip()
        found = _DURATION.match(s.text, s.pos)
        if found and found[2] == "u" and self.slot.kind != "carr":
            s.pos = found.end()
            return float(found[1]), True
        if found and found[2] != "u":  # letters mean seconds, whatever the key measures
            s.pos = found.end()
            return float(found[1]) * _LETTERS[found[2]], False
        if isinstance(self.plain, _TimeReader):
            raise s.fail("a duration")
        return self.plain.value(s), False

    def stop(self, start: Any, s: Scanner) -> int:
        length, slots = self._length(s)
        return int(start) + max(math.trunc(length if slots else length / self.slot.step), 1)

    def step(self, s: Scanner) -> int:
        length, slots = self._length(s)
        step = math.floor((length if slots else length / self.slot.step) + 0.5)
        if step == 0:
            raise FilterError("the step rounds to zero slots")
        return step


class _TextReader(Reader):
    stepped = False

    def quoted(self, s: Scanner) -> str | None:
        quote = s.peek()
        if quote not in ("'", '"') or not quote:
            return None
        out: list[str] = []
        i = s.pos + 1
        while i < len(s.text) and s.text[i] != quote:
            if s.text[i] == "\\" and i + 1 < len(s.text):
                out.append(_ESCAPES.get(s.text[i + 1], s.text[i + 1]))
                i += 2
            else:
                out.append(s.text[i])
                i += 1
        if i >= len(s.text):
            raise s.fail("a closing quote")
        s.pos = i + 1
        return "".join(out)

    def value(self, s: Scanner) -> str:
        quoted = self.quoted(s)
        if quoted is not None:
            return quoted
        found = s.match(re.compile(r"[^,\s]+"))
        if found is None:
            raise s.fail("a string")
        return "" if found[0] == "DRMS_MISSING_VALUE" else found[0]

    def end(self, s: Scanner) -> str:
        quoted = self.quoted(s)
        if quoted is None:
            raise s.fail("a quoted string")
        return quoted


def reader_for(series: Series, keyword: Keyword) -> Reader:
    slot = series.definition.slots.get(keyword.name.lower())
    if slot is not None:
        return _SlotReader(keyword, slot)
    kinds = {"time": _TimeReader, "string": _TextReader, "float": _FloatReader}
    kinds["double"] = _FloatReader
    return kinds.get(keyword.type, _IntegerReader)(keyword)


def read_item(s: Scanner, reader: Reader) -> Extreme | Span:
    if s.peek() in ("^", "$") and s.peek():
        rest = s.text[s.pos + 1 :].lstrip()[:1]
        if rest in ("", ","):
            s.pos += 1
            return Extreme(s.text[s.pos - 1] == "$")
        if reader.stepped:
            raise s.fail("nothing after ^ or $")
    start = reader.value(s)
    stop, half_open, spanned = start, False, False
    if s.accept("-"):
        stop, spanned = reader.end(s), True
    elif reader.stepped and s.accept("/"):
        stop, half_open, spanned = reader.stop(start, s), True, True
    step = None
    if spanned and reader.stepped and s.accept("@"):
        step = reader.step(s)
    return Span(start, stop, half_open, step)
