"""Some rows of an answer: read from a record table, or printed by the upstream.

By key both give the printed values; numbers and texts can be had as Arrow arrays too, without
printing what need not be printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from drmsmirror.model.codecs import NumbersRead, cast_numbers, present
from drmsmirror.records import StoredRows

__all__ = ["Batch", "PrintedRows", "printed_rows"]


class PrintedRows(dict[str, "list[str] | list[int | None]"]):
    """By key, the values that the upstream printed; numbers for ``*recnum*`` and its like."""

    @property
    def num_rows(self) -> int:
        """How many rows these are."""
        return len(next(iter(self.values()), []))

    def pieces(self, rows: int) -> Iterator[PrintedRows]:  # noqa: ARG002 - as of StoredRows
        """The same as one piece: it is printed already."""
        yield self

    def printed(self, key: str) -> pa.Array:
        """The same values of a key as an Arrow array."""
        return pa.array(self[key])

    def numbers(self, key: str, target: pa.DataType, read: NumbersRead = cast_numbers) -> pa.Array:
        """The printed values of a key as numbers, as of :meth:`StoredRows.numbers`."""
        printed = self.printed(key)
        if pa.types.is_null(printed.type) or pa.types.is_integer(printed.type):
            return printed.cast(target)
        return read(present(printed), target)


Batch = StoredRows | PrintedRows


def printed_rows(keys: Sequence[str], batches: Iterable[Batch]) -> PrintedRows:
    """All rows as printed values of some keys."""
    whole = PrintedRows({key: [] for key in keys})
    for batch in batches:
        for key, values in whole.items():
            values.extend(batch[key])  # type: ignore[arg-type]
    return whole
