"""An upstream that went back in time: it is noticed, and what it has now is read again."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta

import pytest

from drmsmirror.catalogue import RunKind, RunOutcome
from drmsmirror.client import Client
from drmsmirror.errors import DefinitionError, NotHeldError, UpstreamAnswerError, UpstreamError
from drmsmirror.records import harvest_keys
from drmsmirror.sync import Task, import_records, sync_and_subscribe
from drmsmirror.sync.enough import ENOUGH
from drmsmirror.upstream import Jsoc, LimitedSession, PoliteSession
from tests.jsoc import FaultKind, Keyword, Request
from tests.unit.sync.mirrors import Copy, asked, truth
from tests.unit.sync.test_subscribing import Subscriber

WHOLE = "hmi.M_45s"
DAY = "hmi.M_45s[2010.05.01_TAI/1d]"


@pytest.fixture
def synced(copy_of) -> Copy:
    copy = copy_of(WHOLE)
    copy.sync(WHOLE)
    return copy


class SecondList:
    """Accepts every list of a window after the first."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, request: Request) -> bool:
        self.seen += request.op == "rs_list" and "n" not in request.params
        return self.seen > 1


def grow(copy: Copy, day: int, records: int) -> list[int]:
    """Records of a day, some of them in one slot."""
    times = [f"2015.01.{day:02d}_00:{n // 2:02d}:{n % 2 * 30:02d}_TAI" for n in range(records)]
    return copy.jsoc.append(WHOLE, {"T_REC": times, "CAMERA": 1, "DATARMS": 3.5})


def remove_newest(copy: Copy) -> None:
    copy.jsoc.remove(WHOLE, [int(max(copy.jsoc.series(WHOLE).columns["recnum"]))])


def a_night_later(copy: Copy) -> None:
    """What was compared was so the night before."""
    with copy.open() as mirror:
        found = mirror.catalogue.reconciliations.load(WHOLE, f"{WHOLE}[]")
        assert found is not None
        earlier = replace(found, worked_utc=found.worked_utc - timedelta(hours=25))
        mirror.catalogue.reconciliations.save(WHOLE, f"{WHOLE}[]", earlier)


def held_up_to(copy: Copy) -> float:
    """The largest record number of any row."""
    with copy.open() as mirror:
        return mirror.table(mirror.catalogue.definition(WHOLE)).largest("recnum") or 0


def generation(copy: Copy) -> int:
    with copy.open() as mirror:
        return mirror.catalogue.state(WHOLE).generation


def test_where_its_largest_number_is_smaller_than_before_all_is_read_again(synced) -> None:
    remove_newest(synced)
    report = synced.sync(WHOLE)
    assert "went back in time" in report.notices[0]
    assert generation(synced) == 1
    synced.assert_same(WHOLE)
    assert synced.sync(WHOLE).requests == 1


def test_it_is_noticed_after_a_run_that_did_not_finish(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 50, "max_window": 100})
    copy.jsoc.fault(FaultKind.HTML, times=None, when=SecondList())
    with pytest.raises(UpstreamError):
        copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    remove_newest(copy)
    assert copy.sync(WHOLE).notices
    copy.assert_same(WHOLE)


def test_numbers_that_are_issued_again_are_noticed_though_there_are_more_of_them(synced) -> None:
    before = synced.jsoc.series(WHOLE)
    grow(synced, 3, 30)
    synced.sync(WHOLE)
    synced.jsoc.add(before)
    grow(synced, 5, 40)
    report = synced.sync(WHOLE)
    assert "other records" in report.notices[0]
    assert report.records_removed == 20  # times in slots
    synced.assert_same(WHOLE)


def refilled(copy: Copy, records: int) -> None:
    """The upstream went back, and has issued exactly the numbers again that it had lost."""
    before = copy.jsoc.series(WHOLE)
    grow(copy, 3, records)
    copy.sync(WHOLE)
    copy.jsoc.add(before)
    grow(copy, 5, records)


def test_where_it_has_as_many_numbers_as_before_it_is_noticed_within_a_night(synced) -> None:
    refilled(synced, 30)
    a_night_later(synced)
    report = synced.sync(WHOLE)
    assert "other records" in report.notices[0]
    assert generation(synced) == 1
    synced.assert_same(WHOLE)
    a_night_later(synced)
    assert not synced.sync(WHOLE).notices


