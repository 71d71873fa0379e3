"""A record set with a condition, kept current: what comes to satisfy it, and what ceases to."""

from __future__ import annotations

import random

import pytest

from drmsmirror.errors import NotHeldError
from drmsmirror.sync import Task
from tests.unit.sync.mirrors import Copy, asked, truth

WHOLE = "hmi.M_45s"
GOOD = "hmi.M_45s[? QUALITY >= 0 ?]"
KEYS = ["T_REC", "CAMERA", "*recnum*", "QUALITY", "DATARMS"]
BAD = -(2**31) + 1
PASS = Task(everywhere=True)


def answers_as_upstream(copy: Copy, record_set: str = GOOD) -> int:
    """Give how many records are answered offline, as the upstream answers them."""
    found = copy.held(record_set, KEYS)
    assert found == truth(copy.jsoc, record_set, KEYS)
    return len(found["T_REC"])


def stored(copy: Copy) -> dict[int, tuple]:
    """By record number, of every row: QUALITY, DATARMS, whether it is the latest."""
    with copy.open() as mirror:
        table = mirror.table(mirror.catalogue.definition(WHOLE))
        from tests.unit.records.conftest import stored as rows_of

        rows = rows_of(table).select(["recnum", "quality", "datarms", "_latest"]).to_pylist()
    return {row["recnum"]: (row["quality"], row["datarms"], row["_latest"]) for row in rows}


def recnums(copy: Copy, record_set: str) -> list[int]:
    return [int(number) for number in truth(copy.jsoc, record_set, ["*recnum*"])["*recnum*"]]


@pytest.fixture
def synced(copy_of) -> Copy:
    copy = copy_of(WHOLE)
    some = recnums(copy, WHOLE)[::7]
    copy.jsoc.change_in_place(WHOLE, some, {"QUALITY": BAD})
    copy.sync(GOOD)
    return copy


def test_only_what_satisfies_it_is_fetched_and_answered(synced) -> None:
    good, every = recnums(synced, GOOD), recnums(synced, WHOLE)
    assert answers_as_upstream(synced) == len(good) < len(every)
    assert set(stored(synced)) == set(good)
    assert answers_as_upstream(synced, "hmi.M_45s[][? QUALITY >= 0 AND DATARMS > 10 ?]") > 0


def test_what_does_not_have_to_satisfy_it_is_not_held(synced) -> None:
    with pytest.raises(NotHeldError, match="drmsmirror sync"):
        synced.held(WHOLE, KEYS)
    with pytest.raises(NotHeldError):
        synced.held("hmi.M_45s[? QUALITY > 5 ?]", KEYS)


def test_a_revision_that_fails_supersedes_and_is_kept_as_a_marker(synced) -> None:
    (number,) = synced.jsoc.revise(WHOLE, recnums(synced, GOOD)[3:4], {"QUALITY": BAD})
    before = answers_as_upstream_after(synced)
    assert stored(synced)[number] == (BAD, None, True)
    assert before == len(recnums(synced, GOOD))
    assert all("QUALITY >=" not in request.ds for request in asked(synced.jsoc, "rs_list"))


def answers_as_upstream_after(copy: Copy, task: Task = Task()) -> int:  # noqa: B008
    copy.sync(GOOD, task=task)
    return answers_as_upstream(copy)


def test_a_revision_that_comes_to_satisfy_it_is_fetched_whole(synced) -> None:
    bad = sorted(set(recnums(synced, WHOLE)) - set(recnums(synced, GOOD)))
    (number,) = synced.jsoc.revise(WHOLE, bad[:1], {"QUALITY": 0})
    answers_as_upstream_after(synced)
    assert stored(synced)[number][1] is not None


def test_once_up_to_date_nothing_is_asked(synced) -> None:
    assert synced.sync(GOOD).requests == 1


def test_where_all_is_held_besides_what_fails_is_kept_whole(synced) -> None:
    synced.sync(WHOLE)
    (number,) = synced.jsoc.revise(WHOLE, recnums(synced, GOOD)[3:4], {"QUALITY": BAD})
    answers_as_upstream_after(synced)
    assert stored(synced)[number][1] is not None
    synced.sync(WHOLE)
    synced.assert_same(WHOLE)


def test_what_was_kept_as_a_marker_is_filled_when_all_is_wanted(synced) -> None:
    synced.jsoc.revise(WHOLE, recnums(synced, GOOD)[3:9], {"QUALITY": BAD})
    answers_as_upstream_after(synced)
    synced.sync(WHOLE)
    assert synced.assert_same(WHOLE) == len(recnums(synced, WHOLE))
    answers_as_upstream(synced)


def test_reconciling_finds_what_ceased_to_satisfy_it_in_place_and_what_vanished(synced) -> None:
    good = recnums(synced, GOOD)
    synced.jsoc.change_in_place(WHOLE, good[5:7], {"QUALITY": BAD})
    synced.jsoc.remove(WHOLE, good[10:12])
    bad = sorted(set(recnums(synced, WHOLE)) - set(recnums(synced, GOOD)))
    synced.jsoc.change_in_place(WHOLE, bad[-1:], {"QUALITY": 1})
    report = synced.sync(GOOD, task=PASS)
    assert report.records_removed == 2
    assert answers_as_upstream(synced) == len(good) - 4 + 1
    assert stored(synced)[good[5]][0] == BAD or stored(synced)[good[5]][2]


def test_a_cadence_under_a_condition(copy_of) -> None:
    copy = copy_of(WHOLE)
    part = "hmi.M_45s[2010.05.01_TAI/1d@6m][? QUALITY >= 0 ?]"
    copy.sync(part)
    assert answers_as_upstream(copy, part) > 0
    copy.jsoc.revise(WHOLE, recnums(copy, "hmi.M_45s[2010.05.01_TAI/1d]")[::3], {"QUALITY": BAD})
    copy.sync(part)
    answers_as_upstream(copy, part)


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in (0, 2))])
def test_a_living_series_is_kept_up_with(seed, synced) -> None:
    rng = random.Random(seed)
    for _ in range(4):
        every = recnums(synced, WHOLE)
        quality = {"QUALITY": rng.choice([BAD, 0, 3])}
        for _ in range(3):
            synced.jsoc.revise(WHOLE, rng.sample(every, 1), quality)
        synced.jsoc.change_in_place(WHOLE, rng.sample(every, 5), quality)
        answers_as_upstream_after(synced, PASS)
