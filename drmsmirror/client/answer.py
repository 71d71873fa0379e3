"""The answer to a query: printed values, and where they came from.

Values are text, as DRMS prints them; ``*recnum*`` and ``*sunum*`` are numbers. They come in
batches, so that a large answer is never in memory as a whole unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from drmsmirror.client.batches import Batch, PrintedRows, printed_rows
from drmsmirror.client.columns import TypedColumns
from drmsmirror.client.stockerrors import iterated_as_stock
from drmsmirror.model.series import SeriesDefinition

__all__ = ["Answer", "Source"]


#: Rows that are printed at once: a printed value takes many times the room of a stored one.
_PRINTED_AT_ONCE = 20_000


class Source(StrEnum):
    """Where an answer came from: the mirror, the upstream just now, or both."""

    LOCAL = "local"
    REMOTE = "remote"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, and what is known about them.

    Parameters
    ----------
    definition : SeriesDefinition
        Of the first series asked for.
    keys : tuple of str
        Names of the columns, as they were asked for.
    batches : iterator of StoredRows or PrintedRows
        The rows; can be read once.
    source : Source
    complete : bool
        Whether these are all the records that there were at ``as_of_utc``.
    as_of_utc : datetime
        The moment of which the answer speaks: the earliest at which the upstream was read for it.
    missing : str
        Where it is not complete: what it lacks, and how to get that.
    segments, links : dict
        By segment or link that was asked for, the printed values of all rows.
    """

    definition: SeriesDefinition
    keys: tuple[str, ...]
    batches: Iterator[Batch]
    source: Source
    complete: bool
    as_of_utc: datetime
    missing: str = ""
    segments: PrintedRows = field(default_factory=PrintedRows)
    links: PrintedRows = field(default_factory=PrintedRows)

    def __post_init__(self) -> None:
        object.__setattr__(self, "batches", iterated_as_stock(self.batches))

    @property
    def as_of(self) -> datetime:
        """The same as ``as_of_utc``."""
        return self.as_of_utc

    def texts(self) -> PrintedRows:
        """All rows at once, as printed values by key."""
        return printed_rows(self.keys, self.batches)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns: keys, then segments, then links."""
        return (*self.keys, *self.segments, *self.links)

    def rows(self) -> Iterator[list[tuple[str | int | None, ...]]]:
        """The rows as they are printed, batch by batch; as many values as :attr:`names`."""
        # where there are segments or links, there is one batch
        besides = [*self.segments.values(), *self.links.values()]
        pieces = (piece for batch in self.batches for piece in batch.pieces(_PRINTED_AT_ONCE))
        for piece in pieces:
            columns = [*(piece[key] for key in self.keys), *besides]
            yield list(zip(*columns, strict=True))

    @property
    def schema(self) -> pa.Schema:
        """Arrow types of the columns: numbers as numbers, times and strings as text."""
        return self._columns.schema

    @property
    def _columns(self) -> TypedColumns:
        return TypedColumns.of(self.definition, self.keys, texts=(*self.segments, *self.links))

    def arrow_batches(self) -> Iterator[pa.RecordBatch]:
        """The rows with typed columns; missing values are null.

        A number is what was printed: a ``float`` shown as ``1.234e+22`` is that decimal number,
        as a double.
        """
        besides = (
            self.segments | self.links
        )  # where there are some, all was printed by the upstream
        return (
            self._columns.batch(PrintedRows({**batch, **besides}) if besides else batch)
            for batch in self.batches
        )
