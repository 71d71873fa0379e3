"""Tables: many records to a pandas table, against the stock client and a server without delay.

The floor is ``drms.Client.query()`` against a server on loopback that has the answer in memory.
Ours are ``Client.scan().df()`` and ``Client.query()``, offline, from a mirror that a sync filled.
Every run is in a process of its own that has asked for a little before, so that imports do not
count. Memory is that of the first table: the peak of what was resident less what was resident
before (VmHWM, VmRSS). Time is the median of three more, which find a warm process on both sides.
"""

from __future__ import annotations

import gc
import multiprocessing
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import drms
import numpy as np
import pandas as pd
from drms.config import ServerConfig

from drmsmirror.client import Client
from drmsmirror.mirror import Mirror
from drmsmirror.settings import Settings
from drmsmirror.sync import sync
from drmsmirror.upstream import Jsoc
from scripts.bench.answers import Bodies, MemorySession, serving
from scripts.bench.content import NAME, sixty_keywords
from scripts.bench.measure import Figure
from tests.jsoc import SampleJsoc

__all__ = ["run"]

_RECORDS = {"small": 10_000, "full": 100_000}
_REPEATS = {"small": 3, "full": 3}
_KEYS = (
    *("HARPNUM", "T_REC", "T_OBS", "QUALITY"),
    *(f"F{number:03d}" for number in range(28)),
    *(f"I{number:03d}" for number in range(8)),
    *(f"S{number:03d}" for number in range(10)),
)
_TIMES = 3
_LEAST_SPEED = 10.0
_MOST_MEMORY = 0.5


@dataclass(frozen=True, slots=True)
class _Taken:
    """What one run took: seconds, and bytes beside those that were there before."""

    seconds: float
    added: int


def run(size: str) -> list[Figure]:
    """Measure, and check first that all tables say the same."""
    records = _RECORDS[size]
    jsoc = SampleJsoc([sixty_keywords(records)], row_cap=10**9)
    with tempfile.TemporaryDirectory() as folder:
        mirror = Path(folder)
        _fill(mirror, jsoc)
        with serving(_bodies(jsoc)) as url:
            _check(url, mirror, records)
            cases: dict[str, tuple[Callable[[str], Callable[[], object]], str]] = {
                "stock": (_stock, url),
                "scan": (_scan, str(mirror)),
                "query": (_query, str(mirror)),
            }
            taken: dict[str, list[_Taken]] = {name: [] for name in cases}
            for _ in range(_REPEATS[size]):
                for name, (prepare, place) in cases.items():
                    taken[name].append(_in_a_process_of_its_own(prepare, place))
    shape = f"{records:,} records x {len(_KEYS)} keywords"
    return [
        _speed(f"{shape}: Client.scan().df()", taken["scan"], taken["stock"], _LEAST_SPEED),
        _memory("memory that it adds", taken["scan"], taken["stock"], _MOST_MEMORY),
        _speed("the same as Client.query()", taken["query"], taken["stock"]),
        _memory("memory that it adds", taken["query"], taken["stock"]),
    ]


def _speed(
    what: str, ours: list[_Taken], floor: list[_Taken], least: float | None = None
) -> Figure:
    times = statistics.median(b.seconds / a.seconds for a, b in zip(ours, floor, strict=True))
    return Figure(
        "frames",
        what,
        f"{statistics.median(one.seconds for one in ours):.3f} s",
        f"{statistics.median(one.seconds for one in floor):.3f} s (drms.Client.query)",
        f"{times:.1f} times faster",
        f"at least {least:g}" if least else "",
        times >= least if least else None,
    )


def _memory(
    what: str, ours: list[_Taken], floor: list[_Taken], most: float | None = None
) -> Figure:
    share = statistics.median(a.added / b.added for a, b in zip(ours, floor, strict=True))
    return Figure(
        "frames",
        what,
        f"{statistics.median(one.added for one in ours) / 2**20:.0f} MiB",
        f"{statistics.median(one.added for one in floor) / 2**20:.0f} MiB",
        f"{share:.2f}",
        f"at most {most:g}" if most else "",
        share <= most if most else None,
    )


def _fill(mirror: Path, jsoc: SampleJsoc) -> None:
    settings = Settings(mirror=mirror)
    with Mirror.create(settings) as opened:
        (report,) = sync(opened, Jsoc(settings.upstream, MemorySession({}, jsoc)), NAME)
    if report.share_held != 1.0:
        raise AssertionError(f"the sync brought {report}")


def _bodies(jsoc: SampleJsoc) -> Bodies:
    """What the stock client asks for, and the answers."""
    with jsoc:
        client = _stock_client(jsoc.url)
        client.query(NAME, key=list(_KEYS))
        return {
            (asked.cgi, tuple(sorted(asked.params.items()))): jsoc.respond(asked).body
            for asked in jsoc.requests
        }


def _stock_client(url: str) -> drms.Client:
    return drms.Client(
        ServerConfig(
            name="bench",
            cgi_baseurl=f"{url}/cgi-bin/ajax/",
            cgi_show_series="show_series",
            cgi_jsoc_info="jsoc_info",
            cgi_jsoc_fetch="jsoc_fetch",
            cgi_check_address="checkAddress.sh",
            http_download_baseurl=url,
            encoding="latin1",
        )
    )


def _stock(url: str) -> Callable[[], pd.DataFrame]:
    client = _stock_client(url)
    client.info(NAME)
    return lambda: client.query(NAME, key=list(_KEYS))


def _scan(mirror: str) -> Callable[[], pd.DataFrame]:
    client = Client(mirror, policy="offline")
    client.scan(NAME, _KEYS[:2], n=10).df()
    return lambda: client.scan(NAME, _KEYS).df()


def _query(mirror: str) -> Callable[[], object]:
    client = Client(mirror, policy="offline")
    client.query(NAME, key=_KEYS[:2], n=10)
    return lambda: client.query(NAME, key=_KEYS)


def _check(url: str, mirror: Path, records: int) -> None:
    """The stock client's table is ours, value by value; so is the typed one, but for its types."""
    stock = _stock(url)()
    if stock.shape != (records, len(_KEYS)):
        raise AssertionError(f"the stock client's table has {stock.shape}")
    pd.testing.assert_frame_equal(_query(str(mirror))(), stock, check_exact=True)
    typed = _scan(str(mirror))()
    for name in _KEYS:
        ours, theirs = typed[name], stock[name]
        if theirs.dtype == object:
            ours = ours.astype(object).where(ours.notna(), "MISSING")
            same = ours.tolist() == theirs.tolist()
        else:
            numbers = ours.to_numpy(dtype=float, na_value=np.nan)
            same = np.array_equal(numbers, theirs.to_numpy(dtype=float), equal_nan=True)
        if not same:
            raise AssertionError(f"{name} differs between scan() and the stock client")


def _in_a_process_of_its_own(prepare: Callable[[str], Callable[[], object]], place: str) -> _Taken:
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    child = spawn.Process(target=_measure, args=(prepare, place, there))
    child.start()
    there.close()
    try:
        taken: _Taken = here.recv()
    finally:
        child.join()
    return taken


def _measure(
    prepare: Callable[[str], Callable[[], object]], place: str, answer: Connection
) -> None:
    action = prepare(place)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    before = _bytes("VmRSS")
    table = action()
    added = _bytes("VmHWM") - before
    del table
    gc.collect()
    seconds = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        table = action()
        seconds.append(time.perf_counter() - begun)
        del table
    answer.send(_Taken(statistics.median(seconds), added))


def _bytes(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{name}:\s*(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise RuntimeError("the system does not tell the memory of a process")
    return int(found[1]) * 1024
