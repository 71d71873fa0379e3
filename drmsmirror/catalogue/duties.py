"""Duties: what has to be done at its time, by whichever process comes first.

A duty is due from its moment on until somebody takes it. Taking it is one transaction that also
takes a lease and puts the next moment in the place of this one, so that a moment is served once,
however many processes look and however often they start. A moment that went by while nobody looked
is served late, and once: only the latest of several counts. A duty whose holder died is due again
at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.leases import Lease, Leases, confirm
from drmsmirror.model.schedule import next_time

__all__ = [
    "Duties",
    "Duty",
    "DutyOutcome",
    "Plan",
    "TakenDuty",
]

_TABLE = tables.duties

#: What the name of a duty begins with that is a sync; the record set follows.
_SYNC = "sync "


class DutyOutcome(StrEnum):
    """How a duty went the last time, or that it has not ended."""

    RUNNING = "running"
    DONE = "done"
    #: Ended in good order before all was done; it goes on.
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Plan:
    """When something has to be done.

    Parameters
    ----------
    name : str
        What: ``sync hmi.sharp_720s``.
    schedule : str
        When, in cron's five fields, in UTC.
    since_utc : datetime
        When that was said: the first moment is the first one after it.
    """

    name: str
    schedule: str
    since_utc: datetime


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that has to be done.

    Parameters
    ----------
    name : str
    due_utc : datetime
        From when on it is to be done next.
    begun_utc, ended_utc : datetime or None
        When it was last begun, and when that came to an end; None while it has not.
    succeeded_utc : datetime or None
        When it last ended well.
    outcome : DutyOutcome or None
        How it went the last time.
    message : str or None
        What there is to say of that.
    """

    name: str
    due_utc: datetime
    begun_utc: datetime | None = None
    ended_utc: datetime | None = None
    succeeded_utc: datetime | None = None
    outcome: DutyOutcome | None = None
    message: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was begun and nobody has said how it ended."""
        return self.begun_utc is not None and self.ended_utc is None


@dataclass(frozen=True, slots=True)
class TakenDuty:
    """A duty that this process does now.

    Parameters
    ----------
    plan : Plan
    before : Duty
        As it was when it was taken.
    lease : Lease
        The right to do it.
    """

    plan: Plan
    before: Duty
    lease: Lease


@dataclass(frozen=True, slots=True)
class Duties:
    """What a mirror has to do at its time.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def all(self) -> tuple[Duty, ...]:
        """Give all duties, by name."""
        with self.database.read() as connection:
            return _read(connection)

    def next_syncs(self) -> dict[str, datetime]:
        """By record set, when it is to be synced next, as far as somebody keeps a timetable."""
        return {
            duty.name.removeprefix(_SYNC): duty.due_utc
            for duty in self.all()
            if duty.name.startswith(_SYNC)
        }

    def keep(self, plans: Iterable[Plan]) -> tuple[Duty, ...]:
        """Make the duties those of some plans: new ones begin, others end, changed schedules count.

        What is due stays due, whatever its schedule is now. Where nothing has changed nothing is
        written.

        Returns
        -------
        tuple of Duty
            All there are, by name.
        """
        planned = {plan.name: plan for plan in plans}
        now = self.database.clock()
        there = self.all()
        if not _steps(planned, there, now):
            return there
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _TABLE)
            for name, due_utc in _steps(planned, _read(connection), now).items():
                _move(connection, name, due_utc)
            return _read(connection)

    def due(self) -> tuple[str, ...]:
        """Name the duties that somebody should do now, by name."""
        now = self.database.clock()
        with self.database.read() as connection:
            return tuple(
                duty.name
                for duty in _read(connection)
                if _is_due(self.database, connection, duty, now)
            )

    @contextmanager
    def taking(self, plan: Plan, *, ttl_seconds: float = 120.0) -> Iterator[TakenDuty | None]:
        """Take a duty, and keep it while a block does it, which says by :meth:`end` how it went.

        A block that does not say so has died, as far as others know: the duty is due again.

        Parameters
        ----------
        plan : Plan
        ttl_seconds : float
            Time after which another may take it over where this process can no longer be heard of.

        Yields
        ------
        TakenDuty or None
            None where it is not due (any more), or another process does it.
        """
        taken = _take(self.database, plan, ttl_seconds)
        if taken is None:
            yield None
            return
        with Leases(self.database).kept_alive(taken.lease):
            yield taken

    def end(
        self,
        taken: TakenDuty,
        outcome: DutyOutcome,
        *,
        message: str | None = None,
        again_utc: datetime | None = None,
    ) -> None:
        """Say how a duty went. It is due again at the next moment of its schedule.

        Moments that went by meanwhile are not made up for: it was being done.

        Parameters
        ----------
        taken : TakenDuty
        outcome : DutyOutcome
        message : str, optional
        again_utc : datetime, optional
            When it is due where that is earlier.

        Raises
        ------
        LockedError
            Another process has taken it over.
        """
        with self.database.write() as connection:
            confirm(connection, taken.lease)
            now = self.database.clock()
            scheduled = next_time(taken.plan.schedule, now)
            values: dict[str, Any] = {
                "due_utc": scheduled if again_utc is None else min(scheduled, again_utc),
                "ended_utc": now,
                "outcome": outcome.value,
                "message": message,
            }
            if outcome is DutyOutcome.DONE:
                values["succeeded_utc"] = now
            here = _TABLE.c.name == taken.plan.name  # no row where it is no duty any more
            connection.execute(update(_TABLE).where(here).values(values))


