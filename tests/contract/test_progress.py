"""Coverage, state and runs: what the mirror says it holds, written all at once or not at all."""

from __future__ import annotations

import math
import signal
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from sqlalchemy import select

from drmsmirror.catalogue import AsOf, Catalogue, RunCounters, RunOutcome, SeriesState
from drmsmirror.catalogue.tables import coverage, runs
from drmsmirror.errors import (
    NotFoundError,
    UnknownKeywordError,
    UnknownSeriesError,
    UpstreamUnavailableError,
)
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval
from drmsmirror.model.recordset import Span
from drmsmirror.model.valuesets import ValueSet
from tests.contract.conftest import START, Clock, child, run_child, stored_definition

NAME = "hmi.M_45s"


def entry(low: float, high: float, **changes: object) -> CoverageEntry:
    made = CoverageEntry(
        interval=Interval(low, high),
        restriction=Restriction(),
        columns=frozenset({"t_rec", "quality"}),
        versions=Versions.LATEST,
        generation=0,
        as_of_recnum=100,
        as_of_utc=START,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def series(catalogue: Catalogue) -> Catalogue:
    catalogue.save_definition(stored_definition(NAME))
    return catalogue


def record(catalogue: Catalogue, *entries: CoverageEntry) -> None:
    for number, each in enumerate(entries, start=1):
        catalogue.record_window(NAME, entries=[each], table_version=number, rows_held=number)


def test_nothing_is_held_as_of_a_moment_that_has_not_come(series: Catalogue) -> None:
    record(series, entry(0, 5), entry(5, 9, as_of_utc=START + timedelta(days=9)))
    series.date_back_coverage(NAME.upper(), START)
    dates = [one.as_of_utc for one in series.coverage(NAME)]
    assert dates == [START, START - timedelta(microseconds=1)]


def test_nothing_is_held_at_first(series: Catalogue) -> None:
    assert series.coverage(NAME.upper()) == ()
    assert series.state(NAME.upper()) == SeriesState(
        series=NAME, generation=0, definition_read_utc=START
    )


def test_windows_that_touch_become_one(series: Catalogue) -> None:
    record(series, entry(0, 10), entry(20, 30), entry(10, 20))
    assert series.coverage(NAME) == (entry(0, 30),)


@pytest.mark.parametrize(
    "each",
    [
        entry(-math.inf, math.inf),
        entry(-math.inf, -0.5),
        entry(1e308, math.inf),
        entry(0.1, 1 / 3),
        entry(2.0**53 - 1, 2.0**53),
        entry(0, 1, as_of_recnum=2**62),
        entry(0, 1, columns=frozenset()),
        entry(0, 1, restriction=Restriction(terms=frozenset({"camera = 'ü' AND 1%2=1"}))),
        entry(0, 1, versions=Versions.ALL, generation=3),
        entry(0, 1, as_of_utc=START.replace(microsecond=0)),
    ],
    ids=str,
)
def test_what_is_written_is_what_is_read(series: Catalogue, each: CoverageEntry) -> None:
    record(series, each)
    assert series.coverage(NAME) == (each,)
    assert series.coverage(NAME)[0].as_of_utc.tzinfo is UTC


def test_entries_that_say_different_things_stay_apart(series: Catalogue) -> None:
    other = entry(0, 10, restriction=Restriction((("camera", ValueSet.of([Span(1, 2)])),)))
    record(series, other, entry(20, 30, generation=1), entry(5, 15))
    assert set(series.coverage(NAME)) == {other, entry(20, 30, generation=1), entry(5, 15)}


def test_what_a_new_generation_read_replaces_what_the_old_one_said(series: Catalogue) -> None:
    record(series, entry(0, 15), entry(0, 10, generation=1))
    assert set(series.coverage(NAME)) == {entry(0, 10, generation=1), entry(10, 15)}


def test_a_later_reading_of_the_same_place_leaves_one_entry(series: Catalogue) -> None:
    again = entry(10, 20, as_of_recnum=200, as_of_utc=START + timedelta(days=1))
    record(series, entry(0, 30), again)
    assert series.coverage(NAME) == (entry(0, 10), again, entry(20, 30))


def test_rows_that_stay_are_not_written_again(series: Catalogue) -> None:
    record(series, entry(0, 10), entry(20, 30))
    query = select(coverage.c.id).order_by(coverage.c.id)
    with series.database.read() as connection:
        before = connection.scalars(query).all()
    series.record_window(NAME, entries=[entry(40, 50)], table_version=3, rows_held=3)
    with series.database.read() as connection:
        after = connection.scalars(query).all()
    assert (len(after), after[:2]) == (3, before)


def test_a_window_is_recorded_with_all_that_belongs_to_it(series: Catalogue) -> None:
    run = series.runs.start(NAME, f"{NAME}[2024.01.01/1d]")
    moment = AsOf(4711, START + timedelta(minutes=1))
    first = series.record_window(
        NAME.upper(),
        entries=[entry(0, 10)],
        table_version=3,
        rows_held=250,
        run=run.id,
        counters=RunCounters(requests=2, bytes=4096, records_new=240, records_revised=10),
        watermark=moment,
        share_held=0.25,
        codecs={"quality": "hex"},
    )
    assert first == series.state(NAME)
    assert (first.table_version, first.rows_held) == (3, 250)
    assert (first.watermark, first.watermark_utc) == (moment.recnum, moment.utc)
    series.record_window(
        NAME,
        entries=(),
        table_version=3,
        rows_held=250,
        run=run.id,
        counters=RunCounters(requests=1, bytes=2**40, records_unchanged=7),
    )
    assert series.coverage(NAME) == (entry(0, 10),)
    assert series.codecs(NAME) == {"QUALITY": "hex"}
    assert series.state(NAME) == first
    now = series.runs.load(run.id)
    assert now.counters == RunCounters(3, 4096 + 2**40, 240, 10, 7)
    assert (now.watermark_before, now.watermark_after, now.share_held) == (None, 4711, 0.25)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"codecs": {"NOPE": "x"}}, UnknownKeywordError),
        ({"run": 9999}, NotFoundError),
    ],
)
def test_a_window_that_cannot_be_recorded_whole_is_not_recorded(
    series: Catalogue, wrong: dict[str, object], error: type[Exception]
) -> None:
    series.record_window(NAME, entries=[entry(0, 10)], table_version=3, rows_held=1)
    before = series.state(NAME)
    arguments = {"entries": [entry(10, 20)], "table_version": 4, "rows_held": 2} | wrong
    with pytest.raises(error):
        series.record_window(NAME, **arguments)  # type: ignore[arg-type]
    assert series.state(NAME) == before
    assert series.coverage(NAME) == (entry(0, 10),)


