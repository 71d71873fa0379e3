"""Leap seconds as DRMS counts them, and TAI-UTC in both directions.

DRMS keeps time in TAI seconds since 1977.01.01_00:00:00_TAI and owns a table of leap seconds (DRMS
semantics 2.5). Its entries before 1972 are fictitious whole seconds, kept because everything stored
was computed with them; before the first entry UTC equals TAI. The table is the truth for all dates
that it covers. A leap second after its last entry is learnt from ERFA, whose table comes with the
installed package: nothing here uses the network.

UTC seconds in this module are seconds since 1977.01.01_00:00:00_UTC counted in days of exactly
86400 s, so that a leap second has no UTC number of its own: it shares that of the second after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DRMS_LEAP_SECONDS",
    "known_leap_seconds",
    "later_leap_seconds",
    "tai_minus_utc_at_tai",
    "tai_minus_utc_at_utc",
]

#: The first TAI second after each leap second, in seconds since 1977.01.01_00:00:00_TAI.
#: Its last entry is 2017.01.01_00:00:00_UTC. Source: DRMS semantics 2.5.
DRMS_LEAP_SECONDS: Final = (
    -536543999, -457747198, -394588797, -363052796, -331516795, -284083194, -252460793,
    -220924792, -189388791, -157852790, -142127989, -126230388, -94694387, -63158386, -31622385,
    16, 31536017, 63072018, 94608019, 141868820, 173404821, 204940822, 268099223, 347068824,
    410227225, 441763226, 489024027, 520560028, 552096029, 599529630, 646790431, 694224032,
    915148833, 1009843234, 1120176035, 1214784036, 1262304037,
)  # fmt: skip


@lru_cache(maxsize=1)
def known_leap_seconds() -> NDArray[np.int64]:
    """Return DRMS's table, continued with the later leap seconds that ERFA knows of.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        The first TAI second after each leap second, in seconds since 1977.01.01_00:00:00_TAI,
        ascending; read only. TAI-UTC at a time is the number of entries not after it.

    Notes
    -----
    ERFA is asked once per process.
    """
    import erfa

    rows = erfa.leap_seconds.get()
    table = np.array(
        [*DRMS_LEAP_SECONDS, *later_leap_seconds(rows["year"], rows["month"], rows["tai_utc"])],
        dtype=np.int64,
    )
    table.flags.writeable = False
    return table


def later_leap_seconds(
    years: Iterable[int], months: Iterable[int], differences: Iterable[float]
) -> list[int]:
    """Select the leap seconds that DRMS's table lacks because they are later.

    Parameters
    ----------
    years, months : iterable of int
        TAI-UTC changed at the start of these months, in ascending order.
    differences : iterable of float
        TAI-UTC in seconds from then on.

    Returns
    -------
    list of int
        Further entries of the table. A change by anything but one inserted second ends the list:
        neither the table nor DRMS can express it.
    """
    later: list[int] = []
    epoch = np.datetime64("1977-01-01", "D")
    for year, month, difference in zip(years, months, differences, strict=True):
        day = np.datetime64(f"{int(year):04d}-{int(month):02d}-01", "D")
        utc = int((day - epoch).astype(np.int64)) * 86400
        count = len(DRMS_LEAP_SECONDS) + len(later)
        if utc + count <= DRMS_LEAP_SECONDS[-1]:
            continue
        if difference != count + 1:
            break
        later.append(utc + count + 1)
    return later


@lru_cache(maxsize=1)
def _leaps_in_utc() -> NDArray[np.int64]:
    """Return the same instants in UTC seconds."""
    table = known_leap_seconds()
    return table - np.arange(1, table.size + 1)


def tai_minus_utc_at_tai(tai: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Look up TAI-UTC at TAI seconds.

    Parameters
    ----------
    tai : array_like of int
        Seconds since 1977.01.01_00:00:00_TAI.

    Returns
    -------
    numpy.ndarray of int64
        TAI-UTC in seconds; during a leap second, the difference before it.
    """
    return np.searchsorted(known_leap_seconds(), tai, side="right").astype(np.int64)


def tai_minus_utc_at_utc(utc: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Look up TAI-UTC at UTC seconds.

    Parameters
    ----------
    utc : array_like of int
        Seconds since 1977.01.01_00:00:00_UTC in days of 86400 s. For a leap second pass the start
        of its minute and add the sixty seconds afterwards.

    Returns
    -------
    numpy.ndarray of int64
        TAI-UTC in seconds, so that ``tai = utc + tai_minus_utc_at_utc(utc)``.
    """
    return np.searchsorted(_leaps_in_utc(), utc, side="right").astype(np.int64)
