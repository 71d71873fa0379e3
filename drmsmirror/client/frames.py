"""Answers and definitions in the shapes that ``drms.Client`` returns.

The conversions are those of the stock client, so that a script sees the same columns and dtypes.
Source: client-side behaviour of drms 0.9.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import struct_from_definition

if TYPE_CHECKING:
    from drmsmirror.client.batches import Batch, PrintedRows

__all__ = ["SeriesInfo", "frame_of_arrow", "in_stock_shape", "query_frame", "text_frame"]

_INTEGERS = ("short", "int", "longlong")
_REALS = ("float", "double")
_NUMERIC_SPECIALS = ("*recnum*", "*sunum*", "*size*")

#: pandas' own types for what NumPy has no missing value of, by type of Arrow.
_WITH_NULLS = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


class SeriesInfo:
    """What ``drms.Client.info`` returns: a series in tables.

    Parameters
    ----------
    definition : SeriesDefinition
    name : str
        As it was asked for, in lower case, as the stock client shows it.

    Attributes
    ----------
    name, note : str
    primekeys, dbindex : list of str
    retention, unitsize, archive, tapegroup : int or None
    keywords : pandas.DataFrame
        By keyword: type, recscope, defval, units, note, linkinfo, is_time, is_integer, is_real,
        is_numeric.
    links : pandas.DataFrame
        By link: target, kind, note.
    segments : pandas.DataFrame
        By segment: type, units, protocol, dims, note.
    """

    def __init__(self, definition: SeriesDefinition, name: str) -> None:
        struct = struct_from_definition(definition)
        self.name = name
        self.note = definition.note
        self.retention = definition.attributes.get("retention")
        self.unitsize = definition.attributes.get("unitsize")
        self.archive = definition.attributes.get("archive")
        self.tapegroup = definition.attributes.get("tapegroup")
        self.primekeys = list(definition.prime_keys)
        self.dbindex = list(definition.db_index)
        self.keywords = _table(
            struct["keywords"], ["type", "recscope", "defval", "units", "note", "linkinfo"]
        )
        self.keywords["is_time"] = self.keywords.type == "time"
        self.keywords["is_integer"] = self.keywords.type.isin(_INTEGERS)
        self.keywords["is_real"] = self.keywords.type.isin(_REALS)
        self.keywords["is_numeric"] = self.keywords.is_integer | self.keywords.is_real
        self.links = _table(struct["links"], ["target", "kind", "note"])
        self.segments = _table(struct["segments"], ["type", "units", "protocol", "dims", "note"])

    def __repr__(self) -> str:
        return f"<SeriesInfo: {self.name}>"


def query_frame(
    batches: Sequence[Batch],
    keys: Sequence[str],
    definition: SeriesDefinition,
    *,
    convert_numeric: bool = True,
    skip_conversion: str | Collection[str] | None = None,
) -> pd.DataFrame:
    """An answer as ``drms.Client.query`` returns it.

    Parameters
    ----------
    batches : sequence of StoredRows or PrintedRows
        The rows.
    keys : sequence of str
        Columns of the table.
    definition : SeriesDefinition
        Tells which keywords are numbers.
    convert_numeric : bool
        Whether columns of short, int, longlong, float and double keywords become numbers, with
        NaN where DRMS printed none; ``char``, time and string columns stay text.
    skip_conversion : str or collection of str, optional
        Keys that stay text; a text is one key, as in the stock client.

    Returns
    -------
    pandas.DataFrame
        One column a key; no columns at all where there are no records.
    """
    keys = list(dict.fromkeys(keys))
    if not any(batch.num_rows for batch in batches):
        return pd.DataFrame()
    kept = [skip_conversion] if isinstance(skip_conversion, str) else skip_conversion or ()
    kinds = {keyword.name: str(keyword.type) for keyword in definition.keywords}
    columns = {}
    for key in keys:
        kind = None if key in kept or not convert_numeric else kinds.get(key)
        if convert_numeric and key not in kept and key in _NUMERIC_SPECIALS:
            kind = "longlong"
        columns[key] = _stock_column(key, kind, batches)
    return pd.DataFrame(columns)


def _stock_column(key: str, kind: str | None, batches: Sequence[Batch]) -> Any:
    """A column as the stock client makes it of the texts, without them where that is the same."""
    target = pa.int64() if kind in _INTEGERS else pa.float64() if kind in _REALS else None
    if target is not None:
        with suppress(_IsReadByPandasError):
            return _numbers(key, target, batches)
    printed = pa.chunked_array([batch.printed(key) for batch in batches])
    if target is None:
        return printed.to_pandas()
    texts = printed.to_pylist()
    return pd.to_numeric(
        pd.Series(_without_hex(texts) if kind in _INTEGERS else texts), errors="coerce"
    )


class _IsReadByPandasError(Exception):
    """The stock client's numbers depend on the texts in more than their value."""


