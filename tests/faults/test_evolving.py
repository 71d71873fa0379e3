"""A record table that is being made anew is killed: there is the old one, or the new."""

from __future__ import annotations

import signal

import pytest

WHOLE = "hmi.M_45s"

#: In the order in which they are reached: the new table is noted, filled, and named.
POINTS = [
    "rebuild.noted",
    "rebuild.filled",
    "definition.adopted",
]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_the_next_run_arrives_and_leaves_nothing(point, copy_of) -> None:
    copy = copy_of(WHOLE, rows=20)
    copy.sync(WHOLE)
    values = copy.held(WHOLE, ["T_REC", "DATARMS"])
    copy.jsoc.change_type(WHOLE, "DATARMS", "double")
    process = copy.command("sync", WHOLE, DRMSMIRROR_FAILPOINT=point)
    _, said = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, said
    assert copy.held(WHOLE, ["T_REC", "DATARMS"]) == values
    is_new = point == POINTS[-1]
    with copy.open() as mirror:
        assert (mirror.catalogue.state(WHOLE).table_path == "records/hmi/m_45s~2") is is_new
        assert len(mirror.catalogue.drops.pending()) == 1
    report = copy.sync(WHOLE)
    assert bool(report.notices) is not is_new
    copy.assert_same(WHOLE)
    with copy.open() as mirror:
        assert [one.table_path for one in mirror.catalogue.drops.pending()] == ["records/hmi/m_45s"]
    made = sorted(path.name for path in (copy.settings.mirror / "records/hmi").iterdir())
    assert made == ["m_45s", "m_45s~2"]


def test_killed_before_the_run_begins_what_it_noticed_was_said(copy_of, kill) -> None:
    """A generation has begun, which no later run notices."""
    copy = copy_of(WHOLE, rows=20)
    copy.sync(WHOLE)
    copy.jsoc.remove(WHOLE, [int(max(copy.jsoc.series(WHOLE).columns["recnum"]))])
    copy.jsoc.change_type(WHOLE, "DATARMS", "double")
    kill(copy, "rebuild.noted", "sync", WHOLE)
    with copy.open() as mirror:
        changing, begun, _ = mirror.catalogue.runs.recent()
    assert "DATARMS was float" in changing.notices[0]
    assert "went back in time" in begun.notices[0]


def test_killed_while_a_keyword_is_dropped_the_next_run_drops_it(copy_of) -> None:
    copy = copy_of(WHOLE, rows=20)
    copy.sync(WHOLE)
    values = copy.held(WHOLE, ["T_REC", "DATARMS"])
    copy.jsoc.drop_keyword(WHOLE, "DATARMS")
    process = copy.command("sync", WHOLE, DRMSMIRROR_FAILPOINT="records.after_commit")
    _, said = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, said
    assert copy.held(WHOLE, ["T_REC", "DATARMS"]) == values
    assert "no longer has DATARMS" in copy.sync(WHOLE).notices[0]
    copy.assert_same(WHOLE)
