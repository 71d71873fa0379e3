"""What is asked of a catalogue in which a million files are is found by index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from drmsmirror.catalogue import Catalogue, FailedFile
from drmsmirror.model.segmentfile import SegmentFile

FILES = [SegmentFile("hmi.M_45s", 0, number, "magnetogram") for number in (1, 2, 3)]
#: Indices that are read as far as is wanted, in their order, or have only the few that are wanted.
_OF_FEW = tuple(f"INDEX ix_objects_{name}" for name in ("used_utc_sha256", "leaving", "damaged"))
NAMES = [f"{number:064x}" for number in (1, 2, 3)]
#: By all of its key.
WHOLE_KEY = "(series_key=? AND generation=? AND recnum=? AND segment_key=?"


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """Have a catalogue that knows three files, and one that could not be had."""
    with Catalogue.create(tmp_path_factory.mktemp("plans") / "catalogue.sqlite") as made:
        for file, name in zip(FILES, NAMES, strict=True):
            made.segments.keep(file, name, 10, "magnetogram.fits")
        now = made.database.clock()
        made.segments.fail(SegmentFile("hmi.M_45s", 0, 4, "x"), FailedFile("lost", "", now, now))
        yield made


@contextmanager
def plans(catalogue: Catalogue) -> Iterator[list[str]]:
    """Note how SQLite finds what it is asked for."""
    asked: list[tuple[str, Any]] = []
    found: list[str] = []

    def note(_connection, _cursor, statement: str, parameters: Any, _context, _many) -> None:
        asked.append((statement, parameters))

    event.listen(catalogue.database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(catalogue.database.engine, "before_cursor_execute", note)
    with catalogue.database.read() as connection:
        for statement, parameters in asked:
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                found += [row.detail for row in rows]


def later(catalogue: Catalogue):
    return catalogue.database.clock() + timedelta(days=1)


ASKED: dict[str, Callable[[Catalogue], object]] = {
    "locate": lambda one: one.segments.locate(FILES),
    "use": lambda one: one.segments.use(FILES),
    "failures": lambda one: one.segments.failures(FILES),
    "files of": lambda one: one.segments.files_of(NAMES[0]),
    "known": lambda one: one.segments.known(NAMES),
    "settle": lambda one: one.segments.settle(),
    "leaving": lambda one: one.segments.leaving(),
    "least used": lambda one: one.segments.least_used(
        later(one), most=2, after=one.segments.least_used(later(one), most=1)[-1]
    ),
    "let go": lambda one: one.segments.let_go(NAMES[2:], later(one)),
    "shares": lambda one: one.object_care.shares(later(one)),
    "longest unused": lambda one: one.object_care.longest_unused(),
    "pin": lambda one: one.pins.add("some", FILES),
    "size": lambda one: one.object_care.size_of(NAMES[0]),
}


@pytest.mark.parametrize("name", ASKED)
def test_no_table_that_grows_with_files_is_read_through(name: str, catalogue: Catalogue) -> None:
    with plans(catalogue) as found:
        ASKED[name](catalogue)
    assert found
    through = [
        line
        for line in found
        if line.startswith(("SCAN objects", "SCAN segment_files", "SCAN failed_files"))
        and not line.endswith(_OF_FEW)
    ]
    assert through == []
    assert not any("B-TREE" in line for line in found)


@pytest.mark.parametrize("name", ["locate", "use", "failures", "pin"])
def test_files_are_found_by_all_of_their_key(name: str, catalogue: Catalogue) -> None:
    with plans(catalogue) as found:
        ASKED[name](catalogue)
    assert any(WHOLE_KEY in line for line in found)
