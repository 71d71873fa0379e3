"""The client: who answers, as of when, and that offline means offline."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from drmsmirror.client import Client, Policy, Source
from drmsmirror.errors import (
    NoMirrorError,
    NotHeldError,
    QueryError,
    RecordSetError,
    StoreError,
    UnknownSeriesError,
    UpstreamUnavailableError,
)
from tests.jsoc import FaultKind
from tests.unit.sync.mirrors import Copy, asked, truth

WHOLE = "hmi.M_45s"
DAY = "hmi.M_45s[2010.05.01_TAI/1d]"


@pytest.fixture
def without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every connection an error."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_offline_opens_no_connection(held: Copy, without_sockets) -> None:
    with Client(held.settings, policy="offline") as client:
        assert len(client.query(WHOLE, key="T_REC, CAMERA")) > 0
        assert client.series() == [WHOLE, "test.strfsn"]
        assert client.series(r"M_", full=True).shape == (1, 3)
        assert client.info(WHOLE).primekeys == ["T_REC", "CAMERA"]
        assert client.pkeys(WHOLE) == ["T_REC", "CAMERA"]
        with pytest.raises(UnknownSeriesError):
            client.query("hmi.nosuch[1]", key="T_REC")
        with pytest.raises(UnknownSeriesError):
            client.info("hmi.nosuch")


def test_auto_opens_no_connection_for_what_is_held(held: Copy, without_sockets) -> None:
    with Client(held.settings) as client:
        answer = client.answer(DAY, ["T_REC"])
        assert answer.source is Source.LOCAL
        assert answer.texts()["T_REC"]


@pytest.mark.parametrize(
    "query",
    [
        "hmi.M_45s[$]",
        "hmi.M_45s[^][1]",
        "hmi.M_45s[? CAMERA=1 AND QUALITY >= 0 ?]",
        "hmi.M_45s[? T_REC < $(2010.05.02_TAI) ?][$]",
        "hmi.M_45s[#12151680-#12151700@2][1]",
        "hmi.M_45s[2010.05.01_TAI,$] # the first and the last",
    ],
)
def test_every_form_is_answered_from_the_latest_versions(query, held: Copy) -> None:
    with Client(held.settings) as client:
        if "?][" in query:  # an old version may satisfy the condition, and none is held
            with (
                Client(held.settings, policy="offline") as offline,
                pytest.raises(NotHeldError, match="superseded"),
            ):
                offline.answer(query, ["*recnum*"])
            return
        answer = client.answer(query, ["*recnum*"])
        assert answer.source is Source.LOCAL
        assert answer.texts() == truth(held.jsoc, query, ["*recnum*"])


@pytest.mark.parametrize("query", ["hmi.M_45s[:#1-#99]", "hmi.M_45s[! CAMERA=1 !]"])
def test_auto_passes_on_superseded_versions(query, held: Copy) -> None:
    held.jsoc.clear_requests()
    with Client(held.settings) as client:
        answer = client.answer(query, ["*recnum*"])
    assert answer.source is Source.REMOTE
    assert answer.texts() == truth(held.jsoc, query, ["*recnum*"])
    assert [request.op for request in asked(held.jsoc)][:2] == ["rs_summary", "rs_list"]


def test_auto_asks_for_what_is_not_held_and_keeps_the_answer(copy_of) -> None:
    copy = copy_of(WHOLE, rows=100)
    with Client(copy.settings) as client:
        answer = client.answer(WHOLE, ["T_REC", "*recnum*"])
    assert answer.source is Source.REMOTE
    assert answer.texts() == truth(copy.jsoc, WHOLE, ["T_REC", "*recnum*"])
    with Client(copy.settings, policy="offline") as client:
        again = client.answer(WHOLE, ["T_REC", "*recnum*"])
        assert again.source is Source.LOCAL
        assert again.as_of_utc == answer.as_of_utc
        assert again.texts() == truth(copy.jsoc, WHOLE, ["T_REC", "*recnum*"])
        with pytest.raises(NotHeldError, match="drmsmirror sync"):
            client.answer(WHOLE, ["T_REC"])


def test_an_offline_client_makes_no_mirror_and_any_other_does(copy_of) -> None:
    copy = copy_of(WHOLE, rows=100)
    with pytest.raises(NoMirrorError):
        Client(copy.settings, policy="offline")
    assert not copy.settings.mirror.exists()
    Client(copy.settings).close()
    Client(copy.settings, policy="offline").close()


def test_an_error_of_the_upstream_is_not_an_empty_answer(copy_of) -> None:
    copy = copy_of(WHOLE, rows=100)
    copy.jsoc.fault(FaultKind.HTTP_STATUS, times=None)
    with Client(copy.settings) as client, pytest.raises(UpstreamUnavailableError):
        client.query(WHOLE, key="T_REC")


def test_a_wrong_record_set_is_an_error_without_a_request(held: Copy) -> None:
    held.jsoc.clear_requests()
    with Client(held.settings) as client, pytest.raises(RecordSetError) as caught:
        client.query("hmi.M_45s[2010.05.01_TAI/1d", key="T_REC")
    assert "^" in str(caught.value)
    assert asked(held.jsoc) == []


def test_an_answer_is_as_of_the_moment_the_upstream_was_read(copy_of) -> None:
    copy = copy_of(WHOLE, rows=100)
    copy.sync(WHOLE)
    (entry,) = copy.coverage(WHOLE)
    with Client(copy.settings, policy="offline") as client:
        assert client.answer(DAY, ["T_REC"]).as_of_utc == entry.as_of_utc


def test_an_answer_is_as_of_the_parts_that_it_rests_on(copy_of) -> None:
    copy = copy_of("hmi.sharp_720s")
    copy.sync("hmi.sharp_720s[377]")
    copy.sync("hmi.sharp_720s[378]")
    newest = max(entry.as_of_utc for entry in copy.coverage("hmi.sharp_720s"))
    with Client(copy.settings, policy="offline") as client:
        assert client.answer("hmi.sharp_720s[378]", ["T_REC"]).as_of_utc == newest


def test_a_question_that_contradicts_itself_has_no_records_whatever_is_held(copy_of) -> None:
    copy = copy_of(WHOLE, rows=100)
    copy.sync(WHOLE, seconds=0.0)
    nothing = "hmi.M_45s[T_REC=2010.05.01_TAI][T_REC=2012.05.01_TAI]"
    with Client(copy.settings, policy="offline") as client:
        assert client.answer(nothing, ["*recnum*"]).texts() == {"*recnum*": []}


@pytest.mark.parametrize("n", [None, 0, 1, 7, -1, -7, 10_000, -10_000])
def test_n_takes_the_first_or_last_records(n, held: Copy) -> None:
    whole = truth(held.jsoc, WHOLE, ["*recnum*"])["*recnum*"]
    expected = whole if not n else whole[:n] if n > 0 else whole[n:]
    with Client(held.settings, policy="offline") as client:
        assert client.answer(WHOLE, ["*recnum*"], n=n).texts()["*recnum*"] == expected


@pytest.mark.parametrize("n", ["3", np.int64(3)])
def test_n_may_be_written_in_other_ways(n, held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        assert len(client.query(WHOLE, key="T_REC", n=n)) == 3


@pytest.mark.parametrize("n", [2.5, "2.5", "many", [3]])
def test_n_is_a_whole_number(n, held: Copy) -> None:
    with (
        Client(held.settings, policy="offline") as client,
        pytest.raises(QueryError, match="must be a whole number"),
    ):
        client.query(WHOLE, key="T_REC", n=n)


@pytest.mark.parametrize("ask", [Client.query, lambda client, ds, key: client.answer(ds, key)])
def test_at_least_one_keyword_is_named(ask, held: Copy) -> None:
    with (
        Client(held.settings, policy="offline") as client,
        pytest.raises(QueryError, match="at least one keyword"),
    ):
        ask(client, WHOLE, key=[])


@pytest.mark.parametrize("n", [2**63, -(2**63), 10**5000], ids=["above", "below", "far above"])
def test_n_that_no_engine_can_count_to_is_an_error(n, held: Copy) -> None:
    with (
        Client(held.settings, policy="offline") as client,
        pytest.raises(QueryError, match="at most 64 bits"),
    ):
        client.query(WHOLE, key="T_REC", n=n)


@pytest.mark.parametrize("n", [2**63 - 1, -(2**63) + 1])
def test_n_may_be_more_than_there_is(n, held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        assert len(client.query(WHOLE, key="T_REC", n=n)) == len(client.query(WHOLE, key="T_REC"))


def test_a_regular_expression_that_is_none_is_an_error(held: Copy) -> None:
    with (
        Client(held.settings, policy="offline") as client,
        pytest.raises(QueryError, match=r"'\[' is no regular expression"),
    ):
        client.series("[")


def test_an_answer_comes_in_typed_batches_too(held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        answer = client.answer(WHOLE, ["T_REC", "CAMERA", "DATARMS", "*recnum*"])
        batches = list(answer.arrow_batches())
    assert [str(type_) for type_ in answer.schema.types] == ["string", "int64", "double", "int64"]
    texts = truth(held.jsoc, WHOLE, ["DATARMS"])["DATARMS"]
    values = [value for batch in batches for value in batch["DATARMS"].to_pylist()]
    assert values == [None if text == "MISSING" else float(text) for text in texts]


@pytest.mark.parametrize("keys", [["t_rec"], ["T_REC", "camera"], ["NOSUCH"], ["T_REC", "T_REC"]])
def test_keys_are_answered_as_the_upstream_answers_them(keys, held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        assert client.answer(WHOLE, keys).texts() == truth(held.jsoc, WHOLE, keys)


def test_several_series_in_one_question_print_by_their_own_definition(held: Copy) -> None:
    query = f"{DAY},test.strfsn"
    with Client(held.settings, policy="offline") as client:
        found = client.answer(query, ["*recnum*", "QUALITY"]).texts()
    assert found == truth(held.jsoc, query, ["*recnum*", "QUALITY"])


def test_a_policy_that_is_none_is_an_error(held: Copy) -> None:
    with pytest.raises(QueryError, match="auto, offline or remote"):
        Client(held.settings, policy="sometimes")
    assert {str(policy) for policy in Policy} == {"auto", "offline", "remote"}


def test_a_keyword_that_records_do_not_hold_is_named(held: Copy) -> None:
    with Client(held.settings, policy="offline") as client, pytest.raises(NotHeldError) as caught:
        client.answer(WHOLE, ["*online*"])
    assert "*online*" in str(caught.value)


@pytest.mark.parametrize("step", ["1s", "7s"])
def test_steps_of_times_are_exact_over_decades(step: str, copy_of) -> None:
    copy = copy_of("test.timekey")
    copy.sync("test.timekey")
    query = f"test.timekey[1977.01.01_TAI-2030.01.01_TAI@{step}]"
    with Client(copy.settings, policy="offline") as client:
        found = client.answer(query, ["*recnum*"]).texts()
    assert found == truth(copy.jsoc, query, ["*recnum*"])
    assert found["*recnum*"]


def test_an_answer_can_be_read_after_its_client_was_closed(held: Copy) -> None:
    with Client(held.settings) as client:
        answer = client.answer("hmi.M_45s[^]", ["*recnum*"])
    assert answer.texts() == truth(held.jsoc, "hmi.M_45s[^]", ["*recnum*"])
    with pytest.raises(StoreError, match="was closed"):
        client.answer("hmi.M_45s[^]", ["*recnum*"])


def test_a_wrong_expression_for_names_is_refused_before_anybody_is_asked(held: Copy) -> None:
    held.jsoc.clear_requests()
    with Client(held.settings) as client, pytest.raises(QueryError, match="no regular expression"):
        client.series("(")
    assert asked(held.jsoc) == []