@pytest.mark.long
def test_where_the_same_few_numbers_were_issued_again_comparing_brings_the_records(synced) -> None:
    """It is as if some had moved to another time, and no reason to read everything again."""
    refilled(synced, 4)
    a_night_later(synced)
    synced.sync(WHOLE)
    assert generation(synced) == 0
    synced.assert_same(WHOLE)


@pytest.mark.parametrize("refilled", [pytest.param(0, marks=pytest.mark.long), 4])
def test_what_a_follow_read_that_was_cut_off_is_not_left_behind(refilled, copy_of) -> None:
    """Nothing says yet that its windows are held, and there is no such number any more."""
    copy = copy_of(WHOLE, rows=10, sync={"first_window": 20, "max_window": 20})
    copy.sync(WHOLE)
    before = copy.jsoc.series(WHOLE)
    grow(copy, 3, 60)
    top = int(max(before.columns["recnum"]))

    def is_next_but_one(request: Request) -> bool:
        first = request.ds.partition(":#")[2].partition("-")[0]
        return request.op == "rs_list" and first.isdigit() and int(first) > top + 5

    copy.jsoc.fault(FaultKind.HTML, times=None, when=is_next_but_one)
    with pytest.raises(UpstreamError):
        copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    assert held_up_to(copy) > top + 5
    assert {entry.as_of_recnum for entry in copy.coverage(WHOLE)} == {top}
    copy.jsoc.add(before)
    grow(copy, 5, refilled)
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)


def test_once_a_night_it_is_asked_for_though_nothing_is_new(synced) -> None:
    assert synced.sync(WHOLE).requests == 1
    a_night_later(synced)
    synced.sync(WHOLE)
    assert [request.ds for request in asked(synced.jsoc)][1].startswith(f"{WHOLE}[:#")
    assert synced.sync(WHOLE).requests == 1


def test_a_server_that_says_that_nothing_of_them_is_there_does_not_hide_it(synced) -> None:
    before = synced.jsoc.series(WHOLE)
    grow(synced, 3, 30)
    synced.sync(WHOLE)
    synced.jsoc.add(before)
    grow(synced, 5, 40)
    synced.jsoc.fault(FaultKind.NO_RECORDS, when=lambda request: "[:#" in request.ds)
    with pytest.raises(UpstreamAnswerError, match="contradicts itself"):
        synced.sync(WHOLE)
    assert "other records" in synced.sync(WHOLE).notices[0]
    synced.assert_same(WHOLE)


def test_numbers_that_are_held_and_gone_begin_no_generation(synced) -> None:
    top = grow(synced, 3, 30)
    synced.sync(WHOLE)
    after = grow(synced, 5, 1)
    synced.jsoc.remove(WHOLE, top)
    report = synced.sync(WHOLE)
    assert not report.notices
    assert after[0] > top[-1]
    assert generation(synced) == 0


def test_one_record_that_moves_to_another_time_is_no_setback(synced) -> None:
    top = grow(synced, 3, 30)[-1]
    synced.sync(WHOLE)
    synced.jsoc.change_in_place(WHOLE, [top], {"T_REC": "2015.01.04_TAI"})
    grow(synced, 5, 1)
    report = synced.sync(WHOLE)
    assert not report.notices
    assert generation(synced) == 0
    synced.assert_same(WHOLE)


def test_records_of_a_file_without_their_sunum_are_the_same_ones(copy_of, tmp_path) -> None:
    copy = copy_of(WHOLE, rows=60)
    definition = Jsoc(copy.settings.upstream).definition(WHOLE).definition
    told = truth(copy.jsoc, f"{WHOLE}[]", ["*recnum*", *harvest_keys(definition)[2:]])
    file = tmp_path / "records.csv"
    with file.open("w", newline="") as written:
        rows = csv.writer(written)
        rows.writerow(["recnum", *list(told)[1:]])
        rows.writerows(zip(*told.values(), strict=True))
    with copy.open() as mirror:
        import_records(mirror, definition, file, covers=f"{WHOLE}[]")
    grow(copy, 3, 1)
    report = copy.sync(WHOLE)
    assert (report.records_new, report.notices) == (1, ())
    a_night_later(copy)
    assert not copy.sync(WHOLE).notices
    assert generation(copy) == 0


