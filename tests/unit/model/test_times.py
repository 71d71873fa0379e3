"""DRMS times: reading (DRMS semantics 2.5), printing (2.6), and whole columns of them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from drmsmirror.errors import TimeTextError
from drmsmirror.model.times import (
    TimeStyle,
    format_time,
    format_times,
    learn_time_format,
    parse_duration,
    parse_time,
    parse_times,
    time_prefix,
    time_style,
)
from drmsmirror.model.types import MISSING_TIME

VECTORS = Path(__file__).parents[2] / "vectors" / "train" / "times.jsonl"
MAY_DAY = 1051747200.0  # 2010.05.01_00:00:00_TAI
MAY_DAY_UTC = MAY_DAY + 34


def vectors(kind: str) -> list[dict]:
    """Load the conformance vectors of one kind."""
    lines = VECTORS.read_text().splitlines()
    return [vector for line in lines if (vector := json.loads(line))["kind"] == kind]


def read(text: str) -> float | None:
    """Read one text; None where it is refused."""
    try:
        return parse_time(text)
    except TimeTextError:
        return None


# ------------------------------------------------------------------------ reading
@pytest.mark.parametrize(
    ("text", "tai"),
    [
        # fields left out start the interval; without a zone it is UTC
        ("2010.05.01", MAY_DAY_UTC),
        ("2010.05", MAY_DAY_UTC),
        ("2010.05_TAI", MAY_DAY),
        ("2010_TAI", 1041379200.0),
        ("2010.05.01_12_TAI", MAY_DAY + 43200),
        ("2010.05.01_12:30_TAI", MAY_DAY + 45000),
        # ISO: dashes, and only then a T or a blank
        ("2010-05", MAY_DAY_UTC),
        ("2010-05-01T00:00:00Z", MAY_DAY_UTC),
        ("2010-05-01 00:00:00", MAY_DAY_UTC),
        ("2010-05-01_00:00:00_TAI", MAY_DAY),
        ("2010-05-01T00:00:00_TAI", MAY_DAY),
        # compact dates, days of the year, names of months, fractions of a day
        ("20100501_TAI", MAY_DAY),
        ("2010121_TAI", MAY_DAY),
        ("2010.121_TAI", MAY_DAY),
        ("2010.may.1_TAI", MAY_DAY),
        ("2010.MAY.01_TAI", MAY_DAY),
        ("2010.September_TAI", 1062374400.0),
        ("2010.V.01_TAI", MAY_DAY),
        ("2010.v_TAI", MAY_DAY),
        ("2010.xii.31_TAI", 1072828800.0),
        ("2010.05.01.5_TAI", MAY_DAY + 43200),
        ("20100501_000000_TAI", MAY_DAY),
        # Julian days count in TDT unless they say otherwise
        ("JD_2455317.5", 1051747167.816),
        ("JD_2455317.5_TAI", MAY_DAY),
        ("JD_2455317.5_UTC", MAY_DAY_UTC),
        ("MJD_55317.0_UTC", MAY_DAY_UTC),
        ("MJD_-1_TAI", -3727728000.0),
    ],
)
def test_forms_of_a_time(text, tai):
    assert parse_time(text) == tai


@pytest.mark.parametrize(
    ("zone", "tai"),
    [
        ("_TAI", MAY_DAY),
        ("_tai", MAY_DAY),
        ("_TT", MAY_DAY - 32.184),
        ("_TDT", MAY_DAY - 32.184),
        ("_GPS", MAY_DAY + 19),
        ("_UTC", MAY_DAY_UTC),
        ("_UT", MAY_DAY_UTC),
        ("_GMT", MAY_DAY_UTC),
        ("Z", MAY_DAY_UTC),
        ("_Z", MAY_DAY_UTC),
        ("_A", MAY_DAY_UTC - 3600),
        ("_M", MAY_DAY_UTC - 12 * 3600),
        ("_N", MAY_DAY_UTC + 3600),
        ("_Y", MAY_DAY_UTC + 12 * 3600),
        ("_PST", MAY_DAY_UTC + 8 * 3600),
        ("_PDT", MAY_DAY_UTC + 7 * 3600),
        ("_EDT", MAY_DAY_UTC + 4 * 3600),
        ("_BST", MAY_DAY_UTC - 3600),
        ("_JST", MAY_DAY_UTC - 9 * 3600),
        ("_+0530", MAY_DAY_UTC - 19800),
        ("+0530", MAY_DAY_UTC - 19800),
        ("-0800", MAY_DAY_UTC + 28800),
    ],
)
def test_zones(zone, tai):
    assert parse_time(f"2010.05.01_00:00:00{zone}") == tai


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2011.02.29_TAI", "2011.03.01_TAI"),
        ("2010.04.31_TAI", "2010.05.01_TAI"),
        ("2010.05.32_TAI", "2010.06.01_TAI"),
        ("2010.366_TAI", "2011.01.01_TAI"),
        ("2010.05.01_24:00_TAI", "2010.05.02_TAI"),
        ("2010.05.01_23:60_TAI", "2010.05.02_TAI"),
        ("2010.05.01_00:00:75_TAI", "2010.05.01_00:01:15_TAI"),
        ("2010.05.01_23:59:60_TAI", "2010.05.02_TAI"),
    ],
)
def test_fields_beyond_their_end_roll_over(text, same):
    assert parse_time(text) == parse_time(same)


@pytest.mark.parametrize(
    ("text", "tai"),
    [
        ("2012.06.30_23:59:59_UTC", 1120176033.0),
        ("2012.06.30_23:59:60_UTC", 1120176034.0),
        ("2012.06.30_23:59:60.5_UTC", 1120176034.5),
        ("2012.07.01_UTC", 1120176035.0),
        ("2016-12-31T23:59:60Z", 1262304036.0),
        ("2017.01.01_UTC", 1262304037.0),
        ("1972.01.01_UTC", -157852790.0),
        ("1958.01.01_UTC", -599616000.0),
        ("2030.01.01_UTC", 1672531237.0),
    ],
)
def test_leap_seconds_are_seconds_of_their_own(text, tai):
    assert parse_time(text) == tai


def test_the_leap_second_of_a_civil_zone_is_looked_up_with_the_local_clock():
    # As in the original: at this moment TAI-UTC is still 34 s, yet the new 35 s are used.
    assert parse_time("2012.07.01_00:00_JST") == 1120176000 - 9 * 3600 + 35


def test_an_offset_right_after_a_date_is_an_hour():
    # As in the original: "_" after a date begins a clock, and "+0530" is read as hour 530.
    assert parse_time("2000.12.31_+0530") == parse_time("2000.12.31_UTC") + 530 * 3600
    values, _ = parse_times(["2000.12.31_+0530"])
    assert values[0] == parse_time("2000.12.31_+0530")


def test_the_calendar_is_julian_before_1582_10_15():
    assert parse_time("1582.10.15_TAI") - parse_time("1582.10.04_TAI") == 86400
    assert parse_time("1500.02.29_TAI") != parse_time("1500.03.01_TAI")
    assert parse_time("-4712.01.01_12:00_TT") == MISSING_TIME
    assert parse_time("JD_0") == MISSING_TIME


def test_the_text_of_the_missing_time_in_whole_tai_seconds_is_not_the_missing_time():
    assert parse_time("-4712.01.01_11:59:28_TAI") == -211087684832.0 != MISSING_TIME


def test_fractions_are_exact_and_not_in_single_precision():
    assert parse_time("2010.05.01_00:00:59.999_TAI") == MAY_DAY + 59.999
    assert parse_time("2010.05.01_00:00:00.123456789_TAI") == MAY_DAY + 0.123456789


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("garbage", "'garbage' is no DRMS time; write it like 2010.05.01_00:00:00_TAI"),
        ("", "'' is no DRMS time"),
        ("1051747200", "write it like"),
        ("now", "write it like"),
        ("MDI_EPOCH", "write it like"),
        ("DRMS_MISSING_VALUE", "write it like"),
        ("79.05.01", "write it like"),
        ("jd_2455317.5", "write it like"),
        ("JD_2455317.5e0", "'e0' is too much"),
        ("\uff12\uff10\uff11\uff10.05.01", "write it like"),
        ("2010.13.45_TAI", "there is no month 13"),
        ("2010.00.01", "there is no month 00"),
        ("20101301", "there is no month 13"),
        ("2010.05.00", "days of a month count from 1"),
        ("2010.000", "there is no day 000 of the year"),
        ("9113760", "there is no day 760 of the year"),
        ("JD_1e9999", "'e9999' is too much"),
        (f"JD_{'9' * 400}", "the day is out of range"),
        ("2010.05.01 ", "'2010.05.01' is one, ' ' is too much; leave out the blank"),
        (" 2010.05.01", "write it like"),
        ("2010.05.01T00:00:00", "between a date with dots and a clock there is '_'"),
        ("2010.05.01 00:00:00", "between a date with dots and a clock there is '_'"),
        ("2010-05-01T00:00:00+05:30", "an offset from UTC is +hhmm or -hhmm, without a colon"),
        ("2010-05-01T00:00:00-2011", "at most +1400"),
        ("2010-0800", "an offset from UTC is"),
        ("20100501_123000_TAI", "write the clock with colons"),
        ("2010.05.01_TDB", "the zone is not known"),
        ("2010.05.01_ET", "the zone is not known"),
        ("2010.05.01_J", "the zone is not known"),
        ("2010.05.01_TAI_X", "'_X' is too much"),
        ("2010.05-01", "'-01' is too much"),
        ("2010/05/01", "'/05/01' is too much"),
        ("2010.05.01_12:", "':' is too much"),
        ("2010.05.01_00:00:00.", "'.' is too much"),
    ],
)
def test_what_is_no_time_is_refused_and_the_message_says_why(text, says):
    with pytest.raises(TimeTextError) as error:
        parse_time(text)
    assert says in str(error.value)


def test_a_message_quotes_no_more_of_a_long_text_than_helps():
    with pytest.raises(TimeTextError) as error:
        parse_time("x" * 10_000)
    assert len(str(error.value)) < 300


def test_durations_are_a_number_and_one_letter():
    assert parse_duration("96m") == 5760.0
    assert parse_duration("1.5h") == 5400.0
    assert parse_duration("1.0E1s") == 10.0
    assert parse_duration("365d") == 365 * 86400.0
    for text in ("", "s", "3600", "1w", "1H", "1day", "1 d", "10u", "1e999d"):
        with pytest.raises(TimeTextError, match="is no duration"):
            parse_duration(text)


# ------------------------------------------------------------------------ how far a time reaches
@pytest.mark.parametrize(
    ("time", "rest"),
    [
        ("2010.05.01_TAI", "/1d@1h"),
        ("2014.01.01", " - 2016.01.01"),
        ("2010.05.01_00:00:00", "-2010.05.01_23:59:15"),
        ("2010", "-2011"),
        ("2010-05", ""),
        ("2010.05", "-2010.06"),
        ("2010-05", "-2010-06"),
        ("2014-01-01", "-2014-01-02"),
        ("20100501", "-20100502"),
        ("2014-01-01T00:00:00", "-2014-01-01T01:00:00"),
        ("2014-01-01T00:00:00.5", "-2014-01-01T01:00:00"),
        ("2014-01-01T00", "-2014-01-01T01"),
        ("2014-01-01T00:00:00Z", "-2014-01-01T01:00:00Z"),
        ("2014-01-01T00:00:00-0800", "-2014-01-01T01:00:00-0800"),
        ("2014-01-01 00:00", ",2015"),
        ("2010.05.01_TAI", "-2010.05.02_TAI@45s"),
        ("JD_2455317.5", "-JD_2455318.5"),
        ("JD_2455317.5_TAI", "/1h"),
        ("2010.05.01", "T00:00:00"),
        ("2010.05.01", "_TAIX"),
        ("2010-05-01T00:00:00", "+05:30"),
        ("2010.05.01", "_123000"),
        ("-4712.01.01_12:00_TT", "]"),
        ("", "$"),
        ("", "'2010.05.01'"),
        ("", "1051747200"),
        ("", ""),
    ],
)
def test_the_longest_prefix_that_is_a_time(time, rest):
    assert time_prefix(time + rest) == len(time)
    assert time_prefix("[" + time + rest, 1) == 1 + len(time)


def test_a_prefix_is_a_matter_of_form_and_reading_it_says_what_is_wrong():
    assert time_prefix("2010.13.01/1d") == len("2010.13.01")


# ------------------------------------------------------------------------ printing
@pytest.mark.parametrize(
    ("precision", "tai", "iso"),
    [
        (0, "2010.05.01_00:00:34_TAI", "2010-05-01T00:00:00Z"),
        (1, "2010.05.01_00:00:34.0_TAI", "2010-05-01T00:00:00.0Z"),
        (3, "2010.05.01_00:00:34.000_TAI", "2010-05-01T00:00:00.000Z"),
        (-1, "2010.05.01_00:00_TAI", "2010-05-01T00:00Z"),
        (-2, "2010.05.01_00_TAI", "2010-05-01T00Z"),
        (-3, "2010.05.01_TAI", "2010-05-01"),
        (-4, "2010.05_TAI", "2010-05"),
        (-5, "2010_TAI", "2010"),
        (-9, "2010_TAI", "2010"),
    ],
)
def test_precision_adds_decimals_or_leaves_out_fields(precision, tai, iso):
    assert format_time(MAY_DAY_UTC, "TAI", precision) == tai
    assert format_time(MAY_DAY_UTC, "ISO", precision) == iso


@pytest.mark.parametrize(
    ("zone", "printed"),
    [
        ("tai", "2010.05.01_00:00:34_TAI"),
        ("TT", "2010.05.01_00:01:06_TT"),
        ("GPS", "2010.05.01_00:00:15_GPS"),
        ("UTC", "2010.05.01_00:00:00_UTC"),
        ("none", "2010.05.01_00:00:00_UTC"),
        ("time", "2010.05.01_00:00:00_UTC"),
        (" ", "2010.05.01_00:00:00_UTC"),
        ("Z", "2010.05.01_00:00:00Z"),
        ("A", "2010.05.01_01:00:00A"),
        ("PST", "2010.04.30_16:00:00_PST"),
        ("+0530", "2010.05.01_05:30:00+0530"),
        ("-0330", "2010.04.30_20:30:00-0330"),
        ("JD", "JD_2455318"),
    ],
)
def test_how_zones_print(zone, printed):
    assert format_time(MAY_DAY_UTC, zone) == printed


def test_a_zone_that_nobody_knows_is_refused():
    with pytest.raises(TimeTextError, match="'XYZ' is no zone to print a time in"):
        format_time(MAY_DAY, "XYZ")


def test_seconds_round_half_to_even_and_carry():
    assert format_time(0.5, "TAI") == "1977.01.01_00:00:00_TAI"
    assert format_time(1.5, "TAI") == "1977.01.01_00:00:02_TAI"
    assert format_time(MAY_DAY - 0.4, "TAI") == "2010.05.01_00:00:00_TAI"
    assert format_time(MAY_DAY - 0.004, "TAI", 2) == "2010.05.01_00:00:00.00_TAI"
    assert format_time(MAY_DAY - 0.4, "TAI", -1) == "2010.04.30_23:59_TAI"


def test_seconds_print_in_single_precision_except_in_tt():
    # The original's own rounding: 59.96 is 59.959999 as a 32 bit float.
    assert format_time(MAY_DAY - 0.04, "TAI", 6) == "2010.04.30_23:59:59.959999_TAI"
    assert format_time(473299200.0, "TDT", 6) == "1992.01.01_00:00:32.184000_TDT"


@pytest.mark.parametrize(
    ("tai", "zone", "precision", "printed"),
    [
        (1120176033.6, "UTC", 0, "2012.06.30_23:59:60_UTC"),
        (1120176034.0, "UTC", 0, "2012.06.30_23:59:60_UTC"),
        (1120176034.6, "UTC", 0, "2012.07.01_00:00:00_UTC"),
        (1120176034.6, "UTC", 1, "2012.06.30_23:59:60.6_UTC"),
        (1120176034.6, "UTC", -1, "2012.06.30_23:59_UTC"),
        (1120176034.0, "ISO", 0, "2012-06-30T23:59:60Z"),
        (1120176034.0, "JST", 0, "2012.07.01_08:59:60_JST"),
        (1120176034.0, "TAI", 0, "2012.07.01_00:00:34_TAI"),
    ],
)
def test_leap_seconds_print_as_second_60(tai, zone, precision, printed):
    assert format_time(tai, zone, precision) == printed


@pytest.mark.parametrize("value", [MISSING_TIME, math.nan, math.inf, -1e300])
@pytest.mark.parametrize(
    ("zone", "precision", "printed"),
    [
        ("TAI", 0, "-4712.01.01_11:59:28_TAI"),
        ("TAI", -1, "-4712.01.01_11:59_TAI"),
        ("TT", 0, "-4712.01.01_12:00:00_TT"),
        ("TT", -1, "-4712.01.01_12:00_TT"),
        ("ISO", 0, "-4712.01.01_11:59:28Z"),
        ("ISO", -3, "-4712.01.01"),
        ("JD", 0, "JD_0"),
        ("JD", 2, "JD_0.00"),
    ],
)
def test_the_missing_time_and_what_is_no_time(value, zone, precision, printed):
    assert format_time(value, zone, precision) == printed


def test_years_of_any_length():
    tai = [parse_time("0079.08.24_TAI"), -6.0e10 * 1.1, 2.6e11, 0.0]
    assert format_times(tai, "TAI", -3).tolist() == [
        b"0079.08.24_TAI",
        b"-0115.07.21_TAI",
        b"10216.01.28_TAI",
        b"1977.01.01_TAI",
    ]
    assert format_times(tai[2:], "ISO", -1).tolist() == [
        b"10216-01-28T06:12Z",
        b"1976-12-31T23:59Z",
    ]


def test_a_column_prints_as_bytes_of_one_width():
    texts = format_times(np.array([MAY_DAY, MISSING_TIME]), "TAI", 2)
    assert texts.dtype == np.dtype("S27")
    assert texts.tolist() == [b"2010.05.01_00:00:00.00_TAI", b"-4712.01.01_11:59:27.82_TAI"]
    assert format_times([], "TAI").shape == (0,)


def test_printing_leaves_the_values_alone():
    values = np.array([math.nan, MAY_DAY])
    format_times(values, "UTC")
    assert math.isnan(values[0])


# ------------------------------------------------------------------------ columns
def test_a_column_tells_which_texts_are_times():
    values, ok = parse_times(np.array([b"2010.05.01_TAI", b"MISSING", b"2010.05.02_TAI", b""]))
    assert ok.tolist() == [True, False, True, False]
    assert values[ok].tolist() == [MAY_DAY, MAY_DAY + 86400]
    assert np.isnan(values[~ok]).all()


MIXED = [
    "2010.05.01_00:00:00_TAI",
    "2010-05-01T00:00:00.25Z",
    "2010.02.31_25:61:75_TAI",  # rolls over
    "2010.13.01_00:00:00_TAI",  # no time
    "2010.00.01_00:00:00_TAI",
    "2010.05.00_00:00:00_TAI",
    "2012.06.30_23:59:60_UTC",
    "1582.10.04_00:00:00_TAI",  # the month of two calendars
    "1582.10.15_00:00:00_TAI",
    "-4712.01.01_11:59:28_TAI",
    "2010.05.01_00:00:00_tai",
    "2010.05.01_00:00:0x_TAI",
    "2010.05.01_00:00:00_+0530",
    "2010.05.01_000000",
    "JD_2455317.5",
    "MISSING",
    "2010.05.01_00:00:00." + "0" * 60 + "_TAI",  # wider than the matrix
    "é",
]


@pytest.mark.parametrize(
    "column",
    [
        MIXED,
        np.array([text.encode() for text in MIXED]),
        pa.array(MIXED),
        pa.array(["", *MIXED, "x"])[1:-1],
        pa.array(MIXED, pa.large_string()),
        pa.array(MIXED).dictionary_encode(),
        pa.chunked_array([MIXED[:5], MIXED[5:]]),
    ],
    ids=["list", "numpy", "arrow", "slice", "large", "dictionary", "chunked"],
)
def test_columns_of_every_kind_read_like_their_elements(column):
    values, ok = parse_times(column)
    found = [value if good else None for value, good in zip(values.tolist(), ok, strict=True)]
    assert found == [read(text) for text in MIXED]


def test_more_layouts_than_are_tried_still_read():
    texts = [f"2010.05.01_00:00:00.{'0' * digits}_TAI" for digits in range(1, 15)]
    values, ok = parse_times(texts)
    assert ok.all()
    assert (values == MAY_DAY).all()


def test_nulls_are_no_times():
    values, ok = parse_times(pa.array(["2010.05.01_TAI", None, "2010.05.01_TAI"]))
    assert ok.tolist() == [True, False, True]
    assert math.isnan(values[1])
    assert parse_times(pa.array([None, None], pa.string()))[1].tolist() == [False, False]


def test_a_nul_is_not_the_end_of_a_text():
    _, ok = parse_times(pa.array(["2010.05.01_TAI\0", "2010.05.01_TAI"]))
    assert ok.tolist() == [False, True]


@pytest.mark.parametrize("empty", [[], np.array([], "S5"), pa.array([], pa.string())])
def test_an_empty_column(empty):
    values, ok = parse_times(empty)
    assert values.shape == ok.shape == (0,)
    assert learn_time_format(empty) is None


def test_an_array_of_anything_else_is_a_mistake_of_the_caller():
    with pytest.raises(TypeError, match="dtype S"):
        parse_times(np.array([1.0]))


# ------------------------------------------------------------------------ learning the format
@pytest.mark.parametrize("precision", range(-5, 7))
@pytest.mark.parametrize("zone", ["TAI", "UTC", "TT", "GPS", "PST", "ISO", "A", "+0530"])
def test_the_format_of_printed_times_is_learnt(zone, precision):
    texts = format_times([MAY_DAY, 0.0, MISSING_TIME], zone, precision)
    # Of a year alone nobody can tell whether there would have been dashes.
    expected = ("Z", -5) if (zone, precision) == ("ISO", -5) else (zone, precision)
    assert learn_time_format(texts) == expected


@pytest.mark.parametrize(
    ("texts", "learnt"),
    [
        (["2010.05.01_00:00:00Z"], ("Z", 0)),
        (["2010-05-01"], ("ISO", -3)),
        (["2010.05.01"], ("Z", -3)),
        (["JD_2455317.50", "JD_0.00"], ("JD", 2)),
        (["2010-05-01T00:00:00Z", "-4712.01.01_11:59:28Z"], ("ISO", 0)),
        (["-4712.01.01_11:59:28Z"], ("Z", 0)),
        (["2010.05.01_00:00:00_TAI", "2010.05.01_00:00:00_UTC"], None),
        (["2010.05.01_00:00:00_TAI", "2010.05.01_00:00:00.0_TAI"], None),
        (["2010.05.01_00:00:00Z", "2010-05-01T00:00:00Z"], None),
        (["2010.05.01_00:00:00_TAI", "MISSING"], None),
        (["2010.05.01_00:00:00"], None),
        (["2010.05.01_00:00:00_Z"], None),
        (["2010-05-01T00:00:00_TAI"], None),
        (["2010-05-01_00:00:00Z"], None),
        (["2010.5.1_TAI"], None),
    ],
)
def test_what_is_learnt_from_texts(texts, learnt):
    assert learn_time_format(texts) == learnt


def test_nothing_is_learnt_where_a_text_is_null():
    assert learn_time_format(pa.array(["2010.05.01_TAI", None])) is None


# ------------------------------------------------------------------------ units and formats
@pytest.mark.parametrize(
    ("units", "print_format", "style"),
    [
        ("TAI", "3", TimeStyle("TAI", 3)),
        ("tai", None, TimeStyle("TAI", 0)),
        ("ISO", "-1", TimeStyle("ISO", -1)),
        ("UTC", "2.9", TimeStyle("UTC", 2)),
        ("TAI", "UTC", TimeStyle("UTC", 0)),
        ("TAI", "%f", TimeStyle("TAI", 0)),
        ("none", "0", TimeStyle("NONE", 0)),
        ("", "0", TimeStyle("", 0)),
        ("Modified Julian", "1", TimeStyle("UTC", 1)),
    ],
)
def test_units_are_the_zone_and_the_format_is_the_precision(units, print_format, style):
    assert time_style(units, print_format) == style
    assert (
        style.format([MAY_DAY]).tolist()
        == format_times([MAY_DAY], style.zone, style.precision).tolist()
    )


def test_an_interval_as_units_prints_a_number_of_intervals():
    style = time_style("86400 s", "%.3f")
    assert style.interval == 86400.0
    assert style.format([129600.0, -86400.0]).tolist() == [b"1.500", b"-1.000"]
    assert time_style("1 day").format([129600.0]).tolist() == [b"1.500000"]
    assert time_style("60s", "%d").format([129600.0]).tolist() == [b"2160"]
    assert time_style("60 s", "%s%n").number_format == "%f"
    assert time_style("0 s").interval is None
