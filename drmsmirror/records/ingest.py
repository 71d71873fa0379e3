"""From text as the upstream sent it to typed columns of the record table.

This is the one way in: a sync and an import both come through :func:`type_records`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.codecs import (
    Codec,
    Decoded,
    arrow_type,
    codec_of,
    default_codec,
    is_missing,
    learn_codec,
    widest_codec,
)
from drmsmirror.model.series import Column, Scope, SeriesDefinition
from drmsmirror.model.slots import slotting
from drmsmirror.model.types import KeywordType
from drmsmirror.records.schema import record_schema
from drmsmirror.sidebyside import side_by_side

__all__ = ["RECORD_NUMBERS", "TypedRecords", "harvest_keys", "identity_keys", "type_records"]

#: Special keys by which DRMS tells the numbers of a record and of its storage.
RECORD_NUMBERS = ("*recnum*", "*sunum*")

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


def harvest_keys(
    definition: SeriesDefinition, numbers: Sequence[str] = RECORD_NUMBERS
) -> tuple[str, ...]:
    """What the upstream is asked for, so that a record can be stored whole.

    Parameters
    ----------
    definition : SeriesDefinition
    numbers : sequence of str
        Those of :data:`RECORD_NUMBERS` that the upstream gives.
    """
    return (*numbers, *(column.key for column in definition.columns))


def identity_keys(
    definition: SeriesDefinition, *columns: str, numbers: Sequence[str] = RECORD_NUMBERS
) -> tuple[str, ...]:
    """What the upstream is asked for to know which records they are, and some columns of them."""
    prime = {key.lower() for key in definition.prime_keys}
    names = {*prime, *definition.internal_prime_keys, *columns}
    return (*numbers, *(c.key for c in definition.columns if c.name in names))


def type_records(
    definition: SeriesDefinition,
    given: pa.Table,
    codecs: Mapping[str, str],
    *,
    all_digits: bool = False,
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
    all_digits : bool
        Whether the texts have all their digits, and so say nothing of how the keywords print.
    """
    texts = {name.lower(): given[name].combine_chunks() for name in given.column_names}
    formats = dict(codecs)
    keys = {key.lower() for key in definition.prime_keys}
    columns = [
        _Given.of(column, texts, formats, is_key=column.name in keys, all_digits=all_digits)
        for column in definition.columns
    ]
    names = (source.column.name for source in columns)
    decoded = dict(zip(names, side_by_side(_decode, columns), strict=True))
    arrays = {
        "recnum": _number(texts, "recnum", pa.int64(), given.num_rows),
        "sunum": _number(texts, "sunum", pa.int64(), given.num_rows),
        "slotnum": _number(texts, "slotnum", pa.int32(), given.num_rows),
        "_text": _exact_texts(decoded, given.num_rows),
    }
    for source in columns:
        found = decoded[source.column.name]
        arrays[source.column.name] = (
            pa.nulls(given.num_rows, arrow_type(source.column.type))
            if found is None
            else found.values
        )
    for column in definition.columns:
        if column.keyword.scope is Scope.INDEX and decoded[column.name] is None:
            arrays[column.name] = _slots(definition, column, arrays)
    schema = record_schema(definition).append(_TEXT)
    rows = pa.table([arrays[field.name] for field in schema], schema=schema)
    known = frozenset(name for name, found in decoded.items() if found is not None)
    return TypedRecords(rows, known | set(definition.internal_prime_keys), formats)


@dataclass(frozen=True, slots=True)
class _Given:
    """What was given for one keyword column, and how it is to be read."""

    column: Column
    values: pa.Array | None
    codec: Codec | None
    is_key: bool
    is_widest: bool = False

    @classmethod
    def of(
        cls,
        column: Column,
        texts: Mapping[str, pa.Array],
        formats: dict[str, str],
        *,
        is_key: bool,
        all_digits: bool,
    ) -> _Given:
        """Find a column among those given; a format that is not known yet is learnt."""
        values = texts.get(column.key.lower(), texts.get(column.name))
        if values is None or not pa.types.is_string(values.type):
            return cls(column, values, None, is_key)
        if column.keyword.scope is Scope.INDEX:
            codec = Codec(KeywordType.LONGLONG, "%d", always_prints=True)
            return cls(column, values, codec, is_key)
        keyword = column.keyword
        widest = widest_codec(keyword) if all_digits else None
        if widest is not None:
            return cls(column, values, widest, is_key, is_widest=True)
        known = codec_of(keyword, formats.get(keyword.name)) or learn_codec(keyword, values)
        if known is not None:
            formats[keyword.name] = known.format
        return cls(column, values, known or default_codec(keyword), is_key)


def _decode(given: _Given) -> Decoded | None:
    """Typed values of one column; None where it was not given, or is an index in no number."""
    if given.values is None:
        return None
    if given.codec is None:
        return Decoded(_with_sentinels(given.values, given.column.type, is_key=given.is_key), {})
    decoded = given.codec.decode(given.values)
    if given.is_widest:
        return _without_digits_kept(decoded, given.column.type)
    is_index = given.column.keyword.scope is Scope.INDEX
    return None if is_index and decoded.exact else decoded


def _without_digits_kept(decoded: Decoded, type_: KeywordType) -> Decoded:
    """Of texts with all digits only those are kept that are no value at all."""
    missing = is_missing(type_, decoded.values)
    exact = {row: text for row, text in decoded.exact.items() if missing[row].as_py()}
    return Decoded(decoded.values, exact)


def _slots(
    definition: SeriesDefinition, column: Column, arrays: Mapping[str, pa.Array]
) -> pa.Array:
    """The slot indices of values whose index the upstream did not give (DRMS semantics 2.4)."""
    slotted = definition.keyword(column.keyword.name.removesuffix("_index"))
    values = arrays[slotted.name.lower()].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return pa.array(slotting(definition, slotted).indices(values))


def _number(texts: Mapping[str, pa.Array], name: str, type_: pa.DataType, rows: int) -> pa.Array:
    """A column of the record's own numbers, given by special key or by its column's name."""
    values = texts.get(f"*{name}*", texts.get(name))
    return pa.nulls(rows, type_) if values is None else pc.cast(values, type_)


def _exact_texts(decoded: Mapping[str, Decoded | None], rows: int) -> pa.Array:
    """By row, what no codec gives back, as JSON; null where there is nothing of the kind."""
    by_row: dict[int, dict[str, str]] = {}
    for name, column in decoded.items():
        for row, text in column.exact.items() if column else ():
            by_row.setdefault(row, {})[name] = text
    texts = [
        json.dumps(by_row[row], separators=(",", ":"), sort_keys=True) if row in by_row else None
        for row in range(rows)
    ]
    return pa.array(texts, pa.string())


def _with_sentinels(values: pa.Array, type_: KeywordType, *, is_key: bool) -> pa.Array:
    """Typed values as they are, nulls as DRMS's missing value.

    NaN is another missing time (DRMS semantics 2.1), which conditions tell from the first; in a
    prime key, by which files are chosen, it becomes the first.
    """
    target = arrow_type(type_)
    typed = pc.cast(values, target)
    if type_ is KeywordType.TIME and is_key:
        typed = pc.if_else(pc.is_nan(typed), pa.scalar(None, target), typed)
    return pc.fill_null(typed, pa.scalar(type_.missing, target))
