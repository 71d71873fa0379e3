"""The rows of an answer that nobody has read yet.

A record table keeps the files of a version for some time (``upkeep.keep_hours``, a day) for those
who still read it. Who takes long over each row has the rest put aside before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import pyarrow as pa

from drmsmirror.client.batches import Batch, PrintedRows
from drmsmirror.files import scratch_file

__all__ = ["UnreadRows"]

#: Reading that has taken this share of the time for which files are kept may take longer than that.
_LONG = 1 / 24

_Read = Callable[[BinaryIO], Batch]


class UnreadRows(Iterator[Batch]):
    """The rows of an answer, to be read once, at any pace.

    Parameters
    ----------
    batches : iterator of StoredRows or PrintedRows
    kept_hours : float
        For how long the files are kept that they are read from.
    clock : callable
        Seconds that never go back.
    """

    def __init__(
        self,
        batches: Iterator[Batch],
        kept_hours: float = 24.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._batches = batches
        self._long = _LONG * kept_hours * 3600
        self._clock = clock
        self._began: float | None = None
        self._is_aside = False

    def __next__(self) -> Batch:
        if self._began is None:
            self._began = self._clock()
        return next(self._batches)

    def settle(self) -> None:
        """Put aside what is left, if reading has taken long; to be called all the while.

        Raises
        ------
        NoSpaceError
            The system's temporary directory is full.
        """
        if self._is_aside or self._began is None or self._clock() - self._began < self._long:
            return
        self._is_aside = True
        aside = _aside(self._batches)
        next(aside)
        self._batches = (batch for batch in aside if batch is not None)


def _aside(batches: Iterable[Batch]) -> Iterator[Batch | None]:
    """Read batches to their end, say so with None, and then give them."""
    with scratch_file() as file:
        kept = [_kept(batch, file) for batch in batches]
        yield None
        for read in kept:
            yield read(file)


def _kept(batch: Batch, file: BinaryIO) -> _Read:
    """Put a batch aside, and say how it is read again; a printed one is in memory anyway."""
    if isinstance(batch, PrintedRows):
        return lambda _: batch
    place, alike = file.tell(), batch.alike
    with pa.ipc.new_stream(file, batch.stored.schema) as stream:
        stream.write_batch(batch.stored)

    def read(file: BinaryIO) -> Batch:
        file.seek(place)
        with pa.ipc.open_stream(file) as stream:
            return alike(stream.read_next_batch())

    return read
