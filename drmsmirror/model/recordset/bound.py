"""What a record-set query means for the columns of its series.

Conditions speak of stored values: slot numbers, seconds, numbers, texts. Those of one set are
joined by AND, the spans of one condition by OR (DRMS semantics 1.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from drmsmirror.model.coverage import Interval
from drmsmirror.model.recordset.printing import print_set
from drmsmirror.model.series import SeriesDefinition

__all__ = ["BoundRecordSet", "BoundSet", "Condition", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """One alternative: values from ``low`` to ``high``, where set every ``step`` from ``low``.

    Parameters
    ----------
    low, high : int, float, str or None
        The ends; None where open. The low end belongs to the span. Whole numbers, slot numbers
        among them, always have ``high`` excluded: 5 is from 5 to 6.
    high_included : bool
        Whether the high end belongs to the span.
    step : int, float or None
        ``value - low`` is a multiple of it; for floats within the tolerance of `matches`.
    """

    low: int | float | str | None
    high: int | float | str | None
    high_included: bool = False
    step: int | float | None = None

    @property
    def interval(self) -> Interval:
        """The span of a number or a time, half-open: an end that belongs to it is stepped over."""
        assert not isinstance(self.low, str)
        assert not isinstance(self.high, str)
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return Interval(low, math.nextafter(high, math.inf) if self.high_included else high)


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter.

    Parameters
    ----------
    column : str
        Column of the record table, in lower case: ``t_rec_index``, ``harpnum``.
    keyword : str
        Name of the prime key that the filter was about: ``T_REC``, ``HARPNUM``.
    spans : tuple of Span
        At least one; a value in any of them satisfies the condition.
    """

    column: str
    keyword: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class BoundSet:
    """Records of one series that satisfy all conditions.

    Parameters
    ----------
    series : SeriesDefinition
    conditions : tuple of Condition
        In the order of the query; empty for all records.
    segments : tuple of str, optional
        Names as they were written, whether the series has them or not; None where the query has
        no list.
    """

    series: SeriesDefinition
    conditions: tuple[Condition, ...] = ()
    segments: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The set as a query that a DRMS server understands, in canonical form."""
        return print_set(self)


@dataclass(frozen=True, slots=True)
class BoundRecordSet:
    """A whole query; the answer is the records of its sets one after another.

    Parameters
    ----------
    text : str
        The query as it was given.
    sets : tuple of BoundSet
    """

    text: str
    sets: tuple[BoundSet, ...]
