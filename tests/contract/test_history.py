"""Moments, tags, and coverage as it was: what the catalogue knows of its own past."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from drmsmirror.catalogue import Catalogue, CoverageThen, Moment, RunKind, RunOutcome, Tag
from drmsmirror.catalogue.tables import coverage_history
from drmsmirror.errors import NotFoundError, QueryError
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval
from drmsmirror.model.recordset import Span
from drmsmirror.model.valuesets import ValueSet
from tests.contract.conftest import START, Clock, stored_definition

NAME = "hmi.M_45s"
OTHER = "hmi.sharp_720s"


def entry(low: float, high: float, **changes: object) -> CoverageEntry:
    made = CoverageEntry(
        Interval(low, high),
        Restriction().where("camera", ValueSet.of([Span(1, 2)])),
        frozenset({"t_rec", "quality"}),
        Versions.LATEST,
        0,
        2**40,
        START,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def series(catalogue: Catalogue) -> Catalogue:
    for name in (NAME, OTHER):
        catalogue.save_definition(stored_definition(name))
    return catalogue


def run(
    catalogue: Catalogue, clock: Clock, *entries: CoverageEntry, name: str = NAME, ends: bool = True
) -> int:
    """Let a run take an hour; give its number."""
    number = catalogue.runs.start(name, name).id
    clock.move(1800)
    catalogue.record_window(name, entries=entries, table_version=1, rows_held=1, run=number)
    clock.move(1800)
    if ends:
        catalogue.runs.finish(number, RunOutcome.DONE)
    return number


def rows_of_history(catalogue: Catalogue) -> int:
    with catalogue.database.read() as connection:
        return len(connection.execute(coverage_history.select()).all())


# ------------------------------------------------------------------------------------ coverage
def test_coverage_is_noted_as_each_run_leaves_it(series: Catalogue, clock: Clock) -> None:
    first = run(series, clock, entry(-math.inf, 10), entry(20, 30, columns=frozenset()))
    left = set(series.coverage(NAME))
    second = run(series, clock, entry(5.5, math.inf, generation=3))
    assert series.history.after(NAME, first - 1) is None
    then, now = series.history.after(NAME.upper(), first), series.history.after(NAME, second)
    assert then is not None
    assert now is not None
    assert (then.generation, set(then.entries)) == (0, left)
    assert set(now.entries) == set(series.coverage(NAME)) != left
    assert series.history.after(OTHER, second) is None


def test_a_run_that_changes_no_coverage_adds_nothing(series: Catalogue, clock: Clock) -> None:
    nothing = run(series, clock)
    first = run(series, clock, entry(0, 10))
    second = run(series, clock, entry(0, 10))
    assert series.history.after(NAME, nothing) is None
    assert series.history.after(NAME, second) == series.history.after(NAME, first)
    assert rows_of_history(series) == 1


def test_a_new_generation_is_noted(series: Catalogue, clock: Clock) -> None:
    run(series, clock, entry(0, 10))
    series.save_state(replace(series.state(NAME), generation=1))
    later = run(series, clock)
    assert series.history.after(NAME, later) == CoverageThen(1, (entry(0, 10),))


def test_what_a_run_that_died_had_recorded_is_noted_by_the_next(
    series: Catalogue, clock: Clock
) -> None:
    died = run(series, clock, entry(0, 10), ends=False)
    assert series.history.after(NAME, died) is None
    series.runs.start(NAME, NAME)
    assert series.history.after(NAME, died) == CoverageThen(0, (entry(0, 10),))


def test_a_catalogue_from_before_begins_with_what_its_last_run_left(
    series: Catalogue, clock: Clock
) -> None:
    old = run(series, clock, entry(0, 10))
    with series.database.write() as connection:
        connection.execute(coverage_history.delete())
    series.runs.start(NAME, NAME)
    assert series.history.after(NAME, old - 1) is None
    assert series.history.after(NAME, old) == CoverageThen(0, (entry(0, 10),))


# ------------------------------------------------------------------------------------- moments
def test_runs_count_from_the_moment_at_which_they_ended(series: Catalogue, clock: Clock) -> None:
    first = run(series, clock)
    ended = clock.now
    long = series.runs.start(OTHER, OTHER).id
    short = run(series, clock)
    during = series.moments.find(clock.now)
    clock.move(1)
    series.runs.finish(long, RunOutcome.STOPPED)
    assert series.moments.find(ended - timedelta(microseconds=1)).run == 0
    assert series.moments.find(ended).run == first
    assert (during.run, series.moments.find().run) == (short, short)
    assert series.moments.last_run(NAME, during) == short
    assert (
        series.moments.last_run(OTHER, during) is None
    )  # its number is smaller, but it had not ended
    assert series.moments.last_run(OTHER, series.moments.find()) == long
    # by the number of a run its own moment is meant: the long one had not ended then
    assert series.moments.last_run(OTHER, series.moments.find(short)) is None
    assert series.moments.last_run(NAME, series.moments.find(long)) == first
    assert series.moments.last_run("no.series", during) is None


def test_a_moment_is_named_by_time_run_or_tag(series: Catalogue, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 1, tzinfo=UTC)
    number = run(series, clock)
    at = datetime(2026, 11, 1, 1, tzinfo=UTC)
    clock.move(86400)
    assert series.moments.find("2026-11-02") == series.moments.find(date(2026, 11, 2))
    assert series.moments.find("2026-11-02").utc == datetime(2026, 11, 2, tzinfo=UTC)
    assert series.moments.find(" 2026-11-01T01:00 ").utc == at
    assert series.moments.find("2026-11-01T02:00+01:00").utc == at
    assert series.moments.find(datetime(2026, 11, 1, 1)).utc == at  # noqa: DTZ001 - that is the point
    assert series.moments.find(at.astimezone(timezone(timedelta(hours=5)))).utc == at
    assert (
        series.moments.find(str(number))
        == series.moments.find(number)
        == Moment(f"run {number}", at, number)
    )
    series.tags.make("v1", series.moments.find(number))
    assert series.moments.find("v1") == Moment("v1", at, number)


@pytest.mark.parametrize(
    ("named", "error", "problem"),
    [
        ("2024-05-11", QueryError, "has not come yet"),
        ("2024-13-11", QueryError, "names no moment"),
        ("", QueryError, "names no moment"),
        ("77", NotFoundError, "no run 77"),
        (77, NotFoundError, "no run 77"),
        ("9" * 30, NotFoundError, "no run 999"),
        ("nobody", NotFoundError, "no tag nobody"),
    ],
)
def test_what_names_no_moment_is_refused(
    series: Catalogue, named: str, error: type[Exception], problem: str
) -> None:
    with pytest.raises(error, match=problem):
        series.moments.find(named)


def test_a_run_that_has_not_ended_is_no_moment(series: Catalogue) -> None:
    with pytest.raises(QueryError, match="has not ended"):
        series.moments.find(series.runs.start(NAME, NAME).id)


# ---------------------------------------------------------------------------------------- tags
def test_a_tag_keeps_its_moment_whatever_comes_later(series: Catalogue, clock: Clock) -> None:
    first = run(series, clock)
    made = series.tags.make("paper-2026", series.moments.find(), "figures 1 to 3, ü")
    assert made == Tag("paper-2026", first, clock.now, "figures 1 to 3, ü", clock.now)
    clock.now -= timedelta(days=1)  # a clock that is set back
    run(series, clock)
    assert series.moments.last_run(NAME, series.moments.find("paper-2026")) == first


def test_tags_are_listed_by_moment_and_dropped(series: Catalogue, clock: Clock) -> None:
    for name, hours in (("b", 1), ("a", 2), ("c", 1)):
        moment = Moment("", START + timedelta(hours=hours), 0)
        series.tags.make(name, moment)
    assert [tag.name for tag in series.tags.all()] == ["b", "c", "a"]
    series.tags.drop("c")
    assert [tag.name for tag in series.tags.all()] == ["b", "a"]
    with pytest.raises(NotFoundError, match="no tag c"):
        series.tags.drop("c")
    series.tags.make("c", series.moments.find())


def test_a_name_is_given_once(series: Catalogue) -> None:
    series.tags.make("v1", series.moments.find())
    with pytest.raises(QueryError, match="tag v1 already"):
        series.tags.make("v1", series.moments.find())


@pytest.mark.parametrize("name", ["", "1", "2026-11-01", "-v", "a b", "a/b", "ü", "a" * 101, "a\n"])
def test_a_name_is_neither_a_number_nor_a_time(series: Catalogue, name: str) -> None:
    with pytest.raises(QueryError, match="no name of a tag"):
        series.tags.make(name, series.moments.find())


# ---------------------------------------------------------------------------------------- runs
def test_a_run_says_what_it_is_for_and_how_long_it_took(series: Catalogue, clock: Clock) -> None:
    begun = series.runs.start(NAME, NAME, kind=RunKind.QUESTION)
    assert (begun.kind, begun.seconds) == (RunKind.QUESTION, None)
    clock.move(90.5)
    done = series.runs.finish(begun.id, RunOutcome.DONE)
    assert (done.kind, done.seconds) == (RunKind.QUESTION, 90.5)
    assert series.runs.start(NAME, NAME).kind is RunKind.SYNC


def test_a_run_has_a_number_above_one_that_was_forgotten(series: Catalogue) -> None:
    first = series.runs.start(NAME, NAME, above=0).id
    later = series.runs.start(NAME, NAME, above=first + 40).id
    assert later == first + 41
    assert series.runs.start(OTHER, OTHER, above=first).id == later + 1
    assert [run.id for run in series.runs.recent()] == [later + 1, later, first]
