"""The conformance corpus through Delta and DuckDB: the same records in the same order, and n."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from drmsmirror.errors import NotUnderstoodError, QueryError, UnknownSeriesError
from drmsmirror.model.recordset import BoundRecordSet, bind, parse_recordset
from drmsmirror.records import Period, RecordTable, count_records, merge, select_records

from .conftest import SERIES, VECTORS, definition_of, records_of

#: Of 1342 vectors: those in forms that the record-set parser understands and DRMS answers.
COVERED = 567


def understood() -> Iterator[tuple[dict, BoundRecordSet]]:
    for line in (VECTORS / "train" / "vectors.jsonl").read_text().splitlines():
        vector = json.loads(line)
        try:
            bound = bind(parse_recordset(vector["query"]), definition_of)
        except (NotUnderstoodError, QueryError, UnknownSeriesError):
            continue
        yield vector, bound


@pytest.fixture(scope="module")
def table_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RecordTable]:
    """Give a table of several files and periods for each series of the corpus."""
    root = tmp_path_factory.mktemp("records")

    @cache
    def make(name: str) -> RecordTable:
        definition = definition_of(name)
        period = Period.NONE if definition.axis.keyword is None else Period.YEAR
        table = RecordTable.create(root / name, definition, period)
        rows = records_of(name)
        for run, part in enumerate((slice(0, None, 2), slice(1, None, 2)), start=1):
            merge(table, rows.take(list(range(rows.num_rows))[part]), run=run, generation=1)
        return table

    return make


def test_every_vector_that_is_understood_gives_the_records_of_drms(table_of) -> None:
    outcomes: Counter[str] = Counter()
    wrong = []
    for vector, bound in understood():
        answers = [
            [
                recnum
                for batch in select_records(
                    table_of(one.series.name), one, ["recnum"], limit=vector["n"]
                )
                for recnum in batch["recnum"].to_pylist()
            ]
            for one in bound.sets
        ]
        outcomes[vector["expect"]] += 1
        if [recnum for answer in answers for recnum in answer] != vector["recnums"]:
            wrong.append((vector["id"], vector["query"], vector["n"], answers))
        elif [len(answer) for answer in answers] != [one["count"] for one in vector["sets"]]:
            wrong.append((vector["id"], vector["query"], "counts"))
    assert wrong == []
    assert outcomes == {"ok": COVERED}


@pytest.mark.parametrize("name", SERIES)
def test_counting_agrees_with_selecting(name, table_of) -> None:
    (everything,) = bind(parse_recordset(f"{name}[]"), definition_of).sets
    listed = sum(batch.num_rows for batch in select_records(table_of(name), everything, ["recnum"]))
    assert count_records(table_of(name), everything) == listed > 0
