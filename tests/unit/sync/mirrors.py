"""A mirror beside a sample upstream, and how the two are compared."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drmsmirror.client import Client
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.records import harvest_keys
from drmsmirror.settings import Settings, load_settings
from drmsmirror.sync import Reporter, SyncReport, sync
from drmsmirror.upstream import Jsoc
from tests.jsoc import Request, SampleJsoc, Series
from tests.jsoc.parquet import read_series

VECTORS = Path(__file__).parents[2] / "vectors"

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
        self, record_set: str, *, seconds: float = math.inf, reporter: Reporter | None = None
    ) -> SyncReport:
        """Sync one record set, in a log of requests of its own."""
        self.jsoc.clear_requests()
        with self.open() as mirror:
            upstream = Jsoc(self.settings.upstream)
            (report,) = sync(mirror, upstream, record_set, seconds=seconds, reporter=reporter)
        return report

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
