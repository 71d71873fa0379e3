"""What the benches say of their figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from drmsmirror.client import Client
from drmsmirror.mirror import Mirror
from drmsmirror.settings import Settings
from scripts.bench import hits, nights, objects, requests, small, verifying
from scripts.bench.holdings import hold, wide
from scripts.bench.measure import Figure, exit_code


def figure(met: bool | None) -> Figure:
    return Figure("ingest", "rows a second", "1", required="at least 2", met=met)


@pytest.mark.parametrize(
    ("met", "check", "code"),
    [
        ([True, None], True, 0),
        ([True, None, False], True, 1),
        ([True, None, False], False, 0),
        ([], True, 0),
    ],
)
def test_a_figure_that_is_not_as_required_fails_a_check(
    met: list[bool | None], check: bool, code: int
) -> None:
    assert exit_code([figure(each) for each in met], check=check) == code


def test_the_series_that_benches_ask_is_held_as_a_whole(tmp_path: Path) -> None:
    settings = Settings(mirror=tmp_path)
    with Mirror.create(settings) as mirror:
        name = hold(mirror, wide(300, 5), window=100).name
    with Client(settings, policy="offline") as client:
        assert len(client.answer(name, ["T_REC"]).texts()["T_REC"]) == 300


@pytest.mark.long
def test_small_answers_are_checked_and_compared_with_those_of_a_shorter_series() -> None:
    found = small.figures(few=5_000, many=50_000, repeats=1)
    assert {one.floor.partition("(")[2] for one in found[:-1]} == {"5,000 records)"}
    assert "50,000" in found[-1].what
    assert all(one.required for one in found)


def test_a_night_asks_for_little_more_than_the_least() -> None:
    found = requests.figures(before=5_000, new=(0, 1, 2_500))
    assert [one.floor for one in found] == ["1", "2", "2"]
    assert all(one.met for one in found)


def test_nights_of_a_long_series_are_checked_and_compared_with_those_of_a_shorter_one() -> None:
    found = nights.figures(few=6_000, many=12_000, nights=1)
    assert len(found) == 3
    assert all("6,000" in one.floor for one in found)


def test_objects_are_checked_and_compared_with_what_no_store_can_do_without() -> None:
    found = objects.figures(files=2, size=100_000, repeats=1)
    assert ["at least" in one.required for one in found] == [True, False, True]


@pytest.mark.long
def test_files_that_are_there_are_checked_and_compared_with_those_among_few() -> None:
    found = hits.figures(few=300, many=600, repeats=1)
    assert "no request" in found[0].what
    assert all(one.floor.endswith("(300 files)") for one in found[2:])
    assert [bool(one.required) for one in found] == [index != 1 for index in range(len(found))]


@pytest.mark.long
def test_verifying_is_checked_and_compared_with_bare_digests() -> None:
    speed, memory = verifying.figures(50_000, (1_000, 2_000), repeats=1, few=10, many=100)
    assert speed.what.startswith("34 files")
    assert memory.met
