"""Fetch what is not held, window by window along the axis, the newest first."""

from __future__ import annotations

from drmsmirror.catalogue import RunOutcome
from drmsmirror.model.coverage import Interval, gaps
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.positions import position_text
from drmsmirror.model.recordset import window_text
from drmsmirror.sync.asking import Asker
from drmsmirror.sync.survey import survey
from drmsmirror.sync.take import Taken, take_window
from drmsmirror.sync.windows import WindowSizer
from drmsmirror.sync.work import Work

__all__ = ["backfill"]


def backfill(work: Work) -> RunOutcome:
    """Fetch every part of the wanted set that is not held, as far as time allows."""
    outcome = RunOutcome.DONE
    asker = Asker(work)
    for piece in extent_of(work.wanted):
        if missing := _missing(work, piece):
            outcome = _fill(work, asker, piece, missing)
        if outcome is not RunOutcome.DONE:
            return outcome
    work.share_held = 1.0
    return outcome


def _missing(work: Work, piece: Extent) -> tuple[Interval, ...]:
    held = [entry.interval for entry in work.held_entries(piece.restriction)]
    return gaps(piece.interval, held)


def _fill(work: Work, asker: Asker, piece: Extent, missing: tuple[Interval, ...]) -> RunOutcome:
    """Fetch the missing parts of one piece."""
    extent = asker.extent(piece.interval, missing)
    inside = [part for gap in missing if (part := gap.intersection(extent))]
    outlook = survey(work, asker, extent, inside)
    if not work.reporter.ahead(outlook.ahead):
        return RunOutcome.STOPPED
    if not work.store.has_table:
        work.store.make_table(work.as_of.recnum, asker.days_of_series())
    sizer = WindowSizer(work.mirror.settings.sync, outlook.density, asker.smallest_window)
    while missing:
        if work.is_over:
            return RunOutcome.STOPPED
        gap = missing[-1]
        populated = gap.intersection(extent)
        window = sizer.newest(populated) if populated else gap
        reach = _reach(window, gap, extent) if populated else gap
        work.share_held = _share(piece, extent, missing, window)
        taken = take_window(
            work,
            sizer if populated else None,
            window,
            window_text(work.wanted, reach),
            [work.entry(reach, piece.restriction)],
            share_held=work.share_held,
        )
        if taken is Taken.HELD:
            missing = _missing(work, piece)
            left = sum(_length(part, extent) for part in missing)
            place = position_text(work.wanted.series, max(window.low, extent.low))
            work.say(place, round(left * outlook.density))
    return RunOutcome.DONE


def _reach(window: Interval, gap: Interval, extent: Interval) -> Interval:
    """What a window takes in: above the extent there is nothing, as the upstream said.

    Below it there can be records without an axis value: they are a window of their own.
    """
    return Interval(window.low, gap.high if window.high >= extent.high else window.high)


def _share(
    piece: Extent, extent: Interval, missing: tuple[Interval, ...], window: Interval
) -> float:
    """Share of the extent that is held once the window is."""
    whole = _length(piece.interval, extent)
    left = sum(_length(part, extent) for part in missing) - _length(window, extent)
    return 1.0 if whole <= 0 else min(1.0, max(0.0, 1.0 - left / whole))


def _length(part: Interval, extent: Interval) -> float:
    common = part.intersection(extent)
    return common.high - common.low if common else 0.0
