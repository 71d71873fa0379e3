"""Stored values as values of a wider type: the same numbers, or the texts that they print as."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.codecs import Codec, arrow_type, is_missing
from drmsmirror.model.types import KeywordType

__all__ = ["widened"]


def widened(
    values: pa.Array, before: Codec, now: KeywordType, exact: Mapping[int, str]
) -> pa.Array:
    """Give values in a wider type.

    Parameters
    ----------
    values : pyarrow.Array
        Stored values; null where none was read, which it stays.
    before : Codec
        Of their type, by which they print.
    now : KeywordType
        See :func:`~drmsmirror.model.evolution.is_widening`. A missing value becomes its missing
        value.
    exact : dict of int to str
        By row, texts that the codec does not give back; texts alone are made of them.
    """
    unread = values.is_null()
    target = arrow_type(now)
    known = values.fill_null(pa.scalar(before.type.missing, values.type))
    missing = is_missing(before.type, known)
    if now is KeywordType.STRING:
        given = _printed(known, before, exact, pc.invert(missing))
    elif before.type is KeywordType.FLOAT:
        given = _as_doubles(known, before, exact)
    else:
        given = pc.cast(known, target)
    if now is not KeywordType.STRING:
        given = pc.if_else(missing, pa.scalar(now.missing, target), given)
    return pc.if_else(unread, pa.scalar(None, target), given)


def _as_doubles(values: pa.Array, codec: Codec, exact: Mapping[int, str]) -> pa.Array:
    """The doubles that the printed digits spell, where those are all that is known.

    A float that holds more than it prints stays the number that it is. So a record that is read
    again, and prints the same, is the same.
    """
    texts = _printed(values, codec, exact, pc.is_finite(values))
    spelt = Codec(KeywordType.DOUBLE, codec.format).decode(texts).values
    says_all = pc.equal(pc.cast(spelt, values.type, safe=False), values)
    return pc.if_else(says_all, spelt, pc.cast(values, pa.float64()))


def _printed(
    values: pa.Array, codec: Codec, exact: Mapping[int, str], shown: pa.BooleanArray
) -> pa.StringArray:
    """What values print as; nothing of those that are not shown."""
    if not len(values):
        return pa.array([], pa.string())
    texts = pc.if_else(shown, codec.strings(values), "")
    rows = np.zeros(len(values), dtype=bool)
    rows[[*exact]] = True
    return pc.replace_with_mask(texts, pa.array(rows), pa.array(exact.values(), pa.string()))
