"""The merge: what is new, revised and unchanged, in one commit, with nothing forgotten."""

from __future__ import annotations

import itertools
import math
import random

import pyarrow as pa
import pytest

from drmsmirror.errors import LockedError
from drmsmirror.records import Period, RecordTable, merge, type_records

from .conftest import SERIES, SMALL, definition_of, records_of, rows_of, small, stored

NAN = math.nan

#: Every series in one partition, and one of each kind of axis in many.
TABLES = [(name, Period.NONE) for name in SERIES] + [
    ("hmi.M_45s", Period.YEAR),
    ("hmi.M_45s", Period.MONTH),
    ("test.timekey", Period.MONTH),
    ("test.carr", Period.YEAR),
]


def counts(result) -> tuple[int, int, int]:
    return result.new, result.revised, result.unchanged


def versions(table: RecordTable) -> list[tuple]:
    """(recnum, run, whether latest) of every row held."""
    return [
        (row["recnum"], row["_seen_run"], row["_latest"])
        for row in stored(table).select(["recnum", "_seen_run", "_latest"]).to_pylist()
    ]


@pytest.mark.parametrize(("name", "period"), TABLES)
def test_a_second_merge_of_the_same_changes_nothing(name, period, make_table) -> None:
    table, rows = make_table(name, period), records_of(name)
    first = merge(table, rows, run=1, generation=1)
    files = table.files()
    second = merge(table, rows, run=2, generation=1)
    assert counts(first) == (rows.num_rows, 0, 0)
    assert counts(second) == (0, 0, rows.num_rows)
    assert second.version == first.version
    assert table.files() == files
    assert stored(table).num_rows == rows.num_rows


@pytest.mark.parametrize(("name", "period"), TABLES)
def test_windows_in_any_order_give_the_same_answer_as_one(name, period, make_table) -> None:
    rows = records_of(name)
    table = make_table(name, period)
    size = rows.num_rows // 5 + 1
    shuffled = list(range(0, rows.num_rows, size))
    random.Random(1).shuffle(shuffled)
    for run, start in enumerate(shuffled, start=1):
        merge(table, rows.slice(start, size), run=run, generation=1)
    whole = make_table(name, under="whole")
    merge(whole, rows, run=1, generation=1)
    assert stored(table).num_rows == rows.num_rows
    assert rows_of(table, "recnum") == rows_of(whole, "recnum")


def test_nothing_to_merge_is_no_commit(small_table) -> None:
    result = merge(small_table, small().slice(0, 0), run=1, generation=1)
    assert counts(result) == (0, 0, 0)
    assert result.version == small_table.version == 0


def test_a_larger_recnum_supersedes_in_one_commit(small_table) -> None:
    first = merge(small_table, small((10, 1, 0.5, 1.0, "old")), run=1, generation=1)
    second = merge(small_table, small((11, 1, 0.5, 2.0, "new")), run=2, generation=1)
    assert counts(second) == (0, 1, 0)
    assert second.version == first.version + 1
    assert versions(small_table) == [(10, 1, False), (11, 2, True)]
    assert rows_of(small_table, "name") == [{"name": "new"}]


def test_a_smaller_recnum_that_comes_later_is_held_but_not_shown(small_table) -> None:
    merge(small_table, small((11, 1, 0.5, 2.0, "new")), run=1, generation=1)
    result = merge(small_table, small((10, 1, 0.5, 1.0, "old")), run=2, generation=1)
    assert counts(result) == (0, 0, 1)  # what shows is as before
    assert versions(small_table) == [(10, 2, False), (11, 1, True)]


def test_two_versions_in_one_batch_leave_the_larger_recnum_the_latest(small_table) -> None:
    batch = small((11, 1, 0.5, 2.0, "new"), (10, 1, 0.5, 1.0, "old"), (12, 2, 0.5, 3.0, "other"))
    merge(small_table, batch, run=1, generation=1)
    assert versions(small_table) == [(10, 1, False), (11, 1, True), (12, 1, True)]


