"""Fixtures: settings that never wait, the sample JSOC, and the recorded answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:  # `pytest` without `python -m` leaves the project's root out
    sys.path.insert(0, str(ROOT))

from drmsmirror.settings import UpstreamSettings  # noqa: E402
from tests.jsoc import Fault, FaultKind, Request, SampleJsoc, shared_data  # noqa: E402

SettingsFor = Callable[..., UpstreamSettings]


class CountedJsoc(SampleJsoc):
    """A sample that notes requests as they come.

    Its own log has them when they are over, which may be after the answer has been read.

    Attributes
    ----------
    asked : list of Request
    faults : list of FaultKind or None
        What each was answered with.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked: list[Request] = []
        self.faults: list[FaultKind | None] = []

    def take_fault(self, asked: Request) -> Fault | None:
        fault = super().take_fault(asked)
        self.asked.append(asked)
        self.faults.append(fault.kind if fault else None)
        return fault


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample is on loopback, whatever proxy the machine has."""
    for name in (
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "")


@pytest.fixture
def settings_for() -> SettingsFor:
    """Settings for a server, without waits: three attempts, no pause between them."""

    def make(url: str = "http://127.0.0.1:9", **changes: object) -> UpstreamSettings:
        quick = {
            "requests_per_second": 1000.0,
            "attempts": 3,
            "retry_wait": 0.0,
            "max_retry_wait": 0.0,
            "read_timeout": 20.0,
        }
        return UpstreamSettings.model_validate({"url": url, **quick, **changes})

    return make


@pytest.fixture
def jsoc() -> Iterator[CountedJsoc]:
    """A small JSOC of one's own."""
    with CountedJsoc(["hmi.sharp_720s", "hmi.M_45s"], size="small") as running:
        yield running
        assert running.failures == []


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Folder of recorded JSOC answers, or skip."""
    folder = shared_data()
    if folder is None or not (folder / "jsoc-recorded").is_dir():
        pytest.skip("no recorded answers here: set JSOC_SHARED_DATA")
    return folder / "jsoc-recorded"
