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
        given = before.strings(known) if len(known) else pa.array([], target)
        given = pc.if_else(missing, now.missing, given)
        rows = np.zeros(len(known), dtype=bool)
        rows[[*exact]] = True
        given = pc.replace_with_mask(given, pa.array(rows), pa.array(exact.values(), target))
    else:
        given = pc.if_else(missing, pa.scalar(now.missing, target), pc.cast(known, target))
    return pc.if_else(unread, pa.scalar(None, target), given)
