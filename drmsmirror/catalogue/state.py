"""How far the mirror has come with each series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from drmsmirror.catalogue import coverage, tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.definitions import known_key
from drmsmirror.model.coverage import CoverageEntry

__all__ = ["SeriesState", "load", "load_with_coverage", "read", "save", "write"]


@dataclass(frozen=True, slots=True)
class SeriesState:
    """How far the mirror has come with one series.

    Parameters
    ----------
    series : str
        Canonical name.
    generation : int
        Stretch of the upstream's life that is being read, from 0.
    definition_read_utc : datetime
        When the definition was read from the upstream.
    upstream_url : str
        Server that it comes from.
    table_path : str or None
        Record table, relative to the mirror; None before there is one.
    table_format : int or None
        Format number of the record table.
    partition_period : str or None
        Period of its partitions, in the words of the record tables.
    table_version : int or None
        Version of the record table that holds the rows that coverage speaks of.
    rows_held : int
        Rows in it, all versions counted.
    watermark : int or None
        Upstream record number up to which every change was taken.
    watermark_utc : datetime or None
        When the upstream was at the watermark.
    all_digits : bool
        Whether its values are read with all their digits, rather than as they print.
    filled_run : int or None
        The last run that gave rows columns that they were held without, in their place.
    """

    series: str
    generation: int
    definition_read_utc: datetime
    upstream_url: str = ""
    table_path: str | None = None
    table_format: int | None = None
    partition_period: str | None = None
    table_version: int | None = None
    rows_held: int = 0
    watermark: int | None = None
    watermark_utc: datetime | None = None
    all_digits: bool = False
    filled_run: int | None = None


_STATE = (
    select(
        tables.drms_series.c.seriesname,
        *(column for column in tables.series_state.c if column.name != "series_key"),
    )
    .join(tables.drms_series, tables.drms_series.c.series_key == tables.series_state.c.series_key)
    .where(tables.series_state.c.series_key == bindparam("key"))
)


def load(database: Database, series: str) -> SeriesState:
    """Give the state of a series.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    with database.read() as connection:
        return read(connection, known_key(connection, series))


def load_with_coverage(
    database: Database, series: str
) -> tuple[SeriesState, tuple[CoverageEntry, ...]]:
    """Give the state of a series, and what is held completely of it, as of one moment.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    with database.read() as connection:
        key = known_key(connection, series)
        return read(connection, key), coverage.read(connection, key)


def save(database: Database, state: SeriesState) -> None:
    """Replace the state of a series: a new table, a new generation.

    The caller holds the lease of the series. Progress goes through
    :func:`~drmsmirror.catalogue.windows.record_window` instead.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    with database.write() as connection:
        write(connection, known_key(connection, state.series), state)


def read(connection: Connection, key: str, *, for_change: bool = False) -> SeriesState:
    """Read the state inside a transaction; ``for_change`` keeps others from changing it."""
    query = _STATE
    if for_change:  # SQLite's writers are alone anyway
        query = query.with_for_update(of=tables.series_state)
    row = connection.execute(query, {"key": key}).one()
    return SeriesState(
        series=row.seriesname,
        generation=row.generation,
        definition_read_utc=row.definition_read_utc,
        upstream_url=row.upstream_url,
        table_path=row.table_path,
        table_format=row.table_format,
        partition_period=row.partition_period,
        table_version=row.table_version,
        rows_held=row.rows_held,
        watermark=row.watermark,
        watermark_utc=row.watermark_utc,
        all_digits=row.all_digits,
        filled_run=row.filled_run,
    )


def write(connection: Connection, key: str, state: SeriesState) -> None:
    """Replace the state inside a transaction."""
    columns = {name: getattr(state, name) for name in SeriesState.__slots__ if name != "series"}
    connection.execute(
        update(tables.series_state).where(tables.series_state.c.series_key == key).values(columns)
    )