def test_a_record_changed_in_place_becomes_a_new_row(small_table) -> None:
    merge(small_table, small((10, 1, 0.5, 1.0, "before")), run=1, generation=1)
    result = merge(small_table, small((10, 1, 0.5, 1.0, "after")), run=2, generation=1)
    assert counts(result) == (0, 1, 0)
    assert versions(small_table) == [(10, 1, False), (10, 2, True)]
    assert rows_of(small_table, "name") == [{"name": "after"}]


def test_a_change_taken_back_is_a_change_too(small_table) -> None:
    for run, name in enumerate(("before", "after", "before"), start=1):
        merge(small_table, small((10, 1, 0.5, 1.0, name)), run=run, generation=1)
    assert versions(small_table) == [(10, 1, False), (10, 2, False), (10, 3, True)]
    assert rows_of(small_table, "name") == [{"name": "before"}]


def test_a_superseded_version_that_changes_in_place_stays_superseded(small_table) -> None:
    merge(
        small_table,
        small((10, 1, 0.5, 1.0, "old"), (11, 1, 0.5, 2.0, "new")),
        run=1,
        generation=1,
    )
    merge(small_table, small((10, 1, 0.5, 1.0, "changed")), run=2, generation=1)
    assert versions(small_table) == [(10, 1, False), (10, 2, False), (11, 1, True)]


def test_two_changes_within_one_run_leave_the_later_one(small_table) -> None:
    for name in ("first", "second", "third"):
        merge(small_table, small((10, 1, 0.5, 1.0, name)), run=1, generation=1)
    assert rows_of(small_table, "name") == [{"name": "third"}]
    assert versions(small_table) == [(10, 1, True)]


def test_what_a_run_reads_twice_stands_under_its_own_number(small_table) -> None:
    """Whoever asks how things stood after a run goes by the numbers of the rows."""
    merge(
        small_table, small((10, 1, 0.5, 1.0, "before"), (9, 2, 0.5, 1.0, "b")), run=1, generation=1
    )
    for name in ("first", "second"):
        result = merge(small_table, small((10, 1, 0.5, 1.0, name)), run=2, generation=1)
        assert counts(result) == (0, 1, 0)
    merge(small_table, small((11, 1, 0.5, 1.0, "third")), run=2, generation=1)
    assert versions(small_table) == [(9, 1, True), (10, 1, False), (10, 2, False), (11, 2, True)]
    assert stored(small_table)["name"].to_pylist() == ["b", "before", "second", "third"]


@pytest.mark.parametrize("period", [Period.NONE, Period.MONTH])
def test_a_record_that_moves_within_a_run_is_where_it_was_read_last(period, make_table) -> None:
    rows = records_of("test.timekey")
    table = make_table("test.timekey", period)
    merge(table, rows, run=1, generation=1)
    one = rows.filter(pa.compute.equal(rows["recnum"], pa.compute.max(rows["recnum"])))
    index = one.schema.get_field_index("obstime")
    time = one["obstime"][0].as_py()
    number = one["recnum"][0].as_py()
    for away in (100.0, 200.0, 40 * 86400.0, 50.0):
        moved = one.set_column(index, one.schema.field(index), [[time + away]])
        merge(table, moved, run=2, generation=1)
    held = [row for row in stored(table).to_pylist() if row["recnum"] == number]
    shown = [row["obstime"] - time for row in held if row["_latest"]]
    assert shown == [50.0]
    assert all(row["_gone_run"] == 2 for row in held if not row["_latest"])
    assert all(row["_seen_run"] in (1, 2) for row in held)


