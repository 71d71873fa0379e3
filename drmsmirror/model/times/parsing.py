"""Read one DRMS time (DRMS semantics 2.5)."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drmsmirror.errors import TimeTextError
from drmsmirror.model.leapseconds import tai_minus_utc_at_utc
from drmsmirror.model.times.calendar import days_from_civil
from drmsmirror.model.times.grammar import match_time, month_number
from drmsmirror.model.times.zones import Zone, find_zone

__all__ = ["parse_time", "tai_from_clock"]

_JD_OF_EPOCH: Final = 2443144.5
_MJD_OF_EPOCH: Final = 43144.0
_MOST_DAYS: Final = 1e9
_EXAMPLES: Final = "write it like 2010.05.01_00:00:00_TAI or 2010-05-01T00:00:00Z"
_SHOWN: Final = 80


def parse_time(text: str) -> float:
    """Read a DRMS time.

    Parameters
    ----------
    text : str
        The whole text must be a time, without blanks around it. See
        `drmsmirror.model.times.grammar` for the forms; without a zone, dates are UTC and Julian
        days TDT.

    Returns
    -------
    float
        TAI seconds since 1977.01.01_00:00:00_TAI. ``-4712.01.01_12:00_TT`` gives the missing time.

    Raises
    ------
    TimeTextError
        The text is no time, only begins with one, or names a date that does not exist (month 13,
        day 0). Days, hours, minutes and seconds beyond their end roll over as in DRMS.

    Notes
    -----
    The original keeps seconds in single precision while reading and so is wrong by up to 2e-6 s;
    here the fraction is exact.
    """
    match = match_time(text)
    if match is None or match.end() != len(text):
        raise TimeTextError(_explain(text, match))
    return _julian_day(match) if match["jd"] else _calendar_time(match)


def _julian_day(match: re.Match[str]) -> float:
    # In double precision throughout, as in the original: a Julian day resolves 40 microseconds.
    zone = _zone(match["jd_zone"] or "TDT")
    days = float(match["number"]) - (_JD_OF_EPOCH if match["jd"] == "JD" else _MJD_OF_EPOCH)
    if not abs(days) < _MOST_DAYS:
        raise TimeTextError(f"{_quoted(match.string)} is no time: the day is out of range")
    seconds = days * 86400.0
    leaps = int(tai_minus_utc_at_utc(int(seconds // 1))) if zone.civil else 0
    return seconds - zone.shift + leaps


def _calendar_time(match: re.Match[str]) -> float:
    zone = _zone(match["zone"] or match["z"] or match["offset"] or "UTC")
    seconds = int(match["second"] or 0)
    fraction = float(f"0.{match['second_fraction'] or 0}")
    hours = int(match["hour"] or match["signed_hour"] or 0)
    minutes = _day(match) * 1440 + hours * 60 + int(match["minute"] or 0)
    if match["day_fraction"]:
        extra = float(f"0.{match['day_fraction']}") * 86400.0 + seconds + fraction
        minutes += int(extra // 60)
        seconds, fraction = int(extra % 60), extra % 1
    return float(tai_from_clock(np.array(minutes), np.array(seconds), np.array(fraction), zone))


def _day(match: re.Match[str]) -> int:
    """Days from 1977.01.01 to the date."""
    year = int(match["year"] or match["compact_year"])
    day_of_year = match["day_of_year"] or match["compact_day_of_year"]
    if day_of_year:
        # Without a dot this could be any number of seven digits, so nothing rolls over.
        if int(day_of_year) == 0 or int(match["compact_day_of_year"] or 0) > 366:
            raise TimeTextError(
                f"{_quoted(match.string)} is no time: there is no day {day_of_year} of the year"
            )
        return int(days_from_civil(year, 1, 1)) + int(day_of_year) - 1
    month = match["month"] or match["iso_month"] or match["compact_month"] or "1"
    day = int(match["day"] or match["iso_day"] or match["compact_day"] or "1")
    if not month_number(month):
        raise TimeTextError(f"{_quoted(match.string)} is no time: there is no month {month}")
    if day == 0:
        raise TimeTextError(f"{_quoted(match.string)} is no time: the days of a month count from 1")
    return int(days_from_civil(year, month_number(month), day))


def _zone(name: str) -> Zone:
    zone = find_zone(name)
    assert zone is not None, "the grammar lets no other names pass"
    return zone


def tai_from_clock(
    minutes: NDArray[np.int64],
    seconds: NDArray[np.int64],
    fraction: NDArray[np.float64],
    zone: Zone,
) -> NDArray[np.float64]:
    """Convert what a clock in a zone shows to TAI seconds.

    Parameters
    ----------
    minutes : array of int64
        Minutes since 1977.01.01_00:00 of that zone, in days of 1440 minutes.
    seconds : array of int64
        Seconds of the minute; 60 in a leap second.
    fraction : array of float64
        Fraction of the second.
    zone : Zone
        The clock's zone.

    Returns
    -------
    array of float64
        Seconds since 1977.01.01_00:00:00_TAI.

    Notes
    -----
    Leap seconds are those before the *minute*: that tells 23:59:60 from 00:00:00. They are looked
    up with the clock's own reading even where the zone is not UTC; so does the original, which
    makes civil times within some hours of a leap second wrong by one second.

    The whole numbers are added exactly, and the result is rounded once.
    """
    whole = minutes * 60 + seconds
    if zone.civil:
        whole = whole + tai_minus_utc_at_utc(minutes * 60)
    return whole + (fraction - zone.shift)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _explain(text: str, match: re.Match[str] | None) -> str:
    """Say what is wrong with a text that is not a time from end to end."""
    if match is None:
        return f"{_quoted(text)} is no DRMS time; {_EXAMPLES}"
    rest = text[match.end() :]
    says = f"{_quoted(text)} is no DRMS time: {match.group()!r} is one, {_quoted(rest)} is too much"
    if re.match(r"[T ][0-9]", rest):
        return f"{says}; between a date with dots and a clock there is '_'"
    if rest != rest.strip():
        return f"{says}; leave out the blank"
    if re.match(r"_?[+-][0-9]", rest):
        return f"{says}; an offset from UTC is +hhmm or -hhmm, without a colon and at most +1400"
    if re.match(r"_[0-9]{3,}", rest):
        return f"{says}; write the clock with colons, 12:30:00"
    if re.match(r"_[A-Za-z]", rest):
        return f"{says}; the zone is not known: use TAI, UTC, TT, GPS or an offset such as +0530"
    return f"{says}; {_EXAMPLES}"
