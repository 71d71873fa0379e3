"""``drmsmirror get --process``: ordered once, printed, laid where somebody wants it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drmsmirror.catalogue import Catalogue
from drmsmirror.cli.main import cli
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, asked, series, settings_for

NAME = "hmi.M_45s"
PATCH = "im_patch,t_ref=2014.07.05_00:00:00_TAI,boxunits=pixels"
SAME = "im_patch, boxunits=pixels, t_ref=2014.07.05_00:00:00_TAI"
WANTED = (f"{NAME}[]", "--seg", "magnetogram", "--n", "2", "--fits", "--process")

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A mirror that all tests share, each with orders of its own."""
    with SampleJsoc([series(NAME, 4)], offline_every=0) as jsoc:
        jsoc.exports.polls = 0
        made = Copy(settings_for(tmp_path_factory.mktemp("mirror"), jsoc), jsoc)
        made.sync(NAME)
        yield made


@pytest.fixture
def run(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in copy.environment().items():
        if name.startswith("DRMSMIRROR_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("DRMSMIRROR_SEGMENTS__EMAIL", "you@example.org")
    monkeypatch.setenv("DRMSMIRROR_SEGMENTS__ORDER_WAIT", "0")
    return lambda *arguments: CliRunner().invoke(cli, ("get", *arguments))


def let_time_pass(copy: Copy) -> None:
    """Have the order that is under way be asked about again."""
    with Catalogue.open(copy.settings.mirror / "catalogue.sqlite") as catalogue:
        for order in catalogue.orders.pending(copy.settings.upstream.url):
            earlier = order.asked_utc - timedelta(minutes=1)
            catalogue.orders.save(replace(order, asked_utc=earlier))


def test_files_are_ordered_once_waited_for_and_given_offline_afterwards(
    copy: Copy, run: Run, tmp_path: Path
) -> None:
    copy.jsoc.clear_requests()
    ordered = run(*WANTED, PATCH)
    again = run(*WANTED, SAME)
    let_time_pass(copy)
    done = run(*WANTED, SAME)
    assert [one.exit_code for one in (ordered, again, done)] == [5, 5, 0]
    assert "ordered as JSOC_" in ordered.stderr
    assert "Ask for the same later; no other is ordered" in again.stderr
    paths = done.stdout.splitlines()
    assert len(paths) == 2
    assert all(Path(path).read_bytes().startswith(b"SIMPLE  =") for path in paths)
    assert [one.op for one in asked(copy.jsoc) if one.cgi == "jsoc_fetch"] == [
        "exp_request", "exp_status",
    ]  # fmt: skip

    copy.jsoc.clear_requests()
    told = json.loads(run(*WANTED, PATCH, "--offline", "--json").stdout)
    assert [one["path"] for one in told] == paths
    assert told[0]["file_name"].startswith("hmi.m_45s_mod.")
    assert told[0]["record"].startswith("hmi.M_45s_mod[")
    laid = run(*WANTED, PATCH, "--offline", "--copy", str(tmp_path / "mine"))
    assert laid.stdout.split() == [str(tmp_path / "mine" / one["file_name"]) for one in told]
    assert copy.jsoc.requests == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--process", "sharpen"), 2, "no step of processing that JSOC has"),
        (("--process", "im_patch,t_ref"), 2, "name,argument=value"),
        (("--process", "resize", "--process", "resize"), 2, "is there twice"),
        (("--process", "resize", "--seg", "nosuch"), 2, "has no segment nosuch"),
        (("--process", "resize", "--offline"), 3, "processed by resize"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_with_its_own_exit_code(
    arguments: tuple[str, ...], code: int, said: str, run: Run
) -> None:
    result = run(f"{NAME}[]", *arguments)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_without_an_address_it_is_said_how_to_give_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DRMSMIRROR_SEGMENTS__EMAIL")
    result = run(f"{NAME}[]", "--process", "resize")
    assert result.exit_code == 2
    assert "register" in result.stderr


def test_an_order_that_fails_says_why(
    copy: Copy, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy.jsoc.exports, "failure", "The machine is broken")
    run(*WANTED, "rebin,scale=2")
    let_time_pass(copy)
    result = run(*WANTED, "rebin,scale=2")
    assert result.exit_code == 1
    assert "The machine is broken [status=4]" in result.stderr
