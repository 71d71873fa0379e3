"""NaN is a value, the largest of all: no file, row group or statistic loses a row that has it."""

from __future__ import annotations

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.records import (
    RecordTable,
    compact,
    connect,
    create_view,
    merge,
    parquetfiles,
    table,
    type_records,
)
from drmsmirror.records.engine import files_relation
from drmsmirror.records.schema import table_schema

from .conftest import SMALL, rows_of

NAN = math.nan
ROWS = 60
GROUP = 8


def value_of(n: int) -> float:
    """Every seventh value is missing; the others are small."""
    return NAN if n % 7 == 3 else n / 100


@pytest.fixture
def nan_table(small_table: RecordTable, monkeypatch: pytest.MonkeyPatch) -> RecordTable:
    """Make a table of six files of several row groups each, NaN in keys and in values."""
    monkeypatch.setattr(table, "ROW_GROUP", GROUP)
    monkeypatch.setattr(parquetfiles, "ROW_GROUP", GROUP)
    for run in range(6):
        numbers = [run * ROWS // 6 + row for row in range(ROWS // 6)]
        given = {
            "recnum": numbers,
            "N": [0] * len(numbers),
            "X": [NAN if n == 33 else n / 64 for n in numbers],
            "VALUE": [value_of(n) for n in numbers],
            "NAME": ["a"] * len(numbers),
        }
        merge(
            small_table,
            type_records(SMALL, pa.table(given), {}).rows,
            run=run + 1,
            generation=1,
        )
    return small_table


@pytest.fixture(params=["many files", "compacted"])
def filled(request: pytest.FixtureRequest, nan_table: RecordTable) -> RecordTable:
    """Give the table before and after compaction."""
    assert len(nan_table.files()) == 6
    if request.param == "compacted":
        compact(nan_table, above_files=1, file_bytes=2**27)
    return nan_table


def test_footers_have_no_statistics_of_float_columns(filled) -> None:
    groups = 0
    for file in filled.files():
        footer = pq.ParquetFile(file).metadata
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            groups += 1
            for position in range(group.num_columns):
                column = group.column(position)
                is_float = column.path_in_schema in ("x", "value")
                has_bounds = column.statistics is not None and column.statistics.has_min_max
                if is_float:
                    assert not has_bounds, column.path_in_schema
                elif column.path_in_schema == "recnum":
                    assert has_bounds
    assert groups >= 6


def test_the_log_has_no_statistics_of_float_columns(filled) -> None:
    names = pa.table(filled._delta.get_add_actions(flatten=True)).column_names
    assert "min.n" in names
    assert not [name for name in names if name.endswith((".x", ".value"))]


def ask(filled: RecordTable, sql: str, relation: str | None = None) -> list[tuple]:
    with connect([filled.path]) as connection:
        create_view(connection, filled)
        stored = files_relation(filled.files(), table_schema(SMALL))
        return connection.execute(sql.format(stored=stored)).fetchall()


MISSING = sum(math.isnan(value_of(n)) for n in range(ROWS))
ABOVE = sum(not value_of(n) <= 0.5 for n in range(ROWS))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("value > 0.5", ABOVE),
        ("value > 1e30", MISSING),
        ("isnan(value)", MISSING),
        ("NOT value <= 0.5", ABOVE),
        ("value = 'NaN'::DOUBLE", MISSING),
        ("value >= 0.0", ROWS),
        ("value < 1e30", ROWS - MISSING),
        ("NOT isnan(value)", ROWS - MISSING),
    ],
)
def test_conditions_on_stored_values_see_every_nan(filled, condition, expected) -> None:
    found = ask(filled, f"SELECT count(*) FROM {{stored}} WHERE {condition}")
    assert found == [(expected,)]


def test_the_largest_stored_value_is_nan(filled) -> None:
    ((largest,),) = ask(filled, "SELECT max(value) FROM {stored}")
    assert math.isnan(largest)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("value IS NULL", MISSING),
        ("value > 0.5", ABOVE - MISSING),
        ("value IS NOT NULL", ROWS - MISSING),
        ("coalesce(value, 99) > 0.5", ABOVE),
        ("NOT coalesce(value > 0.5, FALSE)", ROWS - ABOVE + MISSING),
        ("isnan(value)", 0),
        ("x IS NULL", 1),
    ],
)
def test_views_show_nan_as_null_and_lose_no_row(filled, condition, expected) -> None:
    found = ask(filled, f"SELECT count(*) FROM test.small WHERE {condition}")
    assert found == [(expected,)]


def test_aggregates_of_a_view_leave_missing_values_out(filled) -> None:
    ((count, known, largest),) = ask(
        filled, "SELECT count(*), count(value), max(value) FROM test.small"
    )
    assert (count, known) == (ROWS, ROWS - MISSING)
    assert largest == max(value_of(n) for n in range(ROWS) if n % 7 != 3)


def ask_set(filled: RecordTable, filters: str) -> list[int]:
    (one,) = bind(parse_recordset(f"test.small{filters}"), lambda _: SMALL).sets
    return [row["recnum"] for row in rows_of(filled, "recnum", query=one)]


def test_nan_in_a_float_prime_key_comes_last(filled) -> None:
    assert ask_set(filled, "[0]")[-1] == 33
    assert len(ask_set(filled, "[0]")) == ROWS


def test_a_range_on_a_float_prime_key_is_what_postgresql_says(filled) -> None:
    assert ask_set(filled, "[0][0.5-0.5625]") == [32, 34, 35, 36]
    assert ask_set(filled, "[][0.125-0.1875]") == [8, 9, 10, 11, 12]


def test_a_record_with_a_nan_key_is_superseded_like_any_other(filled) -> None:
    given = {"recnum": [1000], "N": [0], "X": [NAN], "VALUE": [1.0], "NAME": ["new"]}
    result = merge(filled, type_records(SMALL, pa.table(given), {}).rows, run=9, generation=1)
    assert result.revised == 1
    assert ask_set(filled, "[0]")[-1] == 1000
    assert len(ask_set(filled, "[0]")) == ROWS
