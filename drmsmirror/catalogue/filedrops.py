"""Segment files whose records are dropped: they are not held any more, unless they are pinned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, delete, exists, func, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.objectcare import add_to_totals
from drmsmirror.catalogue.pins import is_pinned
from drmsmirror.catalogue.segmentindex import batches

__all__ = ["FileDrops", "FilesOf"]

_OBJECTS = tables.objects
#: What there is of files: as they are stored, and in other forms.
_FORMS = (tables.segment_files, tables.made_files)


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
        found: set[int] = set()
        with self.database.read() as connection:
            for table in _FORMS:
                here = table.c.series_key == series.lower()
                query = select(table.c.recnum).where(here).distinct()
                if after is not None:
                    query = query.where(table.c.recnum > after)
                found.update(connection.scalars(query.order_by(table.c.recnum).limit(most)))
        return tuple(sorted(found)[:most])

    def count(self, series: str, numbers: Collection[int]) -> FilesOf:
        """Count the files of some records, in every form that there is of them."""
        counted = FilesOf()
        with self.database.read() as connection:
            for table in _FORMS:
                query = select(func.count()).select_from(table).where(_are(table, series, numbers))
                pinned = int(connection.scalar(query.where(is_pinned(table))) or 0)
                counted += FilesOf(int(connection.scalar(query) or 0) - pinned, pinned)
        return counted

    def take(self, series: str, numbers: Collection[int]) -> tuple[str, ...]:
        """Take files of some records out of the index, those that are not pinned.

        Returns
        -------
        tuple of str
            Objects that are of no file any more and count no more: their bytes are to be removed.
        """
        names: set[str] = set()
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            for table in _FORMS:
                going = and_(_are(table, series, numbers), ~is_pinned(table))
                names.update(connection.scalars(select(table.c.sha256).where(going)))
                connection.execute(delete(table).where(going))
            is_of_none = and_(
                *(~exists().where(one.c.sha256 == _OBJECTS.c.sha256) for one in _FORMS)
            )
            gone: list[str] = []
            for some in batches(sorted(names)):
                alone = connection.execute(
                    select(_OBJECTS.c.sha256, _OBJECTS.c.bytes).where(
                        _OBJECTS.c.sha256.in_(some), _OBJECTS.c.is_leaving.is_(False), is_of_none
                    )
                ).all()
                going_now = [row.sha256 for row in alone]
                connection.execute(
                    update(_OBJECTS).where(_OBJECTS.c.sha256.in_(going_now)).values(is_leaving=True)
                )
                add_to_totals(connection, -len(alone), -sum(row.bytes for row in alone))
                gone += going_now
        return tuple(gone)


def _are(table: Any, series: str, numbers: Collection[int]) -> Any:
    return and_(table.c.series_key == series.lower(), table.c.recnum.in_(list(numbers)))
