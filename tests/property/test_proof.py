"""What is taken to print as it came does print so, for texts near every edge of every format."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drmsmirror.model.proof import proves_text
from drmsmirror.model.types import KeywordType

FORMATS = ["%g", "%.1g", "%.3g", "%.9g", "%.12g", "%e", "%.3e", "%.7e", "%f", "%.3f", "%.8f"]
TYPES = {KeywordType.FLOAT: np.float32, KeywordType.DOUBLE: np.float64}


@st.composite
def numbers(draw: st.DrawFn) -> float:
    """Numbers of all sizes, many of them at a power of ten or just beside it."""
    near = draw(st.sampled_from([1.0, 1 + 1e-7, 1 - 1e-7, 1 + 3e-8, 1 - 6e-8]))
    power = 10.0 ** draw(st.integers(-12, 14))
    value = draw(st.one_of(st.just(power * near), st.floats(-1e9, 1e9), st.integers(-9999, 9999)))
    return float(value)


@st.composite
def written(draw: st.DrawFn, format_: str) -> str:
    """A text that the format printed, or nearly."""
    value = draw(numbers())
    text = draw(st.sampled_from([format_ % value, repr(value), f"{value:.7g}", f"{value:.3f}"]))
    return text + draw(st.sampled_from(["", "", "", "0", ".0", "e+01"]))


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("format_", FORMATS)
@given(data=st.data())
def test_what_is_proven_prints_as_it_came(format_, type_, data) -> None:
    text = data.draw(written(format_))
    try:
        value = float(text)
    except ValueError:
        return
    with np.errstate(over="ignore"):
        stored = TYPES[type_](value)
    if not math.isfinite(stored):
        return
    (proven,) = proves_text(type_, format_, pa.array([text]), pa.array([stored])).to_pylist()
    assert not proven or format_ % float(stored) == text


@pytest.mark.parametrize(
    ("format_", "texts"),
    [
        ("%g", ["1.5", "-0.0001", "123456", "1e+06", "1.23457e-05", "0.25", "12.5"]),
        ("%.3e", ["1.234e+22", "-5.000e-07"]),
        ("%.2f", ["0.25", "-1234.50"]),
    ],
)
def test_what_a_format_usually_prints_is_proven(format_, texts) -> None:
    values = pa.array([float(text) for text in texts])
    assert all(proves_text(KeywordType.DOUBLE, format_, pa.array(texts), values).to_pylist())
