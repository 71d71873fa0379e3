"""Rows of a part of a series go, in all versions, and no others; which partitions are crowded."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from drmsmirror.model.extent import Extent, Restriction
from drmsmirror.model.intervals import EVERYTHING, Interval
from drmsmirror.model.recordset import Span
from drmsmirror.model.valuesets import ValueSet
from drmsmirror.records import (
    Period,
    count_rows_within,
    crowded_periods,
    merge,
    remove_rows_within,
    rewrite,
)

from .conftest import SMALL, small, stored

NAMED = replace(SMALL, prime_keys=("N", "NAME"))
NAN = math.nan


A = Restriction().where("name", ValueSet.of([Span("a", "a", True)]))


def within(*spans: Span, column: str = "name") -> list[Extent]:
    return [Extent(EVERYTHING, Restriction().where(column, ValueSet.of(spans)))]


@pytest.fixture
def named(make_table):
    """Two versions of some records by number and name."""
    table = make_table(NAMED)
    for run, number in ((1, 1), (2, 101)):
        lines = [
            (number + row, n, 0.0, float(run), name)
            for row, (n, name) in enumerate([(1, "a"), (1, "b's"), (2, "a"), (2, "c")])
        ]
        merge(table, small(*lines), run=run, generation=1)
    return table


def keys(table) -> list[tuple[int, str]]:
    rows = stored(table)
    return sorted(zip(rows["n"].to_pylist(), rows["name"].to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("extents", "left"),
    [
        (within(Span("a", "a", True)), [(1, "b's"), (2, "c")]),
        (within(Span("b's", "b's", True)), [(1, "a"), (2, "a"), (2, "c")]),
        (
            [Extent(EVERYTHING, A.where("n", ValueSet.of([Span(2, 3)])))],
            [(1, "a"), (1, "b's"), (2, "c")],
        ),
        (within(Span(None, 2), column="n"), [(2, "a"), (2, "c")]),
        ([Extent(EVERYTHING)], []),
        ([Extent(Interval(1, 5)), Extent(Interval(101, 200))], []),
        ([], [(1, "a"), (1, "b's"), (2, "a"), (2, "c")]),
        (within(Span("x", "x", True)), [(1, "a"), (1, "b's"), (2, "a"), (2, "c")]),
        ([Extent(EVERYTHING, A.where("name", ValueSet() - A.of("name")))], [(1, "a"), (2, "a")]),
    ],
)  # fmt: skip
def test_all_versions_within_go_and_no_others(extents, left, named) -> None:
    before, version = named.row_count(), named.version
    count = count_rows_within(named, extents)
    assert remove_rows_within(named, extents) == count == before - 2 * len(left)
    assert keys(named) == sorted(2 * left)
    assert named.version == version + (1 if count else 0)


def test_rows_of_a_float_key_go_by_their_exact_value_missing_ones_too(make_table) -> None:
    table = make_table(SMALL)
    merge(
        table,
        small(*((n, 1, x, 0.0, "") for n, x in enumerate([0.1, 0.2, NAN], start=1))),
        run=1,
        generation=1,
    )
    single = float(stored(table)["x"].to_pylist()[0])
    assert remove_rows_within(table, within(Span(single, single, True), column="x")) == 1
    assert remove_rows_within(table, within(Span(1.0, None), column="x")) == 1
    assert stored(table)["recnum"].to_pylist() == [2]


def test_periods_that_are_over_are_left_with_fewer_files(make_table) -> None:
    """However many there are: a table of many years must not keep a file for every night."""
    table = make_table("hmi.M_45s", Period.YEAR, windows=12)
    sizes = {period: len(files) for period, files in table.file_sizes().items()}
    newest = max(period for period in sizes if period != "missing")
    several = {period for period, count in sizes.items() if count > 1}
    assert several - {newest, "missing"}

    kept = {"above_files": 50, "file_bytes": 2**27}
    assert crowded_periods(table, **kept) == []
    found = crowded_periods(table, **kept, above_files_when_over=1)
    assert set(found) == several - {newest, "missing"}
    for period in found:
        rewrite(table, period, 2**27)
    assert crowded_periods(table, **kept, above_files_when_over=1) == []
