"""How large the next window of a backfill is: bounded by rows, time and bytes.

A window is a unit of work: fetched, stored and recorded, or not done at all. Its size follows what
the last one cost, so that a slow server gets small requests and a fast one few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from drmsmirror.model.intervals import Interval
from drmsmirror.settings import SyncSettings

__all__ = ["WindowSizer", "windows_for"]

#: A window is at most this many times as large as the one before.
_GROWTH = 5.0

#: How full of its limit a window may be counted before it is cut again.
_TOLERANCE = 1.25


@dataclass(slots=True)
class WindowSizer:
    """Chooses windows on one stretch of an axis.

    Parameters
    ----------
    settings : SyncSettings
        The bounds.
    density : float
        Records expected per unit of the axis.
    smallest : float
        Shortest window that makes sense: one slot, one record number, one second; infinite for
        a stretch without a place to cut at.
    first : float
        Records in the first window, where more is known of the server than nothing.
    """

    settings: SyncSettings
    density: float
    smallest: float = 1.0
    first: float = 0.0
    _rows: float = 0.0
    _width: float = 0.0

    def __post_init__(self) -> None:
        first = max(self.settings.first_window, self.first)
        self._rows = float(min(first, self.settings.max_window))

    @property
    def rows(self) -> int:
        """Records that the next window aims at."""
        return max(1, int(self._rows))

    def width(self) -> float:
        """Length of the next window on the axis, a multiple of ``smallest``."""
        wanted = self._rows / self.density if self.density > 0 else math.inf
        if self._width:
            wanted = min(wanted, self._width * _GROWTH)
        if not math.isfinite(wanted):
            return wanted
        return max(self.smallest, math.floor(wanted / self.smallest) * self.smallest)

    def newest(self, gap: Interval) -> Interval:
        """The window at the upper end of a gap."""
        return Interval(max(gap.low, gap.high - self.width()), gap.high)

    def oldest(self, gap: Interval) -> Interval:
        """The window at the lower end of a gap."""
        return Interval(gap.low, min(gap.high, gap.low + self.width()))

    def can_cut(self, window: Interval) -> bool:
        """Whether a shorter window makes sense."""
        return window.high - window.low > self.smallest

    @property
    def most_rows(self) -> int:
        """Records that the next window may have at most."""
        return max(1, int(min(self._rows * _TOLERANCE, self.settings.max_window)))

    def fits(self, rows: float) -> bool:
        """Whether a window with so many records at most is not too large."""
        return rows <= self.most_rows

    def is_too_large(self, window: Interval, rows: int) -> bool:
        """Whether a window that was counted has more records than it should.

        One that cannot be cut may have as many as any window.
        """
        return not self.fits(rows) if self.can_cut(window) else rows > self.settings.max_window

    def counted(self, window: Interval, rows: int) -> None:
        """Learn from a count how dense the records lie there."""
        self._width = max(window.high - window.low, self.smallest)
        if not math.isfinite(self._width):
            self._width = 0.0
        elif rows:
            self.density = rows / self._width
            if rows > self._rows * _TOLERANCE:
                # they may all lie at the end that is kept: cut by half at least
                self._width /= 2 * _GROWTH
        else:
            self.density /= _GROWTH

    def fetched(self, rows: int, seconds: float, body_bytes: int) -> None:
        """Learn from a fetched window how many records the next may have."""
        if not rows:
            return
        by_time = self.settings.window_seconds * rows / max(seconds, 1e-3)
        by_size = self.settings.window_mib * 2**20 * rows / max(body_bytes, 1)
        wanted = min(by_time, by_size, self.settings.max_window, self._rows * _GROWTH)
        self._rows = max(1.0, wanted)

    def refused(self) -> None:
        """The server gave nothing because it was too much: ask for half."""
        self._rows = max(1.0, self._rows / 2)
        self._width /= 2
        self.density *= 2


def windows_for(
    settings: SyncSettings, rows: int, seconds: float, size: float, first: float = 0.0
) -> int:
    """How many windows so many records take.

    Parameters
    ----------
    settings : SyncSettings
    rows : int
    seconds, size : float
        What they cost together, in seconds and in bytes.
    first : float
        Records in the first window, where more is known of the server than nothing.
    """
    sizer, left, windows, before = WindowSizer(settings, 1.0, first=first), rows, 0, 0
    while left > 0 and sizer.rows != before:
        if sizer.fits(left):
            return windows + 1
        before = sizer.rows
        sizer.fetched(before, before * seconds / rows, round(before * size / rows))
        left -= before
        windows += 1
    return windows + math.ceil(max(left, 0) / sizer.rows)
