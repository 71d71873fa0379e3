"""What a mirror takes on disk, by series and kind, and what of it could be freed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from drmsmirror.catalogue import ObjectShares
from drmsmirror.mirror import Mirror
from drmsmirror.objects.names import INCOMING, QUARANTINE
from drmsmirror.records import RecordTable
from drmsmirror.segments.clearing import leftovers
from drmsmirror.segments.room import Room as FileRoom
from drmsmirror.sharing import AnswerStore
from drmsmirror.upkeep.duties import left_over
from drmsmirror.upkeep.removing import goes_at

__all__ = ["Kind", "Room", "Usage", "usage"]


class Kind(StrEnum):
    """What files are."""

    RECORDS = "records"
    #: Files of records that the newest version of a table does not consist of.
    SUPERSEDED = "superseded records"
    LOG = "log of the records"
    #: Of a table that was given up: a killed drop left it, or another one took its place.
    DROPPED = "dropped records"
    FILES = "files of records"
    DOWNLOADS = "downloads of files"
    #: What ``verify`` took out of use.
    DAMAGED = "damaged files"
    ANSWERS = "kept answers"
    CATALOGUE = "catalogue"
    COPY = "copy of the catalogue"
    LEFT_OVER = "temporary files"


@dataclass(frozen=True, slots=True)
class Room:
    """Files of one kind.

    Parameters
    ----------
    series : str
        Empty where they belong to none.
    kind : Kind
    files, bytes : int
    free_now : int
        Bytes that maintenance would free now.
    free_later : int
        Bytes that it can free later.
    later_utc : datetime or None
        When it can free the last of those.
    """

    series: str
    kind: Kind
    files: int
    bytes: int
    free_now: int = 0
    free_later: int = 0
    later_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """All that a mirror, or one series of it, takes.

    Parameters
    ----------
    rooms : tuple of Room
    shares : ObjectShares or None
        Why files of records stay, or may go; None of a series.
    """

    rooms: tuple[Room, ...]
    shares: ObjectShares | None = None

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(room.bytes for room in self.rooms)

    @property
    def free_now(self) -> int:
        """Bytes that maintenance would free now."""
        return sum(room.free_now for room in self.rooms)


def usage(mirror: Mirror, series: str | None = None) -> Usage:
    """Say what a mirror takes, or the records of one series.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    catalogue = mirror.catalogue
    names = [one.name for one in catalogue.series()]
    if series is not None:
        names = [catalogue.definition(series).name]
    rooms = [room for name in names for room in _of_series(mirror, name)]
    shares = None
    if series is None:
        shares = catalogue.object_care.shares(FileRoom(mirror).used_before)
        rooms += [*_of_files(mirror, shares), *_of_mirror(mirror)]
    return Usage(tuple(room for room in rooms if room.files), shares)


def _of_series(mirror: Mirror, series: str) -> list[Room]:
    rooms = []
    if mirror.catalogue.state(series).table_path is not None:
        table = mirror.table(mirror.catalogue.definition(series))
        rooms += _of_table(series, table, mirror.settings.upkeep.keep_hours)
    for drop in mirror.catalogue.drops.pending(series):
        if drop.extents is None:
            files = [file for file in (mirror.root / drop.table_path).rglob("*") if file.is_file()]
            rooms.append(_dropped(series, files, goes_at(mirror, drop), mirror))
    return rooms


def _dropped(series: str, files: Sequence[Path], goes_utc: datetime, mirror: Mirror) -> Room:
    if goes_utc <= mirror.catalogue.database.clock():
        return _room(series, Kind.DROPPED, files, files)
    size = _size(files)
    return Room(series, Kind.DROPPED, len(files), size, free_later=size, later_utc=goes_utc)


def _of_table(series: str, table: RecordTable, keep_hours: int) -> list[Room]:
    sizes = [size for several in table.file_sizes().values() for size in several]
    in_use = {Path(path) for path in table.files()}
    written = [path for path in table.path.rglob("*.parquet") if "_delta_log" not in path.parts]
    superseded = [path for path in written if path not in in_use]
    log = table.log()
    old = [file.path for file in log.old(time.time() - keep_hours * 3600)]
    return [
        Room(series, Kind.RECORDS, len(sizes), sum(sizes)),
        _superseded(series, table, superseded, keep_hours),
        _room(series, Kind.LOG, [file.path for file in log.files], old),
    ]


def _superseded(series: str, table: RecordTable, files: Sequence[Path], keep_hours: int) -> Room:
    unused = set(table.unused_files(keep_hours))
    removed = {table.path / path: when for path, when in table.log().removals().items()}
    later = [path for path in files if path not in unused]
    # what no commit removed was never committed: it counts from when it was written
    since = [removed.get(path) or path.stat().st_mtime for path in later]
    return Room(
        series,
        Kind.SUPERSEDED,
        len(files),
        _size(files),
        free_now=_size(unused),
        free_later=_size(later),
        later_utc=datetime.fromtimestamp(max(since) + keep_hours * 3600, UTC) if since else None,
    )


def _of_files(mirror: Mirror, shares: ObjectShares) -> list[Room]:
    """Files of records, by the catalogue: they may be in S3."""
    totals, room = mirror.catalogue.segments.totals(), FileRoom(mirror)
    excess = min(room.excess(), shares.may_go.size_bytes)
    incoming = [file for file in (mirror.objects_directory / INCOMING).glob("*") if file.is_file()]
    aside = [file for file in (mirror.objects_directory / QUARANTINE).glob("*") if file.is_file()]
    return [
        Room("", Kind.FILES, totals.objects, totals.size_bytes, free_now=excess),
        Room(
            "",
            Kind.DOWNLOADS,
            len(incoming),
            _size(incoming),
            free_now=leftovers(mirror).size_bytes if incoming else 0,
        ),
        _room("", Kind.DAMAGED, aside),
    ]


def _of_mirror(mirror: Mirror) -> list[Room]:
    store = AnswerStore(mirror)
    answers = [path for one in store.directories() for path in one.glob("*.parquet")]
    temporary = left_over(mirror)
    return [
        Room(
            "",
            Kind.ANSWERS,
            len(answers),
            _size(answers),
            free_now=store.excess() + _size(store.abandoned()),
        ),
        _room("", Kind.CATALOGUE, mirror.catalogue_files),
        _room("", Kind.COPY, [path for path in [mirror.published_file] if path.exists()]),
        _room("", Kind.LEFT_OVER, temporary, temporary),
    ]


def _room(series: str, kind: Kind, files: Sequence[Path], free: Iterable[Path] = ()) -> Room:
    return Room(series, kind, len(files), _size(files), free_now=_size(free))


def _size(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        try:
            total += file.stat().st_size
        except FileNotFoundError:  # it went in the meantime
            continue
    return total
