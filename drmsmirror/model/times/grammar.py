"""What a DRMS time looks like, and how far into a text one reaches (DRMS semantics 2.5).

::

    time  = jd | date [ ("_" | "T" | " ") clock ] [ zone ]
    jd    = ("JD_" | "MJD_") number [ "_" name ]
    date  = Y[.M[.D[.frac]]] | Y-M[-D] | YYYYMMDD | YYYYDDD | Y.DDD
    clock = hh[:mm[:ss[.frac]]] | sign hhhh
    zone  = "_" name | "_" offset | "Z" | offset

``T`` and the blank stand only after a date with dashes. A year has four digits, a month one or
two, or is an English or roman name. What follows a date and ``_`` is a clock before it is a zone:
the original reads even ``2010.05.01_+0530`` as 530 hours after midnight, and so does this.

Deliberate deviations from the original:

* A clock without colons counts only where it is all zeros (``20100501_000000``); the original reads
  ``123000`` as an hour.
* An offset has four digits and is at most fourteen hours: ``+05:30`` and ``-2014`` are none.
* An offset without ``_`` follows a clock or a date with a day: ``2010-0800`` is none.
* The name of a zone must be known and whole.
"""

from __future__ import annotations

import re
from typing import Final

from drmsmirror.model.times.zones import OFFSET_PATTERN, ZONE_PATTERN

__all__ = ["match_time", "month_number", "time_prefix"]

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_ROMAN: Final = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_MONTH_NAMES: Final = {name: number for number, name in enumerate(_ROMAN, start=1)} | {
    name[:length]: number
    for number, name in enumerate(_MONTHS, start=1)
    for length in range(3, len(name) + 1)
}

_MONTH = (
    rf"(?:[0-9]{{1,2}}(?![0-9])"
    rf"|(?i:{'|'.join(sorted(_MONTH_NAMES, key=len, reverse=True))})(?![A-Za-z0-9]))"
)
_DAY = r"[0-9]{1,2}(?![0-9])"
_CLOCK = rf"""
    (?:(?P<zeros>0{{3,}})(?![0-9:])
      |(?P<signed_hour>{OFFSET_PATTERN})
      |(?P<hour>[0-9]{{1,2}})(?![0-9])
       (?::(?P<minute>[0-9]{{1,2}})(?![0-9])
        (?::(?P<second>[0-9]{{1,2}})(?![0-9])(?:\.(?P<second_fraction>[0-9]+))?)?)?
    )"""
_TIME = re.compile(
    rf"""
    (?P<jd>M?JD)_(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:_(?P<jd_zone>{ZONE_PATTERN}))?
    |
    (?:
        (?P<compact_year>[0-9]{{4}})
        (?:(?P<compact_month>[0-9]{{2}})(?P<compact_day>[0-9]{{2}})
          |(?P<compact_day_of_year>[0-9]{{3}}))(?![0-9])
      |
        (?P<year>-?[0-9]{{4}})(?![0-9])
        (?:
            \.(?P<day_of_year>[0-9]{{3}})(?![0-9])
          | \.(?P<month>{_MONTH})(?:\.(?P<day>{_DAY})(?:\.(?P<day_fraction>[0-9]+))?)?
          | -(?P<iso_month>{_MONTH})(?:-(?P<iso_day>{_DAY}))?
        )?
    )
    (?:(?:_|(?(iso_month)[T ]|(?!)))(?P<clock>{_CLOCK}))?
    (?:
        _(?P<zone>{ZONE_PATTERN})
      | (?P<z>[Zz])(?![A-Za-z0-9])
      | (?(clock)|(?(day)|(?(iso_day)|(?(compact_year)|(?(day_of_year)|(?!))))))
        (?P<offset>{OFFSET_PATTERN})
    )?
    """,
    re.VERBOSE | re.ASCII,
)


def match_time(text: str, start: int = 0) -> re.Match[str] | None:
    """Match as much as the grammar allows at ``start``; values are not checked yet."""
    return _TIME.match(text, start)


def month_number(name: str) -> int:
    """Return the month that a number or a name means; 0 where it means none."""
    if name[0].isdigit():
        return int(name) if int(name) <= 12 else 0
    return _MONTH_NAMES.get(name.lower(), 0)


def time_prefix(text: str, start: int = 0) -> int:
    """How far the text at ``start`` is a time.

    Parameters
    ----------
    text : str
        For example what is in the brackets of a record set.
    start : int
        Where the time would begin; blanks are not skipped.

    Returns
    -------
    int
        End of the longest prefix of ``text[start:]`` that has the form of a time; ``start`` where
        none has. Values are not checked: ``2010.13.01`` is a prefix that `parse_time` refuses.

    Notes
    -----
    An offset from the epoch of a slotted keyword (``3000d``) begins like a year: the caller looks
    for a number with a unit letter first.

    What follows decides nothing, so the caller reads ranges from left to right: a time, ``-``, a
    time. An offset is told from the second time of a range by its size: none is beyond fourteen
    hours. So ``2014-01-01T00:00:00-2014-01-01T01:00:00``, ``2014-01-01-2014-01-02``, ``2010-2011``
    and ``2010-05-2010-06`` are ranges, while ``2014-01-01T00:00:00-0800`` is one time and
    ``2010-05`` is one month. The original takes ``-2014`` for an offset (DRMS semantics 2.5).
    """
    match = _TIME.match(text, start)
    return match.end() if match else start
