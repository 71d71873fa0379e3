"""The installed command, run as a person runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.forking import Ended, Forks
from tests.jsoc import SampleJsoc

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Command:
    """``drmsmirror`` with a mirror and an upstream of its own."""

    mirror: Path
    upstream: str
    forks: Forks

    @property
    def environment(self) -> dict[str, str]:
        """The settings, by environment."""
        own = {
            name: text for name, text in os.environ.items() if not name.startswith("DRMSMIRROR_")
        }
        return own | {
            "DRMSMIRROR_MIRROR": str(self.mirror),
            "DRMSMIRROR_UPSTREAM__URL": self.upstream,
            "DRMSMIRROR_UPSTREAM__REQUESTS_PER_SECOND": "1000",
            "DRMSMIRROR_UPSTREAM__ATTEMPTS": "1",
            "PYTHONPATH": str(PROJECT),
        }

    def __call__(self, *arguments: str, more: Mapping[str, str] | None = None) -> Ended:
        """Run it to its end; stdin is no terminal."""
        environment = self.environment | dict(more or {})
        return self.forks.run(arguments, environment, self.mirror.parent)

    def start(
        self, *arguments: str, more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start it and go on; it can be interrupted, even where the tests run in the background."""
        return subprocess.Popen(
            [sys.executable, "-m", "drmsmirror", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
            env=self.environment | dict(more or {}),
            cwd=self.mirror.parent,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )


@pytest.fixture(scope="session")
def jsoc() -> Iterator[SampleJsoc]:
    """A sample upstream with little content."""
    with SampleJsoc(["hmi.sharp_720s", "hmi.synoptic_mr_720s"], size="small") as server:
        yield server


@pytest.fixture
def empty(jsoc: SampleJsoc, tmp_path: Path, running: Forks) -> Command:
    """The command, with no mirror yet."""
    return Command(tmp_path / "mirror", jsoc.url, running)


@pytest.fixture(scope="session")
def filled(jsoc: SampleJsoc, tmp_path_factory: pytest.TempPathFactory, running: Forks) -> Command:
    """The command, with a mirror that holds hmi.sharp_720s; tests must not change it."""
    command = Command(tmp_path_factory.mktemp("filled") / "mirror", jsoc.url, running)
    assert command("sync", "hmi.sharp_720s").returncode == 0
    return command
