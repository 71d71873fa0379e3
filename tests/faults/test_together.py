"""Several processes on one mirror: one works, others are told so; readers need only read."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from drmsmirror.catalogue import REVISIONS
from tests.jsoc import Fault, FaultKind, Request
from tests.unit.sync.mirrors import PROJECT, Copy

WHOLE = "hmi.M_45s"
STALL = Fault(FaultKind.STALL)


@pytest.fixture
def copy(copy_of) -> Copy:
    return copy_of(WHOLE, rows=150, sync={"first_window": 40}, upstream={"attempts": 3})


class Arrived:
    """Accepts the n-th list of a window, and says when it has come."""

    def __init__(self, n: int) -> None:
        self.left = n
        self.event = threading.Event()

    def __call__(self, request: Request) -> bool:
        if request.op != "rs_list" or "n" in request.params:
            return False
        self.left -= 1
        if self.left:
            return False
        self.event.set()
        return True


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_two_syncs_of_one_series_at_once_one_works_and_one_is_told_who(copy) -> None:
    arrived = Arrived(2)
    copy.jsoc.fault(STALL, times=1, when=arrived)
    first = copy.command("sync", WHOLE)
    assert arrived.event.wait(60)
    code, out, err = finish(copy.command("sync", WHOLE))
    assert code == 7
    assert out == ""
    assert f"process {first.pid}" in err
    assert "Traceback" not in err
    copy.jsoc.release()
    code, _, err = finish(first)
    assert code == 0, err
    copy.assert_same(WHOLE)


def test_a_locked_series_is_an_error_that_scripts_can_read(copy) -> None:
    arrived = Arrived(1)
    copy.jsoc.fault(STALL, times=1, when=arrived)
    first = copy.command("sync", WHOLE)
    assert arrived.event.wait(60)
    code, out, err = finish(copy.command("sync", WHOLE, "--json"))
    first.kill()
    finish(first)
    assert (code, out) == (7, "")
    told = json.loads(err.splitlines()[-1])
    assert (told["error"], told["retryable"]) == ("locked", True)


def test_queries_are_answered_while_a_sync_is_under_way(copy) -> None:
    arrived = Arrived(3)
    copy.jsoc.fault(STALL, times=1, when=arrived)
    process = copy.command("sync", WHOLE)
    assert arrived.event.wait(60)
    code, out, err = finish(copy.command("sql", "-f", "csv", f"select count(*) n from {WHOLE}"))
    assert code == 0, err
    assert int(out.split()[1]) > 0
    copy.jsoc.release()
    assert finish(process)[0] == 0


@pytest.mark.parametrize("window", [1, pytest.param(3, marks=pytest.mark.long)])
def test_an_interrupted_sync_says_so_keeps_what_is_finished_and_goes_on(window, copy) -> None:
    arrived = Arrived(window)
    copy.jsoc.fault(STALL, times=1, when=arrived)
    process = copy.command("sync", WHOLE)
    assert arrived.event.wait(60)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    copy.jsoc.release()
    assert code == 130
    assert out == ""
    assert "Interrupted" in err
    assert "Traceback" not in err
    with copy.open() as mirror:
        assert mirror.catalogue.leases.all() == ()
        assert mirror.catalogue.runs.recent()[0].outcome == "stopped"
    assert bool(copy.coverage(WHOLE)) == (window > 1)
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


# ------------------------------------------------------------------------------ readers
@pytest.fixture
def readable(copy_of) -> Iterator[Copy]:
    """Make a mirror that another user can read, and nobody but its owner write."""
    copy = copy_of(WHOLE, rows=100)
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        place = Path(directory) / "mirror"
        copy.settings = copy.settings.model_copy(update={"mirror": place})
        copy.sync(WHOLE)
        if os.getuid() != 0:  # we cannot become another user: take the right from ourselves
            for path in (place / "catalogue.sqlite", place):
                path.chmod(path.stat().st_mode & ~0o222)
        yield copy
        place.chmod(0o755)


#: Becomes another user after everything was imported: that user may not see our interpreter.
READER = """
import contextlib, io, os, sys
from drmsmirror.cli.main import main

def run(*arguments):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as leaving:
        return leaving.code

given = sys.argv[1:]
unseen = io.TextIOWrapper(io.BytesIO())
with contextlib.redirect_stdout(unseen), contextlib.redirect_stderr(unseen):
    run(*given)
    run("status")  # who opens the catalogue to write leaves nothing of SQLite beside it
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sys.exit(run(*given))
"""


def as_reader(copy: Copy, *arguments: str) -> tuple[int, str, str]:
    """Run a command as a user who may not write the mirror."""
    process = subprocess.run(
        [sys.executable, "-P", "-c", READER, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": str(PROJECT),
            "DRMSMIRROR_MIRROR": str(copy.settings.mirror),
            "DRMSMIRROR_UPSTREAM__URL": copy.settings.upstream.url,
        },
        cwd="/",
        timeout=120,
        check=False,
    )
    return process.returncode, process.stdout, process.stderr


def test_a_user_who_may_only_read_can_query_and_use_sql(readable) -> None:
    query = ("query", WHOLE, "--offline", "--key", "T_REC,*recnum*", "--format", "csv")
    code, out, err = as_reader(readable, *query)
    assert code == 0, err
    expected = readable.held(WHOLE, ["T_REC", "*recnum*"])
    rows = [f"{time},{recnum}" for time, recnum in zip(*expected.values(), strict=True)]
    assert out.splitlines() == ["T_REC,*recnum*", *rows]
    code, out, err = as_reader(readable, "sql", "-f", "csv", f"select count(*) as n from {WHOLE}")
    assert (code, out.split()) == (0, ["n", str(len(rows))]), err
    assert as_reader(readable, "status", "--json")[0] == 0
    code, out, err = as_reader(readable, "db", "current")
    assert (code, out.split()[0]) == (0, REVISIONS[-1]), err


def test_a_user_who_may_only_read_is_told_that_a_sync_cannot_be(readable) -> None:
    code, out, err = as_reader(readable, "sync", WHOLE)
    assert code not in (0, 130)
    assert out == ""
    assert "Traceback" not in err


def test_a_user_who_may_only_read_is_told_that_the_catalogue_cannot_be_changed(
    readable,
) -> None:
    backup = readable.settings.mirror.parent / "backup"
    with readable.open() as mirror:
        mirror.catalogue.backup(backup)
    for command in (("upgrade",), ("restore", str(backup))):
        code, _, err = as_reader(readable, "db", *command)
        assert code == 1
        assert "This writes the catalogue" in err
        assert "Traceback" not in err


def test_without_a_published_copy_a_reader_is_told_in_words(readable) -> None:
    (readable.settings.mirror / "catalogue.copy.sqlite").unlink()
    code, _, err = as_reader(readable, "query", WHOLE, "--offline")
    assert code != 0
    assert "Traceback" not in err
    assert err.strip()


# ------------------------------------------------------------------------------ restored copies
def test_a_record_table_older_than_the_catalogue_is_refused_with_what_to_do(copy) -> None:
    copy.sync(f"{WHOLE}[2010.05.01_TAI/1h]")
    records = copy.settings.mirror / "records"
    shutil.copytree(records, copy.settings.mirror.parent / "older")
    copy.sync(WHOLE)
    shutil.rmtree(records)
    shutil.move(copy.settings.mirror.parent / "older", records)
    for arguments in (("query", WHOLE, "--offline"), ("sync", WHOLE), ("status",)):
        code, _, err = finish(copy.command(*arguments))
        assert code == 6, arguments
        assert "older" in err
        assert "drmsmirror db restore" in err
        assert "Traceback" not in err
