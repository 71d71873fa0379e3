"""Moments of the past, as they are named: by a time, a run, or a tag.

The mirror stood at a moment as the runs left it that had ended by then. Those that were under way
do not count, with nothing of what they had done; those that failed or were stopped do, with what
they had recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import Connection, func, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.masters import series_key
from drmsmirror.errors import NotFoundError, QueryError

__all__ = [
    "Moment",
    "Moments",
    "Named",
]

#: What names a moment: a time or its text, the number of a run, a tag.
Named = str | int | date

#: No run has so large a number.
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment at which the mirror stood in some way.

    Parameters
    ----------
    named : str
        As it was named.
    utc : datetime
    run : int
        The last run that had ended by then; 0 where none had.
    """

    named: str
    utc: datetime
    run: int

    @property
    def is_time(self) -> bool:
        """Whether it was named by a time, and not by what had happened by then."""
        return self.named == self.utc.isoformat()

    def __str__(self) -> str:
        shown = f"{self.utc:%Y-%m-%d %H:%M:%S} UTC"
        return shown if self.is_time else f"{shown} ({self.named})"


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments of a mirror.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def find(self, named: Named | None = None) -> Moment:
        """Find a moment; None names the present.

        Digits alone are the number of a run, and mean the moment at which it ended; runs with
        larger numbers do not count then. What begins with a letter is a tag, all else a time in ISO
        format: in UTC where it names no zone, and a date is the moment at which it begins.

        Raises
        ------
        QueryError
            It names no moment, or one that has not come.
        NotFoundError
            There is no such run, or no such tag.
        """
        with self.database.read() as connection:
            now = self.database.clock()
            if named is None:
                return Moment("now", now, _last_ended(connection, now))
            if isinstance(named, int):
                return _of_run(connection, named)
            if isinstance(named, str):
                text = named.strip()
                if text.isdecimal():
                    return _of_run(connection, int(text))
                if text[:1].isalpha():
                    return _of_tag(connection, text)
                named = _time_of(text)
            moment = _in_utc(named)
            if moment > now:
                raise QueryError(f"{moment:%Y-%m-%d %H:%M:%S} UTC has not come yet")
            return Moment(moment.isoformat(), moment, _last_ended(connection, moment))

    def last_run(self, series: str, moment: Moment) -> int | None:
        """Number of the last run of a series that had ended at a moment; None where none had."""
        with self.database.read() as connection:
            return _last_run(connection, moment.utc, moment.run, series_key(series))

    def unknown_runs(self, series: str, moment: Moment) -> range:
        """Numbers among which there can be runs of a series that had ended at a moment, forgotten.

        They lie between the last one that is known to have ended by then and the next one that is
        known. Empty where each number between the two is that of a run, of another series then.
        """
        table, key = tables.runs, series_key(series)
        with self.database.read() as connection:
            last = _last_run(connection, moment.utc, moment.run, key) or 0
            later = select(func.min(table.c.id)).where(table.c.series_key == key, table.c.id > last)
            end = connection.scalar(later) or _LARGEST
            if not moment.is_time:  # a tag and a run name by their number what had ended
                end = min(end, moment.run + 1)
            between = select(func.count()).where(table.c.id > last, table.c.id < end)
            known = connection.scalar(between) or 0
        return range(last + 1, end) if known < end - last - 1 else range(0)


def _of_run(connection: Connection, number: int) -> Moment:
    table = tables.runs
    query = select(table).where(table.c.id == min(number, _LARGEST))
    row = connection.execute(query).first()
    if row is None:
        raise NotFoundError(f"There is no run {number}. List them with\n  drmsmirror runs")
    if row.finished_utc is None:
        raise QueryError(f"Run {number} has not ended; what it brings can be told afterwards")
    return Moment(f"run {number}", row.finished_utc, number)


def _of_tag(connection: Connection, name: str) -> Moment:
    table = tables.tags
    row = connection.execute(select(table).where(table.c.name == name)).first()
    if row is None:
        raise NotFoundError(f"There is no tag {name}. List them with\n  drmsmirror tag --list")
    return Moment(name, row.moment_utc, row.run)


def _time_of(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(
            f"{text!r} names no moment; write a time in UTC like 2026-11-01 or 2026-11-01T12:00, "
            f"the number of a run, or a tag"
        ) from None


def _in_utc(moment: date) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _last_ended(connection: Connection, moment: datetime) -> int:
    return _last_run(connection, moment, None, None) or 0


def _last_run(
    connection: Connection, moment: datetime, at_most: int | None, key: str | None
) -> int | None:
    table = tables.runs
    query = select(func.max(table.c.id)).where(table.c.finished_utc <= moment)
    if at_most is not None:  # a clock that was set back says less than the numbers
        query = query.where(table.c.id <= at_most)
    if key is not None:
        query = query.where(table.c.series_key == key)
    number: int | None = connection.scalar(query)
    return number
