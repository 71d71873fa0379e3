"""Text in, text out: what came in as text comes out the same (DRMS semantics 2.2)."""

from __future__ import annotations

import math
from dataclasses import replace

import pyarrow as pa
import pytest

from drmsmirror.model.codecs import (
    Codec,
    arrow_type,
    codec_of,
    default_codec,
    definition_format,
    learn_codec,
)
from drmsmirror.model.series import Keyword
from drmsmirror.model.types import MISSING_TIME, KeywordType

INT, FLOAT, DOUBLE, TIME, STRING = (
    KeywordType.INT,
    KeywordType.FLOAT,
    KeywordType.DOUBLE,
    KeywordType.TIME,
    KeywordType.STRING,
)


@pytest.mark.parametrize(
    ("type_", "texts", "learnt"),
    [
        (FLOAT, ["4.116917e+22", "MISSING", "-3.000000e+21"], "%e"),
        (FLOAT, ["1.25", "2.50", "-0.75"], "%.2f"),
        (FLOAT, ["0.5", "1.25", "1e+20"], "%g"),
        (FLOAT, ["123.456001", "0.500000"], "%f"),
        (DOUBLE, ["377.123456789", "1.5"], "%.12g"),
        (DOUBLE, ["  1.250", "-10.500", "123.000"], "%7.3f"),
        (INT, ["0x00000400", "0x80000001", "0x0000000A"], "0x%08X"),
        (INT, ["0x0000000a", "0x000000ff"], "0x%08x"),
        (INT, ["1", "-22", "333"], "%d"),
        (INT, ["001", "022", "1234"], "%03d"),
        (TIME, ["2014.07.05_00:00:00_TAI", "1993.01.01_00:00:00_TAI"], "TAI 0"),
        (TIME, ["2014.07.05_00:00:07.250_TAI", "MISSING"], "TAI 3"),
        (TIME, ["2014-07-05T00:00:00.23Z", "2016-12-31T23:59:60.00Z"], "ISO 2"),
        (TIME, ["2014.07.05_00:00_UTC"], "UTC -1"),
    ],
)
def test_a_format_is_learnt_that_prints_every_text_as_it_came(
    type_: KeywordType, texts: list[str], learnt: str
) -> None:
    codec = learn_codec(Keyword("X", type_), pa.array(texts))

    assert codec is not None
    assert codec.format == learnt
    decoded = codec.decode(pa.array(texts))
    assert decoded.exact == {}
    assert codec.encode(decoded.values) == texts


def test_as_many_decimals_everywhere_are_fixed_decimals_and_others_are_g() -> None:
    texts = [f"{tens}.{ones}" for tens in range(5) for ones in range(1, 10)]

    assert _learnt(FLOAT, texts).format == "%.1f"
    assert _learnt(FLOAT, [*texts, "5"]).format == "%g"
    assert _learnt(FLOAT, ["0", "12", "-3"]).format == "%g"


def test_nothing_is_learnt_from_missing_values_alone() -> None:
    assert learn_codec(Keyword("X", FLOAT), pa.array(["MISSING", "MISSING"])) is None


@pytest.mark.parametrize("type_", list(KeywordType))
def test_missing_is_stored_as_the_sentinel_and_printed_as_missing(type_: KeywordType) -> None:
    codec = default_codec(Keyword("X", type_))

    decoded = codec.decode(pa.array(["MISSING"]))

    stored = decoded.values[0].as_py()
    assert stored == type_.missing or (math.isnan(stored) and type_.is_float)
    assert decoded.exact == {}
    assert codec.encode(decoded.values) == ["MISSING"]


