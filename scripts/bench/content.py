"""The series that the benches run on, made with the sample upstream's own parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.jsoc import Keyword, Series, SeriesDefinition, load_definition
from tests.jsoc.content import fill
from tests.jsoc.layouts import key_table

__all__ = ["NAME", "sixty_keywords"]

NAME = "bench.sixty"

#: Print formats and values of the columns beside prime keys, times and QUALITY.
_FLOATS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("float", "%e", {"draw": "lognormal", "median": 1e21, "sigma": 1.0, "missing": 0.01}),
    ("float", "%f", {"draw": "normal", "mean": 0.0, "sd": 50.0}),
    ("float", "%.3f", {"draw": "uniform", "low": -90.0, "high": 90.0, "missing": 0.01}),
    ("double", "%f", {"draw": "uniform", "low": 1.4e5, "high": 1.5e5}),
    ("float", "%g", {"draw": "normal", "mean": 0.0, "sd": 0.01}),
    ("double", "%.8f", {"draw": "normal", "mean": 0.0, "sd": 0.1, "missing": 0.02}),
    ("float", "%.1f", {"draw": "normal", "mean": -60.0, "sd": 5.0}),
)
_INTEGERS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("int", "%d", {"draw": "lognormal", "median": 5000, "sigma": 1.0}),
    ("int", "%d", {"draw": "choice", "values": [0, 1, 2, 3]}),
    ("short", "%hd", {"draw": "normal", "mean": 100.0, "sd": 20.0}),
    ("int", "%d", {"draw": "sequence", "start": 60_000_000, "step": 3}),
    ("longlong", "%lld", {"draw": "sequence", "start": 1_000_000_000, "step": 17}),
)
_STRINGS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("string", "%s", {"draw": "choice", "values": [f"value {i}" for i in range(12)]}),
    ("string", "%s", {"draw": "constant", "value": "HMI_SIDE1"}),
    ("string", "%s", {"draw": "spec", "series": "hmi.S_720s", "of": "T_REC"}),
    ("string", "%s", {"draw": "choice", "values": ["N/A", "", "good"]}),
)


def sixty_keywords(records: int, *, seed: int = 1) -> Series:
    """A series of 60 keywords, shaped like the SHARP series: HARPNUM and T_REC, about 20 a slot.

    2 times, 12 integers (QUALITY hexadecimal), 34 floats and doubles in seven formats, 12 strings;
    about one value in a hundred is missing.
    """
    base = load_definition("hmi.sharp_720s")
    slot = [k for k in base.keywords if k.name.startswith("T_REC")]
    others = [k for k in base.keywords if k.name in ("HARPNUM", "QUALITY", "T_OBS")]
    added: list[Keyword] = []
    values = {name: base.values[name] for name in ("QUALITY", "T_OBS")}
    for letter, kinds, count in (("F", _FLOATS, 34), ("I", _INTEGERS, 10), ("S", _STRINGS, 12)):
        for number in range(count):
            type_, printed, drawn = kinds[number % len(kinds)]
            name = f"{letter}{number:03d}"
            added.append(Keyword(name, type_, note=f"column {name}", format=printed))
            values[name] = drawn
    definition = SeriesDefinition(
        name=NAME,
        note="a bench series of 60 keywords",
        primekeys=("HARPNUM", "T_REC"),
        dbindex=("HARPNUM", "T_REC"),
        keywords=(*others, *slot, *added),
        layout=dict(base.layout) | {"first_recnum": 1},
        values=values,
    )
    rng = np.random.default_rng(seed)
    keys = key_table(definition.layout, 720.0, records, rng)
    return fill(definition, keys, 1 + np.arange(records, dtype=np.int64), rng)
