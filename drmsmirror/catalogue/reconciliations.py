"""How far what is held was compared with the upstream, by record set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.definitions import known_key

__all__ = ["Reconciliation", "load", "save"]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How far a rotation over a record set has come.

    Parameters
    ----------
    generation : int
        Of the upstream that is compared.
    position : float
        On the axis, where the rotation goes on; minus infinity at its beginning.
    pass_begun_utc : datetime
        When the present pass began.
    checked_since_utc : datetime or None
        All was compared, or read, after this moment; None where a pass never came to its end.
    worked_utc : datetime
        When something was last compared.
    """

    generation: int
    position: float
    pass_begun_utc: datetime
    checked_since_utc: datetime | None
    worked_utc: datetime


def load(database: Database, series: str, record_set: str) -> Reconciliation | None:
    """How far a record set was compared; None where it never was.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    table = tables.reconciliations
    with database.read() as connection:
        key = known_key(connection, series)
        row = connection.execute(
            select(table).where(table.c.series_key == key, table.c.record_set == record_set)
        ).first()
    if row is None:
        return None
    return Reconciliation(
        row.generation,
        -math.inf if row.position is None else row.position,
        row.pass_begun_utc,
        row.checked_since_utc,
        row.worked_utc,
    )


def save(database: Database, series: str, record_set: str, now: Reconciliation) -> None:
    """Say how far a record set was compared.

    The caller holds the lease of the series.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    table = tables.reconciliations
    values = {name: getattr(now, name) for name in Reconciliation.__slots__}
    values["position"] = None if math.isinf(now.position) else now.position
    with database.write() as connection:
        key = known_key(connection, series)
        same = (table.c.series_key == key, table.c.record_set == record_set)
        if not connection.execute(update(table).where(*same).values(values)).rowcount:
            connection.execute(
                insert(table), {"series_key": key, "record_set": record_set, **values}
            )
