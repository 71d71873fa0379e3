"""Times as DRMS counts and prints them: TAI seconds since 1977.01.01_00:00:00_TAI.

Independent of the package under test: own leap-second table (DRMS semantics 2.5), own parser;
`timeprint` prints. Covered: calendar, ISO, compact and day-of-year dates, Julian dates, DRMS's
zones, leap seconds. Rejected, as decided there: unknown zones, ``+hh:mm``, compact
clocks other than zero.
"""

from __future__ import annotations

import bisect
import math
import re
from typing import Final

__all__ = [
    "DAY",
    "LEAPS",
    "MISSING_TIME",
    "calendar_date",
    "is_missing_time",
    "parse_time",
    "scan_time",
    "zone_offset",
]

MISSING_TIME: Final = -211087684832.184
"""Julian day 0 in TDT: what DRMS stores for an unknown time (semantics 2.1)."""

DAY: Final = 86400.0

# First second after each leap second, in TAI seconds (semantics 2.5). The entries before 1972 are
# DRMS's own fictitious whole seconds.
LEAPS: Final[tuple[int, ...]] = (
    *(-536543999, -457747198, -394588797, -363052796, -331516795, -284083194, -252460793),
    *(-220924792, -189388791, -157852790, -142127989, -126230388, -94694387, -63158386),
    *(-31622385, 16, 31536017, 63072018, 94608019, 141868820, 173404821, 204940822, 268099223),
    *(347068824, 410227225, 441763226, 489024027, 520560028, 552096029, 599529630, 646790431),
    *(694224032, 915148833, 1009843234, 1120176035, 1214784036, 1262304037),
)
_CIVIL_LEAPS: Final = tuple(t - (k + 1) for k, t in enumerate(LEAPS))

_CIVIL_ZONES: Final[dict[str, int]] = {
    "UTC": 0,
    "UT": 0,
    "GMT": 0,
    "Z": 0,
    "PST": -480,
    "PDT": -420,
    "MST": -420,
    "MDT": -360,
    "CST": -360,
    "CDT": -300,
    "EST": -300,
    "EDT": -240,
    "AST": -240,
    "HST": -600,
    "BST": 60,
    "WET": 0,
    "WEST": 60,
    "CET": 60,
    "CEST": 120,
    "MET": 60,
    "EET": 120,
    "JST": 540,
}
_ATOMIC_ZONES: Final[dict[str, float]] = {"TAI": 0.0, "TDT": 32.184, "TT": 32.184, "GPS": -19.0}
_MONTHS: Final = (
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
)
_ROMAN: Final = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


def _military(letter: str) -> int | None:
    """Offset in minutes of a one-letter zone (A = +1 h ... M = +12, N = -1 ... Y = -12, Z = 0)."""
    if letter == "Z":
        return 0
    east, west = "ABCDEFGHIKLM", "NOPQRSTUVWXY"
    if letter in east:
        return 60 * (east.index(letter) + 1)
    return -60 * (west.index(letter) + 1) if letter in west else None


def zone_offset(name: str) -> tuple[str, float] | None:
    """What a zone name means, or None when it is not a zone.

    Parameters
    ----------
    name : str
        ``TAI``, ``TT``, ``UTC``, ``PST``, ``A``, ``+0530``... in any case.

    Returns
    -------
    tuple or None
        ``("atomic", seconds ahead of TAI)`` or ``("civil", minutes east of UTC)``.
    """
    upper = name.upper()
    if upper in _ATOMIC_ZONES:
        return "atomic", _ATOMIC_ZONES[upper]
    if upper in _CIVIL_ZONES:
        return "civil", float(_CIVIL_ZONES[upper])
    if re.fullmatch(r"[+-]\d{4}", upper):
        minutes = 60 * int(upper[1:3]) + int(upper[3:5])
        return "civil", float(-minutes if upper[0] == "-" else minutes)
    if len(upper) == 1:
        minutes_or_none = _military(upper)
        return None if minutes_or_none is None else ("civil", float(minutes_or_none))
    return None