def _numbers(key: str, target: pa.DataType, batches: Sequence[Batch]) -> Any:
    arrays = [batch.numbers(key, target, _leave_to_pandas) for batch in batches]
    numbers = pa.chunked_array(arrays, target).to_numpy()
    if pa.types.is_floating(target) and np.array_equal(numbers, np.rint(numbers)):
        raise _IsReadByPandasError  # "1" would be an integer, "1.0" would not
    return numbers


def _leave_to_pandas(texts: pa.StringArray, target: pa.DataType) -> pa.Array:
    if len(texts):
        raise _IsReadByPandasError
    return pa.nulls(0, target)


def text_frame(texts: PrintedRows) -> pd.DataFrame:
    """Paths of segments, or targets of links, as ``drms.Client.query`` returns them.

    Parameters
    ----------
    texts : dict
        By segment or link, what the server printed of each record.

    Returns
    -------
    pandas.DataFrame
        One column of text each; no columns at all where there are no records.
    """
    return pd.DataFrame(dict(texts)) if any(texts.values()) else pd.DataFrame()


def in_stock_shape(
    keywords: pd.DataFrame | None = None,
    segments: pd.DataFrame | None = None,
    links: pd.DataFrame | None = None,
    *,
    index: Sequence[str] | None = None,
) -> pd.DataFrame | tuple[pd.DataFrame, ...]:
    """What ``drms.Client.query`` returns: one table, or a tuple of those that were asked for.

    Parameters
    ----------
    keywords, segments, links : pandas.DataFrame, optional
        Tables of the same records, in this order; None for what was not asked for.
    index : sequence of str, optional
        Names of the records. A table without records keeps its empty index, where the stock
        client fails.
    """
    tables = [table for table in (keywords, segments, links) if table is not None]
    for table in tables:
        if index is not None and len(table):
            table.index = pd.Index(index)
    return tables[0] if len(tables) == 1 else tuple(tables)


def _without_hex(values: Sequence[str | int | None]) -> list[str | int | None]:
    """Hexadecimal texts as the unsigned numbers they show; all others as they are."""
    return [
        int(value, 16) if isinstance(value, str) and value[:2] in ("0x", "0X") else value
        for value in values
    ]


def _table(entries: list[dict[str, str]], columns: list[str]) -> pd.DataFrame:
    names = pd.Index([entry["name"] for entry in entries], name="name")
    rows = [tuple(entry.get(column) for column in columns) for entry in entries]
    return pd.DataFrame(rows or None, columns=columns, index=names if rows else names[:0])


def frame_of_arrow(rows: pa.Table) -> pd.DataFrame:
    """Rows of SQL as a table; two columns may have one name.

    Whole numbers and truth values with nulls have pandas' own types for them, so that none becomes
    a float; decimals are floats.
    """
    numbered = rows.rename_columns([str(place) for place in range(rows.num_columns)])
    for place, column in enumerate(numbered.schema):
        if pa.types.is_decimal(column.type):
            floats = numbered.column(place).cast(pa.float64())
            numbered = numbered.set_column(place, column.name, floats)
    frame: pd.DataFrame = numbered.to_pandas()
    for place, column in enumerate(numbered.schema):
        if column.type in _WITH_NULLS and numbered.column(place).null_count:
            frame[column.name] = numbered.column(place).to_pandas(types_mapper=_WITH_NULLS.get)
    frame.columns = pd.Index(rows.column_names)
    return frame
