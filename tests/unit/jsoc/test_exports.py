"""Export requests: what is refused, the queue, the index, and the files that come of it."""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.jsoc import FaultKind, SampleJsoc, Segment, Series

from .asking import body_of, fetch, info, paths

fits = pytest.importorskip("astropy.io.fits")

HOUR = "hmi.sharp_720s[4315][2014.07.05_TAI/1h]"
ONE = f"{HOUR}{{magnetogram}}"


@pytest.fixture
def units(living: SampleJsoc) -> list[int]:
    """The storage units of an hour, all on disk; every record of it has an image."""
    rows = "[4315][2014.07.05_TAI/1h]"
    living.change_in_place("hmi.sharp_720s", rows, {"QUALITY": 0})
    found = living.sunums("hmi.sharp_720s", rows)
    living.bring_online(found)
    return found


def ask(jsoc: SampleJsoc, ds: str = ONE, **params: Any) -> Any:
    """The JSON of one exp_request."""
    given = {"op": "exp_request", "ds": ds, "notify": "a@b.org", "method": "url", **params}
    return json.loads(fetch(jsoc, f"/cgi-bin/ajax/jsoc_fetch?{urlencode(given)}")[1])


def status(jsoc: SampleJsoc, requestid: str) -> Any:
    """The JSON of one exp_status."""
    return json.loads(body_of(jsoc, "jsoc_fetch", op="exp_status", requestid=requestid))


def finished(jsoc: SampleJsoc, ds: str = ONE, **params: Any) -> Any:
    """The index of a request that has become ready."""
    asked = ask(jsoc, ds, **params)
    assert asked["status"] == 2, asked
    for _ in range(10):
        answer = status(jsoc, asked["requestid"])
        if answer["status"] == "0":
            return answer
        assert answer["status"] in (1, 6), answer
    raise AssertionError(answer)


def files(jsoc: SampleJsoc, index: Any) -> list[bytes]:
    """The bytes of every file of an index."""
    found = [fetch(jsoc, f"{index['dir']}/{row['filename']}") for row in index["data"]]
    assert {response.status for response, _ in found} == {200}
    return [body for _, body in found]


# ---------------------------------------------------------------- at once
def test_files_on_disk_are_given_at_once(living: SampleJsoc, units: list[int]) -> None:
    answer = ask(living, method="url_quick", protocol="as-is")
    assert list(answer) == [
        *("rcount", "count", "size", "dir", "data", "requestid", "method", "protocol"),
        *("wait", "status"),
    ]
    assert (answer["status"], answer["count"], answer["rcount"]) == (0, 5, 5)
    assert (answer["requestid"], answer["dir"], answer["size"]) == ("", "", 1)
    assert [row["filename"] for row in answer["data"]] == paths(living, HOUR)
    assert answer["data"][0]["record"] == (
        "hmi.sharp_720s[4315][2014.07.05_00:00:00_TAI]{magnetogram}"
    )


def test_a_record_without_a_file_has_a_row_that_says_so(
    living: SampleJsoc, units: list[int]
) -> None:
    recnum = info(living, "rs_list", HOUR, key="*recnum*")["keywords"][0]["values"][0]
    living.name_file("hmi.sharp_720s", recnum, "magnetogram", "")
    for answer in (ask(living, method="url_quick"), finished(living)):
        assert [row["filename"] == "NoDataFile" for row in answer["data"]] == [True, *[False] * 4]
        assert int(answer["count"]) == 4
    assert len(finished(living, protocol="fits")["data"]) == 4


# ---------------------------------------------------------------- refused
@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"ds": ""}, "Missing required argument"),
        ({"ds": "nosuch.series[1]"}, "Cannot parse"),
        ({"ds": "hmi.sharp_720s[[["}, "Cannot parse"),
        ({"ds": "hmi.M_45s[1990.01.01_TAI]"}, "no files"),
        ({"ds": f"{HOUR};drop"}, "Illegal text"),
        ({"ds": f"{HOUR}[? A='x ?]"}, "Illegal text"),
        ({"ds": f"{HOUR}{{nosuch}}"}, "nosuch"),
        ({"ds": f"{HOUR},hmi.M_45s[$]"}, "one series"),
        ({"ds": ONE, "seg": "bitmap"}, "both"),
        ({"method": "carrier-pigeon"}, "carrier-pigeon"),
        ({"protocol": "mp4"}, "mp4"),
        ({"process=n": "0|melt,x=1"}, "melt"),
        ({"process": "n=x"}, "Invalid process"),
        ({"notify": "stranger@b.org"}, "not registered"),
        ({"notify": ""}, "not registered"),
        ({"op": "exp_nothing"}, "Invalid operation"),
    ],
)
def test_what_is_refused(
    living: SampleJsoc, units: list[int], params: dict[str, str], text: str
) -> None:
    living.registered = lambda address: address == "a@b.org"
    answer = ask(living, **params)
    assert answer["status"] == 4
    assert text in answer["error"]


