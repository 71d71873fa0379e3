"""An upstream that gives its records no numbers at all, in each way in which it can say so."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from drmsmirror.client import Client, Source
from drmsmirror.errors import QueryError, UpstreamAnswerError, UpstreamRefusedError
from drmsmirror.model.subscription import Precision, Reconcile, Subscription
from drmsmirror.records import connect, create_view
from drmsmirror.sync import SilentReporter, Task, sync_all
from drmsmirror.sync.forecast import forecast
from drmsmirror.upstream import Jsoc
from tests.jsoc import Fault, FaultKind, NumbersHidden, Request
from tests.jsoc.replay import replay_key
from tests.unit.sync.mirrors import Copy, asked

WHOLE = "hmi.M_45s"
EVERYTHING = Task(reconcile=Reconcile.FULL, everywhere=True)
NOTHING = Task(reconcile=Reconcile.OFF)
SETTINGS = {"lag_hours": 24.0, "first_window": 200, "max_window": 400}


def numberless(copy_of, how: NumbersHidden = NumbersHidden.INVALID, **settings) -> Copy:
    copy = copy_of(WHOLE, rows=60, sync=SETTINGS | settings)
    copy.jsoc.hide_numbers(how)
    return copy


def add(copy: Copy, *times: str) -> None:
    copy.jsoc.append(WHOLE, {"T_REC": list(times), "CAMERA": 1, "DATARMS": 3.5})


def assert_every_version_is_held(copy: Copy, numbers: list[str]) -> None:
    """What was read under the upstream's numbers is still there."""
    with copy.open() as mirror:
        table = mirror.table(mirror.catalogue.definition(WHOLE))
    with connect([table.path]) as connection:
        create_view(connection, table, all_versions=True)
        found = connection.execute("SELECT recnum FROM hmi.m_45s_all WHERE recnum > 0").fetchall()
    assert {recnum for (recnum,) in found} >= {int(number) for number in numbers}


@pytest.mark.parametrize("how", NumbersHidden)
def test_what_is_new_late_changed_or_gone_within_the_lag_is_seen(how, copy_of) -> None:
    copy = numberless(copy_of, how)
    copy.sync(WHOLE)
    assert copy.assert_same_values(WHOLE)
    add(copy, *(f"2017.01.10_{hour:02d}:00:00_TAI" for hour in range(6)))
    copy.sync(WHOLE)
    add(copy, "2017.01.10_02:30:00_TAI", "2017.01.10_12:00:00_TAI")
    copy.jsoc.change_in_place(WHOLE, "[2017.01.10_03:00:00_TAI]", {"DATARMS": 7.25})
    copy.jsoc.revise(WHOLE, "[2017.01.10_04:00:00_TAI]", {"DATARMS": 8.25})
    copy.jsoc.remove(WHOLE, "[2017.01.10_05:00:00_TAI]")
    report = copy.sync(WHOLE)
    assert (report.records_new, report.records_revised, report.records_removed) == (2, 2, 1)
    copy.assert_same_values(WHOLE)
    assert not any("[:#" in request.ds for request in asked(copy.jsoc))


def test_what_lies_before_the_lag_is_caught_by_reading_all_of_it(copy_of) -> None:
    copy = numberless(copy_of)
    add(copy, "2017.01.10_00:00:00_TAI", "2017.03.10_00:00:00_TAI")
    copy.sync(WHOLE)
    (first,) = copy.held(f"{WHOLE}[^]", ["T_REC"])["T_REC"]
    copy.jsoc.change_in_place(WHOLE, f"[{first}]", {"DATARMS": 99.5})
    copy.jsoc.remove(WHOLE, "[2017.01.10_00:00:00_TAI]")
    report = copy.sync(WHOLE, task=NOTHING)
    assert (report.records_revised, report.records_removed) == (0, 0)
    report = copy.sync(WHOLE, task=EVERYTHING)
    assert (report.records_revised, report.records_removed) == (1, 1)
    copy.assert_same_values(WHOLE)


def test_superseded_values_stay_readable_under_the_mirrors_own_number(copy_of) -> None:
    copy = numberless(copy_of)
    add(copy, "2017.01.10_00:00:00_TAI")
    copy.sync(WHOLE)
    copy.jsoc.change_in_place(WHOLE, "[2017.01.10_00:00:00_TAI]", {"DATARMS": 99.5})
    copy.sync(WHOLE)
    (number,) = copy.held(f"{WHOLE}[2017.01.10_TAI]", ["*recnum*"])["*recnum*"]
    assert number < 0
    with copy.open() as mirror:
        table = mirror.table(mirror.catalogue.definition(WHOLE))
    with connect([table.path]) as connection:
        create_view(connection, table, all_versions=True)
        found = connection.execute(
            "SELECT datarms, _latest FROM hmi.m_45s_all WHERE recnum = ? ORDER BY _seen_run",
            [number],
        ).fetchall()
    assert found == [(3.5, False), (99.5, True)]


