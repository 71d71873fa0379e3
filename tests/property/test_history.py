"""A record table as of each run, over random histories, against lists that are kept for each run.

The model holds what DRMS would show and what it would list of all versions, as plain dictionaries,
and a copy of both is put aside when a run ends.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.records import Period, RecordTable, merge, select_records
from tests.unit.records.conftest import SMALL, small, stored

#: One record as it is read: number, first prime key, value.
Reading = tuple[int, int, int]

readings = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2)),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one[0],
)
#: What happens: a batch is merged, a number is found gone, a run ends, the upstream begins anew.
steps = st.lists(
    st.one_of(readings, st.integers(1, 4), st.just("end"), st.just("generation")),
    min_size=1,
    max_size=14,
)


@dataclass
class Model:
    """Each record by generation and number, as it was read last; None where it is gone."""

    generation: int = 0
    records: dict[tuple[int, int], tuple[int, int] | None] = field(default_factory=dict)

    def read(self, batch: list[Reading]) -> None:
        for number, key, value in batch:
            self.records[self.generation, number] = (key, value)

    def lose(self, number: int) -> None:
        if (self.generation, number) in self.records:
            self.records[self.generation, number] = None

    def latest(self) -> list[tuple[int, int, int]]:
        """Key, number and value of the latest version of each key."""
        found = {}
        for (_, number), read in sorted(self.records.items(), key=lambda one: one[0]):
            if read is not None:
                found[read[0]] = (read[0], number, read[1])
        return sorted(found.values())

    def versions(self) -> list[tuple[int, int, int]]:
        """The same of every number, of the newest generation that issued it."""
        found = {}
        for (_, number), read in sorted(self.records.items(), key=lambda one: one[0]):
            found[number] = read and (read[0], number, read[1])
        return sorted(one for one in found.values() if one)


@contextmanager
def made_table() -> Iterator[RecordTable]:
    with tempfile.TemporaryDirectory() as directory:
        yield RecordTable.create(Path(directory) / "t", SMALL, Period.NONE)


def held_rows(table: RecordTable, generation: int, number: int) -> pa.Table:
    """The rows of a record that is there, as whoever misses it gives them."""
    rows = stored(table)
    there = pc.and_(pc.equal(rows["recnum"], number), pc.equal(rows["_generation"], generation))
    found = rows.filter(pc.and_(there, pc.is_null(rows["_gone_run"])))
    return found.select(["n", "x", "recnum", "_generation", "_latest"])


def listed(table: RecordTable, query: str) -> list[tuple[int, int, int]]:
    (one,) = bind(parse_recordset(f"test.small{query}"), lambda _: SMALL).sets
    rows = [
        row
        for batch in select_records(table, one, ["n", "recnum", "value"])
        for row in batch.to_pylist()
    ]
    return [(row["n"], row["recnum"], round(row["value"])) for row in rows]


@pytest.mark.soak_factor(40)
@settings(max_examples=6, deadline=None)
@given(steps, st.data())
def test_as_of_a_run_the_records_are_as_that_run_left_them(
    steps: list, data: st.DataObject
) -> None:
    run, model, left = 1, Model(), [([], [])]
    with made_table() as table:
        for step in [*steps, "end"]:
            if step == "end":
                left.append((model.latest(), model.versions()))
                run += 1
            elif step == "generation":
                model.generation += 1
            elif isinstance(step, int):
                gone = held_rows(table, model.generation, step)
                merge(table, small(), run=run, generation=model.generation, gone=gone)
                model.lose(step)
            else:
                rows = small(*((n, key, 0.5, float(value), "") for n, key, value in step))
                merge(table, rows, run=run, generation=model.generation)
                model.read(step)
        chosen = data.draw(st.integers(0, run - 1))  # the rest would take long for each
        for number, (latest, versions) in enumerate(left):
            then = table.as_of(number)
            assert listed(then, "[]") == latest
            assert listed(then, "[! 1=1 !]") == versions
            if number != chosen:
                continue
            assert listed(then, "[2]") == [one for one in latest if one[0] == 2]
            assert listed(then, "[][? VALUE > 0 ?]") == [one for one in latest if one[2] > 0]
            assert listed(then, "[$]") == [one for one in latest if one[0] == latest[-1][0]]
            assert listed(then, "[:#2]") == [one for one in versions if one[1] == 2]
        assert listed(table, "[]") == left[-1][0]
