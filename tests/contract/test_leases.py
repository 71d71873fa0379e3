"""Leases: one holder at a time, among real processes, and none for ever."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from drmsmirror.catalogue import Catalogue, Leases
from drmsmirror.catalogue.processes import this_process
from drmsmirror.catalogue.tables import leases
from drmsmirror.errors import LockedError, StoreError
from tests.contract.conftest import START, Clock, line_of, obedient, stored_definition, tell

NAME = "series/hmi.M_45s"

HOLDER = """
import sys
from drmsmirror.catalogue import Catalogue

from drmsmirror.errors import LockedError
with Catalogue.open(sys.argv[1]) as catalogue:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        lease = catalogue.leases.acquire(sys.argv[2], 3600)
    except LockedError as error:
        print(f"refused: {error}", flush=True)
    else:
        print("held", flush=True)
    sys.stdin.readline()
"""


def holder(address: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run a process that takes the lease when it is sent a line, and lives until the next."""
    return obedient(HOLDER, address, NAME)


@pytest.fixture
def two(catalogue: Catalogue, address: str, clock: Clock) -> Iterator[tuple[Catalogue, Catalogue]]:
    """Open one catalogue twice, as two processes would."""
    with Catalogue.open(address, clock=clock) as other:
        yield catalogue, other


def test_it_is_acquired_and_released(catalogue: Catalogue) -> None:
    lease = catalogue.leases.acquire(NAME, 60)
    assert catalogue.leases.all() == (lease,)
    assert (lease.name, lease.holder, lease.ttl_seconds) == (NAME, this_process(), 60)
    assert lease.expires_utc == START + timedelta(seconds=60)
    catalogue.leases.release(lease)
    assert catalogue.leases.all() == ()
    assert catalogue.leases.acquire(NAME, 60).token != lease.token


def test_leases_of_different_names_do_not_meet(catalogue: Catalogue) -> None:
    held = [catalogue.leases.acquire(name, 60) for name in ("b", "a")]
    assert catalogue.leases.all() == tuple(reversed(held))


def test_one_that_is_held_is_refused_with_its_holder(two: tuple[Catalogue, Catalogue]) -> None:
    one, other = two
    lease = one.leases.acquire(NAME, 60)
    for catalogue in two:  # not even the holder gets it twice
        with pytest.raises(LockedError) as caught:
            catalogue.leases.acquire(NAME, 60)
    text = str(caught.value)
    assert f"process {lease.holder.pid} on {lease.holder.host}" in text
    assert "since 2024-05-10 12:00:00 UTC" in text
    assert "at 12:01:00 UTC" in text
    assert other.leases.all() == (lease,)


def test_one_past_its_end_is_taken_over(two: tuple[Catalogue, Catalogue], clock: Clock) -> None:
    one, other = two
    first = one.leases.acquire(NAME, 60)
    clock.move(59.9)
    with pytest.raises(LockedError):
        other.leases.acquire(NAME, 60)
    clock.move(0.1)
    second = other.leases.acquire(NAME, 60)
    assert other.leases.all() == (second,)
    assert [catalogue.leases.is_ours(second) for catalogue in two] == [True, True]
    assert not one.leases.is_ours(first)
    assert one.leases.renew(first) is None
    one.leases.release(first)
    assert other.leases.all() == (second,)


def test_renewing_moves_the_end(two: tuple[Catalogue, Catalogue], clock: Clock) -> None:
    one, other = two
    lease = one.leases.acquire(NAME, 60)
    clock.move(50)
    renewed = one.leases.renew(lease)
    assert renewed is not None
    assert renewed.expires_utc == lease.expires_utc + timedelta(seconds=50)
    assert other.leases.all() == (renewed,)
    clock.move(59)
    with pytest.raises(LockedError):
        other.leases.acquire(NAME, 60)


def test_one_past_its_end_that_nobody_took_can_be_renewed(
    catalogue: Catalogue, clock: Clock
) -> None:
    lease = catalogue.leases.acquire(NAME, 60)
    clock.move(86_400)  # the machine slept
    assert catalogue.leases.is_ours(lease)
    renewed = catalogue.leases.renew(lease)
    assert renewed is not None
    assert renewed.expires_utc > clock.now


def test_one_that_was_released_cannot_be_renewed(catalogue: Catalogue) -> None:
    lease = catalogue.leases.acquire(NAME, 60)
    catalogue.leases.release(lease)
    assert catalogue.leases.renew(lease) is None
    assert catalogue.leases.all() == ()


