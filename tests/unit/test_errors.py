"""The tree of errors: stable codes, documented exit codes, and words."""

from __future__ import annotations

import pickle

import pytest

from drmsmirror import errors
from drmsmirror.errors import (
    DrmsMirrorError,
    NotFoundError,
    RecordSetError,
    UpstreamOverloadedError,
)

EVERY = [getattr(errors, name) for name in errors.__all__]


def test_every_error_is_listed_and_drawn() -> None:
    defined = {
        thing.__name__
        for thing in vars(errors).values()
        if isinstance(thing, type) and issubclass(thing, DrmsMirrorError)
    }
    assert defined == set(errors.__all__)
    assert [name for name in defined if name not in (errors.__doc__ or "")] == []


@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_each_has_a_code_an_exit_code_and_says_when_it_is_raised(error) -> None:
    assert error.code
    assert error.code == error.code.lower()
    assert 0 < error.exit_code < 126
    assert error.__doc__


def test_codes_name_one_error_each() -> None:
    codes = [error.code for error in EVERY]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("name", "exit_code"),
    [
        ("SettingsError", 2),
        ("QueryError", 2),
        ("UnknownSeriesError", 3),
        ("NotHeldError", 3),
        ("NoMirrorError", 3),
        ("NoObjectError", 3),
        ("UpstreamUnavailableError", 4),
        ("UpstreamTooLargeError", 4),
        ("UpstreamTimeoutError", 4),
        ("IntegrityError", 6),
        ("LockedError", 7),
        ("NoSpaceError", 8),
        ("StoreError", 1),
    ],
)
def test_exit_codes_are_those_that_are_documented(name, exit_code) -> None:
    assert getattr(errors, name).exit_code == exit_code


def test_what_can_succeed_later_is_retryable() -> None:
    assert {error.__name__ for error in EVERY if error.retryable} == {
        "LockedError",
        "UpstreamAnswerError",
        "UpstreamNumbersError",
        "UpstreamOverloadedError",
        "UpstreamPausedError",
        "UpstreamTimeoutError",
        "UpstreamUnavailableError",
        "WrongContentError",
    }


@pytest.mark.parametrize("position", [0, 10, 15])
def test_a_record_set_error_points_at_the_character(position) -> None:
    error = RecordSetError("Something is wrong", "hmi.M_45s[\t1\n]", position, "Try this")
    problem, query, caret, hint = str(error).splitlines()
    assert (problem, hint) == ("Something is wrong", "Try this")
    assert query == "  hmi.M_45s[ 1 ]"
    assert caret.index("^") == 2 + position


@pytest.mark.parametrize("position", [0, 1, 59, 60, 61, 500, 939, 940, 999, 1000])
def test_of_a_long_record_set_an_error_shows_what_is_around_the_character(position) -> None:
    query = "".join(chr(ord("a") + number % 26) for number in range(1000))
    _, shown, caret = str(RecordSetError("Something is wrong", query, position)).splitlines()
    marked = caret.index("^")
    assert len(shown) <= 2 + 122
    assert shown[marked : marked + 1] == query[position : position + 1]
    assert shown.startswith("  …") == (position > 60)
    assert shown.endswith("…") == (position < 940)
    assert shown.strip(" …") in query


def test_not_found_is_a_lookup_error_that_reads_as_a_sentence() -> None:
    error = NotFoundError("There is no such thing")
    assert isinstance(error, LookupError)
    assert str(error) == "There is no such thing"
    assert str(NotFoundError()) == ""


def test_an_overload_says_when_to_come_back() -> None:
    assert UpstreamOverloadedError("too much").retry_after is None
    assert UpstreamOverloadedError("too much", 7.0).retry_after == 7.0


@pytest.mark.parametrize(
    "error",
    [
        errors.UpstreamOverloadedError("too much", 7.0),
        errors.UpstreamTimeoutError("too late", was_asked=False),
        errors.RecordSetError("wrong", "a[", 2, "hint"),
        errors.NotHeldError("not held"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_the_way_between_processes(error) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
