"""Time passing: the next records of a generated series, some of them late."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .content import fill
from .layouts import KeyTable
from .records import Series

__all__ = ["next_records"]

_ACTIVE: Final = 6 * 3600.0  # a patch seen in the last six hours goes on

Keys = Mapping[str, NDArray[Any]]


def _new_keys(series: Series, hours: float, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Prime keys of the records that the next hours bring, oldest first."""
    layout = series.definition.layout
    columns = series.columns
    if layout.get("kind") == "integers":
        key = str(layout["key"]).lower()
        top = int(columns[key].max())
        more = max(1, math.floor(hours / 655.0))
        return {key: np.arange(top + 1, top + 1 + more, dtype=np.int32)}
    axis = str(layout["time"]).lower()
    newest = float(np.nanmax(columns[axis]))
    if layout["kind"] == "exposures":
        count = max(1, int(hours * 3600.0 / float(layout["interval"])))
        sequence = str(layout["sequence"]).lower()
        first = int(columns[sequence].max()) + 1
        waits = rng.uniform(0.2, 1.8, count) * float(layout["interval"])
        uneven = (newest + np.cumsum(waits)).round(2)
        return {axis: uneven, sequence: np.arange(first, first + count, dtype=np.int32)}
    step = series.definition.slots[axis].step
    slots = max(1, int(hours * 3600.0 / step))
    times = newest + step * np.arange(1, slots + 1, dtype=np.float64)
    if layout["kind"] == "harps":
        name = str(layout["group"]).lower()
        values = np.unique(columns[name][columns[axis] > newest - _ACTIVE])
    elif layout["others"]:
        name, listed = str(layout["others"][0][0]).lower(), layout["others"][0][1]
        values = np.array(listed, dtype=np.int32)
    else:
        return {axis: times}
    return {name: np.tile(values, len(times)), axis: np.repeat(times, len(values))}


def next_records(
    series: Series, hours: float, late: float, held: Keys | None
) -> tuple[Series, list[int], Keys]:
    """Let time pass.

    Parameters
    ----------
    series : Series
        Must not be empty.
    hours : float
    late : float
        Fraction of the new records that is held back.
    held : mapping or None
        Prime keys held back before: they come now, after the new ones.

    Returns
    -------
    Series, list of int, mapping
        The grown series, the new recnums, and the prime keys held back.
    """
    top = int(series.columns["recnum"].max())
    rng = np.random.default_rng([top, series.rows])
    new = _new_keys(series, hours, rng)
    rows = len(next(iter(new.values())))
    back = rng.random(rows) < late
    shown = {k: v[~back] for k, v in new.items()}
    if held:
        shown = {k: np.concatenate([v, held[k]]) for k, v in shown.items()}
    count = len(next(iter(shown.values())))
    axis = str(series.definition.layout.get("time", "")).lower()
    time = shown[axis] if axis in shown else np.zeros(count)
    recnums = np.arange(top + 1, top + 1 + count, dtype=np.int64)
    grown = fill(series.definition, KeyTable(shown, time), recnums, rng)
    return series.with_rows(grown.columns), recnums.tolist(), {k: v[back] for k, v in new.items()}
