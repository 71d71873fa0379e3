"""What a run is to do: what it brings of each record, and what besides fetching what is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from drmsmirror.model.subscription import Precision, Reconcile, Subscription

__all__ = ["Task", "task_for"]


@dataclass(frozen=True, slots=True)
class Task:
    """What a run is to do.

    Parameters
    ----------
    keys : tuple of str or None
        Keywords that are wanted; None for all.
    precision : Precision
        How exactly values are asked for.
    follows : bool
        Whether what is held is brought up to date.
    reconcile : Reconcile
        How what is held is compared with the upstream, once it is up to date.
    everywhere : bool
        Whether all of it is compared now; else once a night, as far as the budget allows.
    lag : timedelta
        How far back records are read again where the upstream gives no record numbers; none: as
        far as the settings say.
    """

    keys: tuple[str, ...] | None = None
    precision: Precision = Precision.TEXT
    follows: bool = True
    reconcile: Reconcile = Reconcile.ROTATION
    everywhere: bool = False
    lag: timedelta = timedelta()


def task_for(subscription: Subscription, task: Task | None = None) -> Task:
    """Give what a run is to do for a subscription.

    Parameters
    ----------
    subscription : Subscription
    task : Task, optional
        What there is to do besides fetching what is missing; by default what it says.
    """
    return replace(
        task or Task(reconcile=subscription.reconcile),
        keys=subscription.keys,
        lag=subscription.lag,
        precision=subscription.precision,
    )
