"""Upkeep and drops that are killed: what is claimed is there, and the next run finishes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from drmsmirror.catalogue.hold import holding_series
from drmsmirror.errors import NotHeldError
from drmsmirror.failpoints import POINTS
from drmsmirror.settings import SyncSettings
from drmsmirror.upkeep import Maintenance, drop, maintain
from tests.jsoc import SampleJsoc
from tests.sparing import one_in
from tests.unit.sync.mirrors import Copy, series, settings_for, truth

NAME = "hmi.M_45s"
PART = f"{NAME}[][2]"
ROWS = 100

AT_ONCE = {"keep_hours": 0, "after_sync": 0}
VARIABLES = {
    "DRMSMIRROR_UPKEEP__KEEP_HOURS": "0",
    "DRMSMIRROR_RECORDS__COMPACT_ABOVE_FILES": "2",
}

#: Points that maintenance comes to: the commits are those of compaction, then of removing files.
OF_MAINTENANCE = [
    *(f"records.{side}_commit:{count}" for side in ("before", "after") for count in (1, 2)),
    "window.before_commit",
    "window.after_commit",
    "file.before_removal",
    "file.after_removal",
    *(point for point in POINTS if point.startswith("log.")),
]

#: Those of a drop, which takes its lease and begins its run: the catalogue gives up, rows go, the
#: catalogue notes it.
OF_A_DROP = [
    "catalogue.before_commit:3",
    "catalogue.after_commit:3",
    "drop.given_up",
    "drop.removed",
    "catalogue.before_commit:4",
    "catalogue.after_commit:4",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A mirror with many files, a log that is worth a checkpoint, and something left over."""
    sections = {"sync": {"first_window": 5, "max_window": 5}, "upkeep": AT_ONCE}
    with SampleJsoc([series(NAME, ROWS)]) as jsoc:
        settings = settings_for(tmp_path_factory.mktemp("made"), jsoc, **sections)
        copy = Copy(settings, jsoc)
        copy.sync(NAME)
        log = settings.mirror / "records/hmi/m_45s/_delta_log"
        left = log / "_commit_01234567-89ab-cdef-0123-456789abcdef.json.tmp"
        left.touch()
        os.utime(left, (0, 0))
        yield copy


@pytest.fixture
def copy(made: Copy, tmp_path: Path) -> Copy:
    """One like it, of the test's own, in which the files are too many."""
    root = shutil.copytree(made.settings.mirror, tmp_path / "mirror")
    records = made.settings.records.model_copy(update={"compact_above_files": 2})
    sections = {"mirror": root, "records": records, "sync": SyncSettings()}
    settings = made.settings.model_copy(update=sections)
    return Copy(settings, made.jsoc)


@pytest.mark.parametrize("point", one_in(4, OF_MAINTENANCE))
def test_maintenance_that_is_killed_is_done_by_the_next(point, copy, kill) -> None:
    kill(copy, point, "maintain", **VARIABLES)
    copy.assert_same(NAME)
    with copy.open() as mirror:
        maintain(mirror)
        table = mirror.table(mirror.catalogue.definition(NAME))
        assert len(table.files()) == 1
        assert [str(path) for path in table.path.rglob("_period=*/*.parquet")] == table.files()
        assert maintain(mirror) == Maintenance()
        assert mirror.catalogue.state(NAME).rows_held == table.row_count() == ROWS
        with holding_series(mirror.catalogue, NAME):
            pass  # the dead process holds it no longer
    copy.assert_same(NAME)


@pytest.mark.parametrize(
    ("record_set", "point"),
    one_in(3, [*((NAME, one) for one in OF_A_DROP), *((PART, one) for one in OF_A_DROP[2:5])]),
)
def test_a_drop_that_is_killed_is_finished_by_maintenance(record_set, point, copy, kill) -> None:
    with copy.open() as mirror:
        before = mirror.catalogue.coverage(NAME)
    kill(copy, point, "drop", record_set, "--yes", **VARIABLES)
    with copy.open() as mirror:
        if mirror.catalogue.coverage(NAME) == before:  # it did not even begin
            assert point == "catalogue.before_commit:3"
            copy.assert_same(NAME)
            drop(mirror, record_set)
        maintain(mirror)
        state = mirror.catalogue.state(NAME)
        gone = truth(copy.jsoc, record_set, ["*recnum*"])["*recnum*"]
        assert state.rows_held == ROWS - len(gone)
        if state.table_path is not None:
            table = mirror.table(mirror.catalogue.definition(NAME))
            assert table.row_count() == state.rows_held
        else:
            assert not (mirror.root / "records/hmi/m_45s").exists()
        assert mirror.catalogue.drops.pending() == ()
    with pytest.raises(NotHeldError):
        copy.held(record_set, ["T_REC"])
    copy.sync(NAME)
    copy.assert_same(NAME)


@pytest.mark.parametrize("record_set", [NAME, PART])
def test_a_drop_that_is_killed_is_finished_by_the_next_drop_or_sync(record_set, copy, kill) -> None:
    kill(copy, "drop.given_up", "drop", record_set, "--yes", **VARIABLES)
    copy.sync(NAME)
    copy.assert_same(NAME)
    with copy.open() as mirror:
        drop(mirror, PART)
        assert mirror.catalogue.drops.pending() == ()
    copy.assert_same(f"{NAME}[][1,3]")
