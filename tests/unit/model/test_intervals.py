"""Intervals taken together: joined, cut, measured."""

from __future__ import annotations

import math

import pytest

from drmsmirror.model.intervals import EVERYTHING, Interval, inside, length, union


@pytest.mark.parametrize(
    ("intervals", "joined"),
    [
        ([], []),
        ([(3, 3)], []),
        ([(5, 7), (1, 3)], [(1, 3), (5, 7)]),
        ([(1, 3), (3, 5)], [(1, 5)]),
        ([(1, 9), (2, 3), (8, 12)], [(1, 12)]),
        ([(-math.inf, 3), (2, math.inf)], [(-math.inf, math.inf)]),
    ],
)
def test_a_union_is_the_fewest_intervals_of_the_same_places(intervals, joined) -> None:
    assert union(Interval(*one) for one in intervals) == tuple(Interval(*one) for one in joined)


def test_what_lies_inside_is_cut_to_it_and_what_does_not_is_left_out() -> None:
    intervals = [Interval(-math.inf, 2), Interval(4, 5), Interval(9, 12)]
    assert inside(intervals, Interval(1, 9)) == (Interval(1, 2), Interval(4, 5))


def test_a_length_is_that_of_all_together() -> None:
    assert length([Interval(1, 3), Interval(5, 6)]) == 3
    assert length([]) == 0
    assert length([EVERYTHING]) == math.inf
