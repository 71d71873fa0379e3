"""What can go wrong with a query, in the terms of the server that answers it."""

from __future__ import annotations

__all__ = [
    "FilterError",
    "NotCovered",
    "QueryError",
    "SplitError",
    "SqlError",
    "TooManyRows",
    "UnknownSeries",
]


class QueryError(Exception):
    """Root of everything a record-set query can be refused for."""


class SplitError(QueryError):
    """The text cannot be cut into record sets (DRMS semantics 1.1)."""


class FilterError(QueryError):
    """A filter does not fit the series' prime keys (DRMS semantics 1.2 to 1.6)."""


class UnknownSeries(QueryError):  # noqa: N818 - reads as what happened
    """No such series here."""


class SqlError(QueryError):
    """PostgreSQL would refuse the condition (DRMS semantics 1.7); the text is like its own."""


class TooManyRows(QueryError):  # noqa: N818
    """The result reaches the row cap (DRMS semantics 1.8)."""


class NotCovered(QueryError):  # noqa: N818
    """Legal, perhaps, but outside what this sample understands: it never guesses."""
