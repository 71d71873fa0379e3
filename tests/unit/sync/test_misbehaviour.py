"""An upstream on a bad day: nothing of a bad answer is stored, and the next run completes."""

from __future__ import annotations

from contextlib import suppress

import pytest

from drmsmirror.catalogue import RunOutcome
from drmsmirror.errors import (
    DrmsMirrorError,
    UpstreamAnswerError,
    UpstreamError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)
from drmsmirror.model.subscription import Reconcile
from drmsmirror.sync import Task
from tests.jsoc import Fault, FaultKind, Request
from tests.sparing import one_in
from tests.unit.sync.mirrors import Copy, asked

WHOLE = "hmi.M_45s"
SMALL_WINDOWS = {"first_window": 60, "max_window": 60}

MISBEHAVIOUR = [
    (Fault(FaultKind.CLOSE_EARLY), (UpstreamAnswerError, UpstreamUnavailableError)),
    (Fault(FaultKind.HTTP_STATUS, status=503), UpstreamUnavailableError),
    (Fault(FaultKind.HTTP_STATUS, status=429), UpstreamOverloadedError),
    (Fault(FaultKind.HTTP_STATUS, status=404), UpstreamRefusedError),
    (Fault(FaultKind.HTML), (UpstreamAnswerError, UpstreamUnavailableError)),
    (Fault(FaultKind.WRONG_COLUMN_LENGTH), UpstreamAnswerError),
    (Fault(FaultKind.WRONG_COUNT), UpstreamAnswerError),
    (Fault(FaultKind.TRUNCATED_JSON), UpstreamAnswerError),
    (Fault(FaultKind.EMPTY_BODY), UpstreamAnswerError),
    (Fault(FaultKind.DROPPED_KEYWORD), UpstreamAnswerError),
    (Fault(FaultKind.RENAMED_KEYWORD), UpstreamAnswerError),
    (Fault(FaultKind.GARBAGE), UpstreamAnswerError),
    (Fault(FaultKind.ERROR_BODY, status=4), UpstreamError),
    (Fault(FaultKind.ERROR_BODY, status=5), UpstreamUnavailableError),
    (Fault(FaultKind.ERROR_BODY, status=6), UpstreamError),
    (Fault(FaultKind.OVERLOAD), UpstreamOverloadedError),
]
IDS = [f"{fault.kind.value}-{fault.status}" for fault, _ in MISBEHAVIOUR]


