"""Take records by their numbers: what is newer, and what no window on the axis can cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drmsmirror.catalogue import RunOutcome
from drmsmirror.errors import UpstreamTooLargeError
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.intervals import Interval
from drmsmirror.sync.take import Taken, take_window
from drmsmirror.sync.windows import WindowSizer
from drmsmirror.sync.work import Work

__all__ = ["take_by_recnum"]


def take_by_recnum(
    work: Work,
    recnums: Interval,
    density: float,
    question: Callable[[Interval], str],
    held_up_to: Callable[[int], Sequence[CoverageEntry]],
) -> RunOutcome:
    """Take records window by window of their numbers, the smallest first.

    Parameters
    ----------
    work : Work
    recnums : Interval
        Which numbers.
    density : float
        Records expected per number.
    question : callable
        The record set to ask for, by window.
    held_up_to : callable
        What is held completely once all up to a number are taken.

    Returns
    -------
    RunOutcome
        ``done``, or ``stopped`` where time was up.

    Raises
    ------
    UpstreamTooLargeError
        The upstream says that a single record is too much.
    """
    sizer = WindowSizer(work.mirror.settings.sync, density)
    left = recnums
    while left:
        if work.is_over:
            return RunOutcome.STOPPED
        window = sizer.oldest(left)
        reached = int(window.high) - 1
        taken = take_window(work, sizer, window, question(window), held_up_to(reached))
        if taken is Taken.HELD:
            left = Interval(window.high, left.high)
            work.say(f"up to recnum {reached}")
        elif not sizer.can_cut(window):
            raise UpstreamTooLargeError(
                f"The upstream gives no answer even for a single record number, "
                f"{question(window)}: it says that this is too much. What was finished is kept"
            )
    return RunOutcome.DONE
