"""Clearing up: files that nobody used go, and so does what processes left that were killed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from drmsmirror.catalogue import ObjectShares
from drmsmirror.mirror import Mirror
from drmsmirror.segments.room import Freed, Room

__all__ = ["Cleared", "clear", "clear_leftovers", "forgotten_downloads", "leftovers"]

#: For so long a download that was broken off can be gone on with.
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cleared:
    """What went, or would go, and why the rest stays.

    Parameters
    ----------
    freed : Freed
        Files that nobody used.
    unfinished : int
        Files that a process had let go that was killed then.
    leftovers : Freed
        Downloads that were broken off, and other temporary files.
    stay : ObjectShares
        What is there afterwards; of a dry run, what is there now.
    keep_hours : float
        What was used so lately stays.
    """

    freed: Freed
    unfinished: int
    leftovers: Freed
    stay: ObjectShares
    keep_hours: float


def clear(
    mirror: Mirror,
    *,
    unused_for: timedelta | None = None,
    most_bytes: int | None = None,
    dry_run: bool = False,
) -> Cleared:
    """Let files go that nobody used, and clear what killed processes left.

    Parameters
    ----------
    mirror : Mirror
    unused_for : timedelta, optional
        Those go that were not used for longer.
    most_bytes : int, optional
        What all may take together, in place of ``[segments] max_gib``; those that were not used for
        longest go until then.
    dry_run : bool
        Only say what would go.
    """
    room = Room(mirror)
    unfinished = len(mirror.catalogue.segments.leaving())
    left = leftovers(mirror) if dry_run else clear_leftovers(mirror)
    if not dry_run:
        room.finish_going()
    freed = room.shrink(
        most_bytes=room.most_bytes if most_bytes is None else most_bytes,
        unused_for=unused_for,
        dry_run=dry_run,
    )
    stay = mirror.catalogue.object_care.shares(room.used_before)
    return Cleared(freed, unfinished, left, stay, mirror.settings.segments.keep_hours)


def leftovers(mirror: Mirror) -> Freed:
    """Downloads that were broken off long ago, and other temporary files of killed processes."""
    found = mirror.objects.abandoned(_long_ago(mirror))
    return Freed(len(found), sum(one.size_bytes for one in found))


def clear_leftovers(mirror: Mirror) -> Freed:
    """Remove those, and give back the room that was reserved for such downloads."""
    removed = mirror.objects.remove_abandoned(_long_ago(mirror))
    if forgotten := forgotten_downloads(mirror):
        before = mirror.catalogue.database.clock() - _KEPT
        mirror.catalogue.downloads.end(forgotten, before=before)
    return Freed(len(removed), sum(one.size_bytes for one in removed))


def forgotten_downloads(mirror: Mirror) -> list[str]:
    """Name downloads that began long ago, that nobody works on, and of which nothing is there."""
    catalogue = mirror.catalogue
    begun = catalogue.downloads.begun_before(catalogue.database.clock() - _KEPT)
    if not begun:
        return []
    there = {one.name for one in mirror.objects.abandoned(math.inf)}
    return [
        name for name in begun if name not in there and not catalogue.leases.is_held(f"file {name}")
    ]


def _long_ago(mirror: Mirror) -> float:
    return (mirror.catalogue.database.clock() - _KEPT).timestamp()