def test_a_lost_lease_writes_nothing(two: tuple[Catalogue, Catalogue], clock: Clock) -> None:
    one, other = two
    one.save_definition(stored_definition("hmi.M_45s"))
    lost = one.leases.acquire(NAME, 60)
    one.record_window("hmi.M_45s", entries=(), table_version=1, rows_held=1, lease=lost)
    clock.move(61)
    kept = other.leases.acquire(NAME, 60)
    with pytest.raises(LockedError, match=r"ran out and process .* took it over"):
        one.record_window("hmi.M_45s", entries=(), table_version=2, rows_held=2, lease=lost)
    assert one.state("hmi.M_45s").table_version == 1
    other.record_window("hmi.M_45s", entries=(), table_version=3, rows_held=3, lease=kept)


def test_a_lease_that_was_given_back_writes_nothing(catalogue: Catalogue) -> None:
    catalogue.save_definition(stored_definition("hmi.M_45s"))
    lease = catalogue.leases.acquire(NAME, 60)
    catalogue.leases.release(lease)
    with pytest.raises(LockedError, match="given up"):
        catalogue.record_window("hmi.M_45s", entries=(), table_version=1, rows_held=1, lease=lease)


def test_of_many_processes_one_gets_it(address: str) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(holder(address)) for _ in range(4)]
        for process in processes:
            tell(process)
        answers = [line_of(process) for process in processes]
        winner = processes[answers.index("held")]
        assert answers.count("held") == 1
        refused = [answer for answer in answers if answer != "held"]
        assert all(f"process {winner.pid} on" in answer for answer in refused), refused


def test_one_of_a_process_that_died_here_is_taken_over_at_once(address: str) -> None:
    with Catalogue.open(address) as catalogue, holder(address) as process:
        tell(process)
        assert line_of(process) == "held"
        with pytest.raises(LockedError, match=f"process {process.pid} on"):
            catalogue.leases.acquire(NAME, 60)
        process.kill()
        process.wait()
        lease = catalogue.leases.acquire(NAME, 60)
        assert catalogue.leases.all() == (lease,)


def test_one_of_a_process_elsewhere_is_not(two: tuple[Catalogue, Catalogue]) -> None:
    """Another host, or a container with the name of this one, has processes of its own."""
    one, other = two
    one.leases.acquire(NAME, 60)
    with one.database.write() as connection:
        connection.execute(update(leases).values(pid=2**22 + 1, process="elsewhere#1"))
    with pytest.raises(LockedError):
        other.leases.acquire(NAME, 60)


class BeatingClock(Clock):
    """Says when the heartbeat asks for the time."""

    def __init__(self) -> None:
        super().__init__()
        self.beaten = threading.Event()

    def __call__(self) -> datetime:
        if threading.current_thread() is not threading.main_thread():
            self.beaten.set()
        return super().__call__()


def test_it_is_kept_alive_while_a_block_runs(address: str) -> None:
    clock = BeatingClock()
    with Catalogue.open(address, clock=clock) as catalogue:
        with catalogue.leases.holding(NAME, ttl_seconds=0.03) as lease:
            clock.move(1000)
            assert clock.beaten.wait(30)
            clock.beaten.clear()
            assert clock.beaten.wait(30)  # the second beat: the first is committed
            (now,) = catalogue.leases.all()
            assert now.token == lease.token
            assert now.heartbeat_utc == clock.now
            with pytest.raises(LockedError):
                catalogue.leases.acquire(NAME, 60)
        assert catalogue.leases.all() == ()


def test_it_is_given_back_when_the_block_fails(catalogue: Catalogue) -> None:
    with pytest.raises(ZeroDivisionError), catalogue.leases.holding(NAME):
        1 / 0  # noqa: B018
    assert catalogue.leases.all() == ()
    assert f"lease {NAME}" not in {thread.name for thread in threading.enumerate()}


def test_a_block_whose_lease_was_taken_leaves_the_other_one(
    two: tuple[Catalogue, Catalogue], clock: Clock
) -> None:
    one, other = two
    with one.leases.holding(NAME, ttl_seconds=3600):
        clock.move(3600)
        taken = other.leases.acquire(NAME, 60)
    assert other.leases.all() == (taken,)


def test_one_that_cannot_be_given_back_keeps_out_others_and_not_this_process(
    two: tuple[Catalogue, Catalogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("it is away")

    one, other = two
    with one.leases.holding(NAME):
        monkeypatch.setattr(Leases, "release", fail)
    monkeypatch.undo()
    with pytest.raises(LockedError):
        other.leases.acquire(NAME, 60)
    with one.leases.holding(NAME):
        pass
    assert one.leases.all() == ()
