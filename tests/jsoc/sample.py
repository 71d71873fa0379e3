"""A small JSOC in this process: series that live, served over HTTP on loopback."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from . import living
from .answers import default_row_cap
from .cgi import Reply, Request, not_found, respond
from .content import build_series
from .definitions import Keyword
from .delivery import deliver
from .errors import UnknownSeries
from .exports import Exports
from .faults import Fault, FaultKind
from .generation import next_records
from .numberless import NumbersHidden, without_numbers
from .records import Series
from .replay import recorded_bodies, replay_key
from .server import SampleServer
from .shelf import Shelf
from .storage import OFFLINE_EVERY, Units, UnitState

__all__ = ["SampleJsoc"]

_EXPORTED: Final = re.compile(r"(\w+\.\w+)\.(\d+)\.(\w+)(?:\.\w+)?")

When = str | Callable[[Request], bool] | None


def _is_named(name: str, asked: Request) -> bool:
    """Whether a request is for this operation, program, or path (a pattern)."""
    if name.startswith("/"):
        return asked.cgi == "file" and fnmatchcase(asked.ds, name)
    return name in (asked.op, asked.cgi)


class SampleJsoc:
    """A JSOC with generated content that can grow, change, fail and stop.

    Parameters
    ----------
    series : iterable of str or Series
        Built-in series by name (with their usual content of `size`), or ready-made ones.
    size : str
        ``small``, ``demo``...: how much content a series named by string gets.
    seed : int
        Seed of the content.
    port : int
        0 picks a free one; it is kept over `stop` and `start`.
    row_cap : int or None
        Rows at which rs_list gives up; None computes it as JSOC does (DRMS semantics 1.8).
    latency, latency_per_record : float
        Seconds before every answer, and for each record in it.
    registered : callable
        Which e-mail addresses are registered.
    offline_every : int
        One storage unit in so many is on tape at first; 0 for none.

    Attributes
    ----------
    exports : Exports
        The queue of export requests, and how it behaves.

    Examples
    --------
    >>> with SampleJsoc(series=["hmi.M_45s"], size="small") as jsoc:
    ...     jsoc.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        series: Iterable[str | Series] = (),
        *,
        size: str = "demo",
        seed: int = 1,
        port: int = 0,
        row_cap: int | None = None,
        latency: float = 0.0,
        latency_per_record: float = 0.0,
        registered: Callable[[str], bool] = bool,
        offline_every: int = OFFLINE_EVERY,
    ) -> None:
        self.row_cap = row_cap
        self.latency = latency
        self.latency_per_record = latency_per_record
        self.registered = registered
        self.failures: list[str] = []
        self.units = Units(offline_every)
        self.shelf = Shelf(self.units)
        self.exports = Exports(self.shelf, self.series, self._is_registered)
        self._lock = threading.RLock()
        self._series: dict[str, Series] = {}
        self._faults: list[tuple[Fault, int | None, When]] = []
        self._held: dict[str, Mapping[str, Any]] = {}
        self._recorded: dict[tuple[str, str], bytes] = {}
        self._hidden: NumbersHidden | None = None
        self._requests: list[Request] = []
        self._now_in_flight = 0
        self._most_in_flight = 0
        self._waiting = threading.Condition()
        self._releases = 0
        self._stopping = False
        self._server: SampleServer | None = None
        self._thread: threading.Thread | None = None
        self._port = port
        for item in series:
            self.add(build_series(item, size=size, seed=seed) if isinstance(item, str) else item)

    # ------------------------------------------------------------ running
    def start(self) -> Self:
        """Begin to serve (again, on the same port)."""
        if self._server is not None:
            return self
        self._stopping = False
        self._server = SampleServer(self._port, self)
        self._port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="sample-jsoc", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving: waits end, open connections break. Content and log stay."""
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        with self._waiting:
            self._stopping = True
            self._releases += 1
            self._waiting.notify_all()
        server.shutdown()
        server.server_close()
        server.drop_connections()
        thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Port it listens on (or will, again)."""
        return self._port

    @property
    def url(self) -> str:
        """Base address, with a slash at the end."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def cgi_url(self) -> str:
        """Where the CGIs are: what the ``drms`` client calls ``cgi_baseurl``."""
        return f"{self.url}cgi-bin/ajax/"

    # ------------------------------------------------------------ content
    def add(self, series: Series) -> None:
        """Put a series in, or replace the one of that name."""
        with self._lock:
            self._series[series.definition.name.lower()] = series

    def series(self, name: str) -> Series:
        """The series of a name, as it is now.

        Raises
        ------
        UnknownSeries
        """
        with self._lock:
            found = self._series.get(name.lower())
        if found is None:
            raise UnknownSeries(name)
        return found

    def all_series(self) -> list[Series]:
        """Every series, as it is now."""
        with self._lock:
            return list(self._series.values())

    def _change(self, name: str, change: Callable[[Series], tuple[Series, list[int]]]) -> list[int]:
        with self._lock:
            changed, recnums = change(self.series(name))
            self.add(changed)
        return recnums

    def append(self, series: str, records: Mapping[str, Any]) -> list[int]:
        """Add records given by columns (lists, or one value for all; times may be strings).

        Returns
        -------
        list of int
            Their recnums.
        """
        return self._change(series, lambda s: living.append(s, records))

    def advance(self, series: str, hours: float = 1.0, late: float = 0.01) -> list[int]:
        """Let time pass: new records at the series' cadence, some of which come late.

        Parameters
        ----------
        series : str
        hours : float
            How far the newest time moves.
        late : float
            Fraction of the new records held back; they come with the next `advance`, with recnums
            larger than those of later times.

        Returns
        -------
        list of int
            Recnums of the records that became visible.
        """
        with self._lock:
            held = self._held.get(series.lower())
            grown, recnums, held = next_records(self.series(series), hours, late, held)
            self._held[series.lower()] = held
            self.add(grown)
        return recnums

    def revise(
        self, series: str, where: str | Sequence[int], values: Mapping[str, Any]
    ) -> list[int]:
        """New versions (new recnums) of records: `where` is filters (``"[377][$]"``) or recnums."""
        return self._change(series, lambda s: living.revise(s, where, values))

    def change_in_place(
        self, series: str, where: str | Sequence[int], values: Mapping[str, Any]
    ) -> list[int]:
        """Other values under the same recnums."""
        return self._change(series, lambda s: living.change_in_place(s, where, values))

    def remove(self, series: str, where: str | Sequence[int]) -> list[int]:
        """Take records away."""
        return self._change(series, lambda s: living.remove(s, where))

    def add_keyword(self, series: str, keyword: Keyword, value: Any = None) -> None:
        """Give a series a keyword; its records get `value` (None: missing)."""
        self._change(series, lambda s: (living.add_keyword(s, keyword, value), []))

    def drop_keyword(self, series: str, name: str) -> None:
        """Take a keyword away."""
        self._change(series, lambda s: (living.drop_keyword(s, name), []))

    def change_type(self, series: str, name: str, type_: str) -> None:
        """Give a keyword another type."""
        self._change(series, lambda s: (living.change_type(s, name, type_), []))

    # ------------------------------------------------------------ files
    def sunums(self, series: str, where: str | Sequence[int]) -> list[int]:
        """Storage units of records: `where` is filters or recnums."""
        found = self.series(series)
        rows = living.find_rows(found, where)
        return sorted(set(found.columns["sunum"][rows].tolist()))

    def take_offline(self, sunums: Iterable[int]) -> None:
        """Leave these storage units on tape only."""
        self.units.put(sunums, UnitState.OFFLINE)

    def bring_online(self, sunums: Iterable[int]) -> None:
        """Have these units on disk; those that were not come to lie on another partition."""
        self.units.put(sunums, UnitState.ONLINE)

    def restage(self, sunums: Iterable[int], partition: int) -> None:
        """Move these units to ``/SUM<partition>``, on disk."""
        chosen = list(sunums)
        self.units.put(chosen, UnitState.ONLINE)
        self.units.move(chosen, partition)

    def lose(self, sunums: Iterable[int]) -> None:
        """Have these units neither on disk nor on tape."""
        self.units.put(sunums, UnitState.GONE)

    def name_file(self, series: str, recnum: int, segment: str, name: str) -> None:
        """Give a record's file another name; with the empty one the record has no such file."""
        self.shelf.name_file(series, recnum, segment, name)

    def serve_file(self, series: str, recnum: int, segment: str, path: Path) -> None:
        """Serve a real file, byte for byte, in place of a generated one."""
        self.shelf.give(series, recnum, segment, path)

    def serve_files(self, folder: Path) -> int:
        """Serve the files of a folder, named like ``hmi.M_45s.100001.magnetogram.fits``.

        Returns how many files that is.
        """
        matches = [(path, _EXPORTED.fullmatch(path.name)) for path in sorted(folder.iterdir())]
        known = [(path, match) for path, match in matches if match is not None]
        for path, match in known:
            self.serve_file(match[1], int(match[2]), match[3], path)
        return len(known)

    def rewrite_file(self, series: str, recnum: int, segment: str) -> None:
        """Put other bytes of the same size under a file's path."""
        self.shelf.rewrite(series, recnum, segment)

    # ------------------------------------------------------------ faults and replay
    def fault(self, fault: Fault | FaultKind, times: int | None = 1, when: When = None) -> None:
        """Misbehave.

        Parameters
        ----------
        fault : Fault or FaultKind
        times : int or None
            For so many requests; None until `clear_faults`.
        when : str, callable or None
            Only for this ``op`` or program (``"file"``: all files), for files whose path matches
            the pattern (``"/SUM*/magnetogram.fits"``), or for requests that the callable accepts;
            None: all.
        """
        plan = fault if isinstance(fault, Fault) else Fault(fault)
        with self._lock:
            self._faults.append((plan, times, when))

    def clear_faults(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()

    def release(self) -> None:
        """End the waits of requests that are stalled or slow now."""
        with self._waiting:
            self._releases += 1
            self._waiting.notify_all()

    def replay(self, source: Path | str | Mapping[tuple[str, str], bytes]) -> int:
        """Answer recorded requests with recorded bytes; returns how many are known."""
        bodies = recorded_bodies(source)
        with self._lock:
            self._recorded.update(bodies)
        return len(bodies)

    def hide_numbers(self, how: NumbersHidden | None) -> None:
        """From now on be a server without record numbers; None: one with them."""
        self._hidden = how

    # ------------------------------------------------------------ the log
    @property
    def requests(self) -> list[Request]:
        """Requests served so far, in the order they ended."""
        with self._lock:
            return list(self._requests)

    def clear_requests(self) -> None:
        """Forget the log, and the largest number in flight."""
        with self._lock:
            self._requests.clear()
            self._most_in_flight = self._now_in_flight

    @property
    def in_flight_now(self) -> int:
        """Requests being served."""
        with self._lock:
            return self._now_in_flight

    @property
    def max_in_flight(self) -> int:
        """The most requests that were ever served at once."""
        with self._lock:
            return self._most_in_flight

    def _is_registered(self, address: str) -> bool:
        return self.registered(address)

    # ------------------------------------------------------------ used by the server
    def begin(self) -> None:
        """Count a request that is being served from now on."""
        with self._lock:
            self._now_in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._now_in_flight)

    def end(self, request: Request) -> None:
        """Write a served request into the log."""
        with self._lock:
            self._requests.append(request)
            self._now_in_flight -= 1

    def take_fault(self, asked: Request) -> Fault | None:
        """The fault that is due for a request, used up once."""
        with self._lock:
            for i, (fault, times, when) in enumerate(self._faults):
                wanted = when is None or (
                    _is_named(when, asked) if isinstance(when, str) else when(asked)
                )
                if not wanted or not fault.concerns(asked.cgi, asked.op):
                    continue
                if times is not None:
                    left = times - 1
                    self._faults[i : i + 1] = [(fault, left, when)] if left else []
                return fault
        return None

    def wait(self, seconds: float | None) -> None:
        """Wait so long (None: for ever), until `release` or `stop`."""
        if seconds is not None and seconds <= 0:
            return
        with self._waiting:
            seen = self._releases
            self._waiting.wait_for(lambda: self._stopping or self._releases != seen, seconds)

    def record_failure(self) -> None:
        """Keep the exception that a handler died of."""
        self.failures.append(repr(sys.exc_info()[1]))

    def respond(self, asked: Request, fault: FaultKind | None = None) -> Reply:
        """The answer to a request, before all of a fault that can be done to it afterwards."""
        if asked.cgi == "file":
            return self._file(asked, fault)
        recorded = self._recorded.get(replay_key(asked.op, asked.ds))
        if asked.cgi == "jsoc_info" and recorded is not None:
            return Reply(recorded)
        if self._hidden is not None:
            return without_numbers(self._hidden, asked, partial(respond, self))
        return respond(self, asked)

    def cap_of(self, series: Series) -> int:
        """Row cap of a series."""
        return default_row_cap(series) if self.row_cap is None else self.row_cap

    def _file(self, asked: Request, fault: FaultKind | None) -> Reply:
        """The answer to a request for a file, with the faults that ranges and ETags show."""
        file = self.exports.stored(asked.ds) or self.shelf.stored(asked.ds, self.all_series())
        if file is None:
            return not_found()
        changed = fault is FaultKind.CHANGED_BYTES
        body = file.other() if changed else file.read()
        modified = file.modified + (3600.0 if changed else 0.0)
        return deliver(body, modified, asked, ranges=fault is not FaultKind.NO_RANGES)
