"""Bound sets as queries for a DRMS server."""

from __future__ import annotations

import math

import pytest

from drmsmirror.model.intervals import EVERYTHING, Interval
from drmsmirror.model.recordset import BoundSet, Condition, Span, window_text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("hmi.m_45s", "hmi.M_45s[]"),
        ("hmi.M_45s[][]", "hmi.M_45s[]"),
        ("hmi.M_45s[2010.05.01_TAI]", "hmi.M_45s[#12151680]"),
        ("hmi.M_45s[2010.05.01_TAI/1d@1h][1]", "hmi.M_45s[#12151680-#12153599@80][1]"),
        ("hmi.M_45s[3000d,2010.05.01_TAI/1h]", "hmi.M_45s[#5760000,#12151680-#12151759]"),
        ("hmi.M_45s[][1-3,5/2]{ a , b }", "hmi.M_45s[][1-3,5-6]{a,b}"),
        ("hmi.M_45s[camera=1][2010.05.01_TAI]{}", "hmi.M_45s[#12151680][1]{}"),
        ("hmi.M_45s[CAMERA=1][CAMERA=2]", "hmi.M_45s[][1][CAMERA=2]"),
        ("hmi.M_45s[-1d]", "hmi.M_45s[][T_REC_index=-1920]"),
        ("hmi.M_45s[-1d][2]", "hmi.M_45s[][2][T_REC_index=-1920]"),
        ("hmi.sharp_720s[-5--2@2]", "hmi.sharp_720s[-5--2@2]"),
        ("hmi.sharp_720s[5/0]", "hmi.sharp_720s[5-4]"),
        ("hmi.sharp_720s[5/1@3]", "hmi.sharp_720s[5-5@3]"),
        ("test.strfsn[abc,'it\\'s','a'-'c']", r"test.strfsn['abc','it\'s','a'-'c']"),
        (r'test.strfsn["a\tb\n\\"]', r"test.strfsn['a\tb\n\\']"),
        (
            "test.carr[773500][-60/60@15,7.5,0.1-1]",
            "test.carr[#154700][-60/60@15,7.5,0.100000001-1]",
        ),
        (
            "test.timekey[2010.05.01_TAI/1h@60s][2]",
            "test.timekey[2010.05.01_00:00:00_TAI/3600s@60s][2]",
        ),
        (
            "test.timekey[2010.05.01_TAI-2010.05.01_00:00:00.25_TAI]",
            "test.timekey[2010.05.01_00:00:00_TAI-2010.05.01_00:00:00.25_TAI]",
        ),
    ],
)
def test_the_first_condition_on_a_key_takes_its_position(bound, query, text):
    assert bound(query).text == text


@pytest.mark.parametrize(
    "query",
    [
        "test.strfsn[abc,'it\\'s','a'-'c'][1-10@3,0x1F]",
        "test.strfsn['][?,;{}$^#']",
        r'test.strfsn["\t\n\\\"", " x "]',
        "test.carr[][-60/60@15,7.5,0.1-1.7,10.1/0.1@0.3]",
        "test.timekey[2010.05.01/1.1s,2012.06.30_23:59:60.123456_UTC,1960.01.01-JD_2455317.123456]",
        "test.timekey[1977.01.01_TAI-2010.05.01@0.7d][-5]",
        "hmi.sharp_720s[1/10,5/0,-5--3@2]",
        "test.phase[][-9223372036854775808,9223372036854775807/5]",
        "hmi.M_45s[T_REC_index=-5][T_REC_index=-12151690--12151680@3]",
    ],
)
def test_printed_sets_bind_to_equal_conditions(bound, query):
    first = bound(query)
    assert bound(first.text).conditions == first.conditions


def test_conditions_may_come_without_the_key(bound):
    """Only the column counts: restrictions of coverage keep nothing else."""
    series = bound("hmi.M_45s").series
    one = BoundSet(series, (Condition("t_rec_index", "t_rec_index", (Span(5, 8),)),))
    assert one.text == "hmi.M_45s[#5-#7]"


class TestWindows:
    def test_slots_in_the_position_of_the_axis(self, bound):
        window = Interval(794280, 794400)
        assert window_text(bound("hmi.sharp_720s"), window) == "hmi.sharp_720s[][#794280-#794399]"

    def test_other_filters_keep_their_positions(self, bound):
        one = bound("hmi.sharp_720s[377,401-403]{Br}")
        assert (
            window_text(one, Interval(794280, 794400))
            == "hmi.sharp_720s[377,401-403][#794280-#794399]{Br}"
        )
        camera = bound("hmi.M_45s[][2]")
        assert window_text(camera, Interval(5, 6)) == "hmi.M_45s[#5][2]"

    def test_a_condition_that_holds_for_all_of_the_window_is_left_out(self, bound):
        one = bound("hmi.M_45s[2010.05.01_TAI/1d]")
        assert window_text(one, Interval(12151680, 12151760)) == "hmi.M_45s[#12151680-#12151759]"

    def test_any_other_condition_on_the_axis_follows_by_name(self, bound):
        one = bound("hmi.M_45s[2010.05.01_TAI/1d@1h][1]")
        assert window_text(one, Interval(12151680, 12151760)) == (
            "hmi.M_45s[#12151680-#12151759][1][T_REC_index=12151680-12153599@80]"
        )
        one = bound("hmi.M_45s[2010.05.01_TAI/1d]")
        assert window_text(one, Interval(12151000, 12151760)) == (
            "hmi.M_45s[#12151000-#12151759][T_REC_index=12151680-12153599]"
        )

    @pytest.mark.parametrize(
        ("low", "high", "text"),
        [
            (5.0, math.inf, "#5-#"),
            (-math.inf, 5.0, "#-#4"),
            (5.0, 6.0, "#5"),
            (4.5, 6.5, "#5-#6"),
            (5.0, 5.0, "#5-#4"),
        ],
    )
    def test_ends_of_windows_of_slots(self, bound, low, high, text):
        assert window_text(bound("hmi.M_45s"), Interval(low, high)) == f"hmi.M_45s[{text}]"

    def test_everything_adds_nothing(self, bound):
        assert window_text(bound("hmi.M_45s[][1]"), EVERYTHING) == "hmi.M_45s[][1]"
        assert window_text(bound("test.nopk"), EVERYTHING) == "test.nopk[]"

    def test_a_time_axis_without_slots_takes_a_time_and_a_duration(self, bound):
        start = 1051747200.5
        text = window_text(bound("test.timekey[][2]"), Interval(start, start + 3600.25))
        assert text == "test.timekey[2010.05.01_00:00:00.5_TAI/3600.25s][2]"
        assert bound(text).conditions[0].spans == (Span(start, start + 3600.25),)

    def test_open_windows_on_a_time_axis_end_before_and_after_everything(self, bound):
        text = window_text(bound("test.timekey"), Interval(1051747200, math.inf))
        (span,) = bound(text).conditions[0].spans
        assert span == Span(1051747200.0, 253181289600.0)
        text = window_text(bound("test.timekey"), Interval(-math.inf, 0))
        (span,) = bound(text).conditions[0].spans
        assert span == Span(-211087728000.0, 0.0)

    def test_without_a_time_key_windows_are_of_record_numbers(self, bound):
        assert window_text(bound("test.nopk"), Interval(1, 100)) == "test.nopk[][:#1-#99]"
        assert window_text(bound("test.strfsn[abc]"), Interval(7, math.inf)) == (
            "test.strfsn['abc'][:#7-#]"
        )