def test_of_a_night_most_is_left_alone(copy_of) -> None:
    copy = numberless(copy_of)
    add(copy, "2017.03.10_00:00:00_TAI")
    copy.sync(WHOLE)
    copy.sync(WHOLE)
    assert sum(request.rows for request in asked(copy.jsoc, "rs_list")) < 10


def test_the_lag_of_a_run_goes_before_that_of_the_settings(copy_of) -> None:
    copy = numberless(copy_of)
    add(copy, "2017.01.01_TAI", "2017.01.10_TAI")
    copy.sync(WHOLE)
    copy.jsoc.remove(WHOLE, "[2017.01.01_TAI]")
    assert copy.sync(WHOLE, task=NOTHING).records_removed == 0
    fortnight = Task(reconcile=Reconcile.OFF, lag=timedelta(days=14))
    assert copy.sync(WHOLE, task=fortnight).records_removed == 1


def test_a_subscription_says_how_far_back_to_read(copy_of) -> None:
    copy = numberless(copy_of)
    add(copy, "2017.01.01_TAI", "2017.01.10_TAI")
    copy.sync(WHOLE)
    copy.jsoc.remove(WHOLE, "[2017.01.01_TAI]")
    with copy.open() as mirror:
        mirror.catalogue.subscriptions.add(Subscription.of(WHOLE, lag=timedelta(days=14)))
        upstream = Jsoc(copy.settings.upstream)
        (attempt,) = sync_all(mirror, upstream, reporter=SilentReporter(), task=NOTHING)
    assert attempt.report is not None
    assert attempt.report.records_removed == 1


def test_a_forecast_knows_what_is_not_read_again(copy_of) -> None:
    copy = numberless(copy_of)
    copy.sync(WHOLE)
    with copy.open() as mirror:
        (found,) = forecast(copy.settings, mirror, Jsoc(copy.settings.upstream), WHOLE)
    assert found.records == 0


def test_a_sample_shows_that_records_change_before_the_lag(copy_of) -> None:
    """Where the night's reading begins anew from far up."""
    copy = numberless(copy_of)
    add(copy, "2017.01.10_TAI")
    copy.sync(WHOLE)
    with copy.open() as mirror:
        found = mirror.catalogue.reconciliations.load(WHOLE, f"{WHOLE}[]")
        assert found is not None
        high = mirror.table(mirror.catalogue.definition(WHOLE)).largest("t_rec_index")
        assert high is not None
        then = found.worked_utc - timedelta(days=2)
        later = replace(found, position=high, worked_utc=then)
        mirror.catalogue.reconciliations.save(WHOLE, f"{WHOLE}[]", later)
    copy.jsoc.change_in_place(WHOLE, copy.jsoc.series(WHOLE).columns["recnum"], {"DATARMS": 9.5})
    report = copy.sync(WHOLE)
    assert "chosen at random had changed before the last days" in report.notices[0]
    assert report.records_revised > 1


@pytest.mark.parametrize("survivor", [True, False])
def test_a_server_that_says_there_is_nothing_is_not_believed(survivor, copy_of) -> None:
    """It lists nothing of the last days, or nothing but one record, and counts so too."""
    copy = numberless(copy_of)
    times = [f"2017.01.10_{hour:02d}:00:00_TAI" for hour in range(6)]
    add(copy, *times)
    copy.sync(WHOLE)
    copy.sync(WHOLE)
    whole = copy.jsoc.series(WHOLE)
    (window,) = {r.ds for r in asked(copy.jsoc, "rs_list") if "n" not in r.params}
    copy.jsoc.remove(WHOLE, f"[{times[survivor]}-{times[-1]}]")
    hurt = copy.jsoc.series(WHOLE)

    def only_there(request: Request) -> bool:
        copy.jsoc.add(hurt if request.ds == window else whole)
        return False

    copy.jsoc.fault(FaultKind.HTML, times=None, when=only_there)
    with pytest.raises(UpstreamAnswerError, match="contradicts itself"):
        copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    copy.jsoc.add(whole)
    copy.sync(WHOLE)
    copy.assert_same_values(WHOLE)


