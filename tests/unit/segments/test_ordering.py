"""Files on tape: ordered once, waited for by whoever wants them, and explained where not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.outcome import FileState
from drmsmirror.upstream import Deadline
from tests.jsoc import FaultKind
from tests.unit.segments.world import Cache, assert_sound

EMAIL = "you@example.org"
ORDERED, ON_TAPE, FETCHED = FileState.ORDERED, FileState.ON_TAPE, FileState.FETCHED


def with_email(held: Cache, wait: float = 0.0, email: str = EMAIL, **more: Any) -> Cache:
    """The same cache, whose mirror may order and waits for so long."""
    return held.with_settings(segments={"email": email, "order_wait": wait, **more})


@pytest.fixture
def file(held: Cache) -> SegmentFile:
    """Give a file that is on tape."""
    held.jsoc.take_offline([held.unit(held.file())])
    return held.file()


def pending(held: Cache) -> list[str]:
    return [
        one.request_id for one in held.mirror.catalogue.orders.pending(held.settings.upstream.url)
    ]


def test_without_an_address_nothing_is_ordered_and_it_is_said_how_to_give_one(
    held: Cache, file: SegmentFile
) -> None:
    outcome = held.get_one(file)
    assert outcome.state is ON_TAPE
    assert "register" in outcome.message
    assert held.asked() == ["rs_list"]
    assert pending(held) == []


def test_what_is_ordered_is_waited_for_and_downloaded(held: Cache, file: SegmentFile) -> None:
    patient = with_email(held, wait=900.0)
    held.jsoc.exports.polls = 2
    patient.assert_is(patient.get_one(file))
    assert held.asked() == [
        "rs_list", "exp_request", "exp_status", "exp_status", "exp_status", "rs_list", "200",
    ]  # fmt: skip
    assert patient.pauses == [10.0, 10.0, 10.0]
    assert pending(held) == []
    assert_sound(held.mirror)


def test_files_of_one_series_are_ordered_together(held: Cache) -> None:
    one, other, online = held.apart(3)
    held.jsoc.take_offline([held.unit(one), held.unit(other)])
    patient = with_email(held, wait=900.0)
    for outcome in patient.get(one, other, online).values():
        patient.assert_is(outcome)
    assert held.asked() == [
        "rs_list", "200", "exp_request", "exp_status", "exp_status", "rs_list", "200", "200",
    ]  # fmt: skip


def test_who_does_not_wait_is_told_under_which_name_it_is_ordered(
    held: Cache, file: SegmentFile
) -> None:
    outcome = with_email(held).get_one(file)
    (name,) = pending(held)
    assert (outcome.state, outcome.path) == (ORDERED, None)
    assert outcome.message == f"it is on tape, and ordered as {name}"
    assert held.asked() == ["rs_list", "exp_request"]


def test_who_asks_later_goes_on_with_the_order_and_makes_no_other(
    held: Cache, file: SegmentFile
) -> None:
    hasty = with_email(held)
    held.jsoc.exports.polls = 2
    assert hasty.get_one(file).state is ORDERED
    (name,) = pending(held)
    for _ in range(2):
        held.clock.move(10)
        assert hasty.get_one(file).state is ORDERED
        assert pending(held) == [name]
    held.clock.move(10)
    held.asked()
    hasty.assert_is(hasty.get_one(file))
    assert held.asked() == ["rs_list", "exp_status", "rs_list", "200"]
    assert pending(held) == []


def test_who_asks_again_at_once_is_told_what_is_known_and_the_server_is_spared(
    held: Cache, file: SegmentFile
) -> None:
    hasty = with_email(held)
    first = hasty.get_one(file)
    held.asked()
    held.clock.move(5)
    assert hasty.get_one(file) == first
    assert held.asked() == ["rs_list"]


def test_an_order_that_the_server_does_not_know_yet_is_waited_for(
    held: Cache, file: SegmentFile
) -> None:
    held.jsoc.exports.unknown_polls = 2
    patient = with_email(held, wait=900.0)
    patient.assert_is(patient.get_one(file))
    assert held.asked().count("exp_request") == 1


def test_one_order_is_under_way_at_a_time(held: Cache) -> None:
    one, other, _ = held.apart(3)
    held.jsoc.take_offline([held.unit(one), held.unit(other)])
    hasty = with_email(held)
    held.jsoc.exports.polls = 1
    hasty.get_one(one)
    (first,) = pending(held)
    held.asked()
    held.clock.move(10)
    outcome = hasty.get_one(other)
    assert outcome.state is ORDERED
    assert outcome.message == f"{first}, which others here wait for, is under way"
    assert held.asked() == ["rs_list", "exp_status"]
    assert pending(held) == [first]

    held.clock.move(10)
    outcome = hasty.get_one(other)  # the first is ready, and its turn has come
    assert outcome.state is ORDERED
    (second,) = pending(held)
    assert second != first
    hasty.assert_is(hasty.get_one(one))


def test_an_order_that_takes_long_is_waited_for_once_however_many_files_there_are(
    held: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drmsmirror.segments.places.ASKED_AT_ONCE", 1)
    first, second, third, online = held.apart(4)
    held.jsoc.take_offline([held.unit(file) for file in (first, second, third)])
    held.jsoc.exports.polls = 10**6
    waited = []

    def within(seconds: float) -> Deadline:
        waited.append(seconds)
        return Deadline.within(11.0 if seconds else 0.0)

    monkeypatch.setattr("drmsmirror.segments.files.Deadline", SimpleNamespace(within=within))
    outcomes = with_email(held, wait=900.0).get(first, second, third, online)
    held.assert_is(outcomes.pop(online))
    assert {outcome.state for outcome in outcomes.values()} == {ORDERED}
    assert waited == [900.0, 0.0, 0.0]
    assert len(pending(held)) == 1


def test_that_nothing_can_be_ordered_keeps_no_file_from_coming_that_is_online(
    held: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drmsmirror.segments.places.ASKED_AT_ONCE", 1)
    first, *online = held.apart(3)
    held.jsoc.take_offline([held.unit(first)])
    held.jsoc.fault(FaultKind.GARBAGE, times=None, when="jsoc_fetch")
    outcomes = with_email(held, wait=900.0).get(first, *online)
    assert outcomes.pop(first).state is FileState.FAILED
    for outcome in outcomes.values():
        held.assert_is(outcome)


def test_where_somebody_else_with_that_address_has_an_order_it_is_waited_for(
    held: Cache,
) -> None:
    """Somebody ordered by another client: the server answers status 7, and no number."""
    one, other, _ = held.apart(3)
    held.jsoc.take_offline([held.unit(one), held.unit(other)])
    with_email(held).get_one(other)
    (theirs,) = held.mirror.catalogue.orders.pending(held.settings.upstream.url)
    held.mirror.catalogue.orders.save(replace(theirs, upstream_url="http://another.client"))
    held.asked()
    outcome = with_email(held).get_one(one)
    assert outcome.state is ORDERED
    assert "has 1 pending export requests" in outcome.message
    assert set(held.asked()) == {"rs_list", "exp_request"}
    assert pending(held) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"failure": "There are no files in this RecordSet"}, "There are no files"),
        ({"stages": False}, "known status code (code 25)"),
        ({"max_mb": 0.001}, "Request exceeds max byte limit"),
    ],
)
def test_why_the_upstream_does_not_bring_it_is_told(
    change: dict[str, object], said: str, held: Cache, file: SegmentFile
) -> None:
    for name, value in change.items():
        setattr(held.jsoc.exports, name, value)
    outcome = with_email(held, wait=900.0).get_one(file)
    assert outcome.state is ON_TAPE
    assert said in outcome.message
    assert "it is on tape, and the upstream does not bring it" in outcome.message
    assert pending(held) == []
    assert_sound(held.mirror)


def test_an_address_that_is_not_registered_is_told(held: Cache, file: SegmentFile) -> None:
    held.jsoc.registered = lambda address: address == "other@example.org"
    outcome = with_email(held, wait=900.0).get_one(file)
    assert outcome.state is ON_TAPE
    assert "not registered" in outcome.message
    assert with_email(held, wait=900.0, email="other@example.org").get_one(file).state is FETCHED


def test_what_failed_once_is_ordered_anew(held: Cache, file: SegmentFile) -> None:
    held.jsoc.exports.failure = "The drive is broken"
    patient = with_email(held, wait=900.0)
    assert patient.get_one(file).state is ON_TAPE
    held.jsoc.exports.failure = ""
    held.asked()
    patient.assert_is(patient.get_one(file))
    assert held.asked().count("exp_request") == 1


def test_what_was_ordered_long_ago_and_is_forgotten_there_is_ordered_anew(
    held: Cache, file: SegmentFile
) -> None:
    """Nobody asked for it while it was kept, and it went to tape again."""
    with_email(held).get_one(file)
    for _ in range(2):
        held.jsoc.exports.answer(
            {"op": "exp_status", "requestid": pending(held)[0]}
        )  # it became ready
    held.jsoc.take_offline([held.unit(file)])
    held.jsoc.exports.pass_time(days=9)
    held.clock.move(9 * 86400)
    patient = with_email(held, wait=900.0)
    patient.assert_is(patient.get_one(file))
    assert held.asked().count("exp_request") == 2


@pytest.mark.parametrize(
    ("how", "hours"),
    [("unknown", 2), ("worked on for ever", 8 * 24), ("answered with what is no answer", 25)],
)
def test_an_order_of_which_nothing_will_come_keeps_no_other_from_being_made(
    how: str, hours: float, held: Cache
) -> None:
    one, other, _ = held.apart(3)
    held.jsoc.take_offline([held.unit(one), held.unit(other)])
    held.jsoc.exports.one_at_a_time = False
    hasty = with_email(held)
    held.jsoc.exports.polls = 10**6
    held.jsoc.exports.unknown_polls = 10**6 if how == "unknown" else 0
    hasty.get_one(one)
    (first,) = pending(held)
    if how.startswith("answered"):
        held.jsoc.fault(FaultKind.GARBAGE, times=None, when="exp_status")

    held.clock.move(hours * 3600 / 3)
    assert hasty.get_one(other).state is not FETCHED
    assert pending(held) == [first]

    held.clock.move(hours * 3600)
    assert hasty.get_one(other, again=True).state is ORDERED
    (second,) = pending(held)
    assert second != first


def test_an_order_that_the_server_has_lost_is_made_anew(held: Cache, file: SegmentFile) -> None:
    held.jsoc.exports.unknown_polls = 10**6
    with_email(held).get_one(file)
    (first,) = pending(held)
    held.jsoc.exports.pass_time(days=2)  # it takes the same order for the one before until then
    held.jsoc.exports.one_at_a_time = False
    held.clock.move(2 * 3600)
    assert with_email(held).get_one(file).state is ORDERED
    (second,) = pending(held)
    assert second != first


def test_what_an_order_does_not_name_is_not_taken_for_a_file_that_there_is_not(
    held: Cache, file: SegmentFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drmsmirror.segments.files.path_in", lambda *_: None)
    patient = with_email(held, wait=900.0)
    held.jsoc.fault(FaultKind.SLOW, times=None, when=lambda _: _goes_to_tape(held, file))
    outcome = patient.get_one(file)
    assert outcome.state is FileState.FAILED
    assert "does not say where it is" in outcome.message


def _goes_to_tape(held: Cache, file: SegmentFile) -> bool:
    """Whatever is brought goes to tape at once."""
    held.jsoc.take_offline([held.unit(file)])
    return False
