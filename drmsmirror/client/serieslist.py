"""Lists of series: those that the mirror holds, and any of them as a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from drmsmirror.errors import QueryError
from drmsmirror.mirror import Mirror
from drmsmirror.upstream import SeriesEntry

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["held_series", "pattern_of", "series_table"]


def pattern_of(regex: str | None) -> re.Pattern[str]:
    """What a name of a series has to have in it.

    Raises
    ------
    QueryError
        It is no regular expression.
    """
    try:
        return re.compile(regex or "", re.IGNORECASE)
    except re.error as error:
        raise QueryError(f"{regex!r} is no regular expression: {error}") from None


def held_series(mirror: Mirror, regex: str | None) -> list[SeriesEntry]:
    """The series that the mirror knows whose name matches, with their prime keys.

    Raises
    ------
    QueryError
        It is no regular expression.
    """
    pattern = pattern_of(regex)
    return [
        SeriesEntry(held.name, mirror.catalogue.definition(held.name).prime_keys, held.note)
        for held in mirror.catalogue.series()
        if pattern.search(held.name)
    ]


def series_table(entries: Sequence[SeriesEntry], *, tells_keys: bool) -> pd.DataFrame:
    """A table with name, primekeys and note.

    Parameters
    ----------
    entries : sequence of SeriesEntry
    tells_keys : bool
        Whether they are of a list that tells prime keys, be it empty; else it has to show.
    """
    import pandas as pd

    columns: dict[str, list[Any]] = {"name": [entry.name for entry in entries]}
    if tells_keys or (entries and all(entry.prime_keys is not None for entry in entries)):
        columns["primekeys"] = [list(entry.prime_keys or ()) for entry in entries]
    columns["note"] = [entry.note for entry in entries]
    return pd.DataFrame(columns) if entries else pd.DataFrame(columns=list(columns))
