"""What becomes of what is held as time goes by and the upstream changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from drmsmirror.client import Source
from drmsmirror.client.terms import Policy, Terms
from drmsmirror.errors import NotHeldError, UpstreamAnswerError
from tests.unit.client.world import KINDS, World

SLOTS, _ = KINDS


@pytest.fixture
def world() -> Iterator[World]:
    """Give an upstream with four records in a row, a mirror, and a clock."""
    records = [(position, 1, 0, 0.5) for position in range(4)]
    with World.open(SLOTS, records, max_mib=64) as made:
        yield made


def _now(world: World, query: str) -> dict[str, list[Any]]:
    """What the upstream says now."""
    return world.expected(query, {}, world.current)  # type: ignore[no-any-return]


def test_positions_that_were_in_the_future_are_not_held_because_later_ones_are(
    world: World,
) -> None:
    world.sync("[#12151680-#12151720]")
    world.wait(240)
    world.change([(position, 1, 0, 0.5) for position in range(4, 30)])
    early, late = "[#12151685-#12151689]", "[#12151700-#12151705]"
    assert world.ask(late).texts() == _now(world, late)

    answer = world.ask(early)

    assert answer.source is Source.REMOTE
    assert answer.texts() == _now(world, early)


def test_an_answer_about_what_had_not_come_yet_grows_old(world: World) -> None:
    world.sync("[#12151680-#12151683]")
    query = "[#12151680-#12151700][? QUALITY >= 0 ?]"
    # the clock stands in the year of the records
    world.now[0] = world.now[0].replace(year=2010, month=5, day=1)
    world.sync("[#12151680-#12151683]")
    first = world.ask(query)
    assert first.source is Source.MIXED
    world.wait(48)
    world.change([(5, 1, 0, 0.5)])

    answer = world.ask(query)

    assert answer.texts() == _now(world, query)
    world.wait(24 * 365)
    assert world.ask(query).source is Source.LOCAL  # asked long after the end of its range


def test_where_files_are_is_asked_for_again_after_a_day(world: World) -> None:
    world.sync("")
    asked = {"segments": ("magnetogram",)}
    world.ask("[#12151680]", **asked)
    world.wait(1)
    assert world.ask("[#12151680]", **asked).source is Source.LOCAL
    world.wait(48)

    assert world.ask("[#12151680]", **asked).source is Source.REMOTE


def test_versions_that_a_sync_has_outrun_are_asked_for_again(world: World) -> None:
    every = "[! 1=1 !]"
    world.sync("")
    assert world.ask(every).source is Source.REMOTE
    world.pause()
    assert world.ask(every).source is Source.LOCAL
    world.change([(2, 1, 7, 0.5)])
    world.sync("")

    answer = world.ask(every)

    assert answer.source is Source.REMOTE
    assert answer.texts() == _now(world, every)


@pytest.mark.parametrize("condition", ["", "[? QUALITY >= 0 ?]"])
def test_an_upstream_that_was_set_back_gives_no_part_of_an_answer(
    world: World, condition: str
) -> None:
    world.sync("[#12151680-#12151681]")
    last = max(world.moments[-1].columns["recnum"].tolist())
    world.jsoc.remove(SLOTS.name, [last])
    world.pause()

    with pytest.raises(UpstreamAnswerError, match="set back"):
        world.ask(f"[#12151680-#12151690]{condition}", Terms(Policy.AUTO))


def test_a_question_is_as_old_as_it_may_be(world: World) -> None:
    world.sync("")
    world.wait(3)
    young = Terms(max_age=timedelta(hours=1))

    assert world.ask("[#12151680]").source is Source.LOCAL
    assert world.ask("[#12151680]", young).source is Source.REMOTE
    world.pause()
    assert world.ask("[#12151680]", young).source is Source.LOCAL


@pytest.mark.parametrize("policy", [Policy.AUTO, Policy.OFFLINE])
def test_the_same_question_gets_no_older_answer_than_before(world: World, policy: Policy) -> None:
    query = "[#12151680-#12151690][? QUALITY >= 0 ?]"
    world.sync("[#12151680-#12151681]")
    assert world.ask(query).source is Source.MIXED
    world.change([(1, 1, 7, 2.0), (3, 1, -1, 2.0)])
    newer = world.ask(query, Terms(max_age=timedelta(seconds=1)))
    assert newer.texts() == _now(world, query)
    world.pause()

    again = world.ask(query, Terms(policy))

    assert again.source is Source.LOCAL
    assert again.as_of_utc == newer.as_of_utc
    assert again.texts() == _now(world, query)


def test_a_kept_answer_that_is_too_old_is_named_as_such(world: World) -> None:
    young = timedelta(hours=1)
    query = "[! 1=1 !]"
    answer = world.ask(query)
    world.wait(3)

    with pytest.raises(NotHeldError, match=r"keeps an answer as of .* too old"):
        world.ask(query, Terms(Policy.OFFLINE, young))
    part = world.ask(query, Terms(Policy.OFFLINE, young, partial=True))

    assert not part.complete
    assert "too old" in part.missing
    assert part.texts() == answer.texts()


def test_nothing_is_no_part_of_an_answer(world: World) -> None:
    world.sync("[#12151680]")
    with pytest.raises(NotHeldError):
        world.ask("[#12151685-#12151690]", Terms(Policy.OFFLINE, partial=True))
