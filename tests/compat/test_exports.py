"""``Client.export`` gives what ``drms.Client.export`` gives: names, tables, errors, and files."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import drms
import pandas as pd
import pytest
from astropy.io import fits

from drmsmirror.client import Client, PartialAnswerWarning
from drmsmirror.client.exportrequest import ExportRequest
from drmsmirror.errors import NotHeldError, QueryError, UnsupportedError
from drmsmirror.settings import Settings
from tests.jsoc import SampleJsoc

EMAIL = "you@example.org"
SHARP = "hmi.sharp_720s[4315][2014.07.05_TAI/36m]{magnetogram,bitmap}"
#: With arguments in the order in which they are sent, whatever that was before.
PATCH = {"im_patch": {"boxunits": "pixels", "t_ref": "2014.07.05_00:00:00_TAI", "width": 4}}


@pytest.fixture(autouse=True)
def online(jsoc: SampleJsoc, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is on disk, and an order is ready when it is asked for."""
    for name in ("hmi.sharp_720s", "hmi.M_45s"):
        units = jsoc.series(name).columns["sunum"]
        jsoc.bring_online(units[units >= 0].tolist())
    monkeypatch.setattr(jsoc.exports, "polls", 0)
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture
def ours(mirrored: Settings) -> Iterator[Client]:
    with Client(mirrored, email=EMAIL) as client:
        yield client


@pytest.fixture
def theirs(stock: drms.Client) -> drms.Client:
    stock.email = EMAIL
    return stock