def test_a_change_after_the_numbers_of_runs_began_again_is_the_later_one(small_table) -> None:
    """A catalogue that was restored counts its runs from where the backup was made."""
    merge(small_table, small((10, 1, 0.5, 1.0, "before")), run=7, generation=1)
    merge(small_table, small((10, 1, 0.5, 1.0, "after")), run=2, generation=1)
    assert versions(small_table) == [(10, 7, False), (10, 8, True)]
    assert rows_of(small_table, "name") == [{"name": "after"}]


# ------------------------------------------------------------------ records that leave a prime key
def keys_of(table: RecordTable) -> list[tuple]:
    """(N, recnum) of what the table shows."""
    return [(row["n"], row["recnum"]) for row in rows_of(table, "n", "recnum")]


def test_a_record_whose_prime_key_changes_leaves_the_old_one(small_table) -> None:
    merge(small_table, small((10, 1, 0.5, 1.0, "a")), run=1, generation=1)
    result = merge(small_table, small((10, 900, 0.5, 1.0, "a")), run=2, generation=1)
    assert counts(result) == (0, 1, 0)
    assert keys_of(small_table) == [(900, 10)]
    gone = stored(small_table).select(["n", "_gone_run", "_latest"]).to_pylist()
    assert gone == [
        {"n": 1, "_gone_run": 2, "_latest": False},
        {"n": 900, "_gone_run": None, "_latest": True},
    ]


def test_the_version_before_shows_again_where_a_record_left_its_prime_key(small_table) -> None:
    merge(small_table, small((9, 1, 0.5, 1.0, "old")), run=1, generation=1)
    merge(small_table, small((10, 1, 0.5, 1.0, "new")), run=2, generation=1)
    merge(small_table, small((10, 2, 0.5, 1.0, "new")), run=3, generation=1)
    assert keys_of(small_table) == [(1, 9), (2, 10)]


def test_what_left_a_prime_key_does_not_stand_above_what_comes_later(small_table) -> None:
    merge(small_table, small((10, 1, 0.5, 1.0, "a")), run=1, generation=1)
    merge(small_table, small((10, 2, 0.5, 1.0, "a")), run=2, generation=1)
    merge(small_table, small((9, 1, 0.5, 1.0, "b")), run=3, generation=1)
    assert keys_of(small_table) == [(1, 9), (2, 10)]


def test_a_record_can_come_back_to_its_prime_key(small_table) -> None:
    for run, n in enumerate((1, 2, 1), start=1):
        merge(small_table, small((10, n, 0.5, 1.0, "a")), run=run, generation=1)
    assert keys_of(small_table) == [(1, 10)]


# ------------------------------------------------------------------ records that are gone upstream
def append_gone(table: RecordTable, recnum: int, *, latest: bool) -> None:
    """Add a record of N = 1 that run 1 stored and run 2 found gone."""
    merged = RecordTable.create(table.path.parent / "scratch", SMALL, table.period)
    merge(merged, small((recnum, 1, 0.5, 1.0, f"record {recnum}")), run=1, generation=1)
    rows = stored(merged)
    for name, value in (("_gone_run", 2), ("_latest", latest)):
        index = rows.schema.get_field_index(name)
        rows = rows.set_column(index, rows.schema.field(name), pa.array([value], rows[name].type))
    table.append(rows)


@pytest.mark.parametrize("latest", [True, False])
def test_a_gone_record_that_comes_back_as_it_was_is_shown(small_table, latest) -> None:
    append_gone(small_table, 10, latest=latest)
    assert rows_of(small_table, "recnum") == []
    result = merge(small_table, small((10, 1, 0.5, 1.0, "record 10")), run=3, generation=1)
    assert counts(result) == (0, 1, 0)
    assert rows_of(small_table, "name") == [{"name": "record 10"}]
    assert versions(small_table) == [(10, 1, False), (10, 3, True)]


