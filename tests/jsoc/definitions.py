"""Series definitions: what ``op=series_struct`` says, plus print formats and a recipe for content.

The files in ``series/`` have the shape of JSOC's answer (DRMS semantics 4.2.2). Members that begin
with ``x_`` are this sample's own and are never sent: ``x_formats`` (print format by keyword),
``x_layout`` (which records exist) and ``x_values`` (how their values are drawn).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from .slots import Slot, duration_seconds, epoch_seconds, unit_seconds
from .taitime import MISSING_TIME, parse_time

__all__ = ["Keyword", "Link", "Segment", "SeriesDefinition", "builtin_names", "load_definition"]

_DTYPES: Final[dict[str, Any]] = {
    "char": np.int8,
    "short": np.int16,
    "int": np.int32,
    "longlong": np.int64,
    "float": np.float32,
    "double": np.float64,
    "time": np.float64,
    "string": object,
}
_MISSING: Final[dict[str, Any]] = {
    "char": -128,
    "short": -32768,
    "int": -(2**31),
    "longlong": -(2**63),
    "float": float("nan"),
    "double": float("nan"),
    "time": MISSING_TIME,
    "string": "",
}
_FORMATS: Final = {
    "char": "%hhd",
    "short": "%hd",
    "int": "%d",
    "longlong": "%lld",
    "float": "%f",
    "double": "%f",
    "time": "0",
    "string": "%s",
}
_FOLDER: Final = Path(__file__).with_name("series")


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword as ``series_struct`` lists it, with the print format it never shows.

    ``implicit`` keywords (``*_index``, ``cparms_sgNNN``, ``*_bzero``, ``*_bscale``) are left out of
    ``**ALL**`` (DRMS semantics 2.3).
    """

    name: str
    type: str
    recscope: str = "variable"
    defval: str = ""
    units: str = "none"
    note: str = ""
    linkinfo: str | None = None
    format: str = ""

    @property
    def dtype(self) -> Any:
        """NumPy type of the stored column."""
        return _DTYPES[self.type]

    @property
    def missing(self) -> Any:
        """What DRMS stores for a missing value of this type (semantics 2.1)."""
        return _MISSING[self.type]

    @property
    def is_constant(self) -> bool:
        """No column: one value for the whole series."""
        return self.recscope == "constant"

    @property
    def is_link(self) -> bool:
        """Read from a linked record; no column of this series."""
        return self.linkinfo is not None

    @property
    def per_segment(self) -> bool:
        """One column per segment: ``KEY_000``, ``KEY_001``..."""
        return self.recscope == "segment"

    @property
    def implicit(self) -> bool:
        """Hidden from ``**ALL**``."""
        name = self.name.lower()
        return self.recscope == "index" or (
            name.startswith("cparms_sg") or name.endswith(("_bzero", "_bscale"))
        )

    def constant_value(self) -> Any:
        """Typed value of a constant, read from its printed form."""
        if self.type == "string":
            return self.defval
        if self.type == "time":
            parsed = parse_time(self.defval)
            return MISSING_TIME if parsed is None else parsed
        if self.type in ("float", "double"):
            return float(self.defval)
        return int(self.defval, 0)

    def entry(self) -> dict[str, Any]:
        """The JSON object of this keyword in ``series_struct``."""
        head: dict[str, Any] = {"name": self.name}
        if self.linkinfo is not None:
            head["linkinfo"] = self.linkinfo
        rest = {"type": self.type, "recscope": self.recscope, "defval": self.defval}
        return head | rest | {"units": self.units, "note": self.note}


