"""Durations: a number and one unit letter (record sets, rule 19)."""

from __future__ import annotations

import math
import re
from typing import Final

from drmsmirror.errors import TimeTextError

__all__ = ["DURATION_UNITS", "parse_duration"]

#: Seconds in each unit of a duration. ``u``, one slot, is known to the record-set parser only.
DURATION_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_DURATION = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<unit>[smhd])",
    re.ASCII,
)


def parse_duration(text: str) -> float:
    """Read a duration such as ``96m`` or ``1.5h``.

    Parameters
    ----------
    text : str
        A number and exactly one of the letters ``s m h d``, in lower case, nothing else.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    TimeTextError
        The text is no duration.
    """
    match = _DURATION.fullmatch(text)
    seconds = float(match["number"]) * DURATION_UNITS[match["unit"]] if match else math.inf
    if not math.isfinite(seconds):
        raise TimeTextError(
            f"{text!r} is no duration: it is a number and one of the letters s, m, h, d, as in 12h"
        )
    return seconds
