"""Runs that may not take long, or ask much: each comes further, or says why it cannot."""

from __future__ import annotations

import math

import pytest

from drmsmirror.catalogue import RunKind, RunOutcome
from drmsmirror.cli.attempts import object_of, told
from drmsmirror.errors import TooFewRequestsError, UpstreamRefusedError
from drmsmirror.model.subscription import Subscription
from drmsmirror.sync import SyncReport, sync_all, sync_and_subscribe
from drmsmirror.sync.enough import ENOUGH
from drmsmirror.upstream import Jsoc, LimitedSession, PoliteSession
from tests.jsoc import Fault, FaultKind, NumbersHidden, Request
from tests.unit.sync.mirrors import Copy
from tests.unit.sync.test_subscribing import Subscriber

WHOLE = "hmi.M_45s"
SMALL = {"first_window": 20, "max_window": 20}

#: So little that finding out what lies ahead takes longer.
MOMENT = 1e-9


def new_day(copy: Copy, records: int) -> None:
    """Let records appear later than all others."""
    times = [
        f"2015.01.01_{n // 80:02d}:{n % 80 * 45 // 60:02d}:{n * 45 % 60:02d}_TAI"
        for n in range(records)
    ]
    copy.jsoc.append(WHOLE, {"T_REC": times, "CAMERA": 1, "DATARMS": 3.5})


# ------------------------------------------------------------------------------ time
def test_each_night_takes_what_is_newer_and_a_window_more_though_looking_ahead_takes_its_time(
    copy_of,
) -> None:
    copy = copy_of(WHOLE, rows=60, sync=SMALL)
    begins = [math.inf]
    for day in (1, 2):
        copy.jsoc.append(WHOLE, {"T_REC": f"2015.02.{day:02}_TAI", "CAMERA": 1})
        assert copy.sync(WHOLE, seconds=MOMENT).outcome is RunOutcome.STOPPED
        (held,) = copy.coverage(WHOLE)
        assert held.interval.low < begins[-1]
        begins.append(held.interval.low)
    copy.assert_same(f"{WHOLE}[2015.02.01_TAI/30d]")


def test_what_is_newer_is_taken_a_window_a_night(copy_of) -> None:
    copy = copy_of(WHOLE, rows=10, sync=SMALL)
    copy.sync(WHOLE)
    new_day(copy, 30)
    brought = [copy.sync(WHOLE, seconds=MOMENT).records_new]
    while sum(brought) < 30:
        brought.append(copy.sync(WHOLE, seconds=MOMENT).records_new)
        assert brought[-1]
    assert max(brought) == 20
    copy.assert_same(WHOLE)


def test_one_moment_with_more_records_than_a_window_is_taken_in_one_night(copy_of) -> None:
    """Nothing of it is held until all of it is, and the next night would begin anew."""
    copy = copy_of(WHOLE, rows=10, sync={"first_window": 4, "max_window": 4})
    moment = {"T_REC": "2015.01.01_TAI", "CAMERA": list(range(1, 13)), "DATARMS": 3.5}
    copy.jsoc.append(WHOLE, moment)
    report = copy.sync(WHOLE, seconds=MOMENT)
    assert (report.outcome, report.records_new) == (RunOutcome.STOPPED, 12)
    copy.assert_same(f"{WHOLE}[2015.01.01_TAI]")


def test_a_follow_whose_count_was_wrong_comes_further_all_the_same(copy_of) -> None:
    """The numbers below the last reading that it reads again are held as of it already."""
    copy = copy_of(WHOLE, rows=30, sync={"first_window": 4, "max_window": 40})
    copy.sync(WHOLE)
    (before,) = copy.coverage(WHOLE)
    oldest = min(map(int, copy.held(WHOLE, ["*recnum*"])["*recnum*"]))
    new_day(copy, 30)
    listed = []

    def goes_meanwhile(request: Request) -> bool:
        if request.op == "rs_list" and "-#" in request.ds and not listed:
            listed.append(request.ds)
        elif request.op == "rs_summary" and listed == [request.ds]:
            listed.append(request.ds)
            copy.jsoc.remove(WHOLE, [oldest])
        return False

    copy.jsoc.fault(FaultKind.HTML, times=None, when=goes_meanwhile)
    assert copy.sync(WHOLE, seconds=MOMENT).outcome is RunOutcome.STOPPED
    assert len(listed) == 2
    assert copy.coverage(WHOLE)[0].as_of_recnum > before.as_of_recnum


