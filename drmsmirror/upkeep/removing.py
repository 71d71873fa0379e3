"""Removing what a drop gave up: by the drop itself, or by whoever finds that it was killed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from drmsmirror.catalogue import Drop, Lease
from drmsmirror.errors import StoreError
from drmsmirror.failpoints import reach
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import Extent, without
from drmsmirror.records import remove_rows_within
from drmsmirror.upkeep.scrubbing import forget_damaged

__all__ = ["carry_out", "goes_at", "is_replaced"]


def is_replaced(mirror: Mirror, drop: Drop) -> bool:
    """Whether a drop is a record table whose place another has taken, or was to take."""
    path = mirror.catalogue.state(drop.series).table_path
    return drop.extents is None and path not in (None, drop.table_path)


def goes_at(mirror: Mirror, drop: Drop) -> datetime:
    """When what a drop gave up may be removed.

    A record table that was replaced is kept for a while for those who still read it.
    """
    hours = mirror.settings.upkeep.keep_hours if is_replaced(mirror, drop) else 0
    return drop.begun_utc + timedelta(hours=hours)


def carry_out(mirror: Mirror, drop: Drop, lease: Lease | None) -> int:
    """Remove the rows of a drop, or the whole record table, and say that it is done.

    The caller holds the lease of the series. What came to be held again since the drop stays.

    Returns
    -------
    int
        Number of rows removed, where it is known: of a whole table it is not.
    """
    if drop.extents is None:
        mirror.remove_table(drop)
        reach("drop.removed")
        mirror.catalogue.drops.finish(drop, lease)
        return 0
    table = mirror.table(mirror.catalogue.definition(drop.series))
    parts = _not_held(drop.extents, mirror.catalogue.coverage(drop.series))
    before = table.row_count()
    try:
        remove_rows_within(table, parts)
    except StoreError:
        if not forget_damaged(mirror, table):
            raise
        remove_rows_within(table, parts)
    reach("drop.removed")
    mirror.catalogue.drops.finish(
        drop, lease, table_version=table.version, rows_held=table.row_count()
    )
    return before - table.row_count()


def _not_held(extents: Sequence[Extent], held: Sequence[CoverageEntry]) -> tuple[Extent, ...]:
    """The parts in which nothing is held, not even on a cadence or under a condition."""
    around = [
        replace(
            entry.extent,
            restriction=replace(entry.restriction, cadence=None, terms=frozenset()),
        )
        for entry in held
    ]
    return without(extents, around)
