"""Ingest: how fast answers become records, against a loop that somebody would write by hand.

The answers (``rs_list``, 100,000 records of 60 keywords at full size) are made once and served from
memory, so that neither a network nor the upstream counts. Ours is a whole ``sync`` into a fresh
mirror. The floor reads the same bodies: orjson, one Arrow array a column, cast to its type, one
Parquet file a body. It checks nothing, keeps no print formats, flushes nothing to the disk, and
cannot be resumed.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from drmsmirror.mirror import Mirror
from drmsmirror.model.codecs import arrow_type
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.records import connect
from drmsmirror.records.engine import files_relation
from drmsmirror.records.schema import table_schema
from drmsmirror.settings import Settings, UpstreamSettings
from drmsmirror.sync import sync
from drmsmirror.upstream import Jsoc, Session
from scripts.bench.answers import Bodies, MemorySession, serving
from scripts.bench.content import NAME, sixty_keywords
from scripts.bench.measure import Figure, interleave, median, ratio
from tests.jsoc import SampleJsoc

__all__ = ["profile", "run"]

_RECORDS = {"small": 10_000, "full": 100_000}
_REPEATS = {"small": 3, "full": 5}
_LEAST_SHARE = 0.5
_SECONDS_1970_TO_1977 = 220_924_800


@dataclass(frozen=True, slots=True)
class _Case:
    """What both sides work on."""

    records: int
    bodies: Bodies
    windows: tuple[bytes, ...]
    definition: SeriesDefinition


def run(size: str) -> list[Figure]:
    """Measure, and check first that both sides hold the same."""
    case = _case(_RECORDS[size])
    cases = {
        "ours": lambda: _ours(case, MemorySession(case.bodies)),
        "floor": lambda: _floor(case),
    }
    taken = interleave(cases, _REPEATS[size], warm=False)
    with serving(case.bodies) as url:
        http = interleave({"http": lambda: _ours(case, None, url)}, 3, warm=False)["http"]
    ours, floor, over_http = (
        case.records / median(t) for t in (taken["ours"], taken["floor"], http)
    )
    share = 1 / ratio(taken["ours"], taken["floor"])
    cpu = 1 / ratio(taken["ours"], taken["floor"], "cpu")
    shape = f"{case.records:,} records x 60 keywords"
    return [
        Figure(
            "ingest",
            f"{shape}, from memory",
            f"{ours:,.0f} rows/s",
            f"{floor:,.0f} rows/s",
            f"{share:.2f}",
            f"at least {_LEAST_SHARE}",
            share >= _LEAST_SHARE,
        ),
        Figure(
            "ingest",
            "the same, CPU time",
            f"{median(taken['ours'], 'cpu'):.2f} s",
            f"{median(taken['floor'], 'cpu'):.2f} s",
            f"{cpu:.2f}",
        ),
        Figure("ingest", "the same, over loopback HTTP", f"{over_http:,.0f} rows/s"),
    ]


def profile(size: str) -> None:
    """Print where our time goes."""
    case = _case(_RECORDS[size])
    profiler = cProfile.Profile()
    profiler.runcall(_ours, case, MemorySession(case.bodies))
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    pstats.Stats(profiler).sort_stats("cumtime").print_stats(60)


def _case(records: int) -> _Case:
    """Let a first sync choose its windows, and keep the answers that it got."""
    bodies: Bodies = {}
    jsoc = SampleJsoc([sixty_keywords(records)], row_cap=10**9)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(mirror=Path(folder) / "mirror")
        with Mirror.create(settings) as mirror:
            sync(mirror, Jsoc(settings.upstream, MemorySession(bodies, jsoc)), NAME)
            definition = mirror.catalogue.definition(NAME)
            windows = tuple(
                body
                for (_, params), body in bodies.items()
                if dict(params)["op"] == "rs_list" and "n" not in dict(params)
            )
            case = _Case(records, bodies, windows, definition)
            _check(case, mirror, Path(folder))
    return case


def _ours(case: _Case, session: Session | None, url: str = "http://127.0.0.1") -> None:
    upstream = UpstreamSettings(url=url, requests_per_second=1000)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(mirror=Path(folder), upstream=upstream)
        with Mirror.create(settings) as mirror:
            (report,) = sync(mirror, Jsoc(upstream, session), NAME)
    if report.records_new != case.records or report.share_held != 1.0:
        raise AssertionError(f"the sync brought {report}")


def _floor(case: _Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = _write_by_hand(case, Path(folder))
    if rows != case.records:
        raise AssertionError(f"the floor wrote {rows} rows")


def _write_by_hand(case: _Case, folder: Path) -> int:
    """The floor: one Parquet file a body, cast column by column."""
    types = _types(case.definition)
    rows = 0
    for number, body in enumerate(case.windows):
        answer = orjson.loads(body)
        columns = {
            entry["name"]: _cast(pa.array(entry["values"]), types[entry["name"]])
            for entry in answer["keywords"]
        }
        table = pa.table(columns)
        pq.write_table(
            table, folder / f"{number:05d}.parquet", compression="zstd", compression_level=1
        )
        rows += table.num_rows
    return rows


def _types(definition: SeriesDefinition) -> dict[str, pa.DataType]:
    types = {"*recnum*": pa.int64(), "*sunum*": pa.int64()}
    for column in definition.columns:
        is_time = column.type is KeywordType.TIME
        types[column.key] = pa.timestamp("s") if is_time else arrow_type(column.type)
    return types


def _cast(values: pa.Array, type_: pa.DataType) -> pa.Array:
    """Text as a column of its type, a missing value as null; Arrow reads hexadecimal integers."""
    if pa.types.is_integer(values.type):
        return values
    known = pc.if_else(pc.equal(values, "MISSING"), pa.scalar(None, pa.string()), values)
    if pa.types.is_timestamp(type_):
        return pc.strptime(known, "%Y.%m.%d_%H:%M:%S_TAI", "s")
    return pc.cast(known, type_)


def _check(case: _Case, mirror: Mirror, folder: Path) -> None:
    """Hold the records of the mirror against the floor's, value by value."""
    by_hand = folder / "floor"
    by_hand.mkdir()
    if _write_by_hand(case, by_hand) != case.records:
        raise AssertionError("the bodies have another number of records")
    theirs = pq.read_table(by_hand).sort_by("*recnum*")
    ours = _held(mirror, case.definition)
    if ours.num_rows != case.records or not ours["recnum"].equals(theirs["*recnum*"]):
        raise AssertionError(f"the mirror holds {ours.num_rows} of {case.records} records")
    for column in case.definition.columns:
        _compare(column.name, column.type, ours[column.name], theirs[column.key])


def _held(mirror: Mirror, definition: SeriesDefinition) -> pa.Table:
    table = mirror.table(definition)
    relation = files_relation(table.files(), table_schema(definition))
    with connect([table.path]) as connection:
        return connection.sql(
            f"SELECT * FROM {relation} WHERE _latest ORDER BY recnum"
        ).to_arrow_table()


def _compare(name: str, type_: KeywordType, ours: pa.ChunkedArray, theirs: pa.ChunkedArray) -> None:
    if type_ is KeywordType.TIME:
        since_1970 = pc.cast(pc.cast(theirs, pa.timestamp("s")), pa.int64())
        theirs = pc.cast(pc.subtract(since_1970, _SECONDS_1970_TO_1977), pa.float64())
    if type_.is_float:
        ours = pc.if_else(pc.is_nan(ours), pa.scalar(None, ours.type), ours)
    else:
        theirs = pc.fill_null(theirs, pa.scalar(type_.missing, theirs.type))
    if not ours.combine_chunks().equals(theirs.combine_chunks()):
        raise AssertionError(f"{name} differs between the mirror and the bodies")
