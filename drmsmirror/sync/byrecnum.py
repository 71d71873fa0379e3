"""Take records by their numbers: what is newer, and what no window on the axis can cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from drmsmirror.catalogue import RunOutcome
from drmsmirror.errors import UpstreamTooLargeError
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.intervals import Interval
from drmsmirror.sync.nothing import confirm_nothing
from drmsmirror.sync.speed import first_rows
from drmsmirror.sync.take import Taken, no_records, take_window
from drmsmirror.sync.windows import WindowSizer
from drmsmirror.sync.work import Work

__all__ = ["COUNTED_TOGETHER", "take_by_recnum", "take_counted"]

#: Windows that are counted together at most: so many are read again after a kill among them.
COUNTED_TOGETHER = 3

#: Records per number from which windows of no more numbers than records cost less than counts.
_DENSE = 0.5

#: The record set to ask for, by window.
_Question = Callable[[Interval], str]
#: What is held completely once all records up to a number are taken.
_HeldUpTo = Callable[[int], Sequence[CoverageEntry]]


def take_by_recnum(
    work: Work, recnums: Interval, density: float, question: _Question, held_up_to: _HeldUpTo
) -> RunOutcome:
    """Take records window by window of their numbers, the smallest first.

    Once time is up it ends as soon as more is held than before: what is not held by then would be
    taken again by the next run, which would come no further.

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
    left, before = recnums, work.steps
    while left:
        if work.ends_after(work.steps - before):
            return RunOutcome.STOPPED
        window = sizer.oldest(left)
        reached = int(window.high) - 1
        taken = take_window(work, sizer, window, question(window), held_up_to(reached))
        if taken is Taken.HELD:
            left = Interval(window.high, left.high)
            work.say(f"up to recnum {reached}")
        elif not sizer.can_cut(window):
            raise _too_much(question(window))
    return RunOutcome.DONE


def take_counted(
    work: Work, recnums: Interval, records: int, question: _Question, held_up_to: _HeldUpTo
) -> RunOutcome:
    """Take records that were counted before, in fewer requests.

    Some windows are counted together when they are there, and count as held together. Where the
    number is not that of the records that came, all of them are taken again, each with a count of
    its own. How large a window can be is mostly known without one: no two records have one number.

    Parameters
    ----------
    work : Work
    recnums : Interval
        Which numbers.
    records : int
        How many records there are.
    question, held_up_to : callable
        See :func:`take_by_recnum`.

    Returns
    -------
    RunOutcome
        ``done``, or ``stopped`` where time was up.

    Raises
    ------
    UpstreamAnswerError
        An answer has another number of records than the upstream counts, again and again, or none
        where that cannot be believed.
    UpstreamTooLargeError
        The upstream says that a single record is too much.
    """
    if recnums and not records:
        confirm_nothing(work, question(recnums))
    density = records / max(recnums.high - recnums.low, 1.0)
    sizer = WindowSizer(work.mirror.settings.sync, density, first=first_rows(work))
    stretch = _Stretch(work, sizer, question, recnums, records)
    before = work.steps
    while stretch.left:
        if not stretch.is_begun and work.ends_after(work.steps - before):
            return RunOutcome.STOPPED
        given = stretch.next_window()
        if given is None:
            continue
        if not stretch.is_due:
            work.keep(given, ())
        elif stretch.is_whole():
            work.keep(given, held_up_to(stretch.reached))
            stretch.begin_another()
        else:
            taken = Interval(stretch.low, stretch.reached + 1)
            if take_by_recnum(work, taken, density, question, held_up_to) is RunOutcome.STOPPED:
                return RunOutcome.STOPPED
            stretch.begin_another()
        work.say(f"up to recnum {stretch.reached}")
    return RunOutcome.DONE


class _Stretch:
    """Some windows that are counted together, of numbers among which so many records lie."""

    def __init__(
        self, work: Work, sizer: WindowSizer, question: _Question, recnums: Interval, records: int
    ) -> None:
        self.left = recnums
        self.low = recnums.low
        self._work = work
        self._sizer = sizer
        self._question = question
        self._records = records
        self._given = 0
        self._windows = 0
        self._was_refused = False

    @property
    def reached(self) -> int:
        """The largest number that was taken."""
        return int(self.left.low) - 1

    @property
    def is_begun(self) -> bool:
        """Whether something was taken that is not counted yet."""
        return self._windows > 0

    @property
    def is_due(self) -> bool:
        """Whether it is time to count: what is not counted by the end of a run is taken again."""
        return not self.left or self._windows >= COUNTED_TOGETHER or self._work.is_over

    def is_whole(self) -> bool:
        """Whether as many records came as there are."""
        if not self.left and self._given == self._records:
            return True
        taken = self._question(Interval(self.low, self.left.low))
        counted = self._work.upstream.count(taken)
        if not counted:
            confirm_nothing(self._work, taken)
        return counted == self._given

    def begin_another(self) -> None:
        """Go on behind what was taken."""
        self.low = self.left.low
        self._records -= self._given
        self._given = self._windows = 0

    def next_window(self) -> pa.Table | None:
        """Fetch the next window; None where it was too large, and will be smaller."""
        sizer, there = self._sizer, self._records - self._given
        is_last = there >= 0 and sizer.fits(there) and not self._was_refused
        window = self.left if is_last else sizer.oldest(self.left)
        if not is_last and sizer.density >= _DENSE:
            window = window.intersection(Interval(window.low, window.low + sizer.most_rows))
        text = self._question(window)
        if not is_last and not sizer.fits(window.high - window.low):
            counted = self._work.upstream.count(text)
            sizer.counted(window, counted)
            if sizer.is_too_large(window, counted):
                return None
        given = no_records(self._work)
        if there:
            try:
                listed = self._work.fetch(text)
            except UpstreamTooLargeError:
                if not sizer.can_cut(window):
                    raise _too_much(text) from None
                sizer.refused()
                self._was_refused = True
                return None
            sizer.fetched(listed.rows, listed.seconds, listed.body_bytes)
            given = listed.table
        self.left = Interval(window.high, self.left.high)
        self._given += given.num_rows
        self._windows += 1
        return given


def _too_much(record_set: str) -> UpstreamTooLargeError:
    return UpstreamTooLargeError(
        f"The upstream gives no answer even for a single record number, {record_set}: it says "
        f"that this is too much. What was finished is kept"
    )