def test_too_large_a_request(living: SampleJsoc, units: list[int]) -> None:
    living.exports.max_mb = 0.01
    answer = ask(living)
    assert (answer["status"], answer["requestid"]) == (3, "VOID")
    assert answer["error"].startswith("Request exceeds max byte limit of ")


def test_one_request_at_a_time_for_each_address(living: SampleJsoc, units: list[int]) -> None:
    first = ask(living)
    second = ask(living, protocol="fits")
    assert (first["status"], second["status"]) == (2, 7)
    assert second["error"].startswith(
        f"User a@b.org has 1 pending export requests ({first['requestid']}); please wait"
    )
    assert ask(living, protocol="fits", notify="other@b.org")["status"] == 2
    assert ask(living, method="url_quick")["status"] == 0
    while status(living, first["requestid"])["status"] != "0":
        pass
    assert ask(living, protocol="fits")["requestid"] != first["requestid"]


# ---------------------------------------------------------------- the queue
def test_a_request_waits_is_unknown_for_a_while_and_then_ready(
    living: SampleJsoc, units: list[int]
) -> None:
    living.exports.polls, living.exports.unknown_polls = 2, 1
    asked = ask(living, protocol="fits")
    assert re.fullmatch(r"JSOC_\d{8}_001", asked["requestid"])
    assert {k: asked[k] for k in ("method", "protocol", "wait", "rcount", "size")} == {
        "method": "url", "protocol": "fits", "wait": 10, "rcount": 5, "size": 1,
    }  # fmt: skip
    seen = [status(living, asked["requestid"])["status"] for _ in range(5)]
    assert seen == [6, 1, 1, "0", "0"]


def test_the_index_is_of_strings(living: SampleJsoc, units: list[int]) -> None:
    index = finished(living, protocol="fits", filenamefmt="{T_REC:A}.{segment}")
    data = index.pop("data")
    assert all(isinstance(value, str) for value in index.values())
    assert (index["count"], index["keywords"], index["method"]) == ("5", "**IN FITS FILES**", "url")
    assert re.fullmatch(r"\d{4}\.\d\d\.\d\d_\d\d:\d\d:\d\d_UT", index["exptime"])
    assert data[1] == {
        "record": "hmi.sharp_720s[4315][2014.07.05_00:12:00_TAI]",
        "filename": "20140705_001200_TAI.magnetogram.fits",
    }
    kept = json.loads(fetch(living, f"{index['dir']}/index.json")[1])
    assert kept == index | {"data": data}


def test_unknown_and_odd_ids(living: SampleJsoc) -> None:
    assert status(living, "JSOC_19990101_001")["status"] == 4
    assert "Bad RequestID" in status(living, "nonsense")["error"]


def test_the_same_request_within_a_day_is_the_same(living: SampleJsoc, units: list[int]) -> None:
    first = finished(living)
    again = ask(living)
    assert (again["requestid"], again["status"]) == (first["requestid"], 2)
    assert ask(living, requester="a")["requestid"] == first["requestid"]
    assert ask(living, filenamefmt="{segment}")["requestid"] != first["requestid"]
    living.exports.pass_time(hours=25)
    assert ask(living, notify="other@b.org")["requestid"] != first["requestid"]


def test_results_expire(living: SampleJsoc, units: list[int]) -> None:
    index = finished(living, protocol="fits")
    living.exports.pass_time(days=8)
    assert status(living, index["requestid"])["status"] == 5
    gone, _ = fetch(living, f"{index['dir']}/{index['data'][0]['filename']}")
    assert gone.status == 404


def test_a_request_may_fail(living: SampleJsoc, units: list[int]) -> None:
    living.exports.failure, living.exports.polls = "Export failed.", 0
    asked = ask(living)
    assert asked["status"] == 2
    assert status(living, asked["requestid"])["error"] == "Export failed."
    living.exports.failure = ""
    assert ask(living)["requestid"] != asked["requestid"]


