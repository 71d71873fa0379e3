"""Sets of values of one key, compared with sets of the values that a key can have."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drmsmirror.model.recordset import Span
from drmsmirror.model.valuesets import ALL_VALUES, ValueSet

NUMBERS = range(-1, 12)
WORDS = ["", "a", "ab", "b", "c", "d"]


def _spans(values: Sequence[int | str], *, included: bool) -> st.SearchStrategy[list[Span]]:
    ends = st.one_of(st.none(), st.sampled_from(values))
    is_included = st.booleans() if included else st.just(False)
    steps = st.none() if included else st.sampled_from([None, None, 2, 3])
    return st.lists(st.builds(Span, ends, ends, is_included, steps), max_size=4)


def _in(value: int | str, spans: Sequence[Span]) -> bool:
    return any(_in_one(value, span) for span in spans)


def _in_one(value: int | str, span: Span) -> bool:
    reaches = span.high is None or value < span.high or (value == span.high and span.high_included)
    has_steps = span.step is not None and span.low is not None and span.high is not None
    on_step = not has_steps or (value - span.low) % span.step == 0
    return (span.low is None or value >= span.low) and reaches and on_step


def _values(found: ValueSet, among: Sequence[int | str]) -> set[int | str]:
    """Those of some values that lie in a set."""
    return {
        one for one in among if found.contains(ValueSet.of([Span(one, one, high_included=True)]))
    }


@given(_spans(list(NUMBERS), included=False), _spans(list(NUMBERS), included=False))
def test_sets_of_whole_numbers_are_sets(one: list[Span], other: list[Span]) -> None:
    _compare(list(NUMBERS), one, other)


@given(_spans(WORDS, included=True), _spans(WORDS, included=True))
def test_sets_of_words_are_sets(one: list[Span], other: list[Span]) -> None:
    _compare(WORDS, one, other)


def _compare(among: Sequence[int | str], one: list[Span], other: list[Span]) -> None:
    mine, theirs = ValueSet.of(one), ValueSet.of(other)
    a = {value for value in among if _in(value, one)}
    b = {value for value in among if _in(value, other)}

    assert _values(mine, among) == a
    assert _values(mine | theirs, among) == a | b
    assert _values(mine & theirs, among) == a & b
    assert _values(mine - theirs, among) == a - b
    assert mine - ALL_VALUES == ValueSet(())
    if (spans := (mine - theirs).spans) is not None:
        assert ValueSet.of(spans) == mine - theirs


@pytest.mark.parametrize(
    ("spans", "count", "words"),
    [
        ([Span(377, 378)], 1, "377"),
        ([Span(1, 3), Span(3, 5)], 4, "1 to 4"),
        ([Span(1, 10, step=4)], 3, "1, 5, 9"),
        ([Span("a", "a", high_included=True)], 1, "a"),
        ([Span("a", "c", high_included=True)], None, "a to c"),
        ([Span(5, None)], None, "from 5"),
        ([], 0, ""),
    ],
)
def test_a_set_can_be_counted_and_told(spans, count, words) -> None:
    found = ValueSet.of(spans)

    assert found.count == count
    assert found.words == words


def test_steps_that_are_too_many_are_left_out_of_account() -> None:
    assert ValueSet.of([Span(0, 10**9, step=7)]) == ValueSet.of([Span(0, 10**9)])
