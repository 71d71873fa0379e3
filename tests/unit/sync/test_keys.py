"""Some keywords of a series, kept current, and others that are wanted later."""

from __future__ import annotations

import pytest

from drmsmirror.errors import NotHeldError
from drmsmirror.sync import Task
from tests.jsoc import Keyword
from tests.unit.sync.mirrors import Copy, asked, truth

WHOLE = "hmi.M_45s"
DAY = "hmi.M_45s[2010.05.01_TAI/1d]"
RMS = Task(keys=("DATARMS",))
MEAN = Task(keys=("DATAMEAN",))
KEPT = ["T_REC", "CAMERA", "*recnum*", "QUALITY", "DATE"]


def as_upstream(copy: Copy, *keys: str, record_set: str = WHOLE) -> None:
    wanted = [*KEPT, *keys]
    assert copy.held(record_set, wanted) == truth(copy.jsoc, record_set, wanted)


def listed_keys(copy: Copy) -> set[str]:
    """Every keyword that was listed since the log was cleared."""
    return {key for one in asked(copy.jsoc, "rs_list") for key in one.params["key"].split(",")}


@pytest.fixture
def synced(copy_of) -> Copy:
    copy = copy_of(WHOLE)
    copy.sync(WHOLE, task=RMS)
    return copy


def test_only_those_are_asked_for_with_what_tells_records_and_their_changes(synced) -> None:
    assert listed_keys(synced) >= {"DATARMS", "T_REC", "CAMERA", "QUALITY", "*recnum*"}
    assert "DATAMEAN" not in listed_keys(synced)
    as_upstream(synced, "DATARMS")
    with pytest.raises(NotHeldError, match="DATAMEAN"):
        synced.held(WHOLE, ["DATAMEAN"])


def test_new_and_revised_records_come_with_the_same(synced) -> None:
    synced.jsoc.revise(WHOLE, DAY.removeprefix(WHOLE), {"DATARMS": 3.5, "DATAMEAN": 9.0})
    synced.sync(WHOLE, task=RMS)
    assert "DATAMEAN" not in listed_keys(synced)
    as_upstream(synced, "DATARMS")


def test_a_keyword_that_is_wanted_later_is_read_alone(synced) -> None:
    report = synced.sync(WHOLE, task=MEAN)
    assert "DATARMS" not in listed_keys(synced) or report.records_new == 0
    assert (report.records_new, report.records_revised) == (0, 0)
    as_upstream(synced, "DATARMS", "DATAMEAN")
    lists = [one for one in asked(synced.jsoc, "rs_list") if "n" not in one.params]
    assert lists
    assert all("DATARMS" not in one.params["key"] for one in lists)


def test_what_is_new_comes_with_all_that_is_held_of_its_place(synced) -> None:
    synced.sync(DAY, task=MEAN)
    synced.jsoc.revise(WHOLE, "[2010.05.01_00:00_TAI]", {"DATARMS": 3.5, "DATAMEAN": 9.0})
    synced.sync(WHOLE, task=RMS)
    as_upstream(synced, "DATARMS")
    as_upstream(synced, "DATARMS", "DATAMEAN", record_set=DAY)


def test_what_came_between_is_read_whole_while_a_keyword_is_added(synced) -> None:
    synced.jsoc.revise(WHOLE, "[2010.05.01_00:00_TAI]", {"DATARMS": 3.5, "DATAMEAN": 9.0})
    synced.sync(WHOLE, task=MEAN)
    as_upstream(synced, "DATARMS", "DATAMEAN")


def test_all_keywords_after_some(synced) -> None:
    synced.sync(WHOLE)
    synced.assert_same(WHOLE)


def test_a_change_in_place_is_found_by_reconciling(synced) -> None:
    numbers = truth(synced.jsoc, DAY, ["*recnum*"])["*recnum*"][:3]
    synced.jsoc.change_in_place(
        WHOLE, [int(number) for number in numbers], {"DATARMS": 5.5, "QUALITY": 77}
    )
    report = synced.sync(WHOLE, task=Task(keys=("DATARMS",), everywhere=True))
    assert report.records_revised == 3
    as_upstream(synced, "DATARMS")


def test_a_keyword_that_the_series_gains_is_read_alone(copy_of) -> None:
    copy = copy_of(WHOLE)
    copy.sync(WHOLE)
    copy.jsoc.add_keyword(WHOLE, Keyword("EXTRA", "float", format="%.3f"), 1.25)
    report = copy.sync(WHOLE)
    assert (report.records_new, report.records_revised) == (0, 0)
    lists = [one for one in asked(copy.jsoc, "rs_list") if "n" not in one.params]
    assert lists
    assert all("EXTRA" in one.params["key"] for one in lists)
    assert all("DATARMS" not in one.params["key"] for one in lists)
    copy.assert_same(WHOLE)
