"""Record specifications: the query text that names one record (DRMS semantics 4.2.4)."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .printing import column_texts
from .records import Series

__all__ = ["key_texts", "record_specs"]


def key_texts(series: Series, name: str, rows: NDArray[Any]) -> list[str]:
    """A keyword's values as specifications need them: never MISSING, strings in quotes."""
    keyword = series.definition.by_name[name.lower()]
    texts = column_texts(keyword, series.columns[name.lower()][rows], missing=False)
    return [f'"{text}"' for text in texts] if keyword.type == "string" else texts


def record_specs(series: Series, rows: NDArray[Any], target: str = "") -> list[str]:
    """``series[key][key]`` for each row; ``series[:#recnum]`` without prime keys.

    Parameters
    ----------
    series : Series
    rows : ndarray of int, shape (n,)
    target : str
        Another series' name to put in front (for links).

    Returns
    -------
    list of str, length n
    """
    name = target or series.definition.name
    if not series.definition.primekeys:
        return [f"{name}[:#{r}]" for r in series.columns["recnum"][rows].tolist()]
    parts = [key_texts(series, key, rows) for key in series.definition.primekeys]
    return [name + "".join(f"[{v}]" for v in values) for values in zip(*parts, strict=True)]