def test_the_newest_that_is_not_gone_is_the_latest(small_table) -> None:
    append_gone(small_table, 12, latest=True)
    merge(small_table, small((10, 1, 0.5, 1.0, "a")), run=3, generation=1)
    assert keys_of(small_table) == [(1, 10)]
    merge(small_table, small((11, 1, 0.5, 1.0, "b")), run=4, generation=1)
    assert versions(small_table) == [(10, 3, False), (11, 4, True), (12, 1, False)]


def test_the_newest_generation_wins_whatever_its_recnums(small_table) -> None:
    merge(small_table, small((900, 1, 0.5, 1.0, "before")), run=1, generation=1)
    merge(small_table, small((7, 1, 0.5, 2.0, "rebuilt")), run=2, generation=2)
    assert rows_of(small_table, "recnum", "name") == [{"recnum": 7, "name": "rebuilt"}]
    assert stored(small_table).num_rows == 2


def test_new_revised_and_unchanged_are_counted_apart(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "a"), (2, 2, 0.5, 1.0, "b")), run=1, generation=1)
    batch = small((1, 1, 0.5, 1.0, "a"), (3, 2, 0.5, 9.0, "b"), (4, 3, 0.5, 1.0, "c"))
    assert counts(merge(small_table, batch, run=2, generation=1)) == (1, 1, 1)


def test_missing_values_are_equal_to_themselves(small_table) -> None:
    batch = small((1, -(2**31), NAN, NAN, ""))
    merge(small_table, batch, run=1, generation=1)
    assert counts(merge(small_table, batch, run=2, generation=1)) == (0, 0, 1)


def test_a_missing_prime_key_is_one_key_over_two_windows(small_table) -> None:
    merge(small_table, small((1, 1, NAN, 1.0, "old")), run=1, generation=1)
    merge(small_table, small((2, 1, NAN, 2.0, "new")), run=2, generation=1)
    assert rows_of(small_table, "recnum") == [{"recnum": 2}]


def test_a_missing_prime_key_is_one_key_within_a_window(small_table) -> None:
    batch = small((1, 1, NAN, 1.0, "old"), (2, 1, NAN, 2.0, "new"))
    merge(small_table, batch, run=1, generation=1)
    assert rows_of(small_table, "recnum") == [{"recnum": 2}]


def test_negative_zero_is_the_same_prime_key_as_zero(small_table) -> None:
    batch = small((1, 1, 0.0, 1.0, "old"), (2, 1, -0.0, 2.0, "new"))
    merge(small_table, batch, run=1, generation=1)
    merge(small_table, small((3, 1, 0.0, 3.0, "newest")), run=2, generation=1)
    assert rows_of(small_table, "recnum") == [{"recnum": 3}]


def test_without_prime_keys_every_recnum_is_a_record(make_table) -> None:
    table = make_table("test.nopk")
    rows = records_of("test.nopk")
    merge(table, rows, run=1, generation=1)
    assert len(rows_of(table, "recnum")) == rows.num_rows
    assert table.definition.internal_prime_keys == ()


@pytest.mark.parametrize("period", list(Period))
def test_records_without_an_axis_value_are_held_apart(period, make_table) -> None:
    definition = definition_of("hmi.M_45s")
    table = make_table(definition, period)
    keys = {"T_REC": ["MISSING", "2011.01.01_00:00:00_TAI"], "CAMERA": ["1", "1"]}
    typed = type_records(definition, pa.table({"*recnum*": pa.array([1, 2])} | keys), {})
    merge(table, typed.rows, run=1, generation=1)
    again = merge(table, typed.rows, run=2, generation=1)
    assert counts(again) == (0, 0, 2)
    newer = type_records(
        definition,
        pa.table({"*recnum*": pa.array([3]), "T_REC": ["MISSING"], "CAMERA": ["1"]}),
        typed.codecs,
    )
    merge(table, newer.rows, run=3, generation=1)
    assert rows_of(table, "recnum") == [{"recnum": 3}, {"recnum": 2}]
    whole = {Period.NONE: {"all"}, Period.YEAR: {"2011", "missing"}}
    assert set(table.file_sizes()) == whole.get(period, {"2011-01", "missing"})


