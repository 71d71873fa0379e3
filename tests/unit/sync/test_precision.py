"""A series held with all the digits that its values have, and printed as the upstream prints it."""

from __future__ import annotations

import numpy as np
import pytest

from drmsmirror.client import Client
from drmsmirror.errors import QueryError
from drmsmirror.model.subscription import Precision, Reconcile
from drmsmirror.sync import Task
from tests.jsoc import build_series
from tests.unit.records.conftest import stored
from tests.unit.sync.mirrors import Copy, asked, truth

SHARP = "hmi.sharp_720s"
FULL = Task(precision=Precision.FULL)


@pytest.fixture
def exact(copy_of) -> Copy:
    copy = copy_of(build_series(SHARP, size="small"))
    copy.sync(SHARP, task=FULL)
    return copy


def held_numbers(copy: Copy, column: str) -> dict[int, float]:
    with copy.open() as mirror:
        rows = stored(mirror.table(mirror.catalogue.definition(SHARP)))
    return dict(zip(rows["recnum"].to_pylist(), rows[column].to_pylist(), strict=True))


def test_values_are_the_upstreams_own_and_print_as_it_prints_them(exact) -> None:
    upstream = exact.jsoc.series(SHARP)
    for column in ("usflux", "meangam", "crval1", "t_obs"):
        own = dict(zip(upstream.columns["recnum"].tolist(), upstream.columns[column], strict=True))
        found = held_numbers(exact, column)
        np.testing.assert_allclose(
            [found[n] for n in found], [own[n] for n in found], rtol=0, atol=1e-6
        )
        assert column == "t_obs" or all(
            np.array_equal(found[n], own[n], equal_nan=True) for n in found
        )
    exact.assert_same(SHARP)


def test_records_are_asked_for_with_all_digits_but_for_a_sample(exact) -> None:
    lists = asked(exact.jsoc, "rs_list")
    printed = [one for one in lists if "M" not in one.params]
    assert 1 <= len(printed) < len(lists)
    assert all("[:#" in one.ds for one in printed if "n" not in one.params)


@pytest.mark.long
def test_what_comes_later_is_exact_too_and_nothing_is_taken_for_changed(exact) -> None:
    exact.jsoc.advance(SHARP, hours=24.0, late=0.2)
    some = truth(exact.jsoc, SHARP, ["*recnum*"])["*recnum*"][:3]
    exact.jsoc.revise(SHARP, [int(one) for one in some], {"USFLUX": 1.23456789e21})
    exact.sync(SHARP, task=FULL)
    exact.assert_same(SHARP)
    whole = Task(precision=Precision.FULL, reconcile=Reconcile.FULL, everywhere=True)
    report = exact.sync(SHARP, task=whole)
    assert (report.records_new, report.records_revised, report.records_removed) == (0, 0, 0)


@pytest.mark.long
def test_a_plain_sync_of_it_stays_exact(exact) -> None:
    exact.jsoc.advance(SHARP, hours=24.0)
    exact.sync(SHARP)
    assert all(one.params.get("M") == "1" for one in asked(exact.jsoc, "rs_list"))
    exact.assert_same(SHARP)


def test_questions_fetch_what_is_missing_exactly(copy_of) -> None:
    copy = copy_of(build_series(SHARP, size="small"))
    numbers = sorted(set(truth(copy.jsoc, SHARP, ["HARPNUM"])["HARPNUM"]))
    copy.sync(f"{SHARP}[{numbers[0]}]", task=FULL)
    other, keys = f"{SHARP}[{numbers[1]}]", ["HARPNUM", "T_REC", "USFLUX"]
    with Client(copy.settings, upstream=None, policy="auto") as client:
        assert client.answer(other, keys).texts() == truth(copy.jsoc, other, keys)
    copy.assert_same(other)
    assert all(len(repr(value)) > 12 for value in list(held_numbers(copy, "usflux").values())[:3])


def test_what_is_held_rounded_is_not_mixed_with_exact_values(copy_of) -> None:
    copy = copy_of("hmi.M_45s")
    copy.sync("hmi.M_45s")
    with pytest.raises(QueryError, match=r"drmsmirror drop hmi\.M_45s"):
        copy.sync("hmi.M_45s", task=FULL)
    copy.assert_same("hmi.M_45s")
