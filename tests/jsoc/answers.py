"""Bodies of JSOC's answers: show_series, showextseries, checkAddress, jsoc_info (semantics 4)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from .columns import key_column, link_column, segment_entry
from .definitions import SeriesDefinition
from .errors import TooManyRows, UnknownSeries
from .records import Series
from .recordsets import split_query
from .select import Selection, select
from .shelf import Shelf
from .specs import record_specs

__all__ = [
    "Answer",
    "check_address",
    "default_row_cap",
    "dump",
    "rs_list",
    "rs_summary",
    "series_struct",
    "show_ext_series",
    "show_series",
]

_QUERY_MEMORY: Final = 1.1e6 * 512
_BYTES_PER_KEYWORD: Final = 64  # a guess: gives some ten thousand rows for wide series


Lookup = Callable[[str], Series]


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and how many records it lists."""

    body: bytes
    rows: int = 0


def dump(value: Any) -> str:
    """JSON without blanks, ASCII only, as the C programs print it (semantics 4.0)."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def default_row_cap(series: Series) -> int:
    """Rows at which ``rs_list`` gives up (semantics 1.8): 75,000, fewer for wide series."""
    width = max(len(series.definition.keywords), 1) * _BYTES_PER_KEYWORD
    return int(min(75_000, _QUERY_MEMORY // width))


def _end(runtime: float, status: int = 0) -> str:
    return f'"runtime":{round(runtime, 3):g},"status":{status}}}'


# ---------------------------------------------------------------- lists of series
def _found(series: Iterable[Series], pattern: str) -> list[SeriesDefinition]:
    inverted = pattern.startswith("NOT ")
    search = re.compile(pattern[4:] if inverted else pattern, re.IGNORECASE).search
    definitions = sorted((s.definition for s in series), key=lambda d: d.name)
    return [d for d in definitions if (search(d.name) is not None) != inverted]


def show_series(series: Iterable[Series], pattern: str) -> Answer:
    """``show_series`` (semantics 4.1); ``NOT `` before the pattern inverts it."""
    names = [
        {"name": d.name, "primekeys": ", ".join(d.primekeys), "note": d.note}
        for d in _found(series, pattern)
    ]
    return Answer(dump({"status": 0, "names": names, "n": len(names)}).encode())


def show_ext_series(series: Iterable[Series], params: Mapping[str, str]) -> Answer:
    """``showextseries`` (semantics 4.1): names, or names with descriptions for ``info=1``."""
    if not params.get("dbhost"):
        return Answer(b'{"errMsg": "missing required argument dbhost"}')
    chosen = _found(series, params.get("filter", ""))
    items: list[Any] = [d.name for d in chosen]
    if params.get("info") == "1":
        items = [{d.name: {"description": d.note}} for d in chosen]
    return Answer(json.dumps({"errMsg": "", "seriesList": items}).encode())


def check_address(address: str, registered: Callable[[str], bool]) -> Answer:
    """``checkAddress.sh`` (semantics 4.3); clients encode the address twice."""
    plain = unquote_plus(address)
    if "@" not in plain:
        return Answer(b'{"status":-2,"msg":"Not a valid email address."}')
    if registered(plain):
        return Answer(b'{"status":2,"msg":"Email address is valid and registered.","user_id":1}')
    return Answer(b'{"status":4,"msg":"Email address is not registered."}')


# ---------------------------------------------------------------- series_struct
def _interval(series: Series) -> dict[str, Any]:
    name = series.definition.name
    if series.rows == 0:
        names = ("FirstRecord", "FirstRecnum", "LastRecord", "LastRecnum")
        return dict.fromkeys(names, "NA") | {"MaxRecnum": 0}
    first, last = ("[^]", "[$]") if series.definition.primekeys else ("[:#^]", "[:#$]")
    head = select(name + first, lambda _: series, 1)[0]
    tail = select(name + last, lambda _: series, -1)[0]
    return {
        "FirstRecord": record_specs(series, head.rows)[0] if len(head.rows) else "NA",
        "FirstRecnum": head.recnums[0] if len(head.rows) else "NA",
        "LastRecord": record_specs(series, tail.rows)[0] if len(tail.rows) else "NA",
        "LastRecnum": tail.recnums[0] if len(tail.rows) else "NA",
        "MaxRecnum": int(series.columns["recnum"].max()),
    }


def _primekey_info(series: Series, name: str) -> dict[str, Any]:
    slot = series.definition.slots.get(name.lower())
    if slot is None:
        return {"name": name, "slotted": 0}
    step = series.definition.by_name[f"{name.lower()}_step"].defval
    return {"name": name, "slotted": 1, "step": step}


def series_struct(series: Series, runtime: float, owner: bool = False) -> Answer:
    """``op=series_struct`` (semantics 4.2.2)."""
    definition = series.definition
    fields = ("name", "type", "units", "protocol", "dims", "note")
    segments = [{f: getattr(s, f) for f in fields} for s in definition.segments]
    links = [
        {"name": k.name, "target": k.target, "kind": k.kind, "note": k.note}
        for k in definition.links
    ]
    none = [None]
    body = {
        "note": definition.note,
        "retention": definition.retention,
        "stagingretention": definition.stagingretention,
        "unitsize": definition.unitsize,
        "archive": definition.archive,
        "tapegroup": definition.tapegroup,
        **({"owner": "production"} if owner else {}),
        "primekeys": list(definition.primekeys) or none,
        "primekeysinfo": [_primekey_info(series, k) for k in definition.primekeys] or none,
        "dbindex": list(definition.dbindex) or none,
        "keywords": [k.entry() for k in definition.keywords],
        "segments": segments,
        "links": links,
        "Interval": _interval(series) | ({"HasShadow": "no"} if owner else {}),
    }
    return Answer((dump(body)[:-1] + "," + _end(runtime)).encode())


# ---------------------------------------------------------------- record sets
def rs_summary(ds: str, lookup: Lookup, n: int, runtime: Callable[[], float]) -> Answer:
    """``op=rs_summary`` (semantics 4.2.3): how many records; never capped."""
    count = sum(len(s.rows) for s in select(ds, lookup, n))
    return Answer(f'{{"count":{count},{_end(runtime())}'.encode())


def _key_names(text: str, series: Series) -> list[str]:
    names: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        if name == "**ALL**":
            names += series.definition.all_keys
        elif name and name != "**NONE**":
            names.append(name)
    return names


def _names(text: str, known: Iterable[str]) -> list[str]:
    names: list[str] = []
    for name in (part.strip() for part in text.split(",")):
        if name == "**ALL**":
            names += known
        elif name and name != "**NONE**":
            names.append(name)
    return names


def _recinfo(shelf: Shelf, selections: list[Selection], segments: list[str]) -> str:
    """Names of the records, and whether the last segment asked for has a path."""
    entries: list[str] = []
    for s in selections:
        known = {segment.name.lower() for segment in s.series.definition.segments}
        asked = any(name.lower() in known for name in segments)
        online = [asked and bool(folder) for folder in shelf.folders(s.series, s.rows)]
        specs = record_specs(s.series, s.rows)
        entries += [
            f'{{"name":{json.dumps(name)},"online":{int(up)}}}'
            for name, up in zip(specs, online, strict=True)
        ]
    return f'"recinfo":[{",".join(entries)}],'


def rs_list(
    ds: str,
    lookup: Lookup,
    params: Mapping[str, str],
    cap: Callable[[Series], int],
    shelf: Shelf,
    runtime: Callable[[], float],
) -> Answer:
    """``op=rs_list`` (semantics 4.2.4).

    Parameters
    ----------
    ds : str
        Record-set query.
    lookup : callable
        Series by name.
    params : mapping
        ``key``, ``seg``, ``link``, ``n``, ``R``, ``M``.
    cap : callable
        Row cap of a series (semantics 1.8).
    shelf : Shelf
        Where the files are.
    runtime : callable
        Seconds since the request began.

    Raises
    ------
    TooManyRows
        A set has as many rows as the cap, or more.
    QueryError
        The query is refused.
    """
    selections = select(ds, lookup, int(params.get("n") or 0))
    for selection in selections:
        if len(selection.rows) >= cap(selection.series):
            raise TooManyRows(str(len(selection.rows)))
    count = sum(len(s.rows) for s in selections)
    if count == 0:
        return Answer(f'{{"count":0,{_end(runtime())}'.encode())
    first = selections[0].series
    widest = params.get("M") == "1"
    keywords = [
        f'{{"name":{json.dumps(name)},"values":{key_column(shelf, selections, name, widest)}}}'
        for name in _key_names(params.get("key", ""), first)
    ]
    known = [s.name for s in first.definition.segments]
    wanted = _names(params.get("seg", ""), known)
    segments = [segment_entry(shelf, selections, name) for name in wanted]
    links = [
        f'{{"name":{json.dumps(name)},"values":{link_column(selections, name)}}}'
        for name in _names(params.get("link", ""), [k.name for k in first.definition.links])
    ]
    head = _recinfo(shelf, selections, wanted) if params.get("R") == "1" else ""
    body = (
        f'{{{head}"keywords":[{",".join(keywords)}],"segments":[{",".join(segments)}],'
        f'"links":[{",".join(links)}],"count":{count},{_end(runtime())}'
    )
    return Answer(body.encode("ascii"), count)


def series_of(ds: str, lookup: Lookup) -> Series:
    """The series a specification is about, whatever its filters (semantics 4.2.2)."""
    name = ds.strip().split("[", 1)[0].split("{", 1)[0].strip()
    if "[" in ds:
        name = split_query(ds)[0].series
    if "." not in name:
        raise UnknownSeries(name)
    return lookup(name)
