"""The daemon: what is due is done, in order, once; and what goes wrong stops nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from drmsmirror.catalogue import DutyOutcome, Plan
from drmsmirror.daemon.health import State, health_file, read_health
from drmsmirror.errors import StoreError, UpstreamUnavailableError
from drmsmirror.mirror import Mirror
from drmsmirror.model.subscription import Subscription
from drmsmirror.upstream import Jsoc
from tests.unit.daemon.conftest import START, Watch

TIMES, PHASE, SYNOPTIC = "test.timekey", "test.phase", "test.synoptic"
HOUR = 3600.0

Make = Callable[..., Watch]


class Upset:
    """An upstream on which something else happens, when it is asked for a definition."""

    def __init__(self, inner: Jsoc, happens: Callable[[str], object]) -> None:
        self._inner = inner
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def definition(self, series: str) -> Any:
        self._happens(series)
        return self._inner.definition(series)


def raising(error: BaseException, series: str) -> Callable[[str], object]:
    """Raise it when that series is asked for, the first time."""
    left = [error]

    def happens(asked: str) -> None:
        if asked == series and left:
            raise left.pop()

    return happens


def names(done: tuple[Any, ...]) -> list[tuple[str, str]]:
    return [(one.name, str(one.outcome)) for one in done]


def test_what_is_due_is_done_by_priority_and_maintenance_last(watch: Make) -> None:
    at = watch(TIMES, PHASE, SYNOPTIC, daemon={"maintain": "30 * * * *"})
    at.subscribe(TIMES)
    at.subscribe(PHASE, priority=5)
    at.subscribe(SYNOPTIC, schedule="0 3 * * *", priority=9)
    daemon = at.daemon()
    assert daemon.look() == ()
    at.clock.move(HOUR)

    done = daemon.look()

    assert names(done) == [
        (f"sync {PHASE}", "done"),
        (f"sync {TIMES}", "done"),
        ("maintain", "done"),
    ]
    assert daemon.look() == ()
    assert at.copy.assert_same(TIMES) == 20
    (event,) = [one for one in at.events("sync.done") if one["series"] == TIMES]
    run = at.mirror().catalogue.runs.recent(series=TIMES)[0]
    assert (event["record_set"], event["run"], event["new"]) == (TIMES, run.id, 20)
    at.clock.move(HOUR)
    daemon.look()
    again = at.events("sync.done")[-1]
    assert again["run"] == at.mirror().catalogue.runs.recent(series=again["series"])[0].id


def test_a_subscription_without_a_schedule_waits_for_a_person(watch: Make) -> None:
    at = watch(TIMES, daemon={"maintain": ""})
    at.mirror().catalogue.subscriptions.add(Subscription.of(TIMES))
    at.clock.move(100 * HOUR)

    assert at.daemon().look() == ()


def test_a_failure_stops_no_other_and_is_tried_again_where_it_may_pass(watch: Make) -> None:
    at = watch(TIMES, PHASE, daemon={"retry_after": 600})
    at.subscribe(PHASE, priority=5)
    at.subscribe(TIMES)
    fails = raising(UpstreamUnavailableError("no answer"), PHASE)
    daemon = at.daemon(upstream=Upset(Jsoc(at.copy.settings.upstream), fails))
    at.clock.move(HOUR)

    assert names(daemon.look()) == [(f"sync {PHASE}", "failed"), (f"sync {TIMES}", "done")]
    (failed,) = at.events("duty.failed")
    assert (failed["series"], failed["error"]) == (PHASE, "upstream-unavailable")
    at.clock.move(599)
    assert daemon.look() == ()
    at.clock.move(1)
    assert names(daemon.look()) == [(f"sync {PHASE}", "done")]


def test_what_will_not_pass_waits_for_its_next_time(watch: Make) -> None:
    at = watch(TIMES, daemon={"retry_after": 60, "maintain": ""})
    at.subscribe("test.nosuch")
    daemon = at.daemon()
    at.clock.move(HOUR)

    assert names(daemon.look()) == [("sync test.nosuch", "failed")]
    (duty,) = at.mirror().catalogue.duties.all()
    assert duty.due_utc == START + timedelta(hours=2)
    assert "test.nosuch" in str(duty.message)


def test_a_mistake_of_ours_stops_no_other(watch: Make) -> None:
    at = watch(TIMES, daemon={"maintain": "0 * * * *"})
    at.subscribe(TIMES)
    mistaken = Upset(Jsoc(at.copy.settings.upstream), raising(KeyError("oh"), TIMES))
    maintained: list[Mirror] = []
    daemon = at.daemon(upstream=mistaken, maintain=maintained.append)
    daemon.look()
    at.clock.move(HOUR)

    assert names(daemon.look()) == [(f"sync {TIMES}", "failed"), ("maintain", "done")]
    (failed,) = at.events("duty.failed")
    assert failed["error"] == "KeyError"
    assert "raise left.pop()" in failed["traceback"]
    assert len(maintained) == 1


def test_an_interrupted_duty_is_due_at_once_and_goes_on(watch: Make) -> None:
    at = watch(TIMES, daemon={"maintain": ""})
    at.subscribe(TIMES)
    interrupted = Upset(Jsoc(at.copy.settings.upstream), raising(KeyboardInterrupt(), TIMES))
    at.clock.move(HOUR)
    with at.daemon(upstream=interrupted) as daemon, pytest.raises(KeyboardInterrupt):
        daemon.look()
    (duty,) = at.mirror().catalogue.duties.all()
    assert (duty.outcome, duty.due_utc) == (DutyOutcome.STOPPED, at.clock.now)
    assert read_health(health_file(at.copy.settings.mirror)).state is State.STOPPED

    assert names(at.daemon().look()) == [(f"sync {TIMES}", "done")]


def test_what_time_was_up_for_goes_on_after_the_others(watch: Make) -> None:
    no_time = {"max_run": 1e-9, "first_window": 4, "max_window": 4}
    at = watch(TIMES, PHASE, sync=no_time, daemon={"maintain": ""})
    at.subscribe(PHASE, priority=5)
    at.subscribe(TIMES)
    daemon = at.daemon()
    at.clock.move(HOUR)
    stopped = [(f"sync {PHASE}", "stopped"), (f"sync {TIMES}", "stopped")]

    assert names(daemon.look()) == stopped
    assert names(daemon.look()) == stopped


def test_a_second_daemon_stands_by_says_so_once_and_takes_over(watch: Make) -> None:
    at = watch(TIMES, daemon={"maintain": ""})
    at.subscribe(TIMES, schedule="1 * * * *")
    with at.daemon() as first:
        second = at.daemon()
        assert first.look() == ()
        at.clock.move(60)  # less than its lease
        assert [second.look(), second.look()] == [(), ()]
        assert len(at.events("daemon.standing_by")) == 1
        assert read_health(health_file(at.copy.settings.mirror)).state is State.IDLE

    assert names(second.look()) == [(f"sync {TIMES}", "done")]
    assert len(at.events("daemon.taking_over")) == 1


def test_a_daemon_that_was_suspended_and_replaced_leaves_it_at_that(watch: Make) -> None:
    at = watch(TIMES, daemon={"maintain": ""})
    first, second = at.daemon(), at.daemon()
    first.look()
    at.clock.move(1000)  # its lease has ended
    second.look()
    at.subscribe(TIMES, schedule="17 * * * *")
    at.clock.move(60)

    assert first.look() == ()
    assert len(at.events("daemon.standing_by")) == 1


def test_a_duty_that_another_took_over_is_left_to_it(watch: Make) -> None:
    at = watch(TIMES, daemon={"maintain": "0 * * * *"})
    other = at.mirror().catalogue

    def suspended(mirror: Mirror) -> None:
        at.clock.move(1000)  # the lease of the duty has ended
        with other.duties.taking(Plan("maintain", "0 * * * *", START)) as taken:
            assert taken is not None
            other.duties.end(taken, DutyOutcome.DONE, message="by another")

    daemon = at.daemon(maintain=suspended)
    daemon.look()
    at.clock.move(HOUR)
    daemon.look()

    (duty,) = other.duties.all()
    assert duty.message == "by another"
    assert len(at.events("duty.lost")) == 1


def test_one_whose_main_thread_is_stuck_is_not_heard_of(watch: Make) -> None:
    at = watch(TIMES)
    daemon = at.daemon()
    daemon.look()
    heard = []
    for _ in range(2):  # nobody looks in between
        at.clock.move(30)
        daemon.tick()
        heard.append(read_health(health_file(at.copy.settings.mirror)).written_utc)

    assert heard == [START + timedelta(seconds=30)] * 2


def test_what_cannot_be_entered_ends_the_daemon(watch: Make) -> None:
    at = watch(TIMES)

    def in_charge() -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        at.daemon(in_charge=in_charge).look()
    assert at.mirror().catalogue.leases.is_held("daemon")


def test_a_catalogue_that_goes_away_is_waited_for(watch: Make) -> None:
    at = watch(TIMES, daemon={"maintain": ""})
    at.subscribe(TIMES)
    mirror = at.mirror()
    daemon = at.daemon(mirror)
    daemon.look()
    at.clock.move(HOUR)
    aside = at.copy.settings.mirror / "aside"
    file = at.copy.settings.mirror / "catalogue.sqlite"
    mirror.catalogue.database.engine.dispose()
    file.rename(aside)

    assert [daemon.look(), daemon.look()] == [(), ()]
    health = read_health(health_file(at.copy.settings.mirror))
    assert health.state is State.WAITING
    assert "catalogue" in str(health.problem)
    aside.rename(file)
    assert names(daemon.look()) == [(f"sync {TIMES}", "done")]
    assert [one["event"] for one in at.events("catalogue.away", "catalogue.back")] == [
        "catalogue.away",
        "catalogue.back",
    ]
    assert read_health(health_file(at.copy.settings.mirror)).state is State.IDLE


def test_once_it_does_what_is_due_or_says_what_is_wrong(watch: Make) -> None:
    at = watch(TIMES, daemon={"maintain": ""})
    at.subscribe(TIMES)
    mirror = at.mirror()
    at.clock.move(HOUR)
    with at.daemon() as daemon:
        assert names(daemon.once()) == [(f"sync {TIMES}", "done")]
    assert read_health(health_file(at.copy.settings.mirror)).state is State.ENDED
    mirror.close()
    with at.daemon(mirror) as daemon, pytest.raises(StoreError):
        daemon.once()


def test_maintenance_makes_few_files_of_many(watch: Make) -> None:
    settings = {"records": {"compact_above_files": 1000}, "sync": {"max_window": 2}}
    at = watch(TIMES, daemon={"maintain": "0 * * * *"}, **settings)
    at.copy.sync(TIMES)
    before = at.copy.rows(TIMES)
    at.copy.settings = at.copy.settings.model_copy(
        update={"records": at.copy.settings.records.model_copy(update={"compact_above_files": 2})}
    )
    daemon = at.daemon()
    daemon.look()
    at.clock.move(HOUR)

    def files() -> int:
        mirror = at.mirror()
        return len(mirror.table(mirror.catalogue.definition(TIMES)).files())

    assert files() > 2
    assert names(daemon.look()) == [("maintain", "done")]
    assert files() <= 2
    assert at.copy.rows(TIMES) == before
    assert at.copy.assert_same(TIMES) == 20
