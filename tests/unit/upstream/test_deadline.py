"""How long operations may take together: nothing waits, asks or tries again beyond it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import pytest

from drmsmirror.errors import (
    QueryError,
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream import NEVER, Deadline, Jsoc
from drmsmirror.upstream.pace import Pace
from drmsmirror.upstream.retry import Retry
from tests.jsoc import Fault, FaultKind

from .conftest import CountedJsoc
from .scripted import serve
from .test_pace import Clock

SettingsFor = Callable[..., UpstreamSettings]
SHARP = "hmi.sharp_720s[377][]"
PATIENT = {"read_timeout": 3600.0, "connect_timeout": 3600.0, "attempts": 3}


def test_what_is_left_goes_by() -> None:
    clock = Clock()
    deadline = Deadline.within(5.0, clock)
    assert (deadline.left, deadline.is_bounded) == (5.0, True)
    clock.now += 4.0
    deadline.check(needs=0.5)
    with pytest.raises(UpstreamTimeoutError, match=r"within the 5 s .*--wait SECONDS"):
        deadline.check(needs=1.0)
    clock.now += 4.0
    assert deadline.left == 0.0
    with pytest.raises(UpstreamTimeoutError):
        deadline.check()


def test_of_two_the_earlier_end_counts() -> None:
    clock = Clock()
    short, long = Deadline.within(1.0, clock), Deadline.within(2.0, clock)
    assert long.earlier(short) == short.earlier(long) == short.earlier(NEVER) == short


@pytest.mark.parametrize("seconds", [math.inf, 1e300])
def test_what_is_allowed_for_ever_has_no_end(seconds: float) -> None:
    assert Deadline.within(seconds) is NEVER
    assert NEVER.left == math.inf
    NEVER.check(needs=1e9)
    assert NEVER.run(threading.current_thread) is threading.current_thread()


@pytest.mark.parametrize("seconds", [-1.0, math.nan])
def test_what_is_no_time_span(seconds: float) -> None:
    with pytest.raises(QueryError):
        Deadline.within(seconds)


def test_an_operation_that_raises_a_time_out_of_its_own_is_not_taken_for_late() -> None:
    def fail() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        Deadline.within(60.0).run(fail)


def test_an_operation_that_does_not_end_is_left_alone() -> None:
    ended = threading.Event()
    with pytest.raises(UpstreamTimeoutError):
        Deadline.within(0.01).run(lambda: ended.wait(60))
    ended.set()


# ---------------------------------------------------------------- turns and retries


def test_a_turn_that_comes_too_late_is_not_waited_for() -> None:
    clock = Clock()
    pace = Pace(0.1, clock=clock, sleep=clock.sleep)
    pace.wait(Deadline.within(1.0, clock))
    with pytest.raises(UpstreamTimeoutError, match="could not be asked within the 9 s") as caught:
        pace.wait(Deadline.within(9.0, clock))
    assert not caught.value.was_asked
    assert clock.slept == []
    assert pace.wait(Deadline.within(11.0, clock)) == pytest.approx(10.0, abs=0.01)


@pytest.mark.parametrize(
    ("error", "left", "runs"),
    [
        (UpstreamUnavailableError("away"), 0.0, 1),
        (UpstreamUnavailableError("away"), 60.0, 3),
        (UpstreamOverloadedError("busy", retry_after=1e-3), 60.0, 3),
        (UpstreamOverloadedError("busy", retry_after=30.0), 29.0, 1),
        (UpstreamTimeoutError("over"), 60.0, 1),
    ],
)
def test_nothing_is_tried_again_that_would_begin_too_late(
    error: Exception, left: float, runs: int
) -> None:
    retry = Retry(UpstreamSettings(attempts=3, retry_wait=0.0, max_retry_wait=30.0))
    done: list[int] = []

    def operation() -> None:
        done.append(1)
        raise error

    with pytest.raises(type(error)) as caught:
        retry(operation, Deadline.within(left, Clock()))
    assert caught.value is error
    assert len(done) == runs


def test_the_usual_wait_has_to_fit_too() -> None:
    retry = Retry(UpstreamSettings(attempts=3, retry_wait=40.0, max_retry_wait=60.0))

    def operation() -> None:
        raise UpstreamAnswerError("cut")

    with pytest.raises(UpstreamAnswerError):
        retry(operation, Deadline.within(39.0, Clock()))


# ---------------------------------------------------------------- on the wire


@pytest.mark.parametrize(
    "fault", [Fault(FaultKind.STALL), Fault(FaultKind.SLOW, seconds=3600)], ids=["body", "headers"]
)
def test_a_server_that_stays_silent(
    jsoc: CountedJsoc, settings_for: SettingsFor, fault: Fault
) -> None:
    upstream = Jsoc(settings_for(jsoc.url, **PATIENT))
    jsoc.fault(fault, times=None)
    with pytest.raises(UpstreamTimeoutError, match=r"did not answer within the 0\.2 s") as caught:
        upstream.within(0.2).count(SHARP)
    assert caught.value.was_asked
    assert len(jsoc.asked) == 1
    jsoc.clear_faults()
    jsoc.release()
    assert upstream.count(SHARP) > 0


def test_a_server_that_sends_its_headers_byte_by_byte(settings_for: SettingsFor) -> None:
    with serve(b"HTTP/1.1 200 OK\r\nX-", hold=True) as server:
        upstream = Jsoc(settings_for(server.url, **PATIENT)).within(0.2)
        with pytest.raises(UpstreamTimeoutError):
            upstream.count(SHARP)


def test_operations_share_what_is_allowed(jsoc: CountedJsoc, settings_for: SettingsFor) -> None:
    upstream = Jsoc(settings_for(jsoc.url, **PATIENT)).within(60.0)
    assert upstream.within(3600.0).count(SHARP) == upstream.count(SHARP) > 0
    over = upstream.within(0.0)
    for operation in (over.series_names, lambda: over.definition(SHARP[:14])):
        with pytest.raises(UpstreamTimeoutError):
            operation()
    assert upstream.traffic.requests == 2


def test_threads_do_not_wait_for_their_turn_longer_than_allowed(
    jsoc: CountedJsoc, settings_for: SettingsFor
) -> None:
    upstream = Jsoc(settings_for(jsoc.url, **PATIENT))
    arrived = threading.Event()
    jsoc.fault(FaultKind.STALL, when=lambda _: arrived.set() or True)
    counts: list[int] = []
    first = threading.Thread(target=lambda: counts.append(upstream.count(SHARP)))
    first.start()
    assert arrived.wait(30)
    with pytest.raises(UpstreamTimeoutError, match="could not be asked") as caught:
        upstream.within(0.05).count(SHARP)
    assert not caught.value.was_asked
    jsoc.release()
    first.join(30)
    assert counts
