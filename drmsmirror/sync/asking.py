"""Ask the upstream where the records of a set lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from drmsmirror.model.coverage import Interval
from drmsmirror.model.positions import position_seconds
from drmsmirror.model.recordset import BoundSet, edge_text, window_text
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

    @property
    def smallest_window(self) -> float:
        """Shortest window on the axis: one slot, one record number, one second."""
        return 1.0

    def total(self) -> int:
        """How many records the wanted set has."""
        return self.work.upstream.count(self.work.wanted.text)

    def sample(self, window: Interval, rows: int) -> RecordText:
        """Some records of a window, every stored keyword of them."""
        return self.work.fetch(window_text(self.work.wanted, window), rows)

    def extent(self, asked: Interval, missing: Sequence[Interval]) -> Interval:
        """The part of the axis on which the records of the wanted set lie.

        Parameters
        ----------
        asked : Interval
            As it was asked for; open ends are looked up upstream where they are missing.
        missing : sequence of Interval
            What is not held, ascending.
        """
        low, high = asked.low, asked.high
        if math.isinf(low):
            low = (
                self._edge(self.work.wanted, "^") if math.isinf(missing[0].low) else missing[0].low
            )
        if math.isinf(high):
            last = missing[-1].high
            high = self._edge(self.work.wanted, "$") + 1 if math.isinf(last) else last
        return Interval(low, max(low, high))

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
