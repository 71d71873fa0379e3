"""Bring what is held up to date: every record that is newer, by record number.

DRMS gives every new or reprocessed record a larger record number, so that nothing is missed
whatever its time (DRMS semantics 5.1).
"""

from __future__ import annotations

from dataclasses import replace

from drmsmirror.model.coverage import Interval
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.recordset import recnum_text
from drmsmirror.sync.take import Taken, take_window
from drmsmirror.sync.windows import WindowSizer
from drmsmirror.sync.work import Work

__all__ = ["follow"]

#: Record numbers below the last reading that are read again: a long transaction can make a
#: smaller number visible after a larger one.
_OVERLAP = 1000


def follow(work: Work) -> None:
    """Take the changes since what is held of the wanted set was read.

    Stops between windows when time is up; the next run goes on there.
    """
    for piece in extent_of(work.wanted):
        _follow(work, piece)


def _follow(work: Work, piece: Extent) -> None:
    target = work.as_of.recnum
    behind = [
        replace(entry, interval=part, restriction=piece.restriction.text)
        for entry in work.held_entries(piece.restriction)
        if entry.as_of_recnum < target and (part := entry.interval.intersection(piece.interval))
    ]
    if not behind:
        return
    since = min(entry.as_of_recnum for entry in behind)
    left = Interval(max(1, since + 1 - _OVERLAP), target + 1)
    sizer = WindowSizer(work.mirror.settings.sync, density=1.0)
    while left and not work.is_over:
        window = sizer.oldest(left)
        reached = int(window.high) - 1
        entries = [
            replace(entry, as_of_recnum=reached, as_of_utc=work.as_of.utc)
            for entry in behind
            if entry.as_of_recnum <= reached
        ]
        text = recnum_text(work.wanted, window)
        if take_window(work, sizer, window, text, entries) is Taken.HELD:
            left = Interval(window.high, left.high)
            work.say(f"recnum {reached}", 0)
