"""A sample upstream, and the state of a mirror as one value that can be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from drmsmirror.client import Client
from drmsmirror.settings import Settings
from tests.e2e.conftest import Command
from tests.jsoc import Fault, FaultKind, SampleJsoc

SERIES = "hmi.sharp_720s"


@pytest.fixture
def jsoc() -> Iterator[SampleJsoc]:
    """A sample upstream with little content, for one test alone."""
    with SampleJsoc([SERIES], size="small") as server:
        yield server


@pytest.fixture
def command(jsoc: SampleJsoc, tmp_path: Path) -> Command:
    """The command, with no mirror yet."""
    return Command(tmp_path / "mirror", jsoc.url)


def content(mirror: Path) -> str:
    """A digest of every record and keyword that the mirror answers for the series, offline."""
    digest = hashlib.sha256()
    with Client(Settings(mirror=mirror), policy="offline") as client:
        answer = client.answer(SERIES, ["**ALL**", "*recnum*", "*sunum*"])
        for key, values in answer.texts().items():
            digest.update(key.encode())
            digest.update("\n".join(map(str, values)).encode())
    return digest.hexdigest()


def stall_at(jsoc: SampleJsoc, number: int) -> Event:
    """Have the ``number``-th request from now on wait for ever; the event says that it arrived."""
    stalled = Event()
    arrived = count(1)

    def is_due(_: object) -> bool:
        if next(arrived) < number:
            return False
        stalled.set()
        return True

    jsoc.fault(Fault(FaultKind.STALL), times=1, when=is_due)
    return stalled


def windows_fetched(jsoc: SampleJsoc) -> list[str]:
    """The record sets of the windows that were fetched, in order; probes and edges left out."""
    return [
        request.ds
        for request in jsoc.requests
        if request.op == "rs_list" and "n" not in request.params
    ]
