"""Views of record tables: what they leave to the engine, so that it need not read everything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from drmsmirror.model.codecs import arrow_type
from drmsmirror.model.series import Keyword
from drmsmirror.model.types import MISSING_TIME, KeywordType
from drmsmirror.records import (
    compact,
    connect,
    create_time_functions,
    create_view,
    merge,
    type_records,
)

from .conftest import SMALL, definition_of, records_of, small


def filters_of_the_reader(node: dict) -> Iterator[str]:
    """What a plan hands down to whatever reads Parquet files, without blanks."""
    if "parquet" in node["name"].lower():
        yield str(node["extra_info"].get("Filters", "")).replace(" ", "")
    for child in node["children"]:
        yield from filters_of_the_reader(child)


@pytest.mark.parametrize("all_versions", [False, True])
def test_the_reader_of_the_files_knows_what_is_wanted_of_a_key(all_versions, make_table) -> None:
    table = make_table("hmi.M_45s", windows=3)
    with connect([table.path]) as connection:
        create_time_functions(connection)
        create_view(connection, table, all_versions=all_versions)
        ((_, plan),) = connection.execute(
            f"EXPLAIN (FORMAT json) SELECT count(*) FROM hmi.m_45s{'_all' * all_versions} "
            "WHERE t_rec >= tai('2010.05.01_06:00:00_TAI')"
        ).fetchall()
    (filters,) = filters_of_the_reader(json.loads(plan)[0])
    assert "t_rec>=1051768800.0" in filters


def test_keys_without_missing_values_are_told_by_statistics(make_table) -> None:
    table = make_table("hmi.M_45s", windows=3)
    assert table.complete_keys() == {"t_rec", "t_rec_index"}  # some records have no camera
    compact(table, above_files=1, file_bytes=2**27)
    assert len(table.files()) == 1
    assert table.complete_keys() == {"t_rec", "t_rec_index"}


def test_one_missing_value_in_one_file_is_enough_to_look_for_more(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "a")), run=1, generation=1)
    assert small_table.complete_keys() == {"n"}  # x is a float: its statistics leave NaN out
    merge(small_table, small((2, -(2**31), 0.5, 1.0, "b")), run=2, generation=1)
    assert small_table.complete_keys() == frozenset()
    with connect([small_table.path]) as connection:
        create_view(connection, small_table)
        rows = connection.execute("SELECT n FROM test.small ORDER BY recnum").fetchall()
    assert rows == [(1,), (None,)]


@pytest.mark.parametrize(
    ("missing", "type_"),
    [
        (MISSING_TIME, KeywordType.TIME),
        (MISSING_TIME + 5e-5, KeywordType.TIME),
        (math.nan, KeywordType.TIME),
        ("", KeywordType.STRING),
        (-128, KeywordType.CHAR),
        (-(2**63), KeywordType.LONGLONG),
    ],
)
def test_a_missing_key_of_any_type_is_null(missing, type_, make_table) -> None:
    definition = replace(SMALL, keywords=(Keyword("N", type_),), prime_keys=("N",))
    there = "x" if type_ is KeywordType.STRING else 1
    table = make_table(definition)
    given = {"recnum": [1, 2], "N": [missing, there]}
    rows = type_records(definition, _typed(given, type_), {}).rows
    merge(table, rows, run=1, generation=1)
    with connect([table.path]) as connection:
        create_view(connection, table)
        found = connection.execute("SELECT n FROM test.small ORDER BY recnum").fetchall()
    assert found == [(None,), (there,)]


def _typed(given: dict, type_: KeywordType) -> pa.Table:
    return pa.table({"recnum": given["recnum"], "N": pa.array(given["N"], arrow_type(type_))})


def test_views_of_real_series_have_the_same_rows_however_they_are_asked(make_table) -> None:
    """What statistics rule out and what the values say agree."""
    table = make_table("test.timekey", windows=4)
    column = definition_of("test.timekey").axis.column
    values = np.sort(np.asarray(records_of("test.timekey")[column], dtype=np.float64))
    limit = float(values[len(values) // 2])
    with connect([table.path]) as connection:
        create_view(connection, table, all_versions=True)
        name = "test.timekey_all"
        asked = f"SELECT count(*) FROM {name} WHERE {column} >= {limit!r}"
        plain = f"SELECT count(*) FROM {name} WHERE {column} + 0 >= {limit!r}"
        counts = [connection.execute(sql).fetchall() for sql in (asked, plain)]
    assert counts[0] == counts[1] == [(int((values >= limit).sum()),)]
