"""Every vector: what the original parser and PostgreSQL answer, the public client answers.

The records were imported by the command line, and nobody else is asked.
"""

from __future__ import annotations

import pytest

from drmsmirror import Client
from drmsmirror.errors import QueryError, TimeTextError, UnknownSeriesError
from drmsmirror.model.recordset import parse_recordset
from drmsmirror.model.series import Keyword, Scope, SeriesDefinition
from drmsmirror.model.slots import slotting
from drmsmirror.model.times import format_time, format_times, parse_time, parse_times
from drmsmirror.model.types import KeywordType

from .conftest import read_lines

QUERIES = {vector["id"]: vector for vector in read_lines("vectors.jsonl")}
TIMES = {vector["id"]: vector for vector in read_lines("times.jsonl")}

#: The splitter that made the vectors lost a letter here: {image} became mage.
LOST_LETTERS = {"v1240"}


def test_the_vectors_are_there() -> None:
    assert (len(QUERIES), len(TIMES)) == (1342, 1179)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_gives_the_records_of_drms_or_an_error(name: str, client: Client) -> None:
    vector = QUERIES[name]
    query = vector["query"]
    if vector["expect"] == "error":
        with pytest.raises((QueryError, UnknownSeriesError)):
            client.answer(query, ["*recnum*"], n=vector["n"]).texts()
        return
    answer = client.answer(query, ["*recnum*"], n=vector["n"])
    assert answer.texts()["*recnum*"] == vector["recnums"]
    assert answer.complete
    sets = parse_recordset(query).sets
    named = [client.definition(one.series.text).name for one in sets]
    assert named == [one["series"] for one in vector["sets"]]
    if name not in LOST_LETTERS:
        segments = [None if one.segments is None else list(one.segments) for one in sets]
        assert segments == [one["segments"] for one in vector["sets"]]


@pytest.mark.parametrize("name", TIMES)
def test_a_time_is_read_printed_or_put_into_its_slot_as_drms_does(name: str) -> None:
    vector = TIMES[name]
    CHECKS[vector["kind"]](vector)


def check_parsing(vector: dict) -> None:
    values, are_times = parse_times([vector["text"]])
    assert are_times.tolist() == [vector["ok"]]
    if not vector["ok"]:
        with pytest.raises(TimeTextError):
            parse_time(vector["text"])
        return
    exactly = pytest.approx(float(vector["tai"]), rel=0, abs=vector.get("tol", 0))
    assert parse_time(vector["text"]) == exactly
    assert values.tolist() == [exactly]


def check_printing(vector: dict) -> None:
    tai, zone, precision = float(vector["tai"]), vector["unit"], vector["precision"]
    assert format_time(tai, zone, precision) == vector["printed"]
    assert format_times([tai], zone, precision).tolist() == [vector["printed"].encode()]


def check_slot(vector: dict) -> None:
    constants = [
        Keyword(f"K_{name}", KeywordType.STRING, Scope.CONSTANT, default=vector[name])
        for name in ("epoch", "step", "unit", "base", "round")
        if name in vector
    ]
    key = Keyword("K", KeywordType(vector["type"]), Scope(vector["recscope"]))
    definition = SeriesDefinition("test.slots", keywords=(key, *constants), prime_keys=("K",))
    slots = slotting(definition, key)
    value = float(vector["t"])
    assert slots.index(value) == vector["index"]
    assert slots.indices([value]).tolist() == [vector["index"]]


CHECKS = {"parse": check_parsing, "print": check_printing, "slot": check_slot}
