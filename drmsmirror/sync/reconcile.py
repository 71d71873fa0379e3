"""Compare what is held with what the upstream has: what following by record number cannot see.

A record can vanish, or change under its number, and a long transaction can show late. Counts find
windows that differ at the price of a few requests. Besides, every window is read again in rotation,
as much of it in one night as the budget allows: of each record its number, its prime keys, where
the series has them DATE and QUALITY, which change with nearly everything else, and keywords read
through links, which change with nothing else of it; and some records, chosen at random, whole.
"""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

import pyarrow as pa

from drmsmirror.catalogue import Depth, Reconciliation
from drmsmirror.errors import UpstreamTooLargeError
from drmsmirror.mirror import Mirror
from drmsmirror.model.conditions import columns_of
from drmsmirror.model.intervals import EVERYTHING, Interval
from drmsmirror.model.positions import position_text
from drmsmirror.model.recordset import BoundSet, window_text
from drmsmirror.model.recordset.printing import windows_text
from drmsmirror.model.subscription import Reconcile
from drmsmirror.records import (
    Portion,
    count_held,
    find_differing,
    sample_held,
    sample_positions,
    window_end,
)
from drmsmirror.sync.gone import confirmed_gone
from drmsmirror.sync.task import Task
from drmsmirror.sync.windows import WindowSizer
from drmsmirror.sync.work import Work

__all__ = ["is_due", "note_as_read", "note_reading", "reconcile"]

#: Records that are read whole, chosen at random, each time.
_SAMPLE = 100

#: Places of the axis whose records are read whole where there are no record numbers.
_SAMPLE_PLACES = 25

#: After so long it is another night.
_A_NIGHT = timedelta(hours=20)


def is_due(mirror: Mirror, wanted: BoundSet, task: Task, now: datetime) -> bool:
    """Whether a record set that is held is to be compared now, and not only some night.

    That is so where it is wanted, or was last done longer ago than a night; a moment that has not
    come is of a clock that was ahead.
    """
    series = wanted.series.name
    if task.reconcile is Reconcile.OFF or not mirror.catalogue.knows(series):
        return False
    if task.everywhere:
        return True
    found = mirror.catalogue.reconciliations.load(series, wanted.text)
    if found is None or found.generation != mirror.catalogue.state(series).generation:
        return False
    return not timedelta(0) <= now - found.worked_utc < _A_NIGHT


def reconcile(work: Work, *, whole: bool, everywhere: bool) -> bool:
    """Compare as much of what is held as the budget allows, and bring what differs.

    The whole wanted set is held as of the run's target.

    Parameters
    ----------
    work : Work
    whole : bool
        Whether every record is read whole.
    everywhere : bool
        Whether a whole pass is made, whatever it takes.

    Returns
    -------
    bool
        Whether all of that was done: the time for the run did not end it.
    """
    comparison = _Comparison(
        work, is_whole=whole or not work.target.has_recnums, is_pass=everywhere
    )
    comparison.by_counts()
    comparison.in_rotation()
    comparison.by_sample()
    comparison.end()
    return not work.is_over


def note_reading(work: Work) -> None:
    """Say that the reading of a record set begins, where nothing was said of it before.

    Where some of it is held already, nobody can tell since when all is read: then the first pass
    of the rotation tells.
    """
    if _known(work) is None:
        held, extents = work.coverage(), work.portion.extents
        is_new = not any(one.extent.intersection(extent) for one in held for extent in extents)
        _save(work, replace(_state(work), pass_depth=Depth.READ if is_new else Depth.TELLING))


def note_as_read(work: Work) -> None:
    """Say that a record set that was begun to be read is read now, if it may have taken nights."""
    state = _known(work)
    if state is None:  # it was held already, or nothing of it was ahead
        _save(work, _state(work))
    elif state.pass_depth is Depth.READ and state.checked_since_utc is None:
        since = state.pass_begun_utc
        read = replace(state, checked_since_utc=since, checked_depth=Depth.READ)
        _save(work, replace(read, worked_utc=work.as_of.utc))


