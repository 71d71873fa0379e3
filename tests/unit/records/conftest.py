"""The synthetic series of the vectors, as definitions, typed batches, texts, and record tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drmsmirror.errors import UnknownSeriesError
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.struct import definition_from_struct
from drmsmirror.model.types import KeywordType
from drmsmirror.records import Period, RecordTable, merge, select_records, type_records
from drmsmirror.records.engine import connect, files_relation
from drmsmirror.records.schema import table_schema
from tests.jsoc.parquet import read_series
from tests.jsoc.printing import column_texts

VECTORS = Path(__file__).parents[2] / "vectors"
SERIES = tuple(sorted(path.stem for path in (VECTORS / "series").glob("*.json")))

#: A series that is nothing but two prime keys, one of them a float, and two values.
SMALL = SeriesDefinition(
    "test.small",
    keywords=(
        Keyword("N", KeywordType.INT),
        Keyword("X", KeywordType.FLOAT),
        Keyword("VALUE", KeywordType.DOUBLE),
        Keyword("NAME", KeywordType.STRING),
    ),
    prime_keys=("N", "X"),
)


@cache
def definition_of(name: str) -> SeriesDefinition:
    """A series of the vectors, in any case."""
    for path in (VECTORS / "series").glob("*.json"):
        if path.stem.lower() == name.lower():
            return definition_from_struct(path.stem, json.loads(path.read_text()))
    raise UnknownSeriesError(f"There is no series {name}")


@cache
def records_of(name: str) -> pa.Table:
    """All versions of the records of a series of the vectors, typed."""
    raw = pq.read_table(VECTORS / "records" / f"{definition_of(name).name}.parquet")
    named = raw.rename_columns([column.lower() for column in raw.column_names])
    return type_records(definition_of(name), named, {}).rows


@cache
def texts_of(name: str) -> pa.Table:
    """The same records as an upstream prints them, by key."""
    series = read_series(VECTORS, name)
    columns = {key: pa.array(series.columns[key.strip("*")]) for key in ("*recnum*", "*sunum*")}
    for column in definition_of(name).columns:
        found = series.definition.resolve(column.key)
        assert found is not None
        if found[1] in series.columns:  # one that is read through a link has no values here
            columns[column.key] = pa.array(column_texts(found[0], series.columns[found[1]]))
    return pa.table(columns)


def without_formats(definition: SeriesDefinition) -> SeriesDefinition:
    """The definition as JSOC sends it: print formats are not in it."""
    keywords = tuple(replace(keyword, format=None) for keyword in definition.keywords)
    return replace(definition, keywords=keywords)


def bound(query: str) -> BoundSet:
    """Bind a query of one set to the series of the vectors."""
    (one,) = bind(parse_recordset(query), definition_of).sets
    return one


def everything(definition: SeriesDefinition) -> BoundSet:
    """All records of a series."""
    (one,) = bind(parse_recordset(f"{definition.name}[]"), lambda _: definition).sets
    return one


def rows_of(table: RecordTable, *columns: str, query: BoundSet | None = None) -> list[dict]:
    """What a table answers, latest versions in DRMS's order."""
    batches = select_records(table, query or everything(table.definition), columns)
    return [row for batch in batches for row in batch.to_pylist()]


def stored(table: RecordTable) -> pa.Table:
    """Every row that a table holds, in the order of record number and run."""
    schema = table_schema(table.definition)
    with connect([table.path]) as connection:
        rows = connection.sql(
            f"SELECT * FROM {files_relation(table.files(), schema)} ORDER BY recnum, _seen_run"
        )
        return rows.to_arrow_table()


def small(*rows: tuple[int, int, float, float, str]) -> pa.Table:
    """Typed records of the small series: recnum, N, X, VALUE, NAME."""
    names = ("recnum", "N", "X", "VALUE", "NAME")
    given = {name: [row[number] for row in rows] for number, name in enumerate(names)}
    return type_records(SMALL, pa.table(given), {}).rows


@pytest.fixture
def make_table(tmp_path: Path) -> Callable[..., RecordTable]:
    """Make record tables; those of vectors are filled, window by window where that is asked."""

    def make(
        definition: SeriesDefinition | str,
        period: Period = Period.NONE,
        *,
        windows: int = 0,
        under: str = "records",
    ) -> RecordTable:
        series = definition_of(definition) if isinstance(definition, str) else definition
        path = tmp_path / under / series.namespace / series.table
        table = RecordTable.create(path, series, period)
        if windows:
            keys = [*series.internal_prime_keys, "recnum"]
            rows = records_of(series.name).sort_by([(key, "ascending") for key in keys])
            size = -(-rows.num_rows // windows)
            for run, start in enumerate(range(0, rows.num_rows, size), start=1):
                merge(table, rows.slice(start, size), run=run, generation=1)
        return table

    return make


@pytest.fixture
def small_table(make_table: Callable[..., RecordTable]) -> RecordTable:
    """Make an empty table of the small series."""
    return make_table(SMALL)
