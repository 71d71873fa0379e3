"""Values of slotted keys become slot numbers (DRMS semantics 1.3.5)."""

from __future__ import annotations

import pytest

from drmsmirror.model.recordset import Span

#: The table of semantics 1.3.5, for hmi.M_45s.
TABLE = [
    ("2010.05.01_TAI", Span(12151680, 12151681)),
    ("2010.05.01", Span(12151681, 12151682)),  # unzoned time is UTC
    ("2010.05.01_00:00:22_TAI", Span(12151680, 12151681)),
    ("2010.05.01_00:00:22.5_TAI", Span(12151681, 12151682)),  # half rounds up
    ("2010.07.25", Span(12314881, 12314882)),
    ("2014.01.01_00:00:35_TAI-2014.01.01_01:00:35_TAI", Span(14726401, 14726482)),
    ("2010.05.01_TAI/30m", Span(12151680, 12151720)),
    ("2010.05.01_TAI/20s", Span(12151680, 12151681)),
    ("2010.05.01_TAI/1d@1h", Span(12151680, 12153600, step=80)),
    ("2010.05.01_TAI-2010.05.02_TAI@6h", Span(12151680, 12153601, step=480)),
    ("2010.05.01_00:00:00-2010.05.01_23:59:15", Span(12151681, 12153601)),
    ("2010-2011", Span(11921281, 12622082)),
    ("2010.05-2010.06", Span(12151681, 12211202)),
    ("JD_2455317.5", Span(12151679, 12151680)),
]


@pytest.mark.parametrize(("written", "span"), TABLE)
def test_the_table_of_the_specification(spans, written, span):
    assert spans(f"hmi.M_45s[{written}]") == (span,)


def test_lists(spans):
    assert spans("hmi.M_45s[2010.05.01_TAI/1h , 2010.05.02_TAI/1h@90s,3000d]") == (
        Span(12151680, 12151760),
        Span(12153600, 12153680, step=2),
        Span(5760000, 5760001),
    )


def test_a_list_of_iso_times_is_a_list(spans):
    assert spans("hmi.M_45s[2010-05-01,2010-05-02]") == (
        Span(12151681, 12151682),
        Span(12153601, 12153602),
    )


@pytest.mark.parametrize(
    ("duration", "slots"),
    [("100s", 2), ("134.9s", 2), ("44s", 1), ("0s", 1), ("-1h", 1), ("2.5u", 2)],
)
def test_durations_are_cut_to_whole_slots_and_at_least_one(spans, duration, slots):
    assert spans(f"hmi.M_45s[2010.05.01_TAI/{duration}]") == (Span(12151680, 12151680 + slots),)


@pytest.mark.parametrize(
    ("step", "slots"),
    [("300s", 7), ("60s", 1), ("22.5s", 1), ("112.5s", 3), ("2u", 2), ("2.5u", 3), ("-90s", 2)],
)
def test_steps_are_rounded_to_whole_slots_half_up(spans, step, slots):
    (span,) = spans(f"hmi.M_45s[2010.05.01_TAI/1d@{step}]")
    assert span.step == slots


def test_two_hours_are_one_slot_of_96_minutes(spans):
    (span,) = spans("mdi.fd_M_96m_lev182[2010.10.15_TAI/3h@2h]")
    assert span == Span(97440, 97441, step=1)


@pytest.mark.parametrize(
    ("written", "low"),
    [
        ("3000d", 5760000),
        ("0.5d", 960),
        ("-1d", -1920),
        ("5.468256e8s", 12151680),
        ("12151680u", 12151680),
        ("12151680.4u", 12151680),
        ("12151680.5u", 12151681),
    ],
)
def test_a_number_with_a_unit_is_an_offset_from_slot_0(spans, written, low):
    assert spans(f"hmi.M_45s[{written}]") == (Span(low, low + 1),)


def test_an_offset_may_begin_a_range_or_have_a_duration(spans):
    assert spans("hmi.M_45s[3000d/1d]") == (Span(5760000, 5761920),)
    assert spans("hmi.M_45s[6329d-2010.05.02_TAI]") == (Span(12151680, 12153601),)


def test_ts_slot_takes_the_slot_that_began_last(spans):
    assert spans("aia.lev1[2014.01.01_00:00:05.999_TAI]") == (Span(1167609605, 1167609606),)
    assert spans("aia.lev1[2014.01.01_TAI/30u@7u]") == (Span(1167609600, 1167609630, step=7),)


class TestNumbers:
    """Slotted float and Carrington keys: base 0, step 2.5 and step 5."""

    @pytest.mark.parametrize(
        ("written", "span"),
        [
            ("10-20", Span(4, 9)),
            ("1.25", Span(1, 2)),
            ("1.24", Span(0, 1)),
            ("0/10", Span(0, 4)),
            ("0/2", Span(0, 1)),
            ("5u", Span(5, 6)),
            ("0/40u@4u", Span(0, 40, step=4)),
            ("0-100@20", Span(0, 41, step=8)),  # round(step / slot)
            ("0/25@7.5", Span(0, 10, step=3)),
            ("0/1h", Span(0, 1440)),  # unit letters multiply here too
        ],
    )
    def test_slots(self, spans, written, span):
        assert spans(f"test.synoptic[][{written}]") == (span,)

    @pytest.mark.parametrize(
        ("written", "span"),
        [
            ("773502.4", Span(154700, 154701)),
            ("773500-773600@10", Span(154700, 154721, step=2)),
            ("10/1e2", Span(2, 22)),
        ],
    )
    def test_carrington(self, spans, written, span):
        assert spans(f"test.carr[{written}]") == (span,)

    def test_named_index(self, spans):
        assert spans("test.synoptic[LON_index=4-12@2]") == (Span(4, 13, step=2),)