@pytest.mark.parametrize(
    ("units", "text"),
    [
        ("TAI", "2014.07.05_00:00:00_TAI"),
        ("ISO", "2014-07-04T23:59:25Z"),
        ("none", "2014.07.04_23:59:25_UTC"),
        ("86400 s", "13699.000000"),
    ],
)
def test_a_time_that_has_shown_no_text_prints_in_the_zone_of_its_units(
    units: str, text: str
) -> None:
    codec = default_codec(Keyword("T_REC", TIME, units=units))

    assert codec.encode(pa.array([1183593600.0])) == [text]


def test_quality_alone_prints_its_missing_value_by_its_format() -> None:
    quality = codec_of(Keyword("QUALITY", INT), "0x%08X")
    other = codec_of(Keyword("Quality", INT), "0x%08X")
    assert quality is not None
    assert other is not None

    stored = quality.decode(pa.array(["0x80000000"]))

    assert stored.values.to_pylist() == [-(2**31)]
    assert stored.exact == {}
    assert quality.encode(stored.values) == ["0x80000000"]
    assert other.encode(stored.values) == ["MISSING"]


@pytest.mark.parametrize(
    ("type_", "format_", "text"),
    [
        (FLOAT, "%.3f", "Invalid KeyLink"),
        (FLOAT, "%.3f", "nan"),
        (FLOAT, "%.3f", "1.2345"),
        (FLOAT, "%.2f", "0x1F"),
        (INT, "%d", "99999999999"),
        (INT, "%d", "1.5"),
        (INT, "%d", "+7"),
        (TIME, "TAI 0", "yesterday"),
        (TIME, "TAI 0", "2014.07.05_00:00:00.5_TAI"),
    ],
)
def test_the_exact_text_is_kept_where_no_codec_gives_it_back(
    type_: KeywordType, format_: str, text: str
) -> None:
    good = {FLOAT: "1.000", INT: "1", TIME: "2014.07.05_00:00:00_TAI"}[type_]
    good = "1.00" if format_ == "%.2f" else good

    decoded = Codec(type_, format_).decode(pa.array([good, text]))

    assert decoded.exact == {1: text}


@pytest.mark.parametrize(
    ("type_", "format_", "value", "text"),
    [
        (DOUBLE, "%d", math.inf, "inf"),
        (DOUBLE, "%08X", -math.inf, "-inf"),
        (DOUBLE, "%010.3f", math.inf, "       inf"),
        (KeywordType.CHAR, "%c", 65, "A"),
        (INT, "%c", -190, "B"),
        (STRING, "%d", "abc", "abc"),
        (TIME, "every 86400.0 %d", math.inf, "inf"),
        (TIME, "every 86400.0 %f", 86400.0, "1.000000"),
    ],
)
def test_what_a_format_is_not_made_for_prints_all_the_same(
    type_: KeywordType, format_: str, value: float | str, text: str
) -> None:
    assert Codec(type_, format_).encode(pa.array([value], arrow_type(type_))) == [text]


def test_the_nearest_float_of_a_printed_float_prints_the_same() -> None:
    texts = [f"{1.0 + step * 7e-7:e}" for step in range(20_000)]

    decoded = Codec(FLOAT, "%e").decode(pa.array(texts))

    assert decoded.values.type == pa.float32()
    assert decoded.exact == {}


@pytest.mark.parametrize("format_", ["%.2f", None], ids=["given", "learnt"])
def test_a_time_with_units_of_an_interval_prints_as_a_number_of_them(format_: str | None) -> None:
    keyword = Keyword("X", TIME, units="86400 s", format=format_)
    texts = ["0.50", "12172.75", "MISSING"]

    codec = codec_of(keyword) or learn_codec(keyword, pa.array(texts))

    assert codec is not None
    decoded = codec.decode(pa.array(texts))
    assert decoded.values.to_pylist()[:2] == [43200.0, 12172.75 * 86400]
    assert decoded.exact == {}
    assert codec.encode(decoded.values) == texts


