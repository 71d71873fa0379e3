"""When comparing in rotation comes round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from drmsmirror.catalogue import Reconciliation
from drmsmirror.client.comparing import comes_round

BEGUN = datetime(2026, 11, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("nights", "share", "left"),
    [(1, 0.5, 1), (1, 0.1, 9), (3, 0.3, 7), (4, 0.7, 2), (2, 0.999, 1)],
)
def test_a_pass_ends_at_the_speed_that_it_had(nights: int, share: float, left: int) -> None:
    worked = BEGUN + timedelta(days=nights - 1, minutes=20)
    pass_ = Reconciliation(0, 12.0, BEGUN, None, worked)
    assert comes_round(pass_, share) == worked + timedelta(days=left)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_of_one_that_has_not_moved_nothing_is_said(share: float) -> None:
    assert comes_round(Reconciliation(0, 12.0, BEGUN, None, BEGUN), share) is None
