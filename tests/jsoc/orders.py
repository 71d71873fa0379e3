"""What an export request asks for (DRMS semantics 4.4.1, 4.4.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .definitions import Segment
from .errors import QueryError
from .filenames import DEFAULT_FORMAT
from .records import Series
from .recordsets import RecordSet, split_query
from .select import select
from .shelf import SegmentFile, Shelf

__all__ = ["Order", "OrderRefused", "read_order"]

_METHODS: Final = ("url", "url_quick", "url-tar")
_STEPS: Final = (
    *("im_patch", "resize", "rebin", "aia_scale_aialev1", "aia_scale_orig", "aia_scale_other"),
    *("Maproj", "HmiB2ptr"),
)


class OrderRefused(Exception):  # noqa: N818 - reads as what happened
    """A request that is answered with status 4 and this text."""


@dataclass(frozen=True, eq=False)
class Order:
    """A request that can be carried out.

    Attributes
    ----------
    series : Series
        As it was when the request came.
    rows : ndarray of int
        Records, in order.
    segments : tuple of Segment
    method, protocol, filenamefmt, address : str
        As given (method and protocol have their defaults).
    steps : str
        Processing; empty for none.
    digest : str
        Equal for equal requests.
    """

    series: Series
    rows: NDArray[np.int64]
    segments: tuple[Segment, ...]
    method: str
    protocol: str
    filenamefmt: str
    address: str
    steps: str
    digest: str

    @property
    def kind(self) -> str:
        """Protocol without its options: ``as-is`` or ``fits``."""
        return self.protocol.split(",")[0].strip().lower()

    @property
    def is_packed(self) -> bool:
        """Whether images are to be compressed."""
        return "**NONE**" not in self.protocol.upper()

    @property
    def converts(self) -> bool:
        """Whether new files are made: otherwise they are links to the files as they are."""
        return self.kind == "fits" or bool(self.steps)

    @property
    def shown_series(self) -> str:
        """The series that results are said to be of: processed ones have a series of their own."""
        return self.series.definition.name + ("_mod" if self.steps else "")

    @property
    def template(self) -> str:
        """How files are named; a series name in front follows `shown_series`."""
        name = self.series.definition.name
        if not self.steps:
            return self.filenamefmt
        template = (self.filenamefmt or DEFAULT_FORMAT).replace("{seriesname}", name)
        if template.lower().startswith(f"{name.lower()}."):
            return f"{template[: len(name)]}_mod{template[len(name) :]}"
        return template

    @cached_property
    def sunums(self) -> list[int]:
        """Storage units that hold the records."""
        return sorted(set(self.series.columns["sunum"][self.rows].tolist()))

    def files(self, shelf: Shelf) -> list[list[SegmentFile]]:
        """The files of each record."""
        return [shelf.files(self.series, row, self.segments) for row in self.rows.tolist()]


def _process(params: Mapping[str, str]) -> tuple[int, str]:
    """Limit and steps. Clients send a parameter whose *name* is ``process=n``."""
    text = params.get("process=n")
    if text is None:
        text = params.get("process", "").removeprefix("n=")
    head, _, steps = text.partition("|")
    if head not in ("", "no_op") and not head.lstrip("+-").isdigit():
        raise OrderRefused(f"Invalid process argument '{text}'.")
    for step in filter(None, steps.split("|")):
        if step.split(",")[0] not in _STEPS:
            raise OrderRefused(f"Invalid processing step '{step.split(',')[0]}'.")
    return int(head) if head not in ("", "no_op") else 0, steps


def _with_image(
    series: Series, record_set: RecordSet, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Rows with an image, unless the query itself speaks of quality: exports do so silently."""
    quality = series.columns.get("quality")
    spoken = any("quality" in f.body.lower() for f in record_set.filters if f.kind == "sql")
    if quality is None or spoken:
        return rows
    return rows[quality[rows] >= 0]


def _segments(series: Series, sets: tuple[RecordSet, ...], seg: str) -> tuple[Segment, ...]:
    braces = [s.segments for s in sets if s.segments is not None]
    if braces and seg:
        raise OrderRefused("Segments are given both in the record set and as an argument.")
    names = list(braces[0]) if braces else [n.strip() for n in seg.split(",") if n.strip()]
    known = {segment.name.lower(): segment for segment in series.definition.segments}
    if not names or "**ALL**" in names:
        return series.definition.segments
    for name in names:
        if name.lower() not in known:
            raise OrderRefused(f"Segment '{name}' is not part of {series.definition.name}.")
    return tuple(known[name.lower()] for name in names)


def read_order(params: Mapping[str, str], lookup: Callable[[str], Series]) -> Order:
    """Read an ``op=exp_request``.

    Parameters
    ----------
    params : mapping
    lookup : callable
        Gives the series of a name.

    Returns
    -------
    Order

    Raises
    ------
    OrderRefused
    """
    ds = params.get("ds", "").strip()
    if not ds:
        raise OrderRefused("Missing required argument 'ds'.")
    for name, value in params.items():
        if ";" in value or value.count("'") % 2:
            raise OrderRefused(f"Illegal text in argument '{name}'.")
    method = (params.get("method") or "url").lower()
    protocol = params.get("protocol") or "as-is"
    if method not in _METHODS:
        raise OrderRefused(f"Export method '{method}' is not supported.")
    limit, steps = _process(params)
    if not limit and params.get("max_recs", "").lstrip("+-").isdigit():
        limit = int(params["max_recs"])
    try:
        sets = split_query(ds)
        found = select(ds, lookup)
    except QueryError as error:
        raise OrderRefused(f"Cannot parse record set '{ds}': {error}") from error
    series = found[0].series
    if any(one.series is not series for one in found):
        raise OrderRefused("All record sets must be of one series.")
    if series.definition.name.lower().startswith("jsoc.export"):
        raise OrderRefused("Exports of exports are not allowed.")
    chosen = [one.rows for one in found]
    if params.get("q") != "1":
        chosen = [_with_image(series, s, rows) for s, rows in zip(sets, chosen, strict=True)]
    rows = np.concatenate(chosen)
    if limit:
        rows = rows[:limit] if limit > 0 else rows[limit:]
    segments = _segments(series, sets, params.get("seg", ""))
    if not len(rows) or not segments:
        raise OrderRefused("There are no files in this RecordSet")
    template = params.get("filenamefmt", "")
    kept = (params.get(name, "") for name in ("seg", "q"))
    told = "\n".join((ds, *kept, method, protocol, template, f"{limit}|{steps}"))
    order = Order(
        series=series,
        rows=rows,
        segments=segments,
        method=method,
        protocol=protocol,
        filenamefmt=template,
        address=params.get("notify", ""),
        steps=steps,
        digest=hashlib.sha256(told.encode()).hexdigest(),
    )
    if order.kind not in ("as-is", "fits"):
        raise OrderRefused(f"Export protocol '{protocol}' is not supported.")
    return order