def test_a_place_with_too_many_records_is_read_as_a_whole(copy_of) -> None:
    copy = numberless(copy_of, first_window=1, max_window=1)
    copy.jsoc.append(WHOLE, {"T_REC": "2017.01.10_TAI", "CAMERA": list(range(1, 8))})
    copy.sync(f"{WHOLE}[2017.01.10_TAI/1d]")
    assert copy.assert_same_values(f"{WHOLE}[2017.01.10_TAI/1d]") == 7


def test_what_satisfies_a_condition_no_longer_is_not_gone(copy_of) -> None:
    copy = numberless(copy_of)
    part = f"{WHOLE}[2017.01.10_TAI/1d]"
    some = f"{part}[? QUALITY = 0 ?]"
    times = [f"2017.01.10_{hour:02d}:00:00_TAI" for hour in range(4)]
    values = {"T_REC": times, "CAMERA": 1, "DATARMS": 3.5, "QUALITY": 0}
    copy.jsoc.append(WHOLE, values)
    copy.sync(some)
    copy.jsoc.change_in_place(WHOLE, f"[{times[1]}]", {"QUALITY": 7})
    copy.jsoc.remove(WHOLE, f"[{times[2]}]")
    assert copy.sync(some).records_removed == 1
    assert copy.assert_same_values(some) == 2
    copy.sync(part)
    assert copy.assert_same_values(part) == 3


def test_full_precision_needs_numbers(copy_of) -> None:
    copy = numberless(copy_of)
    with pytest.raises(QueryError, match="no numbers"):
        copy.sync(WHOLE, task=Task(precision=Precision.FULL))


def test_a_record_that_is_listed_twice_is_refused(copy_of) -> None:
    copy = numberless(copy_of)
    add(copy, "2017.01.10_TAI")
    copy.sync(WHOLE)
    copy.sync(WHOLE)
    (window,) = {r.ds for r in asked(copy.jsoc, "rs_list") if "n" not in r.params and r.rows}
    request = next(r for r in asked(copy.jsoc, "rs_list") if r.ds == window)
    answer = json.loads(copy.jsoc.respond(request).body)
    for one in answer["keywords"]:
        one["values"] *= 2
    answer["count"] *= 2
    count = json.dumps({"count": answer["count"], "status": 0}).encode()
    copy.jsoc.replay({replay_key("rs_list", window): json.dumps(answer).encode()})
    copy.jsoc.replay({replay_key("rs_summary", window): count})
    with pytest.raises(UpstreamAnswerError, match="twice"):
        copy.sync(WHOLE)


@pytest.mark.parametrize("how", [NumbersHidden.INVALID, NumbersHidden.SAID_ONLY])
def test_numbers_that_are_no_longer_given_begin_a_generation(how, copy_of) -> None:
    copy = copy_of(WHOLE, rows=60, sync=SETTINGS)
    copy.sync(WHOLE)
    numbered = copy.held(WHOLE, ["*recnum*"])["*recnum*"]
    copy.jsoc.hide_numbers(how)
    copy.jsoc.change_in_place(WHOLE, numbered[:1], {"DATARMS": 99.5})
    add(copy, "2017.01.10_TAI")
    report = copy.sync(WHOLE)
    assert "no longer gives the numbers" in report.notices[0]
    copy.assert_same_values(WHOLE)
    add(copy, "2017.01.11_TAI")
    report = copy.sync(WHOLE)
    assert (report.records_new, report.notices) == (1, ())
    assert_every_version_is_held(copy, numbered)


def test_that_none_is_given_any_more_can_show_when_all_is_compared(copy_of) -> None:
    copy = copy_of(WHOLE, rows=60, sync=SETTINGS)
    copy.sync(WHOLE)
    copy.jsoc.hide_numbers(NumbersHidden.SAID_ONLY)
    report = copy.sync(WHOLE, task=EVERYTHING)
    assert "no longer gives the numbers" in report.notices[0]
    copy.assert_same_values(WHOLE)
    copy.jsoc.hide_numbers(None)
    add(copy, "2017.01.10_TAI")
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


def test_an_answer_that_is_no_good_for_another_reason_is_an_error_as_before(copy_of) -> None:
    copy = copy_of(WHOLE, rows=60, sync=SETTINGS)
    copy.sync(WHOLE)
    add(copy, "2017.01.10_TAI")
    copy.jsoc.fault(FaultKind.DROPPED_KEYWORD, times=None, when=lambda one: "-#" in one.ds)
    with pytest.raises(UpstreamAnswerError):
        copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    assert not copy.sync(WHOLE).notices
    copy.assert_same(WHOLE)


