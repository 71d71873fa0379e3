"""Bound sets narrowed to several windows, to record numbers in them, or by another filter."""

from __future__ import annotations

import math

import pytest

from drmsmirror.model.intervals import EVERYTHING, Interval
from drmsmirror.model.recordset.printing import replaced_text, window_text, windows_text

NUMBERS = Interval(100, 200)


@pytest.mark.parametrize(
    ("query", "windows", "text"),
    [
        ("hmi.M_45s[][1]", [(5, 8), (10, 11)], "hmi.M_45s[#5-#7,#10][1]"),
        ("hmi.M_45s", [(-math.inf, 3), (9, math.inf)], "hmi.M_45s[#-#2,#9-#]"),
        ("hmi.M_45s[1993.01.01_00:03:45_TAI,1993.01.01_00:06:45_TAI]", [(5, 6)], "hmi.M_45s[#5]"),
        ("test.nopk", [(1, 4), (7, 8)], "test.nopk[][:#1-#3,#7]"),
    ],
)
def test_windows_are_alternatives_of_one_filter(query, windows, text, bound) -> None:
    assert windows_text(bound(query), [Interval(*window) for window in windows]) == text


def test_a_condition_that_does_not_hold_for_every_window_follows_by_name(bound) -> None:
    one = bound("hmi.M_45s[1993.01.01_00:03:45_TAI]")
    text = windows_text(one, [Interval(5, 6), Interval(9, 10)])
    assert text == "hmi.M_45s[#5,#9][T_REC_index=5]"


def test_times_are_alternatives_too(bound) -> None:
    text = windows_text(bound("test.timekey"), [Interval(0, 60), Interval(120, 180)])
    assert text == "test.timekey[1977.01.01_00:00:00_TAI/60s,1977.01.01_00:02:00_TAI/60s]"


def test_one_window_is_printed_as_ever(bound) -> None:
    one = bound("hmi.sharp_720s[377]")
    assert windows_text(one, [Interval(5, 8)]) == window_text(one, Interval(5, 8))


@pytest.mark.parametrize(
    ("window", "text"),
    [
        (Interval(5, 8), "hmi.sharp_720s[377][#5-#7][:#100-#199]"),
        (EVERYTHING, "hmi.sharp_720s[377][:#100-#199]"),
    ],
)
def test_record_numbers_cut_a_window(window, text, bound) -> None:
    assert windows_text(bound("hmi.sharp_720s[377]"), [window], NUMBERS) == text


@pytest.mark.parametrize(
    ("query", "column", "text"),
    [
        ("hmi.sharp_720s[377]", "t_rec_index", "hmi.sharp_720s[377][2011.02.15_TAI/1d]"),
        ("hmi.sharp_720s", "t_rec_index", "hmi.sharp_720s[][2011.02.15_TAI/1d]"),
        ("hmi.M_45s[2010.05.01_TAI][1]", "t_rec_index", "hmi.M_45s[2011.02.15_TAI/1d][1]"),
    ],
)
def test_a_filter_is_replaced_by_a_text(query, column, text, bound) -> None:
    assert replaced_text(bound(query), column, "2011.02.15_TAI/1d") == text