# ---------------------------------------------------------------- what is on tape
def test_an_export_brings_units_from_tape(living: SampleJsoc, units: list[int]) -> None:
    before = paths(living, HOUR)
    living.take_offline(units[:2])
    living.lose(units[4:])
    asked = ask(living, method="url_quick")
    assert asked["status"] == 2
    assert paths(living, HOUR).count("NoDataDirectory") == 3
    while (index := status(living, asked["requestid"]))["status"] != "0":
        pass
    now = paths(living, HOUR)
    assert now.count("NoDataDirectory") == 1
    assert [a == b for a, b in zip(before, now, strict=True)].count(True) == 2
    assert len(files(living, index)) == 4


def test_an_export_of_what_is_on_tape_may_be_refused(living: SampleJsoc, units: list[int]) -> None:
    living.exports.stages = False
    assert ask(living)["status"] == 2
    living.take_offline(units[:1])
    answer = ask(living, protocol="fits")
    assert (answer["status"], "(code 25)" in answer["error"]) == (4, True)
    assert "NoDataDirectory" in paths(living, HOUR)


def test_an_export_of_what_is_gone_fails(living: SampleJsoc, units: list[int]) -> None:
    living.lose(units)
    asked = ask(living)
    living.exports.polls = 0
    answers = [status(living, asked["requestid"]) for _ in range(2)]
    assert [answer["status"] for answer in answers] == [1, 4]


# ---------------------------------------------------------------- which records
def test_records_without_an_image_are_silently_left_out(
    living: SampleJsoc, units: list[int]
) -> None:
    living.change_in_place(
        "hmi.sharp_720s", "[4315][2014.07.05_00:12_TAI]", {"QUALITY": -(2**31) + 0x400}
    )
    assert info(living, "rs_summary", HOUR)["count"] == 5
    living.exports.one_at_a_time = False
    counts = [
        ask(living, ds, **params)["rcount"]
        for ds, params in (
            (HOUR, {}),
            (HOUR, {"q": "1"}),
            (f"{HOUR}[? Quality < 5 ?]", {}),
            (f"{HOUR}[? USFLUX > 0 OR HARPNUM > 0 ?]", {}),
            (HOUR, {"process=n": "3"}),
            (HOUR, {"process": "n=-2"}),
            (HOUR, {"process": "no_op"}),
            (HOUR, {"max_recs": "1"}),
        )
    ]
    assert counts == [4, 5, 5, 4, 3, 2, 4, 1]


# ---------------------------------------------------------------- files
def test_as_is_files_are_those_of_the_record_while_they_lie_there(
    living: SampleJsoc, units: list[int]
) -> None:
    index = finished(living, protocol="as-is", filenamefmt="{#:%02d}.{segment}")
    assert index["data"][4]["filename"] == "04.magnetogram.fits"
    wanted = [fetch(living, path)[1] for path in paths(living, HOUR)]
    assert files(living, index) == wanted
    table = fetch(living, index["keywords"])[1].decode("ascii").splitlines()
    assert len(table) == 6
    assert dict(zip(*(line.split("\t") for line in table[:2]), strict=True))["HARPNUM"] == "4315"
    living.restage(units[:1], 3)
    assert fetch(living, f"{index['dir']}/00.magnetogram.fits")[0].status == 404


def test_fits_files_have_the_keywords_of_the_record(living: SampleJsoc, units: list[int]) -> None:
    index = finished(living, f"{HOUR}{{magnetogram,Dopplergram}}", protocol="fits")
    keys = ("T_REC", "T_REC_epoch", "USFLUX", "DATE__OBS", "BUNIT_002", "*recnum*")
    listed = info(living, "rs_list", HOUR, key=",".join(keys), M=1)["keywords"]
    text = {column["name"]: column["values"][1] for column in listed}
    body = files(living, index)[3]
    with fits.open(io.BytesIO(body)) as file:
        file.verify("exception")
        header = file[1].header
        assert header["T_REC"] == text["T_REC"].replace("00.000000", "00.000")
        assert header["TRECEPOC"] == "1993.01.01_00:00:00.000_TAI"
        assert header.comments["TRECEPOC"].endswith("{T_REC_epoch}")
        assert header["USFLUX"] == pytest.approx(float(text["USFLUX"]), rel=1e-8)
        assert re.fullmatch(rf"{text['DATE__OBS'][:19]}\.\d{{3}}", header["DATE-OBS"])
        assert header["BUNIT"] == text["BUNIT_002"]
        assert header.comments["BUNIT"].endswith("{BUNIT_002}")
        assert header["RECNUM"] == text["*recnum*"]
        assert header["DRMS_ID"] == f"hmi.sharp_720s:{text['*recnum*']}:Dopplergram"
        assert header["PRIMARYK"] == "HARPNUM, T_REC"
        assert header["GWILL"] is None
        assert "(MISSING)" in header.comments["GWILL"]
        data = file[1].data
        assert file[1].compression_type == "RICE_1"
    with fits.open(io.BytesIO(fetch(living, paths(living, HOUR, "Dopplergram")[1])[1])) as plain:
        assert (plain[1].data == data).all()


