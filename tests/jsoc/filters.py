"""Prime-key, index and recnum filters turned into masks over rows (DRMS semantics 1.2 to 1.6)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .definitions import Keyword
from .errors import FilterError, SqlError
from .readers import Extreme, Scanner, Span, read_item, reader_for
from .records import Series

__all__ = ["index_mask", "key_mask"]

Mask = NDArray[np.bool_]


def _extreme_mask(column: Any, last: bool, left: Mask | None) -> Mask:
    """Rows that hold the first or last value among the rows that passed on the left (1.6)."""
    values = column if left is None else column[left]
    if len(values) == 0:
        return np.zeros(len(column), dtype=bool)
    if column.dtype == object:
        value = max(values.tolist()) if last else min(values.tolist())
    elif column.dtype.kind == "f":  # PostgreSQL: NaN is the largest
        value = np.sort(values)[-1 if last else 0]
        if np.isnan(value):
            return np.asarray(np.isnan(column), dtype=bool)
    else:
        value = values.max() if last else values.min()
    return np.asarray(column == value, dtype=bool)


def _span_mask(column: Any, span: Span, step_kind: str) -> Mask:
    if span.stop is span.start and not span.half_open:
        return np.asarray(column == span.start, dtype=bool)
    lower = np.asarray(column >= span.start, dtype=bool)
    upper = column < span.stop if span.half_open else column <= span.stop
    mask: Mask = lower & np.asarray(upper, dtype=bool)
    if span.step is None:
        return mask
    if span.step == 0:
        raise SqlError("ERROR:  division by zero")
    if step_kind == "integer":
        on_step = np.fmod(column - span.start, span.step) == 0
    else:
        ratio = (column.astype(np.float64) - span.start) / span.step
        off = np.abs(ratio - np.rint(ratio))
        tolerance = 1e-9 * np.maximum(1.0, np.abs(ratio))
        on_step = off == 0 if step_kind == "time" else off < tolerance
    return np.asarray(mask & on_step, dtype=bool)


def key_mask(series: Series, primekey: str, body: str, left: Mask | None) -> Mask:
    """Rows that satisfy the filter `body` on a prime key.

    Parameters
    ----------
    series : Series
    primekey : str
        A prime key, or the index key of a slotted one, in any case.
    body : str
        What stands in the brackets (without ``NAME=``).
    left : ndarray of bool or None
        Rows that satisfy the filters written to the left; ``^`` and ``$`` look only there.

    Returns
    -------
    ndarray of bool, shape (rows,)

    Raises
    ------
    FilterError
        The text is no filter for a key of this kind.
    """
    definition = series.definition
    keyword = definition.by_name[primekey.lower()]
    if body.lstrip()[:1] == "#":
        slotted = keyword.name.lower() in definition.slots or keyword.recscope == "index"
        scale, base = (1, 0) if slotted else _index_scale(series, keyword)
        return index_mask(series, definition.internal_key(primekey), body, left, scale, base)
    reader = reader_for(series, keyword)
    column = series.columns[definition.internal_key(primekey)]
    if column.dtype.kind in "iu":
        column, step_kind = column.astype(np.int64), "integer"
    elif column.dtype.kind == "f":
        column = column.astype(np.float64)
        step_kind = "time" if keyword.type == "time" else "float"
    else:
        step_kind = "text"
    scanner = Scanner(body)
    mask = np.zeros(series.rows, dtype=bool)
    while True:
        item = read_item(scanner, reader)
        if isinstance(item, Extreme):
            mask |= _extreme_mask(column, item.last, left)
        else:
            with np.errstate(invalid="ignore"):
                mask |= _span_mask(column, item, step_kind)
        if scanner.peek() == "":
            return mask
        if not scanner.accept(","):
            raise scanner.fail("',' or ']'")


def _index_scale(series: Series, keyword: Keyword) -> tuple[Any, Any]:
    """KEY_step and KEY_base of a numeric key that is not slotted (semantics 1.4)."""
    if keyword.type == "string":
        raise FilterError(f"{keyword.name} is a string: it has no index")
    found = []
    for suffix, default in (("step", 1), ("base", 0)):
        companion = series.definition.by_name.get(f"{keyword.name.lower()}_{suffix}")
        found.append(default if companion is None else companion.constant_value())
    return found[0], found[1]


def index_mask(
    series: Series, column_name: str, body: str, left: Mask | None, scale: Any = 1, base: Any = 0
) -> Mask:
    """Rows that satisfy ``#...``: slot indices, or recnums after the colon (1.4, 1.5).

    Parameters
    ----------
    series, body, left
        As for `key_mask`.
    column_name : str
        Lower-case column that holds what is counted.
    scale, base
        A value is ``index * scale + base``.

    Returns
    -------
    ndarray of bool, shape (rows,)
    """
    column = series.columns[column_name]
    column = column.astype(np.int64 if column.dtype.kind in "iu" else np.float64)
    scanner = Scanner(body)
    mask = np.zeros(series.rows, dtype=bool)
    digits = re.compile(r"[+-]?\d+")

    def integer() -> int:
        found = scanner.match(digits)
        if found is None:
            raise scanner.fail("an integer")
        return int(found[0])

    while True:
        if not scanner.accept("#"):
            raise scanner.fail("'#'")
        if scanner.peek() in ("^", "$") and scanner.peek():
            last = scanner.peek() == "$"
            scanner.pos += 1
            mask |= _extreme_mask(column, last, left)
        else:
            dash = scanner.peek() == "-" and scanner.text[scanner.pos + 1 :].lstrip()[:1] == "#"
            low = None if dash else integer() * scale + base
            high, half_open, spanned = low, False, False
            if scanner.accept("-"):
                if not scanner.accept("#"):
                    raise scanner.fail("'#'")
                open_end = scanner.peek() in ("", ",", "@")
                high, spanned = None if open_end else integer() * scale + base, True
            elif low is not None and scanner.accept("/"):
                high, half_open, spanned = low + integer() * scale, True, True
            part = np.ones(series.rows, dtype=bool)
            if low is not None:
                part &= column >= low if spanned else column == low
            if high is not None and spanned:
                part &= column < high if half_open else column <= high
            if spanned and scanner.accept("@"):
                step = integer() * scale
                if step == 0:
                    raise SqlError("ERROR:  division by zero")
                start = low if low is not None else (column.min() if len(column) else 0)
                part &= np.fmod(column - start, step) == 0
            mask |= part
        if scanner.peek() == "":
            return mask
        if not scanner.accept(","):
            raise scanner.fail("',' or ']'")
