"""A mirror beside a sample upstream, and how the two are compared."""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drmsmirror.catalogue import Catalogue
from drmsmirror.client import Client
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.records import connect, create_view, harvest_keys
from drmsmirror.settings import Settings, load_settings
from drmsmirror.sync import Ahead, Progress, Reporter, SilentReporter, SyncReport, Task, sync
from drmsmirror.upstream import Jsoc
from tests.jsoc import Fault, FaultKind, Request, SampleJsoc, Series
from tests.jsoc.parquet import read_series
from tests.jsoc.replay import replay_key

PROJECT = Path(__file__).parents[3]
VECTORS = PROJECT / "tests" / "vectors"

#: Series of the vectors, by the kind of their axis: slots, uneven slots, times, record numbers.
KINDS = (
    "hmi.M_45s",
    "hmi.sharp_720s",
    "aia.lev1_euv_12s",
    "aia.lev1",
    "mdi.fd_M_96m_lev182",
    "test.timekey",
    "test.carr",
    "test.phase",
    "test.strfsn",
    "test.synoptic",
    "hmi.synoptic_mr_720s",
    "test.nopk",
)


def series(name: str, rows: int | None = None) -> Series:
    """A series of the vectors, or the first records of it."""
    whole = read_series(VECTORS, name)
    if rows is None:
        return whole
    return whole.without(whole.columns["recnum"] > sorted(whole.columns["recnum"])[rows - 1])


def settings_for(root: Path, jsoc: SampleJsoc, **sections: dict[str, Any]) -> Settings:
    """Settings of a mirror that asks the sample upstream without waiting."""
    upstream = {"url": jsoc.url, "requests_per_second": 1e5, "retry_wait": 0.0, "attempts": 1}
    flags = {**sections, "upstream": upstream | sections.get("upstream", {})}
    return load_settings(mirror=root, flags=flags)


def asked(jsoc: SampleJsoc, op: str | None = None) -> list[Request]:
    """What was asked of the upstream since the log was cleared."""
    return [request for request in jsoc.requests if op in (None, request.op)]


def truth(jsoc: SampleJsoc, record_set: str, keys: Sequence[str]) -> dict[str, list[Any]]:
    """The upstream's own answer, read without a request."""
    params = {"op": "rs_list", "ds": record_set, "key": ",".join(keys)}
    body = json.loads(jsoc.respond(Request("jsoc_info", "rs_list", record_set, params)).body)
    assert body["status"] == 0, body
    columns = {entry["name"]: entry["values"] for entry in body.get("keywords", [])}
    return {key: columns.get(key, []) for key in keys}


@dataclass
class Listener(SilentReporter):
    """Hears a run, and agrees to it or not, or interrupts it after so many windows."""

    agrees: bool = True
    interrupt_after: int | None = None
    outlooks: list[Ahead] = field(default_factory=list)
    windows: list[Progress] = field(default_factory=list)

    def ahead(self, ahead: Ahead) -> bool:
        self.outlooks.append(ahead)
        return self.agrees

    def window(self, progress: Progress) -> None:
        self.windows.append(progress)
        if len(self.windows) == self.interrupt_after:
            raise KeyboardInterrupt