# ------------------------------------------------------------------------------ requests
def sync_within(copy: Copy, record_set: str, most: int) -> SyncReport:
    """Sync with so many requests at most."""
    copy.jsoc.clear_requests()
    with copy.open() as mirror:
        session = LimitedSession(PoliteSession(copy.settings.upstream), most)
        upstream = Jsoc(copy.settings.upstream, session)
        (report,) = sync_and_subscribe(mirror, upstream, record_set, reporter=Subscriber())
    return report


@pytest.mark.parametrize(
    ("most", "record_set"),
    [(1, WHOLE), (7, f"{WHOLE}[2010.05.01_TAI/1d][? QUALITY >= 0 ?]")],
)
def test_a_run_that_asks_too_little_to_come_further_says_how_much_does(
    most, record_set, copy_of
) -> None:
    copy = copy_of(WHOLE, rows=60, sync=SMALL)
    copy.jsoc.hide_numbers(NumbersHidden.EMPTY)  # takes more than to be told them
    with pytest.raises(TooFewRequestsError, match=f"The {most} requests .* at least {ENOUGH} "):
        sync_within(copy, record_set, most)
    assert len(copy.jsoc.requests) == most
    sync_within(copy, record_set, ENOUGH)
    assert copy.coverage(WHOLE)


def test_that_many_is_what_the_most_laborious_beginning_takes(copy_of) -> None:
    """All of a series is wanted, of a server that refuses to be asked for record numbers."""
    copy = copy_of(WHOLE, rows=60, sync=SMALL)
    copy.jsoc.hide_numbers(NumbersHidden.REFUSED)
    with pytest.raises(TooFewRequestsError):
        sync_within(copy, WHOLE, ENOUGH - 1)
    sync_within(copy, WHOLE, ENOUGH)
    assert copy.coverage(WHOLE)


def test_so_does_one_that_follows(copy_of) -> None:
    copy = copy_of(WHOLE, rows=10, sync=SMALL)
    copy.sync(WHOLE)
    new_day(copy, 120)
    before = copy.coverage(WHOLE)
    with pytest.raises(TooFewRequestsError, match=f"at least {ENOUGH} "):
        sync_within(copy, WHOLE, 5)
    with copy.open() as mirror:
        failed, _ = mirror.catalogue.runs.recent()
    assert (failed.outcome, failed.error_code) == (RunOutcome.FAILED, "too-few-requests")
    assert copy.coverage(WHOLE) == before
    assert sync_within(copy, WHOLE, ENOUGH).records_new
    assert copy.coverage(WHOLE) != before


def test_where_more_than_enough_is_used_up_for_nothing_twice_as_much_is_named(copy_of) -> None:
    copy = copy_of(WHOLE, rows=10, upstream={"attempts": 2 * ENOUGH})
    copy.sync(WHOLE)
    new_day(copy, 5)
    copy.jsoc.fault(Fault(FaultKind.HTTP_STATUS, status=503), times=None, when="rs_list")
    with pytest.raises(TooFewRequestsError, match=f"at least {2 * (ENOUGH + 1)}"):
        sync_within(copy, WHOLE, ENOUGH + 1)


def test_what_was_refused_is_told_though_the_requests_end_while_numbers_are_looked_for(
    copy_of,
) -> None:
    copy = copy_of(WHOLE, rows=10)
    copy.sync(WHOLE)
    new_day(copy, 5)
    trouble = Fault(FaultKind.ERROR_BODY, status=1, text="some trouble")
    copy.jsoc.fault(trouble, times=None, when=lambda one: one.op == "rs_list" and "-#" in one.ds)
    with pytest.raises(UpstreamRefusedError, match="some trouble"):
        sync_within(copy, WHOLE, 4)


