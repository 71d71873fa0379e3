"""Random coverage, random questions, an upstream that changes: every answer against a model.

The model is a plain list of records for each moment of the upstream, and for each combination of
prime keys the moment as of which the mirror holds it. What the mirror answers must be what the
model does: the records of the moments held, and those of now where nothing is held; who was asked
for what must be just that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drmsmirror.client.answer import Answer, Source
from drmsmirror.client.terms import Policy, Terms
from drmsmirror.errors import NotHeldError
from tests.unit.client.world import GOOD, KINDS, POSITIONS, Cell, Kind, World

# -- drawing --------------------------------------------------------------------------------------

_POSITION = st.integers(0, POSITIONS - 1)
_RECORD = st.tuples(
    st.one_of(_POSITION, _POSITION, _POSITION, st.none()),
    st.integers(1, 3),
    st.sampled_from([0, 1, 1024, -1, None]),
    st.sampled_from([0.5, 2.0, 7.25, float("nan"), None]),
)
_AXIS = st.one_of(
    st.just(""),
    st.tuples(_POSITION, _POSITION).map(sorted),
    _POSITION,
    st.lists(_POSITION, min_size=2, max_size=3),
)
_OTHER = st.sampled_from(["", "", "1", "2", "1,3", "2-3", "1-3"])
_CONDITION = st.sampled_from(
    ["", "", "", f"[? {GOOD} ?]", "[? VALUE > 1 ?]", f"[? {GOOD} AND VALUE > 1 ?]"]
)
_EDGES = st.sampled_from(
    ["[$]", "[^]", "[][$]", "[][^]", "[$][$]", "[OTHER=2][$]", "[OTHER=1-2][^]"]
)
_TERMS = st.builds(
    Terms,
    st.sampled_from([Policy.AUTO, Policy.AUTO, Policy.AUTO, Policy.OFFLINE]),
    st.sampled_from([None, None, None, timedelta(hours=5)]),
    st.booleans(),
)


def _where(kind: Kind, axis: Any, other: str) -> str:
    if axis == "":
        time = ""
    elif isinstance(axis, int):
        time = kind.text(axis)
    elif len(axis) == 2:
        time = f"{kind.text(min(axis))}-{kind.text(max(axis))}"
    else:
        time = ",".join(kind.text(one) for one in axis)
    return f"[{time}]" + (f"[{other}]" if other else "")


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sync"), _AXIS, _OTHER),
        st.tuples(st.just("good"), _AXIS, _OTHER),
        st.tuples(st.just("change"), st.lists(_RECORD, min_size=1, max_size=4)),
        st.tuples(st.just("wait"), st.sampled_from([1, 6, 30])),
        st.tuples(
            st.just("ask"), _AXIS, _OTHER, _CONDITION, _TERMS, st.sampled_from([0, 0, 2, -3])
        ),
        st.tuples(st.just("ask"), _AXIS, _OTHER, _CONDITION, _TERMS, st.just(0)),
        st.tuples(st.just("edge"), _EDGES, _CONDITION, _TERMS),
        st.tuples(st.just("all"), _AXIS, _OTHER, _TERMS),
    ),
    min_size=4,
    max_size=12,
)


@pytest.mark.parametrize(
    "kind",
    [KINDS[0], *(pytest.param(kind, marks=pytest.mark.long) for kind in KINDS[1:])],
    ids=lambda kind: kind.name,
)
@pytest.mark.soak_factor(40)
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(
    records=st.lists(_RECORD, min_size=1, max_size=10),
    first=st.tuples(_AXIS, _OTHER),
    steps=_STEPS,
)
def test_every_answer_is_the_models(kind: Kind, records, first, steps) -> None:
    with World.open(kind, records) as world:
        world.sync(_where(kind, *first))
        for what, *rest in steps:
            if what == "sync":
                world.sync(_where(kind, *rest))
            elif what == "good":
                world.hold_good(_where(kind, *rest))
            elif what == "change":
                world.change(*rest)
            elif what == "wait":
                world.wait(*rest)
            elif what == "ask":
                _check_parts(world, *rest)
            elif what == "edge":
                _check_edge(world, *rest)
            else:
                _check_all_versions(world, *rest)


def _check_parts(world: World, axis: Any, other: str, condition: str, terms: Terms, n: int) -> None:
    """A question that can be divided."""
    where = _where(world.kind, axis, other)
    query = where + condition.replace("VALUE", world.kind.value)
    cells = world.cells(where)
    world.pause()
    usable = world.usable(condition, terms)
    lacking = cells - set(usable)
    offline = terms.policy is Policy.OFFLINE
    try:
        answer = world.ask(query, terms, n or None)
    except NotHeldError:
        assert offline
        assert lacking
        every = world.usable(condition, dataclasses.replace(terms, max_age=None))
        assert not (terms.partial and cells & set(every))
        assert not world.session.asked
        return
    texts = answer.texts()
    if offline:
        # what is too old is better than nothing where a part is
        counts = (
            usable
            if not lacking
            else world.usable(condition, dataclasses.replace(terms, max_age=None))
        )
        assert texts == _limited(world.expected(query, counts, None), n)
        assert answer.complete is not bool(lacking)
        assert bool(answer.missing) is bool(lacking)
        assert answer.source is Source.LOCAL
        assert not world.session.asked
        return
    assert texts == _limited(world.expected(query, usable, world.current), n)
    assert answer.complete
    _check_who_was_asked(world, answer, cells, usable)
    if lacking and not condition and not n:
        for cell in lacking:
            world.held[cell] = (world.current, world.now[0])


def _check_who_was_asked(
    world: World, answer: Answer, cells: set[Cell], usable: Mapping[Cell, int]
) -> None:
    listed = [ds.removeprefix(world.kind.name) for op, ds in world.session.asked if op == "rs_list"]
    asked = {cell for ds in listed for cell in world.cells(ds)}
    assert not asked & set(usable), listed
    assert cells - set(usable) <= asked
    if answer.source is Source.LOCAL:
        assert not world.session.asked
        assert cells <= set(usable)
    else:
        assert listed
        assert answer.as_of_utc <= world.now[0]
    if answer.source is Source.REMOTE:
        assert not cells & set(usable)


def _check_edge(world: World, edges: str, condition: str, terms: Terms) -> None:
    """A question about first or last values: from what is held, or whole from the upstream."""
    kind = world.kind
    edges = edges.replace("OTHER", kind.other)
    world.pause()
    query = (edges + condition).replace("VALUE", kind.value)
    try:
        answer = world.ask(query, terms)
    except NotHeldError:
        assert terms.policy is Policy.OFFLINE
        assert set(world.usable("", terms)) < world.cells("[]")
        return
    texts = answer.texts()
    usable = world.usable(condition, terms)
    if answer.source is Source.LOCAL:
        assert not world.session.asked
        if answer.complete:
            assert texts == world.expected(query, usable, world.current)
        return
    assert world.session.asked
    whole = world.expected(query, {}, world.current)
    assert texts in (whole, world.expected(query, usable, world.current))
    if answer.source is Source.MIXED and not condition:
        # which parts were asked for is not modelled: what is held is read anew
        world.sync("[]")


def _check_all_versions(world: World, axis: Any, other: str, terms: Terms) -> None:
    """Superseded versions are the upstream's."""
    world.pause()
    query = _where(world.kind, axis, other) + "[! 1=1 !]"
    if terms.policy is Policy.OFFLINE:
        with pytest.raises(NotHeldError):
            world.ask(query, terms)
        return
    answer = world.ask(query, terms)
    assert answer.source is Source.REMOTE
    assert answer.texts() == world.expected(query, {}, world.current)


def _limited(texts: dict[str, list[Any]], n: int) -> dict[str, list[Any]]:
    return {
        key: values[:n] if n > 0 else values[n:] if n else values for key, values in texts.items()
    }
