"""Answers as the mirror stood at a moment, and what changed between two."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drmsmirror.catalogue import Run, RunOutcome
from drmsmirror.catalogue.tables import coverage_history
from drmsmirror.client import Answer, Client, Source
from drmsmirror.client.differences import Difference, differences
from drmsmirror.client.standing import seconds_left
from drmsmirror.errors import NotHeldError, QueryError
from drmsmirror.records import ChangeKind
from tests.unit.client.world import KEYS, KINDS, World

SLOTS, _ = KINDS
ALL = "[#12151680-#12151689]"
FEW = "[#12151680-#12151681]"


@dataclass
class History:
    """A world of three syncs, and what the upstream said at each."""

    world: World
    client: Client
    runs: list[int] = field(default_factory=list)
    ended: list[datetime] = field(default_factory=list)
    said: list[dict[str, list[Any]]] = field(default_factory=list)

    def go_on(self, records: list[Any], where: str = "") -> None:
        """Let the upstream change, and the mirror follow a day later."""
        self.world.change(records)
        self.world.wait(24)
        self.world.sync(where)
        self.said.append(self.world.expected(ALL, {}, self.world.current))
        (run,) = self.world.mirror.catalogue.runs.recent(limit=1)
        self.runs.append(run.id)
        self.ended.append(self.world.now[0])
        self.world.wait(1)

    def ask(self, query: str, as_of: Any, **terms: Any) -> Answer:
        self.world.session.asked.clear()
        keys = [self.world.kind.value if key == "VALUE" else key for key in KEYS]
        answer = self.client.answer(self.world.kind.name + query, keys, as_of=as_of, **terms)
        assert self.world.session.asked == []
        return answer

    def differences(self, since: Any, until: Any = None) -> list[Difference]:
        catalogue = self.world.mirror.catalogue
        last = None if until is None else catalogue.moments.find(until)
        name = self.world.kind.name.upper()
        return list(differences(self.world.mirror, name, catalogue.moments.find(since), last))


@pytest.fixture
def history() -> Iterator[History]:
    """Give a world whose mirror was synced three times."""
    with World.open(SLOTS, []) as world:
        client = Client(world.mirror.settings, upstream=world.upstream)
        with client:
            client.mirror.close()
            client.mirror = world.mirror
            made = History(world, client)
            made.go_on([(position, 1, 0, 0.5) for position in range(4)])
            made.go_on([(1, 1, 0, 7.5), (4, 1, 0, 0.5), (2, 1, -1, 0.5)])
            made.go_on([(1, 1, 0, 8.5), (5, 1, 0, 0.5)])
            yield made


def test_an_answer_is_what_the_upstream_said_at_the_last_run_before(history: History) -> None:
    for run, ended, said in zip(history.runs, history.ended, history.said, strict=True):
        for moment in (run, str(run), ended, ended + timedelta(minutes=59)):
            answer = history.ask(ALL, moment)
            assert answer.texts() == said
            assert answer.complete
            assert answer.source is Source.LOCAL
            assert answer.as_of_utc <= ended
    assert history.said[0] != history.said[1] != history.said[2]


def test_a_tag_is_asked_for_like_the_time_that_it_names(history: History) -> None:
    catalogue = history.world.mirror.catalogue
    catalogue.tags.make("v1", catalogue.moments.find(history.runs[0]))
    assert history.ask(ALL, "v1").texts() == history.said[0]
    table = history.client.query(
        SLOTS.name + ALL, key="DATAMEAN", pkeys=True, rec_index=True, as_of="v1"
    )
    assert len(table) == 4
    assert list(table.columns) == ["T_REC", "CAMERA", "DATAMEAN"]
    scanned = history.client.scan(SLOTS.name + ALL, "DATAMEAN", as_of="v1").df()
    assert len(scanned) == 4


def test_a_run_that_is_under_way_does_not_count(history: History) -> None:
    world, said = history.world, history.said[-1]
    catalogue, name = world.mirror.catalogue, world.kind.name
    world.change([(1, 1, 0, 9.5)])
    world.sync("")
    last = catalogue.runs.recent(limit=1)[0].id
    with catalogue.database.write() as connection:  # as if it had not ended yet
        connection.exec_driver_sql(
            f"UPDATE runs SET finished_utc = NULL, outcome = 'running' WHERE id = {last}"
        )
    assert history.ask(ALL, world.now[0]).texts() == said
    catalogue.runs.finish(last, RunOutcome.FAILED)
    assert history.ask(ALL, world.now[0]).texts() == world.expected(ALL, {}, world.current)
    assert catalogue.coverage(name)


def test_what_was_not_held_then_is_refused_or_left_out(history: History) -> None:
    world = history.world
    with World.open(SLOTS, []) as other, Client(other.mirror.settings) as client:
        client.mirror.close()
        client.mirror = other.mirror
        made = History(other, client)
        made.go_on([(position, 1, 0, 0.5) for position in range(4)], FEW)
        made.go_on([])
        few = other.expected(FEW, {}, other.current)
        assert made.ask(FEW, 1).texts() == few
        with pytest.raises(NotHeldError, match=r"did not hold all of hmi\.M_45s .* from 2010"):
            made.ask(ALL, 1)
        part = made.ask(ALL, 1, partial=True)
        assert (part.texts(), part.complete) == (few, False)
        assert "did not hold all" in part.missing
        assert made.ask(ALL, 2).texts() == made.said[1]
    with pytest.raises(NotHeldError, match=r"held nothing of hmi\.M_45s"):
        history.ask(ALL, world.now[0] - timedelta(days=300))


def test_what_was_not_noted_is_not_called_complete(history: History) -> None:
    with history.world.mirror.catalogue.database.write() as connection:
        connection.execute(coverage_history.delete().where(coverage_history.c.run == 1))
    answer = history.ask(ALL, history.runs[0])
    assert answer.texts() == history.said[0]
    assert not answer.complete
    assert "was not noted" in answer.missing
    assert history.ask(ALL, history.runs[1]).complete


def test_a_catalogue_that_was_restored_gives_no_number_again(
    history: History, tmp_path: Path
) -> None:
    world, said = history.world, history.said[-1]
    world.mirror.catalogue.backup(tmp_path / "backup.sqlite")
    history.go_on([(1, 1, 0, 9.5)])
    lost = history.runs[-1]
    with (
        closing(sqlite3.connect(tmp_path / "backup.sqlite")) as kept,
        closing(sqlite3.connect(world.mirror.root / "catalogue.sqlite")) as there,
    ):
        kept.backup(there)
    history.go_on([(1, 1, 0, 10.5)])
    assert history.runs[-1] == lost + 1
    assert history.ask(ALL, history.runs[-1]).texts() == history.said[-1]
    assert history.ask(ALL, history.runs[2]).texts() == said


def test_of_runs_that_are_forgotten_nothing_is_told(history: History) -> None:
    """They are known by what they left in the record table."""
    catalogue, before = history.world.mirror.catalogue, history.ended[0] - timedelta(days=1)
    catalogue.prune(keep_runs=1, series=SLOTS.name)
    assert [run.id for run in catalogue.runs.recent()] == history.runs[2:]
    for moment in (before, *history.ended[:2]):
        with pytest.raises(NotHeldError, match="were forgotten"):
            history.ask(ALL, moment)
        with pytest.raises(NotHeldError, match="were forgotten"):
            history.differences(moment)
    assert history.ask(ALL, history.ended[2]).texts() == history.said[2]


def test_what_a_tag_names_is_told_whatever_was_forgotten_around_it(history: History) -> None:
    catalogue = history.world.mirror.catalogue
    catalogue.tags.make("v1", catalogue.moments.find(history.runs[0]))
    history.go_on([(1, 1, 0, 9.5)])
    catalogue.prune(keep_runs=1, series=SLOTS.name)
    assert history.ask(ALL, "v1").texts() == history.said[0]
    assert history.differences("v1")
    with pytest.raises(NotHeldError, match="were forgotten"):
        history.ask(ALL, history.ended[1])


def test_superseded_versions_are_those_seen_by_then(history: History) -> None:
    counts = []
    for run in history.runs:
        answer = history.ask("[! 1=1 !]", run)
        counts.append(len(answer.texts()["QUALITY"]))
        assert not answer.complete
        assert "superseded versions" in answer.missing
    assert counts == [4, 7, 9]
    assert len(history.ask("[:#1-#9]", history.runs[1]).texts()["QUALITY"]) == 7


def test_a_keyword_that_was_not_held_then_is_named(history: History) -> None:
    catalogue = history.world.mirror.catalogue
    with catalogue.database.write() as connection:
        (packed,) = connection.execute(
            coverage_history.select().where(coverage_history.c.run == 1)
        ).all()
        columns = [[name for name in packed.entries["columns"][0] if name != "datamean"]]
        connection.execute(
            coverage_history.update()
            .where(coverage_history.c.run == 1)
            .values(entries=packed.entries | {"columns": columns})
        )
    with pytest.raises(NotHeldError, match=r"did not hold DATAMEAN of hmi\.M_45s"):
        history.ask(ALL, 1)
    every = history.client.answer(SLOTS.name + ALL, "**ALL**", as_of=1)
    assert every.complete
    assert "DATAMEAN" not in every.keys
    assert "DATAMEAN" in history.client.answer(SLOTS.name + ALL, "**ALL**", as_of=2).keys


@pytest.mark.parametrize("terms", [{"max_age": timedelta(1)}, {"seg": "image"}], ids=str)
def test_what_the_past_cannot_tell_is_refused(history: History, terms: dict[str, Any]) -> None:
    with pytest.raises((QueryError, NotHeldError)):
        history.ask(ALL, 1, **terms)


# ------------------------------------------------------------------------------------ differences
def test_what_changed_is_listed_value_by_value(history: History) -> None:
    first, second, third = history.runs
    changed = history.differences(first, second)
    names = {one.record for one in changed}
    assert names == {
        f"hmi.M_45s[2010.05.01_00:0{minute}_TAI][1]" for minute in ("0:45", "1:30", "3:00")
    }
    assert [(one.kind, one.keyword, one.recnum) for one in changed if not one.keyword] == [
        (ChangeKind.NEW, "", 6)
    ]
    values = {(one.record[24:29], one.keyword): (one.before, one.after) for one in changed}
    assert values["00:45", "DATAMEAN"] == ("0.500000", "7.500000")
    assert values["00:45", "*recnum*"] == ("2", "5")
    assert values["01:30", "QUALITY"] == ("0x00000000", "0xFFFFFFFF")
    assert ("00:45", "QUALITY") not in values
    assert history.differences(third) == []
    over_both = [one for one in history.differences(first) if one.keyword == "DATAMEAN"]
    assert [(one.before, one.after) for one in over_both] == [("0.500000", "8.500000")]


def test_from_the_beginning_all_records_are_new(history: History) -> None:
    changed = history.differences(history.ended[0] - timedelta(days=1))
    assert Counter(one.kind for one in changed) == {ChangeKind.NEW: 6}


def test_the_later_moment_is_the_second(history: History) -> None:
    with pytest.raises(QueryError, match="lies before"):
        history.differences(history.runs[1], history.runs[0])


# --------------------------------------------------------------------------------------- standing
def run_of(share: float | None, seconds: float | None) -> Run:
    begun = datetime(2026, 1, 1)  # noqa: DTZ001 - only the difference counts
    ended = None if seconds is None else begun + timedelta(seconds=seconds)
    return Run(1, "a.b", "a.b", begun, ended, RunOutcome.DONE, "h", 1, share_held=share)


@pytest.mark.parametrize(
    ("runs", "left"),
    [
        ([], None),
        ([(None, 10)], None),
        ([(1.0, 10)], 0.0),
        ([(0.25, 100)], 300.0),
        ([(0.5, 100), (0.25, 300)], 400.0),
        ([(0.5, None), (0.25, 100)], 300.0),
        ([(0.0, 100)], None),
        ([(0.9, 10)] + [(0.8, 10)] * 9 + [(0.4, 1e6)] * 3, 20.0),
    ],
)
def test_the_time_left_goes_by_the_speed_of_the_latest_runs(
    runs: list[tuple[float, float]], left: float | None
) -> None:
    found = seconds_left([run_of(share, seconds) for share, seconds in runs])
    assert (found is None) == (left is None)
    assert math.isclose(found or 0.0, left or 0.0)
