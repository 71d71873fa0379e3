"""One column of an ``rs_list`` answer: keyword, special key, segment or link (semantics 4.2.4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from numpy.typing import NDArray

from .definitions import Segment
from .printing import column_json, column_texts, constant_text
from .records import Series
from .select import Selection
from .shelf import Shelf, axes, folder_minute
from .specs import record_specs
from .storage import UnitState

__all__ = ["key_column", "link_column", "segment_entry"]

Texts = Callable[[Shelf, Series, NDArray[Any]], list[str]]


def _states(words: Mapping[UnitState, str], archive: bool = False) -> Texts:
    """Texts by what became of each storage unit."""

    def texts(shelf: Shelf, series: Series, rows: NDArray[Any]) -> list[str]:
        kept = not archive or series.definition.archive == 1
        states = shelf.units.states(series.columns["sunum"][rows])
        return [words[s] if kept or s is UnitState.NONE else "N" for s in states]

    return texts


def _sizes(shelf: Shelf, series: Series, rows: NDArray[Any]) -> list[str]:
    states = shelf.units.states(series.columns["sunum"][rows])
    sizes = shelf.sizes(series, rows)
    return [
        "NA" if state is UnitState.NONE else str(size)
        for state, size in zip(states, sizes, strict=True)
    ]


def _times(shelf: Shelf, series: Series, rows: NDArray[Any]) -> list[str]:
    minutes = [folder_minute(sunum) for sunum in series.columns["sunum"][rows].tolist()]
    return [f"2015.03.01_{m // 60:02d}:{m % 60:02d}:00_UT" for m in minutes]


def _directories(shelf: Shelf, series: Series, rows: NDArray[Any]) -> list[str]:
    return [folder or "NoDataDirectory" for folder in shelf.folders(series, rows)]


def _logs(_: Shelf, __: Series, rows: NDArray[Any]) -> list[str]:
    return ["NO LOG"] * len(rows)


def _specs(_: Shelf, series: Series, rows: NDArray[Any]) -> list[str]:
    return record_specs(series, rows)


_ON, _OFF, _GONE, _NONE = UnitState.ONLINE, UnitState.OFFLINE, UnitState.GONE, UnitState.NONE
_SPECIAL: Final[dict[str, Texts]] = {
    "*size*": _sizes,
    "*online*": _states({_ON: "Y", _OFF: "N", _GONE: "N", _NONE: "NA"}),
    "*retain*": _states({_ON: "2030.12.31", _OFF: "N/A", _GONE: "N/A", _NONE: "NA"}),
    "*archive*": _states({_ON: "Y", _OFF: "Y", _GONE: "N", _NONE: "NA"}, archive=True),
    "*recdir*": _directories,
    "*logdir*": _logs,
    "*dirmtime*": _times,
    "*spec*": _specs,
}


def _key_texts(
    shelf: Shelf, selection: Selection, name: str, widest: bool
) -> tuple[list[str], bool]:
    """Values of one requested name, and whether they need no escaping."""
    series, rows = selection.series, selection.rows
    if name in _SPECIAL:
        return _SPECIAL[name](shelf, series, rows), False
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


def key_column(shelf: Shelf, selections: list[Selection], name: str, widest: bool = False) -> str:
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
        more, safe = _key_texts(shelf, selection, name, widest)
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


def _segment_values(
    shelf: Shelf, selection: Selection, segment: Segment
) -> tuple[list[str], list[str]]:
    files = shelf.paths(selection.series, selection.rows, segment)
    if "VAR" not in segment.dims:
        return files, [segment.dims] * len(files)
    recnums = selection.series.columns["recnum"][selection.rows].tolist()
    return files, ["x".join(map(str, axes(segment, recnum))) for recnum in recnums]


def segment_entry(shelf: Shelf, selections: list[Selection], name: str) -> str:
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
        more, sizes = _segment_values(shelf, s, segment)
        files, dims = files + more, dims + sizes
        shown += len(more) if segment.protocol == "fits" else 0
    scale = json.dumps(["0.1"] * shown, separators=(",", ":"))
    zero = json.dumps(["0"] * shown, separators=(",", ":"))
    packed = json.dumps(["compress Rice"] * shown, separators=(",", ":"))
    return (
        f'{{"name":{json.dumps(name)},"values":{column_json(files, False)},'
        f'"dims":{column_json(dims, True)},"cparms":{packed},"bzeros":{zero},"bscales":{scale}}}'
    )
