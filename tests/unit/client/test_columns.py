"""Typed columns: nothing is lost, nothing made up, and TAI is TAI."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from drmsmirror.client.batches import PrintedRows
from drmsmirror.client.columns import Times, TypedColumns
from drmsmirror.errors import QueryError
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType


def _typed(
    type_: str, *texts: str, units: str = "", times: Times = Times.TEXT
) -> tuple[pa.DataType, list[Any]]:
    """The type and the values of one column."""
    definition = SeriesDefinition("a.b", keywords=(Keyword("K", KeywordType(type_), units=units),))
    columns = TypedColumns.of(definition, ["K"], times)
    column = columns.batch(PrintedRows(K=list(texts)))["K"]
    return column.type, column.to_pylist()


@pytest.mark.parametrize("type_", ["char", "short", "int", "longlong"])
def test_whole_numbers_stay_whole_where_some_are_missing(type_: str) -> None:
    assert _typed(type_, "7", "MISSING", "-1") == (pa.int64(), [7, None, -1])
    assert _typed(type_, "MISSING") == (pa.int64(), [None])
    assert _typed(type_) == (pa.int64(), [])


def test_whole_numbers_beyond_a_double_are_exact() -> None:
    texts = ("9007199254740993", "MISSING", "-9223372036854775807")
    assert _typed("longlong", *texts)[1] == [2**53 + 1, None, -(2**63) + 1]


def test_bit_masks_are_the_unsigned_numbers_that_they_show() -> None:
    _, values = _typed("int", "0x80000000", "0xFFFFFFFF", "0x00000400", "MISSING")
    assert values == [2**31, 2**32 - 1, 1024, None]


@pytest.mark.parametrize("type_", ["float", "double"])
def test_real_numbers_are_what_was_printed(type_: str) -> None:
    assert _typed(type_, "1.234e+22", "MISSING", "0.1") == (pa.float64(), [1.234e22, None, 0.1])


def test_texts_are_texts_and_an_unknown_key_is_null() -> None:
    assert _typed("string", "a", "MISSING", "") == (pa.string(), ["a", None, ""])
    columns = TypedColumns.of(SeriesDefinition("a.b"), ["NOSUCH", "*recnum*", "*size*"])
    texts = {"NOSUCH": ["Invalid KeyLink"], "*recnum*": [3], "*size*": ["12"]}
    batch = columns.batch(PrintedRows(texts))
    assert batch.to_pylist() == [{"NOSUCH": None, "*recnum*": 3, "*size*": 12}]


def test_times_are_text_unless_clocks_are_wanted() -> None:
    assert _typed("time", "2010.05.01_TAI", "MISSING") == (pa.string(), ["2010.05.01_TAI", None])


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("1977.01.01_00:00:00_TAI", "1977-01-01T00:00:00"),
        ("2010.05.01_00:00:34.123456_TAI", "2010-05-01T00:00:34.123456"),
        ("1958.01.01_00:00:00.5_TAI", "1958-01-01T00:00:00.500000"),
        ("2010-05-01T00:00:00Z", "2010-05-01T00:00:34"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:36"),
        ("2017-01-01T00:00:00Z", "2017-01-01T00:00:37"),
        ("MISSING", None),
        ("Invalid KeyLink", None),
        ("no time", None),
    ],
)
def test_a_clock_shows_tai_whatever_was_printed(text: str, clock: str | None) -> None:
    type_, (value,) = _typed("time", text, times=Times.TAI)
    assert type_ == pa.timestamp("us")
    assert value == (clock and datetime.fromisoformat(clock))


def test_a_time_that_prints_as_a_number_of_intervals() -> None:
    values = _typed("time", "1.5", "MISSING", "x", units="86400 s", times=Times.TAI)[1]
    assert values == [datetime.fromisoformat("1977-01-02T12:00:00"), None, None]


def test_a_time_beyond_microseconds_is_null_instead_of_another() -> None:
    assert _typed("time", "1e15", units="86400 s", times=Times.TAI)[1] == [None]


def test_metadata_tell_what_drms_says_of_a_keyword() -> None:
    keywords = (
        Keyword("T", KeywordType.TIME, units="UTC", note="Begin"),
        Keyword("F", KeywordType.FLOAT, units="Mx"),
    )
    definition = SeriesDefinition("a.b", keywords=keywords)
    schema = TypedColumns.of(definition, ["T", "F", "*recnum*"], Times.TAI).schema
    assert schema.metadata == {b"series": b"a.b"}
    assert schema.field("T").metadata == {
        b"type": b"time", b"units": b"UTC", b"note": b"Begin", b"time_scale": b"TAI",
    }  # fmt: skip
    assert schema.field("F").metadata == {b"type": b"float", b"units": b"Mx"}
    assert schema.field("*recnum*").metadata is None
    assert schema.field("T").type.tz is None
    text = TypedColumns.of(definition, ["T"]).schema.field("T")
    assert b"time_scale" not in text.metadata


def test_times_that_are_neither_are_an_error() -> None:
    with pytest.raises(QueryError, match="'utc'; it must be text or tai"):
        Times.of("utc")
