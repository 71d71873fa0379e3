"""Orders of files at the upstream: kept, so that whoever comes later goes on with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database

__all__ = ["Order", "OrderState", "Orders"]

_ALL = tables.orders

#: The upstream keeps what was ordered for a week (DRMS semantics 4.4.2).
_KEPT = timedelta(days=7)


class OrderState(StrEnum):
    """How an order stands."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Parameters
    ----------
    request_id : str
        What the upstream calls it.
    upstream_url : str
    digest : str
        Of what was ordered: who orders the same takes this order.
    record_set : str
    email : str
    method : str
    state : OrderState
    message : str
        What the upstream said last.
    ordered_utc, asked_utc : datetime
        When it was ordered, and when its state was asked for last.
    ended_utc : datetime or None
    """

    request_id: str
    upstream_url: str
    digest: str
    record_set: str
    email: str
    method: str
    state: OrderState
    message: str
    ordered_utc: datetime
    asked_utc: datetime
    ended_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of a mirror.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def pending(self, upstream_url: str) -> tuple[Order, ...]:
        """Give the orders that the upstream has not done yet, the oldest first."""
        query = (
            select(_ALL)
            .where(_ALL.c.upstream_url == upstream_url, _ALL.c.state == OrderState.PENDING)
            .order_by(_ALL.c.ordered_utc)
        )
        with self.database.read() as connection:
            return tuple(_order(row) for row in connection.execute(query).mappings())

    def latest(self, upstream_url: str, digest: str) -> Order | None:
        """Give the latest order of something; None where it was not ordered in the last week."""
        query = (
            select(_ALL)
            .where(_ALL.c.upstream_url == upstream_url, _ALL.c.digest == digest)
            .order_by(_ALL.c.ordered_utc.desc())
            .limit(1)
        )
        with self.database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None or row["ordered_utc"] + _KEPT < self.database.clock():
            return None
        return _order(row)

    def save(self, order: Order) -> None:
        """Keep an order, in place of what was known of it; very old ones are forgotten."""
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _ALL)
            old = order.asked_utc - 4 * _KEPT
            connection.execute(delete(_ALL).where(_ALL.c.ended_utc < old))
            values = asdict(order)
            found = update(_ALL).where(_ALL.c.request_id == order.request_id).values(values)
            if not connection.execute(found).rowcount:
                connection.execute(insert(_ALL), values)


def _order(row: Mapping[Any, Any]) -> Order:
    return Order(**{**row, "state": OrderState(row["state"])})
