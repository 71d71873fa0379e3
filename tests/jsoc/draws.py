"""Values drawn column by column (``x_values``): plausible in size, not observations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .definitions import Keyword
from .records import constant_column
from .timeprint import print_column

__all__ = ["draw_column"]

Columns = Mapping[str, NDArray[Any]]
Rng = np.random.Generator

_CARRINGTON_EPOCH: Final = -3886012598.0  # start of rotation 1, 1853.11.09, in TAI seconds
_SYNODIC: Final = 27.2752316 * 86400.0
_NO_IMAGE: Final = -(2**31)


def _normal(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    values = rng.standard_normal(rows, dtype=np.float32)
    values *= np.float32(spec["sd"])
    values += np.float32(spec["mean"])
    return values


def _lognormal(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    values = rng.standard_normal(rows, dtype=np.float32)
    values *= np.float32(spec["sigma"])
    np.exp(values, out=values)
    values *= np.float32(spec["median"])
    return values


def _uniform(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    low, high = spec["low"], spec["high"]
    return low + (high - low) * rng.random(rows)


def _choice(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    values = np.array(spec["values"], dtype=object if isinstance(spec["values"][0], str) else None)
    if len(values) == 1:
        return constant_column(values[0], values.dtype, rows)
    return values[rng.integers(0, len(values), rows)]


def _constant(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    value = spec["value"]
    return constant_column(value, object if isinstance(value, str) else None, rows)


def _quality(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    good = np.array(spec.get("values", [0] * 14 + [0x400] * 3 + [0x10000]), dtype=np.int32)
    values = good[rng.integers(0, len(good), rows)]
    bad = np.array([_NO_IMAGE, _NO_IMAGE + 0x400, _NO_IMAGE + 0x10000], dtype=np.int32)
    where = rng.random(rows) < float(spec.get("bad", 0.01))
    values[where] = bad[rng.integers(0, 3, int(where.sum()))]
    return values


def _offset(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    jitter = float(spec["jitter"])
    values = columns[str(spec["of"]).lower()] + float(spec["by"])
    return values + (jitter * rng.standard_normal(rows) if jitter else 0.0)


def _group_seed(column: NDArray[Any], salt: int) -> NDArray[np.float64]:
    """A number in [0, 1) that depends on the group only."""
    mixed = column.astype(np.uint64) * np.uint64(2654435761 + 2 * salt) + np.uint64(salt)
    return (mixed % np.uint64(1_000_003)).astype(np.float64) / 1_000_003.0


def _group(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    seed = _group_seed(columns[str(spec["of"]).lower()], int(1000 * abs(spec["high"])) % 9973)
    return spec["low"] + (spec["high"] - spec["low"]) * seed


def _group_list(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    values = np.array(spec["values"], dtype=object if isinstance(spec["values"][0], str) else None)
    return values[columns[str(spec["of"]).lower()] % len(values)]


def _group_time(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    group = columns[str(spec["of"]).lower()]
    known, place = np.unique(group, return_inverse=True)
    edge = np.full(len(known), np.inf if spec["at"] == "first" else -np.inf)
    reduce = np.minimum if spec["at"] == "first" else np.maximum
    reduce.at(edge, place, columns["_time"])
    return edge[place] + float(spec["by"])


def _carrington(columns: Columns) -> Any:
    return (columns["_time"] - _CARRINGTON_EPOCH) / _SYNODIC + 1.0


def _rotation(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    return np.floor(_carrington(columns))


def _longitude(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    return 360.0 * (1.0 - _carrington(columns) % 1.0)


def _rotation_time(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    rotation = columns[str(spec["of"]).lower()].astype(np.float64)
    return np.floor(_CARRINGTON_EPOCH + (rotation - 0.5) * _SYNODIC)


def _scaled(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    return columns[str(spec["of"]).lower()] * float(spec["factor"])


def _sequence(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    return int(spec["start"]) + int(spec["step"]) * np.arange(rows)


def _spec(spec: Mapping[str, Any], rows: int, columns: Columns, rng: Rng) -> Any:
    """Text such as ``hmi.S_720s[2024.06.28_00:00:00_TAI]``."""
    texts = print_column(columns[str(spec["of"]).lower()].astype(np.float64), "TAI", 0)
    return np.array([f"{spec['series']}[{text}]" for text in texts] or [""], dtype=object)[:rows]


_DRAWS: Final[dict[str, Callable[[Mapping[str, Any], int, Columns, Rng], Any]]] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "uniform": _uniform,
    "choice": _choice,
    "constant": _constant,
    "quality": _quality,
    "offset": _offset,
    "group": _group,
    "group-list": _group_list,
    "group-time": _group_time,
    "carrington-rotation": _rotation,
    "carrington-longitude": _longitude,
    "rotation-time": _rotation_time,
    "scaled": _scaled,
    "sequence": _sequence,
    "spec": _spec,
}


def draw_column(
    keyword: Keyword, spec: Mapping[str, Any] | None, rows: int, columns: Columns, rng: Rng
) -> NDArray[Any]:
    """One keyword's column.

    Parameters
    ----------
    keyword : Keyword
    spec : mapping or None
        Its entry in ``x_values``; None draws nothing but missing values, as ``nothing`` does.
    rows : int
    columns : mapping
        Columns made so far by lower-case name, and ``_time``.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (rows,)
    """
    if spec is None or spec["draw"] == "nothing" or rows == 0:
        return constant_column(keyword.missing, keyword.dtype, rows)
    values = _DRAWS[spec["draw"]](spec, rows, columns, rng)
    if values.strides == (0,):
        return constant_column(values[0], keyword.dtype, rows)
    if np.issubdtype(np.dtype(keyword.dtype), np.integer) and values.dtype.kind == "f":
        values = np.floor(values)
    column: NDArray[Any] = values.astype(keyword.dtype, copy=False)
    share = float(spec.get("missing", 0.0))
    if share:
        column[rng.random(rows, dtype=np.float32) < share] = keyword.missing
    return column