def test_a_revision_that_moves_to_another_partition_cannot_leave_two_latest(make_table) -> None:
    """The slot is the prime key; the time in it may differ, and lie in another period."""
    definition = definition_of("hmi.M_45s")
    table = make_table(definition, Period.MONTH)
    times = ["2011.01.31_23:59:59_TAI", "2011.02.01_00:00:10_TAI"]
    for recnum, time in enumerate(times, start=1):
        given = {"*recnum*": pa.array([recnum]), "T_REC": [time], "CAMERA": ["1"]}
        merge(table, type_records(definition, pa.table(given), {}).rows, run=recnum, generation=1)
    found = rows_of(table, "recnum", "t_rec_index")
    slots = [row["t_rec_index"] for row in found]
    assert len(set(slots)) == len(slots)


def test_merging_touches_only_the_partitions_of_the_batch(make_table) -> None:
    table = make_table("hmi.M_45s", Period.YEAR, windows=1)
    before = set(table.files())
    rows = records_of("hmi.M_45s").slice(0, 1)
    index = rows.schema.get_field_index("recnum")
    revised = rows.set_column(index, rows.schema.field("recnum"), pa.array([10**6]))
    merge(table, revised, run=9, generation=1)
    gone = before - set(table.files())
    assert len(table.file_sizes()) > 1
    assert len(gone) <= 1


def test_the_columns_are_those_of_the_format(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "a")), run=1, generation=1)
    names = stored(small_table).column_names
    assert [name for name in names if name != "_period"] == [
        "_latest", "_seen_run", "_gone_run", "_generation", "_text",
        "recnum", "sunum", "slotnum", "n", "x", "value", "name",
    ]  # fmt: skip
    assert SMALL.internal_prime_keys == ("n", "x")


# ------------------------------------------------------------------------------ conflicts
def opened_again(table: RecordTable) -> RecordTable:
    return RecordTable.open(table.path, table.definition, table.period, at_least=0)


@pytest.mark.parametrize("recnum", [1, 3], ids=["an older version", "a newer version"])
def test_what_another_committed_meanwhile_decides_what_is_latest(small_table, recnum) -> None:
    merge(opened_again(small_table), small((2, 1, 0.5, 1.0, "other")), run=1, generation=1)
    result = merge(small_table, small((recnum, 1, 0.5, 2.0, "mine")), run=2, generation=1)
    assert result.revised == (recnum > 2)
    assert [number for number, _, latest in versions(small_table) if latest] == [max(recnum, 2)]


class Outrun(RecordTable):
    """Whatever is appended, another process was quicker."""

    numbers = itertools.count(10)

    def append(self, rows: pa.Table) -> None:
        number = next(self.numbers)
        others = small((number, number, 0.5, 1.0, "other"))
        merge(opened_again(self), others, run=1, generation=1)
        super().append(rows)


def test_a_merge_that_is_outrun_each_time_says_so_and_nothing_is_lost(small_table) -> None:
    slow = Outrun.open(small_table.path, SMALL, small_table.period, at_least=0)
    with pytest.raises(LockedError, match="at the same time"):
        merge(slow, small((1, 1, 0.5, 2.0, "mine")), run=2, generation=1)
    assert {row["name"] for row in rows_of(opened_again(small_table), "name")} == {"other"}


def test_an_own_number_is_left_out_only_beside_the_latest_of_the_same_generation(
    small_table,
) -> None:
    merge(small_table, small((10, 1, 0.5, 1.0, "a")), run=1, generation=1)
    unlike, alike = small((-5, 1, 0.5, NAN, "a")), small((-5, 1, 0.5, 1.0, "a"))
    assert counts(merge(small_table, alike, run=2, generation=1)) == (0, 0, 1)
    assert counts(merge(small_table, alike, run=3, generation=2)) == (0, 1, 0)
    assert counts(merge(small_table, unlike, run=4, generation=1)) == (0, 0, 1)
    assert versions(small_table) == [(-5, 3, True), (-5, 4, False), (10, 1, False)]


