"""What all runs did together, series by series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.runs import RunCounters, RunKind, RunOutcome

__all__ = ["RunTotals", "of_runs"]


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


def of_runs(database: Database) -> tuple[RunTotals, ...]:
    """Sum up all runs, by series, kind and outcome."""
    columns = tables.runs.c
    query = select(
        func.max(columns.series).label("series"),
        columns.kind,
        columns.outcome,
        func.count().label("number"),
        func.max(columns.finished_utc).label("finished_utc"),
        *(func.sum(columns[name]).label(name) for name in RunCounters.__slots__),
    ).group_by(columns.series_key, columns.kind, columns.outcome)
    with database.read() as connection:
        found = [
            RunTotals(
                series=row["series"],
                kind=RunKind(row["kind"]),
                outcome=RunOutcome(row["outcome"]),
                runs=row["number"],
                counters=RunCounters(**{name: int(row[name]) for name in RunCounters.__slots__}),
                finished_utc=row["finished_utc"],
            )
            for row in connection.execute(query).mappings()
        ]
    return tuple(sorted(found, key=lambda one: (one.series.lower(), one.kind, one.outcome)))