def test_a_window_of_an_unknown_series(series: Catalogue) -> None:
    with pytest.raises(UnknownSeriesError):
        series.record_window("no.such", entries=(), table_version=1, rows_held=0)


def test_the_state_is_replaced(series: Catalogue) -> None:
    state = replace(
        series.state(NAME),
        generation=2,
        table_path="records/hmi/m_45s",
        table_format=1,
        partition_period="year",
        table_version=2**40,
        rows_held=2**41,
        watermark=2**42,
        watermark_utc=START - timedelta(days=400),
        upstream_url="https://jsoc.example",
    )
    series.save_state(state)
    assert series.state(NAME) == state
    with pytest.raises(UnknownSeriesError):
        series.save_state(replace(state, series="no.such"))


def test_a_run_ends_well(series: Catalogue, clock: Clock) -> None:
    run = series.runs.start(NAME, NAME)
    assert run.outcome is RunOutcome.RUNNING
    assert (run.started_utc, run.finished_utc) == (START, None)
    clock.move(90)
    done = series.runs.finish(
        run.id, RunOutcome.DONE, counters=RunCounters(requests=1), share_held=1.0
    )
    assert done == series.runs.load(run.id)
    assert done.outcome is RunOutcome.DONE
    assert done.finished_utc == START + timedelta(seconds=90)
    assert (done.counters, done.share_held) == (RunCounters(requests=1), 1.0)
    assert (done.error_code, done.error_message) == (None, None)


def test_a_run_fails(series: Catalogue) -> None:
    first = series.runs.start(NAME, NAME, notices=["known from the beginning"])
    second = series.runs.start("other.series", "other.series")
    error = UpstreamUnavailableError("no connection to JSOC")
    notices = ("it went back in time", "é")
    failed = series.runs.finish(first.id, RunOutcome.FAILED, error=error, notices=notices)
    assert series.runs.load(first.id).notices == failed.notices == notices
    assert series.runs.load(second.id).notices == ()
    assert (failed.error_code, failed.error_message) == (
        "upstream-unavailable", "no connection to JSOC",
    )  # fmt: skip
    assert series.runs.finish(second.id, RunOutcome.FAILED, error=OSError(5, "x")).error_code == (
        "OSError"
    )
    with pytest.raises(NotFoundError, match="no run 77"):
        series.runs.finish(77, RunOutcome.DONE)


def test_runs_are_listed_newest_first(series: Catalogue) -> None:
    numbers = [series.runs.start(name, name).id for name in (NAME, "other.series", NAME.upper())]
    assert [run.id for run in series.runs.recent()] == numbers[::-1]
    assert [run.id for run in series.runs.recent(limit=2)] == numbers[:0:-1]
    assert [run.id for run in series.runs.recent(series=NAME)] == [numbers[2], numbers[0]]
    assert series.runs.recent(changing=True) == ()
    for number, counted in zip(
        numbers, ("records_new", "records_unchanged", "records_removed"), strict=True
    ):
        series.runs.finish(number, RunOutcome.DONE, counters=RunCounters(**{counted: 1}))
    assert [run.id for run in series.runs.recent(changing=True)] == [numbers[2], numbers[0]]


