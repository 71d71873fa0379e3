"""Duties: each moment is served once, by one process, late rather than never."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta

import pytest

from drmsmirror.catalogue import Catalogue, Duty, DutyOutcome, Plan
from drmsmirror.errors import LockedError
from tests.contract.conftest import START, Clock, line_of, obedient, tell

NAME = "sync hmi.sharp_720s"
HOUR = 3600.0
#: The clock of these tests stands at 12:00:00.25 in the beginning.
HOURLY = Plan(NAME, "30 * * * *", START)
FIRST = datetime(2024, 5, 10, 12, 30, tzinfo=START.tzinfo)

TAKER = """
import sys
from datetime import UTC, datetime
from drmsmirror.catalogue import Catalogue, Plan
plan = Plan(sys.argv[2], "0 0 1 jan *", datetime(2024, 1, 1, tzinfo=UTC))
with Catalogue.open(sys.argv[1]) as catalogue:
    print("ready", flush=True)
    sys.stdin.readline()
    with catalogue.duties.taking(plan) as taken:
        print("none" if taken is None else "taken", flush=True)
        sys.stdin.readline()
"""


def taker(address: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run a process that takes the duty when it is sent a line, and keeps it until the next."""
    return obedient(TAKER, address, NAME)


def the(catalogue: Catalogue) -> Duty:
    (duty,) = catalogue.duties.all()
    return duty


def do(catalogue: Catalogue, plan: Plan = HOURLY) -> bool:
    """Do the duty where it is due, and say whether it was."""
    with catalogue.duties.taking(plan) as taken:
        if taken is None:
            return False
        catalogue.duties.end(taken, DutyOutcome.DONE)
    return True


@pytest.fixture
def planned(catalogue: Catalogue) -> Catalogue:
    catalogue.duties.keep([HOURLY])
    return catalogue


@pytest.fixture
def other(planned: Catalogue, address: str, clock: Clock) -> Iterator[Catalogue]:
    """Open the same catalogue once more, as another process would."""
    with Catalogue.open(address, clock=clock) as opened:
        yield opened


def test_a_plan_is_due_at_the_first_moment_after_it_was_made(
    planned: Catalogue, clock: Clock
) -> None:
    assert planned.duties.all() == (Duty(NAME, FIRST),)
    clock.move(HOUR / 2 - 1)
    assert planned.duties.due() == ()
    assert not do(planned)
    clock.move(1)
    assert planned.duties.due() == (NAME,)


def test_what_is_done_is_due_again_at_the_next_moment(planned: Catalogue, clock: Clock) -> None:
    clock.move(HOUR)
    assert do(planned)
    done = the(planned)
    assert (done.begun_utc, done.ended_utc, done.succeeded_utc) == (clock.now,) * 3
    assert (done.outcome, done.due_utc) == (DutyOutcome.DONE, FIRST + timedelta(hours=1))
    assert not do(planned)


def test_moments_that_nobody_saw_are_served_once_and_late(planned: Catalogue, clock: Clock) -> None:
    clock.move(100 * HOUR)  # the machine slept
    assert [do(planned) for _ in range(3)] == [True, False, False]
    assert the(planned).due_utc == FIRST + timedelta(hours=100)


def test_one_whose_plan_was_made_while_nobody_looked_is_due(
    catalogue: Catalogue, clock: Clock
) -> None:
    clock.move(3 * HOUR)
    catalogue.duties.keep([HOURLY])
    assert the(catalogue).due_utc == FIRST
    assert do(catalogue)


def test_a_restart_changes_nothing(planned: Catalogue, clock: Clock) -> None:
    clock.move(HOUR)
    do(planned)
    before = planned.duties.all()
    clock.move(HOUR / 4)
    assert planned.duties.keep([HOURLY]) == before
    clock.move(HOUR)  # overdue
    assert planned.duties.keep([HOURLY]) == before
    assert do(planned)


def test_what_another_does_is_not_due(planned: Catalogue, other: Catalogue, clock: Clock) -> None:
    clock.move(HOUR)
    with planned.duties.taking(HOURLY) as taken:
        assert taken is not None
        assert the(other).outcome is DutyOutcome.RUNNING
        assert not do(other)
        clock.move(60)
        planned.duties.end(taken, DutyOutcome.DONE)
    assert not do(other)


def test_moments_that_go_by_while_it_is_done_are_not_made_up_for(
    planned: Catalogue, clock: Clock
) -> None:
    clock.move(HOUR)
    with planned.duties.taking(HOURLY, ttl_seconds=10 * HOUR) as taken:
        assert taken is not None
        clock.move(3 * HOUR)
        planned.duties.end(taken, DutyOutcome.DONE)
    assert the(planned).due_utc == FIRST + timedelta(hours=4)


