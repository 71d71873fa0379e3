"""The files of a record table: which can hold what, and whether they are still all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from drmsmirror.model.recordset import Span
from drmsmirror.records import OpenTables, Period, RecordTable, merge
from drmsmirror.records.filelist import FileList

from .conftest import SMALL, rows_of, small

LOW, HIGH = -(2**63), 2**63 - 1


def listed(**columns: list[object]) -> FileList:
    """Files 0, 1, ... with these columns of the log."""
    count = len(next(iter(columns.values())))
    actions = {name.replace("__", "."): values for name, values in columns.items()}
    return FileList(
        Path("table"), 7, pa.schema([]), pa.table({"path": [*map(str, range(count))], **actions})
    )


def chosen(files: FileList, *wanted: object) -> str:
    return "".join(Path(path).name for path in files.paths(*wanted))


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([Span(5, 6)], "1"),
        ([Span(4, 5)], "0"),
        ([Span(0, 1), Span(9, 10)], "02"),
        ([Span(None, 5)], "0"),
        ([Span(None, 5, high_included=True)], "01"),
        ([Span(HIGH, None)], "2"),
        ([Span(2**70, None)], ""),
        ([Span(None, None)], "012"),
        ([], ""),
    ],
)
def test_a_file_is_left_out_where_its_numbers_rule_it_out(spans, expected) -> None:
    files = listed(min__n=[LOW, 5, 9], max__n=[4, 8, HIGH])
    assert chosen(files, [("n", spans)]) == expected


def test_all_columns_of_one_question_count_and_one_question_of_several_is_enough() -> None:
    files = listed(min__n=[0, 5, 9], max__n=[4, 8, 9], min__s=["a", "a", "x"], max__s=["c"] * 3)
    low, early = ("n", [Span(0, 6)]), ("s", [Span("a", "b", high_included=True)])
    assert chosen(files, [low, early]) == "01"
    assert chosen(files, [("n", [Span(9, None)])], [low, ("n", [Span(4, 5)])]) == "02"
    assert chosen(files) == "012"


def test_a_file_that_the_log_says_nothing_of_can_hold_anything() -> None:
    files = listed(min__n=[0, None, 9], max__n=[4, 8, None])
    assert chosen(files, [("n", [Span(20, 21)])]) == "12"
    assert chosen(files, [("other", [Span(20, 21)])]) == "012"


def test_the_partition_chooses_files_too() -> None:
    files = listed(partition___period=["2010", "2011", "missing"])
    assert chosen(files, [("_period", [Span("2011", "2011", high_included=True)])]) == "1"


def test_what_was_found_out_is_not_looked_for_again() -> None:
    files = listed(min__n=[0], max__n=[1])
    assert [files.once("it", lambda: 1), files.once("it", lambda: 2)] == [1, 1]


# ------------------------------------------------------------------------------ kept open
@pytest.fixture
def table(tmp_path: Path) -> RecordTable:
    made = RecordTable.create(tmp_path / "table", SMALL, Period.NONE)
    merge(made, small((1, 1, 0.5, 1.0, "a")), run=1, generation=1)
    return made


def opened(tables: OpenTables, table: RecordTable) -> RecordTable:
    return tables.open(table.path, SMALL, Period.NONE, at_least=0)


def numbers(table: RecordTable) -> list[int]:
    return [row["recnum"] for row in rows_of(table, "recnum")]


def test_a_table_that_nobody_wrote_is_not_read_from_its_log_again(table: RecordTable) -> None:
    tables = OpenTables()
    first = opened(tables, table)
    assert opened(tables, table).file_list is first.file_list


def test_who_opens_a_table_gets_what_others_wrote_and_who_has_it_keeps_it(
    table: RecordTable,
) -> None:
    tables = OpenTables()
    before = opened(tables, table)
    merge(table, small((2, 2, 0.5, 1.0, "b")), run=2, generation=1)
    assert numbers(opened(tables, table)) == [1, 2]
    assert numbers(before) == [1]


def test_who_writes_through_a_table_that_is_kept_changes_no_other_reader_s(
    table: RecordTable,
) -> None:
    tables = OpenTables()
    writer, reader = opened(tables, table), opened(tables, table)
    merge(writer, small((2, 2, 0.5, 1.0, "b")), run=2, generation=1)
    assert (numbers(writer), numbers(reader)) == ([1, 2], [1])
    assert numbers(opened(tables, table)) == [1, 2]


def test_a_table_that_was_put_back_from_a_copy_is_read_anew(
    table: RecordTable, tmp_path: Path
) -> None:
    tables = OpenTables()
    shutil.copytree(table.path, tmp_path / "copy")
    other = RecordTable.open(tmp_path / "copy", SMALL, Period.NONE, at_least=0)
    merge(other, small((3, 3, 0.5, 1.0, "c")), run=2, generation=1)
    merge(table, small((2, 2, 0.5, 1.0, "b")), run=2, generation=1)
    assert numbers(opened(tables, table)) == [1, 2]
    shutil.rmtree(table.path)
    (tmp_path / "copy").rename(table.path)
    assert numbers(opened(tables, table)) == [1, 3]  # of the same version number


def test_what_was_handed_out_can_be_read_when_all_was_let_go(table: RecordTable) -> None:
    tables = OpenTables()
    held = opened(tables, table)
    tables.close()
    assert numbers(held) == [1]


@pytest.mark.parametrize(
    ("low", "rows", "expected"),
    [(-10.0, 5, 5.0), (-10.0, 11, 10.0), (5.0, 10, 10.0), (5.0, 11, 12.0), (5.0, 40, None)],
)
def test_the_log_tells_how_far_so_many_rows_reach(low, rows, expected) -> None:
    """Only files that lie wholly above count; nothing is known of the last one."""
    files = listed(min__n=[0, 5, 10, None], max__n=[4, 9, 11, None], num_records=[10, 10, 20, 99])
    assert files.value_after("n", low, rows) == expected
    assert files.value_after("other", low, rows) is None
