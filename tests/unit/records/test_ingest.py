"""Text in, text out: what the upstream printed comes back letter for letter."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.records import (
    StoredRows,
    harvest_keys,
    merge,
    plan_keys,
    select_records,
    type_records,
)

from .conftest import (
    SERIES,
    VECTORS,
    definition_of,
    everything,
    records_of,
    texts_of,
    without_formats,
)


def printed_back(table, codecs) -> dict[str, list]:
    """Every stored keyword of every latest record, as printed, by key."""
    definition = table.definition
    plan = plan_keys(definition, harvest_keys(definition))
    answer: dict[str, list] = {key: [] for key in plan.keys}
    for batch in select_records(table, everything(definition), plan.columns):
        for key, values in StoredRows(plan, batch, codecs).items():
            answer[key] += values
    return answer


def latest_texts(name: str) -> dict[str, list]:
    """What the upstream prints of the latest versions, in its order."""
    from tests.jsoc.parquet import read_series

    series = read_series(VECTORS, name)
    rows = series.order[series.latest[series.order]]
    return texts_of(name).take(pa.array(rows)).to_pydict()


def same_cell(one: object, other: object) -> bool:
    return one == other or (one != one and other != other)


@pytest.mark.parametrize("name", SERIES)
def test_typed_values_of_every_keyword_type_come_back_as_they_were(name, make_table) -> None:
    table = make_table(name)
    rows = records_of(name)
    merge(table, rows, run=1, generation=1)
    columns = ["recnum", "sunum", *(column.name for column in table.definition.columns)]
    found = {
        row["recnum"]: row
        for batch in select_records(table, everything(table.definition), columns)
        for row in batch.to_pylist()
    }
    given = {row["recnum"]: row for row in rows.select(columns).to_pylist()}
    assert found
    for recnum, row in found.items():
        wrong = [n for n in columns if not same_cell(row[n], given[recnum][n])]
        assert wrong == []


@pytest.mark.parametrize("known_formats", [True, False], ids=["declared", "learnt"])
@pytest.mark.parametrize("name", SERIES)
def test_texts_come_back_letter_for_letter(name, known_formats, make_table) -> None:
    definition = definition_of(name)
    definition = definition if known_formats else without_formats(definition)
    table = make_table(definition)
    typed = type_records(definition, texts_of(name), {})
    merge(table, typed.rows, run=1, generation=1)
    expected = latest_texts(name)
    found = printed_back(table, typed.codecs)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("name", SERIES)
def test_formats_learnt_window_by_window_still_print_every_letter(name, make_table) -> None:
    definition = without_formats(definition_of(name))
    table, codecs = make_table(definition), {}
    texts = texts_of(name)
    for run, start in enumerate(range(0, texts.num_rows, 150), start=1):
        typed = type_records(definition, texts.slice(start, 150), codecs)
        codecs = typed.codecs
        merge(table, typed.rows, run=run, generation=1)
    expected = latest_texts(name)
    found = printed_back(table, codecs)
    assert {key: found[key] for key in expected} == expected


ODD = SeriesDefinition(
    "test.odd",
    keywords=(
        Keyword("N", KeywordType.INT, format="%d"),
        Keyword("F", KeywordType.FLOAT, format="%.3f"),
        Keyword("FLAGS", KeywordType.INT, format="0x%08X"),
        Keyword("T", KeywordType.TIME, units="TAI", format="0"),
        Keyword("S", KeywordType.STRING),
    ),
    prime_keys=("N",),
)
ODD_TEXTS = {
    "*recnum*": pa.array([1, 2, 3, 4]),
    "N": ["1", "2", "3", "4"],
    "F": ["1.250", "1.25", "-nan", "MISSING"],
    "FLAGS": ["0x00000400", "0x80000000", "1024", "MISSING"],
    "T": ["2010.05.01_00:00:00_TAI", "2010.05.01", "MISSING", "1993.02.29_00:00:00_TAI"],
    "S": ["", "MISSING", 'with "quotes", commas\nand \u2603', "nan"],
}


def test_a_text_that_its_format_does_not_print_is_kept_as_it_came(make_table) -> None:
    table = make_table(ODD)
    typed = type_records(ODD, pa.table(ODD_TEXTS), {})
    merge(table, typed.rows, run=1, generation=1)
    found = printed_back(table, typed.codecs)
    assert {key: found[key] for key in ("F", "FLAGS", "T", "S")} == {
        key: ODD_TEXTS[key] for key in ("F", "FLAGS", "T", "S")
    }


def test_only_what_does_not_print_back_is_kept_as_text(make_table) -> None:
    typed = type_records(ODD, pa.table(ODD_TEXTS), {})
    kept = [json.loads(text) if text else {} for text in typed.rows["_text"].to_pylist()]
    assert [sorted(one) for one in kept] == [["s"], ["f", "flags", "t"], ["f", "flags"], ["t"]]


def test_a_null_is_missing_and_a_keyword_that_was_not_given_stays_null() -> None:
    given = pa.table({"*recnum*": pa.array([1]), "N": ["5"], "F": pa.array([None], pa.string())})
    typed = type_records(ODD, given, {})
    row = typed.rows.to_pylist()[0]
    assert np.isnan(row["f"])
    assert row["flags"] is None
    assert typed.columns == {"n", "f"}


def test_keys_that_are_no_keyword_are_ignored() -> None:
    given = pa.table({"*recnum*": pa.array([1]), "N": ["5"], "NONESUCH": ["1"]})
    assert type_records(ODD, given, {}).rows.column_names == [
        "recnum", "sunum", "slotnum", "n", "f", "flags", "t", "s", "_text",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["hmi.M_45s", "aia.lev1", "test.carr", "mdi.fd_M_96m_lev182"])
def test_slot_indices_follow_from_the_values_where_they_are_not_given(name) -> None:
    definition, given = definition_of(name), records_of(name)
    slots = [column for column in definition.internal_prime_keys if column.endswith("_index")]
    assert slots
    bare = given.drop_columns([*slots, "_text"])
    typed = type_records(definition, bare, {}).rows
    for slot in slots:
        assert typed[slot].to_pylist() == given[slot].to_pylist()


@pytest.mark.parametrize("name", SERIES)
def test_no_keys_can_be_asked_for_beyond_those_of_the_series(name) -> None:
    definition = definition_of(name)
    keys = harvest_keys(definition)
    assert keys[:2] == ("*recnum*", "*sunum*")
    assert len(set(keys)) == len(keys) == len(definition.columns) + 2