def _state(work: Work) -> Reconciliation:
    """How far the wanted set was compared in the present generation."""
    now = work.as_of.utc
    return _known(work) or Reconciliation(work.store.generation, -math.inf, now, None, now)


def _known(work: Work) -> Reconciliation | None:
    """The same, as it was written down; None where nothing was in the present generation."""
    found = work.mirror.catalogue.reconciliations.load(work.wanted.series.name, work.wanted.text)
    return found if found is not None and found.generation == work.store.generation else None


def _save(work: Work, state: Reconciliation) -> None:
    work.mirror.catalogue.reconciliations.save(work.wanted.series.name, work.wanted.text, state)


def _less_deep(one: Depth, other: Depth) -> Depth:
    """How deeply both were compared that make up a pass."""
    return min(one, other, key=(Depth.IN_PART, Depth.TELLING, Depth.WHOLE, Depth.READ).index)


def _ended(state: Reconciliation) -> Reconciliation:
    """The same after a pass came to its end."""
    after = replace(state, position=-math.inf)
    if state.pass_depth is Depth.IN_PART:  # what was said of the pass before stays true
        return after
    since, depth = state.pass_begun_utc, state.pass_depth
    return replace(after, checked_since_utc=since, checked_depth=depth)


class _Comparison:
    """One night's comparison of a record set."""

    def __init__(self, work: Work, *, is_whole: bool, is_pass: bool) -> None:
        self._work = work
        self._is_whole = is_whole
        self._is_pass = is_pass
        self._sizer = WindowSizer(work.mirror.settings.sync, 0.0)
        settings = work.mirror.settings.sync
        self._ends_at = time.monotonic() + settings.reconcile_seconds
        self._bytes_before = work.upstream.traffic.bytes
        self._most_bytes = settings.reconcile_mib * 2**20

    # -- counts -----------------------------------------------------------------------------------

    def by_counts(self) -> None:
        """Find windows in which the numbers of records differ, and compare those.

        By conditions on rounded values the upstream may count others than are counted here.
        """
        if self._rests_on_rounded_values:
            return
        here = self._count_held(EVERYTHING)
        there = self._count_there(EVERYTHING)
        if here == there:
            return
        windows = list(self._windows(-math.inf, self._work.mirror.settings.sync.max_window))
        self._descend(windows, there)

    def _descend(self, windows: list[Interval], there: int) -> None:
        """Compare those of some neighbouring windows, with so many records, that differ."""
        whole = Interval(windows[0].low, windows[-1].high)
        if self._count_held(whole) == there or self._work.is_over:
            return
        if len(windows) == 1:
            self._compare(whole)
            return
        middle = len(windows) // 2
        first = self._count_there(Interval(windows[0].low, windows[middle].low))
        self._descend(windows[:middle], first)
        self._descend(windows[middle:], there - first)

    @property
    def _rests_on_rounded_values(self) -> bool:
        series, conditions = self._work.wanted.series, self._work.wanted.sql
        read = {name for one in conditions for name in columns_of(one.tree)}
        return any(column.name in read and column.type.is_float for column in series.columns)

    def _count_there(self, window: Interval) -> int:
        return self._work.upstream.count(window_text(self._work.wanted, window))

    def _count_held(self, window: Interval) -> int:
        return count_held(self._work.store.table, self._work.portion.within(window))

    # -- rotation ---------------------------------------------------------------------------------

    def in_rotation(self) -> None:
        """Compare window after window from where the last night ended, until the budget is used."""
        work = self._work
        state = _state(work)
        depth = Depth.WHOLE if self._is_whole else Depth.TELLING
        if self._is_pass:
            state = replace(state, position=-math.inf)
        if state.position == -math.inf:
            state = replace(state, pass_begun_utc=work.as_of.utc, pass_depth=depth)
        _save(work, state)
        while not self._is_over:
            window = self._next_window(state.position)
            is_compared = self._compare(window)
            deep = _less_deep(state.pass_depth, depth if is_compared else Depth.IN_PART)
            state = replace(state, position=window.high, pass_depth=deep)
            if window.high == math.inf:
                _save(work, _ended(state))
                return
            _save(work, state)

    @property
    def _is_over(self) -> bool:
        if self._work.is_over:
            return True
        used = self._work.upstream.traffic.bytes - self._bytes_before
        is_spent = time.monotonic() >= self._ends_at or used >= self._most_bytes
        return is_spent and not self._is_pass

    def _windows(self, low: float, records: int) -> Iterator[Interval]:
        """The axis from a position on, cut where so many records are held."""
        while True:
            end = window_end(self._work.store.table, self._work.portion, low, records)
            if end is None or end <= low:
                yield Interval(low, math.inf)
                return
            yield Interval(low, end)
            low = end

    def _next_window(self, low: float) -> Interval:
        return next(self._windows(low, self._sizer.rows))

    def end(self) -> None:
        """Say that the night's work is done: one that died before is taken up by the next run."""
        _save(self._work, replace(_state(self._work), worked_utc=self._work.as_of.utc))

    # -- one window -------------------------------------------------------------------------------

    def _compare(self, window: Interval) -> bool:
        """Read a window again, wholly or as far as that tells, and bring what differs.

        Whether all of it could be read is given back.
        """
        work, within = self._work, self._work.portion.within(window)
        if not within:
            return True
        text = window_text(work.wanted, window)
        series = work.wanted.series
        try:
            listed = work.fetch(text, columns=None if self._is_whole else self._compared)
        except UpstreamTooLargeError:
            self._sizer.refused()
            halves = self._windows(window.low, max(1, count_held(work.store.table, within) // 2))
            inside = [
                half.intersection(window)
                for half in takewhile(lambda half: half.low < window.high, halves)
            ]
            if len(inside) < 2:  # it cannot be cut; following by number has seen what it can
                work.notices.append(f"{text} is too much for the upstream to be compared")
                return False
            compared = [self._compare(half) for half in inside]
            return all(compared)
        self._sizer.fetched(listed.rows, listed.seconds, listed.body_bytes)
        gone = confirmed_gone(work, within, listed.table, text)
        if self._is_whole:
            work.keep(listed.table, (), gone)
        else:
            self._bring(within, listed.table, gone)
        work.say(f"compared up to {position_text(series, window.high)}")
        return True

    @property
    def _compared(self) -> frozenset[str]:
        """Columns that show that a record changed, as far as they are wanted."""
        return self._work.harvest.telling(self._work.wanted.series)

    def _bring(self, within: Portion, listed: pa.Table, gone: pa.Table | None) -> None:
        """Read records whole that are not held as they are listed."""
        work = self._work
        given = work.store.typed(listed)
        names = set(listed.column_names)
        compared = [one.name for one in work.wanted.series.columns if one.key in names]
        differing = find_differing(
            work.store.table, within, given, compared, generation=work.store.generation
        )
        if gone is not None:
            work.keep(listed.slice(0, 0), (), gone)
        work.bring(differing)

    # -- a sample ---------------------------------------------------------------------------------

    def by_sample(self) -> None:
        """Read some records whole, chosen at random: what changes while DATE and QUALITY stay."""
        work = self._work
        if (self._is_pass and self._is_whole) or self._is_over:
            return
        before = work.store.totals.records_revised
        looked_at = self._bring_some()
        changed = work.store.totals.records_revised - before
        if changed:
            unseen = (
                "though their record number, DATE and QUALITY had not"
                if work.target.has_recnums
                else "before the last days, which alone are read again each time"
            )
            work.notices.append(
                f"{changed} of {looked_at} records chosen at random had changed {unseen}. "
                f"Read all of them once: "
                f"drmsmirror sync {shlex.quote(work.asked)} --reconcile --full"
            )

    def _bring_some(self) -> int:
        """Read some records as they are now; without numbers those of some places of the axis."""
        work, table = self._work, self._work.store.table
        if work.target.has_recnums:
            return len(
                work.bring(
                    sample_held(table, work.portion, _SAMPLE, generation=work.store.generation)
                )
            )
        places = sample_positions(table, work.portion, _SAMPLE_PLACES)
        if not places:
            return 0
        text = windows_text(work.wanted, [Interval(place, place + 1) for place in places])
        listed = work.fetch(text)
        work.keep(listed.table, ())
        return listed.rows
