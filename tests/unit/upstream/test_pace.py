"""How often the upstream may be asked, by a clock that the test turns."""

from __future__ import annotations

from itertools import pairwise

import pytest

from drmsmirror.upstream.pace import Pace


class Clock:
    """Time that passes only by sleeping, or when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(("rate", "interval"), [(2.0, 0.5), (0.25, 4.0), (3.0, 0.334)])
def test_never_two_within_one_interval(rate: float, interval: float) -> None:
    clock = Clock()
    pace = Pace(rate, clock=clock, sleep=clock.sleep)
    turns = []
    for _ in range(20):
        pace.wait()
        turns.append(clock.now)
    apart = [later - earlier for earlier, later in pairwise(turns)]
    assert min(apart) >= interval - 1e-9
    assert max(apart) <= interval + 0.003


def test_the_first_request_and_a_late_one_do_not_wait() -> None:
    clock = Clock()
    pace = Pace(2.0, clock=clock, sleep=clock.sleep)
    assert pace.wait() == 0.0
    clock.now += 10.0
    assert pace.wait() == 0.0
    assert clock.slept == []


def test_a_pause_saves_up_no_burst() -> None:
    clock = Clock()
    pace = Pace(2.0, clock=clock, sleep=clock.sleep)
    pace.wait()
    clock.now += 60.0
    assert [pace.wait() > 0 for _ in range(3)] == [False, True, True]


def test_the_time_waited_is_told() -> None:
    clock = Clock()
    pace = Pace(1.0, clock=clock, sleep=clock.sleep)
    pace.wait()
    clock.now += 0.25
    assert pace.wait() == pytest.approx(sum(clock.slept))
    assert 0.75 <= sum(clock.slept) <= 0.76


def test_a_sleep_cut_short_is_slept_again() -> None:
    clock = Clock()

    def restless(seconds: float) -> None:
        clock.sleep(min(seconds, 0.2))

    pace = Pace(1.0, clock=clock, sleep=restless)
    pace.wait()
    pace.wait()
    assert clock.now >= 101.0
