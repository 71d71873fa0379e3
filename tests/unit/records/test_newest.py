"""The newest records of a generation, among others with larger and smaller numbers."""

from __future__ import annotations

import pytest

from drmsmirror.records import RecordTable, merge, newest_records
from tests.unit.records.conftest import small


@pytest.fixture
def rebuilt(small_table) -> RecordTable:
    """A table of a series that had come to a million records, and now has some forty thousand."""
    few, many = [1, 2, 3], [999_998, 999_999, 1_000_000]
    for numbers, generation in ((few, 0), (many, 0), ([40_000, 40_001], 1), ([42_000], 1)):
        rows = [(number, number + generation, 0.5, 1.0, "a") for number in numbers]
        merge(small_table, small(*rows), run=generation + 1, generation=generation)
    return small_table


@pytest.fixture
def looked_at(rebuilt, monkeypatch) -> list[list[str]]:
    """The files that each look reads from now on."""
    looks: list[list[str]] = []
    files = rebuilt.files
    monkeypatch.setattr(rebuilt, "files", lambda *wanted: looks.append(files(*wanted)) or looks[-1])
    return looks


def numbers(table: RecordTable, generation: int, count: int, **limits: int) -> list[int]:
    found = newest_records(table, ["n"], generation, count, **limits)
    assert found.column_names == ["n", "recnum"]
    return found["recnum"].to_pylist()


def test_those_of_a_former_generation_with_larger_numbers_are_not_read(rebuilt, looked_at) -> None:
    assert numbers(rebuilt, 1, 1, up_to=42_000) == [42_000]
    assert [len(files) for files in looked_at] == [1]


def test_nor_those_with_smaller_numbers_where_none_is_above(rebuilt, looked_at) -> None:
    assert numbers(rebuilt, 1, 5, above=42_000) == []
    assert {len(files) for files in looked_at} == {1}
    assert numbers(rebuilt, 1, 5, above=1_000_000) == []
    assert not looked_at[-1]


@pytest.mark.parametrize("generation", [0, 1])
def test_as_many_are_found_as_there_are_however_far_apart(generation, rebuilt) -> None:
    every = [[1_000_000, 999_999, 999_998, 3, 2, 1], [42_000, 40_001, 40_000]][generation]
    for count in range(1, len(every) + 2):
        assert numbers(rebuilt, generation, count) == every[:count]
    assert numbers(rebuilt, 0, 4, above=2, up_to=999_998) == [999_998, 3]
