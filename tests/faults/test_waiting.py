"""A sync that waits is told to stop: it does so at once, says so, and leaves things in order."""

from __future__ import annotations

import fcntl
import signal
import threading

import pytest

from drmsmirror.catalogue import RunOutcome
from tests.jsoc import Fault, FaultKind, Request
from tests.unit.sync.mirrors import Copy

WHOLE = "hmi.M_45s"

#: Longer than any test may take, as a number of seconds.
AN_HOUR = "3600"

UNAVAILABLE = Fault(FaultKind.HTTP_STATUS, status=503)
ASKED_TOO_MUCH = Fault(FaultKind.HTTP_STATUS, status=429, retry_after=int(AN_HOUR))

#: What it waits for, by the settings and by what becomes of the list of a window.
WAITS = {
    "the moment that the upstream named": (
        {"ATTEMPTS": "3", "MAX_RETRY_WAIT": AN_HOUR}, ASKED_TOO_MUCH,
    ),
    "the next attempt": (
        {"ATTEMPTS": "3", "RETRY_WAIT": AN_HOUR, "MAX_RETRY_WAIT": AN_HOUR}, UNAVAILABLE,
    ),
    "its turn at a slow pace": ({"REQUESTS_PER_SECOND": "0.0003"}, None),
}  # fmt: skip


@pytest.fixture
def copy(copy_of) -> Copy:
    return copy_of(WHOLE, rows=60)


def end(process, number: signal.Signals) -> None:
    """Let a sync end that was stopped; it says so."""
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number, said
    assert said.splitlines()[-1] == "Interrupted; what was finished is kept."
    assert "Traceback" not in said


def assert_in_order(copy: Copy) -> None:
    """It has let go of the series, and of what it began."""
    with copy.open() as mirror:
        assert mirror.catalogue.leases.all() == ()
        assert {run.outcome for run in mirror.catalogue.runs.recent()} <= {RunOutcome.STOPPED}


def assert_goes_on(copy: Copy) -> None:
    copy.jsoc.clear_faults()
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


@pytest.mark.parametrize(
    ("waits_for", "number"),
    [*zip(WAITS, (signal.SIGINT, signal.SIGTERM, signal.SIGINT), strict=True)],
)
def test_a_sync_that_waits_for_the_upstream_stops_at_once(waits_for, number, copy) -> None:
    settings, fault = WAITS[waits_for]
    asked = threading.Event()

    def ask(request: Request) -> bool:
        is_it = fault is None or request.op == "rs_list"
        if is_it:
            asked.set()
        return is_it and fault is not None

    copy.jsoc.fault(fault or UNAVAILABLE, times=None, when=ask)
    variables = {f"DRMSMIRROR_UPSTREAM__{name}": text for name, text in settings.items()}
    process = copy.command("sync", WHOLE, **variables)
    assert asked.wait(60)
    process.send_signal(number)
    end(process, number)
    assert_in_order(copy)
    assert_goes_on(copy)


def test_a_sync_that_waits_for_another_process_stops_at_once(copy) -> None:
    """The test has the turn all the time; that the sync waits for it, it says itself."""
    with copy.open() as mirror, mirror.upstream_gate.open("a") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        process = copy.command("sync", WHOLE, DRMSMIRROR_SYNC__TELL_WITHIN="0.1")
        assert process.stderr is not None
        assert "waiting" in process.stderr.readline().lower()
        process.send_signal(signal.SIGTERM)
        end(process, signal.SIGTERM)
    assert copy.jsoc.requests == []
    assert_in_order(copy)
    assert_goes_on(copy)
