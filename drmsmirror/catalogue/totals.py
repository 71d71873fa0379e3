"""What all runs did together, series by series; those that are forgotten count too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.runs import RunCounters, RunKind, RunOutcome

__all__ = ["RunTotals", "forget", "of_runs"]

_RUNS = tables.runs
_FORGOTTEN = tables.forgotten_runs


@dataclass(frozen=True, slots=True)
class RunTotals:
    """What the runs of one series did that are of one kind and ended in one way.

    Parameters
    ----------
    series : str
    kind : RunKind
    outcome : RunOutcome
    runs : int
        How many.
    counters : RunCounters
        Sums over them.
    finished_utc : datetime or None
        When the last of them ended.
    """

    series: str
    kind: RunKind
    outcome: RunOutcome
    runs: int
    counters: RunCounters
    finished_utc: datetime | None

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others."""
        return self.series.lower(), self.kind, self.outcome

    def __add__(self, later: RunTotals) -> RunTotals:
        moments = [one.finished_utc for one in (self, later) if one.finished_utc is not None]
        sums = (
            getattr(self.counters, name) + getattr(later.counters, name)
            for name in RunCounters.__slots__
        )
        return RunTotals(
            later.series,
            later.kind,
            later.outcome,
            self.runs + later.runs,
            RunCounters(*sums),
            max(moments, default=None),
        )


def of_runs(database: Database) -> tuple[RunTotals, ...]:
    """Sum up all runs, by series, kind and outcome."""
    with database.read() as connection:
        found = _joined([*_forgotten(connection), *_of_rows(connection)])
    return tuple(sorted(found, key=lambda one: one.key))


def forget(connection: Connection, runs: Sequence[int]) -> None:
    """Add to what forgotten runs did, inside the transaction that removes some."""
    going = _of_rows(connection, _RUNS.c.id.in_(runs))
    sums = _joined([*_forgotten(connection), *going])
    connection.execute(delete(_FORGOTTEN))
    if sums:
        connection.execute(insert(_FORGOTTEN), [_row(one) for one in sums])


def _joined(parts: Iterable[RunTotals]) -> list[RunTotals]:
    sums: dict[tuple[str, str, str], RunTotals] = {}
    for one in parts:
        sums[one.key] = sums[one.key] + one if one.key in sums else one
    return list(sums.values())


def _forgotten(connection: Connection) -> list[RunTotals]:
    return [_totals(row) for row in connection.execute(select(_FORGOTTEN)).mappings()]


def _of_rows(connection: Connection, *which: ColumnElement[bool]) -> list[RunTotals]:
    columns = _RUNS.c
    query = (
        select(
            func.max(columns.series).label("series"),
            columns.kind,
            columns.outcome,
            func.count().label("runs"),
            func.max(columns.finished_utc).label("finished_utc"),
            *(func.sum(columns[name]).label(name) for name in RunCounters.__slots__),
        )
        .where(*which)
        .group_by(columns.series_key, columns.kind, columns.outcome)
    )
    return [_totals(row) for row in connection.execute(query).mappings()]


def _totals(row: Any) -> RunTotals:
    return RunTotals(
        series=row["series"],
        kind=RunKind(row["kind"]),
        outcome=RunOutcome(row["outcome"]),
        runs=row["runs"],
        counters=RunCounters(**{name: int(row[name]) for name in RunCounters.__slots__}),
        finished_utc=row["finished_utc"],
    )


def _row(one: RunTotals) -> dict[str, Any]:
    key, kind, outcome = one.key
    return {
        "series_key": key,
        "kind": str(kind),
        "outcome": str(outcome),
        "series": one.series,
        "finished_utc": one.finished_utc,
        "runs": one.runs,
        **{name: getattr(one.counters, name) for name in RunCounters.__slots__},
    }
