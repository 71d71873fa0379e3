"""What lies ahead is told before anything is fetched, and what it says is right."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from drmsmirror.sync import Known
from tests.jsoc import FaultKind, Request
from tests.unit.sync.mirrors import Copy, Listener, asked, truth

WHOLE = "hmi.M_45s"
DAY = "hmi.M_45s[2010.05.01_TAI/1d]"
HOURS = "hmi.M_45s[2010.05.01_TAI/1h,2010.05.01_12:00_TAI/1h]"


def count(copy: Copy, record_set: str) -> int:
    return len(truth(copy.jsoc, record_set, ["*recnum*"])["*recnum*"])


def new_records(copy: Copy, records: int) -> None:
    times = [f"2015.01.01_{n // 60:02d}:{n % 60:02d}:00_TAI" for n in range(records)]
    copy.jsoc.append(WHOLE, {"T_REC": times, "CAMERA": [1] * records})


# ------------------------------------------------------------------------------ how many
@pytest.mark.parametrize("record_set", [WHOLE, DAY, HOURS, "hmi.M_45s[][1]"])
def test_as_many_records_lie_ahead_as_the_upstream_has(record_set, copy_of) -> None:
    copy = copy_of(WHOLE)
    (ahead,) = copy.outlook(record_set)
    assert ahead.records == count(copy, record_set)


@pytest.mark.parametrize("name", ["test.carr", "test.timekey", "hmi.sharp_720s"])
def test_so_they_do_on_every_axis(name, copy_of) -> None:
    copy = copy_of(name)
    (ahead,) = copy.outlook(name)
    assert count(copy, name) <= ahead.records <= copy.jsoc.series(name).rows


def test_what_is_held_does_not_lie_ahead(copy_of) -> None:
    copy = copy_of(WHOLE)
    copy.sync(DAY)
    (ahead,) = copy.outlook(WHOLE)
    assert ahead.records == count(copy, WHOLE) - count(copy, DAY)


def test_of_a_list_only_the_pieces_that_are_not_held_lie_ahead(copy_of) -> None:
    copy = copy_of(WHOLE)
    copy.sync("hmi.M_45s[2010.05.01_TAI/1h]")
    (ahead,) = copy.outlook(HOURS)
    assert ahead.records == count(copy, "hmi.M_45s[2010.05.01_12:00_TAI/1h]")


@pytest.mark.long
def test_many_gaps_are_counted_in_questions_that_a_server_takes(copy_of) -> None:
    copy = copy_of(WHOLE)
    minutes = [f"2010.05.01_{n // 20:02d}:{n % 20 * 3:02d}:00_TAI" for n in range(110)]
    copy.sync(f"{WHOLE}[{','.join(minutes)}]")
    held = copy.rows(WHOLE)
    (ahead,) = copy.outlook(WHOLE)
    assert ahead.records == count(copy, WHOLE) - held
    assert max(len(request.ds) for request in asked(copy.jsoc)) < 3000


def test_where_all_is_held_nothing_is_told(copy_of) -> None:
    copy = copy_of(WHOLE, rows=100)
    copy.sync(WHOLE)
    assert copy.outlook(WHOLE) == ()


def test_nothing_is_fetched_before_somebody_agrees(copy_of) -> None:
    copy = copy_of(WHOLE)
    report = copy.sync(WHOLE, reporter=Listener(agrees=False))
    assert (report.outcome, report.rows_held) == ("stopped", 0)
    assert all("n" in request.params for request in asked(copy.jsoc, "rs_list"))
    assert copy.coverage(WHOLE) == ()


# ------------------------------------------------------------------------------ what is newer
def test_what_is_newer_lies_ahead_too(copy_of) -> None:
    copy = copy_of(WHOLE)
    copy.sync(WHOLE)
    new_records(copy, 300)
    (ahead,) = copy.outlook(WHOLE)
    assert 300 <= ahead.records <= 300 + 1000
    assert ahead.bytes > 0
    assert ahead.seconds > 0


def test_of_what_is_newer_only_the_wanted_part_lies_ahead(copy_of) -> None:
    copy = copy_of(WHOLE)
    copy.sync(DAY)
    new_records(copy, 300)
    copy.jsoc.revise(WHOLE, "[2010.05.01_00:00_TAI]", {"DATARMS": 1.5})
    (ahead,) = copy.outlook(DAY)
    assert ahead.records < 300


def test_nothing_is_followed_before_somebody_agrees(copy_of) -> None:
    copy = copy_of(WHOLE)
    copy.sync(WHOLE)
    held, rows = copy.coverage(WHOLE), copy.rows(WHOLE)
    new_records(copy, 300)
    report = copy.sync(WHOLE, reporter=Listener(agrees=False))
    assert report.outcome == "stopped"
    assert (copy.coverage(WHOLE), copy.rows(WHOLE)) == (held, rows)
    assert all(
        "n" in request.params or request.ds.startswith(f"{WHOLE}[:#")
        for request in asked(copy.jsoc, "rs_list")
    )


# ------------------------------------------------------------------------------ what it costs
@pytest.mark.parametrize(
    "record_set",
    [
        WHOLE,
        "hmi.M_45s[2010.05.01_TAI/1h,2015.01.01_TAI/1h]",  # nothing lies in the newest piece
    ],
)
def test_the_size_told_is_about_what_is_fetched(record_set, copy_of) -> None:
    copy = copy_of(WHOLE)
    (ahead,) = copy.outlook(record_set)
    copy.sync(record_set)
    fetched = sum(r.bytes for r in asked(copy.jsoc, "rs_list") if "n" not in r.params)
    assert 0.5 < ahead.bytes / fetched < 2
    assert ahead.seconds > 0
    assert ahead.disk_bytes > 0


# ------------------------------------------------------------------------------ in time
@dataclass
class Impatient(Listener):
    """Hears also what is known meanwhile, and gives a sign when that is enough."""

    enough: Callable[[Known], bool] = bool
    known: list[Known] = field(default_factory=list)
    told: threading.Event = field(default_factory=threading.Event)

    def waiting(self, known: Known) -> None:
        self.known.append(known)
        if self.enough(known):
            self.told.set()


@pytest.mark.parametrize(
    ("op", "enough"),
    [
        ("series_struct", lambda known: known.record_set == WHOLE),
        ("rs_summary", lambda known: known.largest_recnum is not None),
        ("rs_list", lambda known: known.records is not None),
    ],
)
def test_what_is_known_is_told_in_time_where_the_upstream_is_slow(op, enough, copy_of) -> None:
    """The upstream gives no answer of one kind before somebody was told enough."""
    copy = copy_of(WHOLE, rows=100, sync={"tell_within": 0.05})
    listener = Impatient(enough=enough)

    def hold(request: Request) -> bool:
        if request.op == op:
            assert listener.told.wait(60)
        return False

    copy.jsoc.fault(FaultKind.HTML, times=None, when=hold)
    copy.sync(WHOLE, reporter=listener)
    series = copy.jsoc.series(WHOLE)
    assert {known.largest_recnum for known in listener.known} <= {
        None,
        max(series.columns["recnum"]),
    }
    assert {known.records for known in listener.known} <= {None, series.latest.sum()}
    copy.assert_same(WHOLE)


def test_an_upstream_that_is_quick_is_not_talked_about(copy_of) -> None:
    listener = Impatient()
    copy_of(WHOLE, rows=100, sync={"tell_within": 600}).sync(WHOLE, reporter=listener)
    assert listener.known == []
