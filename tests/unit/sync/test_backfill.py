"""The first sync: window by window, newest first, each bounded, none twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from drmsmirror.errors import NotHeldError, UpstreamTooLargeError
from drmsmirror.sync import Progress, SilentReporter, sync
from drmsmirror.upstream import Jsoc
from tests.jsoc import build_series
from tests.unit.sync.mirrors import KINDS, Copy, Listener, asked, series


def windows(copy: Copy) -> list[tuple[float, float]]:
    """The slots of each window that was fetched, in the order of the requests."""
    found = []
    for request in asked(copy.jsoc, "rs_list"):
        if (window := re.search(r"#(\d*)-#(\d*)\]", request.ds)) and "n" not in request.params:
            low, high = window.groups()
            found.append((float(low or "-inf"), float(high or "inf")))
    return found


@pytest.mark.parametrize("name", [name for name in KINDS if name != "test.timekey"])
def test_a_whole_series_is_held_as_the_upstream_has_it(name, copy_of) -> None:
    copy = copy_of(name)
    report = copy.sync(name)
    assert report.outcome == "done"
    assert report.share_held == 1.0
    assert copy.assert_same(name if copy.jsoc.series(name).definition.primekeys else f"{name}[]")
    assert copy.rows(name) == report.rows_held == report.records_new + report.records_unchanged
    assert report.records_revised == 0
    assert copy.jsoc.failures == []


@pytest.mark.parametrize("name", KINDS)
def test_a_second_sync_asks_one_thing_where_nothing_changed(name, copy_of) -> None:
    copy = copy_of(name)
    copy.sync(name)
    report = copy.sync(name)
    assert [request.op for request in asked(copy.jsoc)] == ["series_struct"]
    assert report.requests == 1
    assert (report.records_new, report.records_revised, report.share_held) == (0, 0, 1.0)


def test_windows_come_newest_first_and_never_overlap(copy_of) -> None:
    copy = copy_of("hmi.M_45s", sync={"first_window": 50, "max_window": 100})
    copy.sync("hmi.M_45s")
    found = windows(copy)
    assert len(found) >= 5
    for newer, older in pairwise(found):
        assert older[1] < newer[0]


def test_the_first_window_has_at_most_two_hundred_records_or_so(copy_of) -> None:
    copy = copy_of("hmi.M_45s")
    copy.sync("hmi.M_45s")
    fetched = [request for request in asked(copy.jsoc, "rs_list") if "n" not in request.params]
    assert 0 < fetched[0].rows <= 250


def test_no_window_has_more_records_than_the_settings_allow(copy_of) -> None:
    copy = copy_of("hmi.M_45s", rows=300, sync={"first_window": 40, "max_window": 40})
    copy.sync("hmi.M_45s")
    assert max(request.rows for request in asked(copy.jsoc, "rs_list")) <= 40
    copy.assert_same("hmi.M_45s")


def test_a_window_is_smaller_where_answers_are_large(copy_of) -> None:
    small = copy_of("hmi.M_45s", rows=500, sync={"window_mib": 0.02})
    small.sync("hmi.M_45s")
    rows = [request.rows for request in asked(small.jsoc, "rs_list") if "n" not in request.params]
    later = [count for count in rows[1:] if count]
    assert later
    assert max(later) <= 100


def test_dense_clusters_are_cut_in_few_counts(copy_of) -> None:
    """A window that is counted too large is halved at least: the count of counts is logarithmic."""
    copy = copy_of(build_series("mdi.fd_M_96m_lev182", size="small"))
    copy.sync("mdi.fd_M_96m_lev182")
    lists = len(asked(copy.jsoc, "rs_list"))
    assert len(asked(copy.jsoc, "rs_summary")) <= 2 * lists + 6


def test_an_empty_series_is_held_completely_and_holds_nothing(copy_of) -> None:
    whole = series("hmi.M_45s")
    copy = copy_of(whole.without(np.ones(whole.rows, dtype=bool)))
    report = copy.sync("hmi.M_45s")
    assert (report.records_new, report.share_held) == (0, 1.0)
    assert copy.held("hmi.M_45s", ["T_REC", "*recnum*"]) == {"T_REC": [], "*recnum*": []}
    assert copy.sync("hmi.M_45s").requests == 1


def test_an_empty_series_that_fills_up_is_followed(copy_of) -> None:
    whole = series("hmi.M_45s", 60)
    copy = copy_of(whole.without(np.ones(whole.rows, dtype=bool)))
    copy.sync("hmi.M_45s")
    copy.jsoc.add(whole)
    assert copy.sync("hmi.M_45s").records_new == 60
    copy.assert_same("hmi.M_45s")


@pytest.mark.parametrize("name", ["hmi.M_45s", "aia.lev1", "test.timekey"])
def test_records_without_an_axis_value_are_held_too(name, copy_of) -> None:
    copy = copy_of(name)
    definition = copy.jsoc.series(name).definition
    values = dict.fromkeys(definition.primekeys, None)
    copy.jsoc.append(name, values)
    copy.sync(name)
    assert copy.assert_same(name)
    copy.jsoc.append(name, values)
    assert copy.sync(name).records_revised >= 1
    copy.assert_same(name)


def test_a_series_with_missing_times_is_held_as_the_upstream_has_it(copy_of) -> None:
    copy = copy_of("test.timekey")
    copy.sync("test.timekey")
    copy.assert_same("test.timekey")


def test_a_series_of_nothing_but_records_without_an_axis_value(copy_of) -> None:
    whole = series("hmi.M_45s")
    copy = copy_of(whole.without(np.ones(whole.rows, dtype=bool)))
    copy.jsoc.append("hmi.M_45s", {"T_REC": None, "CAMERA": [1, 2]})
    copy.sync("hmi.M_45s")
    assert copy.assert_same("hmi.M_45s") == 2


# ------------------------------------------------------------------------------ a cap on rows
def test_a_window_that_the_upstream_refuses_is_cut(copy_of) -> None:
    copy = copy_of("hmi.M_45s")
    copy.jsoc.row_cap = 150
    copy.sync("hmi.M_45s")
    refused = [request for request in asked(copy.jsoc, "rs_list") if request.refusal]
    assert refused
    copy.jsoc.row_cap = None
    copy.assert_same("hmi.M_45s")


def test_a_slot_that_alone_has_too_many_records_is_taken_by_record_number(copy_of) -> None:
    copy = copy_of("hmi.M_45s", rows=30, sync={"first_window": 1, "max_window": 1})
    copy.jsoc.row_cap = 2
    copy.sync("hmi.M_45s")
    assert any("[:#" in request.ds for request in asked(copy.jsoc, "rs_list"))
    copy.jsoc.row_cap = None
    copy.assert_same("hmi.M_45s")


@pytest.mark.parametrize("name", ["hmi.M_45s", "test.timekey"])
def test_many_records_without_an_axis_value_are_taken_by_record_number(name, copy_of) -> None:
    copy = copy_of(name, sync={"max_window": 150})
    definition = copy.jsoc.series(name).definition
    other = {key: list(range(300)) for key in definition.primekeys[1:]}
    values = {definition.primekeys[0]: [None] * 300, **other}
    copy.jsoc.append(name, values)
    copy.jsoc.row_cap = 200
    copy.sync(name)
    copy.jsoc.row_cap = None
    assert copy.assert_same(name) >= 300
    assert copy.sync(name).requests == 1


def test_an_upstream_that_gives_not_even_one_record_is_an_error_and_nothing_is_lost(
    copy_of,
) -> None:
    copy = copy_of("hmi.M_45s", rows=30)
    copy.jsoc.row_cap = 1
    with pytest.raises(UpstreamTooLargeError):
        copy.sync("hmi.M_45s")
    copy.jsoc.row_cap = None
    copy.sync("hmi.M_45s")
    copy.assert_same("hmi.M_45s")


# ------------------------------------------------------------------------------ a part of a series
PARTS = [
    ("hmi.sharp_720s[377]", "hmi.sharp_720s[378]"),
    ("hmi.sharp_720s[377,378]", "hmi.sharp_720s[379]"),
    ("hmi.M_45s[2010.05.01_TAI/1d]", "hmi.M_45s[2010.05.02_TAI/1d]"),
    ("hmi.M_45s[2010.05.01_TAI-2010.05.03_TAI@90s]", "hmi.M_45s[2010.05.01_TAI-2010.05.03_TAI]"),
    ("hmi.M_45s[2010.05.01_TAI/1h,2010.05.01_12:00_TAI/1h]", "hmi.M_45s[2010.05.01_TAI/1d]"),
    ("hmi.M_45s[][1]", "hmi.M_45s[][2]"),
    ("test.timekey[2010.05.01_TAI/2d]", "test.timekey[2011.05.01_TAI/2d]"),
]


@pytest.mark.parametrize(("inside", "outside"), PARTS)
def test_only_what_was_asked_for_is_fetched(inside, outside, copy_of) -> None:
    name = inside.partition("[")[0]
    copy = copy_of(name)
    report = copy.sync(inside)
    held = copy.assert_same(inside)
    versions = copy.rows(name)
    assert held <= versions == report.records_new < copy.jsoc.series(name).rows
    with pytest.raises(NotHeldError, match=r"drmsmirror sync '"):
        copy.held(outside, ["*recnum*"])


@pytest.mark.parametrize(("inside", "outside"), PARTS)
def test_a_second_sync_of_a_part_asks_one_thing(inside, outside, copy_of) -> None:
    copy = copy_of(inside.partition("[")[0])
    copy.sync(inside)
    assert copy.sync(inside).requests == 1


@pytest.mark.parametrize(("inside", "outside"), PARTS)
def test_the_command_in_the_error_makes_the_question_answerable(inside, outside, copy_of) -> None:
    copy = copy_of(inside.partition("[")[0])
    copy.sync(inside)
    with pytest.raises(NotHeldError) as caught:
        copy.held(outside, ["*recnum*"])
    proposed = re.search(r"drmsmirror sync '(.*)'", str(caught.value))
    assert proposed
    copy.sync(proposed[1])
    copy.assert_same(outside)


def test_a_part_that_was_held_is_not_fetched_again_by_the_whole(copy_of) -> None:
    copy = copy_of("hmi.M_45s")
    part = "hmi.M_45s[2010.05.01_TAI/1d]"
    held = copy.sync(part).records_new
    whole = copy.sync("hmi.M_45s")
    assert whole.records_unchanged == 0
    assert held + whole.records_new == copy.rows("hmi.M_45s")
    copy.assert_same("hmi.M_45s")


def test_each_set_of_several_is_synced(copy_of) -> None:
    copy = copy_of("hmi.M_45s", "test.carr")
    wanted = "hmi.M_45s[2010.05.01_TAI/1h],test.carr"
    with copy.open() as mirror:
        reports = sync(mirror, Jsoc(copy.settings.upstream), wanted)
    assert [report.series for report in reports] == ["hmi.M_45s", "test.carr"]
    copy.assert_same("hmi.M_45s[2010.05.01_TAI/1h]")
    copy.assert_same("test.carr")


def test_every_set_is_held_as_of_a_moment_before_anything_was_fetched(copy_of) -> None:
    copy = copy_of("hmi.M_45s", "test.carr")
    fetched: list[datetime] = []

    class Notes(SilentReporter):
        def window(self, progress: Progress) -> None:
            fetched.append(datetime.now(UTC))

    with copy.open() as mirror:
        wanted = "hmi.M_45s[2010.05.01_TAI/1h],test.carr"
        sync(mirror, Jsoc(copy.settings.upstream), wanted, reporter=Notes())
    for name in ("hmi.M_45s", "test.carr"):
        assert copy.coverage(name)
        assert all(entry.as_of_utc < fetched[0] for entry in copy.coverage(name))


# ------------------------------------------------------------------------------ time limit
def test_no_time_means_no_window_and_a_later_run_goes_on(copy_of) -> None:
    copy = copy_of("hmi.M_45s")
    report = copy.sync("hmi.M_45s", seconds=0.0)
    assert (report.outcome, report.records_new) == ("stopped", 0)
    assert copy.sync("hmi.M_45s").outcome == "done"
    copy.assert_same("hmi.M_45s")


def test_an_interrupted_run_keeps_its_windows_and_the_next_goes_on(copy_of) -> None:
    copy = copy_of("hmi.M_45s", sync={"first_window": 50, "max_window": 100})
    with pytest.raises(KeyboardInterrupt):
        copy.sync("hmi.M_45s", reporter=Listener(interrupt_after=2))
    done = windows(copy)
    with copy.open() as mirror:
        (run,) = mirror.catalogue.runs.recent()
    assert run.outcome == "stopped"
    assert copy.published("hmi.M_45s") == copy.coverage("hmi.M_45s") != ()
    copy.sync("hmi.M_45s")
    for low, high in windows(copy):
        assert all(high < earlier[0] or low > earlier[1] for earlier in done[:2])
    copy.assert_same("hmi.M_45s")
