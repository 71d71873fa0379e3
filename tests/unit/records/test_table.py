"""Record tables on disk: partitions, compaction, pruning, added keywords, restored copies."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from drmsmirror.errors import IntegrityError, NoSpaceError, StoreError
from drmsmirror.model.recordset import Span
from drmsmirror.model.series import Keyword
from drmsmirror.model.types import KeywordType
from drmsmirror.records import (
    Period,
    RecordTable,
    choose_period,
    compact,
    merge,
    type_records,
)
from drmsmirror.records.rows import _pruning
from drmsmirror.records.schema import table_schema

from .conftest import SERIES, SMALL, bound, definition_of, records_of, rows_of, small, stored

MIB = 2**20


# ------------------------------------------------------------------------------ partitions
@pytest.mark.parametrize(
    ("rows", "days", "period"),
    [
        (0, 0.0, Period.NONE),
        (2_000_000, 5000.0, Period.NONE),
        (5_000_000, 5000.0, Period.YEAR),
        (60_000_000, 5000.0, Period.MONTH),
        (5_000_000, 0.0, Period.NONE),
        (2_100_000, 18_000.0, Period.NONE),
        (5_000_000, 20_000.0, Period.YEAR),
        (40_000_000, 300.0, Period.MONTH),
    ],
)
def test_the_period_follows_from_rows_and_length(rows, days, period) -> None:
    assert choose_period(definition_of("hmi.M_45s"), rows, days) is period


def test_a_series_without_a_time_axis_is_not_cut() -> None:
    assert choose_period(definition_of("test.nopk"), 10**9, 10_000.0) is Period.NONE


@pytest.mark.parametrize("period", list(Period))
def test_rows_lie_in_the_period_of_their_axis_value(period, make_table) -> None:
    table = make_table("hmi.M_45s", period, windows=1)
    length = {Period.NONE: 0, Period.YEAR: 4, Period.MONTH: 7}[period]
    rows = stored(table).select(["_period", "t_rec_index"]).to_pylist()
    start, step = np.datetime64("1993-01-01"), np.timedelta64(45, "s")
    wrong = [
        row
        for row in rows
        if row["_period"] != (str(start + row["t_rec_index"] * step)[:length] or "all")
    ]
    assert wrong == []
    assert set(table.file_sizes()) == {row["_period"] for row in rows}


@pytest.mark.parametrize("name", ["an other", "ünï", "a+b", "what?", "c#"])
def test_a_table_can_lie_in_a_directory_of_any_name(name: str, tmp_path: Path) -> None:
    table = RecordTable.create(tmp_path / name / "table", SMALL, Period.NONE)
    merge(table, small((1, 1, 0.0, 0.0, "a")), run=1, generation=1)
    merge(table, small((2, 1, 0.0, 0.0, "b")), run=2, generation=1)
    assert stored(table).num_rows == 2
    assert all(Path(file).exists() for file in table.files())


def test_a_table_that_a_dead_process_left_is_opened_with_its_own_period(make_table) -> None:
    first = make_table("hmi.M_45s", Period.YEAR)
    merge(first, records_of("hmi.M_45s"), run=1, generation=1)
    again = make_table("hmi.M_45s", Period.MONTH)
    assert again.period is Period.YEAR
    assert again.version == first.version


# ------------------------------------------------------------------------------ compaction
@pytest.mark.parametrize("period", [Period.NONE, Period.YEAR])
@pytest.mark.parametrize("name", ["hmi.M_45s", "test.timekey", "test.nopk", "test.strfsn"])
def test_compaction_keeps_every_row_in_fewer_sorted_files(name, period, make_table) -> None:
    table = make_table(name, period, windows=12)
    rows, sizes = stored(table).to_pylist(), table.file_sizes()
    crowded = {f"_period={period}" for period, files in sizes.items() if len(files) > 1}
    assert compact(table, above_files=1, file_bytes=128 * MIB) == len(crowded) > 0
    # repr, since NaN differs from itself
    assert repr(stored(table).to_pylist()) == repr(rows)
    assert all(len(files) == 1 for files in table.file_sizes().values())
    keys = [*table.definition.internal_prime_keys, "recnum"]
    for file in (file for file in table.files() if Path(file).parent.name in crowded):
        lines = pq.read_table(file, columns=keys, partitioning=None).to_pylist()
        found = [tuple(line.values()) for line in lines]
        assert found == sorted(found)


def test_compaction_leaves_partitions_with_few_files_alone(make_table) -> None:
    table = make_table("hmi.M_45s", Period.NONE, windows=3)
    before = table.version
    assert compact(table, above_files=32, file_bytes=128 * MIB) == 0
    assert table.version == before


def test_files_of_their_full_size_are_not_written_again(make_table) -> None:
    table = make_table("hmi.M_45s", Period.NONE, windows=6)
    largest = max(table.file_sizes()["all"])
    assert compact(table, above_files=1, file_bytes=2) == 0
    assert compact(table, above_files=1, file_bytes=4 * largest) == 1


def test_while_a_table_grows_few_bytes_do_not_make_a_partition_crowded(make_table) -> None:
    table = make_table("test.nopk")
    rows = records_of("test.nopk")
    merge(table, rows.slice(3), run=1, generation=1)
    (whole,) = table.file_sizes()["all"]
    for number in range(3):
        merge(table, rows.slice(number, 1), run=2, generation=1)
    share = 1 - whole / sum(table.file_sizes()["all"])
    limits = {"above_files": 2, "file_bytes": 2 * whole}
    assert compact(table, **limits, least_share=share + 0.01) == 0
    assert compact(table, **limits, least_share=share - 0.01) == 1


def test_merging_goes_on_after_compaction(make_table) -> None:
    table = make_table("hmi.M_45s", windows=4)
    compact(table, above_files=1, file_bytes=128 * MIB)
    result = merge(table, records_of("hmi.M_45s"), run=9, generation=1)
    assert (result.new, result.revised) == (0, 0)


# ------------------------------------------------------------------------------ pruning
def test_a_narrow_question_opens_few_files(make_table) -> None:
    table = make_table("hmi.M_45s", windows=12)
    assert len(table.files()) >= 6
    query = bound("hmi.M_45s[2010.05.01_00:00_TAI]")
    assert 1 <= len(table.files(_pruning(query.series, query.filters))) <= 2
    assert [row["recnum"] for row in rows_of(table, "recnum", query=query)] == [984, 295]


def test_a_range_of_record_numbers_opens_few_files(make_table) -> None:
    table = make_table("test.nopk")
    order = records_of("test.nopk").sort_by("recnum")
    for run in range(8):
        merge(table, order.slice(run * 40, 40), run=run + 1, generation=1)
    recnum = order["recnum"][100].as_py()
    assert len(table.files([("recnum", [Span(recnum, recnum + 1)])])) == 1


def test_what_changes_about_held_rows_reads_no_file_without_their_numbers(make_table) -> None:
    table = make_table("test.nopk")
    order = records_of("test.nopk").sort_by("recnum")
    for run in range(3):
        merge(table, order.slice(run * 40, 40), run=run + 1, generation=1)
    rows = stored(table)
    recnum = order["recnum"][50].as_py()
    changed = rows.filter(pc.equal(rows["recnum"], recnum))
    (there,) = table.files([("recnum", [Span(recnum, recnum + 1)])])
    kept = {path: path.read_bytes() for path in map(Path, table.files()) if path != Path(there)}
    for path in kept:
        path.write_bytes(b"no Parquet")
    latest = pa.array([False])
    changed = changed.set_column(0, table_schema(table.definition).field("_latest"), latest)
    table.revise(changed.cast(table_schema(table.definition)), ["recnum"])
    for path, content in kept.items():
        path.write_bytes(content)
    now = stored(table)
    assert now.num_rows == rows.num_rows
    assert pc.sum(pc.invert(now["_latest"])).as_py() == 1


@pytest.mark.parametrize("name", SERIES)
def test_every_file_has_statistics_of_the_keys_that_prune(name, make_table) -> None:
    table = make_table(name, windows=1)
    adds = pa.table(table._delta.get_add_actions(flatten=True)).column_names
    assert "min.recnum" in adds
    for key in table.definition.internal_prime_keys:
        is_float = pa.types.is_floating(records_of(name).schema.field(key).type)
        is_time = table.definition.column(key).type is KeywordType.TIME
        assert (f"min.{key}" in adds) == (not is_float or is_time), key


def test_compression_and_statistics_of_files_are_those_of_the_format(make_table) -> None:
    table = make_table("test.timekey", windows=4)
    floats = {c.name for c in table.definition.columns if c.type.is_float}
    times = {c.name for c in table.definition.columns if c.type is KeywordType.TIME}
    assert floats
    assert times
    for compression in ("SNAPPY", "ZSTD"):
        for file in table.files():
            group = pq.read_metadata(file).row_group(0)
            columns = [group.column(number) for number in range(group.num_columns)]
            assert {column.compression for column in columns} == {compression}
            without = {c.path_in_schema for c in columns if not c.is_stats_set}
            assert floats <= without
            assert not times & without
        compact(table, above_files=1, file_bytes=128 * MIB)


# ------------------------------------------------------------------------------ added keywords
ADDED = replace(
    SMALL,
    keywords=(
        *SMALL.keywords,
        Keyword("EXTRA", KeywordType.INT),
        Keyword("LABEL", KeywordType.STRING),
        Keyword("WEIGHT", KeywordType.FLOAT),
    ),
)


def grown(table: RecordTable) -> RecordTable:
    return RecordTable.open(table.path, ADDED, table.period, at_least=table.version)


def extra(recnum: int, n: int) -> pa.Table:
    given = {"recnum": [recnum], "N": [n], "X": [0.5], "VALUE": [1.0], "NAME": ["b"]}
    given |= {"EXTRA": [7], "LABEL": ["l"], "WEIGHT": [0.25]}
    return type_records(ADDED, pa.table(given), {}).rows


def test_a_keyword_added_later_reads_null_from_older_files(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "a")), run=1, generation=1)
    table = grown(small_table)
    assert rows_of(table, "name", "extra") == [{"name": "a", "extra": None}]
    merge(table, extra(2, 2), run=2, generation=1)
    assert rows_of(table, "n", "extra", "label", "weight") == [
        {"n": 1, "extra": None, "label": None, "weight": None},
        {"n": 2, "extra": 7, "label": "l", "weight": 0.25},
    ]


def test_a_keyword_added_later_is_filled_by_a_revision(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "b")), run=1, generation=1)
    table = grown(small_table)
    result = merge(table, extra(2, 1), run=2, generation=1)
    assert result.revised == 1
    assert rows_of(table, "recnum", "extra") == [{"recnum": 2, "extra": 7}]


def test_a_keyword_added_later_is_filled_by_reading_the_same_record_again(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "b")), run=1, generation=1)
    table = grown(small_table)
    result = merge(table, extra(1, 1), run=2, generation=1)
    assert (result.revised, result.unchanged) == (0, 1)
    assert stored(table).select(["recnum", "_seen_run", "extra"]).to_pylist() == [
        {"recnum": 1, "_seen_run": 1, "extra": 7}
    ]


def test_an_older_reader_does_not_see_a_keyword_added_by_another(small_table) -> None:
    table = grown(small_table)
    merge(table, extra(1, 1), run=1, generation=1)
    older = RecordTable.open(table.path, SMALL, table.period, at_least=0)
    assert rows_of(older, "n", "name") == [{"n": 1, "name": "b"}]


# ------------------------------------------------------------------------------ what is on disk
def test_a_table_older_than_the_catalogue_says_is_refused_in_words(small_table, tmp_path) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "a")), run=1, generation=1)
    shutil.copytree(small_table.path, tmp_path / "copy")
    version = merge(small_table, small((2, 2, 0.5, 1.0, "a")), run=2, generation=1).version
    shutil.rmtree(small_table.path)
    (tmp_path / "copy").rename(small_table.path)
    with pytest.raises(IntegrityError) as caught:
        RecordTable.open(small_table.path, SMALL, Period.NONE, at_least=version)
    words = str(caught.value)
    assert "test.small" in words
    assert f"version {version - 1}" in words
    assert f"version {version}" in words
    assert "drmsmirror db restore" in words


def test_a_table_that_is_gone_is_refused_in_words(tmp_path) -> None:
    with pytest.raises(IntegrityError, match="cannot be read"):
        RecordTable.open(tmp_path / "nowhere", SMALL, Period.NONE, at_least=0)


def test_a_damaged_log_is_refused_in_words(small_table) -> None:
    merge(small_table, small((1, 1, 0.5, 1.0, "a")), run=1, generation=1)
    (small_table.path / "_delta_log" / f"{1:020d}.json").write_text("{")
    with pytest.raises(IntegrityError, match="cannot be read"):
        RecordTable.open(small_table.path, SMALL, Period.NONE, at_least=1)


def test_a_full_disk_is_told_from_other_failures(small_table) -> None:
    def full() -> None:
        raise OSError("No space left on device (os error 28)")

    def broken() -> None:
        raise OSError("Input/output error")

    with pytest.raises(NoSpaceError, match="nothing that was held is lost"):
        small_table._commit(full)
    with pytest.raises(StoreError, match="Input/output error"):
        small_table._commit(broken)


class Witness(RecordTable):
    """Remembers which versions were flushed to the disk."""

    def _make_durable(self, versions: range) -> None:
        self.flushed = [*getattr(self, "flushed", []), *versions]
        super()._make_durable(versions)


def test_every_version_is_flushed_to_the_disk(make_table) -> None:
    """The catalogue names versions: each must outlast a power failure, those of a vacuum too."""
    made = make_table("hmi.M_45s", windows=2)
    table = Witness.open(made.path, made.definition, made.period, at_least=0)
    merge(table, records_of("hmi.M_45s").slice(0, 10), run=9, generation=2)
    merged = table.version
    left = table.path / "_period=all" / "left.parquet"  # by a process that died long ago
    left.touch()
    os.utime(left, (0, 0))
    compact(table, above_files=1, file_bytes=128 * MIB)
    assert not left.exists()
    assert table.version > merged + 1  # the vacuum has versions of its own
    assert table.flushed == list(range(made.version + 1, table.version + 1))


def test_any_delta_reader_sees_the_table(make_table) -> None:
    """No feature of the log asks a reader for more than the first protocol version."""
    table = make_table("hmi.M_45s", windows=1)
    lines = (table.path / "_delta_log" / f"{0:020d}.json").read_text().splitlines()
    (protocol,) = [entry["protocol"] for entry in map(json.loads, lines) if "protocol" in entry]
    assert protocol["minReaderVersion"] == 1
