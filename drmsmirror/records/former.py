"""Former columns: of keywords that the series no longer has, kept with what was read of them.

The table itself remembers what they are, in a property, since the definition has forgotten it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from drmsmirror.model.series import Column, Keyword
from drmsmirror.model.types import KeywordType

__all__ = ["FORMER_PROPERTY", "FormerColumn", "former_of", "former_text"]

#: The property of a record table that lists its former columns.
FORMER_PROPERTY = "drmsmirror.former"


@dataclass(frozen=True, slots=True)
class FormerColumn:
    """A column of a keyword that the series had.

    Parameters
    ----------
    column : Column
        As it was.
    codec : str or None
        The format by which its values print, where it was learnt.
    """

    column: Column
    codec: str | None = None


def former_text(columns: Iterable[FormerColumn]) -> str:
    """The property that lists some columns."""
    listed = [
        {
            "column": one.column.name,
            "key": one.column.key,
            "keyword": one.column.keyword.name,
            "type": str(one.column.type),
            "units": one.column.keyword.units,
            "note": one.column.keyword.note,
            "format": one.column.keyword.format,
            "codec": one.codec,
        }
        for one in columns
    ]
    return json.dumps(listed, separators=(",", ":"))


def former_of(text: str) -> tuple[FormerColumn, ...]:
    """The inverse of :func:`former_text`; no column where there is no text."""
    return tuple(
        FormerColumn(
            Column(
                one["column"],
                one["key"],
                Keyword(
                    one["keyword"],
                    KeywordType(one["type"]),
                    units=one["units"],
                    note=one["note"],
                    format=one["format"],
                ),
            ),
            one["codec"],
        )
        for one in json.loads(text or "[]")
    )
