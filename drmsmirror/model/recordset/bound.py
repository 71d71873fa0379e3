"""What a record-set query means for the columns of its series.

Conditions speak of stored values: slot numbers, seconds, numbers, texts. Those of one set are
joined by AND, the spans of one condition by OR (record sets, rule 13). They stand in the order of
the query, since a first or last value is searched among what those before it let through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from drmsmirror.model.intervals import Interval
from drmsmirror.model.series import SeriesDefinition

if TYPE_CHECKING:
    from drmsmirror.model.conditions import Node

__all__ = ["BoundRecordSet", "BoundSet", "Condition", "Edge", "Span", "SqlCondition"]


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
        ``value - low`` is a multiple of it; for floats nearly.
    """

    low: int | float | str | None
    high: int | float | str | None
    high_included: bool = False
    step: int | float | None = None

    @property
    def is_everything(self) -> bool:
        """Whether every value lies in it."""
        return self.low is None and self.high is None and self.step is None

    @property
    def is_single(self) -> bool:
        """Whether one value alone lies in it."""
        if self.low is None or self.step is not None:
            return False
        one = self.low == self.high and self.high_included
        return one or (isinstance(self.low, int) and self.high == self.low + 1)

    @property
    def is_unanchored(self) -> bool:
        """Whether its steps count from the smallest value there is."""
        return self.step is not None and self.low is None

    @property
    def interval(self) -> Interval:
        """The span of a number or a time, half-open: an end that belongs to it is stepped over."""
        assert not isinstance(self.low, str)
        assert not isinstance(self.high, str)
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return Interval(low, math.nextafter(high, math.inf) if self.high_included else high)


class Edge(StrEnum):
    """The first or last value there is: an alternative that only the records can tell.

    It is searched among all versions of the records that satisfy the conditions before it (record
    sets, rule 34); a record number among all of the series (rule 31).
    """

    FIRST = "^"
    LAST = "$"


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter on a key.

    Parameters
    ----------
    column : str
        Column of the record table, in lower case: ``t_rec_index``, ``harpnum``.
    keyword : str
        Name of the prime key that the filter was about: ``T_REC``, ``HARPNUM``; ``recnum``.
    spans : tuple of Span
        A value in any of them satisfies the condition.
    edges : tuple of Edge
        Further alternatives.
    """

    column: str
    keyword: str
    spans: tuple[Span, ...]
    edges: tuple[Edge, ...] = ()

    @property
    def has_edges_of_series(self) -> bool:
        """Whether its first and last values are those of the series, whatever other filters say."""
        return self.column == "recnum" and bool(self.edges)


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """One condition in SQL.

    Parameters
    ----------
    text : str
        As it was written.
    tree : Node
        What it means, checked.
    all_versions : bool
        Whether it was written with ``!``.
    """

    text: str
    tree: Node
    all_versions: bool = False


@dataclass(frozen=True, slots=True)
class BoundSet:
    """Records of one series that satisfy all conditions.

    Parameters
    ----------
    series : SeriesDefinition
    filters : tuple of Condition or SqlCondition
        In the order of the query; empty for all records.
    segments : tuple of str, optional
        Names as they were written, whether the series has them or not; None where the query has
        no list.
    all_versions : bool
        Whether superseded versions are meant too (record sets, rule 50).
    """

    series: SeriesDefinition
    filters: tuple[Condition | SqlCondition, ...] = ()
    segments: tuple[str, ...] | None = None
    all_versions: bool = False

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The filters on keys."""
        return tuple(one for one in self.filters if isinstance(one, Condition))

    @property
    def searched(self) -> BoundSet:
        """The set without what only the records can tell: it holds every record that counts.

        A first or last value is searched among what the filters before it let through, and the
        answer lies there too; some are searched in the whole series.
        """
        if any(
            one.has_edges_of_series or any(span.is_unanchored for span in one.spans)
            for one in self.conditions
        ):
            return replace(self, filters=())
        for number, one in enumerate(self.filters):
            if isinstance(one, Condition) and one.edges:
                return replace(self, filters=self.filters[:number])
        return self

    @property
    def needs_all_versions(self) -> bool:
        """Whether superseded versions can change the answer.

        They are meant, or a first or last value is searched among those that satisfy a condition
        in SQL, which an old version may do where the latest does not.
        """
        among = self.searched
        is_searched = among is not self and bool(among.sql)
        return bool(self.series.prime_keys) and (self.all_versions or is_searched)

    @property
    def sql(self) -> tuple[SqlCondition, ...]:
        """The filters in SQL."""
        return tuple(one for one in self.filters if isinstance(one, SqlCondition))

    @property
    def text(self) -> str:
        """The set as a query that a DRMS server understands, in canonical form."""
        from drmsmirror.model.recordset.printing import print_set

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
