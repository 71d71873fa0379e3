"""What ``query`` writes: every form but the table holds one batch at a time."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from weakref import WeakSet

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drmsmirror.cli.query import _write
from drmsmirror.client import Answer, Source
from drmsmirror.client.batches import PrintedRows
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType

DEFINITION = SeriesDefinition(
    "test.made",
    keywords=(
        Keyword("NAME", KeywordType.STRING),
        Keyword("MASK", KeywordType.INT, units="none"),
        Keyword("FLUX", KeywordType.FLOAT, units="Mx"),
    ),
)
KEYS = ("NAME", "MASK", "FLUX", "*recnum*")
ROWS = 500


class Batch(PrintedRows):
    """Some rows, of which it can be told whether they are still there."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def made(number: int) -> Batch:
    numbers = range(number * ROWS, (number + 1) * ROWS)
    return Batch(
        {
            "NAME": [f"n{row}" for row in numbers],
            "MASK": [f"0x{row:08X}" if row % 2 else "MISSING" for row in numbers],
            "FLUX": [f"{row * 1e20:e}" for row in numbers],
            "*recnum*": list(numbers),
        }
    )


def answer_of(batches: Iterator[Batch]) -> Answer:
    return Answer(DEFINITION, KEYS, batches, Source.LOCAL, True, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("form", ["csv", "json", "parquet", "arrow"])
def test_one_batch_is_held_at_a_time(form: str) -> None:
    stream = io.BytesIO()
    alive: WeakSet[Batch] = WeakSet()
    written, held, most_arrow = [], [], 0
    before = pa.total_allocated_bytes()

    def batches() -> Iterator[Batch]:
        nonlocal most_arrow
        for number in range(20):
            written.append(stream.tell())
            held.append(len(alive))
            most_arrow = max(most_arrow, pa.total_allocated_bytes() - before)
            batch = made(number)
            alive.add(batch)
            yield batch
            del batch

    assert _write(answer_of(batches()), form, stream) == 20 * ROWS
    assert max(held) <= 1
    growth = [after - before for before, after in itertools.pairwise(written[1:])]
    assert min(growth) > ROWS  # what was read before is written when more is read
    assert most_arrow < 20 * ROWS * 8


def test_every_form_has_the_same_content() -> None:
    written = {}
    for form in ("csv", "json", "parquet", "arrow"):
        stream = io.BytesIO()
        _write(answer_of(iter([made(0), made(1)])), form, stream)
        written[form] = stream.getvalue()
    table = pa.ipc.open_stream(written["arrow"]).read_all()
    rows = list(csv.DictReader(io.StringIO(written["csv"].decode())))
    assert [
        {**row, "*recnum*": str(row["*recnum*"])} for row in json.loads(written["json"])
    ] == rows
    assert table.equals(pq.read_table(io.BytesIO(written["parquet"])))
    assert table["MASK"].to_pylist() == [row if row % 2 else None for row in range(2 * ROWS)]
    assert table["NAME"].to_pylist() == [row["NAME"] for row in rows]
    assert table.schema.field("FLUX").metadata == {b"type": b"float", b"units": b"Mx"}


@pytest.mark.parametrize("form", ["csv", "json", "parquet", "arrow"])
def test_no_records_can_be_read_as_such(form: str) -> None:
    stream = io.BytesIO()
    assert _write(answer_of(iter([])), form, stream) == 0
    if form == "json":
        assert json.loads(stream.getvalue()) == []
    elif form == "csv":
        assert stream.getvalue().decode() == ",".join(KEYS) + "\n"
    else:
        stream.seek(0)
        read = pq.read_table if form == "parquet" else lambda s: pa.ipc.open_stream(s).read_all()
        table = read(stream)
        assert (table.num_rows, table.column_names) == (0, list(KEYS))
