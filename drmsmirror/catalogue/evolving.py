"""A series that changed: the one transaction by which what is held follows its definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from drmsmirror.catalogue import codecs as codec_store
from drmsmirror.catalogue import coverage, definitions, drops, leases, state
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.definitions import known_key
from drmsmirror.catalogue.leases import Lease
from drmsmirror.failpoints import reach
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.series import SeriesDefinition

__all__ = ["evolve", "note_new_table"]


def evolve(
    database: Database,
    definition: SeriesDefinition,
    *,
    upstream_url: str,
    entries: Sequence[CoverageEntry],
    codecs: Mapping[str, str],
    table_version: int,
    table_path: str,
    lease: Lease,
) -> None:
    """Take a definition over, with what it makes of coverage, codecs and the record table.

    Parameters
    ----------
    database : Database
    definition : SeriesDefinition
        Of a series that has a record table.
    upstream_url : str
        Server that it comes from; empty keeps what is known.
    entries : sequence of CoverageEntry
        All that is held completely by the new definition.
    codecs : mapping
        Codecs that differ from what they were, by keyword.
    table_version : int
        Version of the record table that fits the definition.
    table_path : str
        Where that is, relative to the mirror. Where it is a new one, the one before has to be
        removed from now on.
    lease : Lease
        The hold on the series.

    Raises
    ------
    LockedError
        The lease was lost; nothing is written.
    """
    with database.write() as connection:
        leases.confirm(connection, lease)
        key = known_key(connection, definition.name)
        definitions.write(connection, definition, database.clock(), upstream_url)
        before = state.read(connection, key, for_change=True)
        state.write(
            connection, key, replace(before, table_path=table_path, table_version=table_version)
        )
        coverage.write(connection, key, entries)
        codec_store.write(connection, key, codecs)
        if before.table_path is not None and before.table_path != table_path:
            drops.forget_table(connection, key, table_path)
            drops.note_table(connection, before, database.clock())
    reach("definition.adopted")


def note_new_table(database: Database, series: str, table_path: str, lease: Lease) -> None:
    """Note a record table that is about to be made: should it come to nothing it has to go.

    Parameters
    ----------
    database : Database
    series : str
    table_path : str
        Where it will be, relative to the mirror.
    lease : Lease
        The hold on the series.

    Raises
    ------
    LockedError
        The lease was lost; nothing is written.
    """
    with database.write() as connection:
        leases.confirm(connection, lease)
        key = known_key(connection, series)
        drops.forget_table(connection, key, table_path)
        of = replace(state.read(connection, key), table_path=table_path)
        drops.note_table(connection, of, database.clock())
    reach("rebuild.noted")
