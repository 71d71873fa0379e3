"""Slots: the whole numbers by which DRMS identifies the values of a slotted keyword.

Source: DRMS semantics 2.4. A slotted keyword ``K`` is described by constants of its series:
``K_step`` always, ``K_epoch`` for times, ``K_base`` for plain slots, and optionally ``K_unit`` and
``K_round``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drmsmirror.errors import DefinitionError, TimeTextError
from drmsmirror.model.series import Keyword, Scope, SeriesDefinition
from drmsmirror.model.times.durations import DURATION_UNITS, parse_duration
from drmsmirror.model.times.parsing import parse_time
from drmsmirror.model.types import MISSING_TIME, MISSING_TIME_TOLERANCE, KeywordType

__all__ = ["DURATION_UNITS", "EPOCHS", "MISSING_INDEX", "Slotting", "parse_duration", "slotting"]

#: The index of a missing value.
MISSING_INDEX: Final = int(KeywordType.LONGLONG.missing)

#: The epochs that ``K_epoch`` may name, in seconds since 1977.01.01_00:00:00_TAI.
EPOCHS: Final = {
    "DRMS_EPOCH": 0.0,
    "MDI_EPOCH": 504921600.0,
    "TSEQ_EPOCH": 504921600.0,
    "WSO_EPOCH": -11865398400.0,
    "TAI_EPOCH": -599616000.0,
    "MJD_EPOCH": -3727641600.0,
}

_SECONDS: Final = {"tenthsecs": 0.1, "secs": 1.0, "mins": 60.0, "hours": 3600.0, "days": 86400.0}
_DEGREES: Final = {
    "degrees": 1.0,
    "arcmins": 1.0 / 60.0,
    "arcsecs": 1.0 / 3600.0,
    "milliarcsecs": 1.0 / 3.6e6,
    "rads": math.degrees(1.0),
}
_OTHER_SPELLINGS: Final = {
    "sec": "secs", "s": "secs", "second": "secs", "seconds": "secs",
    "min": "mins", "minute": "mins", "minutes": "mins", "hour": "hours", "day": "days",
    "deg": "degrees", "degree": "degrees", "radians": "rads",
}  # fmt: skip
_TIME_SCOPES: Final = (Scope.TS_EQ, Scope.TS_SLOT)
_BEYOND_INT64: Final = 2.0**63


@dataclass(frozen=True, slots=True)
class Slotting:
    """How the values of one keyword fall into slots.

    Parameters
    ----------
    scope : Scope
        ``TS_EQ``, ``TS_SLOT``, ``SLOT`` or ``CARR``.
    base : float
        Value at which slot 0 sits: seconds since 1977.01.01_00:00:00_TAI for times, degrees for
        Carrington keywords, the keyword's own unit otherwise.
    step : float
        Distance of two slots, in seconds, degrees or the keyword's own unit.
    round : float
        ``step`` where a value belongs to the nearest slot (an exact half to the higher one), 0
        where it belongs to the slot that began last, anything between by ``K_round``.

    Notes
    -----
    ``index = floor((value - base + round / 2) / step)`` in double precision, as in the original: a
    value at an exact half slot is safe because it, half a step and the epoch are exact.
    """

    scope: Scope
    base: float
    step: float
    round: float

    @property
    def is_time(self) -> bool:
        """Whether values are times."""
        return self.scope in _TIME_SCOPES

    def index(self, value: float) -> int:
        """Compute the slot of a value.

        Parameters
        ----------
        value : float
            In the unit of ``base``.

        Returns
        -------
        int
            `MISSING_INDEX` for a missing value: NaN, and of times the missing time.
        """
        position = (value - self.base + self.round / 2.0) / self.step
        missing_time = self.is_time and abs(value - MISSING_TIME) < MISSING_TIME_TOLERANCE
        if missing_time or not abs(position) < _BEYOND_INT64:
            return MISSING_INDEX
        return math.floor(position)

    def indices(self, values: ArrayLike) -> NDArray[np.int64]:
        """Compute the slots of many values; see `index`.

        Parameters
        ----------
        values : array_like of float
            In the unit of ``base``.

        Returns
        -------
        numpy.ndarray of int64
            Of the same shape; `MISSING_INDEX` where a value is missing.
        """
        floats = np.asarray(values, dtype=np.float64)
        positions = (floats - self.base + self.round / 2.0) / self.step
        present = np.abs(positions) < _BEYOND_INT64
        if self.is_time:
            present &= ~(np.abs(floats - MISSING_TIME) < MISSING_TIME_TOLERANCE)
        slots = np.floor(np.where(present, positions, 0.0)).astype(np.int64)
        return np.where(present, slots, MISSING_INDEX)

    def value(self, index: int) -> float:
        """Return the value at which a slot sits, its centre where values go to the nearest slot.

        Returns
        -------
        float
            In the unit of ``base``.
        """
        return self.base + index * self.step


def slotting(definition: SeriesDefinition, keyword: Keyword) -> Slotting:
    """Read how a keyword is slotted from the constants of its series.

    Parameters
    ----------
    definition : SeriesDefinition
        The series; its keywords' default texts hold the constants.
    keyword : Keyword
        A slotted keyword of that series.

    Raises
    ------
    DefinitionError
        The keyword is not slotted (or by enumeration, which no known series uses), or one of its
        constants is missing or cannot be understood; the message names it.

    Notes
    -----
    ``K_step`` is a number in ``K_unit`` (seconds or degrees by default) or a text such as ``96m``.
    The unit ``hours``, which the original declares and forgets to convert, is 3600 s here. A plain
    slot counts in the keyword's own unit whatever ``K_unit`` says.
    """
    scope = keyword.scope
    constants = _Constants(definition, keyword.name)
    if scope in _TIME_SCOPES:
        step = constants.interval("step", _SECONDS)
        rounding = step if scope is Scope.TS_EQ else constants.interval("round", _SECONDS, 0.0)
        return Slotting(scope, constants.epoch(), step, rounding)
    if scope is Scope.SLOT:
        step = constants.interval("step", {})
        return Slotting(scope, constants.number("base"), step, step)
    if scope is Scope.CARR:
        step = constants.interval("step", _DEGREES)
        return Slotting(scope, 0.0, step, step)
    raise DefinitionError(
        f"{definition.name}: {keyword.name} is of class {scope}, which has no slots to count"
    )


@dataclass(frozen=True, slots=True)
class _Constants:
    """The constants ``K_...`` of one keyword."""

    definition: SeriesDefinition
    name: str

    def text(self, what: str) -> str | None:
        keyword = self.definition.find(f"{self.name}_{what}")
        return keyword.default.strip() if keyword else None

    def needed(self, what: str) -> str:
        text = self.text(what)
        if not text:
            raise DefinitionError(
                f"{self.definition.name}: the slotted keyword {self.name} needs the constant "
                f"{self.name}_{what}; the series does not give it"
            )
        return text

    def wrong(self, what: str, text: str, right: str) -> DefinitionError:
        return DefinitionError(
            f"{self.definition.name}: {self.name}_{what} is {text!r}, which is not {right}"
        )

    def number(self, what: str) -> float:
        text = self.needed(what)
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.wrong(what, text, "a number")
        return number

    def interval(self, what: str, units: dict[str, float], default: float | None = None) -> float:
        """Read a step or rounding: a number times the unit, or a duration."""
        if default is not None and not self.text(what):
            return default
        text = self.needed(what)
        if units is _SECONDS and text[-1] in DURATION_UNITS:
            try:
                value = parse_duration(text)
            except TimeTextError:
                raise self.wrong(what, text, "a duration such as 96m") from None
        else:
            value = self.number(what) * self.unit(units)
        if value < 0 or (value == 0 and default is None):
            raise self.wrong(what, text, "a positive number")
        return value

    def unit(self, units: dict[str, float]) -> float:
        text = (self.text("unit") or "none").lower()
        if not units or text == "none":
            return 1.0
        name = _OTHER_SPELLINGS.get(text, text)
        if name not in units:
            raise self.wrong("unit", text, f"one of {', '.join(units)}")
        return units[name]

    def epoch(self) -> float:
        text = self.needed("epoch")
        if text in EPOCHS:
            return EPOCHS[text]
        try:
            return parse_time(text)
        except TimeTextError:
            pass
        try:
            return self.number("epoch")  # an epoch kept as seconds
        except DefinitionError:
            raise self.wrong("epoch", text, f"a time or one of {', '.join(EPOCHS)}") from None
