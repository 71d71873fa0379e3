"""A file of records: what its values mean, and what is wrong with one that is none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drmsmirror.errors import ImportDataError
from drmsmirror.model.codecs import MISSING_TEXT
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.sync.recordfile import RecordFile

SERIES = SeriesDefinition(
    "test.times",
    keywords=(
        Keyword("N", KeywordType.INT),
        Keyword("T_OBS", KeywordType.TIME, units="TAI"),
    ),
    prime_keys=("N",),
)
NOON = "2014.07.05_12:00:00_TAI"


def times(folder: Path, *texts: str) -> list[str | float | None]:
    """What is read of a column of times."""
    rows = [f"{number},{text}" for number, text in enumerate(texts)]
    file = folder / "records.csv"
    file.write_text("\n".join(["N,T_OBS", *rows]) + "\n")
    (chunk,) = RecordFile.open(SERIES, file).chunks()
    read: list[str | float | None] = chunk.rows["T_OBS"].to_pylist()
    return read


@pytest.mark.parametrize(
    "missing",
    [
        "",
        "MISSING",
        "-211087684832.184",
        "-2.11087684832184e+11",
        "-211087684832",
        "-4712.01.01_12:00:00_TT",
        "-4712.01.01_11:59:27.816_TAI",
        "-4712.01.01_11:59:28_TAI",
        "-4712.01.01_11:59_UTC",
        "-4712.01.01_TAI",
        "-4712-01-01T11:59:28Z",
    ],
)
def test_a_missing_time_is_missing_however_it_is_written(missing: str, tmp_path: Path) -> None:
    assert times(tmp_path, NOON, missing) == [NOON, MISSING_TEXT]
    assert times(tmp_path, missing, NOON) == [MISSING_TEXT, NOON]
    assert times(tmp_path, missing, "1183636800") == [None, 1183636800.0]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "is no recorded answer to rs_list: it is empty"),
        ("{", "is no recorded answer to rs_list: it is no JSON"),
        ("<html>", "is no recorded answer to rs_list: it is a web page"),
        ('{"some": "thing"}', "rs_list: its status is None"),
        ('{"keywords": [{"name": "N"}], "status": 0}', "rs_list: its count is None"),
        (
            '{"keywords": [{"name": "N", "values": ["1"]}], "count": 2, "status": 0}',
            "rs_list: N has 1 values for 2 records",
        ),
        (
            '{"status": 1, "error": "series not found"}',
            "holds no records, but a complaint of the server: 'series not found'",
        ),
    ],
)
def test_a_file_that_is_no_recorded_answer_is_told_with_what_is_wrong_with_it(
    content: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(content)

    with pytest.raises(ImportDataError) as caught:
        RecordFile.open(SERIES, file)

    assert problem in str(caught.value)
    assert str(file) in str(caught.value)
    assert "later" not in str(caught.value)


def test_a_time_long_ago_is_a_time(tmp_path: Path) -> None:
    assert times(tmp_path, "-4712.01.04_TAI", "-0001.01.01_TAI") == [
        "-4712.01.04_TAI",
        "-0001.01.01_TAI",
    ]
    assert times(tmp_path, "-211087000000.0", "-5") == [-211087000000.0, -5.0]


def test_a_number_among_dates_is_refused_unless_it_is_the_missing_one(tmp_path: Path) -> None:
    with pytest.raises(ImportDataError, match=r"record 2: T_OBS is '-5', which is no DRMS time"):
        times(tmp_path, NOON, "-5")


@pytest.mark.parametrize("header", ["N,T_OBS,T_OBS", "N,T_OBS,t_obs", "N,OTHER,OTHER"])
def test_a_column_that_stands_twice_is_refused(header: str, tmp_path: Path) -> None:
    file = tmp_path / "twice.csv"
    file.write_text(f"{header}\n1{',a' * header.count(',')}\n")
    with pytest.raises(ImportDataError, match="Two columns are named"):
        RecordFile.open(SERIES, file)


def test_a_file_of_a_header_alone_holds_no_records(tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_text("N,T_OBS\n")
    opened = RecordFile.open(SERIES, file)
    assert (opened.rows, opened.names) == (0, {"N": "N", "T_OBS": "T_OBS"})


TYPED = SeriesDefinition(
    "test.typed",
    keywords=(
        Keyword("N", KeywordType.INT),
        Keyword("FLAGS", KeywordType.INT, format="0x%08X"),
        Keyword("LEARNT", KeywordType.SHORT),
        Keyword("LONG", KeywordType.LONGLONG, format="%llx"),
        Keyword("F", KeywordType.FLOAT),
        Keyword("T", KeywordType.TIME, units="TAI"),
        Keyword("S", KeywordType.STRING),
    ),
    prime_keys=("N",),
)


def typed(folder: Path, key: str, values: pa.Array) -> pa.Array:
    """What is read of a typed column."""
    file = folder / "typed.parquet"
    pq.write_table(pa.table({"N": pa.array(range(len(values)))} | {key: values}), file)
    (chunk,) = RecordFile.open(TYPED, file, {"LEARNT": "%#x"}).chunks()
    return chunk.rows[key].combine_chunks()


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("FLAGS", pa.array([2**31 + 1, 2**32 - 1, None, 5, -1]), [1 - 2**31, -1, None, 5, -1]),
        ("FLAGS", pa.array([float(2**31), 1.0]), [-(2**31), 1]),
        ("LEARNT", pa.array([2**16 - 1, 2**15], pa.uint16()), [-1, -(2**15)]),
        ("LONG", pa.array([2**64 - 1], pa.uint64()), [-1]),
        ("F", pa.array([20000001, None]), [20000000.0, None]),
        ("F", pa.array([Decimal("1.50"), None]), [1.5, None]),
        ("T", pa.array([60, None]), [60.0, None]),
        ("S", pa.array([60, None]), ["60", None]),
        ("N", pa.array([7, 8]).dictionary_encode(), [7, 8]),
    ],
)  # fmt: skip
def test_typed_values_are_those_of_the_keyword(
    key: str, values: pa.Array, expected: list[object], tmp_path: Path
) -> None:
    assert typed(tmp_path, key, values).to_pylist() == expected


@pytest.mark.parametrize(
    ("key", "values", "problem"),
    [
        ("N", pa.array([1, 2**31]), "record 2: N is 2147483648, which is no int32; bits are"),
        ("N", pa.array([1, 2**40]), "record 2: N is 1099511627776, which is no int32$"),
        ("N", pa.array([1, 0.5]), "record 2: N is 0.5, which is no int32$"),
        ("FLAGS", pa.array([0, 2**32]), "record 2: FLAGS is 4294967296, which is no int32$"),
        ("FLAGS", pa.array([0, -(2**31) - 1]), "record 2: FLAGS is -2147483649, which is no"),
        ("F", pa.array([1.0, 1e300]), r"record 2: F is 1e\+300, which is no float"),
        ("T", pa.array([None, 5], pa.timestamp("s")), "record 2: T is datetime.*no double"),
        ("S", pa.array([None, [5]]), r"record 2: S is \[5\], which is no string"),
        ("recnum", pa.array([1, 0.5]), "record 2: recnum is 0.5, which is no int64"),
    ],
)
def test_a_typed_value_that_the_keyword_cannot_hold_is_named_with_its_place(
    key: str, values: pa.Array, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ImportDataError, match=problem):
        typed(tmp_path, key, values)