def is_missing_time(value: float) -> bool:
    """Whether a time is the missing sentinel, or NaN (semantics 2.1: within 1e-4 s)."""
    return math.isnan(value) or abs(value - MISSING_TIME) < 1e-4


# ---------------------------------------------------------------- calendar
def _day_number(year: int, month: int, day: int) -> int:
    """Days from 1977.01.01; Julian calendar before 1582.10.15; `day` may overflow."""
    a = (14 - month) // 12
    y = year + 4800 - a
    m = month + 12 * a - 3
    jdn = 1 + (153 * m + 2) // 5 + 365 * y + y // 4
    gregorian = (year, month, day) >= (1582, 10, 15)
    jdn += y // 400 - y // 100 - 32045 if gregorian else -32083
    return jdn + day - 1 - 2443145


def calendar_date(day_number: int) -> tuple[int, int, int]:
    """Year, month, day of a day counted from 1977.01.01."""
    jdn = day_number + 2443145
    if jdn >= 2299161:
        a = jdn + 32044
        b = (4 * a + 3) // 146097
        c = a - 146097 * b // 4
    else:
        b, c = 0, jdn + 32082
    d = (4 * c + 3) // 1461
    e = c - 1461 * d // 4
    m = (5 * e + 2) // 153
    return 100 * b + d - 4800 + m // 10, m + 3 - 12 * (m // 10), e - (153 * m + 2) // 5 + 1


def _utc_to_tai(civil: float, seconds: float) -> float:
    """TAI of a UTC minute (`civil` seconds since 1977.01.01 without leap seconds) plus seconds."""
    return civil + bisect.bisect_right(_CIVIL_LEAPS, civil) + seconds


def _from_fields(civil: float, seconds: float, zone: tuple[str, float]) -> float:
    kind, offset = zone
    if kind == "atomic":
        return civil + seconds - offset
    return _utc_to_tai(civil, seconds) - 60.0 * offset  # leap seconds by the local label


# ---------------------------------------------------------------- parsing
_NAMED = "|".join((*_MONTHS, *sorted(_ROMAN, key=len, reverse=True)))
_DATES: Final = (
    ("iso", re.compile(r"(-?\d{1,4})-(\d{1,2})(?!\d)(?:-(\d{1,2})(?!\d))?")),
    ("dots", re.compile(rf"(-?\d{{1,4}})\.(\d{{1,2}}|(?:{_NAMED})[a-z]*)(?![\dA-Za-z])"
                        r"(?:\.(\d{1,2})(?!\d)(\.\d+)?)?", re.IGNORECASE)),
    ("doy", re.compile(r"(-?\d{4})\.(\d{3})(?!\d)")),
    ("ymd", re.compile(r"(\d{4})(\d{2})(\d{2})(?!\d)")),
    ("yddd", re.compile(r"(\d{4})(\d{3})(?!\d)")),
    ("year", re.compile(r"(-?\d{1,4})(?!\d)")),
)  # fmt: skip
_CLOCK: Final = re.compile(r"(\d{1,2})(?!\d)(?::(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?)?(?![\d:])")
_ZERO_CLOCK: Final = re.compile(r"0{4}(?:00)?(?!\d)")
_ZONE_NAME: Final = re.compile(r"_([A-Za-z]+|[+-]\d{4})(?![\w:])")
_ZONE_TIGHT: Final = re.compile(r"[Zz](?![\w:])|\+\d{4}(?![\w:])")
_ZONE_MINUS: Final = re.compile(r"-(\d{2})(\d{2})(?![\w:.])")
_JULIAN: Final = re.compile(r"(M?)JD_(-?\d+(?:\.\d*)?)", re.IGNORECASE)


