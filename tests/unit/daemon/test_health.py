"""Health: what the file says, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drmsmirror.catalogue import Duty, DutyOutcome
from drmsmirror.daemon.health import (
    DutyHealth,
    Health,
    State,
    problems,
    read_health,
    write_health,
)
from drmsmirror.daemon.pulse import Pulse
from drmsmirror.errors import IntegrityError, NotFoundError

NOW = datetime(2024, 5, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SYNC = DutyHealth("sync hmi.M_45s", NOW + HOUR, NOW - 20 * HOUR, "failed", "no answer")
WELL = Health(
    state=State.IDLE,
    since_utc=NOW - HOUR,
    doing=None,
    problem=None,
    began_utc=NOW - 50 * HOUR,
    written_utc=NOW,
    good_until_utc=NOW + timedelta(minutes=2),
    host="example",
    pid=12,
    process="boot#1",
    version="0.1.0",
    duties=(DutyHealth("maintain", NOW + 2 * HOUR), SYNC),
)


def told(health: Health, now: datetime = NOW, **about: object) -> str:
    return "\n".join(problems(health, now, **{"has_ended": False} | about))  # type: ignore[arg-type]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    write_health(tmp_path / "health.json", WELL)

    assert read_health(tmp_path / "health.json") == WELL
    assert (WELL.succeeded_utc, WELL.next_duty) == (SYNC.succeeded_utc, SYNC)


def test_one_that_lives_and_moves_is_well_though_a_sync_failed() -> None:
    assert told(WELL) == ""
    assert told(replace(WELL, state=State.WORKING, doing="maintain")) == ""


@pytest.mark.parametrize(
    ("health", "about", "expected"),
    [
        (
            replace(WELL, state=State.STOPPED),
            {"has_ended": True},
            "was stopped at 2024-05-10 12:00",
        ),
        (WELL, {"has_ended": True}, "has died"),
        (WELL, {"now": NOW + timedelta(minutes=3)}, "last heard of at 2024-05-10 12:00:00 UTC"),
        (
            replace(WELL, state=State.WAITING, problem="no route"),
            {},
            "cannot work since 2024-05-10 11:00:00 UTC: no route",
        ),
        (
            replace(WELL, duties=(DutyHealth("maintain", NOW - 21 * HOUR),)),
            {"max_age": 20 * HOUR},
            "maintain has never ended well",
        ),
        (
            replace(WELL, duties=(DutyHealth("maintain", NOW + HOUR, outcome="failed"),)),
            {"max_age": 20 * HOUR},
            "maintain has never ended well",
        ),
        (
            replace(WELL, duties=(SYNC,)),
            {"max_age": 19 * HOUR},
            "sync hmi.M_45s last ended well at 2024-05-09 16:00:00 UTC: no answer",
        ),
    ],
)
def test_it_says_what_is_wrong(health: Health, about: dict[str, object], expected: str) -> None:
    assert expected in told(health, **about)  # type: ignore[arg-type]


def test_one_that_was_to_run_once_need_not_live() -> None:
    ended = replace(WELL, state=State.ENDED)
    assert told(ended, now=NOW + HOUR, has_ended=True) == ""
    assert "maintain" in told(ended, now=NOW + 4 * HOUR, has_ended=True, max_age=HOUR)


def test_what_is_recent_enough_is_well() -> None:
    assert told(replace(WELL, duties=(SYNC,)), max_age=20 * HOUR) == ""


def test_what_is_not_due_yet_for_the_first_time_is_well() -> None:
    assert told(replace(WELL, duties=(DutyHealth("maintain", NOW + HOUR),)), max_age=HOUR) == ""


def test_without_a_file_no_daemon_has_run(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="No daemon has run"):
        read_health(tmp_path / "health.json")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"duties": [{"name": 3}]}', "\xff"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "health.json").write_text(text, encoding="latin-1")
    with pytest.raises(IntegrityError, match="remove it"):
        read_health(tmp_path / "health.json")


class Beating:
    """A pulse with a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.file = folder / "health.json"
        self.pulse = Pulse(self.file, lambda: self.now, 30.0)

    @property
    def said(self) -> Health:
        return read_health(self.file)


def test_a_pulse_is_silent_until_it_may_speak(tmp_path: Path) -> None:
    beating = Beating(tmp_path)
    beating.pulse.beat()
    assert not beating.file.exists()
    beating.pulse.speak()
    beating.pulse.beat()
    assert beating.said.good_until_utc == NOW + timedelta(seconds=120)
    beating.now += HOUR
    beating.pulse.hush()
    beating.pulse.beat()
    assert beating.said.written_utc == NOW


def test_a_pulse_says_what_is_being_done_and_since_when(tmp_path: Path) -> None:
    beating = Beating(tmp_path)
    beating.pulse.speak()
    beating.pulse.learn([Duty("maintain", NOW, outcome=DutyOutcome.DONE, succeeded_utc=NOW)])
    beating.now += HOUR
    with beating.pulse.working("maintain"):
        assert (beating.said.state, beating.said.doing) == (State.WORKING, "maintain")
        beating.now += HOUR
        beating.pulse.beat()
        assert (beating.said.since_utc, beating.said.written_utc) == (NOW + HOUR, NOW + 2 * HOUR)
    assert (beating.said.state, beating.said.doing) == (State.IDLE, None)
    assert beating.said.duties == (DutyHealth("maintain", NOW, NOW, "done"),)


def test_a_wait_lasts_since_its_beginning_whatever_its_reason(tmp_path: Path) -> None:
    beating = Beating(tmp_path)
    beating.pulse.speak()
    for problem in ("refused", "no route"):
        beating.pulse.turn(State.WAITING, problem=problem)
        beating.now += HOUR
    assert (beating.said.problem, beating.said.since_utc) == ("no route", NOW)


def test_a_disk_that_is_full_does_not_stop_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beating = Beating(tmp_path)
    beating.file.mkdir()  # it cannot be written there
    beating.pulse.speak()
    beating.pulse.beat()
    assert "event=health.unwritten" in caplog.text
