"""Schedules: when something is due, in cron's five fields.

They are read in UTC, so that every host of a mirror means the same moment, and no hour comes twice
or never when clocks change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drmsmirror.errors import QueryError

__all__ = ["NEVER", "check_schedule", "next_time"]

#: When that is due whose time never comes, such as every 30 February, which was taken once.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)

#: From then on a schedule that comes at all comes within some years, leap days included.
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)
_LEAST = timedelta(microseconds=1)


def check_schedule(schedule: str) -> None:
    """Refuse what is no schedule or never comes, and what cron and APScheduler read differently.

    Raises
    ------
    QueryError
        The message says what is wrong.
    """
    from apscheduler.triggers.cron import CronTrigger

    fields = schedule.split()
    try:
        CronTrigger.from_crontab(schedule, timezone=UTC)
    except ValueError as error:
        raise QueryError(
            f"{schedule!r} is no schedule ({error}); write it like '0 3 * * *', every day at three"
        ) from None
    day, weekday = fields[2], fields[4]
    if any(letter.isdigit() for letter in weekday):
        raise QueryError(
            f"{schedule!r} numbers the days of the week, which programs count from different days; "
            f"write mon, tue, wed, thu, fri, sat or sun"
        )
    if "*" not in (day, weekday):
        raise QueryError(
            f"{schedule!r} names days of the month and of the week, which programs join in "
            f"different ways; name one of the two"
        )
    if next_time(schedule, _ANY_TIME) == NEVER:
        raise QueryError(
            f"{schedule!r} never comes: no month that it names has the day that it names"
        )


def next_time(schedule: str, after: datetime) -> datetime:
    """Give the first moment of a schedule after another moment; :data:`NEVER` without one.

    Parameters
    ----------
    schedule : str
        One that :func:`check_schedule` lets pass.
    after : datetime
        Aware.
    """
    from apscheduler.triggers.cron import CronTrigger

    trigger = CronTrigger.from_crontab(schedule, timezone=UTC)
    found: datetime | None = trigger.get_next_fire_time(None, after.astimezone(UTC) + _LEAST)
    return NEVER if found is None else found
