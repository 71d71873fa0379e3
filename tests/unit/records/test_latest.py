"""The latest version of each record, and which of them runs touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drmsmirror.model.series import Keyword
from drmsmirror.model.types import MISSING_TIME, KeywordType
from drmsmirror.records import RecordTable, merge, reading_latest, type_records
from drmsmirror.records.schema import Period
from tests.unit.records.conftest import SMALL, small


def shown(table: RecordTable) -> dict[int, str | None]:
    """Name of each record that is shown, by number."""
    with reading_latest(table) as records:
        rows = [row for batch in records.rows() for row in batch.to_pylist()]
        assert records.count() == len(rows)
    return {row["recnum"]: row["name"] for row in rows}


def touched(table: RecordTable, run: int) -> tuple[list[int], dict[int, str | None]]:
    """Record numbers that a run touched, and the names of those that are shown."""
    with reading_latest(table) as records:
        count = records.touch_since(run)
        numbers = sorted(n for batch in records.touched() for n in batch["recnum"].to_pylist())
        rows = [row for batch in records.rows(only_touched=True) for row in batch.to_pylist()]
    assert count == len(numbers)
    return numbers, {row["recnum"]: row["name"] for row in rows}


def test_a_superseded_version_is_touched_and_not_shown(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "a"), (2, 2, 0.5, 1.0, "b")), run=1, generation=0)
    merge(small_table, small((3, 1, 0.5, 1.0, "new")), run=2, generation=0)

    assert shown(small_table) == {2: "b", 3: "new"}
    assert touched(small_table, 2) == ([1, 3], {3: "new"})
    assert touched(small_table, 3) == ([], {})


def test_a_change_in_place_is_touched(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "a"), (2, 2, 0.5, 1.0, "b")), run=1, generation=0)
    merge(small_table, small((1, 1, 0.5, 1.0, "changed")), run=2, generation=0)

    assert touched(small_table, 2) == ([1], {1: "changed"})


def test_a_version_that_is_the_latest_again_is_touched(small_table) -> None:
    """Record 2 moves to another prime key: record 1, of an old run, is shown again."""
    merge(small_table, small((1, 1, 0.5, 1.0, "a"), (2, 1, 0.5, 1.0, "b")), run=1, generation=0)
    merge(small_table, small((2, 9, 0.5, 1.0, "moved")), run=2, generation=0)

    assert touched(small_table, 2) == ([1, 2], {1: "a", 2: "moved"})


def test_missing_prime_keys_are_equal_to_each_other(small_table) -> None:
    nan = float("nan")
    merge(small_table, small((1, 1, nan, 1.0, "a")), run=1, generation=0)
    merge(small_table, small((2, 1, nan, 1.0, "b")), run=2, generation=0)

    assert touched(small_table, 2) == ([1, 2], {2: "b"})


def test_of_a_number_used_in_two_generations_the_newer_counts(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "old"), (2, 2, 0.5, 1.0, "b")), run=1, generation=0)
    merge(small_table, small((1, 7, 0.5, 1.0, "new")), run=2, generation=1)
    assert shown(small_table) == {1: "new", 2: "b"}
    assert touched(small_table, 2) == ([1], {1: "new"})

    merge(small_table, small((1, 1, 0.5, 1.0, "moved")), run=3, generation=1)
    assert shown(small_table) == {1: "moved", 2: "b"}


def test_missing_values_are_null(make_table) -> None:
    keywords = (*SMALL.keywords, Keyword("T", KeywordType.TIME), Keyword("I", KeywordType.SHORT))
    definition = replace(SMALL, keywords=keywords)
    given = {
        "recnum": [1, 2],
        "N": [1, 2],
        "X": [0.5, 0.5],
        "VALUE": [float("nan"), 1.5],
        "NAME": ["", "x"],
        "T": [MISSING_TIME, 5.0],
        "I": [-(2**15), 3],
    }
    import pyarrow as pa

    table = make_table(definition, Period.NONE)
    merge(table, type_records(definition, pa.table(given), {}).rows, run=1, generation=0)
    with reading_latest(table) as records:
        (first, second) = [row for batch in records.rows() for row in batch.to_pylist()]

    assert [first[name] for name in ("value", "name", "t", "i")] == [None] * 4
    assert [second[name] for name in ("value", "name", "t", "i")] == [1.5, "x", 5.0, 3]


@pytest.mark.parametrize("name", ["hmi.M_45s", "test.nopk"])
def test_partitions_together_are_all_records_each_in_order(name, make_table) -> None:
    table = make_table(name, Period.MONTH, windows=3)
    keys = [*table.definition.internal_prime_keys, "recnum"]
    with reading_latest(table) as records:
        whole = sorted(n for batch in records.rows() for n in batch["recnum"].to_pylist())
        found = []
        for period, count in records.periods().items():
            rows = [row for b in records.rows_of_period(period) for row in b.to_pylist()]
            assert len(rows) == count
            order = [tuple((row[key] is not None, row[key]) for key in keys) for row in rows]
            assert order == sorted(order)
            found += [row["recnum"] for row in rows]
    assert sorted(found) == whole
