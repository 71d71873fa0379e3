"""A whole mirror on either database: what is synced is answered, and not fetched again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drmsmirror.client.holdings import holdings
from drmsmirror.client.sql import run_sql
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, asked, series, settings_for

NAME = "hmi.M_45s"


@pytest.fixture
def copy(nowhere: str, tmp_path: Path) -> Iterator[Copy]:
    """Give a mirror whose catalogue is at an address of its own, beside a sample upstream."""
    with SampleJsoc([series(NAME, 150)]) as jsoc:
        yield Copy(settings_for(tmp_path / "records", jsoc, catalogue_url=nowhere), jsoc)


def test_a_series_is_synced_and_answered_offline(copy: Copy) -> None:
    report = copy.sync(NAME)
    assert report.records_new == copy.jsoc.series(NAME).rows
    assert copy.assert_same(f"{NAME}[]") > 0
    copy.assert_covered(NAME)
    latest = int(copy.jsoc.series(NAME).latest.sum())
    with copy.open() as mirror:
        assert run_sql(mirror, f"select count(*) from {NAME}")[1] == [(latest,)]
        (held,) = holdings(mirror)
    assert (held.name, held.rows) == (NAME, report.records_new)


def test_what_is_held_is_not_fetched_again(copy: Copy) -> None:
    copy.sync(NAME)
    again = copy.sync(NAME)
    assert again.records_new == again.records_revised == 0
    assert asked(copy.jsoc, "rs_list") == []


def test_the_records_lie_in_the_mirror_and_the_catalogue_elsewhere(copy: Copy) -> None:
    copy.sync(NAME)
    found = {path.name for path in copy.settings.mirror.iterdir()}
    assert found == {"drmsmirror.toml", "records"}
