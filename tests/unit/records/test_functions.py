"""DRMS times in SQL: they agree with the rest of the project to the last digit."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from drmsmirror.model.leapseconds import DRMS_LEAP_SECONDS
from drmsmirror.model.times import format_time, format_times, parse_time
from drmsmirror.model.types import MISSING_TIME
from drmsmirror.records import connect, create_time_functions

ZONES = ("TAI", "UTC", "ISO", "TT", "GPS", "JD", "PST", "+0530", "Z", "none")

#: What is no time, and times where printing is hard: leap seconds, both calendars, all years.
HARD = [
    *(MISSING_TIME, MISSING_TIME + 5e-5, np.nan, np.inf, -np.inf, 1e300, -1e14, -1e11, 2.6e11),
    *(leap + shift for leap in DRMS_LEAP_SECONDS for shift in (-61.5, -1.5, -1, -0.5, 0, 0.5)),
    *(parse_time(f"1582.10.{day}_00:00_TAI") + shift for day in (4, 15) for shift in (0, 86399.9)),
]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as opened:
        create_time_functions(opened)
        yield opened


def times() -> np.ndarray:
    """Hard times, and more of the others than the engine hands over at once."""
    others = np.random.default_rng(1).uniform(-1e9, 2e9, 5000)
    return np.array([*HARD, *others, *np.round(others[:500])])


@pytest.mark.parametrize("zone", ZONES)
def test_a_column_prints_as_everywhere_else(zone: str, connection) -> None:
    values = times()
    connection.register("given", pa.table({"t": values}))
    for precision in (-4, -1, 0, 3, 20):
        rows = connection.execute(
            f"SELECT drms_time(t, '{zone}', {precision}) FROM given"
        ).fetchall()
        wanted = format_times(values, zone, precision).astype(str).tolist()
        assert [text for (text,) in rows] == wanted


def test_each_row_may_have_a_style_of_its_own(connection) -> None:
    rows = [
        (float(value), zone, precision)
        for value in (0.25, 1e9, MISSING_TIME)
        for zone in (*ZONES, None)
        for precision in (-3, 0, 2, None)
    ]
    columns = zip(*rows, strict=True)
    given = pa.table(dict(zip("tzp", map(pa.array, columns), strict=True)))
    connection.register("given", given)
    found = connection.execute("SELECT drms_time(t, z, p::INTEGER) FROM given").fetchall()
    assert found == [
        (None if zone is None or precision is None else format_time(value, zone, precision),)
        for value, zone, precision in rows
    ]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("drms_time(0)", "1977.01.01_00:00:00_TAI"),
        ("drms_time(NULL)", None),
        ("drms_time(0, NULL)", None),
        ("drms_time(0, 'ISO')", "1976-12-31T23:59:45Z"),
        ("drms_time(0, digits := 1)", "1977.01.01_00:00:00.0_TAI"),
        ("drms_time(0, zone := 'utc', digits := -1)", "1976.12.31_23:59_UTC"),
        ("drms_time('NaN'::DOUBLE)", "-4712.01.01_11:59:28_TAI"),
        ("drms_time(1.5::FLOAT, 'TAI', 1)", "1977.01.01_00:00:01.5_TAI"),
    ],
)
def test_zone_and_precision_have_defaults(call: str, text: str | None, connection) -> None:
    assert connection.execute(f"SELECT {call}").fetchall() == [(text,)]


TEXTS = [
    *("2014.07.05_TAI", "2014.07.05", "2014-07-05T00:00:00Z", "2016.12.31_23:59:60_UTC"),
    *("1958.01.01_TAI", "1500.03.01_TT", "-4712.01.01_12:00_TT", "MJD_55317.5_TAI", "2011.02.29"),
    *("2010.05.01_00:00:00.123456_PST", "2010.121_TAI", "2010", "1960.01.01_UTC"),
]


def test_a_text_is_read_as_everywhere_else(connection) -> None:
    connection.register("given", pa.table({"text": [*TEXTS, None] * 300}))
    rows = connection.execute("SELECT tai(text) FROM given").fetchall()
    assert [value for (value,) in rows] == [*map(parse_time, TEXTS), None] * 300


@pytest.mark.parametrize("text", TEXTS)
def test_a_constant_is_read_as_everywhere_else(text: str, connection) -> None:
    assert connection.execute(f"SELECT tai('{text}')").fetchall() == [(parse_time(text),)]


@pytest.mark.parametrize("text", ["", "garbage", "2014.13.01", "2014.07.05_TAI ", "2014.07.05_TDB"])
def test_what_is_no_time_is_an_error(text: str, connection) -> None:
    connection.register("given", pa.table({"text": ["2014.07.05", None, text]}))
    with pytest.raises(duckdb.Error, match="TimeTextError: '"):
        connection.execute("SELECT tai(text) FROM given").fetchall()
