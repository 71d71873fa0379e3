"""A record table made anew beside the old one, with some columns in wider types.

The rows are the same, and so are their partitions. It is filled partition by partition, each
streamed in order and committed by itself, so that memory stays bounded whatever its size. Nobody
reads it before the catalogue names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from drmsmirror.errors import IntegrityError
from drmsmirror.failpoints import reach
from drmsmirror.model.codecs import Codec
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.model.widening import widened
from drmsmirror.records.compaction import sorted_batches
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.former import FormerColumn
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

__all__ = ["Widening", "has_beyond", "rebuild", "sample_of"]


@dataclass(frozen=True, slots=True)
class Widening:
    """A column that gets a wider type.

    Parameters
    ----------
    column : str
    before : Codec
        Of the type that it has, by which its values print.
    now : KeywordType
    """

    column: str
    before: Codec
    now: KeywordType


def rebuild(
    table: RecordTable,
    path: Path,
    definition: SeriesDefinition,
    widenings: Sequence[Widening],
    former: Sequence[FormerColumn],
    file_bytes: int,
) -> RecordTable:
    """Make a table with all rows of another.

    Parameters
    ----------
    table : RecordTable
    path : Path
        Of the new one; there is nothing yet.
    definition : SeriesDefinition
        That the new one is to fit.
    widenings : sequence of Widening
        Where the two differ.
    former : sequence of FormerColumn
        Columns that were dropped; those that are there again are no longer among them.
    file_bytes : int
        Size that a file aims at.

    Raises
    ------
    NoSpaceError, StoreError
        It could not be written.
    """
    has, fits = table.schema, table_schema(definition).names
    others = [field for field in has if field.name not in fits]
    listed = [one for one in former if one.column.name not in fits]
    new = RecordTable.create(path, definition, table.period, others=others, former=listed)
    schema = pa.schema([field for field in new.schema if field.name in has.names])
    with table.connect([table.path]) as connection:
        for period in sorted(table.file_sizes()):
            rows = sorted_batches(connection, table, period)
            new.add_partition(period, _widened(rows, schema, widenings), file_bytes)
            reach("rebuild.filled")
    if new.row_count() != table.row_count():
        raise IntegrityError(
            f"The record table of {definition.name} has {table.row_count()} rows, and "
            f"{new.row_count()} came of writing them anew to {path}. What is held stays as it is"
        )
    return new


def has_beyond(table: RecordTable, column: str, limit: int) -> bool:
    """Whether a column of whole numbers holds one above a limit, or below its negative."""
    name = identifier(column)
    rows = files_relation(table.files(), pa.schema([table.schema.field(column)]))
    missing = literal(KeywordType.LONGLONG.missing)
    with table.connect([table.path]) as connection:
        found = connection.execute(
            f"SELECT 1 FROM {rows} WHERE {name} <> {missing} "
            f"AND ({name} > {literal(limit)} OR {name} < {literal(-limit)}) LIMIT 1"
        ).fetchall()
    return bool(found)


def sample_of(table: RecordTable, column: str, count: int) -> pa.Array:
    """Some of the values of a column, each once."""
    name = identifier(column)
    rows = files_relation(table.files(), pa.schema([table.schema.field(column)]))
    with table.connect([table.path]) as connection:
        found = connection.sql(
            f"SELECT DISTINCT {name} FROM {rows} WHERE {name} IS NOT NULL LIMIT {int(count)}"
        ).to_arrow_table()
    return found[column].cast(table.schema.field(column).type).combine_chunks()


def _widened(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, widenings: Sequence[Widening]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = {name: batch[name] for name in batch.schema.names}
        texts = _texts(batch["_text"])
        for one in widenings:
            exact = {row: words[one.column] for row, words in texts.items() if one.column in words}
            columns[one.column] = widened(batch[one.column], one.before, one.now, exact)
            if one.now is KeywordType.STRING:
                for row in exact:
                    del texts[row][one.column]
        columns["_text"] = _as_json(texts, batch.num_rows)
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _texts(column: pa.Array) -> dict[int, dict[str, str]]:
    """By row, the exact texts of its columns."""
    if column.null_count == len(column):
        return {}
    return {row: json.loads(text) for row, text in enumerate(column.to_pylist()) if text}


def _as_json(texts: dict[int, dict[str, str]], rows: int) -> pa.Array:
    listed: list[str | None] = [None] * rows
    for row, words in texts.items():
        if words:
            listed[row] = json.dumps(words, separators=(",", ":"), sort_keys=True)
    return pa.array(listed, pa.string())
