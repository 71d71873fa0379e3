"""The files that a record set names: which they are, as many together as memory holds with ease.

::

    answer -> records -> slices of files, each to be fetched and done with before the next is read
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from drmsmirror.client.answer import Answer
from drmsmirror.client.batches import Batch
from drmsmirror.client.heading import Headers, Keywords
from drmsmirror.client.stockerrors import iterated_as_stock
from drmsmirror.client.unread import UnreadRows
from drmsmirror.errors import NotHeldError
from drmsmirror.model.filenames import NamedFile
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.segments import Outcome

__all__ = ["NUMBER", "FilesSlice", "WantedFiles", "WantedRecord"]

#: Key that tells the number of a record.
NUMBER = "*recnum*"
#: So many files are looked up together; what is known of one takes some kilobytes.
SLICE = 10_000


@dataclass(frozen=True, slots=True)
class WantedRecord:
    """A record whose files are wanted.

    Parameters
    ----------
    recnum : int
    values : mapping of str to str
        Its prime keys, as DRMS prints them.
    keywords : Keywords or None
        Where its files are wanted with a header: what is in it.
    """

    recnum: int
    values: Mapping[str, str]
    keywords: Keywords | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FilesSlice:
    """Some of the files that a record set names: all of some records.

    Parameters
    ----------
    names : mapping of SegmentFile to NamedFile
        In the order of the records, with what each is named after.
    keywords : mapping of int to Keywords
        By record number, what is in the headers where they are wanted.
    is_last : bool
        Whether no others follow.
    """

    names: Mapping[SegmentFile, NamedFile]
    keywords: Mapping[int, Keywords] = field(default_factory=dict, repr=False)
    is_last: bool = True

    def by_record(self) -> dict[int, list[SegmentFile]]:
        """By record number, its files."""
        found: dict[int, list[SegmentFile]] = {}
        for file in self.names:
            found.setdefault(file.recnum, []).append(file)
        return found

    def in_order(self, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        """What came of the files, in their order: each as soon as those before it are there."""
        early: dict[SegmentFile, Outcome] = {}
        for file in self.names:
            while file not in early:
                outcome = next(outcomes)
                early[outcome.file] = outcome
            yield early.pop(file)


@dataclass(frozen=True, slots=True)
class WantedFiles:
    """The files that a record set names.

    Parameters
    ----------
    definition : SeriesDefinition
    segments : tuple of str
        Those wanted of each record, as the definition spells them.
    generation : int
        Stretch of the upstream's life in which the record numbers have their meaning.
    answer : Answer
        Where the records come from.
    records : iterator of WantedRecord
        In their order, each once; can be read once.
    rows : UnreadRows
        What they are read from.
    headers : Headers or None
        Where files are wanted with the header of their record: what is in it.
    """

    definition: SeriesDefinition
    segments: tuple[str, ...]
    generation: int
    answer: Answer = field(repr=False)
    records: Iterator[WantedRecord] = field(repr=False)
    rows: UnreadRows = field(repr=False)
    headers: Headers | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        answer: Answer,
        rows: UnreadRows,
        definition: SeriesDefinition,
        segments: Sequence[str],
        generation: int,
        *,
        headers: Headers | None = None,
        may_repeat: bool = False,
    ) -> WantedFiles:
        """The files of the records of an answer.

        Parameters
        ----------
        answer : Answer
            With record numbers and prime keys, and what headers need.
        rows : UnreadRows
            All of its rows.
        definition, segments, generation, headers
            As the class has them.
        may_repeat : bool
            Whether the answer may have a record twice. Then eight bytes a record are remembered.
        """
        records = _records(definition, rows, headers, _Seen() if may_repeat else None)
        return cls(
            definition,
            tuple(segments),
            generation,
            answer,
            iterated_as_stock(records),
            rows,
            headers,
        )

    def slices(self) -> Iterator[FilesSlice]:
        """The files, as many together as are looked up together.

        The versions of a record are not parted, so that what would have one name is seen.
        """
        most = max(1, SLICE // len(self.segments))
        some: list[WantedRecord] = []
        for record in self.records:
            if len(some) >= most and not (record.values and record.values == some[-1].values):
                yield self._slice(some, is_last=False)
                some = []
            some.append(record)
        if some:
            yield self._slice(some, is_last=True)

    def files(self) -> Iterator[SegmentFile]:
        """The files alone."""
        for some in self.slices():
            yield from some.names

    def _slice(self, records: Sequence[WantedRecord], *, is_last: bool) -> FilesSlice:
        names = {}
        for one in records:
            for segment in self.segments:
                file = SegmentFile(self.definition.name, self.generation, one.recnum, segment)
                names[file] = NamedFile(self.definition, segment, one.values, one.recnum)
        keywords = {one.recnum: one.keywords for one in records if one.keywords is not None}
        return FilesSlice(names, keywords, is_last)


class _Seen:
    """Record numbers that have come."""

    def __init__(self) -> None:
        self._numbers = np.empty(0, np.int64)

    def are_new(self, numbers: Sequence[int]) -> list[bool]:
        """Which numbers come for the first time."""
        distinct, first = np.unique(np.asarray(numbers, np.int64), return_index=True)
        places = np.searchsorted(self._numbers, distinct)
        is_new = np.ones(len(distinct), bool)
        inside = places < len(self._numbers)
        is_new[inside] = self._numbers[places[inside]] != distinct[inside]
        self._numbers = np.insert(self._numbers, places[is_new], distinct[is_new])
        found = np.zeros(len(numbers), bool)
        found[first[is_new]] = True
        flags: list[bool] = found.tolist()
        return flags


def _records(
    definition: SeriesDefinition, rows: UnreadRows, headers: Headers | None, seen: _Seen | None
) -> Iterator[WantedRecord]:
    keys = definition.prime_keys
    for batch in _pieces(rows):
        numbers = [_positive(number, definition) for number in batch[NUMBER]]
        is_new = seen.are_new(numbers) if seen else [True] * len(numbers)
        columns = [batch[key] for key in keys]
        typed = None if headers is None else headers.typed(batch)
        for row, recnum in enumerate(numbers):
            if is_new[row]:
                values = {key: str(column[row]) for key, column in zip(keys, columns, strict=True)}
                keywords = None if typed is None else Keywords(typed, row)
                yield WantedRecord(recnum, values, keywords)


def _pieces(rows: UnreadRows) -> Iterator[Batch]:
    for batch in rows:
        yield from batch.pieces(SLICE)


def _positive(number: object, definition: SeriesDefinition) -> int:
    recnum = int(str(number)) if number is not None else 0
    if recnum <= 0:
        raise NotHeldError(
            f"The upstream tells no record numbers of {definition.name}, by which files are known"
        )
    return recnum
