"""A clock that was ahead, or records that are: what comes is taken all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from drmsmirror.catalogue import Catalogue, RunKind
from drmsmirror.mirror import Mirror, catalogue_place
from drmsmirror.model.subscription import Reconcile
from drmsmirror.sync import SyncReport, Task, sync
from drmsmirror.upstream import Jsoc
from tests.jsoc import NumbersHidden
from tests.unit.sync.mirrors import Copy

WHOLE = "hmi.M_45s"
NOW = datetime(2017, 1, 3, tzinfo=UTC)


@contextmanager
def opened(copy: Copy, now: datetime) -> Iterator[Mirror]:
    """The mirror, at a time of the clock."""
    if not Mirror.exists(copy.settings):
        Mirror.create(copy.settings).close()
    catalogue = Catalogue.open(catalogue_place(copy.settings), clock=lambda: now)
    with Mirror(copy.settings, catalogue) as one:
        yield one


def sync_at(copy: Copy, now: datetime, task: Task = Task()) -> SyncReport:  # noqa: B008
    with opened(copy, now) as mirror:
        (report,) = sync(mirror, Jsoc(copy.settings.upstream), WHOLE, task=task)
    return report


def add(copy: Copy, *times: str) -> None:
    copy.jsoc.append(WHOLE, {"T_REC": list(times), "CAMERA": 1, "DATARMS": 3.5})


def test_what_was_read_by_a_clock_that_was_ahead_is_read_again(copy_of) -> None:
    copy = copy_of(WHOLE, rows=20, sync={"lag_hours": 24.0 * 7})
    copy.jsoc.hide_numbers(NumbersHidden.INVALID)
    add(copy, "2017.01.01_TAI")
    sync_at(copy, NOW + timedelta(days=300))
    add(copy, "2017.01.02_TAI")
    assert sync_at(copy, NOW).records_new == 1
    add(copy, "2017.01.02_12:00:00_TAI")
    assert sync_at(copy, NOW + timedelta(days=1)).records_new == 1
    copy.assert_same_values(WHOLE)
    assert all(one.as_of_utc <= NOW + timedelta(days=1) for one in copy.coverage(WHOLE))


def test_what_was_compared_by_a_clock_that_was_ahead_is_compared_again(copy_of) -> None:
    copy = copy_of(WHOLE, rows=20)
    for days in (300, 301, 0):
        sync_at(copy, NOW + timedelta(days=days))
    with copy.open() as mirror:
        compared = mirror.catalogue.runs.recent(kinds=[RunKind.RECONCILE])
    assert [run.started_utc for run in compared] == [NOW, NOW + timedelta(days=301)]


def test_a_record_of_a_time_to_come_does_not_hide_those_that_come(copy_of) -> None:
    copy = copy_of(WHOLE, rows=20, sync={"lag_hours": 24.0 * 7})
    copy.jsoc.hide_numbers(NumbersHidden.INVALID)
    add(copy, "2017.01.01_TAI", "2099.01.01_TAI")
    task = Task(reconcile=Reconcile.OFF)
    sync_at(copy, NOW, task)
    add(copy, "2017.01.02_TAI")
    assert sync_at(copy, NOW + timedelta(days=1), task).records_new == 1
    copy.assert_same_values(WHOLE)
