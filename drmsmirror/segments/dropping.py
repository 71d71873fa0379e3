"""Files of records that are dropped go with them, unless they are pinned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from drmsmirror.catalogue import FilesOf
from drmsmirror.mirror import Mirror
from drmsmirror.segments.room import Room

__all__ = ["count_files", "drop_files"]

_AT_ONCE = 500

#: Which of some record numbers are dropped.
Choose = Callable[[Sequence[int]], Sequence[int]]


def count_files(mirror: Mirror, series: str, choose: Choose) -> FilesOf:
    """Count the files of those records of a series that are chosen."""
    drops = mirror.catalogue.file_drops
    parts = (drops.count(series, some) for some in _chosen(mirror, series, choose))
    return sum(parts, FilesOf())


def drop_files(mirror: Mirror, series: str, choose: Choose) -> FilesOf:
    """Take the files of those records out of the index, and remove bytes that nobody has then."""
    drops, room = mirror.catalogue.file_drops, Room(mirror)
    dropped = FilesOf()
    for some in _chosen(mirror, series, choose):
        dropped += drops.count(series, some)
        if drops.take(series, some):
            room.finish_going()
    return dropped


def _chosen(mirror: Mirror, series: str, choose: Choose) -> Iterator[Sequence[int]]:
    after = None
    while numbers := mirror.catalogue.file_drops.numbers(series, after, most=_AT_ONCE):
        after = numbers[-1]
        if chosen := choose(numbers):
            yield chosen
