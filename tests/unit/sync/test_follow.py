"""Later syncs: what is new, late or revised upstream arrives, and nothing else is asked for."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from drmsmirror.client.differences import differences
from drmsmirror.errors import UpstreamAnswerError, UpstreamError
from drmsmirror.records import ChangeKind
from tests.jsoc import FaultKind, Request, build_series
from tests.unit.sync.mirrors import Copy, Listener, asked

WHOLE = "hmi.M_45s"
DAY = "hmi.M_45s[2010.05.01_TAI/1d]"


def new_day(copy: Copy, *, first: int = 0, records: int = 20) -> list[int]:
    """Let records of a day appear that the upstream had none of."""
    start = datetime(2015, 1, 1, tzinfo=UTC)
    slots = range(first, first + records)
    times = [f"{start + timedelta(seconds=45 * slot):%Y.%m.%d_%H:%M:%S_TAI}" for slot in slots]
    values = {
        "T_REC": times,
        "CAMERA": [1] * records,
        "DATARMS": [float(n) for n in range(records)],
    }
    return copy.jsoc.append(WHOLE, values)


def watermark(copy: Copy) -> int:
    """Record number up to which every change was taken."""
    with copy.open() as mirror:
        return mirror.catalogue.state(WHOLE).watermark or 0


@pytest.fixture
def synced(copy_of) -> Copy:
    copy = copy_of(WHOLE)
    copy.sync(WHOLE)
    return copy


def test_new_records_arrive(synced) -> None:
    new_day(synced)
    assert synced.sync(WHOLE).records_new == 20
    synced.assert_same(WHOLE)


def test_late_records_arrive_whatever_their_time(synced) -> None:
    new_day(synced, first=10)
    synced.sync(WHOLE)
    new_day(synced, records=10)
    assert synced.sync(WHOLE).records_new == 10
    synced.assert_same(WHOLE)


def test_a_revision_arrives_and_what_it_replaced_stays_held(synced) -> None:
    before = synced.rows(WHOLE)
    synced.jsoc.revise(WHOLE, "[2010.05.01_00:00_TAI]", {"DATARMS": 12.5})
    synced.sync(WHOLE)
    synced.assert_same(WHOLE)
    assert synced.rows(WHOLE) > before


def test_versions_that_were_superseded_before_they_came_are_no_revisions(synced) -> None:
    """A first sync reads the latest versions; following meets others in its overlap."""
    new_day(synced, records=2)
    synced.jsoc.revise(WHOLE, "[2010.05.01_00:00_TAI]", {"DATARMS": 12.5})
    before = synced.rows(WHOLE)
    report = synced.sync(WHOLE)
    assert synced.rows(WHOLE) > before + 3
    with synced.open() as mirror:
        since = mirror.catalogue.moments.find(1)
        records = {one.record: one.kind for one in differences(mirror, WHOLE, since)}
    kinds = Counter(records.values())
    assert (report.records_new, report.records_revised) == (
        kinds[ChangeKind.NEW],
        kinds[ChangeKind.REVISED],
    )
    assert (report.records_new, report.records_revised) == (2, 2)


def test_a_number_that_becomes_visible_after_a_larger_one_arrives(synced) -> None:
    """A long transaction: its records have smaller numbers than what was read already."""
    top = max(synced.jsoc.series(WHOLE).columns["recnum"])
    late = new_day(synced, records=5)
    hidden = synced.jsoc.series(WHOLE)
    synced.jsoc.remove(WHOLE, late[:2])
    synced.sync(WHOLE)
    synced.jsoc.add(hidden)
    synced.jsoc.append(WHOLE, {"T_REC": "2016.01.01_TAI", "CAMERA": 1})
    assert late[0] > top
    synced.sync(WHOLE)
    synced.assert_same(WHOLE)


def test_following_asks_by_record_number_and_not_by_time(synced) -> None:
    new_day(synced)
    synced.sync(WHOLE)
    lists = asked(synced.jsoc, "rs_list")
    assert lists
    assert all("[:#" in request.ds for request in lists)


def test_after_following_nothing_is_asked_again(synced) -> None:
    new_day(synced)
    synced.sync(WHOLE)
    assert synced.sync(WHOLE).requests == 1


@pytest.mark.long
def test_a_living_series_is_kept_up_with(copy_of) -> None:
    """Time passes: records come, some of them late, and some come again with other values."""
    name = "hmi.sharp_720s"
    copy = copy_of(build_series(name, size="small"))
    copy.sync(name)
    late = 0
    for number in range(2):
        newest = max(copy.jsoc.series(name).columns["t_rec_index"])
        new = copy.jsoc.advance(name, hours=24.0, late=0.2)
        columns = copy.jsoc.series(name).columns
        late += int((columns["t_rec_index"][np.isin(columns["recnum"], new)] <= newest).sum())
        revised = columns["recnum"].tolist()[number * 7 : number * 7 + 3]
        copy.jsoc.revise(name, revised, {"USFLUX": 1e21 + number})
        assert copy.sync(name).records_new >= len(new)
        copy.assert_same(name)
    assert late > 0, "no record came late: the test tests nothing"


# ------------------------------------------------------------------------------ parts
def test_following_a_part_fetches_only_that_part(copy_of) -> None:
    copy = copy_of("hmi.sharp_720s")
    part = "hmi.sharp_720s[377]"
    copy.sync(part)
    copy.jsoc.revise("hmi.sharp_720s", "[377]", {"USFLUX": 2e21})
    copy.jsoc.revise("hmi.sharp_720s", "[378]", {"USFLUX": 2e21})
    copy.sync(part)
    whole = [r for r in asked(copy.jsoc, "rs_list") if "USFLUX" in r.params["key"]]
    assert whole
    assert all("[377]" in request.ds for request in whole)
    copy.assert_same(part)


def test_following_a_part_does_not_say_that_the_whole_is_up_to_date(copy_of) -> None:
    copy = copy_of("hmi.sharp_720s")
    copy.sync("hmi.sharp_720s")
    copy.jsoc.revise("hmi.sharp_720s", "[377]", {"USFLUX": 2e21})
    copy.jsoc.revise("hmi.sharp_720s", "[378]", {"USFLUX": 2e21})
    copy.sync("hmi.sharp_720s[377]")
    copy.assert_same("hmi.sharp_720s[377]")
    copy.sync("hmi.sharp_720s")
    copy.assert_same("hmi.sharp_720s")


def test_following_a_time_range_does_not_say_that_the_whole_is_up_to_date(synced) -> None:
    new_day(synced)
    synced.jsoc.revise(WHOLE, "[2010.05.01_00:00_TAI]", {"DATARMS": 12.5})
    synced.sync(DAY)
    synced.assert_same(DAY)
    synced.sync(WHOLE)
    synced.assert_same(WHOLE)


def test_every_piece_of_a_list_is_followed(copy_of) -> None:
    copy = copy_of(WHOLE)
    pieces = "hmi.M_45s[2010.05.01_TAI/1h,2010.05.01_12:00_TAI/1h]"
    copy.sync(pieces)
    copy.jsoc.revise(WHOLE, "[2010.05.01_TAI/1h]", {"DATARMS": 1.5})
    copy.jsoc.revise(WHOLE, "[2010.05.01_12:00_TAI/1h]", {"DATARMS": 2.5})
    copy.sync(pieces)
    copy.assert_same(pieces)
    assert copy.sync(pieces).requests == 1


def test_parts_that_were_read_at_different_times_are_all_followed(copy_of) -> None:
    copy = copy_of(WHOLE)
    parts = ["hmi.M_45s[2010.05.01_TAI/1h]", "hmi.M_45s[2010.05.01_12:00_TAI/1h]"]
    copy.sync(parts[0])
    new_day(copy)
    copy.sync(parts[1])
    for part in parts:
        copy.jsoc.revise(WHOLE, part.removeprefix(WHOLE), {"DATARMS": 7.5})
    copy.sync(WHOLE)
    copy.assert_same(WHOLE)
    assert copy.sync(WHOLE).requests == 1


def test_a_step_is_followed(copy_of) -> None:
    copy = copy_of(WHOLE)
    stepped = "hmi.M_45s[2010.05.01_TAI/1d@90s]"
    copy.sync(stepped)
    copy.jsoc.revise(WHOLE, "[2010.05.01_TAI/1d]", {"DATARMS": 1.5})
    copy.sync(stepped)
    copy.assert_same(stepped)


# ------------------------------------------------------------------------------ time limit
def test_following_stops_when_time_is_up_and_the_next_run_goes_on(synced) -> None:
    before, held = watermark(synced), synced.coverage(WHOLE)
    new_day(synced, records=400)
    report = synced.sync(WHOLE, seconds=0.0)
    assert (report.outcome, report.records_new) == ("stopped", 0)
    assert report.share_held < 1.0
    assert (watermark(synced), synced.coverage(WHOLE)) == (before, held)
    assert synced.sync(WHOLE).outcome == "done"
    assert watermark(synced) == before + 400
    synced.assert_same(WHOLE)


def test_what_was_followed_half_way_is_not_of_the_new_date(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 100, "max_window": 200})
    copy.sync(WHOLE)
    (before,) = copy.coverage(WHOLE)
    new_day(copy, records=400)
    with pytest.raises(KeyboardInterrupt):
        copy.sync(WHOLE, reporter=Listener(interrupt_after=6))
    (half,) = copy.coverage(WHOLE)
    assert before.as_of_recnum < half.as_of_recnum < before.as_of_recnum + 400
    assert half.as_of_utc == before.as_of_utc
    assert watermark(copy) == before.as_of_recnum
    copy.sync(WHOLE)
    (after,) = copy.coverage(WHOLE)
    assert after.as_of_utc > before.as_of_utc
    copy.assert_same(WHOLE)


def test_a_part_that_the_whole_has_brought_up_to_date_is_not_followed_again(copy_of) -> None:
    copy = copy_of("hmi.sharp_720s")
    copy.sync("hmi.sharp_720s[377]")
    copy.jsoc.revise("hmi.sharp_720s", "[377]", {"USFLUX": 2e21})
    copy.sync("hmi.sharp_720s")
    assert copy.sync("hmi.sharp_720s[377]").requests == 1
    copy.assert_same("hmi.sharp_720s[377]")


def test_pieces_of_a_list_are_followed_together(copy_of) -> None:
    copy = copy_of(WHOLE)
    pieces = "hmi.M_45s[2010.05.01_TAI/1h,2010.05.01_12:00_TAI/1h]"
    copy.sync(pieces)
    copy.jsoc.revise(WHOLE, "[2010.05.01_TAI/1h]", {"DATARMS": 1.5})
    copy.sync(pieces)
    windows = [request.ds for request in asked(copy.jsoc, "rs_list") if "n" not in request.params]
    assert len(set(windows)) == len(windows)


def test_what_is_read_again_without_news_is_as_of_the_new_date(copy_of) -> None:
    copy = copy_of(WHOLE)
    parts = ["hmi.M_45s[2010.05.01_TAI/6h]", "hmi.M_45s[2010.05.01_06:00_TAI/6h]"]
    for part in parts:
        copy.sync(part)
    before = copy.coverage(WHOLE)
    assert len(before) == 2
    report = copy.sync("hmi.M_45s[2010.05.01_TAI/12h]")
    assert (report.records_new, report.records_revised) == (0, 0)
    (after,) = copy.coverage(WHOLE)
    assert after.as_of_utc > max(entry.as_of_utc for entry in before)
    assert after.as_of_recnum == before[0].as_of_recnum


# ------------------------------------------------------------------------------ requests
def test_a_night_asks_how_far_the_series_is_whether_it_is_the_same_and_for_the_rest(
    synced,
) -> None:
    new_day(synced)
    assert synced.sync(WHOLE).requests == 4
    assert [request.op for request in asked(synced.jsoc)] == [
        "series_struct",
        "rs_list",
        "rs_summary",
        "rs_list",
    ]


def test_many_windows_are_counted_a_few_together(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 300, "max_window": 300})
    copy.sync(WHOLE)
    new_day(copy, records=400)
    assert copy.sync(WHOLE).records_new == 400
    lists, counts = (asked(copy.jsoc, op) for op in ("rs_list", "rs_summary"))
    assert len(lists) >= 5
    assert len(counts) == 2
    copy.assert_same(WHOLE)


@pytest.mark.parametrize("most", [20_000, 600])
def test_an_answer_that_was_cut_short_is_not_taken_for_whole(most, copy_of) -> None:
    copy = copy_of(WHOLE, sync={"max_window": most})
    copy.sync(WHOLE)
    before = copy.coverage(WHOLE)
    new = new_day(copy, records=30)
    whole = copy.jsoc.series(WHOLE)

    def cut(request: Request) -> bool:
        if request.op == "rs_list":
            copy.jsoc.remove(WHOLE, new[:5])
        else:
            copy.jsoc.add(whole)
        return False

    copy.jsoc.fault(FaultKind.HTML, times=None, when=cut)
    with pytest.raises(UpstreamAnswerError, match="counts"):
        copy.sync(WHOLE)
    assert all(entry.as_of_recnum < new[0] for entry in copy.coverage(WHOLE))
    assert {entry.interval for entry in copy.coverage(WHOLE)} == {e.interval for e in before}
    copy.jsoc.clear_faults()
    copy.jsoc.add(whole)
    assert copy.sync(WHOLE).outcome == "done"
    copy.assert_same(WHOLE)


def test_records_that_appear_while_others_are_listed_are_kept(synced) -> None:
    """The count was right when it was asked for; so is the list."""
    late = new_day(synced, records=30)
    whole = synced.jsoc.series(WHOLE)
    synced.jsoc.remove(WHOLE, late[:3])

    def appear(request: Request) -> bool:
        if request.op == "rs_list" and "n" not in request.params:
            synced.jsoc.add(whole)
        return False

    synced.jsoc.fault(FaultKind.HTML, times=None, when=appear)
    assert synced.sync(WHOLE).records_new == 30
    synced.jsoc.clear_faults()
    synced.assert_same(WHOLE)


def test_what_the_upstream_refuses_is_asked_for_in_smaller_windows(synced) -> None:
    new_day(synced)
    synced.jsoc.row_cap = 500
    assert synced.sync(WHOLE).records_new == 20
    synced.jsoc.row_cap = None
    synced.assert_same(WHOLE)


def test_after_a_run_that_failed_windows_begin_small(synced) -> None:
    new_day(synced)
    synced.jsoc.fault(FaultKind.HTTP_STATUS, times=1, when="rs_summary")
    with pytest.raises(UpstreamError):
        synced.sync(WHOLE)
    synced.sync(WHOLE)
    first = synced.settings.sync.first_window
    windows = [request for request in asked(synced.jsoc, "rs_list") if "-#" in request.ds]
    assert len(windows) > 1
    bounds = [int(text.strip("#]")) for text in windows[0].ds.partition("[:")[2].split("-")]
    assert bounds[1] - bounds[0] < 2 * first
