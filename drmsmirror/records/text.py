"""Stored values as the text that DRMS prints: the inverse of ingest.

Source: DRMS semantics 2.2 and 4.2.4 (special keys).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from drmsmirror.model.codecs import INVALID_KEY, codec_of, default_codec
from drmsmirror.model.series import Column, SeriesDefinition

__all__ = ["ALL_KEYS", "NO_KEYS", "KeyPlan", "plan_keys"]

ALL_KEYS = "**ALL**"
NO_KEYS = "**NONE**"

#: Special keys that are columns of the record table; their values are JSON numbers.
_NUMBERS = {"*recnum*": "recnum", "*sunum*": "sunum"}

#: Special keys whose answer is in the server's storage and not in the records.
_STORAGE_KEYS = frozenset(
    {"*size*", "*online*", "*retain*", "*archive*", "*recdir*", "*dirmtime*", "*logdir*", "*spec*"}
)


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """How the keys of one question are answered from stored columns.

    Parameters
    ----------
    definition : SeriesDefinition
    keys : tuple of str
        Names as they were asked for, ``**ALL**`` already spelled out.
    columns : tuple of str
        Columns of the record table that must be read, ``_text`` last.
    not_held : tuple of str
        Keys that DRMS could answer and record tables cannot.
    unknown : tuple of str
        Keys that the definition does not know.
    """

    definition: SeriesDefinition
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    not_held: tuple[str, ...]
    unknown: tuple[str, ...] = ()

    def texts(
        self, batch: pa.RecordBatch, codecs: Mapping[str, str]
    ) -> dict[str, list[str] | list[int | None]]:
        """By key, the printed values of a batch; numbers for ``*recnum*`` and ``*sunum*``."""
        exact = _exact_texts(batch)
        return {key: self._text(key, batch, codecs, exact) for key in self.keys}

    def _text(
        self,
        key: str,
        batch: pa.RecordBatch,
        codecs: Mapping[str, str],
        exact: Mapping[int, Mapping[str, str]],
    ) -> list[str] | list[int | None]:
        if key in _NUMBERS:
            numbers: list[int | None] = batch[_NUMBERS[key]].to_pylist()
            return numbers
        column = _column(self.definition, key)
        if column is None:
            return [_constant_text(self.definition, key)] * batch.num_rows
        asked = replace(column.keyword, name=key)  # QUALITY is special by the name it is asked by
        codec = codec_of(asked, codecs.get(column.keyword.name)) or default_codec(asked)
        texts = codec.encode(_fetched(batch[column.name], column))
        for row, words in exact.items():
            if column.name in words:
                texts[row] = words[column.name]
        return texts


def plan_keys(definition: SeriesDefinition, keys: Sequence[str]) -> KeyPlan:
    """Find out which columns answer a list of keys.

    Parameters
    ----------
    keys : sequence of str
        Keyword names in any case, ``KEY[0]``, ``**ALL**``, ``**NONE**``, ``*recnum*``,
        ``*sunum*``; an unknown one is answered as DRMS does, with ``Invalid KeyLink``.
    """
    spelled = tuple(name for key in keys for name in _spell_out(definition, key))
    columns: dict[str, None] = {}
    not_held = []
    unknown = []
    for key in spelled:
        column = _column(definition, key)
        if key in _NUMBERS:
            columns[_NUMBERS[key]] = None
        elif column is not None:
            columns[column.name] = None
        elif key in _STORAGE_KEYS or _is_unread(definition, key):
            not_held.append(key)
        elif definition.find(key) is None:
            unknown.append(key)
    return KeyPlan(definition, spelled, (*columns, "_text"), tuple(not_held), tuple(unknown))


def _spell_out(definition: SeriesDefinition, key: str) -> Sequence[str]:
    if key == NO_KEYS:
        return ()
    if key != ALL_KEYS:
        return (key,)
    names: list[str] = []
    for keyword in definition.keywords:
        if definition.is_implicit(keyword):
            continue
        columns = [c for c in definition.columns if c.keyword is keyword and c.key != keyword.name]
        names.extend([column.name.upper() for column in columns] or [keyword.name])
    return names


def _column(definition: SeriesDefinition, key: str) -> Column | None:
    found = definition.column(key)
    if found is None and (keyword := definition.find(key)) is not None and keyword.alias_of:
        return definition.column(keyword.alias_of)
    return found


def _is_unread(definition: SeriesDefinition, key: str) -> bool:
    """Whether the series has the keyword but record tables do not hold it."""
    keyword = definition.find(key)
    return keyword is not None and not keyword.is_constant


def _constant_text(definition: SeriesDefinition, key: str) -> str:
    keyword = definition.find(key)
    return keyword.default if keyword is not None and keyword.is_constant else INVALID_KEY


def _fetched(values: pa.Array, column: Column) -> pa.Array:
    """Values with nulls (never fetched) as missing; coverage says which question may see them."""
    return (
        values.fill_null(pa.scalar(column.type.missing, values.type))
        if values.null_count
        else values
    )


def _exact_texts(batch: pa.RecordBatch) -> dict[int, dict[str, str]]:
    texts = batch["_text"]
    if texts.null_count == len(texts):
        return {}
    return {row: json.loads(text) for row, text in enumerate(texts.to_pylist()) if text}
