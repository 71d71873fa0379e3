"""The series itself changes upstream: what is understood is taken, what is not changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drmsmirror.errors import DefinitionError, NotHeldError
from tests.jsoc import Keyword, Series
from tests.unit.sync.mirrors import Copy

WHOLE = "hmi.M_45s"
DAY = "hmi.M_45s[2010.05.01_TAI/1d]"


@pytest.fixture
def synced(copy_of) -> Copy:
    copy = copy_of(WHOLE)
    copy.sync(WHOLE)
    return copy


def with_constant(series: Series, name: str, text: str) -> Series:
    """The same times under another rule of slots."""
    keywords = tuple(
        replace(keyword, defval=text) if keyword.name == name else keyword
        for keyword in series.definition.keywords
    )
    definition = series.definition.with_keywords(keywords)
    slots = {
        f"{key}_index": slot.indices(series.columns[key]) for key, slot in definition.slots.items()
    }
    return Series(definition, {**series.columns, **slots})


@pytest.mark.parametrize(
    ("name", "text"), [("T_REC_step", "90.0"), ("T_REC_epoch", "1993.01.02_00:00:00_TAI")]
)
def test_slots_that_are_counted_otherwise_are_refused_and_what_is_held_stays(
    name, text, synced
) -> None:
    coverage = synced.coverage(WHOLE)
    held = synced.held(WHOLE, ["T_REC", "*recnum*"])
    synced.jsoc.add(with_constant(synced.jsoc.series(WHOLE), name, text))
    with pytest.raises(DefinitionError, match="slots of its prime key T_REC"):
        synced.sync(WHOLE)
    assert synced.coverage(WHOLE) == coverage
    assert synced.held(WHOLE, ["T_REC", "*recnum*"]) == held


def test_a_step_that_is_only_spelled_otherwise_is_the_same_step(synced) -> None:
    synced.jsoc.add(with_constant(synced.jsoc.series(WHOLE), "T_REC_step", "45"))
    assert synced.sync(WHOLE).requests == 1
    synced.assert_same(WHOLE)


def test_an_added_keyword_is_fetched_for_all_that_is_held(synced) -> None:
    added = Keyword("EXTRA", "float", format="%.3f")
    synced.jsoc.add_keyword(WHOLE, added, 1.25)
    synced.sync(WHOLE)
    synced.assert_same(WHOLE)
    assert set(synced.held(WHOLE, ["EXTRA"])["EXTRA"]) == {"1.250"}


def test_an_added_keyword_is_not_answered_before_it_was_fetched(synced) -> None:
    synced.jsoc.add_keyword(WHOLE, Keyword("EXTRA", "float", format="%.3f"), 1.25)
    synced.sync(WHOLE, seconds=0.0)
    with pytest.raises(NotHeldError):
        synced.held(WHOLE, ["EXTRA"])
    assert synced.held(DAY, ["T_REC"])["T_REC"]
