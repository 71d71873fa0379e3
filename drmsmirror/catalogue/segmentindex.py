"""Which objects are there, and which segment files they are.

A row of an object says that its bytes are durable under its name: it is written after them. An
object that goes is marked as leaving first, then its file is removed, then the row. Whoever stores
the same bytes meanwhile is told, and stores them again when they have gone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    false,
    insert,
    select,
    true,
    tuple_,
    update,
)

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.filerows import batches, key_of, rows_of
from drmsmirror.catalogue.objectcare import (
    HeldObject,
    ObjectTotals,
    add_to_totals,
    count_evicted,
)
from drmsmirror.catalogue.pins import is_pinned_object
from drmsmirror.errors import LockedError
from drmsmirror.model.segmentfile import SegmentFile

__all__ = [
    "USED_EVERY",
    "FailedFile",
    "HeldFile",
    "HeldObject",
    "ObjectTotals",
    "SegmentIndex",
    "batches",
    "have_object",
    "is_given",
    "key_of",
    "touch_objects",
]

#: When an object was used is written down no more often than this.
USED_EVERY = timedelta(hours=1)
_FILES, _OBJECTS, _FAILED = tables.segment_files, tables.objects, tables.failed_files
_TOTALS, _DOWNLOADS, _MADE = tables.object_totals, tables.downloads, tables.made_files


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A segment file whose bytes are there.

    Parameters
    ----------
    sha256 : str
        Names the object.
    size_bytes : int
    file_name : str
        What the upstream called it, without the directory.
    fetched_utc : datetime
    """

    sha256: str
    size_bytes: int
    file_name: str
    fetched_utc: datetime


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A segment file that could not be had.

    Parameters
    ----------
    state : str
        Why, in the words of who tried.
    message : str
    failed_utc, until_utc : datetime
        When that was, and until when it is not tried again.
    """

    state: str
    message: str
    failed_utc: datetime
    until_utc: datetime


@dataclass(frozen=True, slots=True)
class SegmentIndex:
    """The index of segment files.

    Parameters
    ----------
    database : Database
    """

    database: Database

    # -- what is there ----------------------------------------------------------------------------

    def locate(self, files: Collection[SegmentFile]) -> dict[SegmentFile, HeldFile]:
        """Give those of some segment files that are there."""
        with self.database.read() as connection:
            return {file: held for file, held, _ in _find(connection, files)}

    def use(self, files: Collection[SegmentFile]) -> dict[SegmentFile, HeldFile]:
        """Give those that are there, and have them stay for whoever was given them now.

        A catalogue that can only be read cannot say that they were used.
        """
        with self.database.read() as connection:
            found = list(_find(connection, files))
        now = self.database.clock()  # of a clock that was ahead, what was used later is stale too
        old = {held.sha256 for _, held, used in found if not now - USED_EVERY <= used <= now}
        there = {file: held for file, held, _ in found}
        if not old or self.database.read_only:
            return there
        stayed = touch_objects(self.database, old)
        return {file: held for file, held in there.items() if held.sha256 not in old - stayed}

    def keep(self, file: SegmentFile, sha256: str, size_bytes: int, file_name: str) -> None:
        """Say that the bytes of a segment file are there: they take the room reserved for them.

        Raises
        ------
        LockedError
            The same bytes are just being removed: store them again.
        """
        now = self.database.clock()
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            have_object(connection, sha256, size_bytes, now)
            for table in (_FILES, _FAILED):
                connection.execute(delete(table).where(_is(table, file)))
            connection.execute(
                insert(_FILES),
                key_of(file) | {"sha256": sha256, "file_name": file_name, "fetched_utc": now},
            )
            connection.execute(delete(_DOWNLOADS).where(_DOWNLOADS.c.name == file.digest))

    def totals(self) -> ObjectTotals:
        """Count what is there."""
        with self.database.read() as connection:
            return _totals(connection)

    def files_of(self, sha256: str) -> tuple[SegmentFile, ...]:
        """Which segment files an object is; series and segment in lower case."""
        with self.database.read() as connection:
            rows = connection.execute(select(_FILES).where(_FILES.c.sha256 == sha256))
            return tuple(map(_file, rows))

    def objects(self, after: str = "", *, most: int) -> tuple[HeldObject, ...]:
        """Give objects in order of name, those after a name only."""
        query = (
            select(_OBJECTS)
            .where(_OBJECTS.c.sha256 > after, _OBJECTS.c.is_leaving.is_(false()))
            .order_by(_OBJECTS.c.sha256)
            .limit(most)
        )
        with self.database.read() as connection:
            return tuple(_object(row) for row in connection.execute(query))

    def known(self, objects: Collection[str]) -> frozenset[str]:
        """Say which objects there is a row of, also one that is leaving."""
        found: set[str] = set()
        with self.database.read() as connection:
            for some in batches(objects):
                found.update(
                    connection.scalars(select(_OBJECTS.c.sha256).where(_OBJECTS.c.sha256.in_(some)))
                )
        return frozenset(found)

    def say_sound(self, *objects: str) -> None:
        """Say that objects were read whole now, and are what their names say."""
        with self.database.write() as connection:
            for some in batches(sorted(objects)):
                connection.execute(
                    update(_OBJECTS)
                    .where(_OBJECTS.c.sha256.in_(some))
                    .values(checked_utc=self.database.clock(), is_damaged=False)
                )

    def say_damaged(self, sha256: str) -> None:
        """Say that an object is not what its name says: nobody is given it until it came again."""
        with self.database.write() as connection:
            here = update(_OBJECTS).where(_OBJECTS.c.sha256 == sha256)
            connection.execute(here.values(is_damaged=True))

    # -- what goes --------------------------------------------------------------------------------

    def settle(self) -> int:
        """Have what was used in the future, by a clock that was ahead, count as used now.

        Returns
        -------
        int
            Objects of which that is so.
        """
        with self.database.write() as connection:
            now = self.database.clock()
            later = update(_OBJECTS).where(_OBJECTS.c.used_utc > now).values(used_utc=now)
            return int(connection.execute(later).rowcount)

    def least_used(
        self, before: datetime, *, most: int, after: HeldObject | None = None
    ) -> tuple[HeldObject, ...]:
        """Give objects that nobody used since, of which no file is pinned; longest unused first.

        Parameters
        ----------
        before : datetime
        most : int
        after : HeldObject, optional
            Only those that follow it in that order.
        """
        order = (_OBJECTS.c.used_utc, _OBJECTS.c.sha256)
        query = select(_OBJECTS).where(_may_go(before)).order_by(*order).limit(most)
        if after is not None:
            query = query.where(tuple_(*order) > tuple_(after.used_utc, after.sha256))
        with self.database.read() as connection:
            return tuple(_object(row) for row in connection.execute(query))

    def let_go(
        self,
        objects: Collection[str],
        before: datetime | None = None,
        *,
        are_wanted: bool = False,
    ) -> tuple[str, ...]:
        """Have objects count no more: their files are to be removed, and then :meth:`forget` them.

        Parameters
        ----------
        objects : collection of str
        before : datetime, optional
            Only those that nobody used since, and that are not pinned; without it all.
        are_wanted : bool
            Whether their segment files stay known as wanted, until they come or are given up.

        Returns
        -------
        tuple of str
            Those that count no more.
        """
        gone: list[str] = []
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            may_go = _OBJECTS.c.is_leaving.is_(false()) if before is None else _may_go(before)
            for some in batches(sorted(objects)):
                going = connection.execute(
                    select(_OBJECTS.c.sha256, _OBJECTS.c.bytes).where(
                        _OBJECTS.c.sha256.in_(some), may_go
                    )
                ).all()
                names = [row.sha256 for row in going]
                connection.execute(
                    update(_OBJECTS).where(_OBJECTS.c.sha256.in_(names)).values(is_leaving=True)
                )
                for table in (_MADE,) if are_wanted else (_FILES, _MADE):
                    connection.execute(delete(table).where(table.c.sha256.in_(names)))
                size = sum(row.bytes for row in going)
                add_to_totals(connection, -len(going), -size)
                if before is not None:
                    count_evicted(connection, len(going), size)
                gone += names
        return tuple(gone)

    def claim(self, sha256: str, size_bytes: int) -> bool:
        """Mark as leaving what no row speaks of; False where one does by now."""
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            if connection.scalar(select(_OBJECTS.c.sha256).where(_OBJECTS.c.sha256 == sha256)):
                return False
            _insert_object(connection, sha256, size_bytes, self.database.clock(), leaving=True)
        return True

    def leaving(self) -> tuple[str, ...]:
        """Name the objects whose files are to be removed."""
        query = select(_OBJECTS.c.sha256).where(_OBJECTS.c.is_leaving.is_(true()))
        with self.database.read() as connection:
            return tuple(connection.scalars(query))

    def forget(self, objects: Collection[str]) -> None:
        """Forget objects whose files were removed."""
        with self.database.write() as connection:
            for some in batches(sorted(objects)):
                connection.execute(
                    delete(_OBJECTS).where(
                        _OBJECTS.c.sha256.in_(some), _OBJECTS.c.is_leaving.is_(true())
                    )
                )

    # -- what is wanted again ---------------------------------------------------------------------

    def wanted(self) -> dict[str, tuple[SegmentFile, ...]]:
        """By object that was let go: its segment files that are to come again."""
        is_there = exists().where(
            _OBJECTS.c.sha256 == _FILES.c.sha256, _OBJECTS.c.is_leaving.is_(false())
        )
        found: dict[str, list[SegmentFile]] = defaultdict(list)
        with self.database.read() as connection:
            for row in connection.execute(select(_FILES).where(~is_there)):
                found[row.sha256].append(_file(row))
        return {sha256: tuple(sorted(found[sha256])) for sha256 in sorted(found)}

    def give_up(self, files: Collection[SegmentFile]) -> None:
        """Forget of some segment files, whose objects are not there, that they are wanted."""
        is_there = exists().where(
            _OBJECTS.c.sha256 == _FILES.c.sha256, _OBJECTS.c.is_leaving.is_(false())
        )
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            for file in files:
                connection.execute(delete(_FILES).where(_is(_FILES, file), ~is_there))

    # -- what could not be had --------------------------------------------------------------------

    def failures(self, files: Collection[SegmentFile]) -> dict[SegmentFile, FailedFile]:
        """Give the last failure of each of some files, also one whose time is over."""
        with self.database.read() as connection:
            return {
                file: FailedFile(row.state, row.message, row.failed_utc, row.until_utc)
                for file, row in rows_of(connection, select(_FAILED), _FAILED, files)
            }

    def fail(self, file: SegmentFile, failed: FailedFile) -> None:
        """Remember that a file could not be had; what was over long ago is forgotten."""
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _FAILED)
            over = _FAILED.c.until_utc < failed.failed_utc - timedelta(hours=1)
            connection.execute(delete(_FAILED).where(over))
            connection.execute(delete(_FAILED).where(_is(_FAILED, file)))
            connection.execute(
                insert(_FAILED),
                key_of(file)
                | {
                    "state": failed.state,
                    "message": failed.message,
                    "failed_utc": failed.failed_utc,
                    "until_utc": failed.until_utc,
                },
            )


def have_object(connection: Connection, sha256: str, size_bytes: int, now: datetime) -> None:
    """Say that an object is there, and sound, inside a transaction that keeps others out of them.

    Raises
    ------
    LockedError
        It is just being removed: store it again.
    """
    here = _OBJECTS.c.sha256 == sha256
    row = connection.execute(select(_OBJECTS.c.is_leaving).where(here)).first()
    if row is None:
        _insert_object(connection, sha256, size_bytes, now)
    elif row.is_leaving:
        raise LockedError(f"Object {sha256} is just being removed by another process. Try again")
    else:
        connection.execute(update(_OBJECTS).where(here).values(used_utc=now, is_damaged=False))


def is_given() -> ColumnElement[bool]:
    """Whether an object can be given to whoever wants it."""
    return and_(_OBJECTS.c.is_leaving.is_(false()), _OBJECTS.c.is_damaged.is_(false()))


def touch_objects(database: Database, objects: Collection[str]) -> set[str]:
    """Say that objects are used now, and which of them still count."""
    stayed: set[str] = set()
    with database.write() as connection:
        now = database.clock()
        for some in batches(sorted(objects)):
            here = and_(_OBJECTS.c.sha256.in_(some), _OBJECTS.c.is_leaving.is_(false()))
            connection.execute(update(_OBJECTS).where(here).values(used_utc=now))
            stayed.update(connection.scalars(select(_OBJECTS.c.sha256).where(here)))
    return stayed


def _is(table: Any, file: SegmentFile) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key_of(file).items()))


def _find(
    connection: Connection, files: Iterable[SegmentFile]
) -> Iterator[tuple[SegmentFile, HeldFile, datetime]]:
    query = select(_FILES, _OBJECTS.c.bytes, _OBJECTS.c.used_utc).join(
        _OBJECTS, and_(_OBJECTS.c.sha256 == _FILES.c.sha256, is_given())
    )
    for file, row in rows_of(connection, query, _FILES, list(files)):
        yield file, HeldFile(row.sha256, row.bytes, row.file_name, row.fetched_utc), row.used_utc


def _may_go(before: datetime) -> ColumnElement[bool]:
    is_here = _OBJECTS.c.is_leaving.is_(false())
    return and_(_OBJECTS.c.used_utc < before, is_here, ~is_pinned_object())


def _file(row: Any) -> SegmentFile:
    return SegmentFile(row.series_key, row.generation, row.recnum, row.segment_key)


def _object(row: Any) -> HeldObject:
    return HeldObject(row.sha256, row.bytes, row.used_utc, row.checked_utc)


def _insert_object(
    connection: Connection, sha256: str, size: int, now: datetime, *, leaving: bool = False
) -> None:
    connection.execute(
        insert(_OBJECTS),
        {
            "sha256": sha256,
            "bytes": size,
            "stored_utc": now,
            "used_utc": now,
            "is_leaving": leaving,
        },
    )
    if not leaving:
        add_to_totals(connection, 1, size)


def _totals(connection: Connection) -> ObjectTotals:
    row = connection.execute(select(_TOTALS)).first()
    return ObjectTotals(0, 0) if row is None else ObjectTotals(row.objects, row.bytes)