@pytest.mark.parametrize("outcome", [DutyOutcome.STOPPED, DutyOutcome.FAILED])
def test_what_was_not_done_can_be_due_earlier(
    planned: Catalogue, clock: Clock, outcome: DutyOutcome
) -> None:
    clock.move(HOUR)
    with planned.duties.taking(HOURLY) as taken:
        assert taken is not None
        again = clock.now + timedelta(minutes=5)
        planned.duties.end(taken, outcome, message="why", again_utc=again)
    ended = the(planned)
    assert (ended.outcome, ended.message, ended.due_utc) == (outcome, "why", again)
    assert ended.succeeded_utc is None
    assert planned.duties.keep([HOURLY]) == (ended,)
    clock.move(300)
    assert do(planned)
    assert the(planned).message is None


def test_that_is_never_later_than_the_schedule_says(planned: Catalogue, clock: Clock) -> None:
    clock.move(HOUR)
    with planned.duties.taking(HOURLY) as taken:
        assert taken is not None
        again = clock.now + timedelta(days=1)
        planned.duties.end(taken, DutyOutcome.FAILED, again_utc=again)
    assert the(planned).due_utc == FIRST + timedelta(hours=1)


def test_one_that_nobody_ended_is_due_again_at_once(
    planned: Catalogue, other: Catalogue, clock: Clock
) -> None:
    clock.move(HOUR)
    with planned.duties.taking(HOURLY) as taken:
        assert taken is not None
    assert the(other).is_open
    assert other.duties.due() == (NAME,)
    assert do(other)
    assert not the(other).is_open


def test_one_of_a_holder_that_is_not_heard_of_is_taken_over(
    planned: Catalogue, other: Catalogue, clock: Clock
) -> None:
    clock.move(HOUR)
    with planned.duties.taking(HOURLY, ttl_seconds=1000) as taken:
        assert taken is not None
        clock.move(1001)
        assert do(other)
        with pytest.raises(LockedError):
            planned.duties.end(taken, DutyOutcome.FAILED)
    assert the(planned).outcome is DutyOutcome.DONE


def test_a_changed_schedule_counts_from_when_it_was_changed(
    planned: Catalogue, clock: Clock
) -> None:
    clock.move(HOUR)
    do(planned)
    clock.move(60)
    rarer = Plan(NAME, "0 3 * * *", clock.now)
    (changed,) = planned.duties.keep([rarer])
    assert changed.due_utc == datetime(2024, 5, 11, 3, tzinfo=START.tzinfo)
    assert changed.outcome is DutyOutcome.DONE
    clock.move(60)
    (changed,) = planned.duties.keep([Plan(NAME, "*/10 * * * *", clock.now)])
    assert changed.due_utc == datetime(2024, 5, 10, 13, 10, tzinfo=START.tzinfo)


def test_what_is_due_stays_due_when_its_schedule_is_changed(
    planned: Catalogue, clock: Clock
) -> None:
    clock.move(HOUR)
    rarer = Plan(NAME, "0 3 * * *", clock.now)
    planned.duties.keep([rarer])
    assert do(planned, rarer)
    assert the(planned).due_utc == datetime(2024, 5, 11, 3, tzinfo=START.tzinfo)


def test_what_is_not_planned_any_more_is_no_duty(planned: Catalogue, clock: Clock) -> None:
    maintain = Plan("maintain", "0 4 * * *", START)
    assert [duty.name for duty in planned.duties.keep([HOURLY, maintain])] == ["maintain", NAME]
    clock.move(HOUR)
    with planned.duties.taking(HOURLY) as taken:
        assert taken is not None
        assert [duty.name for duty in planned.duties.keep([maintain])] == ["maintain"]
        planned.duties.end(taken, DutyOutcome.DONE)
    assert not do(planned)


def test_of_many_processes_one_takes_it(address: str) -> None:
    with Catalogue.open(address) as catalogue, ExitStack() as stack:
        catalogue.duties.keep([HOURLY])  # due since 2024
        processes = [stack.enter_context(taker(address)) for _ in range(3)]
        for process in processes:
            tell(process)
        answers = [line_of(process) for process in processes]
        assert sorted(answers) == ["none", "none", "taken"]
        assert catalogue.duties.due() == ()
        winner = processes[answers.index("taken")]
        winner.kill()
        winner.wait()
        assert catalogue.duties.due() == (NAME,)
        assert do(catalogue)
