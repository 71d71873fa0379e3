"""Maintenance: what is due is done once, within its time, and never against a running sync."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from drmsmirror.catalogue import FailedQuestion, RunCounters, RunKind, RunOutcome
from drmsmirror.catalogue.hold import holding_series
from drmsmirror.errors import StoreError
from drmsmirror.mirror import Mirror
from drmsmirror.records import RecordTable
from drmsmirror.upkeep import Kind, Maintenance, maintain, maintain_after_sync, usage
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

NAME = "hmi.M_45s"
#: Files are removed as soon as they are superseded: nobody reads here meanwhile.
AT_ONCE = {"keep_hours": 0, "after_sync": 0, "keep_runs": 3}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A mirror whose table consists of many files, with a long log."""
    sections = {
        "sync": {"first_window": 10, "max_window": 10},
        "records": {"compact_above_files": 100},
        "upkeep": AT_ONCE,
    }
    with SampleJsoc([series(NAME, 150)]) as jsoc:
        copy = Copy(settings_for(tmp_path_factory.mktemp("made"), jsoc, **sections), jsoc)
        copy.sync(NAME)
        yield copy


@pytest.fixture
def copy(made: Copy, tmp_path: Path) -> Copy:
    """One like it, of the test's own."""
    root = shutil.copytree(made.settings.mirror, tmp_path / "mirror")
    return Copy(made.settings.model_copy(update={"mirror": root}), made.jsoc)


def crowded(copy: Copy, **upkeep: float) -> Mirror:
    """The mirror, by settings with which its files are too many."""
    sections = {
        "records": copy.settings.records.model_copy(update={"compact_above_files": 2}),
        "upkeep": copy.settings.upkeep.model_copy(update=upkeep),
    }
    return Mirror.open(copy.settings.model_copy(update=sections))


def table_of(mirror: Mirror) -> RecordTable:
    return mirror.table(mirror.catalogue.definition(NAME))


def words(told: Maintenance) -> str:
    return "; ".join(one.what for one in told.done)


def test_all_that_is_due_is_done_and_then_nothing_is(copy) -> None:
    with crowded(copy) as mirror:
        before = table_of(mirror)
        answer = copy.held(NAME, ["*recnum*", "DATARMS"])
        first = maintain(mirror)
        second = maintain(mirror)
        after, log = table_of(mirror), table_of(mirror).log()
        state = mirror.catalogue.state(NAME)
        on_disk = list(after.path.rglob("_period=*/*.parquet"))

    assert len(before.files()) > 10
    assert len(after.files()) == 1
    assert "make few files of the many" in words(first)
    assert "that no reader needs" in words(first)
    assert "shorten its log" in words(first)
    assert (first.left, first.failed) == ((), ())
    assert second == Maintenance()
    assert [str(path) for path in on_disk] == after.files()
    assert (log.commits_to_read, log.checkpoint) == (0, after.version)
    assert len(log.files) == 3
    assert (state.table_version, state.rows_held) == (after.version, 150)
    assert copy.held(NAME, ["*recnum*", "DATARMS"]) == answer
    assert copy.sync(NAME).requests == 1


def test_what_it_did_is_a_run_of_the_series(copy) -> None:
    """Also where it is about the whole mirror; what found nothing to do leaves no row."""
    old = copy.settings.mirror / ".x.abcdefgh.tmp"
    old.write_bytes(b"12345")
    os.utime(old, (0, 0))
    with crowded(copy) as mirror:
        (synced,) = mirror.catalogue.runs.recent()
        maintain(mirror)
        about_all, about_one, before = mirror.catalogue.runs.recent()
        maintain(mirror)
        maintain(mirror, dry_run=True)
        assert len(mirror.catalogue.runs.recent()) == 3
        assert mirror.catalogue.moments.find(about_one.id).run == about_one.id
        held = mirror.catalogue.history.after(NAME, about_one.id)
        assert held == mirror.catalogue.history.after(NAME, synced.id)

    assert before == synced
    assert (about_all.series, about_one.series) == ("", NAME)
    for run in (about_all, about_one):
        assert (run.kind, run.outcome) == (RunKind.MAINTAIN, RunOutcome.DONE)
        assert run.counters == RunCounters()
    assert about_one.watermark_before == about_one.watermark_after == synced.watermark_after


