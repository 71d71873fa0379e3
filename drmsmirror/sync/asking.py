"""Ask the upstream where the records of a set lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from drmsmirror.model.intervals import Interval, inside
from drmsmirror.model.parts import MOST_WINDOWS
from drmsmirror.model.positions import position_seconds
from drmsmirror.model.recordset import BoundSet, edge_text
from drmsmirror.model.recordset.printing import windows_text
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.slots import slotting
from drmsmirror.model.types import KeywordType
from drmsmirror.records import type_records
from drmsmirror.sync.work import Work
from drmsmirror.upstream import RecordText

__all__ = ["Asker"]

#: Where a series that has records without an axis value is taken to begin: 1960.01.01, TAI seconds.
_EARLIEST_SECONDS = -536_544_000.0

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Asker:
    """The questions that come before the fetching.

    Parameters
    ----------
    work : Work
        The run that asks.
    """

    work: Work
    _edges: dict[str, float] = field(default_factory=dict)

    def count(self, windows: Sequence[Interval]) -> int:
        """How many records of the wanted set lie in windows of the axis."""
        numbered = self._numbered(windows)
        return sum(
            self.work.upstream.count(self.text(numbered[first : first + MOST_WINDOWS]))
            for first in range(0, len(numbered), MOST_WINDOWS)
        )

    def text(self, windows: Sequence[Interval]) -> str:
        """The records of the wanted set in windows of the axis, the newest of many, as a question.

        An address has room for so many.
        """
        return windows_text(self.work.wanted, self._numbered(windows)[-MOST_WINDOWS:])

    def _numbered(self, windows: Sequence[Interval]) -> Sequence[Interval]:
        """Windows of record numbers up to the target; on an axis of time, all of them."""
        if self.work.wanted.series.axis.keyword is not None:
            return windows
        return inside(windows, Interval(1, self.work.as_of.recnum + 1))

    def extent(self, missing: Sequence[Interval]) -> Interval:
        """The part of the axis on which records lie that are missing; open ends are looked up.

        Parameters
        ----------
        missing : sequence of Interval
            Ascending.
        """
        if not missing:
            return Interval(0.0, 0.0)
        low, high = missing[0].low, missing[-1].high
        if math.isinf(low):
            low = self._edge(self.work.wanted, "^")
        if math.isinf(high):
            high = self._edge(self.work.wanted, "$") + 1
        return Interval(low, max(low, high))

    def records_of_series(self) -> int:
        """How many records the whole series can have, whatever part is wanted."""
        whole = BoundSet(self.work.wanted.series)
        return self.work.as_of.recnum or self.work.upstream.count(whole.text)

    def days_of_series(self) -> float:
        """Length of the whole series in days, whatever part is wanted; 0 without a time axis."""
        whole = BoundSet(self.work.wanted.series)
        ends = [position_seconds(whole.series, self._edge(whole, edge)) for edge in "^$"]
        first, last = ends
        return 0.0 if first is None or last is None else (last - first) / _DAY

    def _edge(self, bound: BoundSet, edge: str) -> float:
        """Axis position of the first or last record of a set; asked once.

        Records without an axis value lie before all others: where such a one is the first, the
        axis is taken to begin early enough for everything.
        """
        if bound.series.axis.keyword is None:
            return 1.0 if edge == "^" else float(self.work.as_of.recnum)
        text = edge_text(bound, edge)
        if text not in self._edges:
            listed = self.work.fetch(text, 1)
            position = self._position(listed) if listed.rows else None
            self._edges[text] = _beginning(bound.series) if position is None else position
        return self._edges[text]

    def _position(self, listed: RecordText) -> float | None:
        axis = self.work.wanted.series.axis
        typed = type_records(self.work.wanted.series, listed.table, {}).rows
        position = float(np.asarray(typed[axis.column])[0])
        missing = KeywordType.LONGLONG.missing if axis.slotted else KeywordType.TIME.missing
        return None if position == missing else math.floor(position)


def _beginning(definition: SeriesDefinition) -> float:
    """A position before all records that have one."""
    axis = definition.axis
    if axis.keyword is None or not axis.slotted:
        return _EARLIEST_SECONDS
    rule = slotting(definition, definition.keyword(axis.keyword))
    return float(rule.index(_EARLIEST_SECONDS))
