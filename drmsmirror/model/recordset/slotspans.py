"""Turn alternatives about times and slotted keys into spans (record sets, rules 18-27)."""

from __future__ import annotations

import math
from typing import Final

from drmsmirror.errors import TimeTextError
from drmsmirror.model.recordset.bound import Span
from drmsmirror.model.recordset.keys import Key
from drmsmirror.model.recordset.moments import (
    Amount,
    is_offset,
    read_amount,
    read_time,
    why_no_amount,
)
from drmsmirror.model.recordset.values import Alternative, Kind, Part
from drmsmirror.model.series import Scope
from drmsmirror.model.slots import MISSING_INDEX, Slotting

__all__ = ["slot_span", "time_span"]

_BEYOND_INT64: Final = 2**63
_MANY_SLOTS: Final = 2**62


def time_span(key: Key, given: Alternative) -> Span:
    """Record sets, rules 18-20; ``u`` counts as a second on a key without slots, as in DRMS."""
    low = _time(key, given, given.first)
    step = given.checked_step(_seconds(given, given.step)) if given.step else None
    if given.length:
        return Span(low, low + _seconds(given, given.length), step=step)
    high = _time(key, given, given.last) if given.last else low
    return Span(low, high, high_included=True, step=step)


def _time(key: Key, given: Alternative, part: Part) -> float:
    if is_offset(part.text):
        raise given.error(
            f"{part.text} is an offset, and {key.name} has no slots to count from",
            part,
            "Write a time",
        )
    try:
        return read_time(part.text)
    except TimeTextError as error:
        raise given.error(str(error), part) from None


def _seconds(given: Alternative, part: Part) -> float:
    return _amount(given, part, unit_needed=True).size


def slot_span(key: Key, slots: Slotting, given: Alternative) -> Span:
    """Record sets, rules 21-27."""
    low = _slot(key, slots, given, given.first)
    high = low + 1
    if given.last:
        if is_offset(given.last.text):
            raise given.error(
                "An offset cannot be the end of a range",
                given.last,
                f"Write a duration, for example {given.first.text}/1d, or a value",
            )
        high = _slot(key, slots, given, given.last) + 1
    elif given.length:
        count = max(1, math.trunc(_in_slots(key, slots, given, given.length)))
        high = min(low + count, _BEYOND_INT64)
    step = None
    if given.step:
        extent = _in_slots(key, slots, given, given.step)
        step = math.floor(abs(extent) + 0.5)
        if step == 0:
            raise given.error(
                f"A step of {given.step.text} is less than half a slot of {key.name}",
                given.step,
                f"Its slots are {slots.step:g} apart; leave the step out for every slot",
            )
    return Span(low, high, step=step)


def _slot(key: Key, slots: Slotting, given: Alternative, part: Part) -> int:
    """Find the slot of a value, or of an offset from slot 0."""
    if key.kind is Kind.TIME and not is_offset(part.text):
        return slots.index(_time(key, given, part))
    amount = _amount(given, part, unit_needed=False)
    if amount.unit == "u":
        _refuse_slots_of_carrington(key, slots, given, part)
        if amount.number.is_integer() and abs(amount.number) < 2**53:
            return int(amount.number)
        value = slots.base + amount.number * slots.step
    else:
        value = amount.size + (slots.base if amount.unit else 0.0)
    index = slots.index(value)
    if index == MISSING_INDEX:
        raise given.error(f"{part.text} is too large for a slot of {key.name}", part)
    return index


def _in_slots(key: Key, slots: Slotting, given: Alternative, part: Part) -> float:
    """Count a duration or step in slots."""
    amount = _amount(given, part, unit_needed=key.kind is Kind.TIME)
    if amount.unit == "u":
        _refuse_slots_of_carrington(key, slots, given, part)
    extent = amount.number if amount.unit == "u" else amount.size / slots.step
    if not abs(extent) < _MANY_SLOTS:
        raise given.error(f"{part.text} is too large for {key.name}", part)
    return extent


def _refuse_slots_of_carrington(key: Key, slots: Slotting, given: Alternative, part: Part) -> None:
    if slots.scope is Scope.CARR:
        raise given.error(
            f"{key.name} counts degrees, not slots",
            part,
            f"Write a number without u; its slots are {slots.step:g} degrees apart",
        )


def _amount(given: Alternative, part: Part, *, unit_needed: bool) -> Amount:
    amount = read_amount(part.text)
    if amount is None or (unit_needed and not amount.unit):
        problem, hint = why_no_amount(part.text, unit_needed=unit_needed)
        raise given.error(problem, part, hint)
    return amount
