"""One request for all who ask the same at the same time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from drmsmirror.catalogue import Catalogue, Leases
from drmsmirror.errors import (
    DefinitionError,
    DrmsMirrorError,
    UnknownSeriesError,
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamPausedError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
    UpstreamTooLargeError,
    UpstreamUnavailableError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.sharing import KeptAnswer, SharedUpstream
from drmsmirror.upstream import RecordText
from tests.contract.conftest import START, Clock
from tests.unit.sharing.conftest import QUESTION, FakeUpstream, listed

SECOND = timedelta(seconds=1)


class Gate:
    """Keeps whoever comes until it is opened, and says that somebody has come."""

    def __init__(self) -> None:
        self.arrived, self.open = threading.Event(), threading.Event()

    def __call__(self, _: object = None) -> None:
        self.arrived.set()
        assert self.open.wait(30)


class Asking(threading.Thread):
    """Asks in a thread of its own; says when it waits for others."""

    def __init__(self, mirror: Mirror, fake: FakeUpstream, **options: object) -> None:
        super().__init__(daemon=True)
        self.waits = Gate()
        self.shared = SharedUpstream(mirror, fake, pause=self.waits)
        self.options = options
        self.came: KeptAnswer | BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.came = self.shared.ask(QUESTION, **self.options)
        except DrmsMirrorError as error:
            self.came = error

    def landed(self) -> KeptAnswer | BaseException | None:
        self.waits.open.set()
        self.join(30)
        return self.came


@contextmanager
def under_way(
    mirror: Mirror, outcome: RecordText | BaseException
) -> Iterator[tuple[FakeUpstream, Asking]]:
    """A flight of somebody else, which lands at the end of the block."""
    gate = Gate()
    fake = FakeUpstream([outcome], before=gate)
    first = Asking(mirror, fake)
    assert gate.arrived.wait(30)
    yield fake, first
    gate.open.set()
    first.landed()


def test_an_answer_comes_back_and_is_stored(mirror: Mirror, clock: Clock) -> None:
    fake = FakeUpstream([listed(1, 2)])
    shared = SharedUpstream(mirror, fake)
    answer = shared.ask(QUESTION)
    assert (answer.question, answer.asked_utc, answer.rows) == (QUESTION, START, 2)
    assert answer.text() is fake.outcomes[0]
    kept = SharedUpstream(mirror, fake).kept(QUESTION)
    assert kept == answer
    assert kept.text().segments.equals(listed(1, 2).segments)
    assert mirror.catalogue.leases.all() == ()
    assert fake.asked == [QUESTION.record_set]


def test_who_asks_later_asks_anew_unless_an_older_answer_will_do(
    mirror: Mirror, clock: Clock
) -> None:
    fake = FakeUpstream([listed(1), listed(1, 2)])
    shared = SharedUpstream(mirror, fake)
    shared.ask(QUESTION)
    clock.move(60)
    assert shared.ask(QUESTION, not_before=START).rows == 1
    assert shared.kept(QUESTION, not_before=START + SECOND) is None
    assert shared.ask(QUESTION, not_before=START + SECOND).rows == 2
    clock.move(60)
    assert shared.ask(QUESTION).rows == 2
    assert len(fake.asked) == 3


def test_those_who_ask_while_another_does_take_its_answer(mirror: Mirror, clock: Clock) -> None:
    """Though it was asked for before they began."""
    with under_way(mirror, listed(1, 2)) as (fake, first):
        clock.move(5)
        others = [Asking(mirror, fake) for _ in range(3)]
        assert all(other.waits.arrived.wait(30) for other in others)
    answers = [asking.landed() for asking in (first, *others)]
    assert [answer.rows for answer in answers] == [2] * 4
    assert {answer.asked_utc for answer in answers} == {START}
    assert len(fake.asked) == 1


def test_who_wants_a_younger_answer_asks_when_the_other_has_landed(
    mirror: Mirror, clock: Clock
) -> None:
    with under_way(mirror, listed(1)) as (fake, first):
        clock.move(5)
        other = Asking(mirror, fake, not_before=START + SECOND)
        assert other.waits.arrived.wait(30)
    assert first.landed().asked_utc == START
    assert other.landed().asked_utc == START + 5 * SECOND
    assert len(fake.asked) == 2


def test_other_questions_do_not_wait(mirror: Mirror) -> None:
    with under_way(mirror, listed(1)):
        fake = FakeUpstream([listed(1)])
        SharedUpstream(mirror, fake).records(QUESTION.record_set, QUESTION.keys)
        assert len(fake.asked) == 1


def test_where_the_turn_is_lost_the_next_one_asks(mirror: Mirror, clock: Clock) -> None:
    """The holder is on another host, and nothing is heard of it any more."""
    mirror.catalogue.leases.acquire(f"question {QUESTION.digest}", 60)
    fake = FakeUpstream([listed(1)])
    other = Asking(mirror, fake)
    assert other.waits.arrived.wait(30)
    clock.move(60)
    assert other.landed().rows == 1
    assert mirror.catalogue.leases.all() == ()


# ---------------------------------------------------------------- failures

_FAILURES = [
    UpstreamUnavailableError("away"),
    UpstreamAnswerError("a web page"),
    UpstreamOverloadedError("STOP", 30.0),
    UpstreamRefusedError("no"),
    UpstreamTooLargeError("less"),
    UnknownSeriesError("none"),
]


@pytest.mark.parametrize("error", _FAILURES, ids=lambda error: type(error).__name__)
def test_a_failure_is_everybodys_and_remembered_for_a_while(
    mirror: Mirror, clock: Clock, error: DrmsMirrorError
) -> None:
    with under_way(mirror, error) as (fake, first):
        others = [Asking(mirror, fake) for _ in range(2)]
        assert all(other.waits.arrived.wait(30) for other in others)
    assert first.landed() is error
    clock.move(29)
    late = Asking(mirror, fake)
    for came in (other.landed() for other in (*others, late)):
        assert type(came) is type(error)
        assert str(came).startswith(f"{error} (That was at 2024-05-10 12:00:00 UTC;")
    assert len(fake.asked) == 1
    clock.move(1)
    fake.outcomes = [listed(1)]
    if not isinstance(error, UpstreamOverloadedError):
        assert SharedUpstream(mirror, fake).ask(QUESTION).rows == 1
        clock.move(1)
        fake.outcomes = [UpstreamRefusedError("now")]
        with pytest.raises(UpstreamRefusedError, match=r"^now$"):
            SharedUpstream(mirror, fake).ask(QUESTION)


def test_one_that_the_server_wants_to_wait_says_how_long_still(
    mirror: Mirror, clock: Clock
) -> None:
    shared = SharedUpstream(mirror, FakeUpstream([UpstreamOverloadedError("STOP", 600.0)]))
    with pytest.raises(UpstreamOverloadedError):
        shared.ask(QUESTION)
    clock.move(200)
    with pytest.raises(UpstreamOverloadedError) as caught:
        shared.ask(QUESTION)
    assert caught.value.retry_after == 400.0


def test_one_of_a_clock_that_was_ahead_is_forgotten(mirror: Mirror, clock: Clock) -> None:
    clock.move(86400)
    fake = FakeUpstream([UpstreamRefusedError("no"), listed(1)])
    with pytest.raises(UpstreamRefusedError):
        SharedUpstream(mirror, fake).ask(QUESTION)
    clock.move(-86400)
    assert SharedUpstream(mirror, fake).ask(QUESTION).rows == 1


def test_who_waited_for_it_gets_a_failure_whose_time_is_over_already(mirror: Mirror) -> None:
    with under_way(mirror, UpstreamOverloadedError("STOP", 0.0)) as (fake, _):
        other = Asking(mirror, fake)
        assert other.waits.arrived.wait(30)
    assert isinstance(other.landed(), UpstreamOverloadedError)
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    "error",
    [
        UpstreamTimeoutError("over"),
        UpstreamPausedError("left alone"),
        DefinitionError("contradiction"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_says_nothing_about_the_question_is_nobody_elses(
    mirror: Mirror, error: DrmsMirrorError
) -> None:
    with under_way(mirror, error) as (fake, first):
        other = Asking(mirror, fake)
        assert other.waits.arrived.wait(30)
        fake.outcomes = [error, listed(1)]
    assert first.landed() is error
    assert other.landed().rows == 1


def test_a_failure_at_another_server_is_another_matter(
    mirror: Mirror, mirror_with: Callable[..., Mirror]
) -> None:
    with pytest.raises(UpstreamRefusedError):
        SharedUpstream(mirror, FakeUpstream([UpstreamRefusedError("no")])).ask(QUESTION)
    elsewhere = mirror_with(upstream={"url": "http://elsewhere.invalid"})
    assert SharedUpstream(elsewhere, FakeUpstream([listed(1)])).ask(QUESTION).rows == 1


def test_failures_are_nothing_to_who_takes_what_is_kept(mirror: Mirror, clock: Clock) -> None:
    shared = SharedUpstream(mirror, FakeUpstream([listed(1), UpstreamRefusedError("no")]))
    shared.ask(QUESTION)
    clock.move(1)
    with pytest.raises(UpstreamRefusedError):
        shared.ask(QUESTION)
    assert shared.ask(QUESTION, not_before=START).rows == shared.kept(QUESTION).rows == 1


# ---------------------------------------------------------------- time, and nothing shared


def test_others_are_not_waited_for_longer_than_allowed(mirror: Mirror) -> None:
    with under_way(mirror, listed(1)) as (fake, _):
        shared = SharedUpstream(mirror, fake, pause=lambda _: None)
        with pytest.raises(UpstreamTimeoutError, match=r"within the 0\.05 s"):
            shared.within(0.05).ask(QUESTION)
        assert len(fake.asked) == 1
        assert mirror.catalogue.upstreams.health(mirror.settings.upstream.url).failures == 0


def test_who_may_only_read_asks_alone(
    mirror: Mirror, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeUpstream([listed(1)])
    SharedUpstream(mirror, fake).ask(QUESTION)
    published = mirror.root / "copy.sqlite"
    mirror.catalogue.publish(published)
    clock.move(1)
    with Catalogue.open(published, read_only=True, clock=clock) as catalogue:
        reader = SharedUpstream(Mirror(mirror.settings, catalogue), fake)
        with caplog.at_level(logging.WARNING):
            assert reader.ask(QUESTION).asked_utc == START + SECOND
        assert reader.kept(QUESTION).asked_utc == START
        assert reader.estimate(0) > 0
    assert len(fake.asked) == 2
    assert caplog.messages == []


def test_a_catalogue_that_fails_keeps_no_question_from_being_answered(
    mirror: Mirror, caplog: pytest.LogCaptureFixture
) -> None:
    shared = SharedUpstream(mirror, FakeUpstream([listed(1)]))
    mirror.catalogue.database.engine.dispose()
    mirror.catalogue.database.closed = True
    with caplog.at_level(logging.WARNING):
        assert shared.ask(QUESTION).rows == 1
        assert shared.within(60).ask(QUESTION).rows == 1
        assert shared.kept(QUESTION) is None
        assert shared.estimate(0) == 0.5
    (message,) = caplog.messages
    assert message.startswith("Other processes cannot share what the upstream answers:")


def test_where_answers_cannot_be_stored_they_are_given_all_the_same(
    mirror: Mirror, caplog: pytest.LogCaptureFixture
) -> None:
    (mirror.root / "answers").touch()
    fake = FakeUpstream([listed(1)])
    shared = SharedUpstream(mirror, fake)
    with caplog.at_level(logging.WARNING):
        assert shared.ask(QUESTION).rows == shared.ask(QUESTION).rows == 1
    assert len(fake.asked) == 2
    assert len(caplog.messages) == 1
    assert mirror.catalogue.answers.load(QUESTION.digest) is None
    assert mirror.catalogue.leases.all() == ()


def test_a_turn_that_cannot_be_given_back_does_not_lose_the_answer(
    mirror: Mirror, caplog: pytest.LogCaptureFixture
) -> None:
    def close() -> None:
        mirror.catalogue.database.closed = True

    shared = SharedUpstream(mirror, FakeUpstream([listed(1)], before=close))
    with caplog.at_level(logging.WARNING):
        assert shared.ask(QUESTION).rows == 1
    assert len(caplog.messages) == 1


def test_an_interrupted_flight_gives_its_turn_back(mirror: Mirror) -> None:
    shared = SharedUpstream(mirror, FakeUpstream([KeyboardInterrupt(), listed(1)]))
    with pytest.raises(KeyboardInterrupt):
        shared.ask(QUESTION)
    assert mirror.catalogue.leases.all() == ()
    assert shared.ask(QUESTION).rows == 1


def test_what_landed_just_before_the_turn_was_taken_is_not_asked_again(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeUpstream([listed(1)])
    take = Leases.holding_if_free
    others = [SharedUpstream(mirror, fake)]

    def late(self: Leases, name: str, *, ttl_seconds: float) -> object:
        if others:
            others.pop().ask(QUESTION)
        return take(self, name, ttl_seconds=ttl_seconds)

    monkeypatch.setattr(Leases, "holding_if_free", late)
    assert SharedUpstream(mirror, fake).ask(QUESTION).rows == 1
    assert others == []
    assert len(fake.asked) == 1
