"""How far, and how deeply, what is held was compared with the upstream, by record set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.definitions import known_key

__all__ = [
    "Depth",
    "Reconciliation",
    "Reconciliations",
]

_TABLE = tables.reconciliations


class Depth(StrEnum):
    """What of each record was compared."""

    #: By what changes with nearly everything else of a record; what differed was read whole.
    TELLING = "telling"
    #: All of each record was read again.
    WHOLE = "whole"
    #: All of each record was read, as it was brought in.
    READ = "read"
    #: As for ``TELLING``, but for places that the upstream could not list.
    IN_PART = "in part"


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
    pass_depth, checked_depth : Depth
        How deeply: in the present pass, and in the last one that came to its end.
    """

    generation: int
    position: float
    pass_begun_utc: datetime
    checked_since_utc: datetime | None
    worked_utc: datetime
    pass_depth: Depth = Depth.TELLING
    checked_depth: Depth = Depth.TELLING


@dataclass(frozen=True, slots=True)
class Reconciliations:
    """How far record sets were compared with the upstream.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def load(self, series: str, record_set: str) -> Reconciliation | None:
        """How far a record set was compared; None where it never was.

        Raises
        ------
        UnknownSeriesError
            The mirror knows no such series.
        """
        return self.of_series(series).get(record_set)

    def of_series(self, series: str) -> dict[str, Reconciliation]:
        """How far the record sets of a series were compared, by record set.

        Raises
        ------
        UnknownSeriesError
            The mirror knows no such series.
        """
        with self.database.read() as connection:
            key = known_key(connection, series)
            found = connection.execute(select(_TABLE).where(_TABLE.c.series_key == key)).all()
        ordered = sorted(found, key=lambda row: row.record_set)  # databases sort in different ways
        return {row.record_set: _reconciliation(row) for row in ordered}

    def save(self, series: str, record_set: str, now: Reconciliation) -> None:
        """Say how far a record set was compared.

        The caller holds the lease of the series.

        Raises
        ------
        UnknownSeriesError
            The mirror knows no such series.
        """
        values = {name: getattr(now, name) for name in Reconciliation.__slots__}
        values["position"] = None if math.isinf(now.position) else now.position
        values["pass_depth"] = now.pass_depth.value
        values["checked_depth"] = now.checked_depth.value
        with self.database.write() as connection:
            key = known_key(connection, series)
            same = (_TABLE.c.series_key == key, _TABLE.c.record_set == record_set)
            if not connection.execute(update(_TABLE).where(*same).values(values)).rowcount:
                connection.execute(
                    insert(_TABLE), {"series_key": key, "record_set": record_set, **values}
                )


def _reconciliation(row: Row[Any]) -> Reconciliation:
    return Reconciliation(
        row.generation,
        -math.inf if row.position is None else row.position,
        row.pass_begun_utc,
        row.checked_since_utc,
        row.worked_utc,
        Depth(row.pass_depth),
        Depth(row.checked_depth),
    )
