"""What a run says of its speed."""

from __future__ import annotations

import pytest

from drmsmirror.sync import progress
from drmsmirror.sync.progress import Meter, Progress


def test_the_rate_is_that_of_the_latest_half(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10.0, 11.0, 12.0, 13.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    meter = Meter()

    assert meter.rate(30) == 3.0  # the first window, small and slow
    assert meter.rate(200) == 170.0
    assert meter.rate(1000) == 800.0
    assert meter.rate(1200) == 500.0  # of the last two windows


def test_what_is_left_goes_by_that_rate() -> None:
    assert Progress("hmi.M_45s", "", 30, 1000, 50.0).seconds_left == 20.0
    assert Progress("hmi.M_45s", "", 0, 1000, 0.0).seconds_left is None
