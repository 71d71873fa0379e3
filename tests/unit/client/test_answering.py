"""Answers from the mirror and the upstream together, and an upstream that misbehaves meanwhile."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from drmsmirror.catalogue import Cost, tables
from drmsmirror.client import Client, PartialAnswerWarning, Source
from drmsmirror.errors import (
    NotHeldError,
    QueryError,
    TooSlowError,
    UpstreamAnswerError,
    UpstreamError,
    UpstreamPausedError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from tests.jsoc import Fault, FaultKind, Keyword, Request
from tests.unit.sync.mirrors import Copy, asked, truth

NAME = "hmi.M_45s"
KEYS = ["T_REC", "CAMERA", "QUALITY", "*recnum*"]
#: One hour that is held, and two around it.
HELD = f"{NAME}[2010.05.01_00:00_TAI/15m]"
AROUND = f"{NAME}[2010.05.01_TAI/1h]"


@pytest.fixture
def copy(copy_of: Callable[..., Copy]) -> Copy:
    """Give a mirror that holds a quarter of an hour."""
    made = copy_of(NAME, rows=200)
    made.sync(HELD)
    made.jsoc.clear_requests()
    return made


def _answer(copy: Copy, query: str, **terms: Any) -> tuple[Any, dict[str, list[Any]]]:
    policy = terms.pop("policy", "auto")
    with Client(copy.settings, policy) as client:
        answer = client.answer(query, KEYS, **terms)
        return answer, answer.texts()


def _lists(copy: Copy) -> list[str]:
    return [request.ds for request in asked(copy.jsoc, "rs_list")]


def test_a_query_that_is_held_in_part_asks_for_the_rest_alone_and_once(copy: Copy) -> None:
    answer, texts = _answer(copy, AROUND)

    assert answer.source is Source.MIXED
    assert answer.complete
    assert texts == truth(copy.jsoc, AROUND, KEYS)
    assert _lists(copy) == [f"{NAME}[#12151700-#12151759]"]

    copy.jsoc.clear_requests()
    again, same = _answer(copy, AROUND)

    assert again.source is Source.LOCAL
    assert same == texts
    assert asked(copy.jsoc) == []


def test_of_a_list_of_values_those_not_held_are_asked_for(copy_of: Callable[..., Copy]) -> None:
    copy = copy_of("hmi.sharp_720s")
    harps = sorted(set(truth(copy.jsoc, "hmi.sharp_720s", ["HARPNUM"])["HARPNUM"]), key=int)[:3]
    one, other, third = harps
    copy.sync(f"hmi.sharp_720s[{one}]")
    copy.sync(f"hmi.sharp_720s[{other}]")
    copy.jsoc.clear_requests()
    with Client(copy.settings) as client:
        both = client.answer(f"hmi.sharp_720s[{one},{other}]", ["*recnum*"])
        assert both.source is Source.LOCAL
        assert asked(copy.jsoc) == []
        mixed = client.answer(f"hmi.sharp_720s[{one},{third}]", ["*recnum*"])
        assert mixed.source is Source.MIXED
        assert mixed.texts() == truth(copy.jsoc, f"hmi.sharp_720s[{one},{third}]", ["*recnum*"])
    assert _lists(copy) == [f"hmi.sharp_720s[{third}]"]


def test_windows_that_overlap_bring_no_record_twice(copy: Copy) -> None:
    """However many there are: a question has no more than a hundred."""
    copy.jsoc.append(NAME, {"T_REC": [1051747200.0 + 119 * 45], "CAMERA": [1], "QUALITY": [0]})
    every = ",".join(f"#{12151699 + one}" for one in range(101))
    query = f"{NAME}[#12151698-#12151799,{every}]"

    assert _answer(copy, query)[1] == truth(copy.jsoc, query, KEYS)


def test_a_condition_goes_along_and_its_answer_is_kept(copy: Copy) -> None:
    query = f"{AROUND}[? QUALITY >= 0 ?]"
    answer, texts = _answer(copy, query)

    assert answer.source is Source.MIXED
    assert texts == truth(copy.jsoc, query, KEYS)
    assert _lists(copy) == [f"{NAME}[#12151700-#12151759][? QUALITY >= 0 ?]"]

    copy.jsoc.clear_requests()
    for policy in ("auto", "offline"):
        again, same = _answer(copy, query, policy=policy)
        assert again.source is Source.LOCAL
        assert same == texts
    assert asked(copy.jsoc) == []


@pytest.mark.parametrize("n", [3, -3, 1000])
def test_a_limit_goes_along(copy: Copy, n: int) -> None:
    answer, texts = _answer(copy, AROUND, n=n)
    whole = truth(copy.jsoc, AROUND, KEYS)

    assert answer.source is Source.MIXED
    assert texts == {key: (v[:n] if n > 0 else v[n:]) for key, v in whole.items()}
    assert {request.params["n"] for request in asked(copy.jsoc, "rs_list")} == {str(n)}


@pytest.mark.parametrize("edge", ["[$]", "[^]", "[][$]", "[CAMERA=1][$]"])
def test_first_and_last_values_need_what_lies_beyond_them(copy: Copy, edge: str) -> None:
    answer, texts = _answer(copy, NAME + edge)

    assert texts == truth(copy.jsoc, NAME + edge, KEYS)
    assert answer.source is Source.REMOTE


def test_the_last_value_is_known_where_the_upper_end_is_held(copy: Copy) -> None:
    copy.sync(f"{NAME}[#12151720-#]")
    copy.jsoc.clear_requests()

    answer, texts = _answer(copy, f"{NAME}[$]")

    assert answer.source is Source.LOCAL
    assert asked(copy.jsoc) == []
    assert texts == truth(copy.jsoc, f"{NAME}[$]", KEYS)
    assert _answer(copy, f"{NAME}[^]")[0].source is Source.REMOTE


def test_what_is_older_than_it_may_be_is_asked_for_again(copy: Copy) -> None:
    fresh, _ = _answer(copy, HELD, max_age=timedelta(hours=1))
    assert fresh.source is Source.LOCAL
    copy.jsoc.revise(NAME, "[2010.05.01_TAI]", {"QUALITY": 7})

    answer, texts = _answer(copy, HELD, max_age=timedelta(0))

    assert answer.source is Source.REMOTE
    assert texts == truth(copy.jsoc, HELD, KEYS)
    again, _ = _answer(copy, HELD, max_age=timedelta(hours=1))
    assert again.source is Source.LOCAL
    assert again.as_of_utc > fresh.as_of_utc
    with pytest.raises(NotHeldError, match=r"too old[\s\S]*drmsmirror sync"):
        _answer(copy, HELD, max_age=timedelta(0), policy="offline")


def test_of_what_was_read_long_ago_the_open_end_is_asked_for(copy_of: Callable[..., Copy]) -> None:
    copy = copy_of(NAME, rows=200, query={"open_end_hours": 0.0})
    copy.sync(NAME)
    newest, *_ = truth(copy.jsoc, f"{NAME}[$]", ["T_REC"])["T_REC"]
    copy.jsoc.append(NAME, {"T_REC": ["2031.01.01_TAI"], "CAMERA": [1], "QUALITY": [0]})
    copy.jsoc.clear_requests()

    inside, _ = _answer(copy, f"{NAME}[2010.05.01_TAI-{newest}]")
    assert inside.source is Source.LOCAL
    whole, texts = _answer(copy, NAME)

    assert whole.source is Source.MIXED
    assert texts == truth(copy.jsoc, NAME, KEYS)
    (asked_for,) = _lists(copy)
    assert truth(copy.jsoc, asked_for, ["T_REC"])["T_REC"] == ["2031.01.01_00:00:00_TAI"]


def test_of_an_open_end_what_is_held_is_the_answer_where_the_upstream_fails(
    copy_of: Callable[..., Copy],
) -> None:
    copy = copy_of(NAME, rows=200, query={"open_end_hours": 0.0})
    last = f"{NAME}[$]"
    first, texts = _answer(copy, last)
    copy.sync(HELD)
    copy.jsoc.fault(FaultKind.HTTP_STATUS, times=None)

    kept, same = _answer(copy, last)

    assert kept.source is Source.LOCAL
    assert kept.as_of_utc == first.as_of_utc
    assert same == texts
    with pytest.raises(UpstreamUnavailableError):
        _answer(copy, last, max_age=timedelta(0))
    copy.jsoc.clear_faults()
    copy.sync(NAME)
    copy.jsoc.fault(FaultKind.HTTP_STATUS, times=None)
    held, everything = _answer(copy, NAME)
    assert held.source is Source.LOCAL
    assert held.complete
    assert everything == truth(copy.jsoc, NAME, KEYS)


def test_offline_names_what_is_missing_or_gives_a_part_and_says_so(copy: Copy) -> None:
    with pytest.raises(NotHeldError, match=r"00:15:00_TAI to before[\s\S]*drmsmirror sync"):
        _answer(copy, AROUND, policy="offline")

    answer, texts = _answer(copy, AROUND, policy="offline", partial=True)

    assert not answer.complete
    assert "drmsmirror sync" in answer.missing
    assert texts == truth(copy.jsoc, HELD, KEYS)
    assert asked(copy.jsoc) == []


# -- an upstream that fails -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [FaultKind.HTTP_STATUS, FaultKind.EMPTY_BODY, FaultKind.HTML, FaultKind.CLOSE_EARLY],
    ids=str,
)
def test_an_upstream_that_fails_is_an_error_that_says_what_is_missing(
    copy: Copy, kind: FaultKind
) -> None:
    copy.jsoc.fault(kind, times=None)
    with pytest.raises(UpstreamError, match=r"00:15:00_TAI to before[\s\S]*drmsmirror sync"):
        _answer(copy, AROUND)
    local, _ = _answer(copy, HELD)
    assert local.source is Source.LOCAL

    part, texts = _answer(copy, AROUND, partial=True)

    assert not part.complete
    assert texts == truth(copy.jsoc, HELD, KEYS)


def test_what_came_before_the_upstream_died_is_held(copy: Copy) -> None:
    # two questions: the first is answered, and asked for no more afterwards
    query = f"{NAME}[2010.05.01_TAI/30m][1,2]"
    copy.sync(f"{NAME}[2010.05.01_00:15_TAI/10m][1]")
    copy.jsoc.clear_requests()
    answered: list[Request] = []

    def second(request: Request) -> bool:
        if request.op != "rs_list":
            return False
        answered.append(request)
        return len(answered) > 1

    copy.jsoc.fault(FaultKind.HTTP_STATUS, times=None, when=second)
    with pytest.raises(UpstreamUnavailableError):
        _answer(copy, query)
    first, *_ = _lists(copy)
    copy.jsoc.clear_faults()
    copy.jsoc.clear_requests()
    with copy.open() as mirror, mirror.catalogue.database.write() as connection:
        connection.execute(delete(tables.failed_questions))  # as after half a minute

    answer, texts = _answer(copy, query)

    assert answer.complete
    assert texts == truth(copy.jsoc, query, KEYS)
    assert first not in _lists(copy)


@pytest.mark.parametrize("what", ["elsewhere", "twice"])
def test_garbage_for_the_gap_is_not_taken(copy: Copy, what: str) -> None:
    with Client(copy.settings) as client:
        upstream = client._upstream._upstream
        asked_for = upstream.records

        def garbage(recordset: str, keys: list[str], **rest: Any) -> Any:
            there = HELD if what == "elsewhere" else recordset
            listed = asked_for(there, keys, **rest)
            table = listed.table
            if what == "twice":
                import pyarrow as pa

                table = pa.concat_tables([table, table])
            return replace(listed, table=table, rows=table.num_rows)

        upstream.records = garbage
        upstream.within = lambda _: upstream
        with pytest.raises(UpstreamAnswerError, match=f"records.* {what}"):
            client.answer(AROUND, KEYS)
    assert not list((copy.settings.mirror / "answers").rglob("*.parquet"))
    entries = copy.coverage(NAME)
    assert len(entries) == 1
    assert len(truth(copy.jsoc, HELD, KEYS)["*recnum*"]) == len(_answer(copy, HELD)[1]["*recnum*"])


@pytest.mark.parametrize("condition", ["", "[? QUALITY >= 0 ?]"])
def test_that_there_is_nothing_is_not_believed_where_there_is_something(
    copy: Copy, condition: str
) -> None:
    query = f"{AROUND}{condition}"
    nothing = Fault(FaultKind.NO_RECORDS)
    copy.jsoc.fault(nothing, times=1, when=lambda request: request.op == "rs_list")

    with pytest.raises(UpstreamAnswerError, match="contradicts itself"):
        _answer(copy, query)

    assert len(copy.coverage(NAME)) == 1
    with copy.open() as mirror, mirror.catalogue.database.write() as connection:
        connection.execute(delete(tables.failed_questions))  # as after half a minute
    assert _answer(copy, query)[1] == truth(copy.jsoc, query, KEYS)


def test_that_there_is_nothing_is_held_where_it_is_confirmed(copy: Copy) -> None:
    empty = f"{NAME}[2012.05.01_TAI/1h]"
    answer, texts = _answer(copy, empty)
    assert (answer.complete, texts["T_REC"]) == (True, [])
    *_, confirmed = asked(copy.jsoc, "rs_summary")
    assert re.fullmatch(r"hmi\.M_45s\[#\d+-#\d+\],hmi\.M_45s\[:#\d+\]", confirmed.ds)

    copy.jsoc.clear_requests()
    assert _answer(copy, empty)[0].complete
    assert asked(copy.jsoc) == []


def test_of_an_unknown_series_and_a_whole_question_too_nothing_is_confirmed(copy_of) -> None:
    copy, query = copy_of(NAME, rows=30), f"{NAME}[][1]"
    nothing = Fault(FaultKind.NO_RECORDS)
    copy.jsoc.fault(nothing, times=1, when=lambda request: request.op == "rs_list")
    with pytest.raises(UpstreamAnswerError, match="contradicts itself"):
        _answer(copy, query)
    assert _answer(copy, f"{NAME}[2031.01.01_TAI/1d]")[1]["T_REC"] == []


def test_a_record_that_changes_between_two_questions_comes_once(copy: Copy) -> None:
    query = f"{NAME}[2010.05.01_TAI/30m][1,2]"
    copy.sync(f"{NAME}[2010.05.01_00:15_TAI/10m][1]")
    copy.jsoc.clear_requests()
    changed: list[Request] = []

    def change(request: Request) -> bool:
        if request.op == "rs_list" and not changed:
            changed.append(request)
            copy.jsoc.revise(NAME, "[2010.05.01_00:20_TAI/5m]", {"QUALITY": 7})
        return False

    copy.jsoc.fault(FaultKind.EMPTY_BODY, times=None, when=change)
    answer, texts = _answer(copy, query)

    names = list(zip(texts["T_REC"], texts["CAMERA"], strict=True))
    assert len(names) == len(set(names)) == len(truth(copy.jsoc, query, KEYS)["*recnum*"])
    assert answer.complete


def test_a_keyword_that_the_series_gained_is_asked_for(copy: Copy) -> None:
    copy.jsoc.add_keyword(NAME, Keyword("NOVEL", "int", format="%d"), 7)
    with Client(copy.settings) as client:
        frame = client.query(HELD, key="T_REC, NOVEL")
    assert set(frame.NOVEL) == {7}
    with Client(copy.settings) as client:  # the rest of the question is still held
        assert client.answer(HELD, ["T_REC"]).source is Source.LOCAL
    copy.sync(HELD)
    copy.jsoc.clear_requests()
    with Client(copy.settings) as client:
        assert client.answer(HELD, ["T_REC", "NOVEL"]).source is Source.LOCAL
        mixed = client.answer(AROUND, ["NOVEL"])
        assert mixed.texts() == truth(copy.jsoc, AROUND, ["NOVEL"])


def test_an_answer_without_a_keyword_that_came_since_says_nothing_of_it(copy: Copy) -> None:
    query = f"{NAME}[2010.05.01_00:15_TAI/15m]"
    copy.jsoc.add_keyword(NAME, Keyword("NOVEL", "int", format="%d"), 7)
    _answer(copy, query)
    with Client(copy.settings) as client:
        assert set(client.answer(query, ["NOVEL"]).texts()["NOVEL"]) == {"7"}


def test_an_older_answer_is_not_merged_as_what_the_upstream_has_now(
    copy_of: Callable[..., Copy],
) -> None:
    copy = copy_of(NAME, rows=200, query={"open_end_hours": 0})
    query = f"{NAME}[#12151720-#]"
    copy.sync(query)
    _answer(copy, query)
    held = {entry.as_of_recnum for entry in copy.coverage(NAME)}
    copy.jsoc.append(NAME, {"T_REC": [1.06e9], "CAMERA": [1], "QUALITY": [0]})
    copy.jsoc.fault(FaultKind.HTTP_STATUS, times=None, when="rs_list")

    answer, _ = _answer(copy, query)

    assert answer.source is Source.LOCAL
    assert {entry.as_of_recnum for entry in copy.coverage(NAME)} == held


def test_of_record_numbers_the_open_end_is_asked_for_too(copy_of: Callable[..., Copy]) -> None:
    copy = copy_of("test.nopk", query={"open_end_hours": 0})
    copy.sync("test.nopk")
    copy.jsoc.append("test.nopk", {"A": [1]})
    copy.jsoc.clear_requests()
    with Client(copy.settings) as client:
        found = client.answer("test.nopk", ["*recnum*"]).texts()
    assert found == truth(copy.jsoc, "test.nopk", ["*recnum*"])
    assert _lists(copy) == ["test.nopk[][:#368-#]"]


def test_what_would_take_too_long_is_refused_before_it_is_asked_for(copy: Copy) -> None:
    with copy.open() as mirror:  # a server that takes a second for each record
        mirror.catalogue.upstreams.change_cost(copy.settings.upstream.url, lambda _: Cost(0.5, 1.0))
    with pytest.raises(TooSlowError, match=r"about [\d,]+ s[\s\S]*drmsmirror sync"):
        _answer(copy, NAME)
    assert _lists(copy) == []
    assert [request.op for request in asked(copy.jsoc)] == ["rs_summary"]


def test_the_upstream_gets_the_time_it_is_given_and_no_more(copy: Copy) -> None:
    copy.jsoc.fault(Fault(FaultKind.STALL), times=None)
    with pytest.raises(UpstreamUnavailableError, match="--wait"):
        _answer(copy, f"{NAME}[2010.05.01_00:15_TAI]", wait=1.5)
    copy.jsoc.release()


def test_later_questions_know_that_the_upstream_is_left_alone(copy: Copy) -> None:
    copy.jsoc.fault(FaultKind.HTTP_STATUS, times=None)
    for minute in range(3):
        with pytest.raises(UpstreamUnavailableError):
            _answer(copy, f"{NAME}[2010.05.01_01:0{minute}_TAI]")
    copy.jsoc.clear_requests()

    with pytest.raises(UpstreamPausedError, match=r"left alone[\s\S]*drmsmirror sync"):
        _answer(copy, AROUND)

    assert asked(copy.jsoc) == []
    assert _answer(copy, HELD)[0].source is Source.LOCAL


def test_questions_at_the_same_time_make_one_request(copy: Copy) -> None:
    barrier = threading.Barrier(6)
    found: list[Any] = []

    def ask() -> None:
        with Client(copy.settings) as client:
            barrier.wait()
            found.append(client.answer(AROUND, KEYS).texts())

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [truth(copy.jsoc, AROUND, KEYS)] * 6
    # what merging needs besides is asked by who sends the request
    ops = [(request.op, request.ds) for request in asked(copy.jsoc)]
    assert [op for op, _ in ops] == ["rs_summary", "series_struct", "rs_list"], ops


def test_a_mirror_that_cannot_be_written_answers_without_keeping(
    copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drmsmirror.mirror._is_read_only", lambda place: isinstance(place, Path))
    for _ in range(2):
        answer, texts = _answer(copy, AROUND)
        assert answer.source is Source.MIXED
        assert texts == truth(copy.jsoc, AROUND, KEYS)
    assert len(_lists(copy)) == 2


def test_who_has_no_patience_says_nothing_about_the_upstream(copy: Copy) -> None:
    copy.jsoc.fault(Fault(FaultKind.STALL), times=None)
    for minute in range(4):
        with pytest.raises(UpstreamTimeoutError):
            _answer(copy, f"{NAME}[2010.05.01_01:0{minute}_TAI]", wait=0.3)
    copy.jsoc.clear_faults()
    copy.jsoc.release()

    assert _answer(copy, AROUND)[0].source is Source.MIXED


def test_a_table_that_lacks_something_comes_with_a_warning(copy: Copy) -> None:
    with Client(copy.settings, "offline", partial=True) as client:
        with pytest.warns(PartialAnswerWarning, match="drmsmirror sync"):
            frame = client.query(AROUND, key="T_REC")
        relation = client.scan(AROUND, "T_REC")
        assert not relation.complete
        assert "drmsmirror sync" in relation.missing
    assert len(frame) == len(truth(copy.jsoc, HELD, ["T_REC"])["T_REC"])


@pytest.mark.parametrize("wrong", [{"max_age": 5}, {"wait": "x"}, {"wait": -1}, {"wait": True}])
def test_terms_that_are_none_are_refused_at_once(copy: Copy, wrong: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match=f"{next(iter(wrong))} is"):
        Client(copy.settings, **wrong)


def test_keys_may_be_a_text_with_commas(copy: Copy) -> None:
    with Client(copy.settings, "offline") as client:
        texts = client.answer(HELD, "T_REC, CAMERA").texts()
    assert texts == truth(copy.jsoc, HELD, ["T_REC", "CAMERA"])


# ------------------------------------------------------------------------------ what stays open
def test_an_open_client_answers_with_what_another_process_brought(copy: Copy) -> None:
    with Client(copy.settings, "offline") as client:
        before = client.answer(HELD, KEYS).texts()
        with pytest.raises(NotHeldError):
            client.answer(AROUND, KEYS)
        copy.jsoc.revise(NAME, "[2010.05.01_00:00_TAI]", {"QUALITY": 7})
        copy.sync(AROUND)
        after = client.answer(HELD, KEYS).texts()
        assert after["QUALITY"] != before["QUALITY"]
        assert after == truth(copy.jsoc, HELD, KEYS)
        assert client.answer(AROUND, KEYS).texts() == truth(copy.jsoc, AROUND, KEYS)


def test_an_answer_that_is_not_read_yet_is_as_of_when_it_was_given(copy: Copy) -> None:
    with Client(copy.settings, "offline") as client:
        expected = truth(copy.jsoc, HELD, KEYS)
        answer = client.answer(HELD, KEYS)
        copy.jsoc.revise(NAME, "[2010.05.01_00:00_TAI]", {"QUALITY": 7})
        copy.sync(HELD)
        assert answer.texts() == expected


def test_threads_share_a_client_while_another_process_writes(copy: Copy) -> None:
    """Each answer is whole: as of one of the versions that there were."""
    allowed = [truth(copy.jsoc, HELD, KEYS)]
    found: list[dict[str, list[Any]]] = []
    written = threading.Event()
    with Client(copy.settings, "offline") as client:

        def ask() -> None:
            last = False
            while not last:
                last = written.is_set()
                found.append(client.answer(HELD, KEYS).texts())

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(3):
            copy.jsoc.revise(NAME, "[2010.05.01_00:00_TAI]", {"QUALITY": 7 + number})
            copy.sync(HELD)
            allowed.append(truth(copy.jsoc, HELD, KEYS))
        written.set()
        for thread in threads:
            thread.join()
    assert len(found) >= 3
    assert all(one in allowed for one in found)
    assert found[-1] == allowed[-1]
