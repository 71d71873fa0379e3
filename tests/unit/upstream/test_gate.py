"""The gate: one request at a time, at a limited rate, by all processes that share a file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from drmsmirror.errors import UpstreamTimeoutError
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream import Deadline
from drmsmirror.upstream.gate import Gate

SETTINGS = UpstreamSettings(requests_per_second=0.5, read_timeout=30.0)


class Time:
    """A clock that goes on when somebody sleeps, and what happens meanwhile."""

    def __init__(self) -> None:
        self.now = 1e9
        self.slept = 0.0
        self.meanwhile: Callable[[], object] = lambda: None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds
        self.meanwhile()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def gate(tmp_path: Path, time: Time) -> Callable[[], Gate]:
    """Gives a gate for each process."""
    return lambda: Gate(tmp_path / "gate", SETTINGS, clock=time.clock, sleep=time.sleep)


def test_the_first_one_goes_at_once_and_the_next_keeps_its_distance(
    gate: Callable[[], Gate], time: Time
) -> None:
    with gate().turn():
        assert time.slept == 0.0
    time.now += 0.5
    with gate().turn():
        assert time.slept == pytest.approx(1.5, abs=1e-3)


def test_who_asks_keeps_others_waiting_until_the_answer_is_there(
    gate: Callable[[], Gate], time: Time
) -> None:
    asking = ExitStack()
    asking.enter_context(gate().turn())
    time.now += 10.0
    naps = iter(range(3))
    time.meanwhile = lambda: next(naps, None) is None and asking.close()  # type: ignore[assignment]
    with gate().turn():
        assert next(naps, None) is None
        assert 0 < time.slept < 1.0


def test_who_has_no_time_left_does_not_wait(gate: Callable[[], Gate], time: Time) -> None:
    with gate().turn(), pytest.raises(UpstreamTimeoutError, match="could not be asked"):
        gate().turn(Deadline.within(0.01, time.clock)).__enter__()
    with pytest.raises(UpstreamTimeoutError), gate().turn(Deadline.within(1.0, time.clock)):
        pass
    assert time.slept == 0.0


def test_one_that_was_suspended_with_its_turn_is_not_waited_for_for_ever(
    gate: Callable[[], Gate], time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    with gate().turn():
        other = gate()
        with other.turn():
            assert time.slept == pytest.approx(300.0, abs=0.1)
        with other.turn():
            assert time.slept == pytest.approx(300.0, abs=0.1)
    assert "are not waited for: another process has had its turn for 300 s" in caplog.text


def test_a_clock_that_was_set_back_keeps_nobody_waiting(
    gate: Callable[[], Gate], time: Time
) -> None:
    with gate().turn():
        pass
    time.now -= 1000.0
    with gate().turn():
        assert time.slept == 0.0


@pytest.mark.parametrize("text", ["", "x", "nan\n", "\xff", "9" * 400])
def test_what_else_stands_in_the_file_does_not_matter(
    text: str, tmp_path: Path, gate: Callable[[], Gate], time: Time
) -> None:
    (tmp_path / "gate").write_text(text, encoding="latin-1")
    with gate().turn():
        assert time.slept == 0.0
    assert float((tmp_path / "gate").read_text()) == time.now


def test_where_nothing_can_be_written_everybody_goes_on_alone(
    tmp_path: Path, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    alone = Gate(tmp_path / "nowhere" / "gate", SETTINGS, clock=time.clock, sleep=time.sleep)
    for _ in range(2):
        with alone.turn():
            assert time.slept == 0.0
    assert caplog.text.count("are not waited for") == 1
