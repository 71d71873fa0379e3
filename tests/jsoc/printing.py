"""Values as text: each keyword's own print format, column by column (DRMS semantics 2.2, 2.6)."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .definitions import Keyword
from .records import is_constant_column
from .taitime import is_missing_time
from .timeprint import print_column

__all__ = ["c_format", "column_json", "column_texts", "time_precision"]

_C_MODIFIERS: Final = re.compile(r"%([-+ #0]*\d*(?:\.\d+)?)(?:hh|h|ll|l|L)?([a-zA-Z])")
_WIDEST: Final = {"float": "%.9G", "double": "%.17G"}
_MASKS: Final = {"char": 0xFF, "short": 0xFFFF, "int": 0xFFFFFFFF, "longlong": 0xFFFFFFFFFFFFFFFF}


def c_format(text: str) -> str:
    """A C print format as Python's ``%`` understands it (length modifiers dropped)."""
    return _C_MODIFIERS.sub(r"%\1\2", text)


def time_precision(keyword: Keyword) -> tuple[str, int]:
    """Zone and precision of a time keyword (semantics 2.6)."""
    try:
        return keyword.units, int(float(keyword.format))
    except ValueError:
        return keyword.units, 0


def _missing_mask(keyword: Keyword, values: NDArray[Any]) -> NDArray[np.bool_]:
    if keyword.type == "time":
        return np.asarray(np.isnan(values) | (np.abs(values - keyword.missing) < 1e-4))
    if keyword.type in ("float", "double"):
        return np.asarray(np.isnan(values))
    return np.asarray(values == keyword.missing, dtype=bool)


def _number_texts(form: str, values: list[Any], missing: NDArray[np.bool_] | None) -> list[str]:
    """Format many numbers with one big format; a missing one prints MISSING."""
    if not values:
        return []
    forms = [form] * len(values)
    if missing is not None:
        for i in np.flatnonzero(missing).tolist():
            forms[i] = "MISSING%.0s"
    return ("\0".join(forms) % tuple(values)).split("\0")


def column_texts(
    keyword: Keyword, values: NDArray[Any], *, missing: bool = True, widest: bool = False
) -> list[str]:
    """Print a column.

    Parameters
    ----------
    keyword : Keyword
    values : ndarray, shape (n,)
    missing : bool
        Print the word ``MISSING`` for missing values, as ``rs_list`` does (semantics 2.2, rule 1);
        otherwise the sentinel itself is printed.
    widest : bool
        ``M=1``: full precision instead of the keyword's format (rule 5).

    Returns
    -------
    list of str, length n
    """
    if len(values) > 1 and is_constant_column(values):
        return column_texts(keyword, values[:1].copy(), missing=missing, widest=widest) * len(
            values
        )
    if keyword.type == "string":
        texts: list[str] = values.tolist()
        form = c_format(keyword.format)
        if form not in ("%s", ""):
            texts = [form % text for text in texts]
        return ["MISSING" if missing and not v else t for v, t in zip(values, texts, strict=True)]
    mask = _missing_mask(keyword, values) if missing else None
    if mask is not None and not mask.any():
        mask = None
    if keyword.type == "time":
        unit, precision = time_precision(keyword)
        texts = print_column(values, unit, 6 if widest else precision)
        for i in [] if mask is None else np.flatnonzero(mask).tolist():
            texts[i] = "MISSING"
        return texts
    if keyword.type in ("float", "double"):
        form = _WIDEST[keyword.type] if widest else c_format(keyword.format)
        return _number_texts(form, values.tolist(), mask)
    form = "%d" if widest else c_format(keyword.format)
    numbers = values.tolist()
    if form[-1] in "xXou":
        bits = _MASKS[keyword.type]
        numbers = [number & bits for number in numbers]
    return _number_texts(form, numbers, mask)


def constant_text(keyword: Keyword, name: str) -> str:
    """A constant keyword's value as ``rs_list`` prints it: its default, or MISSING."""
    value = keyword.constant_value()
    gone = (
        (keyword.type == "time" and is_missing_time(value))
        or value != value
        or (keyword.type != "time" and value == keyword.missing)
    )
    return "MISSING" if gone and name != "QUALITY" else keyword.defval


def column_json(texts: list[str], plain: bool) -> str:
    """A JSON array of strings; `plain` says that no text needs escaping."""
    if not texts:
        return "[]"
    if plain:
        return '["' + '","'.join(texts) + '"]'
    quoted = {text: json.dumps(text) for text in set(texts)}
    return "[" + ",".join([quoted[text] for text in texts]) + "]"
