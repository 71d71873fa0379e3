"""What an answer takes: what is assumed at first, and what is learnt."""

from __future__ import annotations

import pytest

from drmsmirror.catalogue import Cost
from drmsmirror.mirror import Mirror
from drmsmirror.sharing import SharedUpstream
from drmsmirror.sharing.cost import estimate, learnt, rows_within
from tests.unit.sharing.conftest import QUESTION, FakeUpstream, listed


def taught(*answers: tuple[int, float], times: int = 200) -> Cost:
    cost = Cost()
    for _ in range(times):
        for records, seconds in answers:
            cost = learnt(cost, records=records, seconds=seconds)
    return cost


def test_at_first_it_is_what_jsoc_takes() -> None:
    assert estimate(Cost(), 0) == 0.5
    assert estimate(Cost(), 1000) == pytest.approx(4.9)


def test_as_many_records_are_expected_in_a_time_as_it_is_expected_to_take() -> None:
    assert estimate(Cost(), round(rows_within(Cost(), 15.0))) == pytest.approx(15.0, abs=0.01)
    assert rows_within(Cost(), 0.1) == 0.0
    assert rows_within(Cost(0.5, 0.0), 15.0) == float("inf")


@pytest.mark.parametrize(
    ("per_request", "per_record"), [(0.05, 0.0001), (3.0, 0.02), (0.5, 0.0044)]
)
def test_what_answers_take_is_learnt(per_request: float, per_record: float) -> None:
    cost = taught(*((n, per_request + n * per_record) for n in (1, 100, 20_000)))
    for records in (1, 100, 20_000):
        assert estimate(cost, records) == pytest.approx(per_request + records * per_record, rel=0.1)


def test_one_answer_out_of_many_is_not_all() -> None:
    cost = learnt(Cost(), records=0, seconds=1e6)
    assert estimate(cost, 0) == pytest.approx(0.5 * (1 + 0.2 * 9))


def test_answers_that_take_no_time_are_no_trouble() -> None:
    cost = taught((0, 0.0), (100, 0.0), times=5000)
    assert estimate(cost, 100) >= 0
    assert learnt(Cost(0.0, 0.0), records=0, seconds=1.0).seconds_per_request == 0.2


def test_what_one_process_learns_the_others_know(mirror: Mirror) -> None:
    shared = SharedUpstream(mirror, FakeUpstream([listed(*range(1000), seconds=20.0)]))
    assert shared.estimate(1000) == pytest.approx(4.9)
    for _ in range(30):
        shared.ask(QUESTION)
        shared.records("a.b[]", QUESTION.keys)
    other = SharedUpstream(mirror, FakeUpstream([listed()]))
    assert other.estimate(1000) == pytest.approx(20.0, rel=0.01)
    assert other.seconds_per_record == shared.seconds_per_record > 0.01
    assert other.seconds_per_request > 0.5