@dataclass(frozen=True, slots=True)
class Segment:
    """One data segment as ``series_struct`` lists it."""

    name: str
    type: str = "int"
    units: str = "none"
    protocol: str = "fits"
    dims: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One link as ``series_struct`` lists it."""

    name: str
    target: str
    kind: str
    note: str = ""


@dataclass(frozen=True)
class SeriesDefinition:
    """Everything about a series but its records."""

    name: str
    note: str
    primekeys: tuple[str, ...]
    dbindex: tuple[str, ...]
    keywords: tuple[Keyword, ...]
    segments: tuple[Segment, ...] = ()
    links: tuple[Link, ...] = ()
    retention: int = 0
    stagingretention: int = 3
    unitsize: int = 1
    archive: int = 1
    tapegroup: int = 1
    layout: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, Keyword]:
        """Keywords by lower-case name; the first of two equal names wins."""
        found: dict[str, Keyword] = {}
        for keyword in self.keywords:
            found.setdefault(keyword.name.lower(), keyword)
        return found

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Lower-case alias entries (``DATE-OBS``) and the keyword before them (semantics 2.3)."""
        found: dict[str, str] = {}
        for before, keyword in pairwise(self.keywords):
            if keyword.note == before.note and keyword.note.startswith(f"[{keyword.name}]"):
                found[keyword.name.lower()] = before.name.lower()
        return found

    @cached_property
    def columns(self) -> dict[str, Keyword]:
        """Stored columns by lower-case name, per-segment keywords spread (semantics 3.2)."""
        found: dict[str, Keyword] = {}
        for keyword in self.keywords:
            lower = keyword.name.lower()
            if keyword.is_constant or keyword.is_link or lower in found or lower in self.aliases:
                continue
            if keyword.per_segment:
                for i in range(len(self.segments)):
                    found[f"{lower}_{i:03d}"] = keyword
            else:
                found[lower] = keyword
        return found

    @cached_property
    def slots(self) -> dict[str, Slot]:
        """Slot rule by lower-case name of the slotted keyword (semantics 2.4)."""
        kinds = ("ts_eq", "ts_slot", "slot", "carr")
        return {
            k.name.lower(): _slot_of(k, self.by_name) for k in self.keywords if k.recscope in kinds
        }

    def internal_key(self, primekey: str) -> str:
        """Lower-case column that stands for a prime key: the index of a slotted one."""
        lower = primekey.lower()
        return f"{lower}_index" if lower in self.slots else lower

    @cached_property
    def internal_primekeys(self) -> tuple[str, ...]:
        """Lower-case internal prime keys, in order (semantics 1.2)."""
        return tuple(self.internal_key(k) for k in self.primekeys)

    @cached_property
    def all_keys(self) -> tuple[str, ...]:
        """Names that ``**ALL**`` stands for (semantics 4.2.4)."""
        names: list[str] = []
        for keyword in self.keywords:
            if keyword.per_segment:
                names += [f"{keyword.name}_{i:03d}" for i in range(len(self.segments))]
            elif not keyword.implicit:
                names.append(keyword.name)
        return tuple(names)

    def resolve(self, name: str) -> tuple[Keyword, str] | None:
        """Find a keyword by any spelling of its name.

        Returns
        -------
        tuple or None
            The keyword and the column that holds it (``KEY[0]`` and ``KEY_000`` are one column).
        """
        lower = name.lower()
        if lower.endswith("]") and "[" in lower:
            base, _, number = lower[:-1].partition("[")
            lower = f"{base}_{int(number):03d}" if number.isdigit() else lower
        if lower in self.columns:
            return self.columns[lower], lower
        keyword = self.by_name.get(lower)
        if keyword is not None and keyword.per_segment:
            return keyword, f"{lower}_000"
        return None if keyword is None else (keyword, self.aliases.get(lower, lower))

    def with_keywords(self, keywords: tuple[Keyword, ...]) -> SeriesDefinition:
        """The same series with other keywords."""
        return replace(self, keywords=keywords)


def _slot_of(keyword: Keyword, by_name: Mapping[str, Keyword]) -> Slot:
    """Slot rule from the companion constants ``K_step``, ``K_epoch``, ``K_base``..."""

    def constant(suffix: str) -> Any:
        companion = by_name.get(f"{keyword.name.lower()}_{suffix}")
        return None if companion is None else companion.constant_value()

    step = constant("step")
    if isinstance(step, str):
        step_secs = duration_seconds(step)
    else:
        step_secs = float(step) * unit_seconds(constant("unit"))
    base = constant("epoch") if keyword.type == "time" else constant("base")
    base_value = epoch_seconds(base) if isinstance(base, str) else float(base or 0.0)
    rounding = constant("round") or 0.0
    return Slot(
        keyword.recscope,
        base_value if keyword.recscope != "carr" else 0.0,
        step_secs,
        float(rounding) if keyword.recscope == "ts_slot" else step_secs,
    )


def definition_from_json(raw: Mapping[str, Any], name: str = "") -> SeriesDefinition:
    """Read the ``series_struct`` form (with ``x_`` members) into a definition."""
    formats = raw.get("x_formats", {})
    keywords = tuple(
        Keyword(**entry, format=formats.get(entry["name"]) or _FORMATS[entry["type"]])
        for entry in raw["keywords"]
    )
    numbers = ("retention", "stagingretention", "unitsize", "archive", "tapegroup")
    return SeriesDefinition(
        name=raw.get("x_series", name),
        note=raw.get("note", ""),
        primekeys=tuple(k for k in raw["primekeys"] if k),
        dbindex=tuple(k for k in raw["dbindex"] if k),
        keywords=keywords,
        segments=tuple(Segment(**s) for s in raw["segments"]),
        links=tuple(Link(**entry) for entry in raw["links"]),
        layout=raw.get("x_layout", {}),
        values=raw.get("x_values", {}),
        **{k: raw[k] for k in numbers if k in raw},
    )


def builtin_names() -> tuple[str, ...]:
    """Names of the series that come with the sample."""
    return tuple(sorted(path.name.removesuffix(".json") for path in _FOLDER.glob("*.json")))


def load_definition(name: str, folder: Path = _FOLDER) -> SeriesDefinition:
    """Load a definition by series name, in any case.

    Raises
    ------
    KeyError
        No file of that name.
    """
    for path in sorted(folder.glob("*.json")):
        if path.name.removesuffix(".json").lower() == name.lower():
            raw = json.loads(path.read_text(encoding="utf-8"))
            return definition_from_json(raw, path.name.removesuffix(".json"))
    raise KeyError(name)
