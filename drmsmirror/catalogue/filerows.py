"""Rows of segment files: by which columns they are known, and how many are looked up together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection

from drmsmirror.model.segmentfile import SegmentFile

__all__ = ["batches", "key_of", "rows_of"]

#: So many are named in one statement.
_AT_ONCE = 500

_Item = TypeVar("_Item")


def batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Cut what is named in statements so that each has no more than databases take."""
    left = iter(items)
    while batch := list(islice(left, _AT_ONCE)):
        yield batch


def key_of(file: SegmentFile) -> dict[str, Any]:
    """Give the columns by which rows know a segment file."""
    return {
        "series_key": file.series.lower(),
        "generation": file.generation,
        "recnum": file.recnum,
        "segment_key": file.segment.lower(),
    }


def rows_of(
    connection: Connection,
    query: Any,
    table: Any,
    files: Collection[SegmentFile],
) -> Iterator[tuple[SegmentFile, Any]]:
    """The rows of segment files, by all of their key: in pairs SQLite would use only its start."""
    groups: dict[tuple[str, int, str], dict[int, SegmentFile]] = defaultdict(dict)
    for file in files:
        groups[file.series.lower(), file.generation, file.segment.lower()][file.recnum] = file
    for (series, generation, segment), group in groups.items():
        here = query.where(
            table.c.series_key == series,
            table.c.generation == generation,
            table.c.segment_key == segment,
        )
        for some in batches(group):
            for row in connection.execute(here.where(table.c.recnum.in_(some))):
                yield group[row.recnum], row
