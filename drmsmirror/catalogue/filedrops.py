"""Segment files whose records are dropped: they are not held any more, unless they are pinned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, exists, func, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.objectcare import add_to_totals

__all__ = ["FileDrops", "FilesOf"]

_FILES, _OBJECTS, _PINNED = tables.segment_files, tables.objects, tables.pinned_files
_MADE = tables.made_files
_KEY = ("series_key", "generation", "recnum", "segment_key")


@dataclass(frozen=True, slots=True)
class FilesOf:
    """Files of some records.

    Parameters
    ----------
    files : int
        Those that are not pinned.
    pinned : int
        Those that are, and stay.
    """

    files: int = 0
    pinned: int = 0

    def __add__(self, other: FilesOf) -> FilesOf:
        return FilesOf(self.files + other.files, self.pinned + other.pinned)


@dataclass(frozen=True, slots=True)
class FileDrops:
    """Takes files of records out of the index.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def numbers(self, series: str, after: int | None = None, *, most: int) -> tuple[int, ...]:
        """Give numbers of records that have files, in order, those after one only."""
        query = (
            select(_FILES.c.recnum)
            .where(_FILES.c.series_key == series.lower())
            .distinct()
            .order_by(_FILES.c.recnum)
            .limit(most)
        )
        if after is not None:
            query = query.where(_FILES.c.recnum > after)
        with self.database.read() as connection:
            return tuple(connection.scalars(query))

    def count(self, series: str, numbers: Collection[int]) -> FilesOf:
        """Count the files of some records."""
        query = select(func.count()).select_from(_FILES).where(_are(series, numbers))
        with self.database.read() as connection:
            pinned = int(connection.scalar(query.where(_is_pinned())) or 0)
            return FilesOf(int(connection.scalar(query) or 0) - pinned, pinned)

    def take(self, series: str, numbers: Collection[int]) -> tuple[str, ...]:
        """Take files of some records out of the index, those that are not pinned.

        Returns
        -------
        tuple of str
            Objects that are of no file any more and count no more: their bytes are to be removed.
        """
        going = and_(_are(series, numbers), ~_is_pinned())
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            names = connection.scalars(select(_FILES.c.sha256).distinct().where(going)).all()
            connection.execute(delete(_FILES).where(going))
            is_of_none = and_(
                *(~exists().where(one.c.sha256 == _OBJECTS.c.sha256) for one in (_FILES, _MADE))
            )
            alone = connection.execute(
                select(_OBJECTS.c.sha256, _OBJECTS.c.bytes).where(
                    _OBJECTS.c.sha256.in_(names), _OBJECTS.c.is_leaving.is_(False), is_of_none
                )
            ).all()
            gone = tuple(row.sha256 for row in alone)
            connection.execute(
                update(_OBJECTS).where(_OBJECTS.c.sha256.in_(gone)).values(is_leaving=True)
            )
            add_to_totals(connection, -len(alone), -sum(row.bytes for row in alone))
        return gone


def _are(series: str, numbers: Collection[int]) -> Any:
    return and_(_FILES.c.series_key == series.lower(), _FILES.c.recnum.in_(list(numbers)))


def _is_pinned() -> Any:
    same = and_(*(_PINNED.c[name] == _FILES.c[name] for name in _KEY))
    return exists().where(same).correlate(_FILES)
