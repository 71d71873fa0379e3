"""Small answers from a long series: 500 records, 8 keywords, asked again and again.

One mirror holds a series of ten million records of 12 keyword columns, another one of a million
(size small: a million, and 100,000), both written by the real writer and compacted. The floor of an
answer from the longer series is the same from the shorter one, asked of it by the same means in the
same process. An aggregate over everything is compared with one SELECT on the same files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from drmsmirror.client import Client
from drmsmirror.client.answer import Answer, Source
from drmsmirror.mirror import Mirror
from drmsmirror.settings import Settings
from scripts.bench.aggregate import Aggregate
from scripts.bench.holdings import DAY_SLOTS, busiest, hold, wide
from scripts.bench.measure import Clock, Figure, interleave, median, ratio

__all__ = ["figures", "run"]

_RECORDS = {"small": (100_000, 1_000_000), "full": (1_000_000, 10_000_000)}
_REPEATS = {"small": 15, "full": 31}
_COLUMNS = 12
_KEYS = ("REGION", "T_REC", "K0000", "K0001", "K0002", "K0003", "K0005", "K0006")
_WINDOW = 250_000
_HOURS = 100
_SLOTS = _HOURS * DAY_SLOTS // 24
_POLICIES = ("offline", "auto")
_MOST_MS = 15.0
_MOST = 1.5


@dataclass(frozen=True, slots=True)
class _Case:
    """A mirror that is full, the clients that are open on it, and one question to it."""

    records: int
    files: tuple[str, ...]
    region: int
    first_slot: int
    recordset: str
    clients: dict[str, Client]

    def answer(self, policy: str) -> Answer:
        return self.clients[policy].answer(self.recordset, _KEYS)

    def query(self, policy: str) -> pd.DataFrame:
        frame = self.clients[policy].query(self.recordset, key=_KEYS)
        assert isinstance(frame, pd.DataFrame)
        return frame


def run(size: str) -> list[Figure]:
    """Measure, and check first that the answers are right."""
    return figures(*_RECORDS[size], _REPEATS[size])


def figures(few: int, many: int, repeats: int) -> list[Figure]:
    """Measure with so many records."""
    with _prepared(few) as short, _prepared(many) as long:
        for case in (short, long):
            _check(case)
        aggregate = Aggregate(long.clients["offline"].mirror, "test.wide", long.files)
        aggregate.check(many)
        cases: dict[str, Callable[[], object]] = {
            "aggregate": aggregate.ours,
            "aggregate floor": aggregate.by_hand,
        }
        for policy in _POLICIES:
            for name, case in (("few", short), ("many", long)):
                cases |= _cases(policy, name, case)
        taken = interleave(cases, repeats)
    return [
        *(_figure(what, policy, many, few, taken) for policy in _POLICIES for what in _WHAT),
        aggregate.figure("small", f"{many:,} x {_COLUMNS}", taken),
    ]


_WHAT = {"answer": "Client.answer(), printed values", "query": "Client.query()"}


def _cases(policy: str, name: str, case: _Case) -> dict[str, Callable[[], object]]:
    return {
        f"answer {policy} {name}": lambda: case.answer(policy).texts(),
        f"query {policy} {name}": lambda: case.query(policy),
    }


def _figure(what: str, policy: str, many: int, few: int, taken: dict[str, list[Clock]]) -> Figure:
    ours, floor = (taken[f"{what} {policy} {name}"] for name in ("many", "few"))
    times, milliseconds = ratio(ours, floor), 1000 * median(ours)
    return Figure(
        "small",
        f"500 of {many:,} records, 8 keywords, {policy}: {_WHAT[what]}",
        f"{milliseconds:.1f} ms",
        f"{1000 * median(floor):.1f} ms ({few:,} records)",
        f"{times:.2f}",
        f"at most {_MOST:g}, below {_MOST_MS:g} ms",
        times <= _MOST and milliseconds < _MOST_MS,
    )


@contextmanager
def _prepared(records: int) -> Iterator[_Case]:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(mirror=folder / "mirror")
        series = wide(records, _COLUMNS)
        region, first_slot, start = busiest(series)
        with Mirror.create(settings) as mirror:
            files = tuple(mirror.table(hold(mirror, series, _WINDOW)).files())
        name = series.definition.name
        del series
        clients = {one: opened.enter_context(Client(settings, policy=one)) for one in _POLICIES}
        recordset = f"{name}[{region}][{start}/{_HOURS}h]"
        yield _Case(records, files, region, first_slot, recordset, clients)


def _check(case: _Case) -> None:
    """Every way to ask gives the records that are there by the files, in their order."""
    with duckdb.connect(":memory:") as connection:
        expected = connection.sql(
            f"SELECT k0002, k0003 FROM read_parquet({list(case.files)!r}) "
            f"WHERE region = {case.region} AND t_rec_index >= {case.first_slot} "
            f"AND t_rec_index < {case.first_slot + _SLOTS} AND _latest AND _gone_run IS NULL "
            f"ORDER BY region, t_rec_index, recnum"
        ).fetchall()
    if not _SLOTS // 2 < len(expected) <= _SLOTS:
        raise AssertionError(f"{len(expected)} records lie in {_SLOTS} slots")
    numbers = [number for number, _ in expected]
    printed = ["MISSING" if np.isnan(value) else f"{value:.3f}" for _, value in expected]
    for policy in _POLICIES:
        answer, frame = case.answer(policy), case.query(policy)
        texts = answer.texts()
        if texts["K0003"] != printed or frame["K0002"].tolist() != numbers:
            raise AssertionError(f"{case.recordset}, {policy}: not the records that are there")
        if answer.source is not Source.LOCAL:
            raise AssertionError(f"{case.recordset}, {policy}: not answered by the mirror")
