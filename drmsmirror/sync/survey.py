"""What lies ahead of a run: how many records, and what they will cost.

A few counts and one timed probe of a hundred records answer both. Where nothing is missing, one
count does: how long records take is known by then. Where nothing is to be done, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from drmsmirror.files import free_bytes
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.intervals import EVERYTHING, Interval, inside, length, union
from drmsmirror.model.recordset import recnum_text
from drmsmirror.records import count_held
from drmsmirror.sync.asking import Asker
from drmsmirror.sync.byrecnum import COUNTED_TOGETHER
from drmsmirror.sync.narrower import narrower_sets
from drmsmirror.sync.nothing import confirm_nothing
from drmsmirror.sync.outlook import Outlook
from drmsmirror.sync.pieces import all_behind, all_missing, recnums_to_follow
from drmsmirror.sync.progress import Ahead
from drmsmirror.sync.speed import first_rows, likely_bytes, likely_seconds
from drmsmirror.sync.target import is_first_reading, with_numbers_given
from drmsmirror.sync.windows import windows_for
from drmsmirror.sync.work import Work
from drmsmirror.upstream import RecordText

__all__ = ["Survey", "survey"]

_PROBE = 100

#: Bytes that one stored value takes: 216 MB for 1.2 million records of 86 keywords.
_BYTES_PER_VALUE = 2.1


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found out before a run.

    Parameters
    ----------
    outlook : Outlook
        For the run itself.
    ahead : Ahead or None
        For whoever has to agree; None where nothing is missing and nothing is behind.
    """

    outlook: Outlook
    ahead: Ahead | None = None


def survey(work: Work, asker: Asker) -> Survey:
    """Count what is missing and what is newer, over all pieces, and time a probe of it."""
    pieces, target = work.pieces(), work.as_of.recnum
    missing, behind = all_missing(pieces), all_behind(pieces)
    if not missing:
        return _survey_of_newer(work, behind) if behind else Survey(Outlook())
    wanted = union(piece.wanted.interval for piece in pieces)
    total = asker.count(wanted)
    work.known = replace(work.known, records=total)
    if is_first_reading(work.mirror, work.target):
        work.target = with_numbers_given(work.target, work.mirror, work.upstream, work.wanted)
        target = work.as_of.recnum
    if not total:  # the first run makes a table by what it is told here
        confirm_nothing(work, work.asked)
    lacking = total if missing == wanted else asker.count(missing)
    recnums = recnums_to_follow(behind, target)
    newer = work.upstream.count(recnum_text(work.followed, recnums)) if behind else 0
    per_recnum = _per_unit(newer, recnums.high - recnums.low)
    unread = target - min((entry.as_of_recnum for entry in behind), default=target)
    extent = asker.extent(missing)
    outlook = Outlook(
        total=total,
        unheld=lacking + round(per_recnum * unread),
        records=lacking + newer,
        extent=extent,
        density=_per_unit(lacking, length(inside(missing, extent))),
        newer=per_recnum,
        following=newer,
    )
    probe = None
    if lacking:
        whole = asker.text(missing)
        newest = [_end(part, outlook.density) for part in inside(missing, extent)[-1:]]
        probe = _probe(work, asker.text(newest) if newest else whole, whole)
    elif newer:
        newest_recnums = _end(recnums, outlook.newer)
        probe = _probe(
            work, recnum_text(work.followed, newest_recnums), recnum_text(work.followed, recnums)
        )
    narrower = narrower_sets(work.wanted, inside(missing, extent), probe)
    times = outlook.records / probe.rows if probe is not None and probe.rows else 0.0
    seconds, size = (times * probe.seconds, times * probe.body_bytes) if probe else (0.0, 0.0)
    return Survey(outlook, _ahead(work, outlook, seconds, size, narrower))


def _survey_of_newer(work: Work, behind: Sequence[CoverageEntry]) -> Survey:
    """The same where all is held, of whatever date: as it is on most nights."""
    target = work.as_of.recnum
    recnums = recnums_to_follow(behind, target)
    newer = work.upstream.count(recnum_text(work.followed, recnums))
    per_recnum = _per_unit(newer, recnums.high - recnums.low)
    unheld = round(per_recnum * (target - min(entry.as_of_recnum for entry in behind)))
    total = _held(work) + unheld
    work.known = replace(work.known, records=total)
    outlook = Outlook(total=total, unheld=unheld, records=newer, newer=per_recnum, following=newer)
    return Survey(
        outlook, _ahead(work, outlook, likely_seconds(work, newer), likely_bytes(work, newer), ())
    )


def _held(work: Work) -> int:
    """About how many records of the wanted set are held."""
    if extent_of(work.wanted) == (Extent(EVERYTHING),):
        return work.store.rows_held
    return count_held(work.store.table, work.portion) if work.store.has_table else 0


def _per_unit(records: int, units: float) -> float:
    return records / units if units > 0 else 0.0


def _end(part: Interval, density: float) -> Interval:
    """The upper end of a part where, at that density, as many records lie as a probe has."""
    width = max(1.0, round(_PROBE / density)) if density > 0 else part.high - part.low
    return Interval(max(part.low, part.high - width), part.high)


def _probe(work: Work, near: str, whole: str) -> RecordText:
    """Some of the newest records; some of any where there are none."""
    rows = min(_PROBE, work.mirror.settings.sync.max_window)
    sample = work.fetch(near, rows)
    return sample if sample.rows or near == whole else work.fetch(whole, rows)


def _ahead(
    work: Work, outlook: Outlook, seconds: float, size: float, narrower: tuple[str, ...]
) -> Ahead:
    records = outlook.records
    values = len(work.wanted.series.columns) + 2
    return Ahead(
        series=work.wanted.series.name,
        records=records,
        requests=_requests(work, outlook, seconds, size),
        seconds=seconds,
        bytes=round(size),
        disk_bytes=int(records * values * _BYTES_PER_VALUE),
        free_bytes=free_bytes(work.mirror.root),
        narrower=narrower,
    )


def _requests(work: Work, outlook: Outlook, seconds: float, size: float) -> int:
    """Requests that the windows take: each of what is missing is counted before it is fetched."""

    def windows(records: int, first: float) -> int:
        share = records / max(outlook.records, 1)
        settings = work.mirror.settings.sync
        return windows_for(settings, records, share * seconds, share * size, first)

    followed = windows(outlook.following, first_rows(work))
    missing = windows(outlook.records - outlook.following, 0.0)
    counts = max(followed - 1, 0) // COUNTED_TOGETHER
    return 2 * missing + followed + counts