# ------------------------------------------------------------------------------ what was not read
def reading(recnum: int = 10, *, texts: str | None = None, **values: object) -> pa.Table:
    """One record of which only some columns were read, with exact texts."""
    given = {"N": [1], "X": [0.5]} | {name: [value] for name, value in values.items()}
    rows = type_records(SMALL, pa.table({"recnum": [recnum], **given}), {}).rows
    place = rows.schema.get_field_index("_text")
    return rows.set_column(place, rows.schema.field("_text"), pa.array([texts], pa.string()))


def held(table: RecordTable) -> list[tuple]:
    """(run, VALUE, NAME, exact texts) of every row held."""
    rows = stored(table).select(["_seen_run", "value", "name", "_text"]).to_pylist()
    return [tuple(row.values()) for row in rows]


def test_columns_that_come_later_fill_the_row_in_its_place(small_table) -> None:
    merge(small_table, reading(VALUE=2.0), run=1, generation=1)
    result = merge(small_table, reading(NAME="a"), run=2, generation=1)
    assert counts(result) == (0, 0, 1)
    assert held(small_table) == [(1, 2.0, "a", None)]


@pytest.mark.parametrize("again", [reading(VALUE=2.0), reading(NAME="a"), reading()])
def test_reading_some_columns_again_changes_nothing(again, small_table) -> None:
    first = merge(small_table, reading(VALUE=2.0, NAME="a"), run=1, generation=1)
    second = merge(small_table, again, run=2, generation=1)
    assert counts(second) == (0, 0, 1)
    assert second.version == first.version


def test_a_missing_value_was_read_and_is_a_change(small_table) -> None:
    merge(small_table, reading(VALUE=2.0, NAME="a"), run=1, generation=1)
    assert counts(merge(small_table, reading(VALUE=None), run=2, generation=1)) == (0, 1, 0)
    assert held(small_table)[0] == (1, 2.0, "a", None)
    assert math.isnan(held(small_table)[1][1])


def test_a_change_in_some_columns_keeps_the_others(small_table) -> None:
    merge(small_table, reading(VALUE=2.0, NAME="a"), run=1, generation=1)
    result = merge(small_table, reading(VALUE=3.0), run=2, generation=1)
    assert counts(result) == (0, 1, 0)
    assert held(small_table) == [(1, 2.0, "a", None), (2, 3.0, "a", None)]


def test_a_record_under_a_new_number_takes_nothing_from_the_old_one(small_table) -> None:
    merge(small_table, reading(VALUE=2.0, NAME="a"), run=1, generation=1)
    assert counts(merge(small_table, reading(11, VALUE=3.0), run=2, generation=1)) == (0, 1, 0)
    assert held(small_table) == [(1, 2.0, "a", None), (2, 3.0, None, None)]


def test_exact_texts_belong_to_their_columns(small_table) -> None:
    merge(small_table, reading(VALUE=2.0, texts='{"value":"2.00"}'), run=1, generation=1)
    filled = merge(small_table, reading(NAME="a", texts='{"name":" a"}'), run=2, generation=1)
    assert counts(filled) == (0, 0, 1)
    both = '{"name":" a","value":"2.00"}'
    assert held(small_table) == [(1, 2.0, "a", both)]
    same = merge(small_table, reading(VALUE=2.0, texts='{"value":"2.00"}'), run=3, generation=1)
    assert counts(same) == (0, 0, 1)
    plain = merge(small_table, reading(VALUE=2.0), run=4, generation=1)
    assert counts(plain) == (0, 1, 0)
    assert held(small_table) == [(1, 2.0, "a", both), (4, 2.0, "a", '{"name":" a"}')]
