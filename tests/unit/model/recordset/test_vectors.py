"""The conformance corpus: every query in forms that are answered gives DRMS's records.

The corpus says which records; here its tables are read, conditions evaluated, old versions left out
and records put into order (DRMS semantics 1.8).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from drmsmirror.errors import NotUnderstoodError, RecordSetError, UnknownSeriesError
from drmsmirror.model.recordset import BoundRecordSet, BoundSet, bind, matches, parse_recordset

from .conftest import VECTORS

#: Forms that this version refuses; a query is refused for no other reason.
NOT_ANSWERED = re.compile(r"\[\s*[?!:#^$]|[=,]\s*[#^$]|#|(?:^|[,;])\s*@")

#: The splitter that made the corpus loses a letter here.
WRONG_SEGMENTS = {"v1240"}


def read_vectors() -> list[dict[str, Any]]:
    lines = (VECTORS / "train" / "vectors.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@cache
def table(series: str) -> dict[str, np.ndarray]:
    columns = pq.read_table(VECTORS / "records" / f"{series}.parquet")
    return {
        name.lower(): columns[name].to_numpy(zero_copy_only=False) for name in columns.column_names
    }


@cache
def visible(series: str, keys: tuple[str, ...]) -> np.ndarray:
    """Rows of the latest versions, in order: prime keys, NaN last, then record number."""
    columns = table(series)
    parts = [columns["recnum"], *(columns[key] for key in reversed(keys))]
    order = np.lexsort([part.astype(str) if part.dtype == object else part for part in parts])
    if not keys:
        return order
    latest = {tuple(repr(columns[key][row]) for key in keys): row for row in order}
    return order[np.isin(order, list(latest.values()))]


def answer(bound: BoundSet, limit: int | None) -> list[int]:
    columns = table(bound.series.name)
    rows = visible(bound.series.name, bound.series.internal_prime_keys)
    for condition in bound.conditions:
        rows = rows[matches(condition, columns[condition.column][rows])]
    if limit:
        rows = rows[:limit] if limit > 0 else rows[limit:]
    return columns["recnum"][rows].tolist()


def problem_with(vector: dict[str, Any], bound: BoundRecordSet) -> str | None:
    answers = [answer(one, vector["n"]) for one in bound.sets]
    if [recnum for recnums in answers for recnum in recnums] != vector["recnums"]:
        return f"records {answers}"
    if [len(recnums) for recnums in answers] != [one["count"] for one in vector["sets"]]:
        return f"counts of {answers}"
    if [one.series.name for one in bound.sets] != [one["series"] for one in vector["sets"]]:
        return "series"
    segments = [None if one.segments is None else list(one.segments) for one in bound.sets]
    if vector["id"] not in WRONG_SEGMENTS:
        return None if segments == [one["segments"] for one in vector["sets"]] else "segments"
    return None


def test_every_vector_in_forms_that_are_answered(definition_of):
    outcomes: Counter[str] = Counter()
    wrong = []
    for vector in read_vectors():
        query, expected = vector["query"], vector["expect"]
        try:
            bound = bind(parse_recordset(query), definition_of)
        except NotUnderstoodError:
            outcomes[f"not answered yet, {expected} in DRMS"] += 1
            if not NOT_ANSWERED.search(query):
                wrong.append((vector["id"], query, "refused"))
            continue
        except (RecordSetError, UnknownSeriesError) as error:
            outcomes["error"] += 1
            if expected != "error":
                wrong.append((vector["id"], query, str(error)))
            continue
        outcomes["answered"] += 1
        problem = "no error" if expected == "error" else problem_with(vector, bound)
        if problem:
            wrong.append((vector["id"], query, problem))
    assert wrong == []
    assert outcomes == {
        "answered": 567,
        "error": 135,
        "not answered yet, ok in DRMS": 614,
        "not answered yet, error in DRMS": 26,
    }


@pytest.mark.parametrize("name", ["", "records", "series", "train"])
def test_the_corpus_is_there(vectors: Path, name):
    assert any((vectors / name).iterdir())
