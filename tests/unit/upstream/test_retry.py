"""What is tried again, after how long, and how often."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from drmsmirror.errors import (
    DefinitionError,
    UnknownSeriesError,
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTooLargeError,
    UpstreamUnavailableError,
)
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream.retry import Retry

Failing = tuple[Callable[[], str], list[int]]


def failing(times: int, error: Exception) -> Failing:
    """An operation that fails so often, then works; and how often it was run."""
    runs: list[int] = []

    def operation() -> str:
        runs.append(len(runs) + 1)
        if len(runs) <= times:
            raise error
        return "done"

    return operation, runs


@pytest.fixture
def retry() -> Retry:
    return Retry(UpstreamSettings(attempts=4, retry_wait=0.0, max_retry_wait=0.0))


@pytest.mark.parametrize("error", [UpstreamUnavailableError("away"), UpstreamAnswerError("cut")])
def test_what_can_succeed_later_is_tried_again(retry: Retry, error: Exception) -> None:
    operation, runs = failing(3, error)
    assert retry(operation) == "done"
    assert runs == [1, 2, 3, 4]


def test_the_last_failure_is_raised_as_it_is(retry: Retry) -> None:
    error = UpstreamUnavailableError("away")
    operation, runs = failing(9, error)
    with pytest.raises(UpstreamUnavailableError) as caught:
        retry(operation)
    assert caught.value is error
    assert runs == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "error",
    [
        UpstreamRefusedError("no"),
        UpstreamTooLargeError("too many"),
        UnknownSeriesError("no such"),
        DefinitionError("contradiction"),
        UpstreamOverloadedError("STOP"),
        ValueError("a defect of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_cannot_is_raised_at_once(retry: Retry, error: Exception) -> None:
    operation, runs = failing(1, error)
    with pytest.raises(type(error)):
        retry(operation)
    assert runs == [1]


@pytest.mark.parametrize(
    ("asked", "answer"), [(0.0, True), (12.0, 12.0), (30.0, 30.0), (30.5, False), (None, False)]
)
def test_an_overloaded_server_is_asked_again_only_when_it_says(
    asked: float | None, answer: float | bool
) -> None:
    """Neither sooner than it wants, nor waiting longer than the settings allow."""
    retry = Retry(UpstreamSettings(max_retry_wait=30.0))
    said = retry.wait_before_retry(UpstreamOverloadedError("busy", retry_after=asked))
    assert said == answer
    assert isinstance(said, bool) == isinstance(answer, bool)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("The server is away.", "The server is away."),
        ("http://x.org/a answered HTTP 503. Try later.", "http://x.org/a answered HTTP 503"),
        ("word " * 100, ("word " * 19).strip() + "..."),
    ],
)
def test_each_new_attempt_says_why_in_a_short_line(
    retry: Retry, caplog: pytest.LogCaptureFixture, message: str, shown: str
) -> None:
    operation, _ = failing(2, UpstreamUnavailableError(message))
    with caplog.at_level(logging.WARNING, logger="drmsmirror"):
        retry(operation)
    said = [record.message for record in caplog.records if record.name.startswith("drmsmirror")]
    assert said == [
        f"Attempt 2 of 4: {shown}",
        f"Attempt 3 of 4: {shown}",
    ]
