"""Parameters of which every run takes some, and the long tier the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

__all__ = ["one_in"]


def one_in(every: int, values: Sequence[Any], ids: Sequence[str] | None = None) -> list[Any]:
    """Give each value as a parameter; all but every so many-th are marked ``long``.

    Parameters
    ----------
    every : int
    values : sequence
        Of which a tuple is several parameters.
    ids : sequence of str, optional
    """
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=[pytest.mark.long] if number % every else [],
            id=None if ids is None else ids[number],
        )
        for number, value in enumerate(values)
    ]
