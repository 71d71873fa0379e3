"""When a server is left alone: the rules, by a clock that the test turns."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from drmsmirror.catalogue import Health
from drmsmirror.errors import (
    DefinitionError,
    UnknownSeriesError,
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamPausedError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
    UpstreamTooLargeError,
    UpstreamUnavailableError,
)
from drmsmirror.sharing.breaker import (
    Limits,
    State,
    after_failure,
    after_success,
    refusal,
    state,
)
from tests.contract.conftest import START

LIMITS = Limits(failures=3, pause=60.0)
AWAY = UpstreamUnavailableError("No answer from http://x. Try later.")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def failed(
    health: Health, *times: float, error: Exception = AWAY, began: float | None = None
) -> Health:
    """Fail once at each of these moments, having asked just then."""
    for seconds in times:
        asked = at(seconds if began is None else began)
        health = after_failure(health, error, began=asked, now=at(seconds), limits=LIMITS)
    return health


def test_after_some_failures_in_a_row_it_is_left_alone() -> None:
    health = failed(Health(), 0, 1)
    assert state(health, at(1)) is State.CLOSED
    health = failed(health, 2)
    assert state(health, at(61.9)) is State.OPEN
    assert state(health, at(62)) is State.HALF_OPEN
    assert (health.failures, health.paused_utc, health.until_utc) == (3, at(2), at(62))


def test_an_answer_between_begins_the_counting_anew() -> None:
    health = after_success(failed(Health(), 0, 1), began=at(2))
    assert health == Health()
    assert state(failed(health, 3, 4), at(4)) is State.CLOSED


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (AWAY, True),
        (UpstreamAnswerError("a web page"), True),
        (UpstreamTimeoutError("late"), True),
        (UpstreamTimeoutError("no turn", was_asked=False), False),
        (UpstreamPausedError("left alone"), False),
        (UpstreamRefusedError("no"), False),
        (UpstreamTooLargeError("less"), False),
        (UnknownSeriesError("none"), False),
        (DefinitionError("contradiction"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_counts(error: Exception, counts: bool) -> None:
    before = failed(Health(), 0, 1)
    after = failed(before, 2, error=error)
    assert (after != before) == (state(after, at(2)) is State.OPEN) == counts


def test_each_pause_that_follows_is_twice_as_long_up_to_an_hour() -> None:
    health = failed(Health(), 0, 1, 2)
    lengths = []
    for _ in range(9):
        until = health.until_utc
        assert until is not None
        seconds = (until - START).total_seconds()
        health = failed(health, seconds)
        assert health.until_utc is not None
        lengths.append((health.until_utc - until).total_seconds())
    assert lengths == [120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert health.paused_utc == at(2)  # since when nobody got an answer
    assert after_success(health, began=health.until_utc) == Health()


def test_a_first_pause_that_is_longer_than_an_hour_stays_so() -> None:
    limits = Limits(1, 7200.0)
    health = after_failure(Health(), AWAY, began=at(0), now=at(0), limits=limits)
    health = after_failure(health, AWAY, began=at(7200), now=at(7200), limits=limits)
    assert health.until_utc == at(14400)


@pytest.mark.parametrize(("asked", "seconds"), [(None, 900), (7.0, 7), (0.0, 0), (10.0**9, 86400)])
def test_a_server_that_wants_fewer_requests_is_left_alone_at_once(
    asked: float | None, seconds: float
) -> None:
    health = failed(Health(), 5, error=UpstreamOverloadedError("STOP", asked))
    assert health.until_utc == at(5 + seconds)
    assert state(health, at(5 + seconds)) is State.HALF_OPEN


def test_a_longer_pause_is_not_made_shorter() -> None:
    health = failed(Health(), 0, error=UpstreamOverloadedError("STOP", 600.0))
    health = failed(health, 1, error=UpstreamOverloadedError("STOP", 7.0), began=0)
    assert health.until_utc == at(600)


def test_what_was_asked_before_a_pause_neither_ends_nor_prolongs_it() -> None:
    health = failed(Health(), 0, 1, 2)
    assert after_success(health, began=at(1)) == health
    assert failed(health, 100, began=1) == health
    assert after_success(health, began=at(62)) == Health()


def test_a_pause_of_a_clock_that_was_ahead_counts_no_more() -> None:
    ahead = failed(Health(), 86400.0, error=UpstreamOverloadedError("Not so much."))
    assert state(ahead, at(86400.0 - 60)) is State.OPEN
    assert state(ahead, at(0)) is State.CLOSED
    assert after_success(ahead, began=at(0)) == Health()
    assert failed(ahead, 0.0) == failed(Health(), 0.0)


def test_who_asks_meanwhile_is_told_since_when_why_and_until_when() -> None:
    health = failed(Health(), 0, 1, 2)
    text = str(refusal(health))
    assert "failed 3 times in a row" in text
    assert "since 2024-05-10 12:00:02 UTC, until 2024-05-10 12:01:02 UTC" in text
    assert "The last time: No answer from http://x. What" in text
    assert "--offline" in text
    assert "another process, which is trying it now" in str(refusal(health, is_tried=True))
    overloaded = failed(Health(), 0, error=UpstreamOverloadedError("word " * 100))
    assert "failed once" in str(refusal(overloaded))
    assert len(overloaded.reason) <= 300
