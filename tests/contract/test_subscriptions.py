"""Subscriptions: what is there is what was written, and a manifest is made true all at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from drmsmirror.catalogue import Catalogue
from drmsmirror.errors import LockedError, NotFoundError
from drmsmirror.model.subscription import Precision, Reconcile, Subscription
from tests.contract.conftest import START, Clock

WHOLE = Subscription.of("hmi.sharp_720s")
PART = Subscription.of("hmi.Sharp_720s[4315]", priority=3)
OTHER = Subscription.of(
    "aia.lev1_euv_12s[2024.05.01_TAI/1d@1h][171][? QUALITY >= 0 ?]",
    keys=["T_REC", "QUALITY"],
    segments=["image"],
    schedule="*/10 3 * * mon-fri",
    lag=timedelta(hours=36),
    priority=-2,
    precision=Precision.FULL,
    reconcile=Reconcile.OFF,
)


def all_of(catalogue: Catalogue) -> list[Subscription]:
    return [stored.subscription for stored in catalogue.subscriptions.all()]


@pytest.mark.parametrize("one", [WHOLE, PART, OTHER], ids=lambda one: one.record_set)
def test_what_is_written_is_what_is_read(catalogue: Catalogue, one: Subscription) -> None:
    added = catalogue.subscriptions.add(one)

    assert (added.subscription, added.made_utc, added.changed_utc) == (one, START, START)
    assert catalogue.subscriptions.all() == (added,)


def test_the_larger_priority_comes_first_and_then_the_older(catalogue: Catalogue) -> None:
    third = Subscription.of("hmi.M_720s")
    for one in (OTHER, WHOLE, third, PART):
        catalogue.subscriptions.add(one)

    assert all_of(catalogue) == [PART, WHOLE, third, OTHER]


def test_those_of_a_series_are_found_in_any_case(catalogue: Catalogue) -> None:
    for one in (WHOLE, OTHER, PART):
        catalogue.subscriptions.add(one)

    found = catalogue.subscriptions.all(series="HMI.SHARP_720s")

    assert [stored.subscription for stored in found] == [PART, WHOLE]
    assert catalogue.subscriptions.all(series="hmi.M_45s") == ()


def test_one_that_is_there_is_not_added_again(catalogue: Catalogue, clock: Clock) -> None:
    first = catalogue.subscriptions.add(WHOLE)
    clock.move(60)

    assert catalogue.subscriptions.add(replace(WHOLE, priority=9)) == first
    assert catalogue.subscriptions.all() == (first,)


def test_a_change_keeps_the_number(catalogue: Catalogue, clock: Clock) -> None:
    before = catalogue.subscriptions.add(replace(OTHER, keys=None))
    clock.move(60)
    after = catalogue.subscriptions.change(OTHER)

    assert catalogue.subscriptions.all() == (after,)
    assert (after.id, after.subscription, after.made_utc) == (before.id, OTHER, START)
    assert after.changed_utc == START + timedelta(seconds=60)


def test_what_is_not_there_is_neither_changed_nor_removed(catalogue: Catalogue) -> None:
    there = catalogue.subscriptions.add(WHOLE)

    with pytest.raises(NotFoundError, match=r"no subscription to hmi\.Sharp_720s\[4315\]"):
        catalogue.subscriptions.change(PART)
    with pytest.raises(NotFoundError, match=f"no subscription {there.id + 1}"):
        catalogue.subscriptions.remove(there.id + 1)
    assert catalogue.subscriptions.all() == (there,)


def test_one_that_is_removed_is_gone_and_its_number_is_not_used_again(
    catalogue: Catalogue,
) -> None:
    gone = catalogue.subscriptions.add(WHOLE)

    assert catalogue.subscriptions.remove(gone.id) == gone
    assert catalogue.subscriptions.all() == ()
    assert catalogue.subscriptions.add(WHOLE).id > gone.id


def test_all_are_replaced_by_others_and_those_that_stay_keep_their_numbers(
    catalogue: Catalogue,
) -> None:
    stays, changes = catalogue.subscriptions.add(WHOLE), catalogue.subscriptions.add(PART)
    gone = catalogue.subscriptions.add(Subscription.of("hmi.M_720s"))
    changed = replace(PART, schedule="0 3 * * *")

    catalogue.subscriptions.replace_all(
        [WHOLE, PART, gone.subscription], [OTHER, changed, stays.subscription]
    )

    found = {stored.subscription: stored.id for stored in catalogue.subscriptions.all()}
    assert found.keys() == {WHOLE, changed, OTHER}
    assert (found[WHOLE], found[changed]) == (stays.id, changes.id)


def test_nothing_is_replaced_where_somebody_else_changed_something(catalogue: Catalogue) -> None:
    catalogue.subscriptions.add(replace(WHOLE, priority=1))

    with pytest.raises(LockedError, match="changed by another process"):
        catalogue.subscriptions.replace_all([WHOLE], [OTHER])

    assert all_of(catalogue) == [replace(WHOLE, priority=1)]
