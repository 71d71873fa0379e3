"""Drops: what goes is neither held nor there, what stays is untouched, whenever one is killed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from drmsmirror.catalogue import RunKind, RunOutcome
from drmsmirror.catalogue.hold import holding_series
from drmsmirror.client import Client
from drmsmirror.errors import LockedError, NotHeldError, QueryError, SubscribedError
from drmsmirror.model.extent import Extent, Restriction
from drmsmirror.model.intervals import Interval
from drmsmirror.model.subscription import Subscription
from drmsmirror.upkeep import Kind, drop, maintain, usage, would_drop
from drmsmirror.upkeep.removing import carry_out
from tests.unit.sync.mirrors import Copy, series, truth

NAME = "hmi.M_45s"
SHARP = "hmi.sharp_720s"
PART = f"{NAME}[][2]"


@pytest.fixture
def copy(copy_of) -> Copy:
    made = copy_of(series(NAME, 60), series(SHARP, 20))
    for name in (NAME, SHARP):
        made.sync(name)
    return made


def left_of(copy: Copy, name: str) -> list[int]:
    """Record numbers of all rows that the record table has."""
    with Client(copy.settings, policy="offline") as client:
        return sorted(client.sql(f"SELECT recnum FROM {name}_all")["recnum"].tolist())


# ------------------------------------------------------------------------------ whole series
def test_of_a_whole_series_nothing_is_left(copy) -> None:
    with copy.open() as mirror:
        before = would_drop(mirror, NAME)
        path = mirror.root / str(mirror.catalogue.state(NAME).table_path)
        done = drop(mirror, NAME.upper())
        state, coverage = mirror.catalogue.held(NAME)
        assert mirror.catalogue.codecs(NAME) == {}
        assert mirror.catalogue.drops.pending() == ()
        assert {room.series for room in usage(mirror).rooms} == {"", SHARP}

    assert (done[0].series, done[0].whole, done[0].rows) == (NAME, True, 60)
    assert before[0].bytes == done[0].bytes > 0
    assert not path.exists()
    assert (coverage, state.table_path, state.watermark, state.rows_held) == ((), None, None, 0)
    assert copy.published(NAME) == ()
    with pytest.raises(NotHeldError):
        copy.held(NAME, ["T_REC"])
    copy.assert_same(SHARP)
    assert copy.sync(NAME).records_new == 60
    copy.assert_same(NAME)


def test_a_drop_is_a_run(copy) -> None:
    with copy.open() as mirror:
        (part,) = drop(mirror, PART)
        (whole,) = drop(mirror, NAME)
        later, earlier, _ = mirror.catalogue.runs.recent(series=NAME)

    for run, dropped in ((later, whole), (earlier, part)):
        assert (run.kind, run.outcome) == (RunKind.DROP, RunOutcome.DONE)
        assert (run.record_set, run.counters.records_removed) == (dropped.record_set, dropped.rows)
    assert (earlier.record_set, later.record_set) == (PART, NAME)
    assert part.rows > 0
    assert copy.published(NAME) == ()


def test_what_is_subscribed_to_stays_unless_that_ends_too(copy) -> None:
    with copy.open() as mirror:
        mirror.catalogue.subscriptions.add(Subscription.of(f"{NAME}[][1]"))
        with pytest.raises(SubscribedError, match=r"drmsmirror unsubscribe 'hmi.M_45s\[\]\[1\]'"):
            drop(mirror, NAME)
        assert len(mirror.catalogue.coverage(NAME)) == 1
        (done,) = drop(mirror, NAME, unsubscribe=True)
        assert mirror.catalogue.subscriptions.all() == ()
    assert done.unsubscribed == (f"{NAME}[][1]",)


# ------------------------------------------------------------------------------ parts
def test_a_part_goes_in_all_versions_and_the_rest_stays(copy) -> None:
    gone = truth(copy.jsoc, PART, ["*recnum*"])["*recnum*"]
    copy.jsoc.revise(NAME, [int(number) for number in gone[:2]], {"QUALITY": 4})
    copy.sync(NAME)
    before = left_of(copy, NAME)
    with copy.open() as mirror:
        (plan,) = would_drop(mirror, PART)
        assert left_of(copy, NAME) == before
        (done,) = drop(mirror, PART)
        state = mirror.catalogue.state(NAME)

    assert done == plan
    assert done.rows == len(gone) + 2
    assert state.rows_held == len(before) - done.rows == len(left_of(copy, NAME))
    with pytest.raises(NotHeldError):
        copy.held(PART, ["T_REC"])
    copy.assert_same(f"{NAME}[][1,3]")
    report = copy.sync(NAME)
    assert report.records_new == len(gone)
    assert report.rows_held == len(before) - 2
    copy.assert_same(NAME)


def test_a_stretch_of_the_axis_goes(copy) -> None:
    times = truth(copy.jsoc, NAME, ["T_REC"])["T_REC"]
    low, high = times[10], times[20]
    with copy.open() as mirror:
        (done,) = drop(mirror, f"{NAME}[{low}-{high}]")

    assert (done.rows, done.whole) == (11, False)
    with pytest.raises(NotHeldError):
        copy.held(f"{NAME}[{low}]", ["T_REC"])
    copy.assert_same(f"{NAME}[{times[0]}-{times[9]}]")
    copy.assert_same(f"{NAME}[{times[21]}-{times[-1]}]")


def test_the_same_drop_again_takes_nothing(copy) -> None:
    with copy.open() as mirror:
        drop(mirror, PART)
        version = mirror.catalogue.state(NAME).table_version
        assert [one.rows for one in drop(mirror, PART)] == [0]
        assert mirror.catalogue.state(NAME).table_version == version


def test_a_part_that_a_subscription_brings_again_is_told(copy) -> None:
    with copy.open() as mirror:
        for one in (PART, f"{NAME}[][1]"):
            mirror.catalogue.subscriptions.add(Subscription.of(one))
        (done,) = drop(mirror, PART)
    assert done.comes_again == (PART,)


@pytest.mark.parametrize(
    "part", ["[][? QUALITY >= 0 ?]", "[$]", "[:#3]", "[2014.01.01_TAI/30d@1d]"]
)
def test_what_prime_keys_do_not_cut_out_is_no_part(part, copy) -> None:
    with copy.open() as mirror:
        held = mirror.catalogue.coverage(NAME)
        with pytest.raises(QueryError, match="can be dropped"):
            drop(mirror, f"{NAME}{part}")
        assert mirror.catalogue.coverage(NAME) == held


def test_a_series_that_somebody_works_on_is_not_dropped(copy) -> None:
    with copy.open() as mirror, holding_series(mirror.catalogue, NAME):
        with pytest.raises(LockedError):
            drop(mirror, NAME)
        assert len(mirror.catalogue.coverage(NAME)) == 1


def test_kept_answers_about_the_series_go_with_their_files(copy) -> None:
    asked = f"{NAME}[][? DATARMS > 0 ?]"
    with Client(copy.settings, policy="remote") as client:
        for one in (asked, f"{SHARP}[][? HARPNUM > 0 ?]"):
            client.answer(one, ["T_REC"]).texts()
    answers = copy.settings.mirror / "answers"
    assert len(list(answers.rglob("*.parquet"))) == 2
    with copy.open() as mirror:
        (done,) = drop(mirror, NAME)
        assert mirror.catalogue.answers.totals()[0] == 1
    assert done.answers == 1
    assert len(list(answers.rglob("*.parquet"))) == 1


# ------------------------------------------------------------------------------ killed
def test_what_was_held_again_since_a_killed_drop_stays(copy) -> None:
    """The drop was killed before its rows went, a sync came, and then somebody finished it."""
    with copy.open() as mirror:
        with holding_series(mirror.catalogue, NAME) as lease:
            everything = (Extent(Interval(-math.inf, math.inf)),)
            mirror.catalogue.drops.begin_part(NAME, f"{NAME}[]", everything, lease)
        copy.sync(NAME)
        maintain(mirror)
        assert mirror.catalogue.drops.pending() == ()
    copy.assert_same(NAME)


def test_what_is_held_under_a_condition_since_a_killed_drop_stays(copy) -> None:
    everything = Extent(Interval(-math.inf, math.inf))
    with copy.open() as mirror:
        (entry,) = mirror.catalogue.coverage(NAME)
        with holding_series(mirror.catalogue, NAME) as lease:
            given = mirror.catalogue.drops.begin_part(NAME, NAME, (everything,), lease)
            held = replace(
                entry,
                interval=Interval(-math.inf, math.inf),
                restriction=Restriction(terms=frozenset(["quality >= 0"])),
            )
            state = mirror.catalogue.state(NAME)
            mirror.catalogue.record_window(
                NAME,
                entries=[held],
                table_version=state.table_version or 0,
                rows_held=state.rows_held,
            )
            assert given.drop is not None
            assert carry_out(mirror, given.drop, lease) == 0


def test_a_sync_makes_no_new_table_of_the_rows_of_a_killed_drop(copy) -> None:
    with copy.open() as mirror:
        path = mirror.root / str(mirror.catalogue.state(NAME).table_path)
        with holding_series(mirror.catalogue, NAME) as lease:
            mirror.catalogue.drops.begin_whole(NAME, lease)
        (path / "old").touch()
        assert [r.kind for r in usage(mirror, NAME).rooms] == [Kind.DROPPED]
        copy.sync(NAME)
        assert not (path / "old").exists()
        assert mirror.catalogue.drops.pending() == ()
    copy.assert_same(NAME)