@dataclass
class Copy:
    """A mirror of a sample upstream."""

    settings: Settings
    jsoc: SampleJsoc

    @contextmanager
    def open(self) -> Iterator[Mirror]:
        """Open the mirror, made where it is absent."""
        with Mirror.open_or_create(self.settings, announce=lambda _: None) as mirror:
            yield mirror

    def sync(
        self,
        record_set: str,
        *,
        seconds: float = math.inf,
        reporter: Reporter | None = None,
        task: Task = Task(),  # noqa: B008 - it cannot be changed
    ) -> SyncReport:
        """Sync one record set, in a log of requests of its own."""
        self.jsoc.clear_requests()
        with self.open() as mirror:
            upstream = Jsoc(self.settings.upstream)
            (report,) = sync(
                mirror, upstream, record_set, seconds=seconds, reporter=reporter, task=task
            )
        return report

    def outlook(self, record_set: str) -> tuple[Ahead, ...]:
        """What is told to lie ahead of a sync that is not carried out then."""
        listener = Listener(agrees=False)
        self.sync(record_set, reporter=listener)
        return tuple(listener.outlooks)

    def hide_largest_number(self, name: str) -> None:
        """From now on the upstream does not say how far the series has come."""
        asked = Request("jsoc_info", "series_struct", name, {})
        answer = json.loads(self.jsoc.respond(asked).body)
        del answer["Interval"]
        self.jsoc.replay({replay_key("series_struct", name.lower()): json.dumps(answer).encode()})

    def show_largest_number(self, name: str) -> None:
        """From now on the upstream says again how far the series has come."""
        self.jsoc._recorded.pop(replay_key("series_struct", name.lower()))

    def at_window(self, number: int, then: Callable[[], object]) -> None:
        """Have something happen while the upstream answers the list of a sync's n-th window."""
        lists = itertools.count(1)

        def happen(request: Request) -> bool:
            if request.op == "rs_list" and "n" not in request.params and next(lists) == number:
                then()
            return False

        self.jsoc.fault(Fault(FaultKind.HTML), times=None, when=happen)

    def keys(self, name: str) -> tuple[str, ...]:
        """Every key that is stored of a series."""
        with self.open() as mirror:
            return harvest_keys(mirror.catalogue.definition(name))

    def held(self, record_set: str, keys: Sequence[str]) -> dict[str, list[Any]]:
        """What the mirror answers by itself."""
        with Client(self.settings, policy="offline") as client:
            return client.answer(record_set, keys).texts()

    def coverage(self, name: str) -> tuple[CoverageEntry, ...]:
        """What the catalogue says is held."""
        with self.open() as mirror:
            return mirror.catalogue.coverage(name)

    def published(self, name: str) -> tuple[CoverageEntry, ...]:
        """What the published copy of the catalogue says is held."""
        copy = self.settings.mirror / "catalogue.copy.sqlite"
        with Catalogue.open(copy, read_only=True) as catalogue:
            return catalogue.coverage(name)

    def rows(self, name: str) -> int:
        """How many rows there are in the record table, all versions counted."""
        with self.open() as mirror:
            table = mirror.table(mirror.catalogue.definition(name))
            adds = table._delta.get_add_actions(flatten=True)
            return sum(adds["num_records"].to_pylist())

    def assert_same(self, record_set: str) -> int:
        """Every stored key of every record is answered as the upstream answers it."""
        name = record_set.partition("[")[0]
        keys = self.keys(name)
        expected = truth(self.jsoc, record_set, keys)
        found = self.held(record_set, keys)
        assert found["*recnum*"] == expected["*recnum*"]
        assert found == expected
        return len(found["*recnum*"])

    def assert_same_values(self, record_set: str) -> int:
        """The same of every key but the record's own numbers."""
        keys = self.keys(record_set.partition("[")[0])[2:]
        expected = truth(self.jsoc, record_set, keys)
        assert self.held(record_set, keys) == expected
        return len(expected[keys[0]])

    def assert_covered(self, name: str) -> None:
        """Where coverage says that all is held, the latest records are those of the upstream."""
        upstream = self.jsoc.series(name)
        axis, columns = f"{upstream.definition.primekeys[0].lower()}_index", upstream.columns
        for entry in self.coverage(name):
            low, high = entry.interval.low, entry.interval.high
            inside = upstream.latest & (columns[axis] >= low) & (columns[axis] < high)
            with self.open() as mirror:
                table = mirror.table(mirror.catalogue.definition(name))
            with connect([table.path]) as connection:
                create_view(connection, table)
                found = connection.execute(
                    f"SELECT recnum FROM {name.lower()} WHERE {axis} >= ? AND {axis} < ?",
                    [low, high],
                ).fetchall()
            assert {recnum for (recnum,) in found} == set(columns["recnum"][inside].tolist())

    def command(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start ``drmsmirror`` on this mirror, as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "drmsmirror", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # it can be interrupted, even where the tests run in the background
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            env=self.environment(**variables),
        )

    def environment(self, **variables: str) -> dict[str, str]:
        """What a process must find to work on this mirror."""
        own = {name: text for name, text in os.environ.items() if "DRMSMIRROR_" not in name}
        sync, upstream = self.settings.sync, self.settings.upstream
        return (
            own
            | {
                "DRMSMIRROR_MIRROR": str(self.settings.mirror),
                "DRMSMIRROR_UPSTREAM__URL": upstream.url,
                "DRMSMIRROR_UPSTREAM__REQUESTS_PER_SECOND": str(upstream.requests_per_second),
                "DRMSMIRROR_UPSTREAM__ATTEMPTS": str(upstream.attempts),
                "DRMSMIRROR_UPSTREAM__RETRY_WAIT": str(upstream.retry_wait),
                "DRMSMIRROR_SYNC__FIRST_WINDOW": str(sync.first_window),
                "DRMSMIRROR_SYNC__MAX_WINDOW": str(sync.max_window),
                "PYTHONPATH": str(PROJECT),
            }
            | variables
        )


@pytest.fixture
def copy_of(tmp_path: Path) -> Iterator[Callable[..., Copy]]:
    """Serve series of the vectors by name, or ready-made ones, with a mirror of their own."""
    with ExitStack() as running:

        def make(*served: str | Series, rows: int | None = None, **sections: Any) -> Copy:
            ready = [series(one, rows) if isinstance(one, str) else one for one in served]
            jsoc = running.enter_context(SampleJsoc(ready))
            root = tmp_path / f"mirror{len(list(tmp_path.iterdir()))}"
            return Copy(settings_for(root, jsoc, **sections), jsoc)

        yield make
