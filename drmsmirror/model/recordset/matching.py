"""Evaluate a condition on an array: what the SQL of every engine has to agree with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from drmsmirror.model.recordset.bound import Condition, Span

__all__ = ["STEP_TOLERANCE", "matches"]

#: How far from a whole number of steps a float may be, relative to that number where it is above 1.
STEP_TOLERANCE = 1e-9


def matches(condition: Condition, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values satisfy a condition.

    Parameters
    ----------
    condition : Condition
    values : numpy.ndarray, shape (n,)
        Stored values of the condition's column: integers, floats (compared as doubles, as
        PostgreSQL does with a ``real`` column), or texts (compared by code point).

    Returns
    -------
    numpy.ndarray of bool, shape (n,)

    Notes
    -----
    NaN is larger than every number, as in PostgreSQL (DRMS semantics 1.7); it lies in a span only
    where the high end is open.
    """
    import numpy as np

    if values.dtype.kind == "f":
        values = values.astype(np.float64)
    found = np.zeros(values.shape, dtype=np.bool_)
    for span in condition.spans:
        found |= _in_span(span, values)
    return found


def _in_span(span: Span, values: NDArray[Any]) -> NDArray[np.bool_]:
    import numpy as np

    inside = np.ones(values.shape, dtype=np.bool_)
    if span.low is not None:
        inside &= ~np.asarray(values < span.low, dtype=np.bool_)
    if span.high is not None:
        below = values <= span.high if span.high_included else values < span.high
        inside &= np.asarray(below, dtype=np.bool_)
    if span.step is not None and span.low is not None:
        inside[inside] &= _on_step(values[inside], span.low, span.step)
    return inside


def _on_step(values: NDArray[Any], low: Any, step: int | float) -> NDArray[np.bool_]:
    """Of values that are not below ``low``, those a whole number of steps from it."""
    import numpy as np

    if values.dtype.kind in "iu":
        # In unsigned arithmetic, because low may be the smallest 64-bit number.
        distance = values.astype(np.uint64) - np.array(low, dtype=np.int64).astype(np.uint64)
        on_step: NDArray[np.bool_] = distance % np.uint64(step) == 0
        return on_step
    count = (values - low) / step
    tolerance = STEP_TOLERANCE * np.maximum(1.0, np.abs(count))
    close: NDArray[np.bool_] = np.abs(count - np.rint(count)) < tolerance
    return close
