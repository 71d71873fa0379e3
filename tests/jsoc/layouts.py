"""Which records a generated series has: its prime keys, in order of time (``x_layout``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .taitime import parse_time

__all__ = ["KeyTable", "default_records", "key_table", "seconds"]

_FIRST_HARP: Final = 7452
_HARP_SPACING: Final = 8.0 * 3600.0
_HARP_START: Final = "2020.09.26_00:00:00_TAI"


@dataclass(frozen=True, eq=False)
class KeyTable:
    """Prime-key columns (lower-case names) of the records, oldest first.

    Attributes
    ----------
    columns : mapping of str to ndarray
    time : ndarray of float64
        TAI seconds that the records belong to; zeros where the series has no time.
    """

    columns: Mapping[str, NDArray[Any]]
    time: NDArray[np.float64]


def seconds(text: str) -> float:
    """TAI seconds of a time that must be one."""
    value = parse_time(text)
    if value is None:
        raise ValueError(f"not a time: {text!r}")
    return value


def _harps(
    layout: Mapping[str, Any], step: float, records: int, rng: np.random.Generator
) -> KeyTable:
    """Active-region patches: each a run of slots. The fixed ones come first and have no gaps."""
    fixed = [(h, seconds(t), n) for h, t, n, _ in layout["fixed"]]
    if records < sum(n for _, _, n in fixed):  # a small sample: a part of each fixed patch
        share = max(records // len(fixed), 1)
        starts = [min(focus, max(n - share, 0)) for _, _, n, focus in layout["fixed"]]
        parts = zip(fixed, starts, strict=True)
        fixed = [(h, t + step * first, min(n, share)) for (h, t, n), first in parts]
    groups: list[NDArray[np.int32]] = []
    times: list[NDArray[np.float64]] = []
    for harp, start, count in fixed:
        groups.append(np.full(count, harp, dtype=np.int32))
        times.append(start + step * np.arange(count, dtype=np.float64))
    total, harp, start = sum(len(g) for g in groups), _FIRST_HARP, seconds(_HARP_START)
    while total < records:
        lengths = np.clip(rng.lognormal(6.5, 0.6, 256), 40, 1600).astype(int)
        for length in lengths.tolist():
            count = min(length, records - total)
            if count <= 0:
                break
            slots = np.arange(count + count // 200)  # about one slot in two hundred is absent
            kept = np.sort(rng.permutation(slots)[:count])
            groups.append(np.full(count, harp, dtype=np.int32))
            times.append(start + step * kept)
            total, harp, start = total + count, harp + 1, start + _HARP_SPACING
            start = math.floor(start / step) * step
    group, time = np.concatenate(groups), np.concatenate(times).astype(np.float64)
    order = np.lexsort((group, time))
    name, axis = str(layout["group"]).lower(), str(layout["time"]).lower()
    return KeyTable({name: group[order], axis: time[order]}, time[order])


def _cadence(
    layout: Mapping[str, Any], step: float, records: int, rng: np.random.Generator
) -> KeyTable:
    """Every slot of some spans, for every value of the other prime key."""
    others = layout["others"]
    width = len(others[0][1]) if others else 1
    slots = -(-records // width)
    spans = [(seconds(t), n // width) for t, n in layout["spans"]]
    planned = sum(n for _, n in spans)
    scale = slots / planned if planned else 0.0
    runs: list[NDArray[np.float64]] = []
    for start, count in spans if scale <= 1 else [(spans[0][0], slots)]:
        number = max(round(count * min(scale, 1.0)), 1)
        runs.append(start + step * np.arange(number, dtype=np.float64))
    short = slots - sum(len(run) for run in runs)
    if short > 0:
        runs[-1] = runs[-1][0] + step * np.arange(len(runs[-1]) + short, dtype=np.float64)
    time = np.sort(np.concatenate(runs))
    columns: dict[str, NDArray[Any]] = {}
    if others:
        name, values = others[0]
        columns[str(name).lower()] = np.tile(np.array(values, dtype=np.int32), len(time))[:records]
        time = np.repeat(time, width)
    time = time[:records]
    return KeyTable({str(layout["time"]).lower(): time} | columns, time)


def _exposures(
    layout: Mapping[str, Any], step: float, records: int, rng: np.random.Generator
) -> KeyTable:
    """Single exposures at uneven times, counted by a sequence number."""
    spans = [(seconds(t), n) for t, n in layout["spans"]]
    planned = sum(n for _, n in spans)
    runs: list[NDArray[np.float64]] = []
    for i, (start, count) in enumerate(spans):
        number = max(round(count * min(records / planned, 1.0)), 1)
        if i == len(spans) - 1:
            number = max(number, records - sum(len(run) for run in runs))
        runs.append(start + np.cumsum(rng.uniform(0.2, 1.8, number)) * float(layout["interval"]))
    time = np.sort(np.concatenate(runs)).round(2)[:records].astype(np.float64)
    sequence = int(layout["first"]) + np.cumsum(rng.integers(1, 4, len(time)))
    columns: dict[str, NDArray[Any]] = {str(layout["time"]).lower(): time}
    columns[str(layout["sequence"]).lower()] = sequence.astype(np.int32)
    return KeyTable(columns, time)


def _integers(
    layout: Mapping[str, Any], step: float, records: int, rng: np.random.Generator
) -> KeyTable:
    """Consecutive numbers: one record each."""
    values = (int(layout["start"]) + np.arange(records)).astype(np.int32)
    return KeyTable({str(layout["key"]).lower(): values}, np.zeros(records))


_KINDS: Final[
    dict[str, Callable[[Mapping[str, Any], float, int, np.random.Generator], KeyTable]]
] = {
    "harps": _harps,
    "cadence": _cadence,
    "exposures": _exposures,
    "integers": _integers,
}


def default_records(layout: Mapping[str, Any], size: str) -> int:
    """Records of a series at a named size."""
    sizes = layout["records"]
    if size not in sizes:
        raise ValueError(f"size {size!r}: one of {', '.join(sizes)}")
    return int(sizes[size])


def key_table(
    layout: Mapping[str, Any], step: float, records: int, rng: np.random.Generator
) -> KeyTable:
    """Make prime keys for so many records.

    Parameters
    ----------
    layout : mapping
        ``x_layout`` of the definition.
    step : float
        Slot width of the time key in seconds.
    records : int
    rng : numpy.random.Generator

    Returns
    -------
    KeyTable
    """
    return _KINDS[layout["kind"]](layout, step, records, rng)
