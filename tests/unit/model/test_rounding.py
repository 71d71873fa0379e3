"""The number that a value is once it was printed: what reading the text gives, mostly unprinted."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from drmsmirror.model.codecs import Codec
from drmsmirror.model.rounding import printed_numbers
from drmsmirror.model.types import KeywordType

USUAL = ["%f", "%e", "%g", "%.3f", "%.8f", "%.1f", "%.0f", "%10.2e", "%.9g", "%15.6e"]


def numbers_of(type_: KeywordType, format_: str, *values: float) -> list[float | None]:
    stored = pa.array(np.array(values, np.float32 if type_ is KeywordType.FLOAT else np.float64))
    return Codec(type_, format_).numbers(stored).to_pylist()


@pytest.mark.parametrize("type_", [KeywordType.FLOAT, KeywordType.DOUBLE], ids=str)
@pytest.mark.parametrize("format_", USUAL)
def test_hardly_a_usual_value_has_to_be_printed(type_: KeywordType, format_: str) -> None:
    rng = np.random.default_rng(5)
    spread = np.concatenate([rng.normal(0, 50, 5000), rng.lognormal(0, 3, 5000)])
    values = spread.astype(np.float32 if type_ is KeywordType.FLOAT else np.float64)
    numbers, certain = printed_numbers(type_, format_, pa.array(values))
    assert certain.mean() > 0.999
    read = np.array([float(format_ % value) for value in values.tolist()])
    assert np.array_equal(numbers[certain], read[certain])


@pytest.mark.parametrize("format_", ["%e", "%g", "%.12e", "%.14e", "%.15g"])
@pytest.mark.parametrize("type_", [KeywordType.FLOAT, KeywordType.DOUBLE], ids=str)
def test_next_to_powers_of_ten_the_digits_are_right(type_: KeywordType, format_: str) -> None:
    powers = [10.0**power for power in range(-30, 31)]
    near = [math.nextafter(power, power * side) for power in powers for side in (0, 2)]
    values = [float(np.float32(x)) if type_ is KeywordType.FLOAT else x for x in powers + near]
    assert numbers_of(type_, format_, *values) == [float(format_ % value) for value in values]


def test_a_half_goes_to_the_even_side() -> None:
    assert numbers_of(KeywordType.FLOAT, "%.0f", 0.5, 1.5, 2.5, -2.5) == [0, 2, 2, -2]
    assert numbers_of(KeywordType.FLOAT, "%.2f", 0.125, 0.375) == [0.12, 0.38]
    assert numbers_of(KeywordType.DOUBLE, "%.2f", 1.005, 0.125) == [1.0, 0.12]


def test_a_zero_keeps_its_sign_and_infinity_is_itself() -> None:
    for format_ in ("%e", "%f", "%g"):
        found = numbers_of(KeywordType.DOUBLE, format_, -0.0, 0.0, math.inf, -math.inf, math.nan)
        assert [str(number) for number in found] == ["-0.0", "0.0", "inf", "-inf", "None"]


def test_numbers_too_long_for_a_double_are_read_from_their_text() -> None:
    values = [123456789012345678.0, 1e300, 5e-324, 0.1 + 0.2]
    for format_ in ("%.17g", "%.20e", "%.1f"):
        found = numbers_of(KeywordType.DOUBLE, format_, *values)
        assert found == [float(format_ % value) for value in values]


def test_bits_are_the_large_number_that_they_show() -> None:
    stored = pa.array([-1, 1024, KeywordType.INT.missing], pa.int32())
    for format_ in ("0x%08X", "%#x"):
        assert Codec(KeywordType.INT, format_).numbers(stored).to_pylist() == [
            2**32 - 1,
            1024,
            None,
        ]
        always = Codec(KeywordType.INT, format_, always_prints=True)
        assert always.numbers(stored).to_pylist() == [2**32 - 1, 1024, 2**31]
