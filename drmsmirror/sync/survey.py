"""What lies ahead of a run: how many records, and what they will cost.

One count and one timed probe of a hundred records answer both; nothing else is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drmsmirror.files import free_bytes
from drmsmirror.model.codecs import MISSING_TEXT
from drmsmirror.model.coverage import Interval
from drmsmirror.model.positions import position_seconds
from drmsmirror.model.recordset import BoundSet
from drmsmirror.model.times import format_time
from drmsmirror.sync.asking import Asker
from drmsmirror.sync.progress import Ahead
from drmsmirror.sync.work import Work
from drmsmirror.upstream import RecordText

__all__ = ["Survey", "survey"]

_PROBE = 100

#: Bytes that one stored value takes: 216 MB for 1.2 million records of 86 keywords.
_BYTES_PER_VALUE = 2.1

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found out before a run.

    Parameters
    ----------
    total : int
        Records of the set, held or not.
    extent : Interval
        Part of the axis on which they lie.
    ahead : Ahead
        Estimate of what has to be fetched.
    """

    total: int
    extent: Interval
    ahead: Ahead

    @property
    def density(self) -> float:
        """Records per unit of the axis."""
        length = self.extent.high - self.extent.low
        return self.total / length if length > 0 else 0.0


def survey(work: Work, asker: Asker, extent: Interval, missing: Sequence[Interval]) -> Survey:
    """Count the records of a set and time a probe of the newest.

    Parameters
    ----------
    work : Work
    asker : Asker
    extent : Interval
        Part of the axis on which the records lie, finite.
    missing : sequence of Interval
        Parts of it that are not held.
    """
    total = asker.total()
    length = extent.high - extent.low
    density = total / length if length > 0 else 0.0
    records = round(density * sum(part.high - part.low for part in missing))
    probe = _probe(asker, missing, density) if records else None
    rows, seconds, body = (
        (max(1, probe.rows), probe.seconds, probe.body_bytes) if probe is not None else (1, 0.0, 0)
    )
    values = len(work.wanted.series.columns) + 2
    ahead = Ahead(
        series=work.wanted.series.name,
        records=records,
        seconds=records * seconds / rows,
        bytes=records * body // rows,
        disk_bytes=int(records * values * _BYTES_PER_VALUE),
        free_bytes=free_bytes(work.mirror.root),
        narrower=_narrower(work.wanted, extent, probe),
    )
    return Survey(total, extent, ahead)


def _probe(asker: Asker, missing: Sequence[Interval], density: float) -> RecordText:
    """The newest records of what is missing, a hundred or so, in one small window."""
    newest = missing[-1]
    rows = min(_PROBE, asker.work.mirror.settings.sync.max_window)
    width = max(1.0, round(rows / density))
    return asker.sample(Interval(max(newest.low, newest.high - width), newest.high), rows)


def _narrower(wanted: BoundSet, extent: Interval, probe: RecordText | None) -> tuple[str, ...]:
    """Two record sets that ask for less: the newest month or day, and one value of another key."""
    definition = wanted.series
    axis = definition.axis
    suggestions = []
    newest = position_seconds(definition, extent.high)
    if axis.keyword is not None and newest is not None:
        for days in (30, 1):
            start = format_time(max(newest - days * _DAY, 0), "TAI", 0)
            filters = [
                f"[{start}/{days}d]" if key == axis.keyword else "[]"
                for key in definition.prime_keys
            ]
            suggestions.append(definition.name + "".join(filters[: _last_filled(filters)]))
    for position, key in enumerate(definition.prime_keys):
        if key == axis.keyword or probe is None or not probe.rows:
            continue
        value = probe.table[key][-1].as_py()
        if value != MISSING_TEXT:
            one = f"{definition.name}{'[]' * position}[{value}]"
            return (*suggestions[:1], one)
    return tuple(suggestions[:2])


def _last_filled(filters: Sequence[str]) -> int:
    return max(number for number, text in enumerate(filters, start=1) if text != "[]")
