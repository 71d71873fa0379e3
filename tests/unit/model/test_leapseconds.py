"""Leap seconds: DRMS's own table, both directions, and what ERFA adds (DRMS semantics 2.5)."""

from __future__ import annotations

import erfa
import numpy as np
import pytest

from drmsmirror.model.leapseconds import (
    DRMS_LEAP_SECONDS,
    known_leap_seconds,
    later_leap_seconds,
    tai_minus_utc_at_tai,
    tai_minus_utc_at_utc,
)

# TAI seconds since 1977 of midnight UTC, and TAI-UTC from then on.
CHANGES = [
    (-536543999, 1),  # 1960.01.01, where the fictitious seconds begin
    (-157852790, 10),  # 1972.01.01, where the real ones begin
    (16, 16),  # 1977.01.01
    (1120176035, 35),  # 2012.07.01
    (1262304037, 37),  # 2017.01.01
]


@pytest.mark.parametrize(("first_second", "difference"), CHANGES)
def test_the_difference_is_the_number_of_entries_not_after_a_time(first_second, difference):
    assert tai_minus_utc_at_tai(first_second) == difference
    assert tai_minus_utc_at_tai(first_second - 1) == difference - 1


@pytest.mark.parametrize(("first_second", "difference"), CHANGES)
def test_from_utc_the_difference_changes_at_midnight(first_second, difference):
    midnight = first_second - difference
    assert midnight % 86400 == 0
    assert tai_minus_utc_at_utc(midnight) == difference
    assert tai_minus_utc_at_utc(midnight - 1) == difference - 1


def test_before_1960_utc_is_tai():
    assert tai_minus_utc_at_tai(-536544001) == 0
    assert tai_minus_utc_at_utc(-599616000) == 0


def test_both_directions_agree_on_every_day():
    utc = np.arange(-7000, 20000, dtype=np.int64) * 86400
    tai = utc + tai_minus_utc_at_utc(utc)
    np.testing.assert_array_equal(tai - tai_minus_utc_at_tai(tai), utc)
    assert np.unique(tai_minus_utc_at_utc(utc)).tolist() == list(range(38))


def test_erfa_and_the_table_agree_since_1972():
    rows = erfa.leap_seconds.get()
    rows = rows[rows["year"] >= 1972]
    for year, month, difference in rows[["year", "month", "tai_utc"]].tolist():
        days = np.datetime64(f"{year}-{month:02d}-01") - np.datetime64("1977-01-01")
        utc = int(days.astype("timedelta64[D]").astype(int)) * 86400
        assert tai_minus_utc_at_utc(utc) == difference, (year, month)
        assert tai_minus_utc_at_utc(utc - 1) == difference - 1, (year, month)


def test_what_is_known_begins_with_the_table_and_cannot_be_changed():
    known = known_leap_seconds()
    assert known[: len(DRMS_LEAP_SECONDS)].tolist() == list(DRMS_LEAP_SECONDS)
    assert (np.diff(known) > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        known[0] = 0


def test_only_later_leap_seconds_are_taken_from_elsewhere():
    assert later_leap_seconds([1960, 1972, 2017], [1, 1, 1], [1.4, 10.0, 37.0]) == []
    assert later_leap_seconds([2017, 2035], [1, 7], [37.0, 38.0]) == [1845936038]
    assert later_leap_seconds([2035, 2036], [7, 1], [38.0, 39.0]) == [1845936038, 1861833639]


def test_a_removed_second_cannot_be_expressed_and_ends_the_continuation():
    assert later_leap_seconds([2035, 2036, 2037], [7, 1, 1], [38.0, 37.0, 38.0]) == [1845936038]
