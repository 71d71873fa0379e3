"""SIGKILL at any moment loses and repeats no finished window, and nothing false is claimed."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from drmsmirror.failpoints import POINTS
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import gaps
from drmsmirror.model.extent import extent_of
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.records import count_records
from drmsmirror.settings import Settings
from tests.e2e.conftest import Command
from tests.faults.conftest import SERIES, content, stall_at, windows_fetched
from tests.jsoc import SampleJsoc


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a mirror holds after a sync that nobody disturbed."""
    with SampleJsoc([SERIES], size="small") as jsoc:
        command = Command(tmp_path_factory.mktemp("undisturbed") / "mirror", jsoc.url)
        assert command("sync", SERIES).returncode == 0
    return content(command.mirror)


@pytest.mark.parametrize("point", [*POINTS, "records.after_commit:3", "catalogue.after_commit:4"])
def test_a_run_killed_at_a_named_point_is_taken_up_by_the_next(
    point: str, command: Command, jsoc: SampleJsoc, undisturbed: str
) -> None:
    killed = command("sync", SERIES, more={"DRMSMIRROR_FAILPOINT": point})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    finished = _finished_windows(command.mirror)
    _assert_claims_hold(command.mirror)

    assert command("sync", SERIES).returncode == 0

    assert content(command.mirror) == undisturbed
    repeated = Counter(windows_fetched(jsoc))
    assert sum(times - 1 for times in repeated.values()) <= 1  # the window that was killed
    assert finished <= len(repeated)
    _assert_no_partial_file_is_visible(command.mirror)


@pytest.mark.parametrize("request_number", [3, 6, 9, 12])
def test_a_run_killed_while_it_waits_for_the_upstream_is_taken_up_by_the_next(
    request_number: int, command: Command, jsoc: SampleJsoc, undisturbed: str
) -> None:
    stalled = stall_at(jsoc, request_number)
    with command.start("sync", SERIES) as process:
        assert stalled.wait(60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    jsoc.release()
    jsoc.clear_faults()
    _assert_claims_hold(command.mirror)

    done = command("sync", SERIES)

    assert done.returncode == 0, done.stderr
    assert content(command.mirror) == undisturbed


def test_an_interrupted_run_says_so_and_the_next_goes_on(
    command: Command, jsoc: SampleJsoc, undisturbed: str
) -> None:
    stalled = stall_at(jsoc, 9)
    with command.start("sync", SERIES) as process:
        assert stalled.wait(60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    jsoc.release()
    jsoc.clear_faults()

    assert process.returncode == 130
    assert "Interrupted; what was finished is kept." in said
    assert "Traceback" not in said
    assert command("sync", SERIES).returncode == 0
    assert content(command.mirror) == undisturbed


def test_two_runs_of_one_series_do_not_work_at_once(command: Command, jsoc: SampleJsoc) -> None:
    command("init")
    stalled = stall_at(jsoc, 6)
    more = {"DRMSMIRROR_UPSTREAM__ATTEMPTS": "3", "DRMSMIRROR_UPSTREAM__RETRY_WAIT": "0"}
    with command.start("sync", SERIES, more=more) as first:
        assert stalled.wait(60)
        second = command("sync", SERIES)
        jsoc.release()
        first.communicate(timeout=120)

    assert second.returncode == 7
    assert f"process {first.pid}" in second.stderr
    assert first.returncode == 0


def _finished_windows(mirror: Path) -> int:
    if not (mirror / "catalogue.sqlite").exists():
        return 0
    with sqlite3.connect(mirror / "catalogue.sqlite") as connection:
        return int(connection.execute("SELECT count(*) FROM coverage").fetchone()[0])


def _assert_claims_hold(mirror: Path) -> None:
    """Coverage never speaks of rows that are not in the table."""
    if not (mirror / "catalogue.sqlite").exists():
        return
    with Mirror.open(Settings(mirror=mirror)) as opened:
        known = [summary.name for summary in opened.catalogue.series()]
        if SERIES not in known or opened.catalogue.state(SERIES).table_path is None:
            return
        definition = opened.catalogue.definition(SERIES)
        table = opened.table(definition)
        (wanted,) = bind(parse_recordset(SERIES), opened.catalogue.definition).sets
        assert count_records(table, wanted) >= 0
        (piece,) = extent_of(wanted)
        entries = opened.catalogue.coverage(SERIES)
        missing = gaps(piece.interval, [entry.interval for entry in entries])
        assert missing or count_records(table, wanted) == opened.catalogue.state(SERIES).rows_held


def _assert_no_partial_file_is_visible(mirror: Path) -> None:
    assert [path for path in mirror.rglob("*.tmp") if not path.name.startswith(".")] == []
