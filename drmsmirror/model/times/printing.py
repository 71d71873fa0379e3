"""Print DRMS times (DRMS semantics 2.6)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drmsmirror.errors import TimeTextError
from drmsmirror.model.leapseconds import known_leap_seconds, tai_minus_utc_at_tai
from drmsmirror.model.times.calendar import civil_from_days, month_starts
from drmsmirror.model.times.zones import Zone, find_zone
from drmsmirror.model.types import MISSING_TIME

__all__ = ["format_time", "format_times", "is_print_zone"]

_UTC_NAMES: Final = frozenset(("", "NONE", "TIME"))
_MOST_DIGITS: Final = 12
_FURTHEST: Final = 3.0e13  # about a million years
_NO_LEAP: Final = np.iinfo(np.int64).max
# The precisions that end a text at these fields.
_YEAR, _MONTH, _DAY, _HOUR = -5, -4, -3, -2

_Ints = NDArray[np.int64]
_Texts = NDArray[np.bytes_]


def format_time(tai: float, zone: str, precision: int = 0) -> str:
    """Print one time; see `format_times`."""
    text: bytes = format_times(np.array([tai], dtype=np.float64), zone, precision)[0]
    return text.decode("ascii")


def format_times(tai: ArrayLike, zone: str, precision: int = 0) -> NDArray[np.bytes_]:
    """Print times as DRMS does.

    Parameters
    ----------
    tai : array_like of float, shape (n,)
        Seconds since 1977.01.01_00:00:00_TAI. What is no time (NaN, infinite, further than a
        million years) prints like the missing time.
    zone : str
        A zone, in any case; ``ISO`` for ``2010-05-01T00:00:00Z``; ``JD`` for a Julian day (TDT);
        ``none``, ``time`` or blank for UTC.
    precision : int
        Decimals of the seconds, at most 12. Below zero fields are left out: -1 seconds, -2 minutes
        too, -3 the clock, -4 the day, -5 the month.

    Returns
    -------
    numpy.ndarray of bytes, shape (n,)
        ASCII texts, dtype ``S``.

    Raises
    ------
    TimeTextError
        The zone is not known.

    Notes
    -----
    Seconds are rounded half to even and carry into the minute; left out fields are cut. A leap
    second prints as ``23:59:60``, or at the same minute of another civil zone. Except in TT and
    TDT the seconds go through single precision, as in the original: with six decimals the last two
    can differ from the value. A text that is only a date has no ``Z``. Before the year 0 ISO prints
    with dots, like ``Z``: ``-4712.01.01_11:59:28Z``.
    """
    values = np.array(tai, dtype=np.float64, ndmin=1)
    values[~(np.abs(values) < _FURTHEST)] = MISSING_TIME
    if values.size == 0:
        return np.empty(0, dtype="S1")
    precision = max(min(precision, _MOST_DIGITS), _YEAR)
    name = zone.strip().upper()
    if name == "JD":
        return _julian_days(values, max(precision, 0))
    iso = name == "ISO"
    found = _zone_to_print(name)
    if found is None:
        raise TimeTextError(
            f"{zone!r} is no zone to print a time in; use TAI, UTC, TT, TDT, GPS, ISO, JD, "
            "the name of a civil zone or an offset such as +0530"
        )
    return _calendar_times(values, found, precision, iso=iso)


def is_print_zone(name: str) -> bool:
    """Whether `format_times` knows a zone of that name."""
    name = name.strip().upper()
    return name == "JD" or _zone_to_print(name) is not None


def _zone_to_print(name: str) -> Zone | None:
    return find_zone("UTC" if name in _UTC_NAMES else "Z" if name == "ISO" else name)


def _julian_days(tai: NDArray[np.float64], precision: int) -> _Texts:
    days = (tai - MISSING_TIME) / 86400.0
    return np.array([b"JD_%.*f" % (precision, day) for day in days.tolist()], dtype=np.bytes_)


def _calendar_times(
    tai: NDArray[np.float64], zone: Zone, precision: int, *, iso: bool
) -> NDArray[np.bytes_]:
    minutes, seconds, length = _clock(tai, zone)
    if zone.name not in ("TT", "TDT"):
        seconds = seconds.astype(np.float32).astype(np.float64)
    scale = 10 ** max(precision, 0)
    ticks = (np.rint(seconds * scale) if precision >= 0 else seconds).astype(np.int64)
    carry = ticks >= length * scale
    ticks[carry] -= length[carry] * scale
    minutes += carry
    days = minutes // 1440
    clock = _clock_texts(minutes - days * 1440, ticks, precision, b"T" if iso else b"_")
    suffix = b"" if zone.name == "Z" and precision <= _DAY else zone.suffix.encode()
    plain = (days >= month_starts()[0]) & (days <= month_starts()[-1])
    if plain.all():
        return _joined([*_date_texts(days, precision, "-" if iso else "."), *clock, suffix])
    return _by_width_of_year(days, clock, suffix, precision, iso=iso)


def _clock(tai: NDArray[np.float64], zone: Zone) -> tuple[_Ints, NDArray[np.float64], _Ints]:
    """Minutes since 1977.01.01_00:00 of the zone, seconds in the minute, length of the minute."""
    if not zone.civil:
        tai = tai + zone.shift
    floor = np.floor(tai)
    whole = floor.astype(np.int64)
    fraction = tai - floor
    if not zone.civil:
        minutes = whole // 60
        return minutes, (whole - minutes * 60) + fraction, np.full(tai.size, 60)
    offset = tai_minus_utc_at_tai(whole)
    # In the 61 seconds before an entry of the table the minute is 23:59 UTC, the last is 23:59:60.
    to_leap = np.append(known_leap_seconds(), _NO_LEAP)[offset] - whole
    in_long_minute = to_leap <= 61
    utc = whole - offset
    minutes = (utc - (to_leap <= 1)) // 60
    seconds = (utc - minutes * 60) + fraction
    return minutes + int(zone.shift) // 60, seconds, np.where(in_long_minute, 61, 60)


def _clock_texts(
    minute_of_day: _Ints, ticks: _Ints, precision: int, separator: bytes
) -> list[_Texts | bytes]:
    if precision <= _DAY:
        return []
    if precision == _HOUR:
        return [separator, _digits(minute_of_day // 60, 2)]
    texts: list[_Texts | bytes] = [separator, _clocks()[minute_of_day]]
    if precision >= 0:
        scale = 10**precision
        seconds = ticks // scale if precision else ticks
        texts.append(_seconds()[seconds])
        if precision:
            texts += [b".", _digits(ticks - seconds * scale, precision)]
    return texts


@lru_cache(maxsize=1)
def _clocks() -> _Texts:
    """Texts of the minutes of a day."""
    return np.array([f"{m // 60:02d}:{m % 60:02d}" for m in range(1440)], dtype=np.bytes_)


@lru_cache(maxsize=1)
def _seconds() -> _Texts:
    return np.array([f":{second:02d}" for second in range(61)], dtype=np.bytes_)


def _date_texts(days: _Ints, precision: int, separator: str, year_width: int = 4) -> list[_Texts]:
    """Dates without the sign of the year, all of one width."""
    first, last = int(days.min()), int(days.max())
    if last - first < 2 * days.size + 1000:
        distinct, index = np.arange(first, last + 1), days - first
    else:
        distinct, index = np.unique(days, return_inverse=True)
    year, month, day = civil_from_days(distinct)
    pieces: list[_Texts | bytes] = [_digits(np.abs(year), year_width)]
    if precision > _YEAR:
        pieces += [separator.encode(), _digits(month, 2)]
    if precision > _MONTH:
        pieces += [separator.encode(), _digits(day, 2)]
    return [_joined(pieces)[index]]


def _by_width_of_year(
    days: _Ints, clock: list[_Texts | bytes], suffix: bytes, precision: int, *, iso: bool
) -> NDArray[np.bytes_]:
    """Join texts of which some have a year before 0 or after 9999."""
    years, _, _ = civil_from_days(days)
    widths = np.maximum(4, np.floor(np.log10(np.abs(years) + 0.5)).astype(np.int64) + 1)
    kinds = np.where(years < 0, -widths, widths)
    parts = {}
    for kind in np.unique(kinds).tolist():
        rows = kinds == kind
        dashes = iso and kind > 0
        date = _date_texts(days[rows], precision, "-" if dashes else ".", abs(kind))
        rest = [piece if isinstance(piece, bytes) else piece[rows] for piece in clock]
        if clock and not dashes:
            rest[0] = b"_"
        parts[kind] = _joined([b"-" if kind < 0 else b"", *date, *rest, suffix])
    texts = np.zeros(days.size, dtype=f"S{max(part.itemsize for part in parts.values())}")
    for kind, part in parts.items():
        texts[kinds == kind] = part
    return texts


def _digits(values: _Ints, width: int) -> _Texts:
    """Whole numbers from 0, padded with zeros to one width."""
    matrix = np.empty((values.size, width), dtype=np.uint8)
    for column in range(width - 1, -1, -1):
        higher = values // 10
        matrix[:, column] = values - higher * 10 + ord("0")
        values = higher
    return matrix.view(f"S{width}")[:, 0]


def _joined(pieces: list[_Texts | bytes]) -> _Texts:
    """Concatenate texts of fixed widths, row by row; ``bytes`` are the same in each row."""
    pieces = [piece for piece in pieces if not isinstance(piece, bytes) or piece]
    widths = [len(piece) if isinstance(piece, bytes) else piece.itemsize for piece in pieces]
    size = next(piece.size for piece in pieces if not isinstance(piece, bytes))
    table = np.empty(size, dtype=[(f"f{i}", f"S{width}") for i, width in enumerate(widths)])
    for i, piece in enumerate(pieces):
        table[f"f{i}"] = piece
    return table.view(f"S{sum(widths)}")
