"""The algebra of coverage: half-open intervals that join, and what they leave open."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drmsmirror.model.coverage import CoverageEntry, Versions, coalesce, come_back, forget
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import EVERYTHING, Interval, gaps
from drmsmirror.model.recordset import Span
from drmsmirror.model.valuesets import ValueSet

ENTRY = CoverageEntry(
    interval=Interval(0, 10),
    restriction=Restriction(),
    columns=frozenset({"t_rec", "usflux"}),
    versions=Versions.LATEST,
    generation=0,
    as_of_recnum=100,
    as_of_utc=datetime(2026, 11, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        ([], [(0, 100)]),
        ([(0, 100)], []),
        ([(-math.inf, math.inf)], []),
        ([(20, 30)], [(0, 20), (30, 100)]),
        ([(20, 30), (30, 40)], [(0, 20), (40, 100)]),
        ([(60, 80), (10, 70), (90, 200)], [(0, 10), (80, 90)]),
        ([(200, 300)], [(0, 100)]),
        ([(50, 50)], [(0, 100)]),
    ],
)
def test_gaps_are_what_no_held_interval_contains(
    held: list[tuple[float, float]], missing: list[tuple[float, float]]
) -> None:
    found = gaps(Interval(0, 100), [Interval(*ends) for ends in held])

    assert [(gap.low, gap.high) for gap in found] == missing


def test_the_gaps_of_an_open_axis_reach_to_its_ends() -> None:
    assert gaps(EVERYTHING, [Interval(5, 7)]) == (Interval(-math.inf, 5), Interval(7, math.inf))


def test_entries_that_say_the_same_of_touching_intervals_become_one() -> None:
    pieces = [replace(ENTRY, interval=Interval(*ends)) for ends in ((10, 20), (0, 10), (20, 21))]

    assert coalesce(pieces) == (replace(ENTRY, interval=Interval(0, 21)),)


def test_entries_with_a_gap_between_them_stay_apart() -> None:
    apart = [replace(ENTRY, interval=Interval(*ends)) for ends in ((0, 10), (11, 20))]

    assert coalesce(apart) == tuple(apart)


@pytest.mark.parametrize(
    "difference",
    [
        {"restriction": Restriction((("harpnum", ValueSet.of([Span(377, 378)])),))},
        {"generation": 1},
        {"columns": frozenset({"t_rec"})},
    ],
)
def test_entries_that_say_different_things_stay_apart(difference: dict[str, object]) -> None:
    other = replace(ENTRY, interval=Interval(10, 20), **difference)

    assert set(coalesce([ENTRY, other])) == {ENTRY, other}


def test_a_later_reading_replaces_an_earlier_one_of_the_same_place() -> None:
    later = replace(ENTRY, interval=Interval(5, 20), as_of_recnum=200)

    assert coalesce([ENTRY, later]) == (replace(ENTRY, interval=Interval(0, 5)), later)


def test_a_later_reading_of_fewer_keywords_does_not_replace_an_earlier_one() -> None:
    later = replace(ENTRY, columns=frozenset({"t_rec"}), as_of_recnum=200)

    assert set(coalesce([ENTRY, later])) == {ENTRY, later}


def test_empty_entries_are_dropped() -> None:
    assert coalesce([replace(ENTRY, interval=Interval(3, 3))]) == ()


class TestColumnsThatGoAndComeBack:
    def test_nothing_names_what_was_dropped_and_no_condition_rests_on_it(self) -> None:
        under = {
            term: replace(
                ENTRY,
                interval=Interval(low, low + 10),
                restriction=Restriction(terms=frozenset({term})),
            )
            for term, low in (("(usflux > 1)", 20), ("(usfluxl > 1)", 40))
        }
        left = forget([ENTRY, *under.values()], ["usflux"])
        assert {entry.columns for entry in left} == {frozenset({"t_rec"})}
        assert [entry.interval.low for entry in left] == [0, 40]
        (kept,) = forget([ENTRY, under["(usflux > 1)"]], [], ["USFLUX"])
        assert kept == ENTRY

    def test_it_comes_back_where_it_was_held_and_the_rest_is_as_now(self) -> None:
        (now,) = forget([replace(ENTRY, as_of_recnum=200, interval=Interval(5, 20))], ["usflux"])
        (again,) = come_back([ENTRY], [now], "usflux")
        assert again == replace(ENTRY, interval=Interval(5, 10))
        fewer = replace(now, columns=frozenset())
        (alone,) = come_back([ENTRY], [fewer], "usflux")
        assert alone.columns == {"usflux"}
        assert come_back([now], [now], "usflux") == ()

    def test_of_a_condition_or_another_cadence_nothing_is_said(self) -> None:
        under = replace(ENTRY, restriction=Restriction(terms=frozenset({"(a > 1)"})))
        every = replace(ENTRY, restriction=Restriction(cadence=(0, 2)))
        assert come_back([under], [ENTRY], "usflux") == ()
        assert come_back([every], [ENTRY], "usflux") == ()
