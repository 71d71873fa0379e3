"""Typed columns of an answer: what its printed values become in Arrow.

====================================  ==============================================
keyword                               column
====================================  ==============================================
``char``, ``short``, ``int``,         ``int64``; null where missing
``longlong``, ``*recnum*``, ...
``float``, ``double``                 ``double``; null where missing
``time``                              ``string``, or ``timestamp[us]`` on a TAI clock
``string``, unknown                   ``string``; null where missing
====================================  ==============================================

Whole numbers have 64 bits whatever their type. Bit masks print unsigned (``0x80000000`` is an
``int``), the definition does not say which keywords do, and one question must have one schema
whoever answers it. A real number is the decimal number that was printed, as a double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.errors import QueryError
from drmsmirror.model.codecs import cast_numbers, present
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.times import parse_times, time_style
from drmsmirror.model.types import KeywordType
from drmsmirror.sidebyside import side_by_side

if TYPE_CHECKING:
    from drmsmirror.client.batches import Batch

__all__ = ["NUMBER_KEYS", "Times", "TypedColumns"]

#: Special keys whose values are whole numbers.
NUMBER_KEYS = ("*recnum*", "*sunum*", "*size*")

#: Times as clocks: Arrow has no zone for TAI, so there is none; metadata of the column say TAI.
_CLOCK = pa.timestamp("us")

#: From 1970.01.01_00:00:00_TAI, where Arrow begins to count, to DRMS's own beginning, seconds.
_TO_EPOCH = 2557 * 86400

#: Times farther away than this, in seconds, are in no column of microseconds.
_FARTHEST = 9e12


#: Rows from which on it pays to work on columns side by side.
_MANY = 10_000


class Times(StrEnum):
    """What times become: the text that DRMS prints, or what a TAI clock showed."""

    TEXT = "text"
    TAI = "tai"

    @classmethod
    def of(cls, name: str) -> Times:
        """The one of that name; any other is a `QueryError`."""
        try:
            return cls(name)
        except ValueError:
            raise QueryError(f"times is {name!r}; it must be text or tai") from None


@dataclass(frozen=True, slots=True)
class _Column:
    """One column; without a keyword where the key is a special one, or unknown."""

    key: str
    keyword: Keyword | None
    times: Times

    @property
    def field(self) -> pa.Field:
        """Its type, and as metadata the keyword's type, units and note."""
        metadata = {}
        if self.keyword is not None:
            metadata = {
                "type": str(self.keyword.type),
                "units": self.keyword.units,
                "note": self.keyword.note,
                "time_scale": "TAI" if self._type == _CLOCK else "",
            }
        told = {name: text for name, text in metadata.items() if text}
        return pa.field(self.key, self._type, metadata=told or None)

    @property
    def _type(self) -> pa.DataType:
        if self.key in NUMBER_KEYS:
            return pa.int64()
        type_ = KeywordType.STRING if self.keyword is None else self.keyword.type
        if type_ is KeywordType.TIME and self.times is Times.TAI:
            return _CLOCK
        return pa.int64() if type_.is_integer else pa.float64() if type_.is_float else pa.string()

    def array(self, rows: Batch) -> pa.Array:
        """The printed values of some rows, typed."""
        if pa.types.is_integer(self._type) or pa.types.is_floating(self._type):
            return rows.numbers(self.key, self._type)
        texts = present(rows.printed(self.key).cast(pa.string()))
        if self._type != _CLOCK:
            return texts
        assert self.keyword is not None
        return _clock_times(texts, self.keyword.units)


@dataclass(frozen=True, slots=True)
class TypedColumns:
    """The columns of one answer.

    Parameters
    ----------
    columns : tuple
    schema : pyarrow.Schema
    """

    columns: tuple[_Column, ...]
    schema: pa.Schema

    @classmethod
    def of(
        cls,
        definition: SeriesDefinition,
        keys: Sequence[str],
        times: Times = Times.TEXT,
        *,
        texts: Sequence[str] = (),
    ) -> TypedColumns:
        """The columns of some keys of a series.

        Parameters
        ----------
        definition : SeriesDefinition
        keys : sequence of str
            Names as they were asked for, ``**ALL**`` spelled out.
        times : Times
        texts : sequence of str
            Names of further columns, of text: segments and links.

        Raises
        ------
        QueryError
            One of these has the name of a key.
        """
        if both := set(keys) & set(texts):
            raise QueryError(
                f"{', '.join(sorted(both))} is the name of a keyword and of a segment or link: in "
                f"one table it can be one of them. Ask for them one after the other"
            )
        columns = tuple(_Column(key, _keyword(definition, key), times) for key in keys)
        columns += tuple(_Column(name, None, times) for name in texts)
        schema = pa.schema(
            [column.field for column in columns], metadata={"series": definition.name}
        )
        return cls(columns, schema)

    def batch(self, rows: Batch) -> pa.RecordBatch:
        """Some rows, typed; missing values are null, and so is a text that is no number."""
        if rows.num_rows < _MANY:
            arrays = [column.array(rows) for column in self.columns]
        else:
            arrays = side_by_side(lambda column: column.array(rows), self.columns)
        return pa.record_batch(arrays, schema=self.schema)


def _keyword(definition: SeriesDefinition, key: str) -> Keyword | None:
    column = definition.column(key)
    return column.keyword if column else definition.find(key)


def _clock_times(texts: pa.StringArray, units: str) -> pa.TimestampArray:
    """What a TAI clock showed at some printed times; null for a text that is no time."""
    interval = time_style(units).interval
    if interval is None:
        seconds, valid = parse_times(pc.fill_null(texts, ""))
    else:
        counts = cast_numbers(texts, pa.float64()).to_numpy(zero_copy_only=False)
        seconds, valid = counts * interval, np.isfinite(counts)
    valid = valid & (np.abs(seconds) < _FARTHEST)
    seconds = np.where(valid, seconds, 0.0)
    whole = np.floor(seconds)
    micros = np.rint((seconds - whole) * 1e6).astype(np.int64)
    since_1970 = (whole.astype(np.int64) + _TO_EPOCH) * 1_000_000 + micros
    return pa.array(since_1970, mask=~valid).cast(_CLOCK)
