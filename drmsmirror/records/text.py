"""Stored values as what DRMS prints: the inverse of ingest.

Source: DRMS semantics 2.2 and 4.2.4 (special keys).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.codecs import Codec, NumbersRead, cast_numbers, codec_of, default_codec
from drmsmirror.model.series import Column
from drmsmirror.model.types import KeywordType
from drmsmirror.records.keys import NUMBER_COLUMNS, KeyPlan, column_of, constant_text

__all__ = ["StoredRows"]


class StoredRows(Mapping[str, "list[str] | list[int | None]"]):
    """Some rows of a record table as the keys of a question show them.

    By key it gives the printed values, printed when they are asked for; numbers for ``*recnum*``
    and ``*sunum*``. Numbers and texts as Arrow arrays cost a fraction of that.

    Parameters
    ----------
    plan : KeyPlan
    rows : pyarrow.RecordBatch
        Stored values of the plan's columns.
    codecs : mapping of str to str
        Formats that were learnt, by keyword.
    """

    def __init__(self, plan: KeyPlan, rows: pa.RecordBatch, codecs: Mapping[str, str]) -> None:
        self._plan = plan
        self._rows = rows
        self._codecs = codecs
        self._exact = _exact_texts(rows)

    def __getitem__(self, key: str) -> list[str] | list[int | None]:
        if key in NUMBER_COLUMNS:
            numbers: list[int | None] = self._rows[NUMBER_COLUMNS[key]].to_pylist()
            return numbers
        column = column_of(self._plan.definition, key)
        if column is None:
            return [constant_text(self._plan.definition, key)] * self._rows.num_rows
        texts = self._codec(key, column).encode(self._stored(column))
        for row, text in self._exact_of(column).items():
            texts[row] = text
        return texts

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._plan.keys))

    def __len__(self) -> int:
        return len(set(self._plan.keys))

    @property
    def stored(self) -> pa.RecordBatch:
        """The values themselves, by column."""
        return self._rows

    @property
    def num_rows(self) -> int:
        """How many rows these are."""
        return int(self._rows.num_rows)

    @property
    def alike(self) -> Callable[[pa.RecordBatch], StoredRows]:
        """What shows other rows as these are shown."""
        return partial(StoredRows, self._plan, codecs=self._codecs)

    def pieces(self, rows: int) -> Iterator[StoredRows]:
        """The same in pieces of so many rows."""
        for first in range(0, self.num_rows, rows):
            yield self.alike(self._rows.slice(first, rows))

    def printed(self, key: str) -> pa.Array:
        """The same values of a key as an Arrow array."""
        if key in NUMBER_COLUMNS:
            return self._rows[NUMBER_COLUMNS[key]]
        column = column_of(self._plan.definition, key)
        if column is None:
            return pa.array(self[key], pa.string())
        texts = self._codec(key, column).strings(self._stored(column))
        exact = self._exact_of(column)
        return _with_values(texts, exact, pa.array(exact.values(), pa.string()))

    def numbers(self, key: str, target: pa.DataType, read: NumbersRead = cast_numbers) -> pa.Array:
        """The printed values of a key as numbers, null where one is missing or is none.

        Parameters
        ----------
        key : str
        target : pyarrow.DataType
            int64 or double.
        read : callable
            Reads those that have to be printed to know.
        """
        if key in NUMBER_COLUMNS:
            return self._rows[NUMBER_COLUMNS[key]]
        column = column_of(self._plan.definition, key)
        if column is None or not _shows(column.type, target):
            return read(self.printed(key), target)
        numbers = self._codec(key, column).numbers(self._stored(column), read)
        exact = self._exact_of(column)
        return _with_values(numbers, exact, read(pa.array(exact.values(), pa.string()), target))

    def _codec(self, key: str, column: Column) -> Codec:
        asked = replace(column.keyword, name=key)  # QUALITY is special by the name it is asked by
        return codec_of(asked, self._codecs.get(column.keyword.name)) or default_codec(asked)

    def _stored(self, column: Column) -> pa.Array:
        """Values with nulls (never fetched) as missing; coverage says who may see them."""
        values = self._rows[column.name]
        if not values.null_count:
            return values
        return values.fill_null(pa.scalar(column.type.missing, values.type))

    def _exact_of(self, column: Column) -> dict[int, str]:
        """By row, texts of a column that no codec gives back."""
        return {
            row: words[column.name] for row, words in self._exact.items() if column.name in words
        }


def _shows(type_: KeywordType, target: pa.DataType) -> bool:
    """Whether values of a type print as numbers of that Arrow type."""
    return type_.is_integer if pa.types.is_integer(target) else type_.is_float


def _with_values(values: pa.Array, rows: Collection[int], others: pa.Array) -> pa.Array:
    """The values with others in some rows."""
    if not rows:
        return values
    mask = np.zeros(len(values), dtype=bool)
    mask[[*rows]] = True
    return pc.replace_with_mask(values, pa.array(mask), others)


def _exact_texts(batch: pa.RecordBatch) -> dict[int, dict[str, str]]:
    texts = batch["_text"]
    if texts.null_count == len(texts):
        return {}
    return {row: json.loads(text) for row, text in enumerate(texts.to_pylist()) if text}