def test_the_report_is_of_the_run_that_stopped_not_of_the_one_that_failed_before(copy_of) -> None:
    """The series proves to be without numbers; others have left too few to read it so."""
    copy = copy_of(WHOLE, rows=10)
    copy.sync(WHOLE)
    new_day(copy, 5)
    copy.at_window(2, lambda: copy.jsoc.hide_numbers(NumbersHidden.SAID_ONLY))
    with copy.open() as mirror:
        mirror.catalogue.subscriptions.add(Subscription.of(WHOLE))
        session = LimitedSession(PoliteSession(copy.settings.upstream), 7)
        upstream = Jsoc(copy.settings.upstream, session)
        upstream.definition(WHOLE)
        (attempt,) = sync_all(mirror, upstream, reporter=Subscriber())
        stopped, failed = mirror.catalogue.runs.recent(limit=2, kinds=[RunKind.SYNC])
    assert (stopped.outcome, failed.outcome) == (RunOutcome.STOPPED, RunOutcome.FAILED)
    assert attempt.report is not None
    lost, few = attempt.report.notices
    assert attempt.report.notices == stopped.notices
    assert "no longer gives the numbers" in lost
    assert "left of the requests, 6, was used up" in few


def test_a_set_that_is_read_a_second_time_had_all_requests_for_itself(copy_of) -> None:
    copy = copy_of(WHOLE, rows=10)
    copy.sync(WHOLE)
    new_day(copy, 5)
    copy.jsoc.hide_numbers(NumbersHidden.SAID_ONLY)
    with pytest.raises(TooFewRequestsError, match="The 6 requests of this run"):
        sync_within(copy, WHOLE, 6)


def test_what_others_have_left_may_be_too_little_tonight(copy_of) -> None:
    """The next night can leave more; where none does, somebody has to hear of it."""
    copy = copy_of(WHOLE, "test.carr", rows=30)
    copy.sync(WHOLE)
    with copy.open() as mirror:
        for one in (WHOLE, "test.carr"):
            mirror.catalogue.subscriptions.add(Subscription.of(one))
        session = LimitedSession(PoliteSession(copy.settings.upstream), 4)
        upstream = Jsoc(copy.settings.upstream, session)
        done, stopped = sync_all(mirror, upstream, reporter=Subscriber())
        (run,) = mirror.catalogue.runs.recent(series="test.carr")
    assert done.report is not None
    assert stopped.report is not None
    assert stopped.report.outcome is run.outcome is RunOutcome.STOPPED
    (said,) = run.notices
    assert stopped.report.notices == (said,)
    assert "left of the requests, 3, was used up" in said
    assert f"at least {ENOUGH} more than the others take" in said


def test_also_before_its_run_begins(copy_of) -> None:
    copy = copy_of(WHOLE, "test.carr", rows=10)
    for one in ("test.carr", WHOLE):
        copy.sync(one)
    new_day(copy, 5)
    with copy.open() as mirror:
        for one in ("test.carr", WHOLE):
            mirror.catalogue.subscriptions.add(Subscription.of(one))
        before = mirror.catalogue.runs.recent(series=WHOLE)
        session = LimitedSession(PoliteSession(copy.settings.upstream), 2)
        upstream = Jsoc(copy.settings.upstream, session)
        _, attempt = sync_all(mirror, upstream, reporter=Subscriber())
        assert mirror.catalogue.runs.recent(series=WHOLE) == before
    assert (attempt.report, attempt.error) == (None, None)
    assert f"at least {ENOUGH} more than the others take" in told(attempt)
    assert object_of(attempt)["message"] == attempt.reason


def test_the_first_of_all_says_it_and_no_other_is_begun(copy_of) -> None:
    copy = copy_of(WHOLE, "test.carr", rows=30)
    with copy.open() as mirror:
        for one in (WHOLE, "test.carr"):
            mirror.catalogue.subscriptions.add(Subscription.of(one))
        session = LimitedSession(PoliteSession(copy.settings.upstream), 3)
        upstream = Jsoc(copy.settings.upstream, session)
        failed, other = sync_all(mirror, upstream, reporter=Subscriber())
    assert isinstance(failed.error, TooFewRequestsError)
    assert (other.report, other.error) == (None, None)
