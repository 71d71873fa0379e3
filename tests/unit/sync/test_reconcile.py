"""Comparing with the upstream: what following by record number cannot see is found and brought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drmsmirror.catalogue import Depth, Reconciliation, RunKind, RunOutcome
from drmsmirror.client.comparing import Comparison
from drmsmirror.client.holdings import holdings
from drmsmirror.errors import UpstreamAnswerError, UpstreamError, UpstreamTooLargeError
from drmsmirror.model.subscription import Reconcile, Subscription
from drmsmirror.records import last_run
from drmsmirror.sync import Task, sync
from drmsmirror.upstream import Jsoc, LimitedSession, PoliteSession, RecordText
from tests.jsoc import FaultKind, Request
from tests.jsoc.replay import replay_key
from tests.unit.sync.mirrors import Copy, Listener, asked

WHOLE = "hmi.M_45s"
TEXT = "hmi.M_45s[]"
PASS = Task(everywhere=True)
FULL = Task(reconcile=Reconcile.FULL, everywhere=True)


@pytest.fixture
def synced(copy_of) -> Copy:
    copy = copy_of(WHOLE, sync={"first_window": 100, "max_window": 200})
    copy.sync(WHOLE)
    return copy


def compare(copy: Copy, record_set: str = WHOLE, task: Task = PASS):
    return copy.sync(record_set, task=task)


def recnums(copy: Copy) -> list[int]:
    return sorted(copy.jsoc.series(WHOLE).columns["recnum"].tolist())


def lists(copy: Copy) -> list[Request]:
    """What was listed whole."""
    return [
        request for request in asked(copy.jsoc, "rs_list") if "DATARMS" in request.params["key"]
    ]


def test_where_nothing_differs_no_window_is_read_whole(synced) -> None:
    report = compare(synced)
    assert (report.records_new, report.records_revised, report.records_removed) == (0, 0, 0)
    assert [request.rows for request in lists(synced)] == [100]  # the sample
    assert not report.notices


def test_a_record_that_vanished_is_marked_and_stays_readable_as_a_version(synced) -> None:
    gone = recnums(synced)[len(recnums(synced)) // 2]
    synced.jsoc.remove(WHOLE, [gone])
    assert compare(synced).records_removed == 1
    synced.assert_same(WHOLE)
    with synced.open() as mirror:
        assert mirror.catalogue.runs.recent(limit=1)[0].counters.records_removed == 1


def test_a_record_that_changed_in_place_before_it_vanished_is_marked_too(synced) -> None:
    number = recnums(synced)[3]
    synced.jsoc.change_in_place(WHOLE, [number], {"QUALITY": 7})
    compare(synced)
    synced.jsoc.remove(WHOLE, [number])
    assert compare(synced).records_removed == 1
    synced.assert_same(WHOLE)


def test_a_number_that_belongs_to_another_record_now_is_gone_where_it_was(synced) -> None:
    columns = synced.jsoc.series(WHOLE).columns
    number, superseding = recnums(synced)[3], recnums(synced)[-1]
    (row,) = (columns["recnum"] == superseding).nonzero()[0]
    keys = {key: columns[key.lower()][row] for key in ("T_REC", "CAMERA")}
    synced.jsoc.change_in_place(WHOLE, [number], keys)
    assert compare(synced).records_removed == 1
    synced.assert_same(WHOLE)


def test_of_a_vanished_version_the_one_before_shows_again(synced) -> None:
    (newer,) = synced.jsoc.revise(WHOLE, recnums(synced)[-1:], {"DATARMS": 12.5})
    times = {"T_REC": "2015.02.01_TAI", "CAMERA": 1}  # so that no number goes back
    synced.jsoc.append(WHOLE, times)
    synced.sync(WHOLE)
    synced.jsoc.remove(WHOLE, [newer])
    compare(synced)
    synced.assert_same(WHOLE)


def test_a_change_in_place_that_shows_in_quality_is_brought(synced) -> None:
    synced.jsoc.change_in_place(WHOLE, recnums(synced)[7:9], {"QUALITY": 7, "DATARMS": 1.5})
    report = compare(synced)
    assert report.records_revised == 2
    assert {2} <= {request.rows for request in lists(synced)}
    synced.assert_same(WHOLE)


def test_a_change_in_place_that_shows_nowhere_is_brought_by_reading_all(synced) -> None:
    synced.jsoc.change_in_place(WHOLE, recnums(synced)[7:9], {"DATARMS": 1.5})
    assert compare(synced, task=FULL).records_revised == 2
    synced.assert_same(WHOLE)


def test_a_sample_finds_that_values_change_where_nothing_shows_it(synced) -> None:
    synced.jsoc.change_in_place(WHOLE, recnums(synced), {"DATARMS": 1.5})
    report = compare(synced)
    assert report.records_revised == 100
    assert "--reconcile --full" in report.notices[0]


def test_counts_find_the_window_in_which_one_is_gone(synced) -> None:
    """Without a rotation: its budget is nothing."""
    copy = Copy(
        synced.settings.model_copy(
            update={"sync": synced.settings.sync.model_copy(update={"reconcile_mib": 0.0})}
        ),
        synced.jsoc,
    )
    a_night_ago(copy)
    synced.jsoc.remove(WHOLE, [recnums(synced)[400]])
    assert compare(copy, task=Task()).records_removed == 1
    copy.assert_same(WHOLE)
    read = [r for r in asked(copy.jsoc, "rs_list") if r.rows > 1]
    assert sum(request.rows for request in read) < 300


def a_night_ago(copy: Copy) -> None:
    """Let it have been a night since anything was compared."""
    with copy.open() as mirror:
        found = mirror.catalogue.reconciliations.load(WHOLE, TEXT)
        assert found is not None
        then = found.worked_utc - timedelta(hours=21)
        mirror.catalogue.reconciliations.save(
            WHOLE,
            TEXT,
            Reconciliation(found.generation, found.position, then, then, then),
        )


def test_it_is_done_once_a_night(synced) -> None:
    assert synced.sync(WHOLE).requests == 1
    a_night_ago(synced)
    assert synced.sync(WHOLE).requests > 2
    assert synced.sync(WHOLE).requests == 1


@pytest.mark.long
def test_it_goes_on_every_night_after_the_upstream_went_back(synced) -> None:
    synced.jsoc.remove(WHOLE, [recnums(synced)[-1]])
    assert synced.sync(WHOLE).notices
    synced.jsoc.remove(WHOLE, [recnums(synced)[400]])
    a_night_ago(synced)
    assert synced.sync(WHOLE).records_removed == 1
    synced.assert_same(WHOLE)


def test_what_was_read_by_the_run_itself_counts_as_compared(synced) -> None:
    with synced.open() as mirror:
        found = mirror.catalogue.reconciliations.load(WHOLE, TEXT)
    assert found is not None
    assert found.checked_since_utc is not None
    assert datetime.now(UTC) - found.checked_since_utc < timedelta(hours=1)


def test_a_part_of_what_is_held_does_not_count_as_compared_unread(synced) -> None:
    synced.sync(f"{WHOLE}[2010.05.01_TAI/1d]")
    with synced.open() as mirror:
        part = mirror.catalogue.reconciliations.load(WHOLE, f"{WHOLE}[#12151680-#12153599]")
    assert part is not None
    assert part.checked_since_utc is None


def test_a_server_that_says_there_is_nothing_is_not_believed(synced) -> None:
    """It counts none and lists none, but still has the records by number."""
    held = synced.held(WHOLE, ["*recnum*"])
    compare(synced, task=FULL)
    empty = b'{"status":0,"count":0}'
    for request in lists(synced):
        if "[:#" not in request.ds:
            synced.jsoc.replay({replay_key("rs_list", request.ds): empty})
    with pytest.raises(UpstreamAnswerError, match="contradicts itself"):
        compare(synced, task=FULL)
    assert synced.held(WHOLE, ["*recnum*"]) == held


def test_a_part_is_compared_for_itself(copy_of) -> None:
    copy = copy_of("hmi.sharp_720s")
    part = "hmi.sharp_720s[377]"
    copy.sync(part)
    columns = copy.jsoc.series("hmi.sharp_720s").columns
    of = {
        region: columns["recnum"][columns["harpnum"] == region].tolist() for region in (377, 4315)
    }
    copy.jsoc.remove("hmi.sharp_720s", [*of[377][2:5], *of[4315][2:5]])
    report = compare(copy, part)
    assert report.records_removed == 3
    copy.assert_same(part)
    assert all("[377]" in r.ds or "[:#" in r.ds for r in asked(copy.jsoc, "rs_list"))


# ------------------------------------------------------------------- what is said of it
def said(copy: Copy, record_set: str = WHOLE) -> Comparison:
    """What the mirror says of a record set."""
    with copy.open() as mirror:
        several = [one for held in holdings(mirror) for one in held.standing.compared]
    (found,) = [one for one in several if one.record_set == record_set]
    return found


def test_it_is_said_since_when_and_how_deeply_all_was_compared(synced) -> None:
    first = said(synced)
    assert first.depth is Depth.READ
    assert first.keys == ("*recnum*", "T_REC", "CAMERA", "DATE", "QUALITY")
    compare(synced)
    light = said(synced)
    assert light.depth is Depth.TELLING
    compare(synced, task=FULL)
    deep = said(synced)
    assert deep.depth is Depth.WHOLE
    assert None not in (first.since_utc, light.since_utc, deep.since_utc)
    assert first.since_utc < light.since_utc < deep.since_utc
    assert (deep.share, deep.comes_round_utc) == (None, None)


def test_a_reading_that_took_several_runs_counts_from_the_first(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 100, "max_window": 200})
    with pytest.raises(KeyboardInterrupt):
        copy.sync(WHOLE, reporter=Listener(interrupt_after=2))
    assert said(copy).since_utc is None
    with copy.open() as mirror:
        began = mirror.catalogue.reconciliations.load(WHOLE, TEXT)
        second = datetime.now(UTC)
    copy.sync(WHOLE)
    assert began is not None
    assert said(copy).since_utc == began.pass_begun_utc < second


def test_of_what_was_held_before_the_first_pass_tells(copy_of) -> None:
    """By record number it is known that it was followed, and not since when it was read."""
    copy = copy_of("hmi.sharp_720s")
    copy.sync("hmi.sharp_720s[377]")
    copy.sync("hmi.sharp_720s")
    assert said(copy, "hmi.sharp_720s").since_utc is None
    assert said(copy, "hmi.sharp_720s[377]").depth is Depth.READ
    compare(copy, "hmi.sharp_720s")
    assert said(copy, "hmi.sharp_720s").depth is Depth.TELLING


def test_a_night_that_comes_half_way_says_so(synced) -> None:
    """The budget of bytes is used by the first window."""
    a_night_ago(synced)
    sync = synced.settings.sync.model_copy(update={"reconcile_mib": 0.001})
    copy = Copy(synced.settings.model_copy(update={"sync": sync}), synced.jsoc)
    copy.sync(WHOLE)
    half_way = said(copy)
    assert 0 < half_way.share < 1
    assert half_way.comes_round_utc is None  # nobody subscribes to it
    with copy.open() as mirror:
        mirror.catalogue.subscriptions.add(Subscription.of(WHOLE))
    assert said(copy).comes_round_utc > datetime.now(UTC)


class Refusing(Jsoc):
    """Cannot list anything but by number."""

    def records(self, record_set: str, *arguments: Any, **terms: Any) -> RecordText:
        if "[:#" not in record_set:
            raise UpstreamTooLargeError("too many")
        return super().records(record_set, *arguments, **terms)


def test_what_the_upstream_cannot_list_is_not_said_to_be_compared(copy_of) -> None:
    copy = copy_of(WHOLE, rows=8)
    copy.sync(WHOLE)
    before = said(copy)
    with copy.open() as mirror:
        (report,) = sync(mirror, Refusing(copy.settings.upstream), WHOLE, task=PASS)
        found = mirror.catalogue.reconciliations.load(WHOLE, TEXT)
    assert "too much for the upstream to be compared" in report.notices[0]
    assert found is not None
    assert found.pass_depth is Depth.IN_PART
    assert said(copy) == before


def test_the_run_that_compares_has_a_row_of_its_own(synced) -> None:
    synced.jsoc.change_in_place(WHOLE, recnums(synced)[7:9], {"QUALITY": 7})
    report = compare(synced)
    with synced.open() as mirror:
        comparing, syncing = mirror.catalogue.runs.recent(limit=2)
        table = mirror.table(mirror.catalogue.definition(WHOLE))
        assert last_run(table) == comparing.id
    assert (comparing.kind, syncing.kind) == (RunKind.RECONCILE, RunKind.SYNC)
    assert (comparing.counters.records_revised, syncing.counters.records_revised) == (2, 0)
    assert syncing.counters.requests == 2  # the definition, and whether it is the same series
    assert syncing.counters.requests + comparing.counters.requests == report.requests
    assert (syncing.outcome, comparing.outcome) == (RunOutcome.DONE, RunOutcome.DONE)
    assert comparing.watermark_after == syncing.watermark_after


def test_a_comparison_that_fails_counts_what_it_asked_and_leaves_the_sync_done(synced) -> None:
    def is_listed(request: Request) -> bool:
        return request.op == "rs_list" and "[:#" not in request.ds

    synced.jsoc.fault(FaultKind.HTML, times=1, when=is_listed)
    with pytest.raises(UpstreamError):
        compare(synced)
    with synced.open() as mirror:
        comparing, syncing = mirror.catalogue.runs.recent(limit=2)
    assert (syncing.outcome, comparing.outcome) == (RunOutcome.DONE, RunOutcome.FAILED)
    requests = syncing.counters.requests + comparing.counters.requests
    assert requests == len(asked(synced.jsoc)) > syncing.counters.requests


def test_requests_that_are_used_up_end_the_comparing_alone(synced) -> None:
    synced.jsoc.clear_requests()
    with synced.open() as mirror:
        session = LimitedSession(PoliteSession(synced.settings.upstream), 3)
        upstream = Jsoc(synced.settings.upstream, session)
        (report,) = sync(mirror, upstream, WHOLE, task=PASS)
        comparing, syncing = mirror.catalogue.runs.recent(limit=2)
    assert report.outcome is RunOutcome.DONE
    assert (syncing.outcome, comparing.outcome) == (RunOutcome.DONE, RunOutcome.STOPPED)
    assert "before all of" in report.notices[0]
    assert report.requests == len(asked(synced.jsoc)) == 3
