"""The record-set language: from a query to its meaning, and to the files that can answer it.

The queries are those of the conformance vectors that have an answer. The floor of reading is the
bare lark parser on the same texts: no syntax tree of ours, no series, no conditions. Planning is
what comes before the engine runs: parse, bind, coverage from the catalogue, the files that can hold
matching records by the Delta log, and the SQL; the series has 300 files.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from drmsmirror.client.freshness import ANY_AGE
from drmsmirror.client.planner import plan_question
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.model.recordset.grammars import query_parser
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import definition_from_struct
from drmsmirror.records import RecordTable
from drmsmirror.records.rows import Rows
from drmsmirror.records.select import ordered_sql
from drmsmirror.settings import RecordSettings, Settings
from scripts.bench.holdings import hold, wide
from scripts.bench.measure import Figure

__all__ = ["run"]

_VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
_REPEATS = {"small": 3, "full": 20}
_FILES = 300
_MOST_READING = 1.0  # milliseconds
_MOST_PLANNING = 5.0


def run(size: str) -> list[Figure]:
    """Measure; that the answers are right is the conformance tests' business."""
    queries = _queries()
    floor = _median_ms(query_parser().parse, queries, _REPEATS[size])
    reading = _median_ms(
        lambda query: bind(parse_recordset(query), _definition), queries, _REPEATS[size]
    )
    planning, files = _planning(_REPEATS[size] * 10)
    return [
        Figure(
            "language",
            f"parse and bind, {len(queries):,} queries",
            f"{reading:.3f} ms",
            f"{floor:.3f} ms (lark alone)",
            f"{reading / floor:.1f}",
            f"below {_MOST_READING:g} ms",
            reading < _MOST_READING,
        ),
        Figure(
            "language",
            f"plan one query over a series of {files} files",
            f"{planning:.2f} ms",
            "",
            "",
            f"below {_MOST_PLANNING:g} ms",
            planning < _MOST_PLANNING,
        ),
    ]


def _queries() -> list[str]:
    lines = (_VECTORS / "train" / "vectors.jsonl").read_text(encoding="utf-8").splitlines()
    vectors = [json.loads(line) for line in lines]
    return [vector["query"] for vector in vectors if vector["expect"] == "ok"]


@cache
def _definition(name: str) -> SeriesDefinition:
    (path,) = (p for p in (_VECTORS / "series").glob("*.json") if p.stem.lower() == name.lower())
    return definition_from_struct(path.stem, json.loads(path.read_text(encoding="utf-8")))


def _planning(repeats: int) -> tuple[float, int]:
    """Milliseconds to plan, and how many files there are to choose from."""
    series = wide(_FILES * 50, 20)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            mirror=Path(folder), records=RecordSettings(compact_above_files=2 * _FILES)
        )
        with Mirror.create(settings) as mirror:
            definition = hold(mirror, series, series.rows // _FILES)
            table = mirror.table(definition)

            def opened(*_: object) -> RecordTable:
                """The table is open: that is not planning."""
                return table

            region = int(series.columns["region"][series.rows // 2])
            query = f"{definition.name}[{region}][2004.02.10_TAI/2d][? K0002 >= 0 OR K0002 < 0 ?]"

            def plan(text: str) -> None:
                bound = bind(parse_recordset(text), mirror.catalogue.definition)
                (planned,) = plan_question(mirror, bound, ["T_REC", "K0002"], ANY_AGE).sets
                ordered_sql(Rows(table, opened), planned.wanted, planned.keys.columns)

            mirror.table = opened  # type: ignore[method-assign]
            plan(query)
            return _median_ms(plan, [query], repeats), len(table.files())


def _median_ms(action: Callable[[str], object], texts: Sequence[str], repeats: int) -> float:
    """The median over texts and repeats."""
    for text in texts:
        action(text)
    taken = []
    for _ in range(repeats):
        for text in texts:
            began = time.perf_counter()
            action(text)
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000
