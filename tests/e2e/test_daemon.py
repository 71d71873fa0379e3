"""The daemon as a process: by itself, and as docker-compose.yml runs it beside PostgreSQL."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from drmsmirror.catalogue import Catalogue, DutyOutcome, RunOutcome, utc_now
from drmsmirror.model.subscription import Subscription
from tests.e2e.conftest import PROJECT, Command
from tests.jsoc import FaultKind, Request, SampleJsoc

SYNOPTIC, SHARP = "hmi.synoptic_mr_720s", "hmi.sharp_720s"
HOURLY = "0 * * * *"
SECRET = "it is p@ss:word/ and more"
#: Longer than a process needs for anything; where one hangs the test ends.
PATIENCE = 120


def subscribe(address: Path | str, record_set: str) -> None:
    """Subscribe to what is due since an hour."""
    with Catalogue.open(address, clock=lambda: utc_now() - timedelta(hours=1)) as catalogue:
        catalogue.subscriptions.add(Subscription.of(record_set, schedule=HOURLY))


class Running:
    """A daemon that runs; what it logs is read until it says what is waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[dict[str, Any]] = []

    def wait_for(self, event: str) -> dict[str, Any]:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(json.loads(line))
            if self.said[-1]["event"] == event:
                return self.said[-1]
        raise AssertionError(f"it ended without {event}: {self.said}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        _, rest = self.process.communicate(timeout=PATIENCE)
        self.said += [json.loads(line) for line in rest.splitlines()]
        return self.process.returncode


@contextmanager
def running(process: subprocess.Popen[str]) -> Iterator[Running]:
    """Let a daemon run while the block does, and no longer than anything takes."""
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        yield Running(process)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def test_one_that_is_stopped_in_a_sync_leaves_it_to_the_next(empty: Command) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def hold(request: Request) -> bool:
        if request.op != "rs_list":
            return False
        asked.set()
        return not go_on.wait(PATIENCE)

    with SampleJsoc([SYNOPTIC], size="small") as jsoc:
        jsoc.fault(FaultKind.HTML, times=None, when=hold)
        command = replace(empty, upstream=jsoc.url)
        command("init")
        catalogue = command.mirror / "catalogue.sqlite"
        subscribe(catalogue, SYNOPTIC)
        with running(command.start("daemon", "--log", "json")) as daemon:
            assert asked.wait(PATIENCE)
            assert daemon.stop() == 0
        go_on.set()
        assert [line["event"] for line in daemon.said[-2:]] == ["duty.interrupted", "daemon.ended"]
        with Catalogue.open(catalogue) as opened:
            assert opened.leases.all() == ()
            (duty,) = [duty for duty in opened.duties.all() if duty.name != "maintain"]
            assert duty.outcome is DutyOutcome.STOPPED
        assert command("health").returncode == 9

        done = command("daemon", "--once")
        assert done.returncode == 0
        assert "event=duty.done" in done.stderr
        assert command("health").returncode == 0
    with Catalogue.open(catalogue) as opened:
        assert opened.runs.recent()[0].outcome is RunOutcome.DONE


def test_a_sync_by_hand_leaves_metrics_in_the_file_even_where_it_fails(
    empty: Command, tmp_path: Path
) -> None:
    file = tmp_path / "drmsmirror.prom"
    setting = {"DRMSMIRROR_DAEMON__METRICS_FILE": str(file)}

    assert empty("sync", "hmi.nosuch", more=setting).returncode == 3
    assert "drmsmirror_up 1.0" in file.read_text(encoding="utf-8").splitlines()


# -- as docker-compose.yml says -------------------------------------------------------------------


@pytest.fixture
def database(server: str) -> Iterator[tuple[psycopg.Connection, str]]:
    """Give a database as the service ``catalogue`` has it, and where: it asks for the password."""
    with psycopg.connect(server, autocommit=True) as admin:
        (rules,) = admin.execute("SHOW hba_file").fetchone() or ()
        before = Path(rules).read_text(encoding="utf-8")
        asking = "local all drmsmirror scram-sha-256\nhost all drmsmirror all scram-sha-256\n"
        Path(rules).write_text(asking + before, encoding="utf-8")
        admin.execute("SELECT pg_reload_conf()")
        admin.execute(f"CREATE ROLE drmsmirror LOGIN PASSWORD '{SECRET}'".encode())
        admin.execute("CREATE DATABASE drmsmirror OWNER drmsmirror")
        yield admin, server.partition("?")[2]
        admin.execute("DROP DATABASE drmsmirror WITH (FORCE)")
        admin.execute("DROP ROLE drmsmirror")
        Path(rules).write_text(before, encoding="utf-8")
        admin.execute("SELECT pg_reload_conf()")


class Service:
    """The service ``daemon`` of docker-compose.yml as a process, its paths and hosts moved here.

    What stands for a folder of the container, or for the host and port of another service, is
    replaced by what it is here. Everything else is taken as it stands.
    """

    def __init__(self, folder: Path, reached_by: str, port: int, more: Mapping[str, str]) -> None:
        compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
        self.service = compose["services"]["daemon"]
        (folder / "secrets").mkdir()
        for secret in self.service["secrets"]:
            (folder / "secrets" / secret).write_text(f"{SECRET}\n", encoding="utf-8")
        here = {
            "/mirror": str(folder / "mirror"),
            "/run/secrets": str(folder / "secrets"),
            "0.0.0.0": "127.0.0.1",
            "9310": str(port),
        }
        own = {name: text for name, text in os.environ.items() if "DRMSMIRROR_" not in name}
        given = {
            name: here.get(value, re.sub(r"\$\{\w+:-(.*)\}", r"\1", value))
            for name, value in self.service["environment"].items()
        }
        url = given["DRMSMIRROR_CATALOGUE_URL"]
        assert "@catalogue:5432/" in url
        self.url = f"{url.replace('@catalogue:5432/', '@/')}?{reached_by}"
        given["DRMSMIRROR_CATALOGUE_URL"] = self.url
        self.environment = own | given | {"PYTHONPATH": str(PROJECT)} | more

    def _line(self, command: list[str]) -> list[str]:
        assert command[0] == "drmsmirror"
        return [sys.executable, "-P", "-m", *command]

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._line(self.service["command"]),
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            text=True, env=self.environment,
        )  # fmt: skip

    def check(self) -> subprocess.CompletedProcess[str]:
        """Run its health check."""
        return self.run(self.service["healthcheck"]["test"][1:])

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command beside it, as ``docker compose exec`` does."""
        return subprocess.run(
            self._line(command),
            capture_output=True, text=True, env=self.environment, timeout=PATIENCE, check=False,
        )  # fmt: skip


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_what_the_compose_file_runs_keeps_a_mirror_current(
    tmp_path: Path, database: tuple[psycopg.Connection, str], jsoc: SampleJsoc
) -> None:
    admin, reached_by = database
    port = free_port()
    quick = {
        "DRMSMIRROR_UPSTREAM__URL": jsoc.url,
        "DRMSMIRROR_UPSTREAM__REQUESTS_PER_SECOND": "1000",
        "DRMSMIRROR_DAEMON__LOOK_EVERY": "0.2",
    }
    service = Service(tmp_path, reached_by, port, quick)
    assert service.check().returncode == 3  # not yet
    with running(service.start()) as daemon:
        daemon.wait_for("daemon.begun")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(service.url)
        with_secret = service.url.replace("@/", ":it%20is%20p%40ss%3Aword%2F%20and%20more@/")
        subscribe(with_secret, f"{SHARP}[4315]")
        done = daemon.wait_for("sync.done")
        daemon.wait_for("duty.done")
        assert (done["record_set"], done["new"] > 0) == (f"{SHARP}[4315]", True)
        healthy = service.check()
        assert (healthy.returncode, healthy.stderr) == (0, "")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            assert f'drmsmirror_rows{{series="{SHARP}"}} {done["rows"]}.0'.encode() in answer.read()

        admin.execute("ALTER DATABASE drmsmirror ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'drmsmirror'"
        )
        daemon.wait_for("catalogue.away")
        assert "cannot work" in service.check().stderr
        admin.execute("ALTER DATABASE drmsmirror ALLOW_CONNECTIONS true")
        daemon.wait_for("catalogue.back")
        assert service.check().returncode == 0
        assert daemon.stop() == 0

    assert service.check().returncode == 9
    question = ["query", f"{SHARP}[4315]", "--key", "T_REC", "--offline", "--format", "csv"]
    answer_here = service.run(["drmsmirror", *question])
    assert len(answer_here.stdout.splitlines()) == done["rows"] + 1, answer_here.stderr
    assert SECRET not in json.dumps(daemon.said) + healthy.stdout
