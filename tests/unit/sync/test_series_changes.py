"""The series itself changes upstream: what is understood is taken, what is not changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from drmsmirror.errors import DefinitionError, NotHeldError, UpstreamAnswerError, UpstreamError
from tests.jsoc import FaultKind, Keyword, Request, Series
from tests.jsoc.replay import replay_key
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


class SecondList:
    """Accepts every list of a window after the first."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, request: Request) -> bool:
        self.seen += request.op == "rs_list" and "n" not in request.params
        return self.seen > 1


def test_an_upstream_set_back_is_refused_and_what_is_held_stays(synced) -> None:
    held = synced.held(WHOLE, ["*recnum*"])
    synced.jsoc.remove(WHOLE, [int(max(synced.jsoc.series(WHOLE).columns["recnum"]))])
    with pytest.raises(UpstreamAnswerError, match="was set back"):
        synced.sync(WHOLE)
    assert synced.held(WHOLE, ["*recnum*"]) == held


def test_an_upstream_set_back_is_refused_before_its_definition_is_taken_over(synced) -> None:
    synced.jsoc.remove(WHOLE, [int(max(synced.jsoc.series(WHOLE).columns["recnum"]))])
    synced.jsoc.add_keyword(WHOLE, Keyword("EXTRA", "float", format="%.3f"), 1.25)
    with pytest.raises(UpstreamAnswerError, match="was set back"):
        synced.sync(WHOLE)
    assert "EXTRA" not in synced.keys(WHOLE)


def test_an_upstream_set_back_is_noticed_after_a_run_that_did_not_finish(copy_of) -> None:
    copy = copy_of(WHOLE, sync={"first_window": 50, "max_window": 100})
    copy.jsoc.fault(FaultKind.HTML, times=None, when=SecondList())
    with pytest.raises(UpstreamError):
        copy.sync(WHOLE)
    copy.jsoc.clear_faults()
    copy.jsoc.remove(WHOLE, [int(max(copy.jsoc.series(WHOLE).columns["recnum"]))])
    with pytest.raises(UpstreamAnswerError, match="was set back"):
        copy.sync(WHOLE)


def test_an_upstream_that_gives_no_largest_record_number_is_refused(synced) -> None:
    asked = Request("jsoc_info", "series_struct", WHOLE, {})
    answer = json.loads(synced.jsoc.respond(asked).body)
    del answer["Interval"]
    synced.jsoc.replay({replay_key("series_struct", WHOLE.lower()): json.dumps(answer).encode()})
    held = synced.held(WHOLE, ["*recnum*"])
    with pytest.raises(UpstreamAnswerError, match="largest record number"):
        synced.sync(WHOLE)
    assert synced.held(WHOLE, ["*recnum*"]) == held


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


def test_a_keyword_that_is_gone_is_refused_and_what_is_held_stays(synced) -> None:
    synced.jsoc.drop_keyword(WHOLE, "DATARMS")
    with pytest.raises(DefinitionError, match="DATARMS"):
        synced.sync(WHOLE)
    assert synced.held(DAY, ["DATARMS"])["DATARMS"]
