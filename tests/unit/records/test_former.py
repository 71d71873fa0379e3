"""Keywords that a series has lost: whatever is written, what was read of them stays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from drmsmirror.errors import StoreError
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.records import (
    OpenTables,
    RecordTable,
    comment_view,
    compact,
    create_view,
    merge,
    type_records,
)
from drmsmirror.records.engine import connect
from drmsmirror.records.former import FormerColumn
from drmsmirror.records.schema import Period

from .conftest import SMALL

WITHOUT = replace(SMALL, keywords=tuple(one for one in SMALL.keywords if one.name != "VALUE"))


def batch(definition: SeriesDefinition, *records: tuple[int, str, str]) -> pa.Table:
    """Records by number, each with a value, as printed, and a name."""
    numbers, values, names = zip(*records, strict=True)
    given = {
        "*recnum*": pa.array(numbers),
        "N": [str(number) for number in numbers],
        "X": ["1"] * len(numbers),
        "VALUE": list(values),
        "NAME": list(names),
    }
    return type_records(definition, pa.table(given), {"VALUE": "%.2f"}).rows


@pytest.fixture
def table(tmp_path: Path) -> RecordTable:
    """A table of three records, one of which prints otherwise, whose series lost a keyword."""
    before = RecordTable.create(tmp_path / "table", SMALL, Period.NONE)
    records = batch(SMALL, (1, "1.50", "a"), (2, "2.5", "b"), (3, "NaN", "c"))
    merge(before, records, run=1, generation=0)
    value = SMALL.column("value")
    assert value is not None
    before.keep_former([FormerColumn(value, "%.2f")])
    return RecordTable.open(before.path, WITHOUT, Period.NONE, at_least=before.version)


def values(table: RecordTable) -> list[tuple[int, float | None]]:
    with connect([table.path]) as connection:
        create_view(connection, table, all_versions=True)
        return connection.execute(
            "SELECT recnum, value FROM test.small_all ORDER BY recnum, _seen_run"
        ).fetchall()


HELD = [(1, 1.5), (2, 2.5), (3, None)]


def test_they_are_read_in_every_version_and_not_in_the_latest(table: RecordTable) -> None:
    assert values(table) == HELD
    with connect([table.path]) as connection:
        create_view(connection, table, all_versions=True)
        comment_view(connection, table, all_versions=True)
        create_view(connection, table)
        listed = connection.execute(
            "SELECT table_name, comment FROM duckdb_columns() WHERE column_name = 'value'"
        ).fetchall()
    assert listed == [("small_all", "[none] (the series no longer has it)")]


def test_a_reading_without_it_is_the_same_record(table: RecordTable) -> None:
    again = merge(table, batch(WITHOUT, (1, "", "a"), (2, "", "b")), run=2, generation=0)
    assert (again.unchanged, again.new, again.revised) == (2, 0, 0)
    assert values(table) == HELD


def test_a_revision_leaves_what_was_read_in_the_row_that_it_supersedes(table: RecordTable) -> None:
    merge(table, batch(WITHOUT, (2, "", "other"), (4, "", "new")), run=2, generation=0)
    assert values(table) == [(1, 1.5), (2, 2.5), (2, None), (3, None), (4, None)]


def test_a_definition_with_another_type_is_refused(table: RecordTable) -> None:
    name = replace(SMALL.keywords[3], type=KeywordType.INT)
    other = replace(SMALL, keywords=(*SMALL.keywords[:3], name))
    with pytest.raises(StoreError, match="another type for NAME"):
        RecordTable.open(table.path, other, Period.NONE, at_least=0)
    tables = OpenTables()
    tables.open(table.path, WITHOUT, Period.NONE, at_least=0)
    with pytest.raises(StoreError, match="another type for NAME"):
        tables.open(table.path, other, Period.NONE, at_least=0)
    tables.close()


def test_compaction_and_removal_keep_it_without_statistics(table: RecordTable) -> None:
    merge(table, batch(WITHOUT, (4, "", "new")), run=2, generation=0)
    compact(table, above_files=1, file_bytes=2**20)
    assert len(table.files()) == 1
    assert values(table) == [*HELD, (4, None)]
    table.remove_rows("n = 4", ["all"])
    assert values(table) == HELD
    with connect([table.path]) as connection:
        (file,) = table.files()
        nan = connection.execute(f"SELECT recnum FROM '{file}' WHERE value > 100").fetchall()
    assert nan == [(3,)]


def test_what_it_printed_stays_with_rows_that_are_filled(table: RecordTable) -> None:
    wider = replace(WITHOUT, keywords=(*WITHOUT.keywords, replace(SMALL.keywords[3], name="MORE")))
    again = RecordTable.open(table.path, wider, Period.NONE, at_least=table.version)
    rows = batch(wider, (2, "", "b")).set_column(
        batch(wider, (2, "", "b")).column_names.index("more"), "more", pa.array(["m"])
    )
    assert merge(again, rows, run=2, generation=0).unchanged == 1
    assert values(again) == HELD
    with connect([again.path]) as connection:
        files = ", ".join(f"'{file}'" for file in again.files())
        (text,) = connection.execute(
            f"SELECT _text FROM read_parquet([{files}], union_by_name = true) "
            "WHERE recnum = 2 AND more = 'm'"
        ).fetchall()[0]
    assert json.loads(text) == {"value": "2.5"}
