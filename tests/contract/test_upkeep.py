"""Drops, old rows and the care of the database, on both databases."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from drmsmirror.catalogue import (
    AsOf,
    Care,
    Catalogue,
    CheckedFile,
    FailedQuestion,
    RunOutcome,
    tables,
)
from drmsmirror.errors import LockedError, SubscribedError
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Extent, Restriction
from drmsmirror.model.intervals import Interval
from drmsmirror.model.recordset import Span
from drmsmirror.model.subscription import Subscription
from drmsmirror.model.valuesets import ValueSet
from tests.contract.conftest import START, Clock, stored_definition
from tests.contract.example import ANSWER

NAME = "hmi.sharp_720s"
KEY = NAME.lower()


def values(*harps: int) -> Restriction:
    spans = [Span(harp, harp, high_included=True) for harp in harps]
    return Restriction().where("harpnum", ValueSet.of(spans))


ENTRY = CoverageEntry(
    Interval(0, 100), Restriction(), frozenset(["t_rec"]), Versions.LATEST, 0, 10, START
)


@pytest.fixture
def held(catalogue: Catalogue) -> Catalogue:
    """A catalogue that holds a stretch of a series."""
    catalogue.save_definition(stored_definition(NAME), upstream_url="http://x")
    state = catalogue.state(NAME)
    catalogue.save_state(
        replace(state, table_path="records/hmi/sharp_720s", table_version=1, generation=2)
    )
    catalogue.record_window(
        NAME,
        entries=[ENTRY],
        table_version=3,
        rows_held=50,
        watermark=AsOf(10, START),
        codecs={"T_REC": "time"},
    )
    return catalogue


def remember(catalogue: Catalogue, *runs: int) -> None:
    """Keep coverage as it was after some runs."""
    rows = [{"series_key": KEY, "run": run, "recorded_utc": START, "entries": []} for run in runs]
    with catalogue.database.write() as connection:
        connection.execute(insert(tables.coverage_history), rows)


def remembered(catalogue: Catalogue) -> list[int]:
    with catalogue.database.read() as connection:
        return sorted(connection.scalars(select(tables.coverage_history.c.run)))


# ------------------------------------------------------------------------------ drops
def test_a_part_that_is_given_up_is_held_no_longer_and_noted(held: Catalogue) -> None:
    remember(held, 1)
    part = Extent(Interval(-math.inf, 40), values(377))
    with held.leases.holding("series") as lease:
        given = held.drops.begin_part(NAME.upper(), "text", [part], lease)
    inside, outside = held.coverage(NAME)

    assert given.drop == held.drops.pending(NAME)[0] == held.drops.pending()[0]
    assert (given.drop.extents, given.drop.begun_utc) == ((part,), START)
    assert (inside.interval, outside.interval) == (Interval(0, 40), Interval(40, 100))
    assert not inside.restriction.of("harpnum").contains(ValueSet.of([Span(377, 377, True)]))
    assert remembered(held) == []
    assert held.state(NAME).watermark == 10


def test_a_note_goes_with_how_the_table_is_then(held: Catalogue) -> None:
    with held.leases.holding("series") as lease:
        given = held.drops.begin_part(NAME, NAME, [Extent(Interval(0, 1))], lease)
        assert given.drop is not None
        held.drops.finish(given.drop, lease, table_version=4, rows_held=49)
    state = held.state(NAME)

    assert held.drops.pending() == ()
    assert (state.table_version, state.rows_held) == (4, 49)


def test_of_a_series_that_is_given_up_the_definition_stays(held: Catalogue) -> None:
    remember(held, 1)
    before = held.state(NAME)
    with held.leases.holding("series") as lease:
        held.drops.begin_part(NAME, NAME, [Extent(Interval(0, 1))], lease)
        given = held.drops.begin_whole(NAME, lease)
    state, coverage = held.held(NAME)

    assert given.drop is not None
    assert held.drops.pending() == (given.drop,)
    assert (given.drop.extents, given.drop.table_path) == (None, before.table_path)
    assert (coverage, held.codecs(NAME), remembered(held)) == ((), {}, [])
    assert (state.table_path, state.watermark, state.generation) == (None, None, 0)
    assert held.definition(NAME) == stored_definition(NAME)


def test_what_a_drop_that_was_killed_left_stays_noted(held: Catalogue) -> None:
    with held.leases.holding("series") as lease:
        first = held.drops.begin_whole(NAME, lease).drop
        second = held.drops.begin_whole(NAME, lease).drop
    assert first is not None
    assert second is not None
    assert held.drops.pending() == (second,)
    assert second.table_path == first.table_path


def test_answers_that_name_the_series_are_forgotten(held: Catalogue) -> None:
    for number, record_set in enumerate(
        ["HMI.sharp_720s[377]", "hmi.sharp_720s_nrt[]", "a.b[],hmi.Sharp_720s", "hmi.M_45s[]"]
    ):
        held.answers.keep(replace(ANSWER, digest=f"{number}" * 64, record_set=record_set))
    with held.leases.holding("series") as lease:
        given = held.drops.begin_part(NAME, NAME, [Extent(Interval(0, 1))], lease)

    assert given.answers == ("0" * 64, "2" * 64)
    assert held.answers.totals()[0] == 2


def test_without_the_lease_or_with_a_subscription_nothing_is_given_up(held: Catalogue) -> None:
    held.subscriptions.add(Subscription.of(f"{NAME}[377]"))
    with held.leases.holding("series") as lease:
        with pytest.raises(SubscribedError):
            held.drops.begin_whole(NAME, lease)
        assert held.coverage(NAME) == (ENTRY,)
    with pytest.raises(LockedError):
        held.drops.begin_part(NAME, NAME, [Extent(Interval(0, 1))], lease)
    with pytest.raises(LockedError):
        held.drops.begin_whole(NAME, lease, unsubscribe=True)
    assert (held.coverage(NAME), held.drops.pending()) == ((ENTRY,), ())
    with held.leases.holding("series") as lease:
        given = held.drops.begin_whole(NAME, lease, unsubscribe=True)
    assert [one.subscription.record_set for one in given.subscriptions] == [f"{NAME}[377]"]
    assert held.subscriptions.all() == ()


def test_a_cadence_cannot_be_given_up(held: Catalogue) -> None:
    part = Extent(Interval(0, 100), Restriction(cadence=(0, 5)))
    with held.leases.holding("series") as lease, pytest.raises(ValueError, match="cadence"):
        held.drops.begin_part(NAME, NAME, [part], lease)
    assert held.coverage(NAME) == (ENTRY,)


# ------------------------------------------------------------------------------ old rows
def test_the_newest_runs_stay_and_what_tags_name(held: Catalogue) -> None:
    numbers = []
    for _ in range(8):
        numbers.append(held.runs.start(NAME, NAME).id)
        held.runs.finish(numbers[-1], RunOutcome.DONE)
    other = held.runs.start("other.series", "other.series").id
    remember(held, *numbers[:3], *numbers[4:])
    with held.database.write() as connection:
        tag = {"name": "dr1", "run": numbers[3], "note": "", "moment_utc": START, "made_utc": START}
        connection.execute(insert(tables.tags), tag)
    found = held.superfluous(keep_runs=2)
    done = held.prune(keep_runs=2, series=NAME)

    # of the history what the tag sees, and what was held when the first of the runs began
    assert remembered(held) == [numbers[2], *numbers[6:]]
    assert [run.id for run in held.runs.recent(limit=99)] == [
        other, *reversed(numbers[6:]), numbers[3], numbers[2]
    ]  # fmt: skip
    assert found == done
    # five: the first run noted by itself what was held at its end
    assert (done.runs, done.history) == (4, 5)
    assert held.prune(keep_runs=2).total == 0


def test_the_last_run_of_each_series_stays_that_a_tag_saw(held: Catalogue, clock: Clock) -> None:
    """Whether or not it changed what is held completely: it may have brought records."""
    numbers = []
    for name in (NAME, NAME, "other.series", NAME, NAME):
        numbers.append(held.runs.start(name, name).id)
        held.runs.finish(numbers[-1], RunOutcome.DONE)
        if name != NAME:
            held.tags.make("dr1", held.moments.find())
        clock.move(1)
    held.prune(keep_runs=1, series=NAME)
    assert [run.id for run in held.runs.recent(series=NAME)] == [numbers[4], numbers[1], numbers[0]]
    moment = held.moments.find("dr1")
    assert held.moments.last_run(NAME, moment) == numbers[1]
    assert not held.moments.unknown_runs(NAME, moment)
    clock.move(3600)
    assert numbers[3] in held.moments.unknown_runs(
        NAME, held.moments.find(START + timedelta(seconds=3.5))
    )


def test_failures_whose_time_is_over_go(catalogue: Catalogue, clock: Clock) -> None:
    until = START + timedelta(minutes=1)
    catalogue.answers.keep_failure(
        FailedQuestion("a" * 64, "http://x", "upstream", "no", None, START, until)
    )
    assert catalogue.superfluous(keep_runs=1).failures == 0
    clock.move(2 * 3600)
    assert catalogue.prune(keep_runs=1, series=NAME).failures == 0
    assert catalogue.prune(keep_runs=1).failures == 1
    assert catalogue.answers.failure("a" * 64) is None


# ------------------------------------------------------------------------------ checked files
def test_of_files_that_were_read_it_is_kept_what_was_found(held: Catalogue, clock: Clock) -> None:
    first, second = "records/a/_period=all/1.parquet", "records/a/_period=all/2.parquet"
    for path in (first, second):
        held.checks.save(NAME, path, "it is not there")
    held.checks.save("other.series", "records/b/3.parquet", None)
    clock.move(60)
    held.checks.save(NAME.upper(), first, None)
    assert held.checks.load(NAME) == {
        first: CheckedFile(first, clock(), None),
        second: CheckedFile(second, START, "it is not there"),
    }
    held.checks.keep_only(NAME, [second])
    assert list(held.checks.load(NAME)) == [second]
    with held.leases.holding("series") as lease:
        held.drops.begin_whole(NAME, lease)
    assert held.checks.load(NAME) == {}
    assert len(held.checks.load("other.series")) == 1


# ------------------------------------------------------------------------------ the database
def test_a_table_that_has_grown_is_looked_at_once(catalogue: Catalogue) -> None:
    assert catalogue.care_needed() == ()
    rows = [
        {"series_key": "a", "run": run, "recorded_utc": START, "entries": ["x" * 50_000]}
        for run in range(300)
    ]
    with catalogue.database.write() as connection:
        connection.execute(insert(tables.coverage_history), rows)
    catalogue.take_care(Care.ANALYZE)
    assert catalogue.care_needed() == ()


def test_a_file_that_is_empty_for_a_large_part_is_written_anew(catalogue: Catalogue) -> None:
    rows = [
        {"series_key": "a", "run": run, "recorded_utc": START, "entries": ["x" * 50_000]}
        for run in range(300)
    ]
    with catalogue.database.write() as connection:
        connection.execute(insert(tables.coverage_history), rows)
    with catalogue.database.write() as connection:
        connection.execute(tables.coverage_history.delete())
    path = catalogue.database.place.path
    if path is None:  # PostgreSQL does so by itself
        assert Care.VACUUM not in catalogue.care_needed()
        return
    assert catalogue.care_needed() == (Care.VACUUM,)
    catalogue.take_care(Care.VACUUM)
    assert catalogue.care_needed() == ()
