"""Fixtures: one small sample JSOC to read from, one to change, and the recorded answers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:  # `pytest` without `python -m` leaves the project's root out
    sys.path.insert(0, str(ROOT))

from tests.jsoc import SampleJsoc, builtin_names, shared_data  # noqa: E402


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Folder of the conformance vectors."""
    return ROOT / "tests" / "vectors"


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Folder of recorded JSOC answers, or skip."""
    folder = shared_data()
    if folder is None or not (folder / "jsoc-recorded").is_dir():
        pytest.skip("no recorded answers here: set JSOC_SHARED_DATA")
    return folder / "jsoc-recorded"


@pytest.fixture(scope="session")
def jsoc() -> Iterator[SampleJsoc]:
    """Every built-in series, small; only to be read."""
    with SampleJsoc(builtin_names(), size="small") as running:
        yield running


@pytest.fixture
def living() -> Iterator[SampleJsoc]:
    """Two small series of one's own, to be changed."""
    with SampleJsoc(["hmi.sharp_720s", "hmi.M_45s"], size="small") as running:
        yield running
        assert running.failures == []
