"""Query: one region over two days out of a million records, against DuckDB on the same files.

The record table (1,000,000 records of 86 keyword columns at full size) is written window by window
by the real writer and compacted. The floor is what somebody would type who knows the files and
DRMS's rules: one SELECT with ``read_parquet``, on a new connection each time.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from drmsmirror.client import Client
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import select_records
from drmsmirror.settings import Settings
from scripts.bench.aggregate import Aggregate
from scripts.bench.holdings import DAY_SLOTS, busiest, hold, wide
from scripts.bench.measure import Clock, Figure, interleave, median, ratio

__all__ = ["profile", "run"]

_RECORDS = {"small": 100_000, "full": 1_000_000}
_REPEATS = {"small": 15, "full": 31}
_COLUMNS = 86
_KEYS = ("T_REC", "K0000", "K0001", "K0002", "K0003", "K0005", "K0006")
_MOST = 3.0
_SLOTS = 2 * DAY_SLOTS


@dataclass(frozen=True, slots=True)
class _Case:
    """A mirror that is full, and one question to it."""

    settings: Settings
    definition: SeriesDefinition
    files: tuple[str, ...]
    region: int
    first_slot: int
    recordset: str
    records: int


def run(size: str) -> list[Figure]:
    """Measure, and check first that both sides answer the same."""
    with (
        _prepared(_RECORDS[size]) as case,
        Client(case.settings, policy="offline") as client,
        duckdb.connect(":memory:") as opened,
    ):
        aggregate = Aggregate(client.mirror, case.definition.name, case.files)
        aggregate.check(case.records)
        cases: dict[str, Callable[[], object]] = {
            "floor": lambda: _by_hand(case),
            "select": lambda: _select(case, client.mirror),
            "answer": lambda: client.answer(case.recordset, _KEYS).texts(),
            "client": lambda: _whole(case),
            "aggregate": aggregate.ours,
            "aggregate floor": aggregate.by_hand,
            "open floor": lambda: _by_hand(case, opened),
        }
        _check(case, client)
        taken = interleave(cases, _REPEATS[size])
    one = f"{case.records:,} x {_COLUMNS}: one region, 2 days, 7 keywords"
    return [
        _figure(f"{one}: open the table and select", taken, "select", "floor", _MOST),
        _figure("the same as Client.answer(), printed values", taken, "answer", "floor", _MOST),
        _figure("the same with a Client of its own", taken, "client", "floor"),
        _figure(
            "open and select, against an open DuckDB connection", taken, "select", "open floor"
        ),
        aggregate.figure("query", "the same series", taken),
    ]


def profile(size: str) -> None:
    """Print where the time of an answer goes."""
    with _prepared(_RECORDS[size]) as case, Client(case.settings, policy="offline") as client:
        client.answer(case.recordset, _KEYS).texts()
        profiler = cProfile.Profile()
        profiler.enable()
        for _ in range(20):
            client.answer(case.recordset, _KEYS).texts()
        profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    pstats.Stats(profiler).sort_stats("cumtime").print_stats(60)


def _figure(
    what: str,
    taken: dict[str, list[Clock]],
    ours: str,
    floor: str,
    most: float | None = None,
) -> Figure:
    times = ratio(taken[ours], taken[floor])
    return Figure(
        "query",
        what,
        f"{1000 * median(taken[ours]):.1f} ms",
        f"{1000 * median(taken[floor]):.1f} ms",
        f"{times:.2f}",
        f"at most {most:g}" if most else "",
        times <= most if most else None,
    )


@contextmanager
def _prepared(records: int) -> Iterator[_Case]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(mirror=Path(folder) / "mirror")
        series = wide(records, _COLUMNS)
        region, first_slot, start = busiest(series)
        with Mirror.create(settings) as mirror:
            definition = hold(mirror, series)
            files = tuple(mirror.table(definition).files())
        if len(definition.columns) != _COLUMNS + 1:  # and T_REC_index
            raise AssertionError(f"the series has {len(definition.columns)} columns")
        name = series.definition.name
        del series
        recordset = f"{name}[{region}][{start}/2d]"
        yield _Case(settings, definition, files, region, first_slot, recordset, records)


def _select(case: _Case, mirror: Mirror) -> pa.Table:
    (bound,) = bind(parse_recordset(case.recordset), lambda _: case.definition).sets
    table = mirror.table(case.definition)
    columns = [key.lower() for key in _KEYS]
    return pa.Table.from_batches(list(select_records(table, bound, columns)))


def _by_hand(case: _Case, opened: duckdb.DuckDBPyConnection | None = None) -> pa.Table:
    """On a new connection, unless one is given that is open."""
    columns = ", ".join(key.lower() for key in _KEYS)
    with nullcontext(opened) if opened else duckdb.connect(":memory:") as connection:
        return connection.sql(
            f"SELECT {columns} FROM read_parquet({list(case.files)!r}) "
            f"WHERE region = {case.region} AND t_rec_index >= {case.first_slot} "
            f"AND t_rec_index < {case.first_slot + _SLOTS} AND _latest AND _gone_run IS NULL "
            f"ORDER BY region, t_rec_index, recnum"
        ).to_arrow_table()


def _whole(case: _Case) -> object:
    with Client(case.settings, policy="offline") as client:
        return client.answer(case.recordset, _KEYS).texts()


def _check(case: _Case, client: Client) -> None:
    ours, theirs = _select(case, client.mirror), _by_hand(case)
    if not DAY_SLOTS < ours.num_rows <= _SLOTS or not _same(ours, theirs):
        raise AssertionError(f"{ours.num_rows} and {theirs.num_rows} records differ")
    texts = client.answer(case.recordset, _KEYS).texts()
    printed = [f"{value:.3f}" for value in ours["k0003"].to_pylist()]
    expected = ["MISSING" if text == "nan" else text for text in printed]
    if texts["K0003"] != expected or len(texts["T_REC"]) != ours.num_rows:
        raise AssertionError("the printed values are not those that were selected")


def _same(ours: pa.Table, theirs: pa.Table) -> bool:
    """Equal values, NaN equal to itself."""
    return all(
        np.array_equal(ours[name].to_numpy(), theirs[name].to_numpy(), equal_nan=True)
        if pa.types.is_floating(ours[name].type)
        else ours[name].equals(theirs[name])
        for name in ours.column_names
    )
