"""Subscriptions as they are kept: what is to be held, whether its series is known yet or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from drmsmirror.catalogue import pins, tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.masters import series_key
from drmsmirror.errors import LockedError, NotFoundError
from drmsmirror.model.subscription import Precision, Reconcile, Subscription, difference

__all__ = [
    "StoredSubscription",
    "Subscriptions",
    "of_series",
]

_TABLE = tables.subscriptions


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A subscription as the catalogue has it.

    Parameters
    ----------
    id : int
        Number; it stays when the subscription is changed.
    subscription : Subscription
    made_utc, changed_utc : datetime
    """

    id: int
    subscription: Subscription
    made_utc: datetime
    changed_utc: datetime


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What is to be held.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def all(self, *, series: str | None = None) -> tuple[StoredSubscription, ...]:
        """Give all subscriptions, those of a larger priority first, then the older ones.

        Parameters
        ----------
        series : str, optional
            Only those of this series, in any case.
        """
        with self.database.read() as connection:
            return _read(connection, series)

    def add(self, subscription: Subscription) -> StoredSubscription:
        """Add a subscription; one of the same record set that is there already stays as it is.

        Returns
        -------
        StoredSubscription
            What is there now.
        """
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _TABLE)
            there = _find(connection, subscription)
            return there or _insert(self.database, connection, subscription)

    def change(self, subscription: Subscription) -> StoredSubscription:
        """Change the subscription of the same record set.

        Raises
        ------
        NotFoundError
            There is none.
        """
        with self.database.write() as connection:
            _update(self.database, connection, subscription)
            changed = _find(connection, subscription)
            assert changed is not None
            return changed

    def remove(self, number: int) -> StoredSubscription:
        """Remove a subscription, and give it as it was.

        Raises
        ------
        NotFoundError
            There is none of that number.
        """
        with self.database.write() as connection:
            query = delete(_TABLE).where(_TABLE.c.id == number).returning(_TABLE)
            row = connection.execute(query).first()
            if row is None:
                raise NotFoundError(
                    f"There is no subscription {number}; `drmsmirror subscriptions` lists them"
                )
            pins.take_away(connection, pins.pin_of_subscription(row.record_set))
            return _stored(row)

    def replace_all(self, before: Iterable[Subscription], after: Iterable[Subscription]) -> None:
        """Put some subscriptions in the place of all, in one transaction.

        Those that stay keep their numbers.

        Parameters
        ----------
        before : iterable of Subscription
            What the caller has seen.
        after : iterable of Subscription
            What is there then.

        Raises
        ------
        LockedError
            There is not what the caller has seen; nothing is changed.
        """
        seen = tuple(before)
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _TABLE)
            there = [stored.subscription for stored in _read(connection)]
            if difference(there, seen):
                raise LockedError(
                    "The subscriptions were changed by another process in the meantime, and "
                    "nothing was done. Run the same again to see the difference as it is now"
                )
            steps = difference(there, after)
            for gone in steps.removed:
                connection.execute(delete(_TABLE).where(_TABLE.c.record_set == gone.record_set))
                pins.take_away(connection, pins.pin_of_subscription(gone.record_set))
            for _, wanted in steps.changed:
                _update(self.database, connection, wanted)
            for new in steps.added:
                _insert(self.database, connection, new)


def of_series(connection: Connection, key: str) -> tuple[StoredSubscription, ...]:
    """The subscriptions to one series, inside a transaction."""
    return _read(connection, key)


def _insert(
    database: Database, connection: Connection, subscription: Subscription
) -> StoredSubscription:
    now = database.clock()
    values = _values(subscription) | {"made_utc": now, "changed_utc": now}
    return _stored(connection.execute(insert(_TABLE).returning(_TABLE), values).one())


def _update(database: Database, connection: Connection, subscription: Subscription) -> None:
    before = _find(connection, subscription)
    if before is not None and before.subscription.segments != subscription.segments:
        pins.take_away(connection, pins.pin_of_subscription(subscription.record_set))
    values = _values(subscription) | {"changed_utc": database.clock()}
    query = update(_TABLE).where(_TABLE.c.record_set == subscription.record_set)
    if not connection.execute(query.values(values)).rowcount:
        raise NotFoundError(
            f"There is no subscription to {subscription.record_set}; `drmsmirror subscriptions` "
            f"lists them"
        )


def _find(connection: Connection, subscription: Subscription) -> StoredSubscription | None:
    query = select(_TABLE).where(_TABLE.c.record_set == subscription.record_set)
    row = connection.execute(query).first()
    return None if row is None else _stored(row)


def _read(connection: Connection, series: str | None = None) -> tuple[StoredSubscription, ...]:
    query = select(_TABLE).order_by(_TABLE.c.priority.desc(), _TABLE.c.id)
    if series is not None:
        query = query.where(_TABLE.c.series_key == series_key(series))
    return tuple(_stored(row) for row in connection.execute(query))


def _values(one: Subscription) -> dict[str, Any]:
    return {
        "record_set": one.record_set,
        "series_key": series_key(one.series),
        "keys": None if one.keys is None else list(one.keys),
        "segments": list(one.segments),
        "schedule": one.schedule,
        "lag_seconds": one.lag.total_seconds(),
        "priority": one.priority,
        "precision": one.precision.value,
        "reconcile": one.reconcile.value,
    }


def _stored(row: Row[Any]) -> StoredSubscription:
    return StoredSubscription(
        id=row.id,
        subscription=Subscription(
            record_set=row.record_set,
            # a row has a method of this name
            keys=None if row._mapping["keys"] is None else tuple(row._mapping["keys"]),  # noqa: SLF001
            segments=tuple(row.segments),
            schedule=row.schedule,
            lag=timedelta(seconds=row.lag_seconds),
            priority=row.priority,
            precision=Precision(row.precision),
            reconcile=Reconcile(row.reconcile),
        ),
        made_utc=row.made_utc,
        changed_utc=row.changed_utc,
    )