def test_a_definition_that_came_with_the_setback_is_taken_over(synced) -> None:
    remove_newest(synced)
    synced.jsoc.add_keyword(WHOLE, Keyword("EXTRA", "float", format="%.3f"), 1.25)
    synced.sync(WHOLE)
    synced.assert_same(WHOLE)
    assert set(synced.held(WHOLE, ["EXTRA"])["EXTRA"]) == {"1.250"}


def test_until_it_is_read_again_what_was_held_is_answered_offline_as_of_its_date(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 50, "max_window": 100})
    copy.sync(WHOLE)
    held = copy.held(DAY, ["T_REC", "*recnum*"])
    (before,) = copy.coverage(WHOLE)
    remove_newest(copy)
    copy.sync(WHOLE, seconds=0.0)
    assert copy.held(DAY, ["T_REC", "*recnum*"]) == held
    with Client(copy.settings, policy="offline") as client:
        assert client.answer(DAY, "T_REC").as_of == before.as_of_utc
        with pytest.raises(NotHeldError):
            client.answer(DAY, "T_REC", max_age=timedelta(days=1))


@pytest.mark.long
def test_reading_again_goes_on_where_it_was_stopped(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 50, "max_window": 100})
    copy.sync(WHOLE)
    remove_newest(copy)
    copy.jsoc.fault(FaultKind.HTML, times=None, when=SecondList())
    with pytest.raises(UpstreamError):
        copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    assert not copy.sync(WHOLE).notices
    assert generation(copy) == 1
    copy.assert_same(WHOLE)


# ------------------------------------------------------------------------------ what is said of it
def said(copy: Copy) -> list[tuple[str, int]]:
    """How the latest syncs ended, the newest first, and how often they say it."""
    with copy.open() as mirror:
        runs = mirror.catalogue.runs.recent(limit=2, kinds=[RunKind.SYNC])
    texts = [" ".join(run.notices) for run in runs]
    return [(run.outcome, text.count("went back")) for run, text in zip(runs, texts, strict=True)]


def test_a_run_that_fails_then_has_said_it(synced) -> None:
    remove_newest(synced)
    synced.jsoc.fault(FaultKind.HTML, times=None, when=SecondList())
    with pytest.raises(UpstreamError):
        synced.sync(f"{WHOLE}[2010.05.01_TAI/1h,2010.05.02_TAI/1h]")
    assert said(synced) == [(RunOutcome.FAILED, 1), (RunOutcome.DONE, 0)]


@pytest.mark.long
def test_so_has_one_whose_requests_were_used_up_and_its_report(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 50, "max_window": 50})
    copy.sync(WHOLE)
    remove_newest(copy)
    session = LimitedSession(PoliteSession(copy.settings.upstream), ENOUGH)
    with copy.open() as mirror:
        upstream = Jsoc(copy.settings.upstream, session)
        (report,) = sync_and_subscribe(mirror, upstream, WHOLE, reporter=Subscriber())
    assert report.outcome is RunOutcome.STOPPED
    assert len(report.notices) == 1
    assert said(copy) == [(RunOutcome.STOPPED, 1), (RunOutcome.DONE, 0)]


def test_it_is_said_while_the_run_is_under_way(synced) -> None:
    """However it ends then."""
    remove_newest(synced)
    heard = []
    synced.at_window(1, lambda: heard.extend(said(synced)))
    synced.sync(WHOLE)
    assert heard[0] == (RunOutcome.RUNNING, 1)


def test_where_the_run_does_not_even_begin_one_of_its_own_has_said_it(synced) -> None:
    """No other will: the generation has begun."""
    remove_newest(synced)
    synced.jsoc.change_type(WHOLE, "CAMERA", "string")
    with pytest.raises(DefinitionError):
        synced.sync(WHOLE)
    with synced.open() as mirror:
        begun, before = mirror.catalogue.runs.recent(limit=2)
    assert (begun.kind, before.kind) == (RunKind.MAINTAIN, RunKind.SYNC)
    assert "went back" in begun.notices[0]


def test_what_a_comparison_notices_its_own_run_has(synced) -> None:
    synced.jsoc.change_in_place(
        WHOLE, synced.jsoc.series(WHOLE).columns["recnum"], {"DATARMS": 9.5}
    )
    report = synced.sync(WHOLE, task=Task(everywhere=True))
    with synced.open() as mirror:
        comparing, syncing = mirror.catalogue.runs.recent(limit=2)
    assert comparing.notices == report.notices != ()
    assert syncing.notices == ()
