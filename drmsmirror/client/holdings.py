"""What a mirror holds, series by series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drmsmirror.catalogue import ObjectShares
from drmsmirror.client.standing import Standing, standing_of
from drmsmirror.mirror import Mirror
from drmsmirror.model.positions import position_text
from drmsmirror.segments import Room

__all__ = ["HeldPart", "HeldSeries", "file_shares", "holdings"]


@dataclass(frozen=True, slots=True)
class HeldPart:
    """A part of a series that is held completely.

    Parameters
    ----------
    low, high : str
        From and to before, as times or record numbers.
    values : str
        Values of the other prime keys; empty where all are held.
    as_of_utc : datetime
        When the upstream was read.
    """

    low: str
    high: str
    values: str
    as_of_utc: datetime


@dataclass(frozen=True, slots=True)
class HeldSeries:
    """What is held of one series.

    Parameters
    ----------
    name : str
    rows : int
        Rows, all versions counted.
    bytes, files : int
        Of the record table.
    parts : tuple of HeldPart
        What is complete.
    standing : Standing
        How the keeping of it stands.
    """

    name: str
    rows: int
    bytes: int
    files: int
    parts: tuple[HeldPart, ...]
    standing: Standing


def holdings(mirror: Mirror) -> tuple[HeldSeries, ...]:
    """What the mirror holds of each series that it has records of."""
    held = []
    next_syncs = mirror.catalogue.duties.next_syncs()
    for summary in mirror.catalogue.series():
        state = mirror.catalogue.state(summary.name)
        if state.table_path is None:
            continue
        definition = mirror.catalogue.definition(summary.name)
        table = mirror.table(definition)
        parts = [
            HeldPart(
                position_text(definition, entry.interval.low),
                position_text(definition, entry.interval.high),
                entry.restriction.words,
                entry.as_of_utc,
            )
            for entry in mirror.catalogue.coverage(definition.name)
        ]
        sizes = [size for period in table.file_sizes().values() for size in period]
        held.append(
            HeldSeries(
                definition.name,
                state.rows_held,
                sum(sizes),
                len(sizes),
                tuple(parts),
                standing_of(mirror, table, state, next_syncs),
            )
        )
    return tuple(held)


def file_shares(mirror: Mirror) -> ObjectShares:
    """Which files of records there are: those that are pinned, were used lately, or may go."""
    return mirror.catalogue.object_care.shares(Room(mirror).used_before)