def both(ours: Client, theirs: drms.Client, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    return ours.export(*args, **kwargs), theirs.export(*args, **kwargs)


def digests(table: pd.DataFrame) -> list[str]:
    return [hashlib.sha256(Path(one).read_bytes()).hexdigest() for one in table.download]


def names(table: pd.DataFrame) -> list[str]:
    return [Path(one).name for one in table.download]


#: Record sets, and how they are exported, whose results are the same.
CASES: list[tuple[str, dict[str, Any]]] = [
    (SHARP, {}),
    (SHARP, {"method": "url", "filenamefmt": "{seriesname}.{T_REC:A}.{#:%03d}.{segment}"}),
    (SHARP, {"method": "url", "filenamefmt": False}),
    (SHARP, {"n": 1}),
    (SHARP, {"n": -2, "method": "URL"}),
    ("hmi.M_45s[$]", {}),
    ("hmi.sharp_720s[4315][2014.07.05_TAI/6h][? QUALITY < 0 ?]{magnetogram}", {"method": "url"}),
    ("hmi.sharp_720s[4315][2014.07.05_TAI/2h]{magnetogram}", {"n": 4}),
]


@pytest.mark.parametrize(("record_set", "arguments"), CASES, ids=str)
def test_an_export_of_files_as_they_are_is_the_same(
    record_set: str, arguments: dict[str, Any], ours: Client, theirs: drms.Client, tmp_path: Path
) -> None:
    mine, stock = both(ours, theirs, record_set, **arguments)
    assert stock.wait()
    assert mine.wait() is True
    assert (mine.method, mine.protocol, mine.status) == (stock.method, stock.protocol, 0)
    assert (mine.tarfile, stock.tarfile) == (None, None)
    pd.testing.assert_series_equal(mine.data["record"], stock.data["record"])
    columns = ["record", "filename"]
    pd.testing.assert_frame_equal(mine.urls[columns], stock.urls[columns])
    assert list(mine.urls.columns) == list(stock.urls.columns)
    if mine.method == "url":
        pd.testing.assert_frame_equal(mine.data, stock.data)
    else:
        assert (mine.id, mine.dir, mine.request_url) == (stock.id, stock.dir, stock.request_url)
    (tmp_path / "mine").mkdir()
    (tmp_path / "stock").mkdir()
    got, expected = mine.download(tmp_path / "mine"), stock.download(tmp_path / "stock")
    assert list(got.columns) == list(expected.columns)
    assert got.index.equals(expected.index)
    assert names(got) == names(expected)
    assert digests(got) == digests(expected)
    assert all(Path(url2pathname(urlparse(url).path)).is_file() for url in mine.urls.url)


def test_nothing_is_ordered_for_files_that_the_mirror_can_give(
    ours: Client, jsoc: SampleJsoc
) -> None:
    ours.export(SHARP)
    jsoc.clear_requests()
    for protocol in ("as-is", "fits"):
        assert ours.export(SHARP, protocol=protocol).has_succeeded()
    assert [one for one in jsoc.requests if one.cgi in ("jsoc_fetch", "file")] == []


def test_files_with_headers_have_the_names_records_and_images_of_the_export(
    ours: Client, theirs: drms.Client, tmp_path: Path
) -> None:
    mine, stock = both(ours, theirs, SHARP, protocol="fits")
    assert stock.wait()
    assert mine.method == stock.method == "url"
    pd.testing.assert_frame_equal(mine.data, stock.data)
    (tmp_path / "mine").mkdir()
    (tmp_path / "stock").mkdir()
    got, expected = mine.download(tmp_path / "mine"), stock.download(tmp_path / "stock")
    assert names(got) == names(expected)
    for ours_, theirs_ in zip(got.download, expected.download, strict=True):
        one, other = fits.getheader(ours_, 1), fits.getheader(theirs_, 1)
        for key in ("HARPNUM", "QUALITY", "T_REC", "RECNUM"):
            assert one[key] == other[key], key
        assert (fits.getdata(ours_) == fits.getdata(theirs_)).all()


def test_downloads_choose_and_name_files_as_the_stock_client_does(
    ours: Client, theirs: drms.Client, tmp_path: Path
) -> None:
    mine, stock = both(ours, theirs, SHARP)
    for arguments in (
        {"index": 0}, {"index": [0, 2]}, {"fname_from_rec": False}, {"fname_from_rec": True},
    ):  # fmt: skip
        where = [tmp_path / f"{who}{len(list(tmp_path.iterdir()))}" for who in ("mine", "stock")]
        for directory in where:
            directory.mkdir()
        for _ in range(2):  # a name that is taken gets a number
            got, expected = (
                mine.download(where[0], **arguments),
                stock.download(where[1], **arguments),
            )
            assert names(got) == names(expected)
            assert list(got.record) == list(expected.record)
    for request in (mine, stock):
        with pytest.raises(OSError, match="does not exist"):
            request.download(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "record_set",
    [
        "hmi.sharp_720s[999999]{magnetogram}",
        "hmi.nosuch[1]{magnetogram}",
        "hmi.sharp_720s[4315]{nosuch}",
        "hmi.sharp_720s[4315][2014.07.05_TAI]][{magnetogram}",
    ],
)
def test_what_jsoc_refuses_fails_when_it_is_wanted(
    record_set: str, ours: Client, theirs: drms.Client
) -> None:
    for request in both(ours, theirs, record_set):
        assert (request.status, request.has_failed(), request.has_succeeded()) == (4, True, False)
        for member in ("data", "urls", "dir", "tarfile", "keywords", "request_url"):
            with pytest.raises(drms.DrmsExportError, match=r"\[status=4\]"):
                getattr(request, member)
        with pytest.raises(drms.DrmsExportError):
            request.wait()


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "ftp"},
        {"protocol": "gif"},
        {"protocol": "fits", "protocol_args": {"size": 2}},
        {"process": {"sharpen": {}}},
    ],
    ids=str,
)
def test_wrong_arguments_are_refused_at_once(
    arguments: dict[str, Any], ours: Client, theirs: drms.Client
) -> None:
    for client in (ours, theirs):
        with pytest.raises(ValueError):
            client.export(SHARP, **arguments)


def test_images_are_refused_with_what_to_do_instead(ours: Client) -> None:
    with pytest.raises(UnsupportedError, match=r"drms\.Client\(\)\.export\("):
        ours.export(SHARP, protocol="jpg")


def test_offline_what_is_not_there_is_told_by_a_warning_and_left_out(
    ours: Client, mirrored: Settings
) -> None:
    ours.export("hmi.sharp_720s[4315][2014.07.05_06:00_TAI/24m]{magnetogram}", n=1).wait()
    with Client(mirrored, policy="offline") as offline:
        with pytest.warns(PartialAnswerWarning, match="1 of 2 files could not be had"):
            request = offline.export("hmi.sharp_720s[4315][2014.07.05_06:00_TAI/24m]{magnetogram}")
        assert len(request.urls) == 1
        nothing = offline.export("hmi.sharp_720s[4315][2014.07.05_08:00_TAI]{magnetogram}")
        with pytest.raises(drms.DrmsExportError, match="does not hold"):
            nothing.wait()


# ---------------------------------------------------------------- processed by JSOC


def wait_for(client: Client, request: ExportRequest) -> None:
    """Wait for an order, as if it had been asked for a minute ago."""
    orders = client.mirror.catalogue.orders
    for order in orders.pending(client.settings.upstream.url):
        orders.save(replace(order, asked_utc=order.asked_utc - timedelta(minutes=1)))
    assert request.wait(sleep=0)


