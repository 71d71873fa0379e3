"""Lengths of time as people write them: ``90m``, ``12h``, ``7d``."""

from __future__ import annotations

import re
from datetime import timedelta

__all__ = ["duration_text", "parse_duration"]

_DURATION = re.compile(r"(\d+(?:\.\d*)?)\s*([smhdw])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def parse_duration(text: str) -> timedelta:
    """Read a length of time.

    Raises
    ------
    ValueError
        It is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no length of time; write it like 90m, 12h or 2d")
    try:
        return timedelta(seconds=float(found[1]) * _UNITS[found[2]])
    except OverflowError:
        raise ValueError(f"{text!r} is longer than any length of time") from None


def duration_text(length: timedelta) -> str:
    """Write a length of time in the largest unit of which it is a whole number: ``36h``, ``7d``."""
    seconds = length.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return f"{seconds:f}".rstrip("0").rstrip(".") + "s"
