"""Records as they stood after a run: what was gone then, and what has come since."""

from __future__ import annotations

import pyarrow as pa

from drmsmirror.model.recordset import Edge
from drmsmirror.records import RecordTable, count_records, find_extreme, merge
from drmsmirror.records.schema import Period, table_schema
from tests.unit.records.conftest import (
    SMALL,
    bound,
    everything,
    rows_of,
    small,
    stored,
)


def found_gone(table: RecordTable, recnum: int, run: int) -> None:
    """Mark the row of a record that was read last, as a run does that finds it gone."""
    rows = stored(table).cast(table_schema(SMALL))
    row = max(row for row, number in enumerate(rows["recnum"].to_pylist()) if number == recnum)
    one = rows.slice(row, 1)
    for name, value in (("_gone_run", run), ("_latest", False)):
        index = one.schema.get_field_index(name)
        one = one.set_column(index, one.schema.field(name), pa.array([value], one[name].type))
    table.revise(one, ("_generation", "recnum", "_seen_run"))


def names(table: RecordTable, run: int) -> list[str]:
    return [row["name"] for row in rows_of(table.as_of(run), "name")]


def test_a_record_is_there_until_the_run_that_finds_it_gone(small_table) -> None:
    merge(small_table, small((10, 1, 0.5, 1.0, "first")), run=1, generation=0)
    merge(small_table, small((10, 1, 0.5, 1.0, "changed")), run=2, generation=0)
    found_gone(small_table, 10, 4)
    merge(small_table, small((10, 1, 0.5, 1.0, "back")), run=6, generation=0)
    assert [names(small_table, run) for run in range(8)] == [
        [],
        ["first"],
        ["changed"],
        ["changed"],
        [],  # and not as it was before it changed
        [],
        ["back"],
        ["back"],
    ]


def test_the_version_before_is_there_again_while_the_later_one_is_gone(small_table) -> None:
    merge(small_table, small((10, 1, 0.5, 1.0, "old")), run=1, generation=0)
    merge(small_table, small((11, 1, 0.5, 1.0, "new")), run=2, generation=0)
    found_gone(small_table, 11, 3)
    assert [names(small_table, run) for run in (1, 2, 3)] == [["old"], ["new"], ["old"]]


def test_first_and_last_values_and_counts_are_those_of_the_time(small_table) -> None:
    merge(small_table, small((10, 5, 0.5, 1.0, "a"), (11, 7, 0.5, 1.0, "b")), run=1, generation=0)
    merge(small_table, small((12, 9, 0.5, 1.0, "c")), run=2, generation=0)
    then, every = small_table.as_of(1), everything(SMALL)
    assert find_extreme(then, every, "n", Edge.LAST) == 7
    assert find_extreme(then, every, "recnum", Edge.LAST) == 11
    assert count_records(then, every) == 2
    assert count_records(small_table, every) == 3


def test_as_of_its_last_run_a_table_says_what_it_says_now(make_table) -> None:
    for name, period in (("hmi.M_45s", Period.MONTH), ("test.nopk", Period.NONE)):
        table = make_table(name, period, windows=3)
        now = rows_of(table, "recnum")
        assert rows_of(table.as_of(3), "recnum") == now
        assert 0 < len(rows_of(table.as_of(1), "recnum")) < len(now)
        for query in (f"{name}[! 1=1 !]", f"{name}[? 1=1 ?]", f"{name}[:#^]"):
            wanted = bound(query)
            assert rows_of(table.as_of(3), "recnum", query=wanted) == rows_of(
                table, "recnum", query=wanted
            )
