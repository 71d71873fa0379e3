"""One column of an ``rs_list`` answer: keyword, special key, segment or link (semantics 4.2.4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .definitions import Segment
from .printing import column_json, column_texts, constant_text
from .records import Series
from .select import Selection
from .specs import record_specs

__all__ = ["is_online", "key_column", "link_column", "segment_entry"]

_OFFLINE_EVERY: Final = 41


def is_online(sunums: NDArray[Any]) -> NDArray[np.bool_]:
    """Which storage units are on disk: in this sample all but every 41st."""
    return np.asarray(sunums % _OFFLINE_EVERY != 0)


def _directories(series: Series, rows: NDArray[Any]) -> list[str]:
    sunums = series.columns["sunum"][rows]
    slots = series.columns["slotnum"][rows].tolist()
    up = is_online(sunums).tolist()
    return [
        f"/SUM{sunum % 97}/D{sunum}/S{slot:05d}" if online else ""
        for sunum, slot, online in zip(sunums.tolist(), slots, up, strict=True)
    ]


def _sizes(series: Series, rows: NDArray[Any]) -> list[str]:
    sizes = 20_160 + 2_880 * (series.columns["recnum"][rows] % 4_000)
    return [str(size) for size in sizes.tolist()]


def _by_online(yes: str, no: str) -> Callable[[Series, NDArray[Any]], list[str]]:
    def texts(series: Series, rows: NDArray[Any]) -> list[str]:
        return [yes if up else no for up in is_online(series.columns["sunum"][rows]).tolist()]

    return texts


def _times(series: Series, rows: NDArray[Any]) -> list[str]:
    minutes = series.columns["sunum"][rows] % 1440
    return [f"2015.03.01_{m // 60:02d}:{m % 60:02d}:00_UT" for m in minutes.tolist()]


_SPECIAL: Final[dict[str, Callable[[Series, NDArray[Any]], list[str]]]] = {
    "*size*": _sizes,
    "*online*": _by_online("Y", "N"),
    "*retain*": _by_online("2030.12.31", "N/A"),
    "*archive*": _by_online("Y", "Y"),
    "*recdir*": lambda s, rows: [d or "NoDataDirectory" for d in _directories(s, rows)],
    "*logdir*": _by_online("NO LOG", "NO LOG"),
    "*dirmtime*": _times,
    "*spec*": record_specs,
}


def _key_texts(selection: Selection, name: str, widest: bool) -> tuple[list[str], bool]:
    """Values of one requested name, and whether they need no escaping."""
    series, rows = selection.series, selection.rows
    if name in _SPECIAL:
        return _SPECIAL[name](series, rows), False
    found = series.definition.resolve(name)
    if found is None:
        return ["Invalid KeyLink"] * len(rows), True
    keyword, column = found
    if keyword.is_constant:
        return [constant_text(keyword, name)] * len(rows), False
    if column not in series.columns:  # a link that leads nowhere
        return ["Invalid KeyLink"] * len(rows), True
    values = series.columns[column]
    picked = values[:1] if len(values) > 1 and values.strides == (0,) else values[rows]
    texts = column_texts(keyword, picked, missing=name != "QUALITY", widest=widest)
    if len(picked) != len(rows):
        texts = texts[:1] * len(rows)
    return texts, keyword.type != "string"


def key_column(selections: list[Selection], name: str, widest: bool = False) -> str:
    """JSON array of a keyword's or special key's values.

    Strings, except ``*recnum*`` and ``*sunum*`` (semantics 2.2, rule 4). The word MISSING stands
    for a missing value unless the name asked for is exactly ``QUALITY`` (rule 1).
    """
    if name in ("*recnum*", "*sunum*"):
        numbers: list[int] = []
        for s in selections:
            numbers += s.series.columns[name.strip("*")][s.rows].tolist()
        return "[" + ",".join(map(str, numbers)) + "]"
    texts: list[str] = []
    plain = True
    for selection in selections:
        more, safe = _key_texts(selection, name, widest)
        texts, plain = texts + more if texts else more, plain and safe
    return column_json(texts, plain)


def link_column(selections: list[Selection], name: str) -> str:
    """JSON array of what a link points to; ``Invalid_Link`` when there is none.

    In this sample a dynamic link leads to the record of equal prime keys in the target series, a
    static one to a record number there.
    """
    texts: list[str] = []
    for s in selections:
        link = next((k for k in s.series.definition.links if k.name.lower() == name.lower()), None)
        if link is None:
            texts += ["Invalid_Link"] * len(s.rows)
        elif link.kind == "STATIC":
            recnums = s.series.columns["recnum"][s.rows].tolist()
            texts += [f"{link.target}[:#{100_000 + r}]" for r in recnums]
        else:
            texts += record_specs(s.series, s.rows, link.target)
    return column_json(texts, False)


def _segment_values(selection: Selection, segment: Segment) -> tuple[list[str], list[str]]:
    folders = _directories(selection.series, selection.rows)
    suffix = f"/{segment.name}.fits" if segment.protocol.startswith("fit") else f"/{segment.name}"
    files = [folder + suffix if folder else "NoDataDirectory" for folder in folders]
    if "VAR" not in segment.dims:
        return files, [segment.dims] * len(files)
    recnums = selection.series.columns["recnum"][selection.rows].tolist()
    return files, [f"{200 + r % 700}x{100 + r % 350}" for r in recnums]


def segment_entry(selections: list[Selection], name: str) -> str:
    """JSON object of one requested segment (semantics 4.2.4).

    An unknown name, or one that the query's braces leave out, is ``InvalidSegName``.
    """
    files: list[str] = []
    dims: list[str] = []
    shown = 0
    for s in selections:
        segment = next(
            (g for g in s.series.definition.segments if g.name.lower() == name.lower()), None
        )
        braces = None if s.segments is None else [g.lower() for g in s.segments]
        if segment is None or (braces is not None and name.lower() not in braces):
            files += ["InvalidSegName"] * len(s.rows)
            dims += ["NA"] * len(s.rows)
            continue
        more, sizes = _segment_values(s, segment)
        files, dims = files + more, dims + sizes
        shown += len(more) if segment.protocol == "fits" else 0
    scale = json.dumps(["0.1"] * shown, separators=(",", ":"))
    zero = json.dumps(["0"] * shown, separators=(",", ":"))
    packed = json.dumps(["compress Rice"] * shown, separators=(",", ":"))
    return (
        f'{{"name":{json.dumps(name)},"values":{column_json(files, False)},'
        f'"dims":{column_json(dims, True)},"cparms":{packed},"bzeros":{zero},"bscales":{scale}}}'
    )
