"""Old rows that nobody needs: runs beyond a number, coverage as it was then, past failures.

Of each series the newest runs stay, and coverage as it was since the oldest of them; so does what
a tag names, however old it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from drmsmirror.catalogue import answers, tables, totals
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.masters import series_key
from drmsmirror.catalogue.runs import RunOutcome

__all__ = ["Superfluous", "prune", "superfluous"]

_RUNS = tables.runs
_HISTORY = tables.coverage_history
_FAILED = tables.failed_questions

#: Rows that are removed in one statement.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Superfluous:
    """Rows that nobody needs.

    Parameters
    ----------
    runs, history, failures : int
    """

    runs: int = 0
    history: int = 0
    failures: int = 0

    @property
    def total(self) -> int:
        """All together."""
        return self.runs + self.history + self.failures


def superfluous(database: Database, *, keep_runs: int, series: str | None = None) -> Superfluous:
    """Count what :func:`prune` would remove."""
    with database.read() as connection:
        found = _find(database, connection, keep_runs, series)
    return found.counts


def prune(database: Database, *, keep_runs: int, series: str | None = None) -> Superfluous:
    """Remove old rows, in one transaction.

    Parameters
    ----------
    database : Database
    keep_runs : int
        Runs of each series that stay, at least.
    series : str, optional
        Only rows about this series; failures are of none.
    """
    with database.write() as connection:
        found = _find(database, connection, keep_runs, series)
        for some in _chunks(found.runs):
            totals.forget(connection, some)
        for table, numbers in ((_RUNS, found.runs), (_HISTORY, found.history)):
            for some in _chunks(numbers):
                connection.execute(delete(table).where(table.c.id.in_(some)))
        if found.failures:
            connection.execute(delete(_FAILED).where(_FAILED.c.until_utc < found.failed_before))
    return found.counts


@dataclass(frozen=True, slots=True)
class _Found:
    runs: list[int]
    history: list[int]
    failures: int
    failed_before: Any

    @property
    def counts(self) -> Superfluous:
        return Superfluous(len(self.runs), len(self.history), self.failures)


def _find(database: Database, connection: Connection, keep_runs: int, series: str | None) -> _Found:
    keys = _series_with_many(connection, keep_runs) if series is None else [series_key(series)]
    tags = connection.execute(select(tables.tags.c.run, tables.tags.c.moment_utc)).all()
    tagged = sorted(tag.run for tag in tags)
    runs, history = [], []
    for key in keys:
        first = connection.scalar(
            _of_series(_RUNS, key).order_by(_RUNS.c.id.desc()).limit(1).offset(keep_runs - 1)
        )
        if first is None:
            continue
        named = _kept_history(connection, key, tagged)
        kept = named | _kept_history(connection, key, [first])
        old = connection.execute(
            select(_HISTORY.c.id, _HISTORY.c.run).where(
                _HISTORY.c.series_key == key, _HISTORY.c.run < first
            )
        ).all()
        history += [row.id for row in old if row.id not in kept]
        ended = [_last_ended(connection, key, tag.run, tag.moment_utc) for tag in tags]
        needed = {*tagged, *ended, *(row.run for row in old if row.id in named)}
        has_ended = _RUNS.c.outcome != RunOutcome.RUNNING.value
        query = _of_series(_RUNS, key).where(_RUNS.c.id < first, has_ended)
        runs += [number for number in connection.scalars(query) if number not in needed]
    before = database.clock() - answers.AFTERWARDS
    failures = 0
    if series is None:
        query = select(func.count()).select_from(_FAILED).where(_FAILED.c.until_utc < before)
        failures = connection.scalar(query) or 0
    return _Found(runs, history, failures, before)


def _series_with_many(connection: Connection, keep_runs: int) -> list[str]:
    key = _RUNS.c.series_key
    return list(connection.scalars(select(key).group_by(key).having(func.count() > keep_runs)))


def _of_series(table: Any, key: str) -> Select[Any]:
    return select(table.c.id).where(table.c.series_key == key)


def _last_ended(connection: Connection, key: str, run: int, moment: datetime) -> int | None:
    """The last run of a series that had ended at a moment, which has this run for its last."""
    query = select(func.max(_RUNS.c.id)).where(
        _RUNS.c.series_key == key, _RUNS.c.id <= run, _RUNS.c.finished_utc <= moment
    )
    number: int | None = connection.scalar(query)
    return number


def _kept_history(connection: Connection, key: str, moments: list[int]) -> set[int]:
    """The rows that say what was held when each of these runs had ended."""
    kept = set()
    for run in moments:
        query = select(func.max(_HISTORY.c.id)).where(
            _HISTORY.c.series_key == key, _HISTORY.c.run <= run
        )
        if (newest := connection.scalar(query)) is not None:
            kept.add(newest)
    return kept


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    for first in range(0, len(numbers), _CHUNK):
        yield numbers[first : first + _CHUNK]
