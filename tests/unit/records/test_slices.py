"""Large answers are sorted slice by slice, and the slices are the whole in order."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.records import connect, merge, select, select_records, slices, type_records
from tests.unit.records.conftest import SMALL

KEYS = {
    "few values": [n % 3 for n in range(60)],
    "all different": [59 - n for n in range(60)],
    "one value": [7] * 60,
}


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_slices_are_disjoint_and_ascending_and_leave_nothing_out(keys, monkeypatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 10)
    with connect() as connection:
        connection.register("given", pa.table({"k": keys}))
        found = [
            [key for (key,) in connection.execute(f"SELECT k FROM given WHERE {part}").fetchall()]
            for part in slices.slices(connection, "given", "k")
        ]
    filled = [part for part in found if part]
    assert sorted(key for part in filled for key in part) == sorted(keys)
    assert all(max(low) < min(high) for low, high in itertools.pairwise(filled))
    assert len(filled) == min(6, len(set(keys)))


def test_a_sliced_answer_is_the_answer(small_table, monkeypatch) -> None:
    rows = {
        "recnum": list(range(60)),
        "N": [n % 7 for n in range(60)],
        "X": [float("nan") if n % 11 == 0 else n / 8 for n in range(60)],
        "VALUE": [0.5] * 60,
        "NAME": ["b" if n % 2 else "a" for n in range(60)],
    }
    merge(small_table, type_records(SMALL, pa.table(rows), {}).rows, run=1, generation=1)
    (everything,) = bind(parse_recordset(SMALL.name), lambda _: SMALL).sets
    whole = pa.Table.from_batches(select_records(small_table, everything, ["recnum"]))
    monkeypatch.setattr(slices, "SLICE", 10)
    monkeypatch.setattr(select, "SLICE", 10)
    sliced = pa.Table.from_batches(select_records(small_table, everything, ["recnum"]))
    assert sliced.equals(whole)
    assert whole.num_rows == 60
