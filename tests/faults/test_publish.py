"""Publishing that is killed: others see one state or the other, and the next run arrives."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from drmsmirror.publish import publish
from drmsmirror.sync import Task
from tests.unit.sync.mirrors import Copy

NAME = "hmi.M_45s"


@pytest.fixture
def copy(copy_of) -> Copy:
    made = copy_of(NAME, rows=150)
    made.sync(NAME)
    return made


def run(copy: Copy, target: str) -> None:
    with copy.open() as mirror:
        publish(mirror, NAME, target)


def in_sqlite(file: Path, column: str = "datarms") -> list[tuple]:
    with closing(sqlite3.connect(file)) as connection:
        there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'hmi__m_45s'")
        if not there.fetchall():
            return []
        return sorted(connection.execute(f"SELECT recnum, {column} FROM hmi__m_45s"))


def in_parquet(directory: Path) -> list[tuple]:
    if not list(directory.rglob("*.parquet")):
        return []
    table = ds.dataset(directory, format="parquet", partitioning="hive").to_table()
    return sorted(zip(table["recnum"].to_pylist(), table["datarms"].to_pylist(), strict=True))


def change(copy: Copy) -> None:
    """One record superseded, one changed in place, one new."""
    served = copy.jsoc.series(NAME)
    numbers = sorted(served.columns["recnum"][served.latest].tolist())
    copy.jsoc.change_in_place(NAME, numbers[-1:], {"DATARMS": 2.5})
    copy.jsoc.revise(NAME, numbers[-3:-2], {"DATARMS": 3.25})
    copy.jsoc.append(NAME, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    copy.sync(NAME)


@pytest.mark.parametrize(
    ("point", "is_there"), [("publish.before_commit", False), ("publish.after_commit", True)]
)
def test_sqlite_has_all_of_a_publication_or_nothing(point, is_there, copy, kill, tmp_path) -> None:
    file, whole = tmp_path / "killed.db", tmp_path / "whole.db"
    run(copy, f"sqlite:///{whole}")
    before = in_sqlite(whole)
    kill(copy, point, "publish", NAME, "--to", f"sqlite:///{file}")
    assert in_sqlite(file) == (before if is_there else [])
    run(copy, f"sqlite:///{file}")
    assert in_sqlite(file) == before

    change(copy)
    run(copy, f"sqlite:///{whole}")
    after = in_sqlite(whole)
    assert len(set(after) - set(before)) == 3
    kill(copy, point, "publish", NAME, "--to", f"sqlite:///{file}")
    assert in_sqlite(file) == (after if is_there else before)
    run(copy, f"sqlite:///{file}")
    assert in_sqlite(file) == after


@pytest.mark.parametrize("point", ["window.before_commit", "window.after_commit"])
def test_keywords_that_a_killed_run_brought_to_held_records_are_published(
    point, copy_of, kill, tmp_path
) -> None:
    """Such rows do not say which run changed them, and the next run finds nothing to change."""
    copy = copy_of(NAME, rows=30)
    copy.sync(NAME, task=Task(keys=("DATARMS",)))
    file, whole = tmp_path / "continued.db", tmp_path / "whole.db"
    run(copy, f"sqlite:///{file}")
    before = in_sqlite(file, "datamean")
    kill(copy, point, "sync", NAME)
    copy.sync(NAME)
    run(copy, f"sqlite:///{file}")
    run(copy, f"sqlite:///{whole}")
    assert in_sqlite(file, "datamean") == in_sqlite(whole, "datamean") != before


@pytest.mark.parametrize("point", ["file.before_rename:2", "file.after_rename:2"])
def test_a_parquet_data_set_is_completed_by_the_next(point, copy, kill, tmp_path) -> None:
    """The first file that is written are empty notes, the second that of a partition."""
    directory, whole = tmp_path / "killed", tmp_path / "whole"
    run(copy, f"parquet:{whole}")
    expected = in_parquet(whole / "hmi" / "m_45s")
    kill(copy, point, "publish", NAME, "--to", f"parquet:{directory}")
    there = in_parquet(directory / "hmi" / "m_45s")
    assert there == (expected if "after" in point else [])
    run(copy, f"parquet:{directory}")
    assert in_parquet(directory / "hmi" / "m_45s") == expected
    assert [path for path in directory.rglob("*") if path.name.endswith(".tmp")] == []
    assert (directory / "README.md").read_text().count(NAME) == 1
