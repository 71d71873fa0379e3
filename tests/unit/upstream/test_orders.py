"""What the upstream says of an order is believed as far as it can be, and no further."""

from __future__ import annotations

import json

import pytest

from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.upstream import OrderStage
from drmsmirror.upstream.orders import read_reply

FILES = [{"record": "a.b[1]{x}", "filename": "x.fits"}]


def read(**answer: object):
    return read_reply(json.dumps(answer).encode(), "a.b[1]")


def test_files_are_below_the_directory_that_is_named() -> None:
    ready = read(status="0", requestid="JSOC_20260101_001", dir="/SUM1/D1/S00000", data=FILES)
    assert (ready.stage, ready.request_id) == (OrderStage.READY, "JSOC_20260101_001")
    assert [one.path for one in ready.files] == ["/SUM1/D1/S00000/x.fits"]


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "//example.org/x", "/etc/./x", "a\0b", "a\nb", "", "file:/../x", "x/"],
)
def test_what_is_no_path_on_the_server_makes_the_answer_unusable(name: str) -> None:
    with pytest.raises(UpstreamAnswerError, match="it lists a file"):
        read(status=0, dir="/SUM1/D1/S00000", data=[{"record": "", "filename": name}])
    with pytest.raises(UpstreamAnswerError, match="it lists a file"):
        read(status=0, tarfile=f"/SUM1/{name}")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 0},
        {"status": 0, "data": {"record": "x"}},
        {"status": 0, "data": ["x.fits"]},
        {"status": 0, "data": [{"record": "a\0b", "filename": "/x"}]},
        {"status": 1, "requestid": "../1"},
        {"status": 2},
        {"status": "soon"},
        {"status": None},
        {},
    ],
)
def test_what_is_no_answer_is_refused(answer: dict[str, object]) -> None:
    with pytest.raises(UpstreamAnswerError, match="cannot be used"):
        read(**answer)


def test_of_what_it_says_nothing_reaches_a_terminal_or_the_catalogue_as_it_is() -> None:
    failed = read(status=4, requestid="x\0" * 100, error="no\0\x1b[2J\nmore" + "y" * 1000)
    assert (failed.stage, failed.request_id) == (OrderStage.FAILED, "")
    assert failed.message.startswith("no??[2J moreyyy")
    assert len(failed.message) < 400
    ready = read(status=0, requestid="\x1b[2J", protocol="fits\0", data=[])
    assert (ready.request_id, ready.protocol) == ("", "fits?")
