"""A timeline of our own replayed: bursts of errors, an outage, a rollback and its refill.

After each moment a sync. Where the server fails that ends with an error in plain words, and what is
held is answered as before. What is caught when:

==================  ==========================  ===========================  ====================
upstream            while it grows              come back, not yet refilled  refilled unseen
==================  ==========================  ===========================  ====================
changes get new     by the next sync, but for   by the next sync: all of it  by the next sync, if
numbers             records that vanished       is read again                numbers are held that
                                                                             are other records' now;
                                                                             else by comparing
changes keep        new and late ones by the    the same                     the same
their numbers       next sync, others by
                    comparing
no largest number   all within the lag          all within the lag           all within the lag
==================  ==========================  ===========================  ====================

A sync that compares everything catches all of it. Some captures and errors are replayed by default,
all of them with ``JSOC_REPLAY=all``.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable

import pytest

from drmsmirror.errors import UnknownSeriesError, UpstreamError
from drmsmirror.failpoints import POINTS
from drmsmirror.model.subscription import Reconcile
from drmsmirror.sync import Task
from tests.real.outage import BURSTS, Capture, timeline
from tests.real.week import NAME, Week
from tests.unit.sync.mirrors import Copy
from tests.unit.sync.mirrors import copy_of as copy_of

_IS_ALL = os.environ.get("JSOC_REPLAY") == "all"
_MODES = 5

_EVERYTHING = Task(reconcile=Reconcile.FULL, everywhere=True)
_NOTHING = Task(reconcile=Reconcile.OFF)
_KEYS = ["T_REC", "HARPNUM", "*recnum*", "USFLUX"]
_POINTS = [
    point
    for point in POINTS
    if point.startswith(("window.", "records.")) and not point.endswith("_creation")
]


def replay(
    copy: Copy,
    living: Week,
    captures: list[Capture],
    check: Callable[[], None] = lambda: None,
    *,
    kills: bool = False,
) -> None:
    """Go through the captures; where wanted, one run of three is killed and followed by another."""
    rng = random.Random(7)
    for number, capture in enumerate(captures):
        living.advance(capture.bodies)
        if capture.is_unseen:
            continue
        if capture.fault is not None or capture.is_away:
            held = copy.held(NAME, _KEYS)
            fail(copy, capture)
            assert copy.held(NAME, _KEYS) == held
            continue
        if kills and number % 3 == 2:
            point = rng.choice(_POINTS)
            killed = copy.command("sync", NAME, DRMSMIRROR_FAILPOINT=point)
            killed.communicate(timeout=120)
            assert killed.returncode in (0, -signal.SIGKILL)
        copy.sync(NAME, task=_NOTHING)
        check()


def fail(copy: Copy, capture: Capture) -> None:
    """Sync from a server that fails, or is away: an error in plain words."""
    if capture.fault is None:
        copy.jsoc.stop()
    else:
        copy.jsoc.fault(capture.fault, times=None)
    with pytest.raises((UpstreamError, UnknownSeriesError)):
        copy.sync(NAME, task=_EVERYTHING)
    copy.jsoc.clear_faults()
    copy.jsoc.start()


def captures(mode: int, *, slowly: bool) -> list[Capture]:
    """The timeline; by default few captures, and a part of the errors in each mode."""
    if _IS_ALL:
        return list(timeline(slowly=slowly))
    return list(timeline(slowly=slowly, every=12, bursts=BURSTS[mode::_MODES]))


def generation(copy: Copy) -> int:
    with copy.open() as mirror:
        return mirror.catalogue.state(NAME).generation


@pytest.mark.parametrize(
    ("mode", "in_place", "slowly"),
    [
        pytest.param(0, False, True, marks=pytest.mark.long),
        pytest.param(1, True, True, marks=pytest.mark.long),
        (2, False, False),
    ],
)
def test_a_setback_is_caught_and_nothing_is_lost(mode, in_place, slowly, copy_of) -> None:
    copy = copy_of()
    living = Week(copy.jsoc, in_place=in_place)

    def check() -> None:
        """What is new is there; all is as it is upstream where nothing but that has happened."""
        there = set(copy.jsoc.series(NAME).columns["recnum"].tolist())
        held = set(copy.held(NAME, ["*recnum*"])["*recnum*"])
        if not (living.changed or living.vanished):
            copy.assert_same(NAME)
        elif slowly:
            assert max(there) in held
        if slowly and in_place:
            assert there <= held

    replay(copy, living, captures(mode, slowly=slowly), check)
    assert living.changed
    assert living.vanished
    assert generation(copy) == 1
    copy.sync(NAME, task=_EVERYTHING)
    copy.assert_same(NAME)


def test_once_it_is_back_all_of_it_is_read_again(copy_of) -> None:
    copy = copy_of()
    living = Week(copy.jsoc, in_place=True)
    whole = captures(3, slowly=True)
    back = next(number for number, capture in enumerate(whole) if capture.is_back)
    replay(copy, living, whole[: back + 1])
    copy.assert_same(NAME)  # what vanished and what changed too


@pytest.mark.long
def test_with_one_run_of_three_killed_it_is_the_same(copy_of) -> None:
    copy = copy_of()
    living = Week(copy.jsoc, in_place=False)
    replay(copy, living, captures(3, slowly=True), kills=True)
    copy.sync(NAME, task=_EVERYTHING)
    copy.assert_same(NAME)


def test_without_a_largest_number_the_lag_catches_it(copy_of) -> None:
    copy = copy_of(sync={"lag_hours": 24.0 * 30})
    living = Week(copy.jsoc, in_place=True)
    copy.hide_largest_number(NAME)
    replay(copy, living, captures(4, slowly=True), lambda: copy.assert_same(NAME))
