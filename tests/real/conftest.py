"""Real answers of JSOC, read where they lie; without them these tests are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import EVERYTHING
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import definition_from_struct
from drmsmirror.settings import Settings
from tests.jsoc import shared_data

#: The keywords that were recorded, and their types in hmi.sharp_720s.
RECORDED_KEYS = (
    "T_REC",
    "HARPNUM",
    "TOTUSJH",
    "TOTUSJZ",
    "TOTPOT",
    "USFLUX",
    "ABSNJZH",
    "SAVNCPP",
)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded data."""
    folder = shared_data()
    if folder is None:
        pytest.skip("there is no recorded JSOC data beside the project (JSOC_SHARED_DATA names it)")
    return folder


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    settings = Settings(mirror=tmp_path / "mirror")
    with Mirror.create(settings) as made:
        yield made


@pytest.fixture(scope="session")
def sharp_nrt() -> SeriesDefinition:
    """As much of hmi.sharp_720s_nrt as was recorded; the slots are those of hmi.sharp_720s."""
    return sharp_like("hmi.sharp_720s_nrt", RECORDED_KEYS[2:])


def sharp_like(name: str, floats: tuple[str, ...]) -> SeriesDefinition:
    """A definition with the prime keys of the SHARP series and some float keywords."""

    def keyword(key: str, type_: str, scope: str = "variable", default: str = "") -> dict[str, str]:
        return {"name": key, "type": type_, "recscope": scope, "defval": default, "units": "TAI"}

    return definition_from_struct(
        name,
        {
            "primekeys": ["HARPNUM", "T_REC"],
            "dbindex": ["HARPNUM", "T_REC"],
            "keywords": [
                keyword("HARPNUM", "int"),
                keyword("T_REC", "time", "ts_eq"),
                keyword("T_REC_index", "longlong", "index"),
                keyword("T_REC_epoch", "time", "constant", "1993.01.01_00:00:00_TAI"),
                keyword("T_REC_step", "float", "constant", "720.0"),
                *(keyword(key, "float") for key in floats),
            ],
            "segments": [],
            "links": [],
        },
    )


def everything(definition: SeriesDefinition) -> CoverageEntry:
    """The statement that all of a series is held."""
    return CoverageEntry(
        interval=EVERYTHING,
        restriction=Restriction(),
        columns=frozenset(column.name for column in definition.columns),
        versions=Versions.LATEST,
        generation=0,
        as_of_recnum=0,
        as_of_utc=datetime(2024, 5, 10, tzinfo=UTC),
    )


def at_full_speed(url: str) -> dict[str, object]:
    """Settings of a server that is asked without waiting."""
    return {"url": url, "requests_per_second": 1000.0, "attempts": 1}