def test_upkeep_that_fails_is_a_run_that_failed(copy, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is gone")

    with crowded(copy) as mirror:
        monkeypatch.setattr(RecordTable, "replace_partition", fail)
        (failed,) = maintain(mirror).failed
        run = mirror.catalogue.runs.recent(series=NAME)[0]

    assert str(failed.error) == "the disk is gone"
    assert (run.kind, run.outcome) == (RunKind.MAINTAIN, RunOutcome.FAILED)
    assert run.error_message == "the disk is gone"


def test_runs_of_upkeep_are_forgotten_with_the_others(copy) -> None:
    """Each run adds one row, and what is too many is forgotten in the same."""
    with crowded(copy, keep_runs=1) as mirror:
        maintain(mirror)
        assert [run.kind for run in mirror.catalogue.runs.recent(series=NAME)] == [RunKind.MAINTAIN]
        assert maintain(mirror) == Maintenance()


def test_what_readers_may_need_stays_for_a_day(copy) -> None:
    with crowded(copy, keep_hours=24) as mirror:
        old = table_of(mirror)
        maintain(mirror)
        second = maintain(mirror)
        log = table_of(mirror).log()
        assert table_of(mirror).version > old.version
        assert all(Path(file).exists() for file in old.files())
        assert log.checkpoint is not None
        assert (log.files[0].version, second) == (0, Maintenance())

        day_ago = time.time() - 86_401
        for file in log.files:
            os.utime(file.path, (day_ago, day_ago))
        (done,) = maintain(mirror).done
        assert "of the log that no reader needs" in done.what
        assert [file.version for file in table_of(mirror).log().files if file.version] == [
            log.checkpoint,
            *range(log.checkpoint, table_of(mirror).version + 1),
        ]


def test_a_dry_run_and_one_without_time_change_nothing(copy) -> None:
    with crowded(copy) as mirror:
        version = table_of(mirror).version
        dry, late = maintain(mirror, dry_run=True), maintain(mirror, seconds=0)
        assert table_of(mirror).version == version

    assert dry.done == late.done == ()
    assert [one.what for one in dry.left] == [one.what for one in late.left]
    assert {one.why for one in dry.left} == {"this is a dry run"}
    assert {one.why for one in late.left} == {"no time was left"}
    assert dry.left[0].series == NAME


def test_a_series_that_somebody_works_on_is_passed_over(copy) -> None:
    with crowded(copy) as mirror, holding_series(mirror.catalogue, NAME):
        version = table_of(mirror).version
        told = maintain(mirror)
        assert table_of(mirror).version == version

    assert [(one.series, one.why) for one in told.left] == [(NAME, "somebody works on the series")]
    assert all(one.series == "" for one in told.done)


def test_a_series_that_cannot_be_kept_does_not_stop_the_rest(copy_of) -> None:
    copy = copy_of(NAME, "hmi.sharp_720s", rows=40, upkeep=AT_ONCE)
    for name in (NAME, "hmi.sharp_720s"):
        copy.sync(name)
    with crowded(copy) as mirror:
        log = table_of(mirror).path / "_delta_log"
        log.rename(log.with_name("elsewhere"))
        told = maintain(mirror)

    assert [(one.series, one.error.code) for one in told.failed] == [(NAME, "integrity")]
    assert "hmi.sharp_720s" in {one.series for one in told.done}


def test_a_sync_ends_with_what_is_due(copy_of) -> None:
    copy = copy_of(NAME, rows=40, sync={"first_window": 10, "max_window": 10}, upkeep=AT_ONCE)
    settings = copy.settings
    upkeep = settings.upkeep.model_copy(update={"after_sync": 60.0})
    records = settings.records.model_copy(update={"compact_above_files": 2})
    copy.settings = settings.model_copy(update={"upkeep": upkeep, "records": records})
    for number in range(1, 4):
        copy.jsoc.append(NAME, {"T_REC": f"2015.01.0{number}_TAI", "CAMERA": 1})
        assert copy.sync(NAME).notices == ()
    with copy.open() as mirror:
        assert len(mirror.catalogue.runs.recent()) == 3
        assert table_of(mirror).unused_files(0) == []
        assert len(usage(mirror, NAME).rooms) <= 3
        assert sum(map(len, table_of(mirror).file_sizes().values())) <= 3


def test_an_error_of_upkeep_is_something_to_tell(copy) -> None:
    upkeep = copy.settings.upkeep.model_copy(update={"after_sync": 60.0})
    with Mirror.open(copy.settings.model_copy(update={"upkeep": upkeep})) as mirror:
        log = table_of(mirror).path / "_delta_log"
        log.rename(log.with_name("elsewhere"))
        (notice,) = maintain_after_sync(mirror, NAME)

    assert notice.startswith(f"The upkeep of {NAME} failed, and the records are held all the same")


# --------------------------------------------------------------------- what is of no series
def test_only_our_own_old_temporary_files_go(copy) -> None:
    root = copy.settings.mirror
    ours, young, theirs = (
        root / name
        for name in (".catalogue.copy.sqlite.ab12_9xz.tmp", ".x.abcdefgh.tmp", ".notes.tmp")
    )
    hours_ago = time.time() - 2 * 3600
    for path in (ours, young, theirs):
        path.write_bytes(b"12345")
        if path != young:
            os.utime(path, (hours_ago, hours_ago))
    with copy.open() as mirror:
        (room,) = (one for one in usage(mirror).rooms if one.kind is Kind.LEFT_OVER)
        told = maintain(mirror)

    assert (room.files, room.free_now) == (1, 5)
    assert [one.bytes for one in told.done if "temporary file of" in one.what] == [5]
    assert [path.exists() for path in (ours, young, theirs)] == [False, True, True]


def test_a_commit_that_was_never_finished_goes(copy) -> None:
    with copy.open() as mirror:
        log = table_of(mirror).path / "_delta_log"
        left = log / "_commit_01234567-89ab-cdef-0123-456789abcdef.json.tmp"
        left.write_bytes(b"{}")
        os.utime(left, (0, 0))
        assert "remove 1 commit of processes" in words(maintain(mirror))
        assert not left.exists()


def test_past_failures_are_forgotten(copy) -> None:
    with copy.open() as mirror:
        now = mirror.catalogue.database.clock()
        for hours, digest in ((0, "b" * 64), (3, "a" * 64)):
            when = now - timedelta(hours=hours)
            mirror.catalogue.answers.keep_failure(
                FailedQuestion(digest, "http://x", "upstream", "no", None, when, when)
            )
        assert "1 old failures of questions" in words(maintain(mirror))
        assert mirror.catalogue.answers.failure("a" * 64) is None
        assert mirror.catalogue.answers.failure("b" * 64) is not None
