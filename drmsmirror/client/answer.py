"""The answer to a query: printed values, and where they came from.

Values are text, as DRMS prints them; ``*recnum*`` and ``*sunum*`` are numbers. They come in
batches, so that a large answer is never in memory as a whole unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from drmsmirror.client.columns import TypedColumns
from drmsmirror.client.stockerrors import iterated_as_stock
from drmsmirror.model.series import SeriesDefinition

__all__ = ["Answer", "Source"]

#: By key, the printed values of some rows.
Batch = dict[str, list[str] | list[int | None]]


class Source(StrEnum):
    """Where an answer came from."""

    LOCAL = "local"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and what is known about them.

    Parameters
    ----------
    definition : SeriesDefinition
        Of the first series asked for.
    keys : tuple of str
        Names of the columns, as they were asked for.
    batches : iterator of dict
        The rows; can be read once.
    source : Source
    complete : bool
        Whether these are all the records that there were at ``as_of_utc``.
    as_of_utc : datetime
        The moment of which the answer speaks.
    """

    definition: SeriesDefinition
    keys: tuple[str, ...]
    batches: Iterator[Batch]
    source: Source
    complete: bool
    as_of_utc: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "batches", iterated_as_stock(self.batches))

    @property
    def as_of(self) -> datetime:
        """The same as ``as_of_utc``."""
        return self.as_of_utc

    def texts(self) -> Batch:
        """All rows at once, as printed values by key."""
        whole: Batch = {key: [] for key in self.keys}
        for batch in self.batches:
            for key, values in batch.items():
                whole[key].extend(values)  # type: ignore[arg-type]
        return whole

    @property
    def schema(self) -> pa.Schema:
        """Arrow types of the columns: numbers as numbers, times and strings as text."""
        return TypedColumns.of(self.definition, self.keys).schema

    def arrow_batches(self) -> Iterator[pa.RecordBatch]:
        """The rows with typed columns; missing values are null.

        A number is what was printed: a ``float`` shown as ``1.234e+22`` is that decimal number,
        as a double.
        """
        return map(TypedColumns.of(self.definition, self.keys).batch, self.batches)
