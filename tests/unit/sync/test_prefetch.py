"""Files of what is subscribed to are there before somebody asks for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from drmsmirror.catalogue import RunKind, RunOutcome
from drmsmirror.client import Client
from drmsmirror.model.subscription import Subscription
from drmsmirror.segments.ordering import Ordered, Ordering
from drmsmirror.sync import SilentReporter, SyncReport, forecast, sync_subscription
from drmsmirror.sync import subscribe as subscribe_to
from drmsmirror.sync.prefetch import prefetch
from drmsmirror.upstream import Deadline, Jsoc, OrderStage
from tests.unit.sync.mirrors import Copy
from tests.unit.sync.mirrors import copy_of as copy_of

NAME = "hmi.sharp_720s"
PART = f"{NAME}[377][2011.02.14_TAI/1d]"


@pytest.fixture
def copy(copy_of) -> Copy:
    copy = copy_of(NAME)
    columns = copy.jsoc.series(NAME).columns
    copy.jsoc.bring_online(columns["sunum"][columns["sunum"] >= 0].tolist())
    return copy


def put_on_tape(copy: Copy, email: str = "you@example.org") -> None:
    """All files are on tape, and the mirror may order them where it has an address."""
    served = copy.jsoc.series(NAME)
    copy.jsoc.add(replace(served, definition=replace(served.definition, archive=1)))
    numbers = served.columns["sunum"]
    copy.jsoc.take_offline(numbers[numbers >= 0].tolist())
    segments = copy.settings.segments.model_copy(update={"email": email})
    copy.settings = copy.settings.model_copy(update={"segments": segments})


def subscribe(copy: Copy, *segments: str) -> Subscription:
    wanted = Subscription.of(PART, segments=segments)
    with copy.open() as mirror:
        mirror.catalogue.subscriptions.add(wanted)
    return wanted


def run(copy: Copy, wanted: Subscription, seconds: float = 1000.0) -> SyncReport:
    with copy.open() as mirror:
        upstream = Jsoc(copy.settings.upstream)
        return sync_subscription(
            mirror, upstream, wanted, reporter=SilentReporter(), seconds=seconds
        )


def downloads(copy: Copy) -> int:
    return sum(one.cgi == "file" for one in copy.jsoc.requests)


def test_a_sync_brings_the_files_that_the_subscription_wants(copy) -> None:
    wanted = subscribe(copy, "magnetogram", "bitmap")
    report = run(copy, wanted)
    assert report.files is not None
    assert report.files.fetched + report.files.without == 2 * report.records_new
    assert downloads(copy) == report.files.fetched > 0
    with Client(copy.settings, policy="offline") as client:
        paths = [path for record in client.get(PART, "magnetogram") for path in record.paths]
    assert len(paths) * 2 == report.files.fetched


def test_a_forecast_counts_the_files_to_come(copy) -> None:
    wanted = subscribe(copy, "magnetogram", "bitmap")
    upstream = Jsoc(copy.settings.upstream)
    with copy.open() as mirror:
        (before,) = forecast(copy.settings, mirror, upstream, PART)
    report = run(copy, wanted)
    with copy.open() as mirror:
        (after,) = forecast(copy.settings, mirror, upstream, PART)
    assert report.files is not None
    assert before.files == 2 * report.records_new
    assert after.files == report.files.without
    assert before.requests == pytest.approx(report.requests, rel=0.1)


def test_so_it_does_where_only_the_series_is_known(copy) -> None:
    upstream = Jsoc(copy.settings.upstream)
    with copy.open() as mirror:
        subscribe_to(mirror, upstream, PART, {"segments": ["magnetogram"]})
        (found,) = forecast(copy.settings, mirror, upstream, PART)
    assert found.files == found.records > 0


def test_the_next_sync_fetches_only_what_is_new(copy) -> None:
    wanted = subscribe(copy, "magnetogram")
    first = run(copy, wanted)
    with Client(copy.settings, policy="offline") as client:
        number = int(client.query(PART, key="*recnum*", n=1)["*recnum*"].iloc[0])
    revised = copy.jsoc.revise(NAME, [number], {"USFLUX": 1e22})
    copy.jsoc.clear_requests()
    again = run(copy, wanted)
    assert first.files is not None
    assert again.files is not None
    assert again.files.fetched == len(revised) == 1
    assert downloads(copy) == 1
    assert again.files.held == first.files.fetched - 1


def test_without_segments_there_are_no_files(copy) -> None:
    assert run(copy, subscribe(copy)).files is None
    assert not downloads(copy)


def test_it_is_a_run_of_its_own_beside_the_sync(copy) -> None:
    run(copy, subscribe(copy, "magnetogram"))
    with copy.open() as mirror:
        fetch, *_ = [
            one for one in mirror.catalogue.runs.recent(series=NAME) if one.kind is RunKind.FETCH
        ]
    assert fetch.outcome is RunOutcome.DONE
    assert fetch.counters.requests >= downloads(copy)
    assert fetch.counters.bytes > 0


def test_its_files_are_pinned_for_as_long_as_they_are_wanted(copy) -> None:
    wanted = subscribe(copy, "magnetogram")
    report = run(copy, wanted)
    with copy.open() as mirror:
        (pin,) = mirror.catalogue.pins.all()
        assert report.files is not None
        assert pin.files == report.files.fetched + report.files.without
        (stored,) = mirror.catalogue.subscriptions.all()
        mirror.catalogue.subscriptions.remove(stored.id)
        assert mirror.catalogue.pins.all() == ()


def test_that_files_cannot_be_had_is_no_failure_of_the_sync(copy) -> None:
    wanted = subscribe(copy, "magnetogram")
    columns = copy.jsoc.series(NAME).columns
    copy.jsoc.take_offline(columns["sunum"].tolist())
    report = run(copy, wanted)
    assert report.outcome is RunOutcome.DONE
    assert report.files is not None
    assert (report.files.fetched, report.files.complete) == (0, True)
    assert report.files.missing + report.files.without == report.records_new


def test_why_files_could_not_be_had_is_said_and_noted(copy) -> None:
    put_on_tape(copy, email="")
    files = run(copy, subscribe(copy, "magnetogram")).files
    assert files is not None
    assert files.missing > 0
    assert "registered e-mail address" in files.reason
    with copy.open() as mirror:
        (fetched,) = mirror.catalogue.runs.recent(kinds=[RunKind.FETCH])
    assert fetched.notices == (files.reason,)


def test_an_order_that_takes_long_is_waited_for_once_and_the_next_night_goes_on(
    copy, monkeypatch
) -> None:
    monkeypatch.setattr("drmsmirror.sync.prefetch._AT_ONCE", 2)
    waited = []

    def within(seconds: float) -> Deadline:
        waited.append(seconds)
        return Deadline.within(0.0)

    monkeypatch.setattr("drmsmirror.segments.files.Deadline", SimpleNamespace(within=within))
    put_on_tape(copy)
    wanted = Subscription.of(f"{NAME}[377][2011.02.15_02:00_TAI/1h]", segments=["magnetogram"])
    copy.jsoc.exports.polls = 0
    first = run(copy, wanted)
    assert (first.files.fetched, first.files.missing, first.files.complete) == (0, 5, True)
    assert waited == [900.0, 0.0, 0.0]

    with copy.open() as mirror:
        (order,) = mirror.catalogue.orders.pending(copy.settings.upstream.url)
        earlier = order.asked_utc - timedelta(minutes=1)
        mirror.catalogue.orders.save(replace(order, asked_utc=earlier))
    second = run(copy, wanted)
    assert (second.files.fetched, second.files.missing) == (2, 3)
    assert waited[3:] == [900.0, 900.0, 0.0]


def test_where_time_is_up_no_order_is_waited_for(copy, monkeypatch) -> None:
    put_on_tape(copy)
    wanted = Subscription.of(f"{NAME}[377][2011.02.15_02:00_TAI]", segments=["magnetogram"])
    copy.sync(wanted.record_set)
    left = []

    def bring(self: Ordering, files: object, deadline: Deadline) -> Ordered:
        left.append(deadline.left)
        return Ordered(OrderStage.PENDING, "not yet")

    monkeypatch.setattr(Ordering, "bring", bring)
    with copy.open() as mirror:
        found = prefetch(mirror, Jsoc(copy.settings.upstream), wanted, seconds=0.0)
    assert (left, found.missing) == ([0.0], 1)


def test_when_time_is_up_the_next_run_goes_on(copy, monkeypatch) -> None:
    monkeypatch.setattr("drmsmirror.sync.prefetch._AT_ONCE", 10)
    wanted = subscribe(copy, "magnetogram")
    with copy.open() as mirror:
        upstream = Jsoc(copy.settings.upstream)
        sync_subscription(
            mirror, upstream, Subscription.of(PART), reporter=SilentReporter(), seconds=1000
        )
        first = prefetch(mirror, upstream, wanted, seconds=0.0)
        assert not first.complete
        assert first.fetched + first.without + first.missing == 1  # no further file was begun
        second = prefetch(mirror, upstream, wanted, seconds=1000.0)
    assert second.complete
    assert second.held == first.fetched