def test_processed_files_are_ordered_once_and_given_offline_afterwards(
    ours: Client, theirs: drms.Client, jsoc: SampleJsoc, tmp_path: Path, mirrored: Settings
) -> None:
    wanted = {"protocol": "fits", "process": PATCH, "n": 1}
    mine = ours.export(SHARP, **wanted)
    assert (mine.has_finished(skip_update=True), mine.status in (1, 2)) == (False, True)
    assert mine.id is not None
    wait_for(ours, mine)
    stock = theirs.export(SHARP, **wanted)
    assert stock.wait()
    columns = ["record", "filename"]
    pd.testing.assert_frame_equal(mine.data, stock.data)
    pd.testing.assert_frame_equal(mine.urls[columns], stock.urls[columns])
    (tmp_path / "mine").mkdir()
    (tmp_path / "stock").mkdir()
    got, expected = mine.download(tmp_path / "mine"), stock.download(tmp_path / "stock")
    assert names(got) == names(expected)
    assert digests(got) == digests(expected)
    jsoc.clear_requests()
    other_way_round = {"im_patch": dict(reversed(list(PATCH["im_patch"].items())))}
    with Client(mirrored, policy="offline") as offline:
        again = offline.export(
            "hmi.sharp_720s[4315][2014.07.05_TAI]{magnetogram,bitmap}",  # the same, said otherwise
            protocol="fits",
            process=other_way_round,
        )
        assert again.has_succeeded(skip_update=True)
        pd.testing.assert_frame_equal(again.urls, mine.urls)
        with pytest.raises(NotHeldError, match="processed by rebin"):
            offline.export(SHARP, protocol="fits", process={"rebin": {"scale": 0.5}})
    assert jsoc.requests == []


def test_an_order_is_not_ready_before_its_files_are_there(ours: Client) -> None:
    first, second = (
        ours.export(SHARP, n=1, process={"rebin": {"scale": scale}}) for scale in (0.5, 0.25)
    )
    assert (first.status, second.status, second.id) == (2, 2, None)  # which waits for the first
    assert not second.has_finished()
    assert not second.wait(timeout=0.01, sleep=0)
    wait_for(ours, first)


def test_an_order_that_is_refused_has_failed(
    ours: Client, theirs: drms.Client, jsoc: SampleJsoc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsoc, "registered", lambda _: False)
    for request in both(ours, theirs, SHARP, process={"resize": {"scale": 3}}, method="url"):
        assert (request.status, request.has_failed()) == (4, True)
        with pytest.raises(drms.DrmsExportError, match=r"not registered.*\[status=4\]"):
            request.wait()


def test_processing_needs_an_address(mirrored: Settings) -> None:
    with Client(mirrored) as client, pytest.raises(QueryError, match="address"):
        client.export(SHARP, process={"resize": {"scale": 2}})


def test_an_order_is_gone_on_with_by_its_number(
    ours: Client, theirs: drms.Client, jsoc: SampleJsoc, mirrored: Settings
) -> None:
    made = theirs.export(SHARP, method="url", n=2)
    assert made.wait()
    mine, stock = ours.export_from_id(made.id), theirs.export_from_id(made.id)
    assert mine.wait()
    assert (mine.id, mine.status, mine.protocol) == (stock.id, stock.status, stock.protocol)
    pd.testing.assert_frame_equal(mine.data, stock.data)
    jsoc.clear_requests()
    with Client(mirrored, policy="offline") as offline:
        pd.testing.assert_frame_equal(offline.export_from_id(made.id).data, stock.data)
        with pytest.raises(NotHeldError):
            offline.export_from_id("JSOC_20260101_999")
    assert jsoc.requests == []
    for client in (ours, theirs):
        with pytest.raises(drms.DrmsExportError):
            client.export_from_id("JSOC_20260101_999").wait()


# ---------------------------------------------------------------- what it has


@pytest.mark.parametrize(
    "name", [name for name in dir(drms.ExportRequest) if not name.startswith("_")]
)
def test_a_request_has_everything_that_the_stock_one_has(name: str) -> None:
    ours, theirs = getattr(ExportRequest, name), getattr(drms.ExportRequest, name)
    if not callable(theirs):
        assert isinstance(ours, property)
        return
    mine, stock = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    assert {key: (one.kind, one.default) for key, one in mine.items()} == {
        key: (one.kind, one.default) for key, one in stock.items()
    }
