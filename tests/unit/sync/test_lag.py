"""An upstream that tells no record numbers: what can still have come late is read again."""

from __future__ import annotations

import pytest

from drmsmirror.errors import UpstreamAnswerError
from tests.unit.sync.mirrors import Copy, asked

WHOLE = "hmi.M_45s"


@pytest.fixture
def synced(copy_of) -> Copy:
    copy = copy_of(WHOLE, sync={"lag_hours": 24.0})
    copy.hide_largest_number(WHOLE)
    copy.sync(WHOLE)
    return copy


def add(copy: Copy, *times: str) -> None:
    copy.jsoc.append(WHOLE, {"T_REC": list(times), "CAMERA": 1, "DATARMS": 3.5})


def test_all_is_held_after_the_first_run(synced) -> None:
    synced.assert_same(WHOLE)


def test_what_is_new_late_changed_or_gone_within_the_lag_is_seen(synced) -> None:
    add(synced, *(f"2017.01.10_{hour:02d}:00:00_TAI" for hour in range(12)))
    synced.sync(WHOLE)
    add(synced, "2017.01.10_02:30:00_TAI", "2017.01.10_12:00:00_TAI")
    synced.jsoc.change_in_place(WHOLE, "[2017.01.10_03:00:00_TAI]", {"DATARMS": 7.25})
    synced.jsoc.revise(WHOLE, "[2017.01.10_04:00:00_TAI]", {"DATARMS": 8.25})
    synced.jsoc.remove(WHOLE, "[2017.01.10_05:00:00_TAI]")
    report = synced.sync(WHOLE)
    assert (report.records_new, report.records_revised, report.records_removed) == (2, 2, 1)
    synced.assert_same(WHOLE)


def test_what_lies_before_the_lag_is_not_read_again(synced) -> None:
    add(synced, "2017.01.10_00:00:00_TAI", "2017.01.20_00:00:00_TAI")
    synced.sync(WHOLE)
    synced.sync(WHOLE)
    listed = [request for request in asked(synced.jsoc, "rs_list") if "n" not in request.params]
    assert listed
    assert all(request.rows <= 1 for request in listed)


def test_without_a_time_axis_there_is_nothing_to_follow_by(copy_of) -> None:
    copy = copy_of("test.nopk")
    copy.hide_largest_number("test.nopk")
    with pytest.raises(UpstreamAnswerError, match="largest record number"):
        copy.sync("test.nopk")