def test_a_number_is_never_given_again(series: Catalogue) -> None:
    """Record tables name runs by number long after the catalogue forgot them."""
    last = series.runs.start(NAME, NAME).id
    with series.database.write() as connection:
        connection.execute(runs.delete())
    assert series.runs.start(NAME, NAME).id > last


def test_a_run_that_died_is_marked_by_the_next(series: Catalogue, clock: Clock) -> None:
    died = series.runs.start(NAME, NAME, notices=["it went back in time"])
    other = series.runs.start("other.series", "x")
    clock.move(60)
    series.runs.start(NAME, NAME)
    assert series.runs.load(died.id).outcome is RunOutcome.ABANDONED
    assert series.runs.load(died.id).finished_utc == clock.now
    assert series.runs.load(died.id).notices == died.notices == ("it went back in time",)
    assert series.runs.load(other.id).outcome is RunOutcome.RUNNING


KILLED = f"""
import sys
from datetime import datetime, UTC
from drmsmirror.catalogue import AsOf, Catalogue, RunCounters
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval
moment = datetime(2024, 1, 1, tzinfo=UTC)
entry = CoverageEntry(Interval(10, 20), Restriction(), frozenset("a"), Versions.ALL, 0, 5, moment)
with Catalogue.open(sys.argv[1]) as catalogue:
    catalogue.record_window(
        {NAME!r}, entries=[entry], table_version=2, rows_held=20, run=int(sys.argv[2]),
        counters=RunCounters(requests=1), watermark=AsOf(5, moment), codecs={{"DATE": "new"}},
    )
"""


@pytest.mark.parametrize("point", ["catalogue.before_commit", "catalogue.after_commit"])
def test_killed_around_the_commit_all_is_there_or_nothing(
    series: Catalogue, address: str, point: str
) -> None:
    run = series.runs.start(NAME, NAME)
    series.record_window(NAME, entries=[entry(0, 5)], table_version=1, rows_held=10)
    before = series.state(NAME)
    code, out, err = run_child(KILLED, address, str(run.id), DRMSMIRROR_FAILPOINT=point)
    assert (code, out, err) == (-signal.SIGKILL, "", "")
    state, counters = series.state(NAME), series.runs.load(run.id).counters
    if point == "catalogue.before_commit":
        assert state == before
        assert series.coverage(NAME) == (entry(0, 5),)
        assert (counters, series.codecs(NAME)) == (RunCounters(), {})
        assert series.runs.load(run.id).watermark_after is None
    else:
        assert (state.table_version, state.rows_held, state.watermark) == (2, 20, 5)
        assert [each.interval for each in series.coverage(NAME)] == [
            Interval(0, 5), Interval(10, 20),
        ]  # fmt: skip
        assert (counters, series.codecs(NAME)) == (RunCounters(requests=1), {"DATE": "new"})
        assert series.runs.load(run.id).watermark_after == 5
    # either way the next window can be recorded
    series.record_window(NAME, entries=[entry(5, 10)], table_version=3, rows_held=30)


CROWD = f"""
import sys
from datetime import datetime, UTC
from drmsmirror.catalogue import Catalogue, RunCounters
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval
moment = datetime(2024, 1, 1, tzinfo=UTC)
with Catalogue.open(sys.argv[1]) as catalogue:
    print("ready", flush=True)
    sys.stdin.readline()
    for window in range(int(sys.argv[3]), 40, 4):
        catalogue.record_window(
            {NAME!r}, table_version=1, rows_held=1, run=int(sys.argv[2]),
            counters=RunCounters(requests=1), codecs={{"DATE": sys.argv[3]}},
            entries=[CoverageEntry(
                Interval(window, window + 1), Restriction(), frozenset("a"), Versions.ALL, 0, 5,
                moment,
            )],
        )
"""


def test_no_window_is_lost_among_processes_that_write_at_once(
    series: Catalogue, address: str
) -> None:
    run = series.runs.start(NAME, NAME)
    with ExitStack() as stack:
        crowd = [
            stack.enter_context(child(CROWD, address, str(run.id), str(number)))
            for number in range(4)
        ]
        for process in crowd:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in crowd:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        ends = [process.communicate(timeout=120) for process in crowd]
    assert [err for _, err in ends] == [""] * 4
    assert [each.interval for each in series.coverage(NAME)] == [Interval(0, 40)]
    assert series.runs.load(run.id).counters.requests == 40
