"""Generated series: real names, types, formats and notes; invented values.

What is real. Names, units and notes of hmi.sharp_720s, hmi.sharp_cea_720s and mdi.fd_M_96m_lev182
come from exported FITS headers (notes that a FITS card cuts were completed), the heads of the
aia.lev1, iris.lev1, hmi.B_720s and hmi.Ic_45s lists from ``show_info``, hmi.synoptic_mr_720s from a
header. Prime keys, slot constants of HMI and MDI, segment names, and the print formats of the
SHARP parameters (USFLUX ``%e``, MEANGAM ``%.3f``, MEANJZH ``%.8f``...) are as recorded.

What is a guess. The order and notes of the remaining AIA, IRIS and full-disk HMI keywords, print
formats not seen in an answer (``%f``, ``%e`` for large numbers), which keywords are constant or
per-segment, that the tracker keywords (``TKP_*``, ``HRPCODEV``...) come through the link MHARP,
link targets, retention and unit sizes, the AIA epoch, and that per-segment statistics exist for the
first three segments only. Values have the right size and sign; nothing else about them is true.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .definitions import Keyword, SeriesDefinition, load_definition
from .draws import draw_column
from .layouts import KeyTable, default_records, key_table
from .records import Series, constant_column, first_unit

__all__ = ["build_series", "fill", "wide_series"]

_KEPT_WITHOUT_IMAGE: Final = (
    "QUALITY",
    "QUALLEV0",
    "QUALLEV1",
    "QUAL_S",
    "HARPNUM",
    "FSN",
    "CAMERA",
)
_REVISED: Final = 0.002
_LATE: Final = 0.004


def build_series(
    name: str, records: int | None = None, *, size: str = "demo", seed: int = 1
) -> Series:
    """Generate one of the built-in series.

    Parameters
    ----------
    name : str
        In any case.
    records : int, optional
        So many records, all versions counted; the default depends on `size`.
    size : str
        ``small`` or ``demo``.
    seed : int
        Equal seeds give equal series.

    Returns
    -------
    Series
        Recnums follow time, but for some late arrivals; about one record in five hundred has one
        or two older versions.
    """
    definition = load_definition(name)
    wanted = default_records(definition.layout, size) if records is None else records
    rng = np.random.default_rng(seed)
    revised = max(3, int(wanted * _REVISED)) if wanted > 20 else 0
    slots = definition.slots.get(str(definition.layout.get("time", "")).lower())
    step = slots.step if slots is not None else 1.0
    keys = key_table(definition.layout, step, wanted - revised, rng)
    keys, recnums = _versions(keys, revised, rng)
    first = int(definition.layout["first_recnum"])
    return fill(definition, keys, first + recnums, rng)


def _versions(
    keys: KeyTable, revised: int, rng: np.random.Generator
) -> tuple[KeyTable, NDArray[np.int64]]:
    """Give some records newer versions, and recnums to all (from 0, with gaps)."""
    rows = len(keys.time)
    again = rng.integers(0, rows, revised) if revised and rows else np.zeros(0, dtype=np.int64)
    pick = np.concatenate([np.arange(rows), again])
    delay = np.zeros(len(pick))
    late = rng.random(rows) < _LATE
    delay[:rows][late] = rng.uniform(2, max(rows // 20, 3), int(late.sum()))
    delay[rows:] = rng.uniform(rows // 10 + 1, rows + 2, len(again))
    rank = np.empty(len(pick), dtype=np.int64)
    rank[np.lexsort((np.arange(len(pick)), pick + delay))] = np.arange(len(pick))
    gaps = np.cumsum(rng.random(len(pick)) < 0.01)
    columns = {k: v[pick] for k, v in keys.columns.items()}
    return KeyTable(columns, keys.time[pick]), rank + gaps[rank]


def fill(
    definition: SeriesDefinition,
    keys: KeyTable,
    recnums: NDArray[np.int64],
    rng: np.random.Generator,
) -> Series:
    """Draw every other column for given prime keys and recnums."""
    rows = len(recnums)
    made: dict[str, Any] = dict(keys.columns.items())
    made["_time"] = keys.time
    columns: dict[str, NDArray[Any]] = {
        "recnum": recnums.astype(np.int64),
        "sunum": first_unit(definition.name) + recnums.astype(np.int64) // definition.unitsize,
        "slotnum": recnums.astype(np.int64) % definition.unitsize,
    }
    late = [k for k in definition.keywords if _depends(definition, k)]
    first = [k for k in definition.keywords if k not in late]
    for keyword in (*first, *late):
        if keyword.is_constant or keyword.name.lower() in definition.aliases:
            continue
        if keyword.per_segment:
            columns |= _per_segment(definition, keyword, rows, made, rng)
        elif keyword.recscope != "index":
            lower = keyword.name.lower()
            if lower not in made:
                spec = definition.values.get(keyword.name)
                made[lower] = draw_column(keyword, spec, rows, made, rng)
            columns[lower] = made[lower].astype(keyword.dtype, copy=False)
    for name, slot in definition.slots.items():
        columns[f"{name}_index"] = slot.indices(columns[name].astype(np.float64))
    _blank_out(definition, columns)
    return Series(definition, columns)


def _depends(definition: SeriesDefinition, keyword: Keyword) -> bool:
    """Whether a keyword is drawn from another one that is drawn itself."""
    source = definition.values.get(keyword.name, {}).get("of")
    return source is not None and source in definition.values


def _per_segment(
    definition: SeriesDefinition,
    keyword: Keyword,
    rows: int,
    made: dict[str, Any],
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    spec = definition.values.get(keyword.name)
    columns: dict[str, NDArray[Any]] = {}
    for i in range(len(definition.segments)):
        name = f"{keyword.name.lower()}_{i:03d}"
        if spec is not None and spec["draw"] == "per-segment":
            columns[name] = constant_column(spec["values"][i], keyword.dtype, rows)
        else:
            drawn = spec if spec is not None and i < spec.get("segments", 255) else None
            columns[name] = draw_column(keyword, drawn, rows, made, rng)
    return columns


def _blank_out(definition: SeriesDefinition, columns: dict[str, NDArray[Any]]) -> None:
    """A record without an image (bit 31 of QUALITY) has no measured values."""
    quality = columns.get("quality")
    if quality is None:
        return
    bad = np.flatnonzero(quality < 0)
    if len(bad) == 0:
        return
    keys = {k.lower() for k in definition.primekeys}
    for name, keyword in definition.columns.items():
        spec = definition.values.get(keyword.name, {})
        measured = spec.get("draw") in ("normal", "lognormal", "uniform")
        if measured and name not in keys and keyword.name not in _KEPT_WITHOUT_IMAGE:
            columns[name] = columns[name] if columns[name].flags.writeable else columns[name].copy()
            columns[name][bad] = keyword.missing


def wide_series(records: int, keywords: int, *, seed: int = 1, name: str = "test.wide") -> Series:
    """A synthetic series for benches: prime keys REGION and T_REC, and `keywords` more columns.

    Of every eight columns five are floats (``%e``, ``%f``, ``%.3f``), one int, one hexadecimal int
    and one string of twelve values.

    Parameters
    ----------
    records, keywords : int
    seed : int
    name : str

    Returns
    -------
    Series
    """
    base = load_definition("hmi.sharp_720s")
    keep = ("T_REC", "T_REC_epoch", "T_REC_step", "T_REC_unit", "T_REC_index")
    kinds = (
        *(("float", "%e"), ("float", "%f"), ("int", "%d"), ("float", "%.3f"), ("double", "%f")),
        *(("int", "0x%08X"), ("string", "%s"), ("float", "%.8f")),
    )
    specs: tuple[dict[str, Any], ...] = (
        {"draw": "lognormal", "median": 1e21, "sigma": 1.0, "missing": 0.01},
        {"draw": "normal", "mean": 0.0, "sd": 50.0},
        {"draw": "lognormal", "median": 5000, "sigma": 1.0},
        {"draw": "uniform", "low": -90.0, "high": 90.0, "missing": 0.01},
        {"draw": "uniform", "low": 1.4e5, "high": 1.5e5},
        {"draw": "choice", "values": [0, 0, 0, 0x400]},
        {"draw": "choice", "values": [f"v{i}" for i in range(12)]},
        {"draw": "normal", "mean": 0.0, "sd": 0.01},
    )
    added = [
        Keyword(
            f"K{i:04d}", kinds[i % 8][0], defval="nan", note=f"column {i}", format=kinds[i % 8][1]
        )
        for i in range(keywords)
    ]
    region = Keyword("REGION", "int", defval="-2147483648", note="region number", format="%d")
    kept = [k for k in base.keywords if k.name in keep]
    definition = SeriesDefinition(
        name=name,
        note=f"synthetic: {keywords} keywords",
        primekeys=("REGION", "T_REC"),
        dbindex=("REGION", "T_REC"),
        keywords=(region, *kept, *added),
        segments=base.segments[:1],
        layout=dict(base.layout) | {"group": "REGION", "first_recnum": 1},
        values={k.name: specs[i % 8] for i, k in enumerate(added)},
    )
    rng = np.random.default_rng(seed)
    keys = key_table(definition.layout, 720.0, records, rng)
    keys, recnums = _versions(keys, 0, rng)
    return fill(definition, keys, 1 + recnums, rng)
