"""The share that is held is what coverage says, whichever way a run ends."""

from __future__ import annotations

import pytest

from tests.unit.sync.mirrors import Copy, Listener, truth

WHOLE = "hmi.M_45s"
DAY = "hmi.M_45s[2010.05.01_TAI/1d]"
HOUR = "hmi.M_45s[2010.05.01_TAI/1h]"
HOURS = "hmi.M_45s[2010.05.01_TAI/1h,2010.05.01_12:00_TAI/1h]"


def share(copy: Copy, part: str, whole: str) -> float:
    counts = [len(truth(copy.jsoc, text, ["*recnum*"])["*recnum*"]) for text in (part, whole)]
    return counts[0] / counts[1]


def recorded(copy: Copy) -> float | None:
    with copy.open() as mirror:
        return mirror.catalogue.runs.recent(limit=1)[0].share_held


@pytest.mark.parametrize(("part", "whole"), [(DAY, WHOLE), (HOUR, DAY), (HOUR, HOURS)])
@pytest.mark.parametrize("ending", ["declined", "no time"])
def test_a_run_that_took_nothing_reports_the_share_that_was_held(
    part, whole, ending, copy_of
) -> None:
    copy = copy_of(WHOLE)
    copy.sync(part)
    agrees, seconds = (False, 60.0) if ending == "declined" else (True, 0.0)
    report = copy.sync(whole, seconds=seconds, reporter=Listener(agrees))
    assert report.outcome == "stopped"
    assert report.share_held == pytest.approx(share(copy, part, whole), abs=0.01)
    assert recorded(copy) == report.share_held


def test_nothing_held_is_a_share_of_nothing(copy_of) -> None:
    copy = copy_of(WHOLE)
    assert copy.sync(WHOLE, seconds=0.0).share_held == 0.0


def test_an_interrupted_run_records_a_share_and_the_next_one_counts_it(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 50, "max_window": 100})
    with pytest.raises(KeyboardInterrupt):
        copy.sync(WHOLE, reporter=Listener(interrupt_after=3))
    assert 0.0 < (recorded(copy) or 0.0) < 1.0
    whole = int(copy.jsoc.series(WHOLE).latest.sum())
    counted = copy.sync(WHOLE, seconds=0.0).share_held
    assert counted == pytest.approx(copy.rows(WHOLE) / whole, abs=0.01)


def test_what_has_newer_versions_is_not_held_to_the_last(copy_of) -> None:
    copy = copy_of(WHOLE)
    copy.sync(WHOLE)
    copy.jsoc.revise(WHOLE, "[2010.05.01_TAI/1d]", {"DATARMS": 1.5})
    declined = copy.sync(WHOLE, reporter=Listener(agrees=False))
    assert 0.0 < declined.share_held < 1.0
    assert copy.sync(WHOLE).share_held == 1.0
