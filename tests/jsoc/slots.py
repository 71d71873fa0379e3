"""The slot rule: how a value of a slotted keyword becomes an index (DRMS semantics 2.4)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .taitime import parse_time

__all__ = ["Slot", "duration_seconds", "epoch_seconds", "unit_seconds"]

_UNITS: Final[dict[str, float]] = {
    "tenthsecs": 0.1,
    "tenthseconds": 0.1,
    "secs": 1.0,
    "seconds": 1.0,
    "mins": 60.0,
    "minutes": 60.0,
    "hours": 3600.0,
    "days": 86400.0,
    "degrees": 1.0,
    "deg": 1.0,
    "arcmins": 1 / 60,
    "arcsecs": 1 / 3600,
    "none": 1.0,
    "": 1.0,
}
_EPOCHS: Final[dict[str, float]] = {
    "DRMS_EPOCH": 0.0,
    "MDI_EPOCH": 504921600.0,
    "TSEQ_EPOCH": 504921600.0,
    "WSO_EPOCH": -11865398400.0,
    "TAI_EPOCH": -599616000.0,
    "MJD_EPOCH": -3727641600.0,
}
_LETTERS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Slot:
    """How one slotted keyword is divided.

    Attributes
    ----------
    kind : str
        ``ts_eq``, ``ts_slot``, ``slot`` or ``carr``.
    base : float
        Origin, in the keyword's own unit (TAI seconds for times).
    step : float
        Width of a slot.
    rounding : float
        What is rounded over: the step (nearest slot), or 0 (floor) for ``ts_slot``.
    """

    kind: str
    base: float
    step: float
    rounding: float

    def index(self, value: float) -> int:
        """Index of the slot that a value falls into; an exact half goes up."""
        return math.floor((value - self.base + self.rounding / 2.0) / self.step)

    def indices(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Indices of many values; a missing value has the missing index."""
        with np.errstate(invalid="ignore"):
            found = np.floor((values - self.base + self.rounding / 2.0) / self.step)
            found = np.where(np.isnan(found), -(2.0**63), found)
        return found.astype(np.int64)


def duration_seconds(text: str) -> float:
    """Seconds of ``60s``, ``1d``, ``96m``..."""
    match = re.fullmatch(r"\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*([smhd])\s*", text)
    if match is None:
        raise ValueError(f"not a duration: {text!r}")
    return float(match[1]) * _LETTERS[match[2]]


def unit_seconds(name: str | None) -> float:
    """Factor of a ``K_unit`` constant; absent means one (seconds, degrees)."""
    return _UNITS[(name or "").strip().lower()]


def epoch_seconds(text: str) -> float:
    """TAI seconds of an epoch given as a time string or by DRMS's name for it."""
    if text.upper() in _EPOCHS:
        return _EPOCHS[text.upper()]
    parsed = parse_time(text)
    if parsed is None:
        raise ValueError(f"not an epoch: {text!r}")
    return parsed