def _take(database: Database, plan: Plan, ttl_seconds: float) -> TakenDuty | None:
    with database.write() as connection:
        database.keep_others_out(connection, tables.leases)
        now = database.clock()
        before = _find(connection, plan.name)
        if before is None or not _is_due(database, connection, before, now):
            return None
        lease = Leases(database).take(connection, _lease(plan.name), ttl_seconds)
        values = {
            "due_utc": next_time(plan.schedule, now),
            "begun_utc": now,
            "ended_utc": None,
            "outcome": DutyOutcome.RUNNING.value,
            "message": None,
        }
        connection.execute(update(_TABLE).where(_TABLE.c.name == plan.name).values(values))
        return TakenDuty(plan, before, lease)


def _is_due(database: Database, connection: Connection, duty: Duty, now: datetime) -> bool:
    if not (duty.is_open or duty.due_utc <= now):
        return False
    return not Leases(database).keeps_others_out(connection, _lease(duty.name))


def _steps(
    planned: dict[str, Plan], there: Iterable[Duty], now: datetime
) -> dict[str, datetime | None]:
    """When each duty that must change is due; None where it ends."""
    steps: dict[str, datetime | None] = {}
    known = {duty.name: duty for duty in there}
    for name in known.keys() - planned.keys():
        steps[name] = None
    for name, plan in planned.items():
        duty = known.get(name)
        if duty is None or _is_of_another_schedule(duty, plan, now):
            steps[name] = next_time(plan.schedule, plan.since_utc)
    return steps


def _is_of_another_schedule(duty: Duty, plan: Plan, now: datetime) -> bool:
    """Whether a moment in the future is none of the schedule: it was changed since.

    One that failed or was stopped may well be due earlier than the schedule says.
    """
    if duty.due_utc <= now:
        return False
    scheduled = next_time(plan.schedule, now)
    if duty.due_utc < scheduled:
        return duty.outcome in (None, DutyOutcome.DONE)
    return duty.due_utc > scheduled


def _move(connection: Connection, name: str, due_utc: datetime | None) -> None:
    """Make a duty due at a moment, or let it end."""
    here = _TABLE.c.name == name
    if due_utc is None:
        connection.execute(delete(_TABLE).where(here))
    elif not connection.execute(update(_TABLE).where(here).values(due_utc=due_utc)).rowcount:
        connection.execute(insert(_TABLE), {"name": name, "due_utc": due_utc})


def _lease(name: str) -> str:
    return f"duty {name}"


def _find(connection: Connection, name: str) -> Duty | None:
    row = connection.execute(select(_TABLE).where(_TABLE.c.name == name)).first()
    return None if row is None else _duty(row)


def _read(connection: Connection) -> tuple[Duty, ...]:
    found = (_duty(row) for row in connection.execute(select(_TABLE)))
    return tuple(sorted(found, key=lambda duty: duty.name))  # databases sort in different ways


def _duty(row: Row[Any]) -> Duty:
    return Duty(
        name=row.name,
        due_utc=row.due_utc,
        begun_utc=row.begun_utc,
        ended_utc=row.ended_utc,
        succeeded_utc=row.succeeded_utc,
        outcome=None if row.outcome is None else DutyOutcome(row.outcome),
        message=row.message,
    )