@pytest.mark.parametrize("value", ["it's", "", "a/b / c", "O'Brien's " * 20, "x" * 68, "x" * 69])
def test_any_text_fits_on_cards(living: SampleJsoc, units: list[int], value: str) -> None:
    living.change_in_place("hmi.sharp_720s", "[4315][2014.07.05_TAI/1h]", {"NOAA_ARS": value})
    index = finished(living, protocol="fits", **{"process=n": "1"})
    with fits.open(io.BytesIO(files(living, index)[0])) as file:
        file.verify("exception")
        assert (file[1].header["NOAA_ARS"] or "") == value.rstrip()


def test_fits_files_may_be_wanted_uncompressed(living: SampleJsoc, units: list[int]) -> None:
    index = finished(living, protocol="FITS,**NONE**", **{"process=n": "1"})
    (body,) = files(living, index)
    path = paths(living, HOUR)[0]
    with (
        fits.open(io.BytesIO(body)) as file,
        fits.open(io.BytesIO(fetch(living, path)[1])) as plain,
    ):
        assert len(file) == 1
        assert file[0].header["HARPNUM"] == 4315
        assert (file[0].data == plain[1].data).all()


def test_processing_gives_other_files_of_another_series(
    living: SampleJsoc, units: list[int]
) -> None:
    bodies: list[list[bytes]] = []
    for steps in ("im_patch,x=1", "im_patch,x=2", "rebin,scale=0.5"):
        index = finished(
            living, protocol="fits", filenamefmt="hmi.sharp_720s.{recnum}.{segment}",
            **{"process=n": f"2|{steps}"},
        )  # fmt: skip
        assert index["data"][0]["record"].startswith("hmi.sharp_720s_mod[4315]")
        assert index["data"][0]["filename"].startswith("hmi.sharp_720s_mod.23")
        bodies.append(files(living, index))
        assert files(living, index) == bodies[-1]
    assert len({body for some in bodies for body in some}) == 6


def test_a_tar_file_has_all(living: SampleJsoc, units: list[int]) -> None:
    for protocol, more in (("fits", 0), ("as-is", 1)):
        index = finished(living, method="url-tar", protocol=protocol)
        assert index["tarfile"] == f"{index['dir']}/{index['requestid']}.tar"
        response, body = fetch(living, index["tarfile"])
        assert response.headers["Content-Type"] == "application/x-tar"
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            names = tar.getnames()
            first = tar.extractfile(names[0])
            assert first is not None
            assert first.read() == files(living, index)[0]
        assert names[:5] == [row["filename"] for row in index["data"]]
        assert len(names) == 5 + more
        assert fetch(living, index["tarfile"], range="bytes=100-")[1] == body[100:]


def test_text_is_exported_as_it_is(living: SampleJsoc) -> None:
    base = living.series("hmi.M_45s")
    definition = replace(
        base.definition, name="test.text", segments=(Segment("rot", protocol="generic"),)
    )
    living.add(Series(definition, dict(base.columns) | {"sunum": base.columns["recnum"]}))
    recnum = int(base.columns["recnum"].max())
    living.name_file("test.text", recnum, "rot", "rot.2d")
    index = finished(living, f"test.text[:#{recnum}]", protocol="fits", q="1")
    assert index["data"][0]["filename"] == f"test.text.{recnum}.rot.2d"
    assert len(files(living, index)[0].splitlines()) == 40


def test_faults_strike_exports_too(living: SampleJsoc, units: list[int]) -> None:
    index = finished(living, protocol="fits")
    good = files(living, index)
    living.fault(FaultKind.FLIPPED_BIT, when=f"{index['dir']}/*", times=2)
    living.fault(FaultKind.CHANGED_BYTES, when=f"{index['dir']}/*")
    now = files(living, index)
    assert [a == b for a, b in zip(good, now, strict=True)] == [False, False, False, True, True]
    living.fault(FaultKind.ERROR_BODY, when="exp_status")
    assert status(living, index["requestid"])["status"] == 503
    living.fault(FaultKind.WRONG_COUNT)  # has no meaning here: stays for rs_list
    assert status(living, index["requestid"])["count"] == "5"
