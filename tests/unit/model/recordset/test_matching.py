"""The evaluator that the SQL of every engine has to agree with."""

from __future__ import annotations

import math

import numpy as np
import pytest

from drmsmirror.model.recordset import Condition, Span, matches


def found(values, *spans: Span) -> list[bool]:
    return matches(Condition("c", "C", spans), np.asarray(values)).tolist()


def test_half_open_and_closed_ends():
    assert found([1, 2, 3, 4], Span(2, 4)) == [False, True, True, False]
    assert found([1.0, 2.0, 4.0], Span(2.0, 4.0, high_included=True)) == [False, True, True]
    assert found([1, 2], Span(2, 2)) == [False, False]


def test_spans_are_joined_by_or():
    assert found([1, 2, 3], Span(1, 2), Span(3, 4)) == [True, False, True]


def test_open_ends():
    assert found([1, 2, 3], Span(2, None)) == [False, True, True]
    assert found([1, 2, 3], Span(None, 2)) == [True, False, False]


def test_steps_of_whole_numbers_count_from_the_low_end():
    assert found(range(-5, 5), Span(-5, 5, step=3)) == [n % 3 == 1 for n in range(-5, 5)]


def test_steps_are_exact_over_all_64_bits():
    values = np.array([-(2**63), -(2**63) + 7, 2**63 - 2, 2**63 - 1], dtype=np.int64)
    assert found(values, Span(-(2**63), 2**63, step=7)) == [
        (int(value) + 2**63) % 7 == 0 for value in values
    ]


def test_steps_of_floats_have_a_relative_tolerance():
    """|x - round(x)| < 1e-9 max(1, |x|), where x counts steps (semantics 1.3.2)."""
    span = Span(0.0, 1.0, high_included=True, step=0.1)
    assert found([0.1 * n for n in range(11)], span) == [True] * 11
    assert found([0.1 + 2e-10, 0.1 + 5e-11], span) == [False, True]
    assert found([1e6 * 0.1 + 5e-5], Span(0.0, 1e9, step=0.1)) == [True]


def test_a_32_bit_column_compares_as_double():
    """So a float key is not equal to its own decimal text (semantics 1.3.2)."""
    values = np.array([10.1, 7.5], dtype=np.float32)
    assert found(values, Span(10.1, 10.1, True), Span(7.5, 7.5, True)) == [False, True]


def test_nan_is_larger_than_every_number():
    assert found([math.nan], Span(0.0, math.inf, True)) == [False]
    assert found([math.nan], Span(0.0, None)) == [True]
    assert found([math.nan], Span(None, 5.0)) == [False]
    assert found([math.nan], Span(0.0, None, step=2.0)) == [False]


@pytest.mark.parametrize("dtype", [object, np.str_])
def test_texts_compare_by_code_point_and_case(dtype):
    values = np.array(["A", "a", "abc", "c", "cc", "é"], dtype=dtype)
    assert found(values, Span("a", "c", True)) == [False, True, True, True, False, False]
    assert found(values, Span("é", "é", True))[-1]


def test_no_rows():
    assert found(np.array([], dtype=np.int64), Span(1, 2, step=3)) == []
