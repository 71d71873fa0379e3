"""What of a changed definition what is held can follow."""

from __future__ import annotations

import math
from dataclasses import replace

import pyarrow as pa
import pytest

from drmsmirror.model.codecs import Codec, arrow_type
from drmsmirror.model.evolution import evolution_of, exact_below, is_widening
from drmsmirror.model.intervals import Interval, around
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.model.widening import widened

SERIES = SeriesDefinition(
    "test.series",
    keywords=(
        Keyword("N", KeywordType.INT),
        Keyword("A", KeywordType.INT),
        Keyword("B", KeywordType.FLOAT),
    ),
    prime_keys=("N",),
)


def with_type(name: str, type_: KeywordType) -> SeriesDefinition:
    keywords = tuple(replace(k, type=type_) if k.name == name else k for k in SERIES.keywords)
    return replace(SERIES, keywords=keywords)


def without(name: str) -> SeriesDefinition:
    return replace(SERIES, keywords=tuple(k for k in SERIES.keywords if k.name != name))


def test_a_keyword_that_is_new_asks_for_nothing() -> None:
    more = replace(SERIES, keywords=(*SERIES.keywords, Keyword("C", KeywordType.TIME)))
    assert not evolution_of(SERIES, more)
    assert not evolution_of(SERIES, SERIES)


def test_a_keyword_goes_and_comes_back() -> None:
    column = SERIES.column("b")
    gone = evolution_of(SERIES, without("B"))
    assert (gone.dropped, gone.returned, gone.retyped) == ((column,), (), ())
    assert not evolution_of(without("B"), without("B"), [column])
    again = evolution_of(without("B"), SERIES, [column])
    assert (again.dropped, again.returned, again.retyped) == ((), (column,), ())
    wider = with_type("B", KeywordType.DOUBLE)
    (changed,) = evolution_of(without("B"), wider, [column]).retyped
    assert (changed.before, changed.now) == (column, wider.column("b"))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (with_type("N", KeywordType.LONGLONG), "its prime key N was int and is longlong"),
        (with_type("A", KeywordType.SHORT), "its keyword A was int and is short"),
        (with_type("B", KeywordType.TIME), "its keyword B was float and is time"),
        (replace(SERIES, prime_keys=("N", "A")), "its prime keys were N and are N, A"),
        (replace(SERIES, prime_keys=()), "its prime keys were N and are none"),
    ],
)
def test_what_cannot_follow_is_said_in_words(now, words) -> None:
    assert evolution_of(SERIES, now).hindrance == words


def test_types_that_can_hold_all_values_of_another() -> None:
    pairs = {(a, b) for a in KeywordType for b in KeywordType if is_widening(a, b)}
    to_string = {(a, KeywordType.STRING) for a in KeywordType if a is not KeywordType.STRING}
    assert to_string < pairs
    assert {f"{a} {b}" for a, b in pairs - to_string} == {
        *("char short", "char int", "char longlong", "char float", "char double"),
        *("short int", "short longlong", "short float", "short double"),
        *("int longlong", "int double", "longlong double", "float double"),
    }
    assert [p for p in pairs if exact_below(*p)] == [(KeywordType.LONGLONG, KeywordType.DOUBLE)]


@pytest.mark.parametrize(
    ("before", "now", "values", "expected"),
    [
        (Codec(KeywordType.SHORT, "%hd"), "longlong", [5, -32768, None], [5, -(2**63), None]),
        (Codec(KeywordType.INT, "%d"), "double", [7, None], [7.0, None]),
        (Codec(KeywordType.FLOAT, "%.1f"), "double", [0.5, None], [0.5, None]),
        (Codec(KeywordType.FLOAT, "%.1f"), "string", [0.5, math.nan, None], ["0.5", "", None]),
        (Codec(KeywordType.INT, "0x%X"), "string", [255, -(2**31)], ["0xFF", ""]),
    ],
)
def test_values_are_the_same_or_their_texts(before, now, values, expected) -> None:
    array = pa.array(values, arrow_type(before.type))
    assert widened(array, before, KeywordType(now), {}).to_pylist() == expected


def test_a_text_that_no_codec_gives_back_is_the_text() -> None:
    values = pa.array([1.5, 2.5], pa.float32())
    texts = widened(values, Codec(KeywordType.FLOAT, "%.2f"), KeywordType.STRING, {1: "2.5"})
    assert texts.to_pylist() == ["1.50", "2.5"]


def test_a_float_is_the_double_that_it_prints_as_unless_it_holds_more() -> None:
    values = pa.array([0.1, 0.123456], pa.float32())
    codec = Codec(KeywordType.FLOAT, "%.1f")
    doubles = widened(values, codec, KeywordType.DOUBLE, {}).to_pylist()
    assert doubles == [0.1, values[1].as_py()]
    assert widened(values, codec, KeywordType.DOUBLE, {1: "0.123456"})[1].as_py() == 0.123456


def test_a_missing_number_is_missing_as_a_double() -> None:
    codec = Codec(KeywordType.INT, "%d")
    (value,) = widened(pa.array([-(2**31)], pa.int32()), codec, KeywordType.DOUBLE, {}).to_pylist()
    assert math.isnan(value)


def test_positions_lie_in_the_fewest_narrow_intervals() -> None:
    assert around([], 3, whole=True) == ()
    assert around([1, 2, 9], 2, whole=True) == (Interval(1, 3), Interval(9, 10))
    assert around([1, 2, 9], 1, whole=True) == (Interval(1, 10),)
    assert around([1.0, 9.0], 5, whole=False)[0] == Interval(1.0, math.nextafter(1.0, 2.0))
    (missing,) = around([-(2.0**63)], 5, whole=True)
    assert missing
