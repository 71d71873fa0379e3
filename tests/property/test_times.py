"""Properties of DRMS times: what is printed reads back, and columns are read like single texts."""

from __future__ import annotations

import string

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from drmsmirror.errors import TimeTextError
from drmsmirror.model.leapseconds import DRMS_LEAP_SECONDS
from drmsmirror.model.times import (
    format_time,
    format_times,
    learn_time_format,
    parse_time,
    parse_times,
    time_prefix,
)
from drmsmirror.model.times.calendar import civil_from_days, days_from_civil

YEAR_0 = -62387625600  # 0000.01.01_TAI, with a day to spare for zones
YEAR_9999 = 253173081600

near_leaps = st.builds(
    lambda leap, seconds: leap + seconds,
    st.sampled_from(DRMS_LEAP_SECONDS),
    st.integers(-130, 130),
)
whole_seconds = st.one_of(st.integers(YEAR_0, YEAR_9999), near_leaps)
zones = st.sampled_from(["TAI", "UTC", "UT", "GMT", "Z", "ISO", "TT", "TDT", "GPS"])


@settings(deadline=None)
@given(whole_seconds, zones.filter(lambda zone: zone not in ("TT", "TDT")), st.integers(0, 6))
def test_whole_seconds_read_back_exactly(seconds, zone, precision):
    assert parse_time(format_time(seconds, zone, precision)) == seconds


@settings(deadline=None)
@given(whole_seconds, st.integers(0, 999), zones, st.integers(3, 5))
def test_milliseconds_read_back_to_the_last_bit_of_a_double(seconds, millis, zone, precision):
    tai = seconds + millis / 1000
    error = abs(parse_time(format_time(tai, zone, precision)) - tai)
    assert error <= max(2 * np.spacing(abs(tai)), 1e-14)


@settings(deadline=None)
@given(whole_seconds, st.floats(0, 0.999999), zones, st.integers(0, 6))
def test_any_time_reads_back_within_its_precision(seconds, fraction, zone, precision):
    tai = seconds + fraction
    error = abs(parse_time(format_time(tai, zone, precision)) - tai)
    single_precision = 2e-6
    assert error <= 0.5 * 10.0**-precision + single_precision + 4 * np.spacing(abs(tai))


@settings(deadline=None)
@given(st.lists(whole_seconds, min_size=1), st.floats(0, 1), zones, st.integers(-5, 6))
def test_a_column_prints_like_its_elements(seconds, fraction, zone, precision):
    tai = np.array(seconds) + fraction
    texts = format_times(tai, zone, precision)
    assert [text.decode() for text in texts] == [format_time(t, zone, precision) for t in tai]
    assert learn_time_format(texts) in {(zone, precision), ("Z", precision)}


def one_by_one(texts: list[str]) -> list[float | None]:
    """Read each text with `parse_time`."""
    values: list[float | None] = []
    for text in texts:
        try:
            values.append(parse_time(text))
        except TimeTextError:
            values.append(None)
    return values


def time_or_nearly(draw: st.DrawFn) -> str:
    """Print a time, then spoil it sometimes."""
    text = format_time(draw(whole_seconds), draw(zones), draw(st.integers(-5, 4)))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(text)))
        spoilt = draw(st.text(string.digits + ".:-_TZ \0é", max_size=3))
        text = text[:place] + spoilt + text[place + draw(st.integers(0, 2)) :]
    return text.rstrip("\0")


@settings(deadline=None)
@given(st.lists(st.composite(time_or_nearly)()))
def test_a_column_reads_like_its_elements(texts):
    expected = one_by_one(texts)
    for column in (texts, pa.array(texts, pa.string()), pa.array(["", *texts])[1:]):
        values, ok = parse_times(column)
        assert [
            v if good else None for v, good in zip(values.tolist(), ok, strict=True)
        ] == expected


PIECES_OF_TIMES = [
    "2010",
    "2014-01-01",
    "2010.05.01",
    "20100501",
    "05",
    "1",
    "121",
    "12:30",
    ":59",
    ".5",
    "may",
    "JD_",
    "MJD_",
    "2455317.5",
    "000000",
    "T",
    "_",
    "-",
    ".",
    ":",
    "Z",
    "TAI",
    "UTC",
    "A",
    "+0530",
    "-0800",
    "-2014",
    "/1d",
    "@1h",
    "é",
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([" ", *PIECES_OF_TIMES]), max_size=9).map("".join), st.integers(0, 3)
)
def test_a_prefix_that_is_a_time_cannot_be_made_longer(text, start):
    end = time_prefix(text, start)
    assert end >= start
    for longer in range(end + 1, len(text) + 1):
        cuts_a_word = text[longer - 1 :][:2].isalnum() and longer < len(text)
        cuts_a_number = text[longer : longer + 1] in (".", ":")
        if not (cuts_a_word or cuts_a_number):
            assert one_by_one([text[start:longer]]) == [None]


@settings(deadline=None)
@given(st.integers(-3_000_000, 3_000_000))
def test_days_and_dates_convert_both_ways(day):
    year, month, day_of_month = civil_from_days(np.array([day]))
    assert days_from_civil(year, month, day_of_month).tolist() == [day]
    assert 1 <= month[0] <= 12
    assert 1 <= day_of_month[0] <= 31
