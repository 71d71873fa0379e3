"""``drmsmirror.Client`` gives what ``drms.Client`` gives: same columns, dtypes and values."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import drms
import pandas as pd
import pytest

from drmsmirror.client import Client, Source
from drmsmirror.errors import NotHeldError, QueryError, UnknownSeriesError, UpstreamError
from drmsmirror.settings import Settings
from tests.compat.conftest import SERIES, stock_client
from tests.jsoc import Fault, FaultKind, SampleJsoc

HARP = "hmi.sharp_720s[4315][2014.07.05_TAI/1d]"


def _plain_keys(client: Client, series: str) -> list[str]:
    """Keywords that record tables hold, as the definition names them."""
    definition = client.definition(series)
    return [
        keyword.name
        for keyword in definition.keywords
        if not definition.is_implicit(keyword) and str(keyword.scope) != "segment"
    ]


@pytest.mark.parametrize("series", SERIES)
def test_every_record_and_keyword_of_a_series_is_the_same(
    series: str, offline: Client, stock: drms.Client
) -> None:
    keys = _plain_keys(offline, series)

    ours = offline.query(f"{series}[]", key=keys)

    theirs = stock.query(f"{series}[]", key=keys)
    assert len(ours) > 50
    pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        (HARP, {"key": "T_REC, USFLUX, MEANJZH, QUALITY"}),
        (HARP, {"key": ["T_REC", "*recnum*", "*sunum*"]}),
        (HARP, {"key": "T_REC,NO_SUCH_KEY"}),
        (HARP, {"key": "t_rec,usflux"}),
        (HARP, {"key": "T_REC,T_REC_index,T_REC_step,CADENCE"}),
        (HARP, {"key": "USFLUX", "pkeys": True}),
        (HARP, {"key": "USFLUX", "rec_index": True}),
        (HARP, {"key": "USFLUX,QUALITY", "convert_numeric": False}),
        (HARP, {"key": "USFLUX,QUALITY", "skip_conversion": "QUALITY"}),
        (HARP, {"key": "T_REC", "n": 5}),
        (HARP, {"key": "T_REC", "n": -5}),
        (HARP, {"key": "**ALL**"}),
        ("hmi.sharp_720s[4315]", {"key": "QUALITY,NOAA_ARS,USFLUX"}),
        ("hmi.sharp_720s[377,4315][2014.07.05_TAI/6h@1h]", {"key": "HARPNUM,T_REC"}),
        ("HMI.SHARP_720S[4315][2014.07.05_TAI]", {"key": "T_REC"}),
        ("hmi.sharp_720s[999999]", {"key": "T_REC"}),
        ("aia.lev1_euv_12s[][171]", {"key": "T_REC,WAVELNTH,EXPTIME,QUALITY"}),
        ("mdi.fd_M_96m_lev182[]", {"key": "T_REC,QUALITY", "n": -7}),
        ("hmi.synoptic_mr_720s[2100-2150]", {"key": "CAR_ROT", "rec_index": True}),
    ],
)
def test_a_query_is_answered_as_the_stock_client_answers_it(
    query: str, arguments: dict[str, Any], offline: Client, stock: drms.Client
) -> None:
    pd.testing.assert_frame_equal(
        offline.query(query, **arguments), stock.query(query, **arguments)
    )


@pytest.mark.parametrize("series", SERIES)
def test_info_keys_and_pkeys_are_the_same(series: str, offline: Client, stock: drms.Client) -> None:
    ours, theirs = offline.info(series), stock.info(series)

    for table in ("keywords", "segments", "links"):
        pd.testing.assert_frame_equal(getattr(ours, table), getattr(theirs, table))
    for name in ("name", "note", "primekeys", "dbindex", "retention", "unitsize", "archive"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert offline.keys(series) == stock.keys(series)
    assert offline.pkeys(series) == stock.pkeys(series)


def test_series_lists_what_is_held_offline_and_what_there_is_otherwise(
    offline: Client, mirrored: Settings, stock: drms.Client
) -> None:
    assert sorted(offline.series()) == sorted(SERIES)
    assert offline.series(r"hmi\.m_") == ["hmi.M_45s"]
    with Client(mirrored) as client:
        assert client.series(r"hmi\.") == stock.series(r"hmi\.")
        pd.testing.assert_frame_equal(
            client.series(r"aia\.", full=True), stock.series(r"aia\.", full=True)
        )


def test_series_of_another_server_are_listed_with_prime_keys(
    jsoc: SampleJsoc, mirrored: Settings
) -> None:
    stock = stock_client(jsoc)
    jsoc.fault(Fault(FaultKind.HTTP_STATUS, status=404), when="showextseries")
    with Client(mirrored) as client:
        ours = client.series(r"aia\.", full=True)
    assert list(ours.columns) == ["name", "primekeys", "note"]
    pd.testing.assert_frame_equal(ours, stock.series(r"aia\.", full=True))


def test_offline_asks_the_upstream_nothing(jsoc: SampleJsoc, mirrored: Settings) -> None:
    jsoc.clear_requests()

    with Client(mirrored, policy="offline") as client:
        client.query(HARP, key="**ALL**")
        client.info("hmi.sharp_720s")
        client.series()
        with pytest.raises(UnknownSeriesError):
            client.query("hmi.nosuch[1]", key="T_REC")

    assert jsoc.requests == []


def test_auto_asks_the_upstream_for_what_is_not_held_and_says_so(
    jsoc: SampleJsoc, mirrored: Settings, stock: drms.Client, tmp_path: Any
) -> None:
    empty = mirrored.model_copy(update={"mirror": tmp_path / "empty"})
    with Client(empty) as client:
        answer = client.answer(HARP, ["T_REC", "USFLUX"])
        assert answer.source is Source.REMOTE
        pd.testing.assert_frame_equal(
            client.query(HARP, key="T_REC,USFLUX"), stock.query(HARP, key="T_REC,USFLUX")
        )
    with Client(empty, policy="offline") as client:
        pd.testing.assert_frame_equal(
            client.query(HARP, key="T_REC,USFLUX"), stock.query(HARP, key="T_REC,USFLUX")
        )
        with pytest.raises(NotHeldError):
            client.query(HARP, key="T_REC")


@pytest.mark.parametrize("filters", ["[$]", "[^]", "[#1-#]", "[? QUALITY = 0 ?]"])
def test_every_form_is_answered_like_the_stock_client_does(
    filters: str, offline: Client, stock: drms.Client
) -> None:
    query = f"hmi.sharp_720s[4315]{filters}"
    pd.testing.assert_frame_equal(
        offline.query(query, key="T_REC,QUALITY"), stock.query(query, key="T_REC,QUALITY")
    )


def test_auto_passes_on_superseded_versions(mirrored: Settings, stock: drms.Client) -> None:
    query = "hmi.sharp_720s[4315][2014.07.05_TAI/1d][! 1=1 !]"
    with Client(mirrored) as client:
        pd.testing.assert_frame_equal(
            client.query(query, key="T_REC"), stock.query(query, key="T_REC")
        )
    with Client(mirrored, policy="offline") as client:
        assert client.answer(query, ["T_REC"]).source is Source.LOCAL  # it was kept
        with pytest.raises(NotHeldError):
            client.query(query, key="T_REC,QUALITY")


def test_remote_always_asks(jsoc: SampleJsoc, mirrored: Settings) -> None:
    jsoc.clear_requests()
    with Client(mirrored, policy="remote") as client:
        assert client.answer(HARP, ["T_REC"]).source is Source.REMOTE
    assert len(jsoc.requests) >= 1


def test_with_the_upstream_away_what_is_held_is_still_answered(mirrored: Settings) -> None:
    away = mirrored.upstream.model_copy(update={"url": "http://127.0.0.1:9", "attempts": 1})
    with Client(mirrored.model_copy(update={"upstream": away})) as client:
        assert len(client.query(HARP, key="T_REC")) == 120
        with pytest.raises(UpstreamError):
            client.query("hmi.nosuch[1]", key="T_REC")


@pytest.mark.parametrize(
    "asked",
    [
        {"seg": "magnetogram"},
        {"key": "T_REC, QUALITY", "seg": ["bitmap", "magnetogram"]},
        {"link": "MHARP"},
        {"key": "T_REC", "seg": "magnetogram, nosuch", "link": "MHARP, nosuch"},
        {"seg": "magnetogram", "rec_index": True, "n": 3},
    ],
    ids=str,
)
def test_segments_and_links_are_the_upstreams(
    asked: dict[str, Any], mirrored: Settings, stock: drms.Client
) -> None:
    expected = stock.query(HARP, **asked)
    with Client(mirrored) as client:
        found = client.query(HARP, **asked)
    assert type(found) is type(expected)
    if isinstance(found, pd.DataFrame):
        found, expected = (found,), (expected,)
    for ours, theirs in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.parametrize(
    "asked",
    [
        {"seg": "magnetogram"},
        {"seg": "**ALL**", "n": 2},
        {"key": "T_REC, QUALITY", "seg": ["bitmap", "MAGNETOGRAM", "nosuch"], "n": 3},
        {"key": "*sunum*,T_REC", "seg": "magnetogram", "rec_index": True, "n": -3},
    ],
    ids=str,
)
def test_offline_segments_are_where_their_unit_is_in_a_partition_that_there_is_not(
    asked: dict[str, Any], offline: Client, stock: drms.Client, jsoc: SampleJsoc
) -> None:
    units = jsoc.series("hmi.sharp_720s").columns["sunum"]
    jsoc.bring_online(units[units >= 0].tolist())
    expected = stock.query(HARP, **asked)
    found = offline.query(HARP, **asked)
    assert type(found) is type(expected)
    if isinstance(found, pd.DataFrame):
        found, expected = (found,), (expected,)
    *keys, paths = found
    *stock_keys, stock_paths = expected
    for ours, theirs in zip(keys, stock_keys, strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    plain = stock_paths.replace(r"^/SUM\d+/D(\d+)/S\d+/", r"/SUM0/D\1/S00000/", regex=True)
    pd.testing.assert_frame_equal(paths, plain)


def test_offline_segments_of_what_is_not_held_and_links_are_refused_with_words(
    offline: Client,
) -> None:
    with pytest.raises(NotHeldError, match="upstream's to tell"):
        offline.query(HARP, key="T_REC", seg="magnetogram", link="MHARP", n=7)
    with pytest.raises(NotHeldError, match="superseded"):
        offline.query("hmi.sharp_720s[! HARPNUM = 4315 !]", seg="magnetogram")
    with pytest.raises(QueryError, match="at least one keyword"):
        offline.query(HARP)


def test_what_is_not_held_is_named_with_the_command_that_gets_it(offline: Client) -> None:
    with pytest.raises(NotHeldError, match=r"\*size\*"):
        offline.query(HARP, key="*size*")


# ---------------------------------------------------------------- the table in docs/python.md


def _public(client: type) -> dict[str, Any]:
    """What a class has for everybody."""
    return {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}


#: Arguments that only ours has, by name alone.
_BEYOND = {"query": ["as_of"]}


def _documented() -> dict[str, list[str]]:
    """By name, the arguments that the table of the documentation names."""
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    table = page.partition("<!-- drms.Client -->")[2].partition("<!-- end -->")[0]
    rows = re.findall(r"^\| `(\w+)(?:\((.*?)\))?` \| \S", table, re.MULTILINE)
    return {name: re.findall(r"\w+", arguments) for name, arguments in rows}


def test_the_table_has_every_public_name_of_the_stock_client_with_its_arguments() -> None:
    expected = {
        name: list(inspect.signature(member).parameters)[1:] if callable(member) else []
        for name, member in _public(drms.Client).items()
    }
    assert len(expected) >= 9
    assert _documented() == expected


def test_what_only_ours_has_is_given_by_name() -> None:
    for name, arguments in _BEYOND.items():
        parameters = inspect.signature(getattr(Client, name)).parameters
        for argument in arguments:
            assert parameters[argument].kind is inspect.Parameter.KEYWORD_ONLY
            assert parameters[argument].default is None


@pytest.mark.parametrize("name", sorted(_public(drms.Client)))
def test_ours_has_it_with_the_same_signature(name: str) -> None:
    ours, theirs = getattr(Client, name), getattr(drms.Client, name)
    if not callable(theirs):
        assert isinstance(ours, property)
        assert (ours.fset is None) == (theirs.fset is None)
        return
    mine, stock = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    assert list(mine) == [*stock, *_BEYOND.get(name, [])]
    for argument, parameter in stock.items():
        assert (mine[argument].kind, mine[argument].default) == (
            parameter.kind, parameter.default,
        )  # fmt: skip
