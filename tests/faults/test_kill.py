"""A sync that is killed, at every point and at any request: the next one completes it."""

from __future__ import annotations

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from drmsmirror.failpoints import POINTS
from tests.jsoc import Fault, FaultKind, Request
from tests.sparing import one_in
from tests.unit.sync.mirrors import Copy, asked

WHOLE = "hmi.M_45s"
ROWS = 150
SMALL_WINDOWS = {"first_window": 40, "max_window": 40}

STOPPED = Fault(FaultKind.STALL)

#: Points that a sync comes to, besides those of files.
OF_A_SYNC = [
    *(point for point in POINTS if point.startswith(("window.", "records."))),
    "window.fetched:4",
    "records.after_commit:3",
    "window.before_commit:2",
]

#: Names that a mirror's directory may show.
SHOWN = re.compile(r"drmsmirror\.toml|catalogue\.(copy\.)?sqlite(-wal|-shm|-journal)?|records")


def finish(copy: Copy, process, *, code: int = -signal.SIGKILL) -> str:
    """Wait for a process and give what it said."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert out == ""
    return err


def covered_windows(copy: Copy) -> list[tuple[float, float]]:
    if not (copy.settings.mirror / "catalogue.sqlite").exists():
        return []
    with copy.open() as mirror:
        if not mirror.catalogue.series():
            return []
    return [(e.interval.low, e.interval.high) for e in copy.coverage(WHOLE)]


def fetched_windows(copy: Copy) -> list[tuple[float, float]]:
    found = []
    for request in asked(copy.jsoc, "rs_list"):
        window = re.search(r"\[#(\d*)-#(\d*)\]", request.ds)
        if window and "n" not in request.params:
            low, high = window.groups()
            found.append((float(low or "-inf"), float(high or "inf") + 1))
    return found


def shown(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if not path.name.startswith("."))


def assert_survived(copy: Copy) -> None:
    """After a kill: what is said to be held is there; the next run finishes, and only that."""
    held = covered_windows(copy)
    if held:
        copy.assert_covered(WHOLE)
    report = copy.sync(WHOLE)
    assert report.outcome == "done"
    for low, high in fetched_windows(copy):
        assert all(high <= begun or low >= ended for begun, ended in held), "fetched twice"
    assert copy.assert_same(WHOLE) == int(copy.jsoc.series(WHOLE).latest.sum())
    copy.assert_covered(WHOLE)
    assert report.rows_held == copy.rows(WHOLE) == copy.assert_same(WHOLE)
    assert all(SHOWN.fullmatch(name) for name in shown(copy.settings.mirror))
    assert copy.sync(WHOLE).requests == 1
    with copy.open() as mirror:
        assert mirror.catalogue.leases.all() == ()


@pytest.fixture
def copy(copy_of) -> Copy:
    return copy_of(WHOLE, rows=ROWS, sync=SMALL_WINDOWS)


@pytest.mark.parametrize("at", one_in(3, OF_A_SYNC))
def test_a_sync_killed_at_a_point_is_completed_by_the_next(at, copy, kill) -> None:
    kill(copy, at, "sync", WHOLE)
    assert_survived(copy)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "point", one_in(3, ["file.before_rename", "file.before_fsync", "file.after_rename"])
)
def test_a_sync_killed_while_it_writes_a_file_is_completed_by_the_next(
    point, count, copy, kill
) -> None:
    """The first file that a new mirror writes are its settings, the second the published copy."""
    kill(copy, f"{point}:{count}", "sync", WHOLE)
    assert_survived(copy)


def test_killed_at_one_point_after_another_it_still_arrives(copy, kill) -> None:
    for point in ("window.fetched:3", "records.after_commit", "window.after_commit"):
        kill(copy, point, "sync", WHOLE)
    assert_survived(copy)


@pytest.mark.parametrize("point", ["records.before_commit", "records.after_commit"])
def test_a_sync_killed_while_it_follows_is_completed_by_the_next(point, copy, kill) -> None:
    copy.sync(WHOLE)
    recnums = copy.jsoc.series(WHOLE).columns["recnum"].tolist()
    copy.jsoc.revise(WHOLE, recnums[:10], {"DATARMS": 3.25})
    kill(copy, point, "sync", WHOLE)
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)
    assert copy.sync(WHOLE).requests == 1


@pytest.mark.parametrize(
    "number", [4, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 7, 10))]
)
def test_a_sync_killed_at_any_request_is_completed_by_the_next(number, copy) -> None:
    started = threading.Event()
    victims = []
    seen = []

    def strike(request: Request) -> bool:
        seen.append(request)
        if len(seen) == number:
            assert started.wait(60)
            os.kill(victims[0], signal.SIGKILL)
        return False

    copy.jsoc.fault(STOPPED, times=None, when=strike)
    process = copy.command("sync", WHOLE)
    victims.append(process.pid)
    started.set()
    finish(copy, process)
    copy.jsoc.clear_faults()
    assert len(seen) == number
    assert_survived(copy)


def test_what_was_published_stays_readable_while_a_later_run_is_killed(copy, kill) -> None:
    copy.sync(WHOLE)
    published = (copy.settings.mirror / "catalogue.copy.sqlite").read_bytes()
    copy.jsoc.append(WHOLE, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    for point in ("file.before_fsync", "file.before_rename"):
        kill(copy, point, "sync", WHOLE)
        assert (copy.settings.mirror / "catalogue.copy.sqlite").read_bytes() == published
    assert_survived(copy)


def test_a_temporary_file_of_a_killed_process_is_removed_by_the_next_run(copy, kill) -> None:
    copy.sync(WHOLE)
    copy.jsoc.append(WHOLE, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    kill(copy, "file.before_rename", "sync", WHOLE)
    copy.sync(WHOLE)
    assert [path.name for path in copy.settings.mirror.glob(".*.tmp")] == []
