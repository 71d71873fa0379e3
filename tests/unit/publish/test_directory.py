"""A series published as a Parquet data set."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from drmsmirror.client.sql import run_sql
from drmsmirror.errors import IntegrityError, LockedError, StoreError
from drmsmirror.publish import Publication, publish
from drmsmirror.publish.loading import with_own_digits
from drmsmirror.publish.notes import alone_in
from drmsmirror.records.schema import Period
from tests.jsoc import Keyword, SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

NAME = "hmi.M_45s"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a mirror that holds the series in partitions; it is copied for each test."""
    root = tmp_path_factory.mktemp("synced") / "mirror"
    with SampleJsoc([series(NAME, 150)]) as jsoc, pytest.MonkeyPatch.context() as patch:
        # the sample is too small to be cut by itself
        patch.setattr("drmsmirror.mirror.choose_period", lambda *_: Period.MONTH)
        Copy(settings_for(root, jsoc), jsoc).sync(NAME)
    return root


@pytest.fixture
def copy(synced: Path, tmp_path: Path) -> Iterator[Copy]:
    with SampleJsoc([series(NAME, 150)]) as jsoc:
        shutil.copytree(synced, tmp_path / "mirror")
        yield Copy(settings_for(tmp_path / "mirror", jsoc), jsoc)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "published"


def published(copy: Copy, target: Path, **options: bool) -> Publication:
    with copy.open() as mirror:
        return publish(mirror, NAME, f"parquet:{target}", **options)


def files(target: Path) -> dict[str, int]:
    """Number on the disk of each file of records: another one where it was written anew."""
    found = (target / "hmi" / "m_45s").rglob("*")
    return {path.parent.name: path.stat().st_ino for path in found if path.is_file()}


def assert_same(copy: Copy, target: Path) -> None:
    """DuckDB finds in the files what SQL over the mirror shows."""
    with copy.open() as mirror:
        names, held = run_sql(mirror, f"select * from {NAME} order by recnum")
    rows = duckdb.sql(
        f"select {', '.join(names)} from read_parquet('{target}/hmi/m_45s/*/*.parquet', "
        f"hive_partitioning = true, union_by_name = true) order by recnum"
    ).to_arrow_table()
    columns = [with_own_digits(column.combine_chunks()).to_pylist() for column in rows.columns]
    assert list(zip(*columns, strict=True)) == held


def test_partitions_hold_what_sql_over_the_mirror_shows(copy, target) -> None:
    done = published(copy, target)

    latest = int(copy.jsoc.series(NAME).latest.sum())
    assert (done.extent, done.written, done.records) == ("whole", latest, latest)
    assert len(files(target)) > 1
    assert all(re.fullmatch(r"period=(\d{4}-\d\d|missing)", name) for name in files(target))
    assert_same(copy, target)


def test_pandas_takes_the_directory_as_a_whole_with_units_in_the_files(copy, target) -> None:
    published(copy, target)
    frame = pd.read_parquet(target / "hmi" / "m_45s", columns=["recnum", "datarms", "period"])
    assert len(frame) == int(copy.jsoc.series(NAME).latest.sum())

    one = next((target / "hmi" / "m_45s").rglob("*.parquet"))
    assert pq.read_schema(one).field("datarms").metadata[b"unit"] == b"Gauss"


def test_only_partitions_that_changed_are_written_anew(copy, target) -> None:
    published(copy, target)
    before = files(target)
    copy.jsoc.append(NAME, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    copy.sync(NAME)
    done = published(copy, target)

    assert (done.extent, done.written) == ("changes", 1)
    assert files(target) == before | {"period=2015-01": files(target)["period=2015-01"]}
    assert_same(copy, target)
    assert published(copy, target).written == 0


def test_a_partition_without_records_is_removed(copy, target) -> None:
    published(copy, target)
    stray = target / "hmi" / "m_45s" / "period=1999-01"
    stray.mkdir()
    shutil.copy(next((target / "hmi" / "m_45s").rglob("*.parquet")), stray)
    published(copy, target)

    assert not stray.exists()
    assert_same(copy, target)


def test_a_column_that_is_new_is_in_all_files(copy, target) -> None:
    published(copy, target)
    copy.jsoc.add_keyword(NAME, Keyword("EXTRA", "float", format="%.3f"), 1.25)
    copy.sync(NAME)
    done = published(copy, target)

    assert (done.extent, done.columns_added) == ("whole", ("extra",))
    assert set(pd.read_parquet(target / "hmi" / "m_45s")["extra"]) == {1.25}


def test_another_mirror_writes_everything(copy, target, tmp_path) -> None:
    published(copy, target)
    other = Copy(settings_for(tmp_path / "other", copy.jsoc), copy.jsoc)
    other.sync(NAME)
    done = published(other, target)

    assert done.extent == "whole"
    assert list(files(target)) == ["period=all"]
    assert_same(other, target)


def test_the_pages_say_what_it_is_how_to_read_and_to_cite_it(copy, target, monkeypatch) -> None:
    published(copy, target)
    readme = (target / "README.md").read_text()
    page = (target / "hmi" / "m_45s.md").read_text()
    cited = yaml.safe_load((target / "CITATION.cff").read_text())

    assert f"[{NAME}](hmi/m_45s.md)" in readme
    assert "courtesy of NASA/SDO and the HMI science team" in readme
    assert "| datarms | float | Gauss |" in page
    assert "| the beginning | the end | all |" in page
    assert cited["type"] == "dataset"
    assert {one["doi"] for one in cited["references"]} >= {"10.1007/s11207-011-9834-2"}
    # what the page shows can be run
    monkeypatch.chdir(target)
    shown = re.findall(r"```(python|sql)\n(.*?)```", page, re.DOTALL)
    scope: dict[str, object] = {}
    for language, code in shown:
        if language == "sql":
            assert len(duckdb.sql(code).fetchall()) == len(files(target))
        elif "polars" not in code:
            exec(code, scope)
    assert len(scope["frame"]) == int(copy.jsoc.series(NAME).latest.sum())


def test_a_directory_with_other_things_is_left_as_it_is(copy, target) -> None:
    target.mkdir()
    (target / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match="holds other things"):
        published(copy, target)
    assert [path.name for path in target.iterdir()] == ["thesis.tex"]


def test_damaged_notes_are_said_to_be_damaged(copy, target) -> None:
    published(copy, target)
    (target / "drmsmirror_published.json").write_text("{")
    with pytest.raises(IntegrityError, match="is damaged"):
        published(copy, target)


def test_only_one_process_publishes_in_a_directory(copy, target) -> None:
    with alone_in(target), pytest.raises(LockedError, match="Another process publishes"):
        published(copy, target)


def test_an_error_in_the_middle_is_made_good_by_the_next(copy, target, monkeypatch) -> None:
    class Failing:
        def rows(self, series: str, done: int, total: int) -> None:
            raise KeyboardInterrupt

    with copy.open() as mirror, pytest.raises(KeyboardInterrupt):
        publish(mirror, NAME, f"parquet:{target}", reporter=Failing())
    assert files(target) == {}
    published(copy, target)
    assert_same(copy, target)
