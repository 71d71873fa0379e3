"""Schedules: the next moment, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from drmsmirror.errors import QueryError
from drmsmirror.model.schedule import NEVER, check_schedule, next_time

NOON = datetime(2024, 5, 10, 12, tzinfo=UTC)  # a Friday


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("17 3 * * *", datetime(2024, 5, 11, 3, 17, tzinfo=UTC)),
        ("0 12 * * *", datetime(2024, 5, 11, 12, tzinfo=UTC)),
        ("*/7 * * * *", datetime(2024, 5, 10, 12, 7, tzinfo=UTC)),
        ("0 0 * * sun", datetime(2024, 5, 12, tzinfo=UTC)),
        ("0 0 29 feb *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("0 0 30 feb *", NEVER),
    ],
)
def test_the_next_moment_comes_after_the_one_given(schedule: str, expected: datetime) -> None:
    assert next_time(schedule, NOON) == expected


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 30 feb *", "15 3 31 4,6,9,11 *"])
def test_one_that_never_comes_is_refused(schedule: str) -> None:
    with pytest.raises(QueryError, match="never comes: no month that it names has the day"):
        check_schedule(schedule)
    check_schedule("0 0 29 feb *")


def test_it_is_read_in_utc_wherever_somebody_is() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-10)))

    assert next_time("17 3 * * *", elsewhere) == datetime(2024, 5, 11, 3, 17, tzinfo=UTC)


def test_a_moment_is_reached_and_not_given_again() -> None:
    moment = next_time("* * * * *", NOON)

    assert next_time("* * * * *", moment - timedelta(microseconds=1)) == moment
    assert next_time("* * * * *", moment) == moment + timedelta(minutes=1)
