"""Where files are: on disk, on tape, gone, moved; and records without a file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jsoc import SampleJsoc

from .asking import info

DAY = "hmi.sharp_720s[4315][2014.07.05_TAI/1h]"
KEYS = "*recnum*,*sunum*,*online*,*size*,*retain*,*archive*,*recdir*"


def listed(jsoc: SampleJsoc, ds: str = DAY, seg: str = "magnetogram") -> list[dict[str, Any]]:
    """One dictionary for each record."""
    answer = info(jsoc, "rs_list", ds, key=KEYS, seg=seg, R=1)
    columns = {k["name"].strip("*"): k["values"] for k in answer["keywords"] + answer["segments"]}
    columns["up"] = [record["online"] for record in answer["recinfo"]]
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


@pytest.fixture
def units(living: SampleJsoc) -> list[int]:
    """The storage units of an hour, all on disk."""
    found = living.sunums("hmi.sharp_720s", "[4315][2014.07.05_TAI/1h]")
    living.bring_online(found)
    return found


def test_a_unit_on_disk_has_a_path(living: SampleJsoc, units: list[int]) -> None:
    for record in listed(living):
        assert record["sunum"] in units
        assert record["online"] == "Y"
        assert record["up"] == 1
        assert record["archive"] == "Y"
        assert record["retain"] == "2030.12.31"
        assert int(record["size"]) > 0
        assert record["magnetogram"] == f"{record['recdir']}/magnetogram.fits"
        assert f"/D{record['sunum']}/S" in record["recdir"]


def test_a_unit_on_tape_has_none(living: SampleJsoc, units: list[int]) -> None:
    living.take_offline(units[:2])
    living.lose(units[2:3])
    first, second, third, *others = sorted(listed(living), key=lambda record: record["sunum"])
    for record in (first, second, third):
        assert (record["online"], record["up"], record["retain"]) == ("N", 0, "N/A")
        assert record["recdir"] == record["magnetogram"] == "NoDataDirectory"
    assert [record["archive"] for record in (first, second, third)] == ["Y", "Y", "N"]
    assert {record["online"] for record in others} == {"Y"}


def test_a_unit_that_comes_back_lies_elsewhere(living: SampleJsoc, units: list[int]) -> None:
    before = {r["sunum"]: r["recdir"] for r in listed(living)}
    living.take_offline(units[:1])
    living.bring_online(units[:1])
    living.restage(units[1:2], 5)
    after = {r["sunum"]: r["recdir"] for r in listed(living)}
    assert after[units[0]] != before[units[0]]
    assert after[units[1]].startswith(f"/SUM5/D{units[1]}/")
    assert {n for n in units if after[n] != before[n]} == set(units[:2])


def test_a_record_without_a_file_has_only_the_directory(
    living: SampleJsoc, units: list[int]
) -> None:
    first, *others = listed(living)
    living.name_file("hmi.sharp_720s", first["recnum"], "magnetogram", "")
    now, *rest = listed(living)
    assert now["magnetogram"] == f"{first['recdir']}/"
    assert int(now["size"]) < int(first["size"])
    assert rest == others
    living.name_file("hmi.sharp_720s", first["recnum"], "magnetogram", "m.fits")
    assert listed(living)[0]["magnetogram"] == f"{first['recdir']}/m.fits"


def test_records_without_a_unit_have_no_answer(living: SampleJsoc) -> None:
    series = living.series("hmi.M_45s")
    series.columns["sunum"][:] = -1
    (record,) = listed(living, "hmi.M_45s", "magnetogram")[:1]
    assert {record[k] for k in ("online", "size", "retain", "archive")} == {"NA"}
    assert record["recdir"] == record["magnetogram"] == "NoDataDirectory"


def test_the_sign_of_being_online_follows_the_segments_asked_for(
    living: SampleJsoc, units: list[int]
) -> None:
    assert {r["online"] for r in info(living, "rs_list", DAY, key="T_REC", R=1)["recinfo"]} == {0}
    assert {r["up"] for r in listed(living, seg="nosuch")} == {0}
    assert {r["up"] for r in listed(living, f"{DAY}{{magnetogram}}", "**ALL**")} == {1}


def test_units_of_different_series_are_different(jsoc: SampleJsoc) -> None:
    seen: dict[int, str] = {}
    for series in jsoc.all_series():
        for sunum in set(series.columns["sunum"].tolist()):
            assert seen.setdefault(sunum, series.definition.name) == series.definition.name
