"""Segment files over HTTP: what is in them, ranges, and each way of failing."""

from __future__ import annotations

import io
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path

import numpy as np
import pytest

from tests.jsoc import Fault, FaultKind, SampleJsoc, Segment, Series
from tests.jsoc.images import image_file

from .asking import fetch, info, paths

fits = pytest.importorskip("astropy.io.fits")

HOUR = "hmi.sharp_720s[4315][2014.07.05_TAI/1h]"


@pytest.fixture
def on_disk(living: SampleJsoc) -> list[str]:
    """Paths of the magnetograms of an hour."""
    living.bring_online(living.sunums("hmi.sharp_720s", "[4315][2014.07.05_TAI/1h]"))
    found = paths(living, HOUR)
    living.clear_requests()
    return found


# ---------------------------------------------------------------- what is in them
def test_a_file_is_a_compressed_image_of_the_size_that_is_listed(
    living: SampleJsoc, on_disk: list[str]
) -> None:
    segment = info(living, "rs_list", HOUR, seg="magnetogram")["segments"][0]
    bodies = set()
    for path, dims in zip(on_disk, segment["dims"], strict=True):
        response, body = fetch(living, path)
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/fits"
        with fits.open(io.BytesIO(body)) as file:
            file.verify("exception")
            image = file[1]
            assert image.compression_type == "RICE_1"
            assert f"{image.header['NAXIS1']}x{image.header['NAXIS2']}" == dims
            assert np.isfinite(image.data).all()
            assert 50 < np.abs(image.data).max() < 5000
        bodies.add(body)
    assert len(bodies) == len(on_disk) == 5


def test_every_segment_of_a_record_is_another_file_and_size_is_their_sum(
    living: SampleJsoc, on_disk: list[str]
) -> None:
    answer = info(living, "rs_list", HOUR, seg="**ALL**", key="*size*", n=1)
    bodies = [fetch(living, segment["values"][0])[1] for segment in answer["segments"]]
    assert len(set(bodies)) == 31
    assert answer["keywords"][0]["values"] == [str(sum(map(len, bodies)))]
    names = [segment["name"] for segment in answer["segments"]]
    with fits.open(io.BytesIO(bodies[names.index("bitmap")])) as file:
        assert file[1].data.min() >= 0


def test_the_same_bytes_are_made_again(living: SampleJsoc, on_disk: list[str]) -> None:
    _, body = fetch(living, on_disk[0])
    image_file.cache_clear()
    with SampleJsoc(["hmi.sharp_720s"], size="small") as other:
        other.bring_online(other.sunums("hmi.sharp_720s", "[4315][2014.07.05_TAI/1h]"))
        assert paths(other, HOUR)[0].partition("/D")[2] == on_disk[0].partition("/D")[2]
        assert fetch(other, paths(other, HOUR)[0])[1] == body


def test_a_real_file_is_served_byte_for_byte(
    living: SampleJsoc, on_disk: list[str], tmp_path: Path
) -> None:
    real = tmp_path / "real.fits"
    real.write_bytes(bytes(range(256)) * 3)
    (recnum,) = living.series("hmi.sharp_720s").columns["recnum"][
        living.series("hmi.sharp_720s").columns["sunum"] == int(on_disk[1].split("/")[2][1:])
    ]
    living.serve_file("hmi.sharp_720s", recnum, "Magnetogram", real)
    response, body = fetch(living, on_disk[1])
    assert body == real.read_bytes()
    stamp = parsedate_to_datetime(response.headers["Last-Modified"]).timestamp()
    assert stamp == int(real.stat().st_mtime)
    assert fetch(living, on_disk[0])[1] != body


def test_a_file_that_is_rewritten_has_other_bytes_and_another_tag(
    living: SampleJsoc, on_disk: list[str]
) -> None:
    series = living.series("hmi.sharp_720s")
    row = int(np.flatnonzero(series.columns["sunum"] == int(on_disk[0].split("/")[2][1:]))[0])
    before, old = fetch(living, on_disk[0])
    living.rewrite_file("hmi.sharp_720s", int(series.columns["recnum"][row]), "magnetogram")
    after, new = fetch(living, on_disk[0])
    assert len(old) == len(new)
    assert old != new
    assert before.headers["ETag"] != after.headers["ETag"]
    assert before.headers["Last-Modified"] != after.headers["Last-Modified"]


