"""The breaker of a mirror: what one process learns, all others know."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from drmsmirror.catalogue import Catalogue, Upstreams
from drmsmirror.errors import (
    StoreError,
    UpstreamPausedError,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import Traffic, Upstream
from tests.contract.conftest import Clock
from tests.unit.sharing.conftest import QUESTION, URL, FakeUpstream, listed

AWAY = UpstreamUnavailableError("away")

OPERATIONS: dict[str, Callable[[Upstream], object]] = {
    "series_names": lambda upstream: upstream.series_names("x"),
    "definition": lambda upstream: upstream.definition("hmi.M_45s"),
    "count": lambda upstream: upstream.count("hmi.M_45s[]"),
    "records": lambda upstream: upstream.records("hmi.M_45s[]", ["T_REC"], segments=["x"], n=1),
}


def fail(upstream: Upstream, times: int = 3) -> None:
    for _ in range(times):
        with pytest.raises(UpstreamUnavailableError, match="away"):
            upstream.count("a.b[]")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_passes_it(mirror: Mirror, operation: Callable[[Upstream], object]) -> None:
    fake = FakeUpstream([AWAY])
    shared = SharedUpstream(mirror, fake)
    for _ in range(3):
        with pytest.raises(UpstreamUnavailableError, match="away"):
            operation(shared)
    for each in OPERATIONS.values():
        with pytest.raises(UpstreamPausedError):
            each(shared)
    assert len(fake.asked) == 3
    assert shared.traffic == Traffic(3)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_what_is_answered_is_handed_on(
    mirror: Mirror, operation: Callable[[Upstream], object]
) -> None:
    fake = FakeUpstream([listed(1, 2)])
    assert operation(SharedUpstream(mirror, fake)) == operation(fake)
    assert mirror.catalogue.upstreams.health(URL).failures == 0


def test_the_pause_ends_when_it_answers_again(mirror: Mirror, clock: Clock) -> None:
    fake = FakeUpstream([AWAY, AWAY, AWAY, AWAY, listed(1)])
    first, other = (SharedUpstream(mirror, fake) for _ in range(2))
    fail(first)
    clock.move(60)
    fail(other, 1)  # one tries, and fails
    clock.move(119)
    with pytest.raises(UpstreamPausedError, match="failed 4 times in a row"):
        first.count("a.b[]")
    clock.move(1)
    assert first.count("a.b[]") == other.count("a.b[]") == 1
    assert mirror.catalogue.leases.all() == ()


def test_after_a_pause_one_tries_and_the_others_do_not_wait_for_it(
    mirror: Mirror, clock: Clock
) -> None:
    fake = FakeUpstream([AWAY, AWAY, AWAY, listed(1)])
    shared = SharedUpstream(mirror, fake)
    fail(shared)
    clock.move(60)
    arrived, goes_on = threading.Event(), threading.Event()
    fake.before = lambda: (arrived.set(), goes_on.wait(30))
    counts: list[int] = []
    probe = threading.Thread(target=lambda: counts.append(shared.count("a.b[]")))
    probe.start()
    assert arrived.wait(30)
    with pytest.raises(UpstreamPausedError, match="another process, which is trying it now"):
        SharedUpstream(mirror, fake).count("a.b[]")
    goes_on.set()
    probe.join(30)
    assert counts == [1]
    assert len(fake.asked) == 4


def test_one_that_comes_when_another_has_just_tried_knows_what_came_of_it(
    mirror: Mirror, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeUpstream([AWAY])
    shared = SharedUpstream(mirror, fake)
    fail(shared)
    clock.move(60)
    before = mirror.catalogue.upstreams.health(URL)
    fail(shared, 1)
    seen = [before]
    read = Upstreams.health

    def health(self: Upstreams, url: str) -> object:
        return seen.pop() if seen else read(self, url)

    monkeypatch.setattr(Upstreams, "health", health)
    with pytest.raises(UpstreamPausedError, match="failed 4 times"):
        shared.count("a.b[]")
    assert len(fake.asked) == 4


def test_a_refusal_says_nothing_about_the_server(mirror: Mirror) -> None:
    refused = UpstreamRefusedError("no")
    shared = SharedUpstream(mirror, FakeUpstream([AWAY, AWAY, refused, AWAY, listed(1)]))
    fail(shared, 2)
    with pytest.raises(UpstreamRefusedError):
        shared.count("a.b[]")
    fail(shared, 1)
    with pytest.raises(UpstreamPausedError):
        shared.count("a.b[]")


def test_the_settings_say_how_soon_and_how_long(
    mirror_with: Callable[..., Mirror], clock: Clock
) -> None:
    mirror = mirror_with(upstream={"breaker_failures": 1, "breaker_pause": 5.0})
    shared = SharedUpstream(mirror, FakeUpstream([AWAY, listed(1)]))
    fail(shared, 1)
    clock.move(4.9)
    with pytest.raises(UpstreamPausedError):
        shared.count("a.b[]")
    clock.move(0.1)
    assert shared.count("a.b[]") == 1


def test_another_server_is_another_matter(
    mirror: Mirror, mirror_with: Callable[..., Mirror]
) -> None:
    fail(SharedUpstream(mirror, FakeUpstream([AWAY])))
    elsewhere = mirror_with(upstream={"url": "http://elsewhere.invalid"})
    assert SharedUpstream(elsewhere, FakeUpstream([listed(1)])).count("a.b[]") == 1


def test_an_operation_may_be_bounded(mirror: Mirror) -> None:
    fake = FakeUpstream([listed(1)])
    shared = SharedUpstream(mirror, fake).within(7.0)
    assert shared.records("a.b[]", QUESTION.keys).rows == 1
    assert fake.allowed == [7.0]


def test_a_catalogue_that_can_only_be_read_keeps_nothing_from_being_asked(
    mirror: Mirror, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    published = mirror.root / "copy.sqlite"
    fail(SharedUpstream(mirror, FakeUpstream([AWAY])))
    mirror.catalogue.publish(published)
    clock.move(60)
    with Catalogue.open(published, read_only=True, clock=clock) as catalogue:
        reader = SharedUpstream(Mirror(mirror.settings, catalogue), FakeUpstream([AWAY]))
        with caplog.at_level(logging.WARNING):
            fail(reader, 5)
    assert caplog.messages == []


def test_a_catalogue_that_fails_keeps_nothing_from_being_asked(
    mirror: Mirror, caplog: pytest.LogCaptureFixture
) -> None:
    shared = SharedUpstream(mirror, FakeUpstream([AWAY, AWAY, AWAY, AWAY, listed(1)]))
    mirror.catalogue.close()
    with pytest.raises(StoreError):
        mirror.catalogue.upstreams.health(URL)
    with caplog.at_level(logging.WARNING):
        fail(shared, 4)
        assert shared.count("a.b[]") == 1
    (message,) = caplog.messages
    assert "Other processes cannot share" in message
