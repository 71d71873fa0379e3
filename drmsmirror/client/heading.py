"""The keywords of records as the headers of their files need them: typed, and all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from drmsmirror.client.batches import Batch, PrintedRows
from drmsmirror.errors import UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.codecs import Codec, codec_of
from drmsmirror.model.fitscards import Card
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import type_records
from drmsmirror.segments.headers import header_columns, segment_cards

__all__ = ["Headers", "Keywords"]


@dataclass(frozen=True, slots=True)
class Keywords:
    """The keywords of one record.

    Parameters
    ----------
    rows : pyarrow.RecordBatch
        Values as record tables hold them.
    row : int
        Which row is the record.
    """

    rows: pa.RecordBatch
    row: int

    def by_column(self) -> dict[str, Any]:
        """The values themselves."""
        return {name: self.rows[name][self.row].as_py() for name in self.rows.schema.names}


@dataclass(frozen=True, slots=True)
class Headers:
    """What is in the headers of some records' files.

    Parameters
    ----------
    definition : SeriesDefinition
    keys : tuple of str
        Keys by which the records are to be asked for, besides ``*recnum*``.
    formats : mapping of str to str
        How keywords print, by name, as far as the mirror has learnt it.
    codecs : mapping of str to Codec
        The same of all keywords whose definition says it too.
    """

    definition: SeriesDefinition
    keys: tuple[str, ...]
    formats: Mapping[str, str]
    codecs: Mapping[str, Codec]

    @classmethod
    def of(cls, mirror: Mirror, definition: SeriesDefinition, segments: Sequence[str]) -> Headers:
        """Find out which keywords the headers of some segments have."""
        names = {name for one in segments for name in header_columns(definition, one)}
        keys = tuple(column.key for column in definition.columns if column.name in names)
        formats: Mapping[str, str] = {}
        with suppress(UnknownSeriesError):
            formats = mirror.catalogue.codecs(definition.name)
        known = {one.name: codec_of(one, formats.get(one.name)) for one in definition.keywords}
        codecs = {name: codec for name, codec in known.items() if codec is not None}
        return cls(definition, keys, formats, codecs)

    def typed(self, batch: Batch) -> pa.RecordBatch:
        """Values as record tables hold them, whoever told them."""
        if not isinstance(batch, PrintedRows):
            return batch.stored
        texts = pa.table({key: batch.printed(key) for key in batch})
        rows = type_records(self.definition, texts, self.formats).rows
        return rows.combine_chunks().to_batches()[0] if rows.num_rows else _nothing(rows.schema)

    def cards(self, segment: str, keywords: Keywords) -> tuple[Card, ...]:
        """The cards that a record's keywords make in the header of one of its files."""
        return segment_cards(self.definition, segment, keywords.by_column(), self.codecs)


def _nothing(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)
