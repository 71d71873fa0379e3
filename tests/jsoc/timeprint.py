"""Times as DRMS prints them: zones, ISO, precision, leap seconds (DRMS semantics 2.6)."""

from __future__ import annotations

import bisect
import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .taitime import DAY, LEAPS, MISSING_TIME, calendar_date, is_missing_time, zone_offset

__all__ = ["print_column", "print_time"]

_LEAP_ARRAY: Final = np.array(LEAPS, dtype=np.float64)


def _civil_fields(tai: float, zone: tuple[str, float]) -> tuple[float, int]:
    """Civil seconds (no leap seconds) in a zone, and 1 while a leap second is running."""
    kind, offset = zone
    if kind == "atomic":
        return tai + offset, 0
    count = bisect.bisect_right(LEAPS, tai)
    leap = int(count < len(LEAPS) and tai >= LEAPS[count] - 1)
    return tai - count - leap + 60.0 * offset, leap


def print_time(tai: float, unit: str = "TAI", precision: int = 0) -> str:
    """Print a time as DRMS does (semantics 2.6).

    Parameters
    ----------
    tai : float
        TAI seconds since 1977.01.01_TAI. NaN prints as the missing time.
    unit : str
        Zone, or ``ISO``, or ``JD``; anything that is not a zone means UTC.
    precision : int
        Digits of the seconds (rounded, with carry); negative drops fields (truncated).

    Returns
    -------
    str
    """
    missing = is_missing_time(tai)
    tai = MISSING_TIME if missing else tai
    upper = unit.strip().upper()
    if upper == "JD":
        return "JD_0" if missing else f"JD_{(tai + 32.184) / DAY + 2443144.5:.{max(precision, 0)}f}"
    iso = upper == "ISO" and not missing
    zone_name = "UTC" if upper in ("NONE", "TIME", "") else "Z" if upper == "ISO" else upper
    zone = zone_offset(zone_name)
    if zone is None:
        zone_name, zone = "UTC", ("civil", 0.0)
    return _print_fields(tai, zone, zone_name, iso, precision)


def _print_fields(
    tai: float, zone: tuple[str, float], zone_name: str, iso: bool, precision: int
) -> str:
    digits = max(precision, 0)
    local = tai + (zone[1] if zone[0] == "atomic" else 0.0)
    base = ("atomic", 0.0) if zone[0] == "atomic" else zone
    whole = math.floor(local if precision >= 0 else local + 5e-7)
    civil, leap = _civil_fields(float(whole), base)
    fraction = ""
    if precision >= 0:  # rounded like printf("%.*f") of the seconds field, with carry
        second = int(civil) % 60 + leap
        number, _, fraction = f"{second + (local - whole):.{digits}f}".partition(".")
        if int(number) > second:
            civil, leap = _civil_fields(float(whole + 1), base)
    day, rest = divmod(int(civil), 86400)
    year, month, dom = calendar_date(day)
    hour, minute, second = rest // 3600, rest // 60 % 60, rest % 60 + leap
    dash = "-" if iso else "."
    text = f"{year:04d}{dash}{month:02d}"
    if precision > -4:
        text += f"{dash}{dom:02d}"
    letter = len(zone_name) == 1 or zone_name[0] in "+-"
    if precision <= -3:
        return text if letter else f"{text}_{zone_name}"
    text += f"{'T' if iso else '_'}{hour:02d}"
    if precision > -2:
        text += f":{minute:02d}"
    if precision >= 0:
        text += f":{second:02d}" + ("." + fraction if digits else "")
    return text + (zone_name if letter else f"_{zone_name}")


def print_column(values: NDArray[np.float64], unit: str, precision: int) -> list[str]:
    """Print many times at once: the plain ones with array arithmetic, the rest one by one.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    unit, precision
        As for `print_time`.

    Returns
    -------
    list of str, length n
    """
    upper = unit.strip().upper()
    zone_name = "UTC" if upper in ("NONE", "TIME", "") else "Z" if upper == "ISO" else upper
    zone = zone_offset(zone_name)
    if upper == "JD" or zone is None or not 0 <= precision <= 6:
        return [print_time(float(v), unit, precision) for v in values]
    kind, offset = zone
    plain = (values > -1.2e10) & (values < 2.5e11)
    local = np.where(plain, values, 0.0) + (offset if kind == "atomic" else 0.0)
    whole = np.floor(local).astype(np.int64)
    fraction = local - whole
    if kind == "civil":
        count = np.searchsorted(_LEAP_ARRAY, whole, side="right")
        for step in (1, 2):  # a leap second running, or one second away: the careful way
            plain &= ~np.isin(whole + step, _LEAP_ARRAY.astype(np.int64))
        whole = whole - count + int(60 * offset)
    scaled = (whole % 60 + fraction) * 10**precision
    if precision:
        plain &= np.abs(scaled - np.floor(scaled) - 0.5) > 1e-3
    seconds, ticks = np.divmod(np.rint(scaled).astype(np.int64), 10**precision)
    whole = whole - whole % 60 + seconds
    labels = (whole.astype("timedelta64[s]") + np.datetime64("1977-01-01T00:00:00")).astype(str)
    suffix = zone_name if len(zone_name) == 1 or zone_name[0] in "+-" else f"_{zone_name}"
    if upper == "ISO":
        heads = labels.tolist()
    else:
        heads = [f"{s[:4]}.{s[5:7]}.{s[8:10]}_{s[11:]}" for s in labels.tolist()]
    if precision:
        form = f"%s.%0{precision}d{suffix}"
        texts = [form % pair for pair in zip(heads, ticks.tolist(), strict=True)]
    else:
        texts = [head + suffix for head in heads]
    for i in np.flatnonzero(~plain).tolist():
        texts[i] = print_time(float(values[i]), unit, precision)
    return texts
