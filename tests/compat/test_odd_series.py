"""Series with odd keys and types, in the stock client's shapes: dtypes, names, empty answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import drms
import pandas as pd
import pytest

from drmsmirror.client import Client
from tests.compat.conftest import stock_client
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

ODD = ("test.strfsn", "test.timekey", "test.synoptic", "test.nopk")

Ask = Callable[[Any], Any]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A mirror of series whose prime keys are strings, times, missing, or none."""
    with SampleJsoc([series(name) for name in ODD]) as jsoc:
        copy = Copy(settings_for(tmp_path_factory.mktemp("odd") / "mirror", jsoc), jsoc)
        for name in ODD:
            copy.sync(name)
        yield copy


@pytest.fixture(scope="module")
def theirs(odd: Copy) -> drms.Client:
    return stock_client(
        odd.jsoc, cgi_show_series_wrapper="showextseries", show_series_wrapper_dbhost="hmidb2"
    )


@pytest.fixture(scope="module", params=["offline", "remote"])
def ours(request: pytest.FixtureRequest, odd: Copy) -> Iterator[Client]:
    with Client(odd.settings, policy=request.param) as client:
        yield client


ARGUMENTS: list[dict[str, Any]] = [
    {},
    {"convert_numeric": False},
    {"rec_index": True},
    {"skip_conversion": "QUALITY"},
    {"skip_conversion": "QUALITY,*recnum*"},  # the name of one key, which there is not
    {"skip_conversion": ["QUALITY", "*recnum*"]},
    {"n": -3},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
@pytest.mark.parametrize("name", ODD)
def test_every_keyword_of_an_odd_series(
    name: str, arguments: dict[str, Any], ours: Client, theirs: drms.Client
) -> None:
    definition = ours.definition(name)
    keys = [c.key for c in definition.columns if not definition.is_implicit(c.keyword)]
    arguments = {"key": [*keys, "*recnum*", "*sunum*"], **arguments}

    expected = theirs.query(f"{name}[]", **arguments)

    assert len(expected)
    pd.testing.assert_frame_equal(ours.query(f"{name}[]", **arguments), expected)


@pytest.mark.parametrize(
    "arguments",
    [
        {"key": "**ALL**", "rec_index": True},
        {"key": "**ALL**", "pkeys": True},
        {"key": "NAME,NAME,QUALITY,NAME"},
        {"key": ("FSN", "QUALITY"), "rec_index": True},
        {"key": "NAME", "pkeys": True, "rec_index": True},
    ],
    ids=str,
)
def test_keys_that_are_named_twice(
    arguments: dict[str, Any], ours: Client, theirs: drms.Client
) -> None:
    pd.testing.assert_frame_equal(
        ours.query("test.strfsn[]", **arguments), theirs.query("test.strfsn[]", **arguments)
    )


@pytest.mark.parametrize("arguments", [{}, {"pkeys": True}, {"convert_numeric": False}], ids=str)
def test_no_records(arguments: dict[str, Any], ours: Client, theirs: drms.Client) -> None:
    query = "test.synoptic[9999]"
    expected = theirs.query(query, key="**ALL**", **arguments)
    pd.testing.assert_frame_equal(ours.query(query, key="**ALL**", **arguments), expected)
    named = ours.query(query, key="**ALL**", rec_index=True)  # the stock client fails here
    assert (list(named.columns), len(named)) == ([], 0)


@pytest.mark.parametrize("name", ODD)
def test_what_is_known_about_an_odd_series(name: str, ours: Client, theirs: drms.Client) -> None:
    info, expected = ours.info(name), theirs.info(name)
    for table in ("keywords", "segments", "links"):
        pd.testing.assert_frame_equal(getattr(info, table), getattr(expected, table))
    assert (info.name, info.note, info.tapegroup) == (
        expected.name, expected.note, expected.tapegroup,
    )  # fmt: skip
    # of a series without prime keys the stock client lists [None]
    assert info.primekeys == [key for key in expected.primekeys if key is not None]


@pytest.mark.parametrize("regex", [None, "strfsn|NOPK", "^nothing$"])
def test_lists_of_series(regex: str | None, odd: Copy, theirs: drms.Client) -> None:
    with Client(odd.settings, policy="remote") as client:
        assert client.series(regex) == theirs.series(regex)
        pd.testing.assert_frame_equal(
            client.series(regex, full=True), theirs.series(regex, full=True)
        )


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.info("bob"),
        lambda client: client.info("???"),
        lambda client: client.pkeys("test.nosuch"),
        lambda client: client.query("bob", key="A"),
        lambda client: client.query("???", key="A"),
        lambda client: client.query("test.nosuch[]", key="A"),
        lambda client: client.query("test.strfsn[", key="A"),
        lambda client: client.query("test.strfsn[? NOSUCH = 1 ?]", key="A"),
        lambda client: client.query("test.strfsn[]"),
        lambda client: client.query("test.strfsn[]", key="A", n="many"),
    ],
)
def test_errors_are_caught_like_those_of_the_stock_client(
    ask: Ask, ours: Client, theirs: drms.Client
) -> None:
    with pytest.raises(Exception) as expected:
        ask(theirs)
    with pytest.raises(expected.type):
        ask(ours)
