"""Scrubbing: what is damaged is found, told with what brings it back, and comes back by that."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from drmsmirror.errors import DamageError
from drmsmirror.mirror import Mirror
from drmsmirror.records import RecordTable
from drmsmirror.upkeep import Maintenance, drop, maintain, maintain_after_sync, would_drop
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

NAME = "hmi.M_45s"
MONTH = timedelta(days=31)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A mirror with a table of several files, each of its own stretch of time."""
    sections = {"sync": {"first_window": 50, "max_window": 50}, "upkeep": {"after_sync": 0}}
    with SampleJsoc([series(NAME, 150)]) as jsoc:
        copy = Copy(settings_for(tmp_path_factory.mktemp("made"), jsoc, **sections), jsoc)
        copy.sync(NAME)
        yield copy


@pytest.fixture
def copy(made: Copy, tmp_path: Path) -> Copy:
    root = shutil.copytree(made.settings.mirror, tmp_path / "mirror")
    return Copy(made.settings.model_copy(update={"mirror": root}), made.jsoc)


@pytest.fixture
def later(copy: Copy) -> Iterator[Mirror]:
    """The mirror, a month after it was synced."""
    with copy.open() as mirror:
        now = mirror.catalogue.database.clock() + MONTH
        mirror.catalogue.database.clock = lambda: now
        yield mirror


def table_of(mirror: Mirror) -> RecordTable:
    return mirror.table(mirror.catalogue.definition(NAME))


def a_file(mirror: Mirror) -> Path:
    """One of the files, none of the largest or smallest times."""
    files = sorted(table_of(mirror).data_files(), key=lambda file: file.low or 0)
    assert len(files) > 2
    return table_of(mirror).path / files[1].path


def flip(path: Path) -> None:
    """Change a byte of the first page; its size stays."""
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(bytes(content))


def lose(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def after_sync(mirror: Mirror, **upkeep: float) -> list[str]:
    """What is said after a sync by other settings."""
    settings = mirror.settings
    values = {"after_sync": 60.0, **upkeep}
    changed = settings.upkeep.model_copy(update=values)
    mirror.settings = settings.model_copy(update={"upkeep": changed})
    return maintain_after_sync(mirror, NAME)


def read(told: Maintenance) -> list[str]:
    return [one.what for one in told.done if "whether all is sound" in one.what]


def test_what_was_written_lately_is_not_read(copy) -> None:
    with copy.open() as mirror:
        assert read(maintain(mirror)) == []


def test_after_a_month_every_file_is_read_once(later) -> None:
    assert [one.why for one in maintain(later, dry_run=True).left] != []
    files = len(table_of(later).files())
    assert read(maintain(later)) == [
        f"read {files} files of the records, to see whether all is sound"
    ]
    assert maintain(later) == Maintenance()
    assert len(later.catalogue.checks.load(NAME)) == files


def test_a_sync_reads_as_much_as_it_may_and_goes_on_the_next_time(later) -> None:
    seen = []
    for most in (0, 1e-9, 1e-9):  # one file alone is more
        after_sync(later, scrub_mib=most)
        seen.append(len(later.catalogue.checks.load(NAME)))
    assert seen == [0, 1, 2]


def test_nothing_is_read_where_that_is_not_wanted(later) -> None:
    after_sync(later, scrub_days=0)
    assert read(maintain(later)) == []


@pytest.mark.parametrize("spoil", [flip, lose, cut])
def test_damage_is_told_with_what_brings_it_back(later, copy, spoil) -> None:
    maintain(later)
    path = a_file(later)
    spoil(path)
    now = later.catalogue.database.clock() + MONTH
    later.catalogue.database.clock = lambda: now
    (failed,) = maintain(later).failed
    assert isinstance(failed.error, DamageError)
    message = str(failed.error)
    assert message.startswith(f"{path} of {NAME} is damaged: it ")
    assert "rows of partition all, 20" in message
    (run, *_) = later.catalogue.runs.recent(series=NAME)
    assert (run.kind, run.outcome, run.error_code) == ("maintain", "failed", "damaged")
    assert after_sync(later, scrub_mib=0) == [message]  # from now on that is known

    dropping, syncing = re.findall(r"\n  drmsmirror (.*)", message)
    (part,) = shlex.split(dropping)[1:]
    assert would_drop(later, part)[0].rows > 0
    (dropped,) = drop(later, part)
    assert 0 < dropped.rows < 150
    assert shlex.split(syncing) == ["sync", part]
    assert maintain(later).failed == ()
    copy.sync(NAME)
    copy.assert_same(NAME)


def test_a_file_that_is_put_back_is_sound_again(later) -> None:
    path = a_file(later)
    content = path.read_bytes()
    flip(path)
    assert maintain(later).failed
    path.write_bytes(content)
    assert maintain(later).failed == ()
    assert after_sync(later) == []


def test_what_is_not_dropped_is_not_given_up_with_a_damaged_file(later) -> None:
    path = a_file(later)
    (low, high) = next((f.low, f.high) for f in table_of(later).data_files() if path.match(f.path))
    lose(path)
    with pytest.raises(DamageError, match="is damaged: it is not there"):
        drop(later, f"{NAME}[#{low}-#{high - 1}]")
    (failed,) = maintain(later).failed
    assert isinstance(failed.error, DamageError)
    drop(later, f"{NAME}[#{low}-#{high}]")  # which finishes the other one too
    assert later.catalogue.drops.pending() == ()
    assert maintain(later).failed == ()
