"""How a time keyword says that it prints (DRMS semantics 2.6).

A keyword of type ``time`` names its zone as *units* and its precision as *format*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drmsmirror.model.printf import Printf
from drmsmirror.model.times.durations import DURATION_UNITS
from drmsmirror.model.times.printing import format_times, is_print_zone

__all__ = ["TimeStyle", "time_style"]

_INTERVAL: Final = re.compile(
    r"\s*(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*"
    r"(?P<unit>s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:ours?)?|d(?:ays?)?)\s*",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"\s*[+-]?(?:[0-9]+|\.[0-9]+)", re.ASCII)
_PRINTF: Final = re.compile(r"[^%]*%[-+ #0]*[0-9]*(?:\.[0-9]+)?l*[defgEGi][^%]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class TimeStyle:
    """How times of one keyword print.

    Parameters
    ----------
    zone : str
        A zone of `format_times`.
    precision : int
        Decimals of the seconds; below zero, fields left out.
    interval : float, optional
        Seconds; where set, a value prints as a number of such intervals and not as a date.
    number_format : str
        The printf format of that number.
    """

    zone: str = "UTC"
    precision: int = 0
    interval: float | None = None
    number_format: str = "%f"

    def format(self, tai: ArrayLike) -> NDArray[np.bytes_]:
        """Print times, in seconds since 1977.01.01_00:00:00_TAI, as the keyword says."""
        if self.interval is None:
            return format_times(tai, self.zone, self.precision)
        numbers = (np.array(tai, dtype=np.float64, ndmin=1) / self.interval).tolist()
        printed = Printf.of(self.number_format).print_numbers(numbers, bits=64)
        return np.array(printed, dtype=np.bytes_)


def time_style(units: str, print_format: str | None = None) -> TimeStyle:
    """Understand the units and the format of a time keyword.

    Parameters
    ----------
    units : str
        A zone; ``none``, ``time`` or blank for UTC; an interval such as ``86400 s``.
    print_format : str, optional
        A number, the precision; or a zone, which then stands for the units; or for intervals the
        printf format. By default 0.

    Notes
    -----
    Units that are neither zone nor interval print as UTC, and a format that is none of the above
    counts as 0: a definition with odd units must not keep anybody from reading its records.
    """
    text = (print_format or "0").strip()
    interval = _INTERVAL.fullmatch(units)
    if interval and float(interval["number"]) > 0:
        seconds = float(interval["number"]) * DURATION_UNITS[interval["unit"][0]]
        return TimeStyle(interval=seconds, number_format=text if _PRINTF.fullmatch(text) else "%f")
    number = _NUMBER.match(text)
    if number is None and is_print_zone(text):
        return TimeStyle(zone=text.upper())
    zone = units.strip().upper() if is_print_zone(units) else "UTC"
    return TimeStyle(zone=zone, precision=int(float(number.group())) if number else 0)
