"""Subscribing, and syncing what is subscribed to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from drmsmirror.catalogue import RunOutcome, StoredSubscription
from drmsmirror.errors import (
    NotFoundError,
    QueryError,
    RequestLimitError,
    UnknownKeywordError,
    UnknownSeriesError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.model.subscription import Precision, Reconcile, Subscription
from drmsmirror.settings import SyncSettings
from drmsmirror.sync import (
    Task,
    forecast,
    subscribe,
    subscription_named,
    sync_all,
    sync_and_subscribe,
)
from drmsmirror.sync.windows import windows_for
from drmsmirror.upstream import NEVER, Body, Deadline, Jsoc, LimitedSession, PoliteSession
from tests.jsoc import Fault, FaultKind
from tests.unit.sync.mirrors import Copy, Listener, asked

M_45S, SYNOPTIC, AIA = "hmi.M_45s", "hmi.synoptic_mr_720s", "aia.lev1_euv_12s"
CopyOf = Callable[..., Copy]


@dataclass
class Subscriber(Listener):
    """Hears of subscriptions too."""

    made: list[str] = field(default_factory=list)
    around: list[tuple[str, str]] = field(default_factory=list)

    def subscribed(self, subscription: StoredSubscription) -> None:
        self.made.append(subscription.subscription.record_set)

    def lies_within(self, record_set: str, subscription: StoredSubscription) -> None:
        self.around.append((record_set, subscription.subscription.record_set))


class Deaf(PoliteSession):
    """A session to a server that pays no heed to ``M=1``."""

    def get(self, cgi: str, params: Mapping[str, str], deadline: Deadline = NEVER) -> Body:
        return super().get(cgi, {k: v for k, v in params.items() if k != "M"}, deadline)


@contextmanager
def opened(copy: Copy) -> Iterator[tuple[Mirror, Jsoc]]:
    with copy.open() as mirror:
        yield mirror, Jsoc(copy.settings.upstream)


def record_sets(copy: Copy) -> list[str]:
    with copy.open() as mirror:
        return [stored.subscription.record_set for stored in mirror.catalogue.subscriptions.all()]


# ------------------------------------------------------------------------------ subscribing
def test_a_subscription_is_spelled_as_its_series_is(copy_of: CopyOf) -> None:
    with opened(copy_of(AIA, rows=30)) as (mirror, upstream):
        terms = {"keys": ["t_rec", "Quality"], "segments": ["IMAGE"]}
        stored, is_new = subscribe(mirror, upstream, "AIA.Lev1_EUV_12s[][171]", terms)

    assert is_new
    assert stored.subscription == Subscription.of(
        f"{AIA}[][171]", keys=["T_REC", "QUALITY"], segments=["image"]
    )


def test_what_is_given_is_changed_and_the_rest_stays(copy_of: CopyOf) -> None:
    with opened(copy_of(AIA, rows=30)) as (mirror, upstream):
        first, _ = subscribe(mirror, upstream, AIA, {"keys": ["T_REC"], "priority": 3})
        second, is_new = subscribe(mirror, upstream, f"{AIA.upper()}[]", {"priority": 4})

    assert (second.id, is_new) == (first.id, False)
    assert second.subscription == Subscription.of(AIA, keys=["T_REC"], priority=4)


@pytest.mark.parametrize(
    ("record_set", "terms", "error", "problem"),
    [
        ("hmi.nosuch", {}, UnknownSeriesError, r"hmi\.nosuch"),
        (AIA, {"keys": ["WAVELNT"]}, UnknownKeywordError, "Did you mean WAVELNTH"),
        (AIA, {"segments": ["magnetogram"]}, QueryError, "it has image, spikes"),
        (f"{AIA}[][][3]", {}, QueryError, "no prime key number 3"),
        (f"{AIA}[? NOSUCH = 1 ?]", {}, QueryError, "NOSUCH"),
    ],
)
def test_what_the_series_does_not_have_is_refused(
    copy_of: CopyOf,
    record_set: str,
    terms: dict[str, object],
    error: type[Exception],
    problem: str,
) -> None:
    copy = copy_of(AIA, rows=30)
    with opened(copy) as (mirror, upstream), pytest.raises(error, match=problem):
        subscribe(mirror, upstream, record_set, terms)

    assert record_sets(copy) == []


def test_without_an_upstream_a_series_that_is_new_is_taken_at_its_word(copy_of: CopyOf) -> None:
    copy = copy_of(AIA, rows=30)
    with copy.open() as mirror:
        subscribe(mirror, None, "hmi.nosuch", {"keys": ["ANY"]})

    assert record_sets(copy) == ["hmi.nosuch"]
    assert copy.jsoc.requests == []


def test_a_condition_is_taken(copy_of: CopyOf) -> None:
    copy = copy_of(AIA, rows=30)
    with opened(copy) as (mirror, upstream):
        subscribe(mirror, upstream, f"{AIA}[][171][? QUALITY >= 0 ?]", {})

    assert record_sets(copy) == [f"{AIA}[][171][? QUALITY >= 0 ?]"]


def test_one_is_named_by_number_or_by_record_set(copy_of: CopyOf) -> None:
    with opened(copy_of(AIA, rows=30)) as (mirror, upstream):
        stored, _ = subscribe(mirror, upstream, f"{AIA}[][171]", {})

        assert subscription_named(mirror, str(stored.id)) == stored
        assert subscription_named(mirror, f"{AIA.upper()}[][171][]") == stored
        for other in (str(stored.id + 1), AIA):
            with pytest.raises(NotFoundError, match="There is no subscription"):
                subscription_named(mirror, other)


# ------------------------------------------------------------------------------ full precision
def test_full_precision_is_tried_once_before_it_is_promised(copy_of: CopyOf) -> None:
    copy, full = copy_of(AIA, rows=30), {"precision": Precision.FULL}
    with opened(copy) as (mirror, upstream):
        stored, _ = subscribe(mirror, upstream, AIA, full)
        probes = [request.params.get("M") for request in asked(copy.jsoc, "rs_list")]
        subscribe(mirror, upstream, AIA, {"priority": 1})

    assert stored.subscription.precision is Precision.FULL
    assert probes == [None, "1"]
    assert len(asked(copy.jsoc, "rs_list")) == 2


def test_full_precision_is_refused_where_the_upstream_pays_no_heed(copy_of: CopyOf) -> None:
    copy, full = copy_of(AIA, rows=30), {"precision": Precision.FULL}
    deaf = Jsoc(copy.settings.upstream, Deaf(copy.settings.upstream))
    with (
        copy.open() as mirror,
        pytest.raises(QueryError, match="the same texts with M=1 as without"),
    ):
        subscribe(mirror, deaf, AIA, full)

    assert record_sets(copy) == []


def test_full_precision_cannot_be_promised_without_asking(copy_of: CopyOf) -> None:
    with copy_of(AIA, rows=30).open() as mirror, pytest.raises(QueryError, match="--offline"):
        subscribe(mirror, None, AIA, {"precision": Precision.FULL})


def test_full_precision_is_refused_where_the_series_is_held_rounded(copy_of: CopyOf) -> None:
    copy = copy_of(AIA, rows=30)
    copy.sync(AIA)
    with opened(copy) as (mirror, upstream), pytest.raises(QueryError, match="drmsmirror drop"):
        subscribe(mirror, upstream, AIA, {"precision": Precision.FULL})


# ------------------------------------------------------------------------------ one record set
def test_a_sync_subscribes_to_exactly_what_it_is_about(copy_of: CopyOf) -> None:
    copy, told = copy_of(M_45S, rows=300), Subscriber()
    with opened(copy) as (mirror, upstream):
        sync_and_subscribe(mirror, upstream, f"{M_45S}[][1]", reporter=told)
        sync_and_subscribe(mirror, upstream, f"{M_45S}[][1]", reporter=told)

    assert told.made == record_sets(copy) == [f"{M_45S}[][1]"]
    assert told.around == []


def test_each_of_several_sets_becomes_a_subscription(copy_of: CopyOf) -> None:
    copy, told = copy_of(M_45S, SYNOPTIC, rows=30), Subscriber()
    with opened(copy) as (mirror, upstream):
        reports = sync_and_subscribe(mirror, upstream, f"{M_45S}[],{SYNOPTIC}", reporter=told)

    assert [report.series for report in reports] == [M_45S, SYNOPTIC]
    assert told.made == record_sets(copy) == [M_45S, SYNOPTIC]


def test_what_lies_within_a_subscription_makes_no_other(copy_of: CopyOf) -> None:
    copy, told = copy_of(M_45S, rows=300), Subscriber()
    with opened(copy) as (mirror, upstream):
        sync_and_subscribe(mirror, upstream, f"{M_45S}[][1,2]", reporter=told)
        sync_and_subscribe(mirror, upstream, f"{M_45S}[2010.05.01_TAI/1d][1]", reporter=told)
        sync_and_subscribe(mirror, upstream, f"{M_45S}[][1,3]", reporter=told)

    assert told.made == record_sets(copy) == [f"{M_45S}[][1,2]", f"{M_45S}[][1,3]"]
    assert told.around == [(f"{M_45S}[2010.05.01_TAI/1d][1]", f"{M_45S}[][1,2]")]


def test_what_lies_within_is_known_also_of_a_series_that_is_new_here(copy_of: CopyOf) -> None:
    copy, told = copy_of(M_45S, rows=30), Subscriber()
    with opened(copy) as (mirror, upstream):
        subscribe(mirror, None, M_45S, {})
        sync_and_subscribe(mirror, upstream, f"{M_45S}[][1]", reporter=told)

    assert told.around == [(f"{M_45S}[][1]", M_45S)]
    assert record_sets(copy) == [M_45S]


def test_a_subscription_that_means_nothing_to_the_series_is_in_nobodys_way(
    copy_of: CopyOf,
) -> None:
    copy, told = copy_of(M_45S, rows=30), Subscriber()
    with opened(copy) as (mirror, upstream):
        subscribe(mirror, None, f"{M_45S}[][][3]", {})
        (report,) = sync_and_subscribe(mirror, upstream, f"{M_45S}[][1]", reporter=told)

    assert report.outcome is RunOutcome.DONE
    assert told.made == [f"{M_45S}[][1]"]


def test_what_nobody_agreed_to_is_not_subscribed_to(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, rows=30)
    with opened(copy) as (mirror, upstream):
        sync_and_subscribe(mirror, upstream, M_45S, reporter=Subscriber(agrees=False))

    assert record_sets(copy) == []


def test_what_is_held_already_is_subscribed_to(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, rows=30)
    copy.sync(M_45S)
    with opened(copy) as (mirror, upstream):
        sync_and_subscribe(mirror, upstream, M_45S, reporter=Subscriber())

    assert record_sets(copy) == [M_45S]


def test_a_run_that_is_cut_short_is_subscribed_to(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, rows=300, sync={"first_window": 50, "max_window": 50})
    with opened(copy) as (mirror, upstream), pytest.raises(KeyboardInterrupt):
        sync_and_subscribe(mirror, upstream, M_45S, reporter=Subscriber(interrupt_after=1))

    assert record_sets(copy) == [M_45S]


# ------------------------------------------------------------------------------ so many requests
def test_no_request_too_many_is_sent_and_the_next_run_goes_on(copy_of: CopyOf) -> None:
    copy = copy_of(SYNOPTIC, rows=60, sync={"first_window": 20, "max_window": 20})
    with copy.open() as mirror:
        limited = LimitedSession(PoliteSession(copy.settings.upstream), 6)
        (stopped,) = sync_and_subscribe(
            mirror, Jsoc(copy.settings.upstream, limited), SYNOPTIC, reporter=Subscriber()
        )
        (run,) = mirror.catalogue.runs.recent()

    assert len(copy.jsoc.requests) == stopped.requests == 6
    assert stopped.outcome is run.outcome is RunOutcome.STOPPED
    assert 0 < stopped.records_new < 60
    assert stopped.share_held == pytest.approx(stopped.records_new / 60)
    assert copy.sync(SYNOPTIC).records_new == 60 - stopped.records_new
    assert copy.assert_same(f"{SYNOPTIC}[]") == 60


def test_a_request_that_is_tried_again_counts(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, rows=30, upstream={"attempts": 5})
    copy.jsoc.fault(Fault(FaultKind.HTTP_STATUS, status=503), times=None)
    limited = LimitedSession(PoliteSession(copy.settings.upstream), 2)
    with copy.open() as mirror, pytest.raises(RequestLimitError, match="2 requests"):
        sync_and_subscribe(
            mirror, Jsoc(copy.settings.upstream, limited), M_45S, reporter=Subscriber()
        )

    assert len(copy.jsoc.requests) == 2
    assert record_sets(copy) == []


# ------------------------------------------------------------------------------ all of them
def test_all_are_synced_by_priority_and_a_failure_stops_none(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, SYNOPTIC, rows=30)
    with opened(copy) as (mirror, upstream):
        subscribe(mirror, None, SYNOPTIC, {})
        subscribe(mirror, None, M_45S, {"priority": 1})
        subscribe(mirror, None, "hmi.nosuch", {"priority": 2})
        attempts = list(sync_all(mirror, upstream, reporter=Subscriber()))

    failed, *done = attempts
    assert isinstance(failed.error, UnknownSeriesError)
    assert [attempt.report and attempt.report.series for attempt in done] == [M_45S, SYNOPTIC]
    assert all(attempt.report and attempt.report.share_held == 1.0 for attempt in done)


def test_what_was_held_whole_does_not_wait_for_what_is_still_being_filled(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, SYNOPTIC, rows=30)
    with opened(copy) as (mirror, upstream):
        copy.sync(SYNOPTIC)
        subscribe(mirror, None, SYNOPTIC, {})
        subscribe(mirror, None, M_45S, {"priority": 1})
        attempts = list(sync_all(mirror, upstream, reporter=Subscriber()))
        again = list(sync_all(mirror, upstream, reporter=Subscriber()))

    assert [attempt.subscription.subscription.series for attempt in attempts] == [SYNOPTIC, M_45S]
    assert [attempt.subscription.subscription.series for attempt in again] == [M_45S, SYNOPTIC]


def test_once_the_requests_are_used_up_the_others_are_not_begun(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, SYNOPTIC, rows=30)
    limited = LimitedSession(PoliteSession(copy.settings.upstream), 1)
    with copy.open() as mirror:
        for name in (M_45S, SYNOPTIC):
            copy.sync(name)
            subscribe(mirror, None, name, {})
        copy.jsoc.clear_requests()
        upstream = Jsoc(copy.settings.upstream, limited)
        first, second = sync_all(mirror, upstream, reporter=Subscriber())

    assert first.report is not None
    assert first.report.outcome is RunOutcome.DONE
    assert (second.report, second.error) == (None, None)
    assert len(copy.jsoc.requests) == 1


def test_once_the_time_is_over_the_others_are_not_begun(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, rows=30)
    with opened(copy) as (mirror, upstream):
        subscribe(mirror, None, M_45S, {})
        (attempt,) = sync_all(mirror, upstream, reporter=Subscriber(), seconds=0.0)

    assert (attempt.report, attempt.error) == (None, None)
    assert copy.jsoc.requests == []


# ------------------------------------------------------------------------------ what it would take
def test_a_forecast_says_what_a_run_says_and_changes_nothing(copy_of: CopyOf) -> None:
    copy = copy_of(SYNOPTIC, rows=60, sync={"first_window": 15, "max_window": 15})
    copy.sync(f"{SYNOPTIC}[2097]")
    (ahead,) = copy.outlook(SYNOPTIC)
    with opened(copy) as (mirror, upstream):
        before = mirror.catalogue.held(SYNOPTIC), mirror.catalogue.runs.recent()
        (found,) = forecast(copy.settings, mirror, upstream, SYNOPTIC)

        assert (mirror.catalogue.held(SYNOPTIC), mirror.catalogue.runs.recent()) == before
    assert (found.records, found.disk_bytes) == (ahead.records, ahead.disk_bytes)
    assert record_sets(copy) == []
    assert found.requests == pytest.approx(copy.sync(SYNOPTIC).requests, rel=0.3)


def test_a_forecast_of_what_is_held_is_nothing(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, rows=30)
    copy.sync(M_45S)
    with opened(copy) as (mirror, upstream):
        (found,) = forecast(copy.settings, mirror, upstream, f"{M_45S}[]")

    assert (found.records, found.requests, found.bytes, found.seconds) == (0, 1, 0, 0.0)


def test_a_forecast_of_what_is_newer_knows_each_request_but_one(copy_of: CopyOf) -> None:
    """The one that looks up held records again: a draft without records cannot make it."""
    copy = copy_of(M_45S, rows=60)
    copy.sync(M_45S)
    for day in range(1, 28):
        copy.jsoc.append(M_45S, {"T_REC": f"2015.01.{day:02}_TAI", "CAMERA": 1})
    with opened(copy) as (mirror, upstream):
        (found,) = forecast(copy.settings, mirror, upstream, M_45S)

    report = copy.sync(M_45S, task=Task(reconcile=Reconcile.OFF))
    assert found.records == report.records_new + report.records_unchanged
    assert found.requests == report.requests - 1 == 3


def test_a_forecast_needs_no_mirror_and_makes_none(copy_of: CopyOf) -> None:
    copy = copy_of(M_45S, SYNOPTIC, rows=30)
    upstream = Jsoc(copy.settings.upstream)

    found = forecast(copy.settings, None, upstream, f"{M_45S}[][1],{SYNOPTIC}")

    assert [one.record_set for one in found] == [f"{M_45S}[][1]", SYNOPTIC]
    assert found[1].records == 30
    assert not copy.settings.mirror.exists()


@pytest.mark.parametrize(("seconds_per_record", "windows"), [(1e-3, 8), (1.5, 29), (15.0, 281)])
def test_a_slow_upstream_takes_more_requests(seconds_per_record: float, windows: int) -> None:
    settings = SyncSettings(first_window=10, max_window=40)
    assert windows_for(settings, 290, 290 * seconds_per_record, 0.0) == windows