class Nth:
    """Accepts the n-th list of a window, and no other request."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, request: Request) -> bool:
        if request.op != "rs_list" or "n" in request.params:
            return False
        self.left -= 1
        return self.left == 0


def last_run(copy: Copy) -> RunOutcome:
    with copy.open() as mirror:
        return mirror.catalogue.runs.recent(limit=1)[0].outcome


@pytest.mark.parametrize(("fault", "expected"), one_in(3, MISBEHAVIOUR, IDS))
def test_a_bad_window_is_not_stored_and_the_next_run_completes(fault, expected, copy_of) -> None:
    copy = copy_of(WHOLE, rows=150, sync=SMALL_WINDOWS)
    copy.jsoc.fault(fault, times=1, when=Nth(2))
    with pytest.raises(expected):
        copy.sync(WHOLE)
    spoilt = [request for request in asked(copy.jsoc) if request.fault]
    assert len(spoilt) == 1
    assert last_run(copy) == "failed"
    assert copy.coverage(WHOLE)
    copy.assert_covered(WHOLE)
    assert copy.published(WHOLE) == copy.coverage(WHOLE)
    report = copy.sync(WHOLE)
    assert report.outcome == "done"
    assert report.records_unchanged == 0
    copy.assert_same(WHOLE)


def test_a_run_that_failed_says_what_it_was_asked_and_all_that_it_asked(copy_of) -> None:
    copy = copy_of(WHOLE, rows=150, sync=SMALL_WINDOWS)
    copy.jsoc.fault(Fault(FaultKind.GARBAGE), times=1, when=Nth(2))
    with pytest.raises(UpstreamAnswerError):
        copy.sync(WHOLE)
    with copy.open() as mirror:
        (run,) = mirror.catalogue.runs.recent()
    assert (run.record_set, run.counters.requests) == (WHOLE, len(asked(copy.jsoc)))
    assert run.counters.records_new > 0


@pytest.mark.parametrize("op", ["series_struct", "rs_summary"])
@pytest.mark.parametrize(
    "kind",
    [FaultKind.HTML, FaultKind.TRUNCATED_JSON, FaultKind.EMPTY_BODY, FaultKind.HTTP_STATUS],
)
def test_a_bad_answer_before_the_windows_changes_nothing(kind, op, copy_of) -> None:
    copy = copy_of(WHOLE, rows=100)
    copy.jsoc.fault(kind, times=1, when=op)
    with pytest.raises(UpstreamError):
        copy.sync(WHOLE)
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


@pytest.mark.parametrize(("fault", "expected"), one_in(8, MISBEHAVIOUR, IDS))
def test_a_bad_answer_while_following_changes_nothing(fault, expected, copy_of) -> None:
    copy = copy_of(WHOLE, rows=200)
    copy.sync(WHOLE)
    held = copy.held(WHOLE, ["*recnum*"])
    copy.jsoc.append(WHOLE, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    copy.jsoc.fault(fault, times=1, when=Nth(1))
    with pytest.raises(expected):
        copy.sync(WHOLE)
    assert copy.held(WHOLE, ["*recnum*"]) == held
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.TRUNCATED_JSON, FaultKind.HTTP_STATUS])
def test_what_can_be_tried_again_is_tried_again(kind, copy_of) -> None:
    copy = copy_of(WHOLE, rows=100, upstream={"attempts": 3})
    copy.jsoc.fault(kind, times=2, when=lambda request: request.op == "rs_list")
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


def test_an_overloaded_upstream_is_left_alone(copy_of) -> None:
    copy = copy_of(WHOLE, rows=100, upstream={"attempts": 5})
    copy.jsoc.fault(FaultKind.OVERLOAD, times=None, when="rs_list")
    with pytest.raises(UpstreamOverloadedError):
        copy.sync(WHOLE)
    assert len([request for request in asked(copy.jsoc) if request.fault]) == 1


def test_records_that_appear_between_count_and_list_are_kept(copy_of) -> None:
    copy = copy_of(WHOLE, rows=100)
    first = Nth(1)

    def appear(request: Request) -> bool:
        if first(request):
            copy.jsoc.append(WHOLE, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
        return False

    copy.jsoc.fault(FaultKind.HTML, times=None, when=appear)
    copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


def test_a_count_that_stays_wrong_is_an_error_and_nothing_is_kept(copy_of) -> None:
    """A cut answer that is consistent in itself is found out by the count."""
    copy = copy_of(WHOLE, rows=100)
    whole = copy.jsoc.series(WHOLE)
    hidden = [int(recnum) for recnum in whole.columns["recnum"][whole.latest][:5]]

    def cut(request: Request) -> bool:
        if request.op == "rs_list" and "n" not in request.params:
            copy.jsoc.remove(WHOLE, hidden)
        else:
            copy.jsoc.add(whole)
        return False

    copy.jsoc.fault(FaultKind.HTML, times=None, when=cut)
    with pytest.raises(UpstreamAnswerError, match="counts"):
        copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    copy.jsoc.add(whole)
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


class OneIn:
    """Accepts every so many-th question about records; with 1, all of them."""

    def __init__(self, every: int) -> None:
        self.every, self.seen = every, 0

    def __call__(self, request: Request) -> bool:
        self.seen += request.op in ("rs_list", "rs_summary")
        return self.seen % self.every == 0


def lie(copy: Copy, every: int, task: Task) -> None:
    """Sync while the upstream says now and then, or always, that there is nothing."""
    copy.jsoc.fault(FaultKind.NO_RECORDS, times=None, when=OneIn(every))
    for _ in range(every):
        with suppress(UpstreamAnswerError):
            copy.sync(WHOLE, task=task)
    copy.jsoc.clear_faults()


@pytest.mark.parametrize("every", [1, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 4))])
@pytest.mark.parametrize("begun", [False, True])
def test_that_there_is_nothing_is_not_believed_by_itself(begun, every, copy_of) -> None:
    copy = copy_of(WHOLE, rows=150, sync=SMALL_WINDOWS)
    if begun:
        copy.sync(WHOLE)
        top = max(copy.jsoc.series(WHOLE).columns["recnum"])
        for day, number in (("02", top + 1), ("03", top + 5000)):
            record = {"T_REC": f"2015.01.{day}_TAI", "CAMERA": 1, "recnum": number}
            copy.jsoc.append(WHOLE, record)
    lie(copy, every, Task(reconcile=Reconcile.OFF))
    copy.sync(WHOLE, task=Task(reconcile=Reconcile.OFF))
    copy.assert_same(WHOLE)


@pytest.mark.parametrize(
    "task", [Task(everywhere=True), Task(reconcile=Reconcile.FULL, everywhere=True)]
)
def test_nothing_is_gone_where_an_upstream_says_that_there_is_nothing(task, copy_of) -> None:
    copy = copy_of(WHOLE, rows=50)
    copy.sync(WHOLE)
    for every in (1, 2):
        lie(copy, every, task)
        copy.assert_same(WHOLE)


def test_after_a_setback_it_is_not_believed_either(copy_of) -> None:
    copy = copy_of(WHOLE, rows=50)
    copy.sync(WHOLE)
    held = copy.held(WHOLE, ["T_REC", "*recnum*"])
    copy.jsoc.remove(WHOLE, [int(max(copy.jsoc.series(WHOLE).columns["recnum"]))])
    lie(copy, 1, Task())
    assert copy.held(WHOLE, ["T_REC", "*recnum*"]) == held
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


def test_without_numbers_it_is_not_believed_either(copy_of) -> None:
    copy = copy_of(WHOLE, rows=50, sync={"lag_hours": 24.0 * 3650})
    copy.hide_largest_number(WHOLE)
    copy.sync(WHOLE)
    lie(copy, 1, Task())
    copy.assert_same(WHOLE)


def test_a_series_that_was_emptied_is_empty(copy_of) -> None:
    copy = copy_of(WHOLE, rows=50)
    copy.sync(WHOLE)
    copy.jsoc.remove(WHOLE, copy.jsoc.series(WHOLE).columns["recnum"].tolist())
    assert copy.sync(WHOLE).records_removed == 50
    copy.assert_same(WHOLE)


@pytest.mark.parametrize("unknown", ["hmi.nosuch", "nosuch.series[1]"])
def test_an_unknown_series_leaves_no_trace(unknown, copy_of) -> None:
    copy = copy_of(WHOLE, rows=50)
    with pytest.raises(DrmsMirrorError) as caught:
        copy.sync(unknown)
    assert caught.value.code == "unknown-series"
    with copy.open() as mirror:
        assert mirror.catalogue.series() == ()
        assert mirror.catalogue.leases.all() == ()


def test_an_upstream_that_is_away_is_said_in_words(copy_of) -> None:
    copy = copy_of(WHOLE, rows=50)
    copy.jsoc.stop()
    with pytest.raises(UpstreamUnavailableError, match=r"127\.0\.0\.1"):
        copy.sync(WHOLE)
    copy.jsoc.start()
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)
