"""Fetch what is not held, window by window along the axis, the newest first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from drmsmirror.catalogue import RunOutcome
from drmsmirror.errors import UpstreamTooLargeError
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import Extent
from drmsmirror.model.intervals import Interval
from drmsmirror.model.positions import position_text
from drmsmirror.model.recordset import window_text
from drmsmirror.model.recordset.printing import windows_text
from drmsmirror.sync.byrecnum import take_by_recnum
from drmsmirror.sync.pieces import Piece
from drmsmirror.sync.take import Taken, take_window
from drmsmirror.sync.windows import WindowSizer
from drmsmirror.sync.work import Work

__all__ = ["backfill"]


def backfill(work: Work) -> RunOutcome:
    """Fetch every part of the wanted set that is not held, as far as time allows."""
    settings, extent = work.mirror.settings.sync, work.outlook.extent
    sizer = WindowSizer(settings, work.outlook.density)
    outcome, before = RunOutcome.DONE, work.steps
    while outcome is RunOutcome.DONE and (newest := _newest_gap(work.pieces())):
        if work.ends_after(work.steps - before):
            return RunOutcome.STOPPED
        piece, gap = newest
        if populated := gap.intersection(extent):
            outcome = _take(work, sizer, sizer.newest(populated), piece, gap)
        else:  # nothing, or records without an axis value: there is no place to cut at
            outcome = _take(work, WindowSizer(settings, 0.0, math.inf), gap, piece, gap)
    return outcome


def _newest_gap(pieces: Iterable[Piece]) -> tuple[Extent, Interval] | None:
    gaps = [(piece.wanted, gap) for piece in pieces for gap in piece.missing]
    return max(gaps, key=lambda found: found[1].high, default=None)


def _take(
    work: Work, sizer: WindowSizer, window: Interval, piece: Extent, gap: Interval
) -> RunOutcome:
    """Take one window, by record number where it is too large and cannot be cut.

    Without record numbers such a one is asked for as a whole all the same.

    Above the extent there is nothing, as the upstream said: the uppermost window reaches up to
    the end of its gap. Below it there can be records without an axis value. Where the records are
    held, only the columns that they lack are read.
    """
    reach = Interval(
        window.low, gap.high if window.high >= work.outlook.extent.high else window.high
    )
    extent = Extent(reach, piece.restriction)
    held = work.columns_held(extent)
    lacking = work.harvest.wanted - held if held else work.harvest.read
    entries = [work.entry(extent, held | lacking)]
    whole = replace(work.portion, extents=(extent,))
    question = window_text(work.wanted, reach)
    taken = take_window(
        work, sizer, window, question, entries, whole, columns=lacking if held else None
    )
    if taken is Taken.TOO_LARGE and not sizer.can_cut(window):
        whole_entries = [work.entry(extent, work.harvest.read)]
        if work.target.has_recnums:
            return _take_by_recnum(work, reach, whole_entries)
        taken = take_window(work, sizer, window, question, whole_entries, whole, at_any_size=True)
        if taken is Taken.TOO_LARGE:
            raise UpstreamTooLargeError(
                f"The upstream gives no answer for {question}: it says that this is too much, and "
                f"without record numbers it cannot be cut further. What was finished is kept; "
                f"sync parts that other keys cut out"
            )
    if taken is Taken.HELD:
        place = max(window.low, work.outlook.extent.low)
        work.say(f"back to {position_text(work.wanted.series, place)}")
    return RunOutcome.DONE


def _take_by_recnum(work: Work, reach: Interval, entries: Sequence[CoverageEntry]) -> RunOutcome:
    """Take a part of the axis by record number; it is held once all numbers are taken."""
    target = work.as_of.recnum

    def held_up_to(recnum: int) -> Sequence[CoverageEntry]:
        return entries if recnum >= target else ()

    def question(recnums: Interval) -> str:
        return windows_text(work.wanted, [reach], recnums)

    density = work.outlook.total / max(target, 1)
    return take_by_recnum(work, Interval(1, target + 1), density, question, held_up_to)
