"""What processes share about the upstream, on both databases: answers, failures, health, cost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drmsmirror.catalogue import Catalogue, Cost, Health
from drmsmirror.errors import LockedError
from drmsmirror.mirror import Mirror
from drmsmirror.settings import load_settings
from drmsmirror.sharing import SharedUpstream
from tests.contract.conftest import START, Clock
from tests.contract.example import ANSWER, FAILED, URL
from tests.unit.sharing.conftest import QUESTION, FakeUpstream, listed

MINUTE = timedelta(minutes=1)


def test_an_answer_is_kept_until_another_takes_its_place(catalogue: Catalogue) -> None:
    assert catalogue.answers.load(ANSWER.digest) is None
    catalogue.answers.keep(ANSWER)
    assert catalogue.answers.load(ANSWER.digest) == ANSWER
    later = replace(ANSWER, records=3, asked_utc=START)
    catalogue.answers.keep(later)
    assert catalogue.answers.load(ANSWER.digest) == later
    assert catalogue.answers.known([ANSWER.digest, "x"]) == {ANSWER.digest}
    assert catalogue.answers.known([]) == frozenset()


def test_using_an_answer_is_written_down(catalogue: Catalogue, clock: Clock) -> None:
    catalogue.answers.keep(ANSWER)
    clock.move(60)
    catalogue.answers.use(ANSWER.digest)
    assert catalogue.answers.load(ANSWER.digest) == replace(ANSWER, used_utc=START + MINUTE)


def test_a_failure_is_remembered_until_an_answer_comes(catalogue: Catalogue) -> None:
    assert catalogue.answers.failure(FAILED.digest) is None
    catalogue.answers.keep_failure(FAILED)
    assert catalogue.answers.failure(FAILED.digest) == FAILED
    again = replace(FAILED, retry_after=None, failed_utc=START + MINUTE)
    catalogue.answers.keep_failure(again)
    assert catalogue.answers.failure(FAILED.digest) == again
    catalogue.answers.keep(replace(ANSWER, digest="other"))
    assert catalogue.answers.failure(FAILED.digest) == again
    catalogue.answers.keep(ANSWER)
    assert catalogue.answers.failure(FAILED.digest) is None


def test_old_failures_go_when_new_ones_come(catalogue: Catalogue) -> None:
    catalogue.answers.keep_failure(FAILED)
    later = START + 2 * MINUTE
    catalogue.answers.keep_failure(replace(FAILED, digest="b", failed_utc=later, until_utc=later))
    assert catalogue.answers.failure(FAILED.digest) == FAILED  # somebody may have waited for it
    later += timedelta(hours=1)
    catalogue.answers.keep_failure(replace(FAILED, digest="c", failed_utc=later, until_utc=later))
    assert catalogue.answers.failure(FAILED.digest) is None


def test_answers_that_were_not_used_for_longest_go_until_the_rest_fits(
    catalogue: Catalogue,
) -> None:
    for number, used in enumerate((3, 1, 2, 4)):
        catalogue.answers.keep(
            replace(ANSWER, digest=str(number), used_utc=START + used * MINUTE, file_bytes=10)
        )
    later = START + MINUTE
    assert catalogue.answers.forget_least_used(40, later) == ()
    assert catalogue.answers.forget_least_used(0, START) == ()  # all were stored then
    assert catalogue.answers.forget_least_used(25, later) == ("1", "2")
    assert catalogue.answers.known("0123") == {"0", "3"}
    assert catalogue.answers.forget_least_used(0, later) == ("0", "3")


def test_of_a_server_nothing_is_known_at_first(catalogue: Catalogue) -> None:
    assert catalogue.upstreams.health(URL) == Health()
    assert catalogue.upstreams.cost(URL) == Cost()


def test_health_and_cost_of_a_server_are_kept_beside_each_other(catalogue: Catalogue) -> None:
    paused = Health(3, 1, START, START + MINUTE, "away")
    assert catalogue.upstreams.change_health(URL, lambda _: paused) == paused
    assert catalogue.upstreams.change_cost(URL, lambda _: Cost(0.5, 0.004)) == Cost(0.5, 0.004)
    assert catalogue.upstreams.health(URL) == paused
    assert catalogue.upstreams.health("http://elsewhere") == Health()
    assert (
        catalogue.upstreams.change_health(URL, lambda before: replace(before, failures=4)).pauses
        == 1
    )
    assert catalogue.upstreams.cost(URL) == Cost(0.5, 0.004)


def test_what_changes_at_once_is_counted_once_each(catalogue: Catalogue) -> None:
    """Also the first time, when none finds a row."""
    together = threading.Barrier(4)

    def count() -> None:
        together.wait(30)
        for _ in range(5):
            catalogue.upstreams.change_health(
                URL, lambda one: replace(one, failures=one.failures + 1)
            )

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert catalogue.upstreams.health(URL).failures == 20


def test_a_lease_that_is_held_is_no_error_for_who_only_tries(catalogue: Catalogue) -> None:
    assert not catalogue.leases.is_held("question x")
    with catalogue.leases.holding_if_free("question x") as first:
        assert first is not None
        assert catalogue.leases.is_held("question x")
        with catalogue.leases.holding_if_free("question x") as second:
            assert second is None
        assert catalogue.leases.is_held("question x")
    assert not catalogue.leases.is_held("question x")


def test_a_lease_past_its_end_is_not_held(catalogue: Catalogue, clock: Clock) -> None:
    catalogue.leases.acquire("question x", 60)
    clock.move(60)
    assert not catalogue.leases.is_held("question x")


def test_an_error_inside_is_not_taken_for_a_lease_that_is_held(catalogue: Catalogue) -> None:
    with (
        pytest.raises(LockedError, match="mine"),
        catalogue.leases.holding_if_free("question x"),
    ):
        raise LockedError("mine")
    assert not catalogue.leases.is_held("question x")


def test_of_threads_that_ask_the_same_one_sends_a_request(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    mirror = Mirror(load_settings(mirror=tmp_path / "answers of"), catalogue)
    arrived, goes_on = threading.Event(), threading.Event()
    fake = FakeUpstream([listed(1)], before=lambda: (arrived.set(), goes_on.wait(30)))
    waiting = threading.Semaphore(0)

    def pause(_: float) -> None:
        waiting.release()
        goes_on.wait(30)

    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(SharedUpstream(mirror, fake, pause=pause).ask, QUESTION)]
        assert arrived.wait(30)
        for _ in range(3):
            calls.append(pool.submit(SharedUpstream(mirror, fake, pause=pause).ask, QUESTION))
            assert waiting.acquire(timeout=30)
        goes_on.set()
        answers = [call.result(30) for call in calls]
    assert [answer.text().table["*recnum*"].to_pylist() for answer in answers] == [[1]] * 4
    assert len(fake.asked) == 1
    assert catalogue.leases.all() == ()
