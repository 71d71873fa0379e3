"""``maintain``, ``drop`` and ``du``: what they print, and with which code they end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drmsmirror.cli.main import cli
from drmsmirror.settings import load_settings
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

NAME = "hmi.M_45s"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def jsoc() -> Iterator[SampleJsoc]:
    with SampleJsoc([series(NAME, 30)]) as server:
        yield server


@pytest.fixture
def run(jsoc: SampleJsoc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a mirror that holds a series."""
    Copy(settings_for(tmp_path / "mirror", jsoc), jsoc).sync(NAME)
    monkeypatch.setenv("DRMSMIRROR_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("DRMSMIRROR_UPKEEP__KEEP_HOURS", "0")
    assert load_settings().upkeep.keep_hours == 0

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments)

    return run


def test_maintain_says_what_is_due_does_it_and_then_has_nothing_to_do(run: Run) -> None:
    dry, done, again = run("maintain", "--dry-run"), run("maintain"), run("maintain")

    assert [one.exit_code for one in (dry, done, again)] == [0, 0, 0]
    assert dry.stdout == done.stdout == ""
    assert f"{NAME}: keep the log of the records for 0 hours." in dry.stderr
    assert f"{NAME}: keep the log of the records for 0 hours (0 s)." in done.stderr
    assert again.stderr == "Nothing is due.\n"


def test_maintain_tells_a_script_what_it_left(run: Run) -> None:
    told = json.loads(run("maintain", "--dry-run", "--json").stdout)
    late = json.loads(run("maintain", "--deadline", "0s", "--json").stdout)

    assert (told["done"], told["failed"]) == ([], [])
    assert told["left"][0].items() >= {"series": NAME, "why": "this is a dry run"}.items()
    assert late["left"][0]["why"] == "no time was left"


def test_maintain_ends_with_5_where_a_series_cannot_be_kept(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "mirror/records/hmi/m_45s/_delta_log"
    log.rename(log.with_name("elsewhere"))
    done = run("maintain")

    assert done.exit_code == 5
    assert f"  {NAME}: The record table" in done.stderr


def test_a_drop_is_shown_agreed_to_and_done(run: Run) -> None:
    run("tag", "paper")
    dry = run("drop", f"{NAME}[][1]", "--dry-run", "--json")
    refused = run("drop", f"{NAME}[][1]")
    done = run("drop", f"{NAME}[][1]", "--yes")
    (told,) = json.loads(dry.stdout)

    assert (dry.exit_code, refused.exit_code, done.exit_code) == (0, 2, 0)
    assert "without a terminal give --yes" in refused.stderr
    assert f"{told['rows']} rows of {NAME}[][1] would go" in dry.stderr
    assert f"{told['rows']} rows of {NAME}[][1] went" in done.stderr
    assert "What was published elsewhere is not touched." in done.stderr
    assert "Questions --as-of paper lack it from then on" in dry.stderr
    assert run("query", f"{NAME}[][1]", "--key", "T_REC", "--offline").exit_code == 3
    assert "0 rows" in run("drop", f"{NAME}[][1]", "--yes").stderr


def test_a_series_that_is_subscribed_to_goes_only_with_its_subscription(run: Run) -> None:
    run("subscribe", NAME, "--offline")
    refused, done = run("drop", NAME, "--yes"), run("drop", NAME, "--yes", "--unsubscribe")

    assert (refused.exit_code, done.exit_code) == (1, 0)
    assert f"  drmsmirror unsubscribe {NAME}" in refused.stderr
    assert f"30 rows of all of {NAME} went" in done.stderr
    assert f"subscriptions to {NAME}" in done.stderr
    assert json.loads(run("du", "--json").stdout)["rooms"][0]["kind"] == "catalogue"
    assert run("drop", "hmi.nosuch", "--yes").exit_code == 3


def test_du_says_what_is_there_and_what_can_be_freed(run: Run) -> None:
    run("drop", f"{NAME}[][1]", "--yes")
    found = json.loads(run("du", "--json").stdout)
    kinds = {room["kind"]: room for room in found["rooms"]}
    lines = run("du", NAME)

    assert kinds.keys() == {
        "records", "superseded records", "log of the records", "catalogue", "copy of the catalogue"
    }  # fmt: skip
    superseded = kinds["superseded records"]
    assert superseded["free_now"] == superseded["bytes"] == found["free_now"] > 0
    assert found["bytes"] == sum(room["bytes"] for room in found["rooms"])
    assert lines.stdout.splitlines()[0].split() == [
        "series", "what", "files", "size", "free", "now", "free", "later"
    ]  # fmt: skip
    assert "`drmsmirror maintain` frees" in lines.stderr
    run("maintain")
    assert json.loads(run("du", "--json").stdout)["free_now"] == 0


def test_du_says_when_what_readers_may_need_can_be_freed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRMSMIRROR_UPKEEP__KEEP_HOURS", "24")
    run("drop", f"{NAME}[][1]", "--yes")
    (room,) = (
        room
        for room in json.loads(run("du", NAME, "--json").stdout)["rooms"]
        if room["kind"] == "superseded records"
    )
    assert (room["free_now"], room["free_later"]) == (0, room["bytes"])
    assert " by 20" in run("du", NAME).stdout
