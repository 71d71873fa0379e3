"""Days and dates: Gregorian from 1582.10.15, Julian before (DRMS semantics 2.5).

Years are astronomical (0 is 1 BC). Days are counted from 1977.01.01.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["civil_from_days", "days_from_civil", "month_starts"]

_EPOCH_JDN: Final = 2443145  # the Julian day that begins at noon of 1977.01.01
_GREGORIAN_JDN: Final = 2299161  # of 1582.10.15

_Ints = NDArray[np.int64]


def days_from_civil(year: int | _Ints, month: int | _Ints, day: int | _Ints) -> _Ints:
    """Days from 1977.01.01 to a date.

    Parameters
    ----------
    year, month, day : int or array of int64
        ``month`` from 1 to 12; ``day`` may be beyond the end of the month and then rolls over.
    """
    years, months, days = (np.asarray(part, dtype=np.int64) for part in (year, month, day))
    before_march = (14 - months) // 12
    y = years + 4800 - before_march
    julian = days + (153 * (months + 12 * before_march - 3) + 2) // 5 + 365 * y + y // 4 - 32083
    gregorian = julian - y // 100 + y // 400 + 38
    date = (years * 100 + months) * 100 + days
    jdn: _Ints = np.where(date >= 15821015, gregorian, julian)
    return jdn - _EPOCH_JDN


def civil_from_days(days: _Ints) -> tuple[_Ints, _Ints, _Ints]:
    """Year, month and day of days since 1977.01.01."""
    jdn = np.asarray(days, dtype=np.int64) + _EPOCH_JDN
    century_correction = ((4 * jdn + 274277) // 146097 * 3) // 4 - 38
    f = jdn + 1401 + np.where(jdn >= _GREGORIAN_JDN, century_correction, 0)
    e = 4 * f + 3
    h = 5 * (e % 1461 // 4) + 2
    month = (h // 153 + 2) % 12 + 1
    return e // 1461 - 4716 + (14 - month) // 12, month, h % 153 // 5 + 1


@lru_cache(maxsize=1)
def month_starts() -> NDArray[np.int32]:
    """Days from 1977.01.01 to the first of each month of the years 0 to 9999.

    Element ``12 * year + month - 1``; read only.
    """
    months = np.arange(12 * 10000, dtype=np.int64)
    starts = days_from_civil(months // 12, months % 12 + 1, 1).astype(np.int32)
    starts.flags.writeable = False
    return starts
