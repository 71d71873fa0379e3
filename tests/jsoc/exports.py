"""``jsoc_fetch``: requests for files, which wait in a queue and come to lie in a directory.

How long a request waits is counted in questions about it, not in time (DRMS semantics 4.4).
"""

from __future__ import annotations

import io
import re
import tarfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from .answers import Answer, dump
from .filenames import exported_name
from .fitsexport import as_fits
from .orders import Order, OrderRefused, read_order
from .printing import column_texts
from .records import Series
from .shelf import SegmentFile, Shelf, Stored
from .specs import record_specs
from .storage import UnitState

__all__ = ["Exports"]

_REQUEST_ID: Final = re.compile(r"JSOC_\d{8}_\d{3,}(?:_X)?(?:_IN|_SU)?")
_FOLDER: Final = re.compile(r"(/SUM9/D\d+/S00000)/(.+)")
_FIRST_UNIT: Final = 1_140_000_000  # below those of every series
_KEPT: Final = timedelta(days=7)
_SAME: Final = timedelta(hours=24)
_MB: Final = 1024 * 1024
_NO_FILE: Final = "NoDataFile"
_OFFLINE: Final = "jsoc_fetch did not return a known status code (code 25)"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a finished request: a record, the name of its file, and where that comes from."""

    record: str
    filename: str
    file: SegmentFile
    path: str


@dataclass(slots=True)
class _Request:
    """A request in the queue, or a finished one."""

    id: str
    order: Order
    folder: str
    made: datetime
    waiting: list[int] = field(default_factory=list)
    finished: datetime | None = None
    failure: str = ""
    rows: list[_Row] = field(default_factory=list)

    @property
    def is_pending(self) -> bool:
        """Not finished, and not failed."""
        return self.finished is None and not self.failure

    @property
    def tar(self) -> str:
        """Path of the tar file; empty when none was asked for."""
        return f"{self.folder}/{self.id}.tar" if self.order.method.endswith("-tar") else ""


class Exports:
    """The queue of export requests, and what came of them.

    Attributes
    ----------
    polls : int
        How many questions about a request are answered with status 1 before it is ready.
    unknown_polls : int
        How many before those are answered with 6, as if the request was not known yet.
    stages : bool
        Whether units on tape are brought back by an export (they come to lie on another
        partition); otherwise such a request is refused.
    max_mb : float
        Largest request.
    one_at_a_time : bool
        Whether an address that has a pending request is refused another one.
    failure : str
        When not empty, requests fail with this text instead of becoming ready.
    """

    def __init__(
        self, shelf: Shelf, lookup: Callable[[str], Series], registered: Callable[[str], bool]
    ) -> None:
        self.polls = 1
        self.unknown_polls = 0
        self.stages = True
        self.max_mb = 100_000.0
        self.one_at_a_time = True
        self.failure = ""
        self._shelf = shelf
        self._lookup = lookup
        self._registered = registered
        self._later = timedelta(0)
        self._lock = threading.RLock()
        self._requests: dict[str, _Request] = {}

    # ------------------------------------------------------------ time
    @property
    def now(self) -> datetime:
        """The time by this clock, in UTC."""
        return datetime.now(UTC) + self._later

    def pass_time(self, **much: float) -> None:
        """Let time pass for requests: ``days=8`` is more than results are kept."""
        with self._lock:
            self._later += timedelta(**much)

    def forget(self) -> None:
        """Know of no request any more; the next one has the number of the first."""
        with self._lock:
            self._requests.clear()

    # ------------------------------------------------------------ answers
    def answer(self, params: Mapping[str, str]) -> Answer:
        """The body for a request to ``jsoc_fetch``."""
        op = params.get("op", "")
        with self._lock:
            if op == "exp_request":
                return self._request(params)
            if op == "exp_status":
                return self._status(params.get("requestid", ""))
        return _refusal(4, f"Invalid operation '{op}'.")

    def _request(self, params: Mapping[str, str]) -> Answer:
        address = params.get("notify", "")
        try:
            if not address or not self._registered(address):
                raise OrderRefused(f"The email address '{address}' is not registered for exports.")
            order = read_order(params, self._lookup)
        except OrderRefused as refused:
            return _refusal(4, str(refused))
        size = self._size(order)
        if size > self.max_mb * _MB:
            text = f"Request exceeds max byte limit of {self.max_mb:.0f}MB"
            return _refusal(3, text, requestid="VOID")
        online = all(self._shelf.units.state(n) is UnitState.ONLINE for n in order.sunums)
        if not online and not self.stages:
            return _refusal(4, _OFFLINE)
        if online and order.method == "url_quick" and order.kind == "as-is" and not order.steps:
            return self._at_once(order, size)
        known = self._same(order)
        if known is not None:
            return self._queued(known)
        if self.one_at_a_time and (pending := self._pending_of(address)):
            return _refusal(
                7,
                f"User {address} has {len(pending)} pending export requests"
                f" ({', '.join(pending)}); please wait until at least one request has completed"
                " before submitting a new one.",
            )
        return self._queued(self._put(order))

    def _status(self, name: str) -> Answer:
        request = self._requests.get(name)
        if not _REQUEST_ID.fullmatch(name):
            return _refusal(4, f"Bad RequestID '{name}'.")
        if request is None:
            return _refusal(4, f"RequestID '{name}' is not known.", requestid=name)
        if request.waiting:
            status = request.waiting.pop(0)
            if status == 6:
                return _refusal(6, "Request is not found (yet).", requestid=name)
            return self._queued(request, status)
        if request.is_pending:
            self._finish(request)
        if request.failure:
            return _refusal(4, request.failure, requestid=name)
        if self._is_expired(request):
            return _refusal(5, "Results are kept for 7 days only.", requestid=name)
        return Answer(self._index(request), len(request.rows))

    # ------------------------------------------------------------ the queue
    def _put(self, order: Order) -> _Request:
        number = len(self._requests) + 1
        name = f"JSOC_{self.now:%Y%m%d}_{number:03d}"
        waiting = [6] * self.unknown_polls + [1] * self.polls
        folder = f"/SUM9/D{_FIRST_UNIT + number}/S00000"
        request = _Request(name, order, folder, self.now, waiting)
        self._requests[name] = request
        return request

    def _same(self, order: Order) -> _Request | None:
        """The same request of the last 24 hours, when it did not fail."""
        for request in reversed(self._requests.values()):
            recent = self.now - request.made < _SAME
            if recent and request.order.digest == order.digest and not request.failure:
                return request
        return None

    def _pending_of(self, address: str) -> list[str]:
        return [
            request.id
            for request in self._requests.values()
            if request.is_pending and request.order.address == address
        ]

    def _finish(self, request: _Request) -> None:
        """Bring what is on tape, name the files, and be done."""
        order = request.order
        if self.failure:
            request.failure = self.failure
            return
        states = {sunum: self._shelf.units.state(sunum) for sunum in order.sunums}
        self._shelf.units.put(
            [n for n, state in states.items() if state is UnitState.OFFLINE], UnitState.ONLINE
        )
        request.rows = self._rows(order)
        request.finished = self.now
        if not any(row.path for row in request.rows):
            request.failure = "There are no files in this RecordSet"

    def _rows(self, order: Order) -> list[_Row]:
        """Records and their files; records of units that are gone are passed over."""
        rows: list[_Row] = []
        specs = record_specs(order.series, order.rows, order.shown_series)
        for record, files in zip(specs, order.files(self._shelf), strict=True):
            for file in files:
                path = self._shelf.path(file)
                if not self._shelf.units.folder(file.sunum) or (order.converts and not path):
                    continue
                name = _NO_FILE
                if path:
                    named = sum(row.filename != _NO_FILE for row in rows)
                    extension = ".fits" if order.converts and file.name.endswith(".fits") else ""
                    name = exported_name(file, order.template, named, extension)
                spec = record if order.converts else f"{record}{{{file.segment.name}}}"
                rows.append(_Row(spec, name, file, path))
        return rows

    def _is_expired(self, request: _Request) -> bool:
        return request.finished is not None and self.now - request.finished > _KEPT

    # ------------------------------------------------------------ bodies
    def _size(self, order: Order) -> int:
        return sum(self._shelf.size(file) for files in order.files(self._shelf) for file in files)

    def _at_once(self, order: Order, size: int) -> Answer:
        """All files where they lie: nothing is queued."""
        rows = self._rows(order)
        data = [{"record": row.record, "filename": row.path or _NO_FILE} for row in rows]
        body = {
            "rcount": len(order.rows),
            "count": sum(bool(row.path) for row in rows),
            "size": _megabytes(size),
            "dir": "",
            "data": data,
            "requestid": "",
            "method": order.method,
            "protocol": order.protocol,
            "wait": 0,
            "status": 0,
        }
        return Answer(dump(body).encode(), len(rows))

    def _queued(self, request: _Request, status: int = 2) -> Answer:
        body = {
            "status": status,
            "requestid": request.id,
            "method": request.order.method,
            "protocol": request.order.protocol,
            "wait": 10,
            "rcount": len(request.order.rows),
            "size": _megabytes(self._size(request.order)),
        }
        return Answer(dump(body).encode())

    def _index(self, request: _Request) -> bytes:
        """``index.json`` of a finished request: every value of its head is a string."""
        order, done = request.order, request.finished or self.now
        keywords = f"{request.folder}/{request.id}.keywords.txt"
        head = {
            "status": "0",
            "requestid": request.id,
            "method": order.method,
            "protocol": order.protocol,
            "count": str(sum(bool(row.path) for row in request.rows)),
            "size": str(_megabytes(self._size(order))),
            "exptime": f"{done:%Y.%m.%d_%H:%M:%S}_UT",
            "dir": request.folder,
            "keywords": "**IN FITS FILES**" if order.converts else keywords,
        }
        if request.tar:
            head["tarfile"] = request.tar
        data = [{"record": row.record, "filename": row.filename} for row in request.rows]
        return dump(head | {"data": data}).encode()

    # ------------------------------------------------------------ files
    def stored(self, path: str) -> Stored | None:
        """What lies at a path in the directory of a finished request."""
        match = _FOLDER.fullmatch(path)
        with self._lock:
            found = [r for r in self._requests.values() if match and r.folder == match[1]]
            if match is None or not found or found[0].is_pending or found[0].failure:
                return None
            if self._is_expired(found[0]):
                return None
            return self._member(found[0], match[2])

    def _member(self, request: _Request, name: str) -> Stored | None:
        done = request.finished or self.now
        made: Callable[[], bytes]
        if name == "index.json":
            made = partial(self._index, request)
        elif name == f"{request.id}.keywords.txt" and not request.order.converts:
            made = partial(_keywords, request)
        elif request.tar == f"{request.folder}/{name}":
            made = partial(self._tar, request)
        else:
            row = next((r for r in request.rows if r.path and r.filename == name), None)
            return None if row is None else self._data(request, row)
        return Stored(made, lambda: made()[::-1], done.timestamp())

    def _data(self, request: _Request, row: _Row) -> Stored | None:
        """An exported file: a link to the file as it is, or a new one."""
        order, shelf, file = request.order, self._shelf, row.file
        if not order.converts:
            return shelf.stored(row.path, [order.series])

        def convert(body: bytes) -> bytes:
            return as_fits(file, body, steps=order.steps, packed=order.is_packed)

        done = request.finished or self.now
        return Stored(
            lambda: convert(shelf.read(file)), lambda: convert(shelf.other(file)), done.timestamp()
        )

    def _tar(self, request: _Request) -> bytes:
        out = io.BytesIO()
        names = [row.filename for row in request.rows if row.path]
        if not request.order.converts:
            names.append(f"{request.id}.keywords.txt")
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name in names:
                member = self._member(request, name)
                if member is None:
                    continue
                body = member.read()
                entry = tarfile.TarInfo(name)
                entry.size, entry.mtime = len(body), int(member.modified)
                tar.addfile(entry, io.BytesIO(body))
        return out.getvalue()


def _megabytes(size: int) -> int:
    return max(size // _MB, 1) if size else 0


def _refusal(status: int, text: str, **more: Any) -> Answer:
    body = {"status": status, **more, "error": text, "contact": "jsoc@sun.stanford.edu"}
    return Answer(dump(body).encode())


def _keywords(request: _Request) -> bytes:
    """The keywords of the records, one line for each, tabs between."""
    order = request.order
    columns: list[list[str]] = []
    for name in order.series.definition.all_keys:
        found = order.series.definition.resolve(name)
        if found is None:
            continue
        keyword, column = found
        if keyword.is_constant:
            texts = [keyword.defval] * len(order.rows)
        elif column in order.series.columns:
            texts = column_texts(keyword, order.series.columns[column][order.rows], missing=False)
        else:
            texts = ["Invalid KeyLink"] * len(order.rows)
        columns.append([name, *texts])
    lines = ["\t".join(cells) for cells in zip(*columns, strict=True)]
    return ("\n".join(lines) + "\n").encode("ascii", "backslashreplace")
