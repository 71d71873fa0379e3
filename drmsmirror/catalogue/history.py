"""Coverage as it was after each run that changed it: what an answer as of then rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from drmsmirror.catalogue import coverage, tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.masters import series_key
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval

__all__ = [
    "CoverageThen",
    "History",
    "record",
]


@dataclass(frozen=True, slots=True)
class CoverageThen:
    """What was held completely of a series once.

    Parameters
    ----------
    generation : int
        Stretch of the upstream's life that was being read.
    entries : tuple of CoverageEntry
    """

    generation: int
    entries: tuple[CoverageEntry, ...]


def record(connection: Connection, key: str, run: int, now: datetime) -> None:
    """Note, inside a transaction, the coverage after a run, where it differs from what is noted."""
    state = tables.series_state.c
    generation = connection.scalar(select(state.generation).where(state.series_key == key)) or 0
    packed = _packed(CoverageThen(generation, coverage.read(connection, key)))
    table = tables.coverage_history
    last = connection.scalar(
        select(table.c.entries)
        .where(table.c.series_key == key)
        .order_by(table.c.run.desc(), table.c.id.desc())
        .limit(1)
    )
    if last is None and not packed["entries"]:
        return
    if packed != last:
        connection.execute(
            insert(table),
            {"series_key": key, "run": run, "recorded_utc": now, "entries": packed},
        )


@dataclass(frozen=True, slots=True)
class History:
    """What was held completely after runs.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def after(self, series: str, run: int) -> CoverageThen | None:
        """Say what was held completely of a series after a run; None where nobody noted it.

        Parameters
        ----------
        series : str
            In any case.
        run : int
            One of its runs.
        """
        table = tables.coverage_history
        query = (
            select(table.c.entries)
            .where(table.c.series_key == series_key(series), table.c.run <= run)
            .order_by(table.c.run.desc(), table.c.id.desc())
            .limit(1)
        )
        with self.database.read() as connection:
            packed = connection.scalar(query)
        return None if packed is None else _unpacked(packed)

    def last_naming(self, series: str, column: str) -> tuple[CoverageEntry, ...]:
        """Say what was held completely of a series when a column was held last; nothing if never.

        Parameters
        ----------
        series : str
            In any case.
        column : str
            Of the record table.
        """
        table = tables.coverage_history
        query = (
            select(table.c.entries)
            .where(table.c.series_key == series_key(series))
            .order_by(table.c.run.desc(), table.c.id.desc())
        )
        with self.database.read() as connection:
            for packed in connection.execute(query).scalars():
                if packed and any(column in names for names in packed["columns"]):
                    return _unpacked(packed).entries
        return ()


def _packed(held: CoverageThen) -> dict[str, Any]:
    """As JSON keeps it: entries name their columns by number, since most have the same."""
    columns: list[list[str]] = []
    entries = [_entry_packed(entry, columns) for entry in held.entries]
    return {"generation": held.generation, "columns": columns, "entries": entries}


def _entry_packed(entry: CoverageEntry, columns: list[list[str]]) -> list[Any]:
    names = sorted(entry.columns)
    if names not in columns:
        columns.append(names)
    ends = [None if math.isinf(end) else end for end in (entry.interval.low, entry.interval.high)]
    return [
        *ends,
        entry.restriction.text,
        columns.index(names),
        str(entry.versions),
        entry.generation,
        entry.as_of_recnum,
        entry.as_of_utc.isoformat(),
    ]


def _unpacked(packed: dict[str, Any]) -> CoverageThen:
    columns = [frozenset(names) for names in packed["columns"]]
    entries = tuple(_entry_unpacked(entry, columns) for entry in packed["entries"])
    return CoverageThen(packed["generation"], entries)


def _entry_unpacked(packed: list[Any], columns: Sequence[frozenset[str]]) -> CoverageEntry:
    low, high, restriction, number, versions, generation, recnum, moment = packed
    return CoverageEntry(
        Interval(-math.inf if low is None else low, math.inf if high is None else high),
        Restriction.parse(restriction),
        columns[number],
        Versions(versions),
        generation,
        recnum,
        datetime.fromisoformat(moment),
    )
