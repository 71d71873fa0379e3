"""What is due of the files of records: room, what killed processes left, and reading them again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from drmsmirror.errors import DamageError
from drmsmirror.mirror import Mirror
from drmsmirror.segments.clearing import clear_leftovers, forgotten_downloads, leftovers
from drmsmirror.segments.room import Room
from drmsmirror.segments.verifying import read_some
from drmsmirror.upkeep.duties import Duty

__all__ = ["duties_of_files"]

#: Bytes of files that are read in one step.
_READ_AT_ONCE = 2**30
#: Damaged files that an error names.
_MOST_NAMED = 5


def duties_of_files(mirror: Mirror, *, thorough: bool) -> Iterator[Duty]:
    """What is due of the files of records.

    Parameters
    ----------
    mirror : Mirror
    thorough : bool
        Whether all files are read that were not read for long, or only some.
    """
    catalogue, room = mirror.catalogue, Room(mirror)
    if leaving := catalogue.segments.leaving():
        what = f"remove {_count(len(leaving))} that a killed process had let go"
        yield Duty(what, room.finish_going)
    if (left := leftovers(mirror)).objects or forgotten_downloads(mirror):
        what = "remove downloads of files that were broken off, and give back their room"
        yield Duty(what, partial(clear_leftovers, mirror), left.size_bytes)
    if (excess := room.excess()) and (may_go := room.may_go()).objects:
        what = "let files go that nobody used lately, back to segments.max_gib"
        shrink = partial(room.shrink, most_bytes=room.most_bytes, unused_for=None)
        yield Duty(what, shrink, min(excess, may_go.size_bytes))
    yield from _reading(mirror, thorough=thorough)


def _reading(mirror: Mirror, *, thorough: bool) -> Iterator[Duty]:
    """Read files that were not read for long, some at a time."""
    settings, care = mirror.settings.segments, mirror.catalogue.object_care
    most = _READ_AT_ONCE if thorough else settings.scrub_mib * 2**20
    if not (settings.scrub_days and most):
        return
    since = mirror.catalogue.database.clock() - timedelta(days=settings.scrub_days)
    before = None
    while (left := care.unread_totals(since).objects) and left != before:
        before = left
        what = f"read files of records whole, {_count(left)} of which were not for long"
        yield Duty(what, partial(_read, mirror, since, most))
        if not thorough:
            return


def _read(mirror: Mirror, since: datetime, most_bytes: int) -> None:
    """Read some files.

    Raises
    ------
    DamageError
        Some are damaged.
    """
    found = read_some(mirror, since, most_bytes)
    if not found.unrepaired:
        return
    named = "\n".join(
        f"  {one.sha256} is {one.problem}: {', '.join(map(str, one.files[:3])) or 'of no file'}"
        for one in found.troubles[:_MOST_NAMED]
    )
    raise DamageError(
        f"{_count(found.unrepaired)} of records {'is' if found.unrepaired == 1 else 'are'} damaged:"
        f"\n{named}\nWhat can be had is fetched anew by\n  drmsmirror verify --repair"
    )


def _count(files: int) -> str:
    return f"{files:,} file{'' if files == 1 else 's'}"
