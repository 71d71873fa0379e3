"""Processes of one mirror that ask the same: one request, whatever becomes of who sends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from drmsmirror.sharing import Question
from tests.jsoc import Fault, FaultKind, Request
from tests.unit.sync.mirrors import PROJECT, Copy, asked, truth

WHOLE = "hmi.M_45s"
QUESTION = Question(f"{WHOLE}[]", ("T_REC", "*recnum*"), ("magnetogram",), n=20)

#: Processes that ask at once, each of which tells in lines of JSON how it fares.
ASKERS = """
import json, os, sys
from drmsmirror.errors import DrmsMirrorError
from drmsmirror.mirror import Mirror
from drmsmirror.settings import load_settings
from drmsmirror.sharing import Question, SharedUpstream
from drmsmirror.upstream import Jsoc, PoliteSession

root, upstream, question, processes = (json.loads(argument) for argument in sys.argv[1:])
question = Question(**{name: tuple(value) if isinstance(value, list) else value
                       for name, value in question.items()})

def tell(**event):
    os.write(1, (json.dumps({"pid": os.getpid()} | event) + "\\n").encode())

def ask():
    waits = []
    def pause(seconds):
        if not waits:
            tell(event="waits")
            waits.append(1)
        import time; time.sleep(seconds)
    settings = load_settings(mirror=root, flags={"upstream": upstream})
    with Mirror.open(settings) as mirror:
        shared = SharedUpstream(mirror, Jsoc(settings.upstream), pause=pause)
        try:
            answer = shared.ask(question)
        except DrmsMirrorError as error:
            tell(event="failed", code=error.code)
        else:
            text = answer.text()
            tell(event="answered", rows=answer.rows, asked=str(answer.asked_utc),
                 recnums=text.table["*recnum*"].to_pylist(),
                 files=text.segments["magnetogram"].to_pylist())

children = []
for _ in range(processes):
    child = os.fork()
    if not child:
        ask()
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""


class Arrivals:
    """Counts lists of records as they arrive; the first meets the fault, and waits with it."""

    def __init__(self, copy: Copy, fault: Fault) -> None:
        self.requests: list[Request] = []
        self.first, self.go_on = threading.Event(), threading.Event()
        copy.jsoc.fault(fault, times=None, when=self._arrive)
        copy.jsoc.wait = self._wait  # released at any moment, it is released

    def _arrive(self, request: Request) -> bool:
        if request.op != "rs_list":
            return False
        self.requests.append(request)
        return len(self.requests) == 1

    def _wait(self, seconds: float | None) -> None:
        if seconds != 0:
            self.first.set()
            assert self.go_on.wait(120)


class Askers:
    """The processes, and what they have told so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.waiting: set[int] = set()
        self.ended: list[dict[str, Any]] = []

    def wait_for(self, *, waiting: int) -> None:
        """Listen until so many wait for another."""
        while len(self.waiting) < waiting:
            self._listen()

    def results(self) -> list[dict[str, Any]]:
        """Listen until all have ended."""
        while self._listen():
            pass
        assert self._process.wait(60) == 0
        return self.ended

    def _listen(self) -> bool:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            return False
        event = json.loads(line)
        if event["event"] == "waits":
            self.waiting.add(event["pid"])
        else:
            self.ended.append(event)
        return True


@pytest.fixture
def copy(copy_of) -> Copy:
    copy = copy_of(WHOLE, rows=60)
    with copy.open():  # which makes it
        pass
    return copy


@contextmanager
def askers(copy: Copy, arrivals: Arrivals, processes: int) -> Iterator[Askers]:
    upstream = {"url": copy.jsoc.url, "attempts": 1, "requests_per_second": 1000.0}
    question = {name: getattr(QUESTION, name) for name in QUESTION.__slots__}
    arguments = [json.dumps(one) for one in (str(copy.settings.mirror), upstream, question)]
    with subprocess.Popen(
        [sys.executable, "-P", "-c", ASKERS, *arguments, str(processes)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={name: text for name, text in os.environ.items() if "DRMSMIRROR_" not in name}
        | {"PYTHONPATH": str(PROJECT)},
    ) as process:
        try:
            yield Askers(process)
        finally:
            arrivals.go_on.set()


def assert_nothing_is_left(copy: Copy) -> None:
    with copy.open() as mirror:
        assert mirror.catalogue.leases.all() == ()
    files = [path.name for path in (copy.settings.mirror / "answers").rglob("*.*")]
    assert files == [f"{QUESTION.digest}.parquet"]


def test_of_eight_that_ask_the_same_one_sends_a_request(copy) -> None:
    arrivals = Arrivals(copy, Fault(FaultKind.SLOW, seconds=600))
    with askers(copy, arrivals, 8) as running:
        running.wait_for(waiting=7)
        assert arrivals.first.wait(60)
        arrivals.go_on.set()
        results = running.results()
    assert len(arrivals.requests) == 1
    assert [result["event"] for result in results] == ["answered"] * 8
    answers = {json.dumps(result | {"pid": 0}) for result in results}
    assert len(answers) == 1
    (answer,) = (json.loads(text) for text in answers)
    assert answer["recnums"] == truth(copy.jsoc, f"{WHOLE}[]", ["*recnum*"])["*recnum*"][:20]
    assert answer["rows"] == len(answer["files"]) == 20
    assert_nothing_is_left(copy)


def test_where_the_one_that_asks_is_killed_another_asks_and_all_others_are_answered(copy) -> None:
    arrivals = Arrivals(copy, Fault(FaultKind.SLOW, seconds=600))
    with askers(copy, arrivals, 4) as running:
        running.wait_for(waiting=3)
        assert arrivals.first.wait(60)
        with copy.open() as mirror:
            (lease,) = mirror.catalogue.leases.all()
        os.kill(lease.holder.pid, signal.SIGKILL)
        results = running.results()
    assert len(arrivals.requests) == 2
    assert [result["event"] for result in results] == ["answered"] * 3
    assert len({result["asked"] for result in results}) == 1
    assert lease.holder.pid not in {result["pid"] for result in results}
    assert_nothing_is_left(copy)


def test_where_the_request_fails_it_fails_for_all_and_is_not_sent_again(copy) -> None:
    arrivals = Arrivals(copy, Fault(FaultKind.STALL))
    with askers(copy, arrivals, 4) as running:
        running.wait_for(waiting=3)
        assert arrivals.first.wait(60)
        arrivals.go_on.set()
        results = running.results()
    assert len(arrivals.requests) == 1
    assert [(result["event"], result["code"]) for result in results] == [
        ("failed", "upstream-answer")
    ] * 4
    with copy.open() as mirror:
        assert mirror.catalogue.leases.all() == ()


def test_what_one_command_learns_of_the_upstream_the_next_one_knows(copy) -> None:
    copy.jsoc.fault(Fault(FaultKind.HTTP_STATUS, status=503), times=None)
    codes = []
    for _ in range(3):
        process = copy.command("sync", WHOLE, "--json", DRMSMIRROR_UPSTREAM__BREAKER_FAILURES="2")
        _, err = process.communicate(timeout=60)
        assert process.returncode == 4
        codes.append(json.loads(err.splitlines()[-1])["error"])
    assert codes == ["upstream-unavailable", "upstream-unavailable", "upstream-paused"]
    assert "503" in err
    assert len(asked(copy.jsoc)) == 2