def test_segments_without_a_format_are_text(living: SampleJsoc) -> None:
    base = living.series("hmi.M_45s")
    segments = (Segment("split", protocol="generic"), Segment("rot", protocol="generic"))
    definition = replace(base.definition, name="test.v_sht", segments=segments)
    living.add(Series(definition, dict(base.columns) | {"sunum": base.columns["recnum"]}))
    recnum = int(base.columns["recnum"].max())
    living.bring_online([recnum])
    living.name_file("test.v_sht", recnum, "rot", "rot.2d")
    (split,), (rot,) = (paths(living, f"test.v_sht[:#{recnum}]", seg) for seg in ("split", "rot"))
    assert split.endswith("/S00000/split")
    assert rot.endswith("/S00000/rot.2d")
    bodies = [fetch(living, path)[1].decode("ascii") for path in (split, rot)]
    assert bodies[0] != bodies[1]
    assert all(len(body.splitlines()) == 40 for body in bodies)


# ---------------------------------------------------------------- where they are
def test_nothing_lies_where_a_unit_is_not(living: SampleJsoc, on_disk: list[str]) -> None:
    sunum = int(on_disk[0].split("/")[2][1:])
    living.take_offline([sunum])
    assert fetch(living, on_disk[0])[0].status == 404
    living.bring_online([sunum])
    (now, *_) = paths(living, HOUR)
    assert now != on_disk[0]
    assert fetch(living, on_disk[0])[0].status == 404
    assert fetch(living, now)[0].status == 200
    living.lose([sunum])
    assert fetch(living, now)[0].status == 404
    for odd in ("/SUM1", "/SUM1/../etc/passwd", on_disk[1].replace("magneto", "nosuch"), "/SUMx/"):
        assert fetch(living, odd)[0].status == 404


def test_requests_for_files_are_in_the_log(living: SampleJsoc, on_disk: list[str]) -> None:
    _, body = fetch(living, on_disk[0])
    fetch(living, on_disk[0], "HEAD")
    fetch(living, on_disk[1], range="bytes=5-9")
    first, second, third = living.requests
    assert [(r.cgi, r.op, r.ds) for r in (first, third)] == [
        ("file", "", on_disk[0]),
        ("file", "", on_disk[1]),
    ]
    assert (first.status, first.bytes, first.range) == (200, len(body), "")
    assert (second.method, second.bytes) == ("HEAD", 0)
    assert (third.status, third.bytes, third.range) == (206, 5, "bytes=5-9")


# ---------------------------------------------------------------- ranges
def test_head_says_what_get_would(living: SampleJsoc, on_disk: list[str]) -> None:
    head, nothing = fetch(living, on_disk[0], "HEAD")
    whole, body = fetch(living, on_disk[0])
    assert nothing == b""
    for name in ("Content-Length", "Last-Modified", "ETag", "Accept-Ranges", "Content-Type"):
        assert head.headers[name] == whole.headers[name]
    assert int(head.headers["Content-Length"]) == len(body)
    assert head.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-199", slice(100, 200)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=5-99999999", slice(5, None)),
        ("bytes=-99999999", slice(0, None)),
    ],
)
def test_a_range(living: SampleJsoc, on_disk: list[str], asked: str, part: slice) -> None:
    _, body = fetch(living, on_disk[0])
    response, some = fetch(living, on_disk[0], range=asked)
    assert response.status == 206
    assert some == body[part]
    first = part.indices(len(body))[0]
    assert response.headers["Content-Range"] == f"bytes {first}-{first + len(some) - 1}/{len(body)}"


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=", "lines=1-2", "bytes=0-1,5-6", "bytes=-"])
def test_what_is_no_range_is_the_whole_file(
    living: SampleJsoc, on_disk: list[str], asked: str
) -> None:
    assert fetch(living, on_disk[0], range=asked)[0].status == 200


def test_a_range_behind_the_end_is_refused(living: SampleJsoc, on_disk: list[str]) -> None:
    _, body = fetch(living, on_disk[0])
    for asked in (f"bytes={len(body)}-", "bytes=99999999-99999999", "bytes=-0"):
        response, nothing = fetch(living, on_disk[0], range=asked)
        assert (response.status, nothing) == (416, b"")
        assert response.headers["Content-Range"] == f"bytes */{len(body)}"


def test_a_range_is_given_only_of_the_file_that_is_meant(
    living: SampleJsoc, on_disk: list[str]
) -> None:
    head, _ = fetch(living, on_disk[0], "HEAD")
    for condition in (head.headers["ETag"], head.headers["Last-Modified"]):
        assert fetch(living, on_disk[0], range="bytes=9-", if_range=condition)[0].status == 206
    for condition in ('"other"', "Thu, 01 Jan 2015 00:00:00 GMT", "nonsense", "W/" + '"other"'):
        assert fetch(living, on_disk[0], range="bytes=9-", if_range=condition)[0].status == 200


