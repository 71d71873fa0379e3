"""Files that were read whole to see whether they are sound: when, and what was found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.masters import series_key

__all__ = [
    "CheckedFile",
    "Checks",
]

_TABLE = tables.checked_files


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that was read.

    Parameters
    ----------
    path : str
        Relative to the mirror.
    checked_utc : datetime
        When.
    problem : str or None
        What was wrong with it; None where it was sound.
    """

    path: str
    checked_utc: datetime
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """Files that were read whole.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def load(self, series: str) -> dict[str, CheckedFile]:
        """Give the files of a series that were read, by path."""
        query = select(_TABLE).where(_TABLE.c.series_key == series_key(series))
        with self.database.read() as connection:
            return {
                row.path: CheckedFile(row.path, row.checked_utc, row.problem)
                for row in connection.execute(query)
            }

    def save(self, series: str, path: str, problem: str | None) -> None:
        """Say that a file of a series was read now, and what was wrong with it."""
        values = {
            "series_key": series_key(series),
            "checked_utc": self.database.clock(),
            "problem": problem,
        }
        with self.database.write() as connection:
            here = update(_TABLE).where(_TABLE.c.path == path).values(values)
            if not connection.execute(here).rowcount:
                connection.execute(insert(_TABLE), {"path": path, **values})

    def keep_only(self, series: str, paths: Collection[str]) -> None:
        """Forget the files of a series that there are no longer."""
        gone = self.load(series).keys() - set(paths)
        if not gone:
            return
        with self.database.write() as connection:
            for path in gone:
                connection.execute(delete(_TABLE).where(_TABLE.c.path == path))
