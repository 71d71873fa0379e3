"""When a server that fails is left alone: the rules, without any effect.

::

            failures in a row, or "not so much"
    CLOSED ------------------------------------> OPEN <-------.
       ^                                          |           |
       |                                          | the pause | it fails: a
       |                                          v is over   | longer pause
       '------------- it answers ------------ HALF_OPEN ------'
                                              one tries

What says that the server cannot be reached, or answers what cannot be used, counts as a failure.
That it refuses a request, or gives less at a time, says nothing about it, one way or the other.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from drmsmirror.catalogue import Health
from drmsmirror.errors import (
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamPausedError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)

__all__ = ["SKEW", "Limits", "State", "after_failure", "after_success", "refusal", "state"]

#: Clocks of hosts that share a mirror differ by less: what is said to have been later is of a clock
#: that was ahead.
SKEW = timedelta(minutes=2)

#: Longest pause, however often it failed, seconds.
_LONGEST_PAUSE = 3600.0
#: Pause where a server wants fewer requests and does not say when, seconds.
_UNSAID = 900.0
#: Longest pause that a server can ask for, seconds.
_LONGEST_ASKED = 86400.0
#: Whoever allows less, seconds, learns nothing about the server when that is over.
_PATIENT = 20.0
#: Longest reason that is kept, characters.
_REASON = 300


class State(Enum):
    """Whether a server may be asked."""

    CLOSED = "closed"
    """By everybody."""
    OPEN = "open"
    """By nobody."""
    HALF_OPEN = "half-open"
    """By one, to see how it is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a pause begins.

    Parameters
    ----------
    failures : int
        After so many in a row.
    pause : float
        How long the first one is, seconds; each that follows is twice as long, to an hour.
    """

    failures: int
    pause: float


def state(health: Health, now: datetime) -> State:
    """Say whether a server may be asked now."""
    health = _by_clock(health, now)
    if health.until_utc is None:
        return State.CLOSED
    return State.OPEN if now < health.until_utc else State.HALF_OPEN


def after_success(health: Health, *, began: datetime) -> Health:
    """Say how a server is that has answered.

    Parameters
    ----------
    health : Health
        As it was.
    began : datetime
        When it was asked: an answer to what was asked before a pause does not end it.
    """
    health = _by_clock(health, began)
    if health.until_utc is not None and began < health.until_utc:
        return health
    return Health()


def after_failure(
    health: Health, error: Exception, *, began: datetime, now: datetime, limits: Limits
) -> Health:
    """Say how a server is that has not answered.

    Parameters
    ----------
    health : Health
        As it was.
    error : Exception
        What came of asking it.
    began, now : datetime
        When it was asked, and when it failed: what was asked before a pause does not prolong it.
    limits : Limits
    """
    health = _by_clock(health, now)
    if isinstance(error, UpstreamOverloadedError):
        wait = _UNSAID if error.retry_after is None else min(error.retry_after, _LONGEST_ASKED)
        return _paused(health, error, now, wait)
    if not _is_failure(error):
        return health
    if health.until_utc is not None:
        is_probe = began >= health.until_utc
        return _paused(health, error, now, _pause(health, limits)) if is_probe else health
    if health.failures + 1 < limits.failures:
        return replace(health, failures=health.failures + 1, reason=_reason(error))
    return _paused(health, error, now, _pause(health, limits))


def refusal(health: Health, *, is_tried: bool = False) -> UpstreamPausedError:
    """Give the error for whoever would ask a server that is left alone.

    Parameters
    ----------
    health : Health
        With a pause.
    is_tried : bool
        Whether somebody else is trying it just now.
    """
    assert health.paused_utc is not None
    assert health.until_utc is not None
    times = f"{health.failures} times in a row" if health.failures > 1 else "once"
    until = "until another process, which is trying it now, has its answer"
    if not is_tried:
        until = f"until {health.until_utc:%Y-%m-%d %H:%M:%S} UTC"
    return UpstreamPausedError(
        f"The upstream failed {times} and is left alone since "
        f"{health.paused_utc:%Y-%m-%d %H:%M:%S} UTC, {until}. The last time: {health.reason}. "
        f"What the mirror holds can be queried with --offline."
    )


def _by_clock(health: Health, now: datetime) -> Health:
    """The same, without a pause that would begin only in time to come."""
    is_ahead = health.paused_utc is not None and health.paused_utc > now + SKEW
    return Health() if is_ahead else health


def _is_failure(error: Exception) -> bool:
    """Whether an error says that the server does not work."""
    if isinstance(error, UpstreamTimeoutError):
        return error.was_asked and error.allowed >= _PATIENT
    if isinstance(error, UpstreamPausedError):
        return False
    return isinstance(error, UpstreamUnavailableError | UpstreamAnswerError)


def _pause(health: Health, limits: Limits) -> float:
    longest = max(_LONGEST_PAUSE, limits.pause)
    return float(min(limits.pause * 2.0 ** min(health.pauses, 30), longest))


def _paused(health: Health, error: Exception, now: datetime, seconds: float) -> Health:
    """With one pause more; one that lasts longer already goes on."""
    until = now + timedelta(seconds=seconds)
    return Health(
        failures=health.failures + 1,
        pauses=health.pauses + 1,
        paused_utc=health.paused_utc or now,
        until_utc=max(until, health.until_utc or until),
        reason=_reason(error),
    )


def _reason(error: Exception) -> str:
    """What happened, without what to do about it."""
    said = str(error).partition(". ")[0].removesuffix(".")
    if said.count("'") % 2:  # what the server said was cut
        said += "...'"
    return textwrap.shorten(said, _REASON, placeholder="...")
