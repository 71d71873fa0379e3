"""What DRMS calls a record: its series, and its prime keys as they print, strings in quotes.

Source: DRMS semantics 4.2.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from drmsmirror.model.codecs import MISSING_TEXT, arrow_type, codec_of, default_codec
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType

if TYPE_CHECKING:
    from drmsmirror.client.batches import PrintedRows

__all__ = ["keys_of_names", "record_names"]


def keys_of_names(definition: SeriesDefinition) -> tuple[str, ...]:
    """The keys that a record's name is made of."""
    return definition.prime_keys or ("*recnum*",)


def record_names(
    definition: SeriesDefinition, texts: PrintedRows, formats: Mapping[str, str]
) -> list[str]:
    """The name of each record.

    Parameters
    ----------
    definition : SeriesDefinition
    texts : dict
        By key, printed values; with those of :func:`keys_of_names`.
    formats : mapping of str to str
        By keyword, formats that were learnt: in a name a missing value prints like any other.
    """
    if not definition.prime_keys:
        return [f"{definition.name}[:#{recnum}]" for recnum in texts["*recnum*"]]
    columns = [
        _in_names(definition.keyword(key), texts[key], formats) for key in definition.prime_keys
    ]
    return [
        definition.name + "".join(f"[{value}]" for value in values)
        for values in zip(*columns, strict=True)
    ]


def _in_names(
    keyword: Keyword, texts: Sequence[object], formats: Mapping[str, str]
) -> list[object]:
    """Printed values as names have them: none is missing, and strings stand in quotes."""
    codec = codec_of(keyword, formats.get(keyword.name)) or default_codec(keyword)
    value = pa.array([keyword.type.missing], arrow_type(keyword.type))
    (missing,) = replace(codec, always_prints=True).encode(value)
    shown = [missing if text == MISSING_TEXT else text for text in texts]
    return [f'"{text}"' for text in shown] if keyword.type is KeywordType.STRING else shown
