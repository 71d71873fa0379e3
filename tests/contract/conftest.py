"""One suite, two databases: every test that takes ``catalogue`` runs on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

import drmsmirror
from drmsmirror.catalogue import Catalogue
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import definition_from_struct

PROJECT = Path(drmsmirror.__file__).parent.parent
SERIES = sorted((PROJECT / "tests" / "vectors" / "series").glob("*.json"))
START = datetime(2024, 5, 10, 12, 0, 0, 250_000, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(scope="session")
def admin(server: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        yield connection


def url_of(server: str, database: str) -> str:
    return server.replace("/postgres?", f"/{database}?")


@pytest.fixture(scope="session")
def made_once(
    server: str, admin: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Make an empty catalogue on either database; it is copied, since migrations take longer."""
    admin.execute("CREATE DATABASE made_once")
    Catalogue.create(url_of(server, "made_once")).close()
    path = tmp_path_factory.mktemp("made_once") / "catalogue.sqlite"
    Catalogue.create(path).close()
    return path


@pytest.fixture
def make_database(server: str, admin: psycopg.Connection) -> Iterator[Callable[..., str]]:
    """Make PostgreSQL databases, giving the URL of each."""
    names: list[str] = []

    def make(template: str = "template1") -> str:
        names.append(f"catalogue{len(names) + 1}")
        admin.execute(f"CREATE DATABASE {names[-1]} TEMPLATE {template}".encode())
        return url_of(server, names[-1])

    yield make
    for name in names:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def nowhere(backend: str, tmp_path: Path, make_database: Callable[[], str]) -> str:
    """Give the address of a place where there is no catalogue yet."""
    if backend == "postgresql":
        return make_database()
    return f"sqlite:///{tmp_path}/new mirror/catalogue.sqlite"


@pytest.fixture
def address(
    backend: str, made_once: Path, tmp_path: Path, make_database: Callable[..., str]
) -> str:
    """Give the address of an empty catalogue of the test's own."""
    if backend == "postgresql":
        return make_database("made_once")
    path = tmp_path / "mirror" / "catalogue.sqlite"
    path.parent.mkdir()
    shutil.copy(made_once, path)
    return f"sqlite:///{path}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalogue(address: str, clock: Clock) -> Iterator[Catalogue]:
    with Catalogue.open(address, clock=clock) as opened:
        yield opened


def stored_definition(name: str) -> SeriesDefinition:
    """Read one of the synthetic series that the tests keep."""
    answer = json.loads((PROJECT / "tests/vectors/series" / f"{name}.json").read_text())
    return definition_from_struct(name.lower(), answer)


def child(program: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start a Python process of its own that can import what the tests import."""
    return subprocess.Popen(
        [sys.executable, "-P", "-W", "error", "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | variables,
    )


@contextmanager
def obedient(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run such a process, which says that it is ready and goes on by a line each time."""
    process = child(program, *arguments)
    try:
        assert line_of(process) == "ready"
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    """Read the next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    """Let a process go on that waits for a line."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def run_child(program: str, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run such a process to its end: return code, stdout, stderr."""
    with child(program, *arguments, **variables) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err
