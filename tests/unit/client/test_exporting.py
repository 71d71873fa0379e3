"""Addresses are checked, offline nothing is ordered, and a server is not taken for a directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import drms
import pytest

from drmsmirror.client import Client
from drmsmirror.client.exporting import with_images
from drmsmirror.errors import NotHeldError, QueryError, UnsupportedError, UpstreamUnavailableError
from drmsmirror.model.recordset import parse_recordset
from drmsmirror.model.series import Keyword, KeywordType, Link, LinkTarget, Scope, SeriesDefinition
from tests.unit.sync.mirrors import Copy, asked

KNOWN, UNKNOWN = "a+b@example.org", "c@example.org"


@pytest.fixture
def known(held: Copy, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """The upstream knows one address."""
    monkeypatch.setattr(held.jsoc, "registered", {KNOWN}.__contains__)
    return held


def test_an_address_is_checked_by_the_upstream(known: Copy) -> None:
    with Client(known.settings) as client:
        assert client.email is None
        assert (client.check_email(KNOWN), client.check_email(UNKNOWN)) == (True, False)
        client.email = KNOWN
        with pytest.raises(ValueError, match="not registered"):
            client.email = UNKNOWN
        assert client.email == KNOWN
        client.email = None
        assert client.email is None


def test_the_constructor_keeps_an_address_and_asks_nobody(known: Copy) -> None:
    known.jsoc.clear_requests()
    for policy in ("auto", "offline"):
        with Client(known.settings, policy, email=UNKNOWN) as client:
            assert client.email == UNKNOWN
    assert asked(known.jsoc) == []


def test_offline_no_address_can_be_checked(known: Copy) -> None:
    known.jsoc.clear_requests()
    with Client(known.settings, policy="offline") as client:
        with pytest.raises(UnsupportedError, match="policy is offline"):
            client.check_email(KNOWN)
        with pytest.raises(drms.DrmsOperationNotSupported):
            client.email = KNOWN
        assert client.email is None
    assert asked(known.jsoc) == []


def test_with_the_upstream_away_an_address_is_neither_known_nor_unknown(known: Copy) -> None:
    away = known.settings.upstream.model_copy(update={"url": "http://127.0.0.1:9"})
    settings = known.settings.model_copy(update={"upstream": away})
    with Client(settings) as client, pytest.raises(UpstreamUnavailableError):
        client.email = KNOWN


def test_offline_nothing_is_asked_for_an_export(held: Copy) -> None:
    held.jsoc.clear_requests()
    with Client(held.settings, policy="offline") as client:
        assert client.export("hmi.M_45s[$]{magnetogram}", protocol="fits").has_failed()
        with pytest.raises(NotHeldError, match="processed by resize,scale=2"):
            client.export("hmi.M_45s[$]{magnetogram}", process={"resize": {"scale": 2}})
        with pytest.raises(NotHeldError, match="JSOC_20260101_001"):
            client.export_from_id("JSOC_20260101_001")
    assert asked(held.jsoc) == []


def test_steps_of_processing_that_are_no_dict_are_refused_in_words(held: Copy) -> None:
    with Client(held.settings) as client, pytest.raises(QueryError, match="is a dict of steps"):
        client.export("hmi.M_45s[$]{magnetogram}", process="resize,scale=2")


@pytest.mark.parametrize("server", ["jsoc", "JSOC", "kis", drms.config.ServerConfig(name="mine")])
def test_a_server_is_not_taken_for_a_directory(
    server: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(QueryError, match="directory of the mirror"):
        Client(server)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_such_a_name_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jsoc").mkdir()
    with Client("jsoc") as client:
        assert client.settings.mirror == tmp_path / "jsoc"
    with Client("./kis") as client:
        assert client.settings.mirror == tmp_path / "kis"


@pytest.mark.parametrize(
    ("change", "condition"),
    [
        ({}, "[? QUALITY >= 0 ?]"),
        ({"link": LinkTarget("L", "QUALITY")}, ""),
        ({"scope": Scope.CONSTANT}, ""),
        ({"name": "GOODNESS"}, ""),
    ],
    ids=str,
)
def test_records_without_an_image_are_passed_over_where_a_condition_can_tell(
    change: dict[str, object], condition: str
) -> None:
    quality = replace(Keyword("QUALITY", KeywordType.INT), **change)
    definition = SeriesDefinition("a.b", keywords=(quality,), links=(Link("L", "a.c", "static"),))
    tree = parse_recordset("a.b[1],a.b[2][? quality < 0 ?]")
    assert str(with_images(definition, tree)) == f"a.b[1]{condition},a.b[2][? quality < 0 ?]"
