"""Work on columns side by side: Arrow and NumPy work outside the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["side_by_side"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_THREADS = min(4, os.cpu_count() or 1)


def side_by_side(action: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """What an action gives for each item, in their order; the first error is raised."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(action, items))