def _zone_at(text: str, pos: int) -> tuple[tuple[str, float] | None, int, bool]:
    """Zone at `pos` (or None), the position after it, and False when it is no known zone."""
    if named := _ZONE_NAME.match(text, pos):
        zone = zone_offset(named[1])
        return zone, named.end(), zone is not None
    if tight := _ZONE_TIGHT.match(text, pos):
        return zone_offset(tight[0]), tight.end(), True
    if (minus := _ZONE_MINUS.match(text, pos)) and int(minus[1]) <= 14 and int(minus[2]) < 60:
        return zone_offset(minus[0]), minus.end(), True
    return None, pos, True


def _scan_julian(text: str, match: re.Match[str]) -> tuple[float, int] | None:
    zone, end, known = _zone_at(text, match.end())
    if not known:
        return None
    days = float(match[2]) - (43144.0 if match[1] else 2443144.5)
    return _from_fields(days * DAY, 0.0, zone or ("atomic", 32.184)), end


def _month(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    if text.upper() in _ROMAN:
        return _ROMAN.index(text.upper()) + 1
    return _MONTHS.index(text.upper()[:3]) + 1 if text.upper()[:3] in _MONTHS else None


def _date_fields(kind: str, match: re.Match[str]) -> tuple[int, float] | None:
    """Day number and fraction of a day of a matched date."""
    year = int(match[1])
    if kind in ("doy", "yddd"):
        return _day_number(year, 1, 1) + int(match[2]) - 1, 0.0
    if kind == "year":
        return _day_number(year, 1, 1), 0.0
    month = _month(match[2])
    if month is None or not 1 <= month <= 12:
        return None
    day = int(match[3] or 1)
    fraction = float("0" + match[4]) if kind == "dots" and match[4] else 0.0
    return _day_number(year, month, day), fraction


def _scan_clock(text: str, pos: int, iso: bool) -> tuple[float, float, int] | None:
    """Whole minutes (as seconds), seconds and end of a clock at `pos`, or None."""
    if pos >= len(text) or text[pos] not in ("_T " if iso else "_"):
        return None
    if text[pos] == "T" and text[pos : pos + 3].upper() in ("TAI", "TDT"):
        return None
    if zero := _ZERO_CLOCK.match(text, pos + 1):
        return 0.0, 0.0, zero.end()
    clock = _CLOCK.match(text, pos + 1)
    if clock is None:
        return None
    minutes = 3600.0 * int(clock[1]) + 60.0 * int(clock[2] or 0)
    return minutes, float(clock[3] or 0.0), clock.end()


def scan_time(text: str, pos: int = 0) -> tuple[float, int] | None:
    """Read the longest time that starts at `pos`.

    Parameters
    ----------
    text : str
    pos : int

    Returns
    -------
    tuple of (float, int), or None
        TAI seconds since 1977.01.01_TAI and the position after the time. A ``-hhmm`` offset is read
        only when it can be one (at most 14 h), so an ISO range without zones stays a range
        (DRMS semantics 1.10).
    """
    if julian := _JULIAN.match(text, pos):
        return _scan_julian(text, julian)
    for kind, pattern in _DATES:
        match = pattern.match(text, pos)
        if match is None:
            continue
        if kind == "iso" and text[match.end() : match.end() + 1] in (".", ":"):
            continue  # 2010-05.01: not an ISO date
        date = _date_fields(kind, match)
        if date is None:
            return None
        day, fraction = date
        civil, seconds, end = day * DAY, fraction * DAY, match.end()
        if clock := _scan_clock(text, end, kind == "iso"):
            civil, seconds, end = civil + clock[0], seconds + clock[1], clock[2]
        zone, end, known = _zone_at(text, end)
        return (_from_fields(civil, seconds, zone or ("civil", 0.0)), end) if known else None
    return None


def parse_time(text: str) -> float | None:
    """TAI seconds of a time string, or None when it is not wholly a time (semantics 2.5)."""
    found = scan_time(text)
    return found[0] if found is not None and found[1] == len(text) else None
