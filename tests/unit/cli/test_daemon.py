"""``daemon --once`` and ``health``: exit codes for cron, and words for persons."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from drmsmirror.catalogue import utc_now
from drmsmirror.cli.main import cli
from drmsmirror.model.subscription import Subscription
from tests.unit.sync.mirrors import Copy, copy_of

__all__ = ["copy_of"]

TIMES = "test.timekey"


@pytest.fixture
def copy(copy_of: Callable[..., Copy], monkeypatch: pytest.MonkeyPatch) -> Copy:
    """Give an empty mirror beside a sample upstream, and the settings in the environment."""
    made = copy_of(TIMES, rows=20)
    monkeypatch.setenv("DRMSMIRROR_MIRROR", str(made.settings.mirror))
    monkeypatch.setenv("DRMSMIRROR_UPSTREAM__URL", made.jsoc.url)
    monkeypatch.setenv("DRMSMIRROR_UPSTREAM__REQUESTS_PER_SECOND", "1000")
    monkeypatch.setenv("DRMSMIRROR_UPSTREAM__ATTEMPTS", "1")
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def make_due(copy: Copy, record_set: str) -> None:
    """Subscribe as if an hour ago, to what was due since."""
    with copy.open() as mirror:
        mirror.catalogue.database.clock = lambda: utc_now() - timedelta(hours=1)
        mirror.catalogue.subscriptions.add(Subscription.of(record_set, schedule="* * * * *"))


def test_nothing_that_is_due_is_no_failure(copy: Copy) -> None:
    assert run("daemon", "--once").exit_code == 0


def test_all_failed_or_some(copy: Copy) -> None:
    make_due(copy, "test.nosuch")
    assert run("daemon", "--once").exit_code == 3
    make_due(copy, TIMES)
    with copy.open() as mirror:
        number = next(
            one.id
            for one in mirror.catalogue.subscriptions.all()
            if one.subscription.series != TIMES
        )
        mirror.catalogue.subscriptions.remove(number)
    run("daemon", "--once")
    make_due(copy, f"{TIMES}[1996.05.01_TAI/1d]")
    make_due(copy, "test.nosuch")
    some = run("daemon", "--once", "--log", "json")
    assert some.exit_code == 5
    assert "1 of 2 duties failed" in some.stderr


def test_health_tells_what_was_and_what_comes(copy: Copy) -> None:
    assert run("health").exit_code == 3
    make_due(copy, TIMES)
    make_due(copy, "test.nosuch")
    run("daemon", "--once")
    told = run("health")

    assert told.exit_code == 0
    assert "is ended, since" in told.stdout
    assert "Something last ended well at" in told.stdout
    assert "Next: sync test." in told.stdout
    assert "sync test.nosuch failed the last time: " in told.stdout


def test_health_counts_age_where_it_is_told_to(copy: Copy) -> None:
    make_due(copy, "test.nosuch")
    run("daemon", "--once")
    late = run("health", "--max-age", "26h", "--json")
    shown = json.loads(late.stdout)

    assert late.exit_code == 9
    assert shown["healthy"] is False
    assert any("sync test.nosuch has never ended well" in line for line in shown["problems"])


def test_a_wrong_schedule_of_maintenance_is_a_wrong_setting(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRMSMIRROR_DAEMON__MAINTAIN", "at night")
    done = run("daemon")

    assert done.exit_code == 2
    assert "daemon.maintain: 'at night' is no schedule" in done.stderr