def test_a_largest_number_that_is_no_longer_said_is_done_without(copy_of) -> None:
    copy = copy_of(WHOLE, rows=60, sync=SETTINGS)
    copy.sync(WHOLE)
    copy.jsoc.append(WHOLE, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    copy.hide_largest_number(WHOLE)
    report = copy.sync(WHOLE)
    assert (report.records_new, report.notices) == (1, ())
    assert not copy.sync(WHOLE).records_new
    copy.assert_same(WHOLE)
    copy.show_largest_number(WHOLE)
    copy.jsoc.append(WHOLE, {"T_REC": "2015.01.02_TAI", "CAMERA": 1})
    report = copy.sync(WHOLE)
    assert (report.records_new, report.notices) == (1, ())
    copy.assert_same(WHOLE)


def test_numbers_that_are_given_again_are_taken(copy_of) -> None:
    copy = numberless(copy_of)
    copy.sync(WHOLE)
    copy.jsoc.hide_numbers(None)
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


def test_a_server_that_fails_for_a_moment_does_not_lose_its_numbers(copy_of) -> None:
    """Nor is a series read anew where it refuses once to list them."""
    copy = copy_of(WHOLE, rows=60, sync=SETTINGS)
    copy.hide_largest_number(WHOLE)
    copy.sync(WHOLE)
    for kind in (FaultKind.DROPPED_KEYWORD, FaultKind.ERROR_BODY):
        copy.jsoc.fault(Fault(kind, status=1, text="no such keyword"), when="rs_list")
        assert not copy.sync(WHOLE).notices
    copy.assert_same(WHOLE)


def looks(request: Request) -> bool:
    """Whether a record is looked at for its numbers."""
    return "*recnum*" in request.params.get("key", "") and request.params.get("n") == "1"


def test_before_a_series_is_read_anew_it_is_asked_once_more(copy_of) -> None:
    copy = copy_of(WHOLE, rows=60, sync=SETTINGS)
    copy.hide_largest_number(WHOLE)
    copy.sync(WHOLE)
    copy.jsoc.fault(Fault(FaultKind.ERROR_BODY, status=1, text="busy"), times=2, when=looks)
    assert not copy.sync(WHOLE).notices
    copy.assert_same(WHOLE)


@pytest.mark.parametrize(
    "trouble",
    [
        Fault(FaultKind.HTML),
        Fault(FaultKind.HTTP_STATUS, status=503),
        Fault(FaultKind.ERROR_BODY, status=6, text="cannot connect"),
    ],
    ids=lambda trouble: trouble.kind.value,
)
def test_errors_that_come_in_a_burst_do_not_say_that_there_are_no_numbers(trouble, copy_of) -> None:
    copy = copy_of(WHOLE, rows=60, sync=SETTINGS)
    copy.sync(WHOLE)
    add(copy, "2017.01.10_TAI")
    refusal = Fault(FaultKind.ERROR_BODY, status=1, text="busy")
    copy.jsoc.fault(refusal, when=lambda one: one.op == "rs_list" and "-#" in one.ds)
    copy.jsoc.fault(trouble, times=None, when=looks)
    with pytest.raises(UpstreamRefusedError):
        copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    report = copy.sync(WHOLE)
    assert (report.records_new, report.notices) == (1, ())
    copy.assert_same(WHOLE)


def test_a_question_brings_what_is_not_held(copy_of) -> None:
    copy = numberless(copy_of)
    times = ["2017.01.10_00:00:00_TAI", "2017.02.10_00:00:00_TAI"]
    add(copy, *times)
    copy.sync(f"{WHOLE}[2017.01.10_TAI/1d]")
    with Client(copy.settings) as client:
        answer = client.answer(f"{WHOLE}[2017.01.01_TAI-2017.03.01_TAI]", ["T_REC", "DATARMS"])
        assert answer.texts() == {"T_REC": times, "DATARMS": ["3.5000", "3.5000"]}
        assert answer.source is Source.MIXED
        numbers = client.answer(f"{WHOLE}[2017.02.10_TAI]", ["T_REC", "*recnum*"]).texts()
        assert numbers == {"T_REC": times[1:], "*recnum*": [None]}


def test_without_a_time_axis_there_is_nothing_to_follow_by(copy_of) -> None:
    copy = copy_of("test.nopk")
    copy.jsoc.hide_numbers(NumbersHidden.LEFT_OUT)
    with pytest.raises(UpstreamAnswerError, match="largest record number"):
        copy.sync("test.nopk")
