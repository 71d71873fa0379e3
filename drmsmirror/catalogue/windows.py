"""The one transaction that says that a window of records is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from drmsmirror.catalogue import codecs as codec_store
from drmsmirror.catalogue import coverage, leases, runs, state
from drmsmirror.catalogue.coverage import AsOf
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.definitions import known_key
from drmsmirror.catalogue.leases import Lease
from drmsmirror.catalogue.runs import RunCounters
from drmsmirror.catalogue.state import SeriesState
from drmsmirror.failpoints import reach
from drmsmirror.model.coverage import CoverageEntry, coalesce

__all__ = ["record_window"]


def record_window(
    database: Database,
    series: str,
    *,
    entries: Sequence[CoverageEntry],
    table_version: int,
    rows_held: int,
    run: int | None = None,
    counters: RunCounters | None = None,
    watermark: AsOf | None = None,
    share_held: float | None = None,
    codecs: Mapping[str, str] | None = None,
    lease: Lease | None = None,
) -> SeriesState:
    """Write in one transaction that rows, which are in the record table already, are held.

    Parameters
    ----------
    database : Database
    series : str
        In any case.
    entries : sequence of CoverageEntry
        What is held completely now; joined with what was held before.
    table_version : int
        Version of the record table that has the rows.
    rows_held : int
        Rows in it, all versions counted.
    run : int, optional
        The run that did it.
    counters : RunCounters, optional
        What it did for this window; added to the run's.
    watermark : AsOf, optional
        State of the upstream that a whole run has reached.
    share_held : float, optional
        Share held of what the run was asked for, 0 to 1.
    codecs : mapping, optional
        Codecs that were learnt or changed, by keyword.
    lease : Lease, optional
        The hold on the series; where it was lost nothing is written.

    Returns
    -------
    SeriesState
        As it is now.

    Raises
    ------
    UnknownSeriesError, UnknownKeywordError, NotFoundError
        The series, the keyword of a codec or the run is unknown; nothing is written.
    LockedError
        The lease was lost.
    """
    with database.write() as connection:
        if lease is not None:
            leases.confirm(connection, lease)
        key = known_key(connection, series)
        before = state.read(connection, key, for_change=True)
        after = replace(before, table_version=table_version, rows_held=rows_held)
        if watermark is not None:
            after = replace(after, watermark=watermark.recnum, watermark_utc=watermark.utc)
        if entries:
            held = coverage.read(connection, key)
            coverage.write(connection, key, coalesce([*held, *entries]))
        state.write(connection, key, after)
        codec_store.write(connection, key, codecs or {})
        if run is not None:
            runs.add(
                connection,
                run,
                counters or RunCounters(),
                watermark=watermark.recnum if watermark else None,
                share_held=share_held,
            )
        reach("window.before_commit")
    reach("window.after_commit")
    return after
