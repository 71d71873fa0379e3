"""From text as the upstream sent it to typed columns of the record table.

This is the one way in: a sync and an import both come through :func:`type_records`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.codecs import Codec, arrow_type, codec_of, default_codec, learn_codec
from drmsmirror.model.series import Column, Keyword, Scope, SeriesDefinition
from drmsmirror.model.slots import slotting
from drmsmirror.model.types import KeywordType
from drmsmirror.records.schema import record_schema

__all__ = ["TypedRecords", "harvest_keys", "type_records"]

_TEXT = pa.field("_text", pa.string())


@dataclass(frozen=True, slots=True)
class TypedRecords:
    """A batch of records ready to be merged.

    Parameters
    ----------
    rows : pyarrow.Table
        Columns of :func:`~drmsmirror.records.schema.record_schema`, then ``_text``; a column that
        was not given is null throughout.
    columns : frozenset of str
        Keyword columns that were given.
    codecs : dict of str to str
        Formats of all keywords whose codec is known now, by keyword.
    """

    rows: pa.Table
    columns: frozenset[str]
    codecs: dict[str, str]


def harvest_keys(definition: SeriesDefinition) -> tuple[str, ...]:
    """What the upstream is asked for, so that a record can be stored whole."""
    return ("*recnum*", "*sunum*", *(column.key for column in definition.columns))


def type_records(
    definition: SeriesDefinition, given: pa.Table, codecs: Mapping[str, str]
) -> TypedRecords:
    """Type the columns of a batch.

    Parameters
    ----------
    definition : SeriesDefinition
    given : pyarrow.Table
        Columns named by key (``T_REC``, ``*recnum*``), as text or already typed; a null is a
        missing value. Keys that are no column of the series are ignored.
    codecs : mapping of str to str
        Formats learnt earlier, by keyword name; keywords without one are learnt from the batch.
    """
    batch = _Batch(definition, given, dict(codecs))
    columns = {column.name: batch.column(column) for column in definition.columns}
    numbers = {
        "recnum": batch.number("*recnum*", pa.int64()),
        "sunum": batch.number("*sunum*", pa.int64()),
        "slotnum": batch.number("*slotnum*", pa.int32()),
    }
    schema = record_schema(definition).append(_TEXT)
    arrays = {**numbers, **columns, "_text": batch.exact_texts()}
    rows = pa.table([arrays[field.name] for field in schema], schema=schema)
    return TypedRecords(rows, frozenset(batch.given_columns), batch.formats)


class _Batch:
    """The state of one call: what was given, learnt, and kept as exact text."""

    def __init__(
        self, definition: SeriesDefinition, given: pa.Table, formats: dict[str, str]
    ) -> None:
        self._definition = definition
        self._given = {name.lower(): given[name].combine_chunks() for name in given.column_names}
        self._rows = given.num_rows
        self._exact: dict[int, dict[str, str]] = {}
        self.formats = formats
        self.given_columns: set[str] = set()

    def column(self, column: Column) -> pa.Array:
        """Typed values of one keyword column; nulls where the keyword was not given."""
        values = self._given.get(column.key.lower(), self._given.get(column.name))
        if column.keyword.scope is Scope.INDEX:
            return self._index(column, values)
        if values is None:
            return pa.nulls(self._rows, arrow_type(column.type))
        self.given_columns.add(column.name)
        if not pa.types.is_string(values.type):
            return _with_sentinels(values, column.type)
        return self._decode(column, values)

    def number(self, key: str, type_: pa.DataType) -> pa.Array:
        """A column of the record's own numbers."""
        values = self._given.get(key, self._given.get(key.strip("*")))
        return pa.nulls(self._rows, type_) if values is None else pc.cast(values, type_)

    def exact_texts(self) -> pa.Array:
        """By row, what no codec gives back, as JSON; null where there is nothing of the kind."""
        texts: list[str | None] = [None] * self._rows
        for row, exact in self._exact.items():
            texts[row] = json.dumps(exact, separators=(",", ":"), sort_keys=True)
        return pa.array(texts, pa.string())

    def _decode(self, column: Column, texts: pa.StringArray) -> pa.Array:
        decoded = self._codec(column.keyword, texts).decode(texts)
        for row, text in decoded.exact.items():
            self._exact.setdefault(row, {})[column.name] = text
        return decoded.values

    def _codec(self, keyword: Keyword, texts: pa.StringArray) -> Codec:
        codec = codec_of(keyword, self.formats.get(keyword.name)) or learn_codec(keyword, texts)
        if codec is None:
            return default_codec(keyword)
        self.formats[keyword.name] = codec.format
        return codec

    def _index(self, column: Column, values: pa.Array | None) -> pa.Array:
        """The slot index: as the upstream gave it, else from the value (DRMS semantics 2.4)."""
        self.given_columns.add(column.name)
        if values is not None and pa.types.is_integer(values.type):
            return pc.cast(values, pa.int64())
        if values is not None:
            decoded = Codec(KeywordType.LONGLONG, "%d", always_prints=True).decode(values)
            if not decoded.exact:
                return decoded.values
        slotted = self._definition.keyword(column.keyword.name.removesuffix("_index"))
        rule = slotting(self._definition, slotted)
        source = self._definition.column(slotted.name)
        assert source is not None  # a slotted prime key has a column
        seconds = self.column(source).cast(pa.float64()).to_numpy(zero_copy_only=False)
        return pa.array(rule.indices(seconds))


def _with_sentinels(values: pa.Array, type_: KeywordType) -> pa.Array:
    """Typed values as they are, nulls (and, of times, NaN) as DRMS's missing value."""
    target = arrow_type(type_)
    typed = pc.cast(values, target)
    if type_ is KeywordType.TIME:
        typed = pc.if_else(pc.is_nan(typed), pa.scalar(None, target), typed)
    return pc.fill_null(typed, pa.scalar(type_.missing, target))
