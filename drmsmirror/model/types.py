"""The eight types of DRMS keywords and what each stores for a missing value.

Source: DRMS semantics 2.1 (``drms_types.h``).
"""

from __future__ import annotations

import math
from enum import StrEnum

__all__ = ["MISSING_TIME", "KeywordType"]

#: The missing time, JD 0 TDT, in seconds since 1977.01.01_00:00:00_TAI.
MISSING_TIME = -211087684832.184

#: A time within this many seconds of :data:`MISSING_TIME` is missing (DRMS semantics 2.1).
MISSING_TIME_TOLERANCE = 1e-4


class KeywordType(StrEnum):
    """The type of a keyword, spelled as ``series_struct`` spells it."""

    CHAR = "char"
    SHORT = "short"
    INT = "int"
    LONGLONG = "longlong"
    FLOAT = "float"
    DOUBLE = "double"
    TIME = "time"
    STRING = "string"

    @property
    def is_integer(self) -> bool:
        """Whether values are whole numbers."""
        return self in _INTEGER_BITS

    @property
    def is_float(self) -> bool:
        """Whether values are ``float`` or ``double`` (a ``time`` is not)."""
        return self in (KeywordType.FLOAT, KeywordType.DOUBLE)

    @property
    def bits(self) -> int:
        """Width of a stored number in bits; 0 for strings."""
        return _INTEGER_BITS.get(self) or _FLOAT_BITS.get(self, 0)

    @property
    def missing(self) -> int | float | str:
        """What DRMS stores where there is no value."""
        if self.is_integer:
            return int(-(2 ** (self.bits - 1)))
        if self is KeywordType.TIME:
            return MISSING_TIME
        return "" if self is KeywordType.STRING else math.nan

    @property
    def default_format(self) -> str:
        """The printf format that DRMS uses where the keyword names none."""
        return _DEFAULT_FORMATS[self]


_INTEGER_BITS = {
    KeywordType.CHAR: 8,
    KeywordType.SHORT: 16,
    KeywordType.INT: 32,
    KeywordType.LONGLONG: 64,
}
_FLOAT_BITS = {KeywordType.FLOAT: 32, KeywordType.DOUBLE: 64, KeywordType.TIME: 64}
_DEFAULT_FORMATS = {
    KeywordType.CHAR: "%hhd",
    KeywordType.SHORT: "%hd",
    KeywordType.INT: "%d",
    KeywordType.LONGLONG: "%lld",
    KeywordType.FLOAT: "%f",
    KeywordType.DOUBLE: "%f",
    KeywordType.TIME: "0",
    KeywordType.STRING: "%s",
}
