"""A table is cut for the whole series, whatever part of it comes first."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest

from drmsmirror.sync.recordfile import RecordFile
from tests.contract.conftest import stored_definition
from tests.unit.sync.mirrors import Copy

WHOLE = "hmi.M_45s"
HOUR = "hmi.M_45s[2010.05.01_TAI/1h]"


def period(copy: Copy, name: str) -> str | None:
    with copy.open() as mirror:
        return mirror.catalogue.state(name).partition_period


@pytest.mark.parametrize(
    ("year", "recnum", "expected"),
    [(2020, 1_000_000, "none"), (2020, 9_000_000, "year"), (2020, 90_000_000, "month")],
)
@pytest.mark.parametrize("asked", [HOUR, WHOLE])
def test_the_upstreams_records_and_their_times_choose_the_period(
    year, recnum, expected, asked, copy_of
) -> None:
    copy = copy_of(WHOLE, rows=50)
    copy.jsoc.append(WHOLE, {"T_REC": f"{year}.05.01_TAI", "CAMERA": 1, "recnum": recnum})
    copy.sync(asked)
    copy.assert_same(asked)
    assert period(copy, WHOLE) == expected


def test_a_series_without_a_time_axis_is_not_cut(copy_of) -> None:
    copy = copy_of("test.nopk")
    copy.sync("test.nopk[]")
    assert period(copy, "test.nopk") == "none"


# ------------------------------------------------------------------------------ files
TIMES = ["2010.05.02_TAI", "MISSING", "2010.05.01_12:00:00_TAI", "2010.05.04_TAI"]


def _write(path: Path, columns: dict[str, list[object]]) -> Path:
    table = pa.table(columns)
    pa_csv.write_csv(table, path) if path.suffix == ".csv" else pa_parquet.write_table(table, path)
    return path


@pytest.mark.parametrize("name", ["records.csv", "records.parquet"])
def test_a_file_is_as_long_as_its_times_are_apart(name, tmp_path) -> None:
    path = _write(tmp_path / name, {"T_REC": TIMES, "CAMERA": [1, 1, 1, 2]})
    assert RecordFile.open(stored_definition(WHOLE), path).days() == 2.5


def test_a_file_without_any_time_has_no_length(tmp_path) -> None:
    path = _write(tmp_path / "records.csv", {"T_REC": ["", ""], "CAMERA": [1, 2]})
    assert RecordFile.open(stored_definition(WHOLE), path).days() == 0.0


def test_a_file_of_a_series_without_a_time_axis_has_no_length(tmp_path) -> None:
    path = _write(tmp_path / "records.parquet", {"recnum": [1, 2]})
    assert RecordFile.open(stored_definition("test.nopk"), path).days() == 0.0
