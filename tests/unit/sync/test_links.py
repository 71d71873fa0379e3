"""Keywords read through links: read again in rotation, and known to be old when their series is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drmsmirror.client.comparing import Comparison
from drmsmirror.client.holdings import holdings
from drmsmirror.sync import Task
from tests.jsoc import Keyword
from tests.jsoc.definitions import Link
from tests.unit.sync.mirrors import Copy, asked, series

NAME = "hmi.sharp_720s"
TARGET = "hmi.Mharp_720s"
PASS = Task(everywhere=True)


@pytest.fixture
def copy(copy_of) -> Copy:
    """A series with keywords that are read through links, and one of the name that they lead to."""
    other = series("hmi.M_45s", 30)
    target = replace(other, definition=replace(other.definition, name=TARGET))
    sharps = series(NAME, 40)
    read = {"magflag": np.full(sharps.rows, 1, dtype=np.int32)}
    made = copy_of(replace(sharps, columns={**sharps.columns, **read}), target)
    made.sync(NAME)
    return made


def compared(copy: Copy) -> Comparison:
    with copy.open() as mirror:
        (found,) = [held for held in holdings(mirror) if held.name == NAME]
    (one,) = found.standing.compared
    return one


def test_a_changed_target_is_caught_in_rotation(copy) -> None:
    some = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())[:3]
    copy.jsoc.change_in_place(NAME, some, {"MAGFLAG": 7})
    report = copy.sync(NAME, task=PASS)
    assert report.records_revised == 3
    assert report.notices == ()
    listed = [request.params["key"] for request in asked(copy.jsoc, "rs_list")]
    assert any("MAGFLAG" in keys and "USFLUX" not in keys for keys in listed)
    copy.assert_same(NAME)


def test_what_follows_a_target_that_changed_is_said_until_all_is_compared(copy) -> None:
    assert compared(copy).outdated_links == ()
    (notice,) = copy.sync(TARGET).notices
    assert f"{TARGET} has changed, and {NAME} has keywords" in notice
    assert notice.endswith(f"drmsmirror sync {NAME} --reconcile")
    (links,) = compared(copy).outdated_links
    assert (links.target, links.remedy) == (TARGET, f"drmsmirror sync {NAME} --reconcile")

    copy.jsoc.append(TARGET, {"T_REC": "2015.02.01_TAI", "CAMERA": 1})
    assert copy.sync(TARGET).notices == ()  # that was said
    assert compared(copy).outdated_links == (links,)
    copy.sync(NAME, task=PASS)
    assert compared(copy).outdated_links == ()
    assert copy.sync(TARGET).notices == ()  # nothing was new


def test_a_change_at_the_end_of_a_chain_is_said_of_all_that_hang_on_it(copy) -> None:
    end = "test.timekey"
    target = copy.jsoc.series(TARGET)
    reads = Keyword("MAGFLAG", "int", linkinfo="FAR->VAL", format="%d")
    definition = replace(
        target.definition.with_keywords((*target.definition.keywords, reads)),
        links=(Link("FAR", end, "DYNAMIC", ""),),
    )
    values = {"magflag": np.full(target.rows, 1, dtype=np.int32)}
    copy.jsoc.add(replace(target, definition=definition, columns={**target.columns, **values}))
    copy.jsoc.add(series(end, 20))
    copy.sync(TARGET)
    copy.sync(NAME, task=PASS)
    assert compared(copy).outdated_links == ()

    notices = copy.sync(end).notices
    assert [notice.partition(" has keywords")[0] for notice in notices] == [
        f"{end} has changed, and {name}" for name in (TARGET, NAME)
    ]
    assert [links.target for links in compared(copy).outdated_links] == [end]
    copy.sync(NAME, task=PASS)
    assert compared(copy).outdated_links == ()


def test_a_drop_of_the_target_is_no_change_of_it(copy) -> None:
    from drmsmirror.upkeep import drop

    copy.sync(TARGET)
    copy.sync(NAME, task=PASS)
    with copy.open() as mirror:
        drop(mirror, TARGET)
    assert compared(copy).outdated_links == ()
