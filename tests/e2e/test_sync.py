"""What ``drmsmirror sync`` asks, says and shows: on a terminal, and without one."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from drmsmirror.catalogue import Catalogue, RunOutcome
from tests.e2e.conftest import Command
from tests.e2e.terminals import Terminal
from tests.jsoc import FaultKind, Request, SampleJsoc

SHARP, SYNOPTIC = "hmi.sharp_720s", "hmi.synoptic_mr_720s"
LONG = {"DRMSMIRROR_SYNC__ASK_ABOVE_MINUTES": "0"}
SHORT = {"DRMSMIRROR_SYNC__ASK_ABOVE_MINUTES": "1e6", "DRMSMIRROR_SYNC__ASK_ABOVE_GIB": "1e6"}
NO_TIME = {"DRMSMIRROR_SYNC__MAX_RUN": "0.001"}


# ------------------------------------------------------------------------------ on a terminal
def test_a_long_run_is_asked_about_and_not_begun_without_consent(empty: Command) -> None:
    with Terminal.running(empty, "sync", SHARP, more=LONG) as terminal:
        terminal.read_until("Go on?")
        terminal.type("n")
        assert terminal.finish() == 0

    assert "0% of hmi.sharp_720s is held; to go on:" in terminal.shown
    assert json.loads(empty("status", "--json").stdout)["series"] == []


def test_with_consent_it_runs_to_its_end_under_a_bar(empty: Command) -> None:
    with Terminal.running(empty, "sync", SHARP, more=LONG) as terminal:
        terminal.read_until("Go on?")
        terminal.type("y")
        assert terminal.finish() == 0

    assert "━" in terminal.shown
    assert "records, back to" not in terminal.shown
    assert "All of hmi.sharp_720s is held" in terminal.shown


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "more"),
    [((), SHORT), (("--yes",), LONG)],
    ids=["a short run", "answered beforehand"],
)
def test_nobody_is_asked_needlessly(
    empty: Command, arguments: tuple[str, ...], more: dict[str, str]
) -> None:
    with Terminal.running(empty, "sync", SHARP, *arguments, more=more) as terminal:
        assert terminal.finish() == 0

    assert "Go on?" not in terminal.shown
    assert "All of hmi.sharp_720s is held" in terminal.shown


def test_much_to_fetch_is_asked_about_though_little_is_stored(empty: Command) -> None:
    """The answers of the sample upstream are several times as large as what is stored of them."""
    between = SHORT | {"DRMSMIRROR_SYNC__ASK_ABOVE_GIB": "0.0015"}
    with Terminal.running(empty, "sync", SHARP, more=between) as terminal:
        terminal.read_until("Go on?")
        terminal.type("n")
        assert terminal.finish() == 0


@pytest.mark.long
def test_on_a_terminal_the_time_limit_of_scripts_does_not_count(empty: Command) -> None:
    with Terminal.running(empty, "sync", SHARP, more=SHORT | NO_TIME) as terminal:
        assert terminal.finish() == 0

    assert "All of hmi.sharp_720s is held" in terminal.shown


# ------------------------------------------------------------------------------ without one
def test_without_a_terminal_nobody_is_asked_and_a_run_stops_in_time(empty: Command) -> None:
    done = empty("sync", SHARP, more=LONG | NO_TIME)

    assert done.returncode == 0
    assert "Go on?" not in done.stderr
    assert "This run stops after 0 s; the next one goes on." in done.stderr
    assert "0% of hmi.sharp_720s is held; to go on:" in done.stderr
    assert "drmsmirror sync hmi.sharp_720s" in done.stderr


@pytest.mark.long
def test_what_stopped_reports_it_to_scripts_and_the_next_run_goes_on(empty: Command) -> None:
    empty("sync", f"{SHARP}[4315]")
    (stopped,) = json.loads(empty("sync", SHARP, "--json", more=NO_TIME).stdout)
    (done,) = json.loads(empty("sync", SHARP, "--json").stdout)

    assert stopped["outcome"] == "stopped"
    assert (done["outcome"], done["share_held"]) == ("done", 1.0)


@pytest.mark.long
def test_what_is_agreed_to_beforehand_runs_to_its_end(empty: Command) -> None:
    done = empty("sync", SHARP, "--yes", more=LONG | NO_TIME)

    assert "This run stops" not in done.stderr
    assert "All of hmi.sharp_720s is held" in done.stderr


def test_without_a_terminal_progress_is_plain_lines(empty: Command) -> None:
    said = empty("sync", SHARP).stderr

    assert "records, back to 2" in said
    assert "\x1b" not in said
    assert "━" not in said


# ------------------------------------------------------------------------------ a slow upstream
@contextmanager
def held_back(empty: Command, op: str) -> Iterator[tuple[subprocess.Popen[str], threading.Event]]:
    """A sync that has said what it knows, and waits for an answer until the event is set."""
    go_on = threading.Event()

    def hold(request: Request) -> bool:
        return request.op == op and not go_on.wait(60)

    with SampleJsoc([SYNOPTIC], size="small") as slow:
        slow.fault(FaultKind.HTML, times=None, when=hold)
        command = replace(empty, upstream=slow.url)
        with command.start("sync", SYNOPTIC, more={"DRMSMIRROR_SYNC__TELL_WITHIN": "0.2"}) as run:
            assert run.stderr is not None
            while "record numbers up to" not in (line := run.stderr.readline()):
                assert line
            assert "waiting" in line
            yield run, go_on


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_says_so_and_leaves_things_in_order(
    empty: Command, number: signal.Signals
) -> None:
    with held_back(empty, "rs_list") as (run, go_on):
        run.send_signal(number)
        _, said = run.communicate(timeout=60)
        go_on.set()

    assert run.returncode == 128 + number
    assert said.splitlines()[-1] == "Interrupted; what was finished is kept."
    with Catalogue.open(empty.mirror / "catalogue.sqlite") as catalogue:
        assert catalogue.leases.all() == ()
        assert [run.outcome for run in catalogue.runs.recent()] == [RunOutcome.STOPPED]


def test_what_is_known_of_a_slow_upstream_is_said_while_it_is_waited_for(empty: Command) -> None:
    with held_back(empty, "rs_summary") as (run, go_on):
        go_on.set()
        _, said = run.communicate(timeout=60)

    assert run.returncode == 0
    assert f"All of {SYNOPTIC} is held" in said
