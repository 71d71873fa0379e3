"""Each way of misbehaving, and replayed answers."""

from __future__ import annotations

import http.client
import json
import threading
from pathlib import Path

import pytest

from tests.jsoc import Fault, FaultKind, SampleJsoc

from .asking import body_of, info

DAY = "hmi.sharp_720s[4315][2014.07.05_TAI/1d]"
LIST = {"op": "rs_list", "ds": DAY, "key": "T_REC,USFLUX"}


def answer(jsoc: SampleJsoc, **params: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", jsoc.port, timeout=30)
    query = "&".join(f"{k}={v}" for k, v in (LIST | params).items())
    connection.request("GET", f"/cgi-bin/ajax/jsoc_info?{query}")
    response = connection.getresponse()
    try:
        return response, response.read()
    finally:
        connection.close()


def good(jsoc: SampleJsoc) -> bool:
    found = info(jsoc, **LIST)
    return bool(found["status"] == 0 and found["count"] == 120)


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (FaultKind.HTML, lambda body: body.startswith(b"<html>")),
        (FaultKind.EMPTY_BODY, lambda body: body == b""),
        (FaultKind.NO_RECORDS, lambda body: json.loads(body)["count"] == 0),
        (FaultKind.GARBAGE, lambda body: body == b"n"),
        (
            FaultKind.TRUNCATED_JSON,
            lambda body: body.startswith(b'{"keywords"') and body[-1:] != b"}",
        ),
        (FaultKind.WRONG_COUNT, lambda body: json.loads(body)["count"] == 121),
        (
            FaultKind.WRONG_COLUMN_LENGTH,
            lambda body: [len(k["values"]) for k in json.loads(body)["keywords"]] == [120, 119],
        ),
        (
            FaultKind.DROPPED_KEYWORD,
            lambda body: [k["name"] for k in json.loads(body)["keywords"]] == ["T_REC"],
        ),
        (
            FaultKind.RENAMED_KEYWORD,
            lambda body: [k["name"] for k in json.loads(body)["keywords"]] == ["T_REC", "USFLUX_X"],
        ),
        (
            FaultKind.OVERLOAD,
            lambda body: json.loads(body)["error"].startswith("STOP - Use of JSOC"),
        ),
    ],
)
def test_spoilt_bodies(living: SampleJsoc, kind: FaultKind, check) -> None:
    living.fault(kind)
    response, body = answer(living)
    assert response.status == 200
    assert int(response.headers["Content-Length"]) == len(body)
    assert check(body)
    assert living.requests[-1].fault is kind
    assert good(living)


def test_a_wrong_length_of_a_column_leaves_answers_without_columns_alone(
    living: SampleJsoc,
) -> None:
    living.fault(FaultKind.WRONG_COLUMN_LENGTH, times=None)
    assert info(living, "series_struct", "hmi.sharp_720s")["status"] == 0
    assert info(living, "rs_summary", DAY)["count"] == 120
    lengths = {len(column["values"]) for column in info(living, **LIST)["keywords"]}
    assert lengths == {120, 119}
    faults = [(request.op, request.fault) for request in living.requests]
    assert faults == [
        ("series_struct", None),
        ("rs_summary", None),
        ("rs_list", FaultKind.WRONG_COLUMN_LENGTH),
    ]
    assert living.failures == []


@pytest.mark.parametrize("status", [4, 5, 6])
def test_error_bodies(living: SampleJsoc, status: int) -> None:
    living.fault(Fault(FaultKind.ERROR_BODY, status=status))
    found = json.loads(answer(living)[1])
    assert found["status"] == status
    assert (found["error"] == "") == (status == 6)
    living.fault(Fault(FaultKind.ERROR_BODY, status=6, text="connection limit exceeded"))
    assert json.loads(answer(living)[1])["error"] == "connection limit exceeded"


@pytest.mark.parametrize(("status", "after"), [(429, "7"), (503, None)])
def test_http_statuses(living: SampleJsoc, status: int, after: str | None) -> None:
    living.fault(Fault(FaultKind.HTTP_STATUS, status=status, retry_after=after))
    response, _ = answer(living)
    assert response.status == status
    assert response.headers.get("Retry-After") == after
    assert living.requests[-1].status == status


def test_close_early(living: SampleJsoc) -> None:
    living.fault(FaultKind.CLOSE_EARLY)
    with pytest.raises(http.client.IncompleteRead):
        answer(living)
    assert good(living)


class Waiting:
    """A request made on a thread of its own."""

    def __init__(self, jsoc: SampleJsoc) -> None:
        self.error: Exception | None = None
        self.body = b""
        self._jsoc = jsoc
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.body = answer(self._jsoc)[1]
        except (OSError, http.client.HTTPException) as error:
            self.error = error

    def finish(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


def until_in_flight(jsoc: SampleJsoc, arrived: threading.Event) -> None:
    assert arrived.wait(30)
    assert jsoc.in_flight_now == 1


@pytest.mark.parametrize("kind", [FaultKind.STALL, FaultKind.SLOW])
@pytest.mark.parametrize("how", ["release", "stop"])
def test_waits_end_when_released_or_stopped(living: SampleJsoc, kind: FaultKind, how: str) -> None:
    arrived = threading.Event()
    plain = living.wait

    def wait(seconds: float | None) -> None:
        if seconds is None or seconds > 0:
            arrived.set()
        plain(seconds)

    living.wait = wait  # type: ignore[method-assign]
    living.fault(Fault(kind, seconds=3600.0))
    request = Waiting(living)
    until_in_flight(living, arrived)
    if how == "stop":
        living.stop()
    while not request.body and request.error is None and request._thread.is_alive():
        living.release()
        request._thread.join(0.01)
    request.finish()
    if kind is FaultKind.STALL:
        assert request.error is not None
    elif how == "release":
        assert json.loads(request.body)["count"] == 120


def test_faults_strike_when_asked_and_as_often(living: SampleJsoc) -> None:
    living.fault(FaultKind.GARBAGE, times=2, when="rs_list")
    assert info(living, "rs_summary", DAY)["count"] == 120
    assert [answer(living)[1] for _ in range(2)] == [b"n", b"n"]
    assert good(living)
    living.fault(FaultKind.EMPTY_BODY, times=None, when=lambda r: "USFLUX" in r.params["key"])
    assert [answer(living)[1] for _ in range(3)] == [b""] * 3
    assert json.loads(answer(living, key="T_REC")[1])["count"] == 120
    living.clear_faults()
    assert good(living)


def test_replay(living: SampleJsoc) -> None:
    body = b'{"count":0,"runtime":0.075,"status":0} '
    assert living.replay({("rs_list", "hmi.x[1][ ]"): body}) == 1
    assert body_of(living, "jsoc_info", op="rs_list", ds="hmi.X[1][]", key="T_REC") == body


def test_replay_of_recorded_answers(living: SampleJsoc, recorded: Path) -> None:
    folder = recorded / "sample" / "1715300813"
    assert living.replay(folder) == 10
    asked = {"op": "rs_list", "key": "T_REC"}
    for name, ds in [
        ("hmi_mharp_720s_nrt", "hmi.mharp_720s_nrt[][$]"),
        ("hmi_sharp_720s_nrt[9989]", "hmi.sharp_720s_nrt[9989][]"),
    ]:
        served = body_of(living, "jsoc_info", ds=ds, **asked)
        assert served == (folder / f"{name}.html").read_bytes()
