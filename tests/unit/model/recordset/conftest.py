"""The series of the vectors, and short ways to bind a query to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from drmsmirror.errors import RecordSetError, UnknownSeriesError
from drmsmirror.model.recordset import BoundSet, Condition, Span, bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import definition_from_struct

VECTORS = Path(__file__).parents[3] / "vectors"


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Where the conformance corpus lies."""
    return VECTORS


@pytest.fixture(scope="session")
def definition_of() -> Callable[[str], SeriesDefinition]:
    """The series of the corpus by name, without regard to case."""
    known = {
        path.stem.lower(): definition_from_struct(path.stem, json.loads(path.read_text()))
        for path in (VECTORS / "series").glob("*.json")
    }

    def find(name: str) -> SeriesDefinition:
        if name.lower() not in known:
            raise UnknownSeriesError(f"There is no series {name}")
        return known[name.lower()]

    return find


@pytest.fixture
def bound(definition_of) -> Callable[[str], BoundSet]:
    """Bind a query of one set."""

    def bind_one(query: str) -> BoundSet:
        (one,) = bind(parse_recordset(query), definition_of).sets
        return one

    return bind_one


@pytest.fixture
def conditions(bound) -> Callable[[str], tuple[Condition, ...]]:
    """Bind a query of one set and give its conditions."""
    return lambda query: bound(query).conditions


@pytest.fixture
def spans(conditions) -> Callable[[str], tuple[Span, ...]]:
    """Bind a query with one condition and give its spans."""

    def spans_of(query: str) -> tuple[Span, ...]:
        (condition,) = conditions(query)
        return condition.spans

    return spans_of


@pytest.fixture
def refused(definition_of) -> Callable[[str], RecordSetError]:
    """Bind a query that is wrong and give the error."""

    def error_of(query: str) -> RecordSetError:
        with pytest.raises(RecordSetError) as caught:
            bind(parse_recordset(query), definition_of)
        assert caught.value.query == query
        return caught.value

    return error_of
