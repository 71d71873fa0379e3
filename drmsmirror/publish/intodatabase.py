"""Publish a series to a database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
from sqlalchemy import Connection, inspect

from drmsmirror.catalogue.place import Place
from drmsmirror.errors import StoreError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.publish.database import forget, note_in, prepare, remember, transaction
from drmsmirror.publish.note import Note, added_columns, first_run_to_take, new_note, types_of
from drmsmirror.publish.report import Extent, Publication, Reporter
from drmsmirror.publish.store import (
    Change,
    add_columns,
    count,
    drop_table,
    make_table,
    merge_touched,
    merge_whole,
    write_masters,
)
from drmsmirror.publish.tables import Tables, tables_for
from drmsmirror.records import LatestRecords, reading_latest

__all__ = ["publish_to_database"]


def publish_to_database(
    mirror: Mirror, series: str, place: Place, *, rebuild: bool, reporter: Reporter
) -> Publication:
    """Bring the table of a series up to date; see :func:`drmsmirror.publish.publish`."""
    began = time.monotonic()
    with transaction(place) as connection:
        definition = mirror.catalogue.definition(series)
        # in this order: what a later run brings must not be taken for known
        run = next(iter(mirror.catalogue.runs.recent(series=series, limit=1)), None)
        table = mirror.table(definition)
        work = _Work(connection, place, definition, reporter)
        before = work.begin(rebuild=rebuild)
        since = first_run_to_take(mirror, before) if before else None
        with reading_latest(table) as records:
            total = records.count()
            extent, change = work.bring(records, since=since, total=total, is_new=before is None)
        note = new_note(mirror, definition, run, table.version, total)
        work.end(before, note)
    return Publication(
        series=definition.name,
        target=place.shown,
        name=work.tables.records.fullname,
        extent=extent,
        written=change.written,
        removed=change.removed,
        records=total,
        columns_added=work.added,
        seconds=time.monotonic() - began,
    )


class _Work:
    """One publication, inside its transaction."""

    def __init__(
        self,
        connection: Connection,
        place: Place,
        definition: SeriesDefinition,
        reporter: Reporter,
    ) -> None:
        self._connection = connection
        self._place = place
        self._definition = definition
        self._reporter = reporter
        self.added: tuple[str, ...] = ()
        self.tables = self._tables(tuple(types_of(definition)))

    def begin(self, *, rebuild: bool) -> Note | None:
        """Make room for the series; give what is remembered of it where its table goes on."""
        prepare(self._connection, self.tables, self._place)
        note = note_in(self._connection, self.tables)
        if note is None:
            return None
        if note.series.lower() != self._definition.name.lower():
            raise StoreError(
                f"The table {self.tables.records.name} of the {self._place.shown} is of the series "
                f"{note.series}, not {self._definition.name}. Name another target"
            )
        if rebuild or not inspect(self._connection).has_table(
            self.tables.records.name, schema=self.tables.records.schema
        ):
            drop_table(self._connection, self.tables)
            forget(self._connection, self.tables)
            return None
        self.added = added_columns(note, self._definition, self._place.shown)
        self.tables = self._tables((*dict(note.columns), *self.added))
        add_columns(self._connection, self.tables, self._definition, self.added)
        return note

    def bring(
        self, records: LatestRecords, *, since: int | None, total: int, is_new: bool
    ) -> tuple[Extent, Change]:
        """Bring the rows: all into a new table, else what changed, or whatever differs."""
        connection, tables = self._connection, self.tables
        if is_new:
            rows = self._counted(records.rows(), total)
            return Extent.WHOLE, make_table(connection, tables, self._definition, rows)
        if since is not None:
            touched = records.touch_since(since)
            change = merge_touched(
                connection, tables, records, lambda rows: self._counted(rows, touched)
            )
            if count(connection, tables.records) == total:
                return Extent.CHANGES, change
        # not known how far it had come, or somebody else wrote there
        return Extent.WHOLE, merge_whole(
            connection, tables, records, lambda rows: self._counted(rows, total)
        )

    def end(self, before: Note | None, note: Note) -> None:
        """Write what is said about the rows, in the same transaction."""
        if before is None or before.definition != note.definition:
            write_masters(self._connection, self.tables, self._definition)
        order = self.tables.records.columns.keys()
        columns = tuple(sorted(note.columns, key=lambda column: order.index(column[0])))
        remember(self._connection, self.tables, replace(note, columns=columns))

    def _tables(self, columns: tuple[str, ...]) -> Tables:
        sqlite = self._connection.dialect.name == "sqlite"
        return tables_for(self._definition, columns, sqlite=sqlite)

    def _counted(self, batches: Iterator[pa.RecordBatch], total: int) -> Iterator[pa.RecordBatch]:
        done = 0
        for batch in batches:
            yield batch
            done += batch.num_rows
            self._reporter.rows(self._definition.name, done, total)
