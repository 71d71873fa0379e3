"""Storage units: which are on disk, on which partition, and which are on tape or gone.

A unit (``sunum``) is a directory of SUMS. The partition that it lies on cannot be told from its
number, and is another one after it was brought back from tape (DRMS semantics 3.4).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["OFFLINE_EVERY", "UnitState", "Units"]

OFFLINE_EVERY: Final = 41
_PARTITIONS: Final = 97


class UnitState(Enum):
    """What became of a storage unit."""

    ONLINE = "online"
    """On disk."""
    OFFLINE = "offline"
    """On tape: it can be brought back."""
    GONE = "gone"
    """Neither on disk nor on tape."""
    NONE = "none"
    """The record never had one: its number is negative."""


class Units:
    """Where each storage unit is.

    Parameters
    ----------
    offline_every : int
        Until told otherwise one unit in so many is on tape, the others on disk; 0 for none.
    """

    def __init__(self, offline_every: int = OFFLINE_EVERY) -> None:
        self._every = offline_every
        self._lock = threading.Lock()
        self._states: dict[int, UnitState] = {}
        self._partitions: dict[int, int] = {}

    def put(self, sunums: Iterable[int], state: UnitState) -> None:
        """Say what became of units. One that comes back from tape lies on another partition."""
        with self._lock:
            for sunum in sunums:
                back = self._state(sunum) is not UnitState.ONLINE and state is UnitState.ONLINE
                if back:
                    self._partitions[sunum] = (self._partition(sunum) + 1) % _PARTITIONS
                self._states[sunum] = state

    def move(self, sunums: Iterable[int], partition: int) -> None:
        """Put units on a partition: ``/SUM5`` is number 5."""
        with self._lock:
            self._partitions.update(dict.fromkeys(sunums, partition))

    def state(self, sunum: int) -> UnitState:
        """What became of a unit."""
        with self._lock:
            return self._state(sunum)

    def states(self, sunums: NDArray[Any]) -> list[UnitState]:
        """What became of each unit."""
        with self._lock:
            return [self._state(sunum) for sunum in sunums.tolist()]

    def folders(self, sunums: NDArray[Any]) -> list[str]:
        """Directory of each unit, ``/SUM12/D1148128819``; empty where it is not on disk."""
        with self._lock:
            return [
                f"/SUM{self._partition(n)}/D{n}" if self._state(n) is UnitState.ONLINE else ""
                for n in sunums.tolist()
            ]

    def folder(self, sunum: int) -> str:
        """Directory of one unit; empty when it is not on disk."""
        return self.folders(np.array([sunum]))[0]

    def _state(self, sunum: int) -> UnitState:
        told = self._states.get(sunum)
        if told is not None:
            return told
        if sunum < 0:
            return UnitState.NONE
        on_tape = self._every > 0 and sunum % self._every == 0
        return UnitState.OFFLINE if on_tape else UnitState.ONLINE

    def _partition(self, sunum: int) -> int:
        return self._partitions.get(sunum, sunum % _PARTITIONS)
