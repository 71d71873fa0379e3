"""What the daemon has to do: a sync of each subscription that has a schedule, and maintenance."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.catalogue import Plan
from drmsmirror.errors import QueryError, SettingsError
from drmsmirror.mirror import Mirror
from drmsmirror.model.schedule import check_schedule
from drmsmirror.model.subscription import Subscription
from drmsmirror.settings import DaemonSettings

__all__ = ["MAINTAIN", "Chore", "check_settings", "chores_of"]

#: The duty of looking after the record tables.
MAINTAIN = "maintain"


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done at its time.

    Parameters
    ----------
    plan : Plan
        When, and under which name.
    subscription : Subscription or None
        What is to be synced; None for maintenance.
    """

    plan: Plan
    subscription: Subscription | None = None


def chores_of(mirror: Mirror) -> tuple[Chore, ...]:
    """Give all chores, in the order in which they are done: by priority, maintenance last."""
    syncs = [
        Chore(Plan(f"sync {wanted.record_set}", wanted.schedule, stored.changed_utc), wanted)
        for stored in mirror.catalogue.subscriptions.all()
        if (wanted := stored.subscription).schedule is not None
    ]
    schedule = mirror.settings.daemon.maintain
    if not schedule:
        return tuple(syncs)
    return (*syncs, Chore(Plan(MAINTAIN, schedule, mirror.catalogue.database.clock())))


def check_settings(settings: DaemonSettings) -> None:
    """Refuse a schedule of maintenance that is none.

    Raises
    ------
    SettingsError
        It is none; the message says why.
    """
    try:
        if settings.maintain:
            check_schedule(settings.maintain)
    except QueryError as error:
        raise SettingsError(f"daemon.maintain: {error}") from None
