"""Bodies: their form, the words for what is missing, errors, the row cap."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.jsoc import SampleJsoc

from .asking import body_of, column, info

DAY = "hmi.sharp_720s[4315][2014.07.05_TAI/1d]"


def shape(body: str) -> str:
    """A body with its values taken out: what is left is order, spacing, quotes."""
    body = re.sub(r'"values":\[[^\]]*\]', '"values":[]', body)
    body = re.sub(r'"runtime":[-\d.e]+', '"runtime":0', body)
    return re.sub(r'"count":\d+', '"count":0', body)


def test_a_day_of_harp_4315_has_120_records(jsoc: SampleJsoc) -> None:
    assert info(jsoc, "rs_summary", DAY)["count"] == 120
    assert len(column(jsoc, DAY, "T_REC")) == 120


def test_rs_list_has_the_form_of_recorded_answers(jsoc: SampleJsoc, recorded: Path) -> None:
    name = "hmi_sharp_720s_nrt[10001].html"
    theirs = (recorded / "sample" / "1715300813" / name).read_text(encoding="ascii")
    keys = [k["name"] for k in json.loads(theirs)["keywords"]]
    ours = body_of(jsoc, "jsoc_info", op="rs_list", ds=DAY, key=",".join(keys)).decode("ascii")
    assert shape(ours) == shape(theirs)
    patterns = [re.sub(r"\d", "9", k["values"][0]) for k in json.loads(theirs)["keywords"]]
    printed = [[re.sub(r"\d", "9", v) for v in k["values"]] for k in json.loads(ours)["keywords"]]
    assert [p in values for p, values in zip(patterns, printed, strict=True)].count(False) <= 1


def test_no_records_has_the_recorded_form(jsoc: SampleJsoc, recorded: Path) -> None:
    theirs = (recorded / "errors" / "count0.json").read_text(encoding="ascii")
    ours = body_of(jsoc, "jsoc_info", op="rs_list", ds="hmi.M_45s[1990.01.01_TAI]", key="T_REC")
    assert shape(ours.decode("ascii")) == shape(theirs)


def test_keys_are_echoed_as_asked_and_answered_in_any_case(jsoc: SampleJsoc) -> None:
    answer = info(
        jsoc, "rs_list", DAY, n=1, key="t_rec,T_REC_index,BUNIT[0],BUNIT_000,bunit,NOSUCH,usflux"
    )
    found = {k["name"]: k["values"][0] for k in answer["keywords"]}
    assert found.pop("usflux")
    assert found == {
        "t_rec": "2014.07.05_00:00:00_TAI",
        "T_REC_index": "942600",
        "BUNIT[0]": "Mx/cm^2",
        "BUNIT_000": "Mx/cm^2",
        "bunit": "Mx/cm^2",
        "NOSUCH": "Invalid KeyLink",
    }


def test_special_keys(jsoc: SampleJsoc) -> None:
    keys = "*recnum*,*sunum*,*size*,*online*,*retain*,*archive*,*recdir*,*logdir*,*dirmtime*,*spec*"
    answer = info(jsoc, "rs_list", DAY, key=keys)
    found = {k["name"]: k["values"] for k in answer["keywords"]}
    assert list(found) == keys.split(",")
    assert all(isinstance(v, int) for name in ("*recnum*", "*sunum*") for v in found[name])
    assert all(isinstance(v, str) for name in keys.split(",")[2:] for v in found[name])
    assert set(found["*online*"]) == {"Y", "N"}
    assert found["*spec*"][0] == "hmi.sharp_720s[4315][2014.07.05_00:00:00_TAI]"
    offline = found["*online*"].index("N")
    assert found["*recdir*"][offline] == "NoDataDirectory"
    assert found["*retain*"][offline] == "N/A"


def test_all_means_every_keyword_but_implicit_ones(jsoc: SampleJsoc) -> None:
    names = [k["name"] for k in info(jsoc, "rs_list", DAY, n=1, key="**ALL**,*recnum*")["keywords"]]
    assert names[-1] == "*recnum*"
    assert {"T_REC", "T_REC_epoch", "TKP_KWID", "BUNIT_000", "BUNIT_030", "DATE-OBS"} <= set(names)
    assert not [n for n in names if n.startswith("cparms") or n.endswith(("_index", "_bzero"))]
    struct = [k["name"] for k in info(jsoc, "series_struct", "hmi.sharp_720s")["keywords"]]
    ranks = [struct.index(n if n in struct else n[:-4]) for n in names[:-1]]
    assert ranks == sorted(ranks)
    assert "T_REC_index" in struct
    assert "cparms_sg000" in struct


def test_missing_values_are_the_word_except_in_quality(jsoc: SampleJsoc) -> None:
    ds = "hmi.sharp_720s[? QUALITY < 0 ?]"
    assert set(column(jsoc, ds, "USFLUX")) == {"MISSING"}
    words = column(jsoc, "hmi.sharp_720s[? QUALITY = -2147483648 ?]", "QUALITY")
    assert set(words) == {"0x80000000"}
    lower = column(jsoc, "hmi.sharp_720s[? QUALITY = -2147483648 ?]", "quality")
    assert set(lower) == {"MISSING"}
    assert set(column(jsoc, "hmi.sharp_720s[? NOAA_ARS = '' ?]", "NOAA_ARS")) == {"MISSING"}


def test_print_formats(jsoc: SampleJsoc) -> None:
    wanted = {
        "USFLUX": r"-?\d\.\d{6}e\+\d\d",
        "MEANGAM": r"-?\d+\.\d{3}",
        "MEANJZH": r"-?\d+\.\d{8}",
        "QUALITY": r"0x[0-9A-F]{8}",
        "DATE__OBS": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\dZ",
    }
    for key, pattern in wanted.items():
        values = [v for v in column(jsoc, DAY, key) if v != "MISSING"]
        assert values
        assert all(re.fullmatch(pattern, v) for v in values), key


def test_segments_links_and_recinfo(jsoc: SampleJsoc) -> None:
    ds = "hmi.sharp_720s[4315][2014.07.05_TAI/1d]{magnetogram}"
    answer = info(jsoc, "rs_list", ds, seg="magnetogram,bitmap,nosuch", link="MHARP,nosuch", R=1)
    assert list(answer) == [
        *("recinfo", "keywords", "segments", "links", "count", "runtime", "status"),
    ]
    first, second, third = answer["segments"]
    assert list(first) == ["name", "values", "dims", "cparms", "bzeros", "bscales"]
    files = set(first["values"])
    assert "NoDataDirectory" in files
    assert any(re.fullmatch(r"/SUM\d+/D\d+/S\d{5}/magnetogram\.fits", f) for f in files)
    assert set(second["values"]) == set(third["values"]) == {"InvalidSegName"}
    assert set(third["dims"]) == {"NA"}
    mharp, nosuch = answer["links"]
    assert mharp["values"][0] == "hmi.Mharp_720s[4315][2014.07.05_00:00:00_TAI]"
    assert set(nosuch["values"]) == {"Invalid_Link"}
    assert answer["recinfo"][0]["name"] == "hmi.sharp_720s[4315][2014.07.05_00:00:00_TAI]"
    assert {r["online"] for r in answer["recinfo"]} <= {0, 1}


def test_series_struct(jsoc: SampleJsoc) -> None:
    body = body_of(jsoc, "jsoc_info", op="series_struct", ds="HMI.SHARP_720S[377]").decode("ascii")
    assert ": " not in re.sub(r'"(?:[^"\\]|\\.)*"', '""', body)
    struct = json.loads(body)
    assert list(struct) == [
        *("note", "retention", "stagingretention", "unitsize", "archive", "tapegroup"),
        *("primekeys", "primekeysinfo", "dbindex", "keywords", "segments", "links"),
        *("Interval", "runtime", "status"),
    ]
    assert struct["primekeysinfo"] == [
        {"name": "HARPNUM", "slotted": 0},
        {"name": "T_REC", "slotted": 1, "step": "720.0"},
    ]
    assert len(struct["segments"]) == 31
    assert list(struct["Interval"]) == [
        *("FirstRecord", "FirstRecnum", "LastRecord", "LastRecnum", "MaxRecnum"),
    ]
    assert "owner" in info(jsoc, "series_struct", "hmi.sharp_720s", o=1)
    assert "x_formats" not in body


@pytest.mark.parametrize(
    ("ds", "status", "text"),
    [
        ("hmi.M_45s[", 4, r"Command '.*drms_parserecset spec=hmi\.M_45s\[' returned non-zero"),
        ("{prog:x}", 4, r"drms_parserecset"),
        ("hmi.M_45s[garbage]", 1, r"^ jsoc_info: series not found\.$"),
        ("hmi.nosuch[1]", 1, r"^ jsoc_info: series not found\.$"),
        ("bob", 4, r"Invalid series name\."),
        ("hmi.M_45s[? NOSUCH=1 ?]", 1, r'column "nosuch" does not exist'),
        ("hmi.M_45s[? substr(HISTORY,1,1)='a' ?]", 4, r"drms_parserecset"),
    ],
)
def test_errors_are_http_200(jsoc: SampleJsoc, ds: str, status: int, text: str) -> None:
    jsoc.clear_requests()
    answer = info(jsoc, "rs_list", ds, key="T_REC")
    assert answer["status"] == status
    assert re.search(text, answer["error"])
    assert jsoc.requests[-1].status == 200
    assert jsoc.requests[-1].refusal


def test_wrapper_errors_have_the_recorded_form(jsoc: SampleJsoc, recorded: Path) -> None:
    theirs = (recorded / "errors" / "error_03.json").read_text(encoding="ascii")
    ours = body_of(jsoc, "jsoc_info", op="rs_list", ds="hmi.M_45s[", key="T_REC").decode("ascii")

    def general(text: str) -> str:
        return re.sub(r"'/home/\S+/drms_parserecset spec=[^']*'", "COMMAND", text)

    assert general(ours) == general(theirs)


def test_row_cap(jsoc: SampleJsoc) -> None:
    series = jsoc.series("hmi.sharp_720s")
    rows = int(series.latest.sum())
    with SampleJsoc([series], row_cap=rows) as capped:
        full = info(capped, "rs_list", "hmi.sharp_720s", key="T_REC")
        assert full == {"status": 1, "error": " jsoc_info: series not found."}
        assert info(capped, "rs_list", "hmi.sharp_720s", key="T_REC", n=rows - 1)["status"] == 0
        assert info(capped, "rs_summary", "hmi.sharp_720s")["count"] == rows
    with SampleJsoc([series], row_cap=rows + 1) as roomy:
        assert info(roomy, "rs_list", "hmi.sharp_720s", key="T_REC")["count"] == rows


def test_default_row_cap_falls_with_the_width(jsoc: SampleJsoc) -> None:
    wide, narrow = jsoc.series("hmi.sharp_720s"), jsoc.series("iris.lev1")
    assert 15_000 < jsoc.cap_of(wide) < jsoc.cap_of(narrow) == 75_000


def test_lists_of_series(jsoc: SampleJsoc) -> None:
    answer = json.loads(body_of(jsoc, "show_series", filter="m_45"))
    assert answer["names"] == [
        {
            "name": "hmi.M_45s",
            "primekeys": "T_REC, CAMERA",
            "note": "magnetograms with a cadence of 45 seconds.",
        }
    ]
    assert (answer["status"], answer["n"]) == (0, 1)
    assert json.loads(body_of(jsoc, "show_series", filter="nosuch")) == {
        "status": 0,
        "names": [],
        "n": 0,
    }
    others = json.loads(body_of(jsoc, "show_series", filter="NOT ^hmi"))
    assert not [n for n in others["names"] if n["name"].startswith("hmi")]
    assert "seriesList" not in json.loads(body_of(jsoc, "showextseries"))
    listed = json.loads(body_of(jsoc, "showextseries", dbhost="hmidb2", filter="iris", info="1"))
    assert listed == {"errMsg": "", "seriesList": [{"iris.lev1": {"description": "IRIS Level 1"}}]}


def test_post_is_get(jsoc: SampleJsoc) -> None:
    params = {"op": "rs_summary", "ds": DAY}
    assert shape(body_of(jsoc, "jsoc_info", "POST", **params).decode()) == shape(
        body_of(jsoc, "jsoc_info", **params).decode()
    )


def test_full_precision(jsoc: SampleJsoc) -> None:
    exact = column(jsoc, DAY, "MEANGAM", M=1)
    assert any(len(v.replace(".", "")) > 6 for v in exact)
    assert column(jsoc, DAY, "QUALITY", M=1)[0].lstrip("-").isdigit()