# ---------------------------------------------------------------- faults
def test_a_broken_transfer_goes_on_with_a_range(living: SampleJsoc, on_disk: list[str]) -> None:
    _, whole = fetch(living, on_disk[0])
    living.fault(FaultKind.CLOSE_EARLY, when="file")
    response, part = fetch(living, on_disk[0])
    assert int(response.headers["Content-Length"]) == len(whole) == 2 * len(part)
    response, rest = fetch(
        living, on_disk[0], range=f"bytes={len(part)}-", if_range=response.headers["ETag"]
    )
    assert response.status == 206
    assert part + rest == whole


def test_a_truncated_file_may_have_the_right_length(living: SampleJsoc, on_disk: list[str]) -> None:
    _, whole = fetch(living, on_disk[0])
    living.fault(FaultKind.TRUNCATED)
    response, part = fetch(living, on_disk[0])
    assert response.status == 200
    assert int(response.headers["Content-Length"]) == len(part)
    assert part == whole[: len(whole) // 2]


def test_one_bit_may_be_another(living: SampleJsoc, on_disk: list[str]) -> None:
    good, whole = fetch(living, on_disk[0])
    living.fault(FaultKind.FLIPPED_BIT)
    bad, body = fetch(living, on_disk[0])
    differs = [a ^ b for a, b in zip(whole, body, strict=True) if a != b]
    assert [bits.bit_count() for bits in differs] == [1]
    assert bad.headers["ETag"] == good.headers["ETag"]


def test_a_server_may_not_know_ranges(living: SampleJsoc, on_disk: list[str]) -> None:
    _, whole = fetch(living, on_disk[0])
    living.fault(FaultKind.NO_RANGES)
    response, body = fetch(living, on_disk[0], range="bytes=100-")
    assert (response.status, body) == (200, whole)
    assert "Accept-Ranges" not in response.headers


@pytest.mark.parametrize("real", [False, True])
def test_bytes_may_change_between_two_requests(
    living: SampleJsoc, on_disk: list[str], tmp_path: Path, real: bool
) -> None:
    if real:
        (tmp_path / "m.fits").write_bytes(b"some bytes")
        for recnum in living.series("hmi.sharp_720s").columns["recnum"].tolist():
            living.serve_file("hmi.sharp_720s", recnum, "magnetogram", tmp_path / "m.fits")
    before, whole = fetch(living, on_disk[0])
    living.fault(FaultKind.CHANGED_BYTES)
    after, other = fetch(living, on_disk[0], range="bytes=4-", if_range=before.headers["ETag"])
    assert after.status == 200
    assert len(other) == len(whole)
    assert other != whole
    assert after.headers["ETag"] != before.headers["ETag"]
    assert fetch(living, on_disk[0])[1] == whole


@pytest.mark.parametrize(
    ("fault", "status", "begin"),
    [
        (Fault(FaultKind.HTML), 200, b"<html>"),
        (Fault(FaultKind.EMPTY_BODY), 200, b""),
        (Fault(FaultKind.HTTP_STATUS, status=404), 404, b"<html>"),
        (Fault(FaultKind.HTTP_STATUS, status=503, retry_after="7"), 503, b"<html>"),
    ],
)
def test_something_else_comes(
    living: SampleJsoc, on_disk: list[str], fault: Fault, status: int, begin: bytes
) -> None:
    living.fault(fault, when="/SUM*/magnetogram.fits")
    response, body = fetch(living, on_disk[0], range="bytes=1-")
    assert response.status == status
    assert body[:6] == begin
    assert response.headers["Retry-After"] == fault.retry_after
    assert fetch(living, on_disk[0])[0].headers["ETag"]


def test_faults_strike_the_paths_they_are_meant_for(living: SampleJsoc, on_disk: list[str]) -> None:
    living.fault(FaultKind.EMPTY_BODY, times=2, when=on_disk[1])
    living.fault(FaultKind.WRONG_COUNT, times=None)
    answer = info(living, "rs_list", HOUR, seg="magnetogram,bitmap")
    assert answer["count"] == 6
    assert fetch(living, answer["segments"][1]["values"][1])[1]
    assert fetch(living, on_disk[0])[1]
    assert [bool(fetch(living, on_disk[1])[1]) for _ in range(3)] == [False, False, True]
    living.fault(FaultKind.TRUNCATED)  # is for files only
    living.clear_requests()
    assert info(living, "rs_summary", HOUR)["count"] == 6
    assert living.requests[0].fault is FaultKind.WRONG_COUNT


def test_a_stalled_file_ends_when_it_is_released(living: SampleJsoc, on_disk: list[str]) -> None:
    waits: list[float | None] = []
    living.wait = waits.append  # type: ignore[method-assign]
    living.fault(FaultKind.STALL, when="file")
    response, body = fetch(living, on_disk[0])
    assert int(response.headers["Content-Length"]) > 0
    assert body == b""
    assert None in waits
