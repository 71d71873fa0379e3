"""Schedules: when something is due, in cron's five fields.

They are read in UTC, so that every host of a mirror means the same moment, and no hour comes twice
or never when clocks change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["NEVER", "next_time"]

#: When that is due whose time never comes, such as every 30 February.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)

_LEAST = timedelta(microseconds=1)


def next_time(schedule: str, after: datetime) -> datetime:
    """Give the first moment of a schedule after another moment; :data:`NEVER` without one.

    Parameters
    ----------
    schedule : str
        One that :class:`~drmsmirror.model.subscription.Subscription` takes.
    after : datetime
        Aware.
    """
    from apscheduler.triggers.cron import CronTrigger

    trigger = CronTrigger.from_crontab(schedule, timezone=UTC)
    found: datetime | None = trigger.get_next_fire_time(None, after.astimezone(UTC) + _LEAST)
    return NEVER if found is None else found
