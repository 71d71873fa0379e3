"""What the benches say of their figures."""

from __future__ import annotations

import pytest

from scripts.bench.measure import Figure, exit_code


def figure(met: bool | None) -> Figure:
    return Figure("ingest", "rows a second", "1", required="at least 2", met=met)


@pytest.mark.parametrize(
    ("met", "check", "code"),
    [
        ([True, None], True, 0),
        ([True, None, False], True, 1),
        ([True, None, False], False, 0),
        ([], True, 0),
    ],
)
def test_a_figure_that_is_not_as_required_fails_a_check(
    met: list[bool | None], check: bool, code: int
) -> None:
    assert exit_code([figure(each) for each in met], check=check) == code
