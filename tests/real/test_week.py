"""A recorded week replayed as the upstream: after each moment a sync, and the mirror is as it was.

What is caught when, by what the upstream tells:

=========================  =========================================  ============================
upstream                   caught by the next sync                    caught by reconciliation
=========================  =========================================  ============================
a change gets a new number new, late and changed records              records that vanished
a change keeps its number  new and late records                       changed, and vanished
no largest number          all of that within the lag                 all of it
no numbers at all          all of that within the lag                 all of it
=========================  =========================================  ============================

Some moments and regions are replayed by default, the whole week with ``JSOC_REPLAY=all``.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from drmsmirror.failpoints import POINTS
from drmsmirror.model.subscription import Reconcile
from drmsmirror.sync import Task
from tests.jsoc import NumbersHidden
from tests.real.week import NAME, WEEK, Week, captures, region_of
from tests.unit.sync.mirrors import Copy
from tests.unit.sync.mirrors import copy_of as copy_of

#: Of so many moments, and of so many regions, one is replayed.
_STEP, _REGIONS = (1, 1) if os.environ.get("JSOC_REPLAY") == "all" else (240, 8)

_EVERYTHING = Task(reconcile=Reconcile.FULL, everywhere=True)
_NOTHING = Task(reconcile=Reconcile.OFF)

#: Where a run may be killed: at what every run reaches that takes something.
_POINTS = [
    point
    for point in POINTS
    if point.startswith(("window.", "records.")) and not point.endswith("_creation")
]


@pytest.fixture(scope="session")
def week(recorded: Path) -> list[dict[str, bytes]]:
    """What was listed at each moment."""
    file = recorded / WEEK
    if not file.exists():
        pytest.skip(f"there is no {WEEK}")
    return [
        {query: body for query, body in capture.items() if not region_of(query) % _REGIONS}
        for capture in itertools.islice(captures(file), 0, None, _STEP)
    ]


def replay(
    week: list[dict[str, bytes]],
    copy: Copy,
    living: Week,
    check: Callable[[], None],
    kill: int = 0,
) -> None:
    """Go through the week; of so many runs one is killed at random, and followed by another."""
    rng = random.Random(7)
    for number, capture in enumerate(week):
        living.advance(capture)
        if kill and number % kill == kill - 1:
            point = rng.choice(_POINTS)
            killed = copy.command("sync", NAME, DRMSMIRROR_FAILPOINT=point)
            killed.communicate(timeout=120)
            assert killed.returncode in (0, -signal.SIGKILL)
        copy.sync(NAME, task=_NOTHING)
        check()


def test_where_a_change_gets_a_new_number_the_next_sync_catches_it(week, copy_of) -> None:
    copy = copy_of()
    living = Week(copy.jsoc, in_place=False)

    def check() -> None:
        if not living.vanished:
            copy.assert_same(NAME)

    replay(week, copy, living, check)
    assert living.changed
    assert living.vanished
    copy.sync(NAME, task=Task(everywhere=True))
    copy.assert_same(NAME)


def test_with_one_run_of_three_killed_it_is_the_same(week, copy_of) -> None:
    copy = copy_of()
    living = Week(copy.jsoc, in_place=False)
    replay(week, copy, living, lambda: None, kill=3)
    copy.sync(NAME, task=Task(everywhere=True))
    copy.assert_same(NAME)


def test_where_a_change_keeps_its_number_reading_all_of_it_catches_it(week, copy_of) -> None:
    copy = copy_of()
    living = Week(copy.jsoc, in_place=True)

    def check() -> None:
        """New and late records are there."""
        held, there = copy.held(NAME, ["*recnum*"]), copy.jsoc.series(NAME).columns["recnum"]
        assert set(there.tolist()) <= set(held["*recnum*"])

    replay(week, copy, living, check)
    copy.sync(NAME, task=_EVERYTHING)
    copy.assert_same(NAME)


def test_without_a_largest_number_the_lag_catches_it(week, copy_of) -> None:
    copy = copy_of(sync={"lag_hours": 24.0 * 30})
    living = Week(copy.jsoc, in_place=True)
    copy.hide_largest_number(NAME)
    replay(week, copy, living, lambda: copy.assert_same(NAME))


def test_without_any_numbers_the_lag_catches_it(week, copy_of) -> None:
    copy = copy_of(sync={"lag_hours": 24.0 * 30})
    living = Week(copy.jsoc, in_place=True)
    copy.jsoc.hide_numbers(NumbersHidden.INVALID)
    replay(week, copy, living, lambda: copy.assert_same_values(NAME))
    assert living.changed
    assert living.vanished


@pytest.mark.parametrize("kill", [0, 3])
def test_without_any_numbers_what_the_lag_leaves_is_caught_by_reading_all(
    kill, week, copy_of
) -> None:
    copy = copy_of(sync={"lag_hours": 1.0})
    living = Week(copy.jsoc, in_place=True)
    copy.jsoc.hide_numbers(NumbersHidden.LEFT_OUT)
    replay(week, copy, living, lambda: None, kill=kill)
    copy.sync(NAME, task=_EVERYTHING)
    copy.assert_same_values(NAME)
