"""Positions on a series' axis in words that a person knows: times, or record numbers."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.slots import slotting
from drmsmirror.model.times import format_time
from drmsmirror.model.types import KeywordType

__all__ = ["lowest_named", "position_at", "position_seconds", "position_text", "positions"]

#: Second 0 of the DRMS epoch, but for leap seconds.
_BEGINNING = datetime(1977, 1, 1, tzinfo=UTC)


def position_seconds(definition: SeriesDefinition, position: float) -> float | None:
    """TAI seconds since 1977.01.01_TAI of a position; None on an axis that is not time.

    Parameters
    ----------
    position : float
        A slot number, TAI seconds, or a record number, whatever the axis of the series counts.
    """
    axis = definition.axis
    if axis.keyword is None or not math.isfinite(position):
        return None
    if not axis.slotted:
        return position
    rule = slotting(definition, definition.keyword(axis.keyword))
    return rule.base + position * rule.step


def lowest_named(definition: SeriesDefinition) -> float:
    """The position above which each can be asked for by itself; a missing one lies below it.

    DRMS's reading of ``[#-5]`` is not known.
    """
    return 0.0 if definition.axis.slotted else float(KeywordType.TIME.missing)


def position_at(definition: SeriesDefinition, moment: datetime) -> float:
    """The position of a moment on a time axis, to a minute; on one of numbers there is none."""
    axis = definition.axis
    seconds = (moment - _BEGINNING).total_seconds()
    if axis.keyword is None:
        return math.inf
    if not axis.slotted:
        return seconds
    return float(slotting(definition, definition.keyword(axis.keyword)).index(seconds))


def positions(definition: SeriesDefinition, seconds: float) -> float:
    """How many positions of a time axis, slots or seconds, a length of time has."""
    axis = definition.axis
    assert axis.keyword is not None, "record numbers are no time"
    if not axis.slotted:
        return seconds
    return seconds / slotting(definition, definition.keyword(axis.keyword)).step


def position_text(definition: SeriesDefinition, position: float) -> str:
    """A position as a TAI time, as ``recnum N``, or as an open end."""
    if math.isinf(position):
        return "the beginning" if position < 0 else "the end"
    seconds = position_seconds(definition, position)
    return f"recnum {position:.0f}" if seconds is None else format_time(seconds, "TAI", 0)