@pytest.mark.parametrize(
    ("units", "text"),
    [
        ("TAI", "1977.01.01_00:00:16_TAI"),
        ("ISO", "1977-01-01T00:00:00Z"),
        ("none", "1977.01.01_00:00:00_UTC"),
        ("", "1977.01.01_00:00:00_UTC"),
    ],
)
def test_a_time_without_a_format_prints_in_the_zone_of_its_units(units: str, text: str) -> None:
    assert default_codec(Keyword("X", TIME, units=units)).encode(pa.array([16.0])) == [text]


@pytest.mark.parametrize(
    ("type_", "texts", "values"),
    [
        (INT, ["1f", "a0"], [31, 160]),
        (INT, ["0", "0x1f", "0xa0"], [0, 31, 160]),
        (INT, ["0xFFFFFFFF", "0x00000001"], [-1, 1]),
    ],
)
def test_digits_are_read_in_the_base_in_which_they_were_printed(type_, texts, values) -> None:
    decoded = _learnt(type_, texts).decode(pa.array(texts))
    assert (decoded.values.to_pylist(), decoded.exact) == (values, {})


def test_the_format_of_the_definition_is_used_where_there_is_one() -> None:
    keyword = Keyword("T_OBS", TIME, units="TAI", format="3")

    codec = codec_of(keyword)

    assert codec is not None
    assert codec.encode(pa.array([1183593600.25, MISSING_TIME])) == [
        "2014.07.05_00:00:00.250_TAI",
        "MISSING",
    ]


def _learnt(type_: KeywordType, texts: list[str]) -> Codec:
    codec = learn_codec(Keyword("X", type_), pa.array(texts))
    assert codec is not None
    return codec


@pytest.mark.parametrize("codec_format", ["0x%08X", "0x%x", "%#x", "%#010x"])
def test_a_plain_number_among_hexadecimal_ones_is_that_number(codec_format: str) -> None:
    codec = Codec(KeywordType.INT, codec_format)

    decoded = codec.decode(pa.array(["1024", "0x400", "-5", "0x80000001", "0"]))

    assert decoded.values.to_pylist() == [1024, 1024, -5, 1 - 2**31, 0]


@pytest.mark.parametrize(
    ("keyword", "codec_format", "written"),
    [
        (Keyword("F", FLOAT), "%.3f", "%.3f"),
        (Keyword("F", FLOAT, format="%5.3f"), "%.3f", "%.3f"),
        (Keyword("S", STRING), "%s", None),
        (Keyword("T", TIME, units="TAI"), "TAI 0", "0"),
        (Keyword("T", TIME, units="ISO"), "ISO 2", "2"),
        (Keyword("T", TIME, units="TAI", format="3.6"), "TAI 3", "3.6"),
        (Keyword("T", TIME, units="TAI"), "UTC -1", "UTC -1"),
        (Keyword("T", TIME, units="none"), "UTC 0", "UTC"),
        (Keyword("T", TIME, units="none"), "UTC 3", "UTC 3"),
        (Keyword("T", TIME, units="none"), "+0530 0", "+0530 0"),
        (Keyword("T", TIME, units="1 day"), "every 86400.0 %.7g", "%.7g"),
        (Keyword("T", TIME, units="TAI"), "every 86400.0 %f", "every 86400.0 %f"),
        (Keyword("T", TIME, units="1 day"), "TAI 0", "TAI 0"),
    ],
)
def test_a_learnt_format_is_written_as_a_definition_says_it(
    keyword: Keyword, codec_format: str, written: str | None
) -> None:
    assert definition_format(keyword, codec_format) == written
    codec = codec_of(replace(keyword, format=written))
    assert codec is not None
    assert codec.format == codec_format


@pytest.mark.parametrize("odd", ["nowhere 3", "every 0 %f", "every  %f", " 3"])
def test_a_time_format_that_nothing_understands_is_the_default(odd: str) -> None:
    codec = codec_of(Keyword("T", TIME, units="TAI", format=odd))
    assert codec is not None
    assert codec.format in ("TAI 0", "TAI 3")
