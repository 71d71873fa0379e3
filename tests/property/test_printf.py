"""Keyword text against the C library's own printf: what C prints is printed, and read back."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drmsmirror.model.codecs import Codec, arrow_type, cast_numbers
from drmsmirror.model.types import KeywordType

LIBC = ctypes.CDLL(None)

INTEGERS = {
    KeywordType.CHAR: ctypes.c_int,
    KeywordType.SHORT: ctypes.c_int,
    KeywordType.INT: ctypes.c_int,
    KeywordType.LONGLONG: ctypes.c_longlong,
}
MODIFIERS = {
    KeywordType.CHAR: "hh",
    KeywordType.SHORT: "h",
    KeywordType.INT: "",
    KeywordType.LONGLONG: "ll",
}
#: With {} where the length modifier stands.
INTEGER_FORMATS = [
    "%{}d", "%{}i", "%{}u", "%{}x", "%{}X", "%{}o", "%#{}x", "%#{}X", "%#{}o", "0x%08{}X",
    "0x%08{}x", "%010{}d", "%5{}d", "%-5{}d", "%+{}d", "% {}d", "%.4{}d", "S%05{}d", "%{}d%%",
    "%#010{}x", "%06{}o",
]  # fmt: skip
FLOAT_FORMATS = [
    "%f", "%e", "%E", "%g", "%G", "%.3f", "%6.3f", "%15.6e", "%.9g", "%.17g", "%010.2f", "%+.2e",
    "%-12.4f", "%.0f", "%lf", "%#g", "%.1f", "%12g", "v=%.2f m/s",
]  # fmt: skip
STRING_FORMATS = ["%s", "%10s", "%-10s", "[%s]"]


def printed_by_c(format_: str, value: object) -> str:
    """Print by the C library."""
    buffer = ctypes.create_string_buffer(1000)
    LIBC.snprintf(buffer, ctypes.c_size_t(1000), format_.encode(), value)
    return buffer.value.decode()


def assert_text_in_text_out(codec: Codec, values: pa.Array, texts: list[str]) -> pa.Array:
    """The codec prints what C prints, gives every text back, and knows the numbers in them."""
    assert codec.encode(values) == texts
    assert codec.strings(values).to_pylist() == texts
    if codec.type is not KeywordType.STRING:
        target = pa.int64() if codec.type.is_integer else pa.float64()
        assert codec.numbers(values).equals(cast_numbers(pa.array(texts), target))
    decoded = codec.decode(pa.array(texts))
    again = codec.encode(decoded.values)
    given_back = [decoded.exact.get(row, text) for row, text in enumerate(again)]
    assert given_back == texts
    return decoded.values


@pytest.mark.parametrize("type_", INTEGERS)
@pytest.mark.parametrize("form", INTEGER_FORMATS)
@pytest.mark.soak_factor(60)
@settings(max_examples=12)
@given(data=st.data())
def test_whole_numbers(type_: KeywordType, form: str, data: st.DataObject) -> None:
    format_ = form.format(MODIFIERS[type_])
    limit = 2 ** (type_.bits - 1)
    numbers = data.draw(st.lists(st.integers(-limit + 1, limit - 1), min_size=1, max_size=9))
    texts = [printed_by_c(format_, INTEGERS[type_](number)) for number in numbers]
    stored = pa.array(numbers, arrow_type(type_))
    assert assert_text_in_text_out(Codec(type_, format_), stored, texts).equals(stored)


@pytest.mark.parametrize("type_", [KeywordType.FLOAT, KeywordType.DOUBLE], ids=str)
@pytest.mark.parametrize("format_", FLOAT_FORMATS)
@pytest.mark.soak_factor(40)
@settings(max_examples=20)
@given(data=st.data())
def test_floating_point_numbers(type_: KeywordType, format_: str, data: st.DataObject) -> None:
    width = 32 if type_ is KeywordType.FLOAT else 64
    floats = st.one_of(
        st.floats(-(2.0**50), 2.0**50, width=width),
        st.integers(-10, 10).map(float),
        st.sampled_from([math.inf, -math.inf]),
    )
    numbers = data.draw(st.lists(floats, min_size=1, max_size=9))
    texts = [printed_by_c(format_, ctypes.c_double(number)) for number in numbers]
    stored = pa.array(np.array(numbers, np.float32 if width == 32 else np.float64))
    read = assert_text_in_text_out(Codec(type_, format_), stored, texts)
    if format_ == "%.17g":
        assert read.equals(stored)


@pytest.mark.parametrize("format_", STRING_FORMATS)
@given(words=st.lists(st.text("aB1.-_/ ", min_size=1, max_size=14), min_size=1, max_size=5))
def test_texts(format_: str, words: list[str]) -> None:
    texts = [printed_by_c(format_, word.encode()) for word in words]
    read = assert_text_in_text_out(Codec(KeywordType.STRING, format_), pa.array(words), texts)
    if format_ == "%s":
        assert read.to_pylist() == words


@pytest.mark.parametrize("precision", range(7))
@pytest.mark.parametrize("zone", ["TAI", "UTC", "ISO", "TT", "TDT", "GPS", "PST", "Z", "JD"])
@pytest.mark.soak_factor(100)
@settings(max_examples=15)
@given(seconds=st.lists(st.integers(-(10**9), 2 * 10**9), min_size=1, max_size=5))
def test_times_of_every_precision_and_zone(zone: str, precision: int, seconds: list[int]) -> None:
    codec = Codec(KeywordType.TIME, f"{zone} {precision}")
    stored = pa.array([second + 0.5 for second in seconds])
    texts = codec.encode(stored)
    decoded = codec.decode(pa.array(texts))
    assert [decoded.exact.get(n, t) for n, t in enumerate(codec.encode(decoded.values))] == texts
    assert all(
        math.isclose(one, other, rel_tol=0, abs_tol=0.51)
        for one, other in zip(decoded.values.to_pylist(), stored.to_pylist(), strict=True)
    ) or zone in ("JD", "PST")
