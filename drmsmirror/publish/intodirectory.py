"""Publish a series as a Parquet data set, partitioned as hive does it.

::

    DIR/
        README.md, CITATION.cff         what is here, and how to cite it
        drmsmirror_published.json       what was published when
        hmi/sharp_720s.md               columns, coverage, how to read
        hmi/sharp_720s/period=2014/records.parquet

Beside the partitions there is nothing, since many readers take every file of a directory for one of
Parquet. A file is replaced as a whole. Notes come last: a process that was killed before writes the
same files again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from drmsmirror.errors import StoreError
from drmsmirror.files import (
    make_directory,
    remove_empty_directory,
    remove_file,
    replacing,
    write_bytes,
)
from drmsmirror.mirror import Mirror
from drmsmirror.model.codecs import arrow_type
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.publish.note import first_run_to_take, new_note, types_of
from drmsmirror.publish.notes import Published, alone_in, read_notes, write_notes
from drmsmirror.publish.readme import citation, directory_page, series_page
from drmsmirror.publish.report import Extent, Publication, Reporter
from drmsmirror.records import LatestRecords, reading_latest

__all__ = ["publish_to_directory"]

_FILE = "records.parquet"

#: Rows in a row group.
_ROW_GROUP = 50_000


def publish_to_directory(
    mirror: Mirror, series: str, directory: Path, *, rebuild: bool, reporter: Reporter
) -> Publication:
    """Bring the files of a series up to date; see :func:`drmsmirror.publish.publish`."""
    began = time.monotonic()
    with alone_in(directory):
        notes = read_notes(directory)
        definition = mirror.catalogue.definition(series)
        key = definition.name.lower()
        # in this order: what a later run brings must not be taken for known
        run = next(iter(mirror.catalogue.runs.recent(series=series, limit=1)), None)
        table = mirror.table(definition)
        before = None if rebuild else notes.get(key)
        folder = directory / definition.namespace / definition.table
        with reading_latest(table) as records:
            periods = records.periods()
            chosen = _changed(mirror, definition, before, records, periods)
            stale = periods.keys() if chosen is None else chosen & periods.keys()
            written = _write_all(folder, definition, records, periods, stale, reporter)
        removed = _remove_others(folder, definition, before, periods)
        note = new_note(mirror, definition, run, table.version, sum(periods.values()))
        notes[key] = Published(note, definition.note, periods)
        _write_pages(mirror, directory, definition, notes)
        write_notes(directory, notes)
    return Publication(
        series=definition.name,
        target=str(directory),
        name=str(folder.relative_to(directory)),
        extent=Extent.WHOLE if chosen is None else Extent.CHANGES,
        written=written,
        removed=removed,
        records=note.records,
        columns_added=_added(before, definition),
        seconds=time.monotonic() - began,
    )


def _changed(
    mirror: Mirror,
    definition: SeriesDefinition,
    before: Published | None,
    records: LatestRecords,
    periods: dict[str, int],
) -> set[str] | None:
    """Partitions in which something changed; None where all are to be written."""
    if before is None or dict(before.note.columns) != types_of(definition):
        return None
    since = first_run_to_take(mirror, before.note)
    if since is None:
        return None
    records.touch_since(since)
    changed = records.touched_periods()
    unlike = {name for name in {*periods, *before.periods} if name not in changed}
    if any(periods.get(name) != before.periods.get(name) for name in unlike):
        return None  # what should be as it was is not
    return changed


def _write_all(
    folder: Path,
    definition: SeriesDefinition,
    records: LatestRecords,
    periods: dict[str, int],
    stale: Iterable[str],
    reporter: Reporter,
) -> int:
    done, chosen = 0, sorted(stale)
    total = sum(periods[period] for period in chosen)
    for period in chosen:
        target = folder / f"{_partition_key(definition)}={period}" / _FILE
        make_directory(target.parent)
        with replacing(target) as temporary:
            for rows in _write(temporary, definition, records.rows_of_period(period)):
                done += rows
                reporter.rows(definition.name, done, total)
    return done


def _write(
    path: Path, definition: SeriesDefinition, batches: Iterator[pa.RecordBatch]
) -> Iterator[int]:
    """Write a file; give the number of rows in each row group."""
    schema = _schema(definition)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _row_groups(batches):
            writer.write_table(group.cast(schema), _ROW_GROUP)
            yield group.num_rows


def _row_groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(one.num_rows for one in gathered) >= _ROW_GROUP:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)


def _schema(definition: SeriesDefinition) -> pa.Schema:
    """The columns, each with its units and its note."""
    keywords = [
        pa.field(
            column.name,
            arrow_type(column.type),
            metadata={"unit": column.keyword.units, "description": column.keyword.note},
        )
        for column in definition.columns
    ]
    fields = [pa.field("recnum", pa.int64(), nullable=False), pa.field("sunum", pa.int64())]
    return pa.schema([*fields, *keywords])


def _partition_key(definition: SeriesDefinition) -> str:
    """Name of the partition column, which no keyword may have."""
    return "period" if definition.column("period") is None else "period_"


def _remove_others(
    folder: Path, definition: SeriesDefinition, before: Published | None, periods: dict[str, int]
) -> int:
    """Remove partitions that have no record any more; give how many they had, as far as known."""
    there = {path.name.partition("=")[2]: path for path in folder.glob("*=*")}
    gone = [name for name in there if name not in periods]
    try:
        for name in gone:
            remove_file(there[name] / _FILE)
            remove_empty_directory(there[name])
    except StoreError as error:
        raise StoreError(
            f"{error}. Remove what is not of {definition.name} there and run the same again"
        ) from error
    return sum(before.periods.get(name, 0) for name in gone) if before else 0


def _added(before: Published | None, definition: SeriesDefinition) -> tuple[str, ...]:
    known = dict(before.note.columns) if before else types_of(definition)
    return tuple(name for name in types_of(definition) if name not in known)


def _write_pages(
    mirror: Mirror, directory: Path, definition: SeriesDefinition, notes: dict[str, Published]
) -> None:
    coverage = mirror.catalogue.coverage(definition.name)
    published = notes[definition.name.lower()]
    page = series_page(definition, published, coverage, _partition_key(definition))
    write_bytes(directory / definition.namespace / f"{definition.table}.md", page.encode())
    write_bytes(directory / "README.md", directory_page(tuple(notes.values())).encode())
    write_bytes(directory / "CITATION.cff", citation(tuple(notes.values())).encode())
