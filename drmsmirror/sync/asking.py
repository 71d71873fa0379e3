"""Ask the upstream where the records of a set lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drmsmirror.model.coverage import Interval
from drmsmirror.model.recordset import edge_text, window_text
from drmsmirror.model.slots import slotting
from drmsmirror.model.types import KeywordType
from drmsmirror.records import type_records
from drmsmirror.sync.work import Work
from drmsmirror.upstream import RecordText

__all__ = ["Asker"]

#: Where a series that has records without an axis value is taken to begin: 1960.01.01, TAI seconds.
_EARLIEST_SECONDS = -536_544_000.0


@dataclass(frozen=True, slots=True)
class Asker:
    """The questions that come before the fetching.

    Parameters
    ----------
    work : Work
        The run that asks.
    """

    work: Work

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
            low = self._edge("^") if math.isinf(missing[0].low) else missing[0].low
        if math.isinf(high):
            high = self._edge("$") + 1 if math.isinf(missing[-1].high) else missing[-1].high
        return Interval(low, max(low, high))

    def _edge(self, edge: str) -> float:
        """Axis position of the first or last record.

        Records without an axis value lie before all others: where such a one is the first, the
        axis is taken to begin early enough for everything.
        """
        definition = self.work.wanted.series
        axis = definition.axis
        if axis.keyword is None:
            return 1.0 if edge == "^" else float(self.work.as_of.recnum)
        listed = self.work.fetch(edge_text(self.work.wanted, edge), 1)
        position = self._position(listed) if listed.rows else None
        if position is not None:
            return position
        if not axis.slotted:
            return _EARLIEST_SECONDS
        rule = slotting(definition, definition.keyword(axis.keyword))
        return float(rule.index(_EARLIEST_SECONDS))

    def _position(self, listed: RecordText) -> float | None:
        axis = self.work.wanted.series.axis
        typed = type_records(self.work.wanted.series, listed.table, {}).rows
        position = float(np.asarray(typed[axis.column])[0])
        missing = KeywordType.LONGLONG.missing if axis.slotted else KeywordType.TIME.missing
        return None if position == missing else math.floor(position)
