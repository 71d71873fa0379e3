"""How moments are stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from drmsmirror.catalogue.tables import UtcDateTime

STORED = UtcDateTime()
LITE, SERVER = sqlite.dialect(), postgresql.dialect()
EAST = timezone(timedelta(hours=9))


def test_a_moment_is_stored_in_utc() -> None:
    moment = datetime(2024, 1, 1, 3, tzinfo=EAST)
    assert STORED.process_bind_param(moment, LITE) == datetime(2023, 12, 31, 18)  # noqa: DTZ001
    bound = STORED.process_bind_param(moment, SERVER)
    assert bound == moment
    assert bound is not None
    assert bound.tzinfo is UTC


def test_a_moment_is_given_in_utc() -> None:
    wanted = datetime(2023, 12, 31, 18, tzinfo=UTC)
    naive = wanted.replace(tzinfo=None)
    for got in (
        STORED.process_result_value(naive, LITE),
        STORED.process_result_value(wanted.astimezone(EAST), SERVER),
    ):
        assert got == wanted
        assert got is not None
        assert got.tzinfo is UTC


@pytest.mark.parametrize("dialect", [LITE, SERVER])
def test_no_moment_stays_none(dialect: object) -> None:
    assert STORED.process_bind_param(None, dialect) is None  # type: ignore[arg-type]
    assert STORED.process_result_value(None, dialect) is None  # type: ignore[arg-type]


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="does not say its time zone"):
        STORED.process_bind_param(datetime(2024, 1, 1), LITE)  # noqa: DTZ001
