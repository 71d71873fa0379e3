"""Put records into the mirror: data first, then the catalogue's word that they are there.

A sync and an import both write through :class:`WindowStore`; nothing else writes records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import pyarrow as pa

from drmsmirror.catalogue import AsOf, Lease, RunCounters
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.files import refuse_full, refuse_read_only
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import (
    MergeResult,
    Portion,
    RecordTable,
    TypedRecords,
    compact,
    find_gone,
    merge,
    number_records,
    type_records,
)

__all__ = ["WindowStore"]

#: Takes from typed records what is not kept of them.
Mark = Callable[[pa.Table], pa.Table]

_NOTHING = RunCounters()

#: Share of a partition's bytes in small files from which it is compacted between windows: it has
#: doubled each time then, so that a long run does not write the same rows over and over.
_LEAST_SHARE = 0.5


def _as_they_are(rows: pa.Table) -> pa.Table:
    return rows


@dataclass
class WindowStore:
    """Writes the windows of one run.

    Parameters
    ----------
    mirror : Mirror
    definition : SeriesDefinition
    run : int
        Number of the run.
    lease : Lease
        The hold on the series.
    learnt : mapping of str to str, optional
        By keyword, codec formats that were learnt elsewhere; the mirror's own go first.
    all_digits : bool
        Whether what is given was read with all its digits.
    """

    mirror: Mirror
    definition: SeriesDefinition
    run: int
    lease: Lease
    learnt: Mapping[str, str] = field(default_factory=dict)
    all_digits: bool = False
    totals: RunCounters = _NOTHING

    def __post_init__(self) -> None:
        self._table: RecordTable | None = None
        self._windows = 0
        self._formats = self.mirror.catalogue.codecs(self.definition.name)
        self._state = self.mirror.catalogue.state(self.definition.name)

    @property
    def generation(self) -> int:
        """The upstream's generation in which the records are read."""
        return self._state.generation

    @property
    def rows_held(self) -> int:
        """Rows of the series that are held, all versions counted."""
        return self._state.rows_held

    @property
    def newest_position(self) -> float | None:
        """The largest position on the axis at which a record is held; None where none is."""
        return self.table.largest(self.definition.axis.column) if self.has_table else None

    @property
    def has_table(self) -> bool:
        """Whether the series has a record table."""
        return self._table is not None or self._state.table_path is not None

    def make_table(self, expected_rows: int, expected_days: float) -> None:
        """Make the record table of a series that will have so many rows, over so many days."""
        self._table = self.mirror.table_for_writing(self.definition, expected_rows, expected_days)

    @property
    def table(self) -> RecordTable:
        """The record table, which is there already."""
        if self._table is None:
            self._table = self.mirror.table(self.definition)
        return self._table

    def keep(
        self,
        given: pa.Table,
        entries: Sequence[CoverageEntry],
        *,
        gone: pa.Table | None = None,
        mark: Mark = _as_they_are,
        cost: RunCounters = _NOTHING,
        share_held: float | None = None,
    ) -> MergeResult:
        """Merge records, and say in one transaction that they are there.

        Parameters
        ----------
        given : pyarrow.Table
            As the upstream printed them, or typed; may have no rows.
        entries : sequence of CoverageEntry
            What is held completely once they are merged.
        gone : pyarrow.Table, optional
            Rows held that are no longer there, as :meth:`find_gone` gives them.
        mark : callable
            Takes from typed records what is not kept of them.
        cost : RunCounters
            Requests and bytes that they cost.
        share_held : float, optional
            Share of what the run was asked for that is held then.

        Raises
        ------
        NoSpaceError
            The disk is full, or nearly so.
        StoreError
            The record table can only be read.
        """
        refuse_read_only(self.table.path)
        refuse_full(self.table.path)
        typed = self._typed(given)
        rows = mark(typed.rows)
        if rows["recnum"].null_count:
            _refuse_repeats(self.definition, rows)
            rows = number_records(self.table, rows)
        result = merge(
            self.table,
            rows,
            run=self.run,
            generation=self.generation,
            columns=typed.columns,
            gone=gone,
            filling=self._note_filling,
        )
        learnt = {
            name: text for name, text in typed.codecs.items() if self._formats.get(name) != text
        }
        counted = RunCounters(
            cost.requests,
            cost.bytes,
            result.new,
            result.revised,
            result.unchanged,
            result.removed,
        )
        self._state = self.mirror.catalogue.record_window(
            self.definition.name,
            entries=entries,
            table_version=result.version,
            rows_held=self.table.row_count(),
            run=self.run,
            counters=counted,
            share_held=share_held,
            codecs=learnt,
            lease=self.lease,
        )
        self._formats = typed.codecs
        self.totals = _sum(self.totals, counted)
        self._windows += 1
        if self._windows % self.mirror.settings.records.compact_above_files == 0:
            self.tidy()
        return result

    def _note_filling(self) -> None:
        """Say that this run changes rows in their place, before it does: it may be killed then."""
        state = self.mirror.catalogue.state(self.definition.name)
        if state.filled_run != self.run:
            self.mirror.catalogue.save_state(replace(state, filled_run=self.run))

    def typed(self, given: pa.Table) -> pa.Table:
        """Records as rows of the table; columns that are not given are null."""
        return self._typed(given).rows

    @property
    def formats(self) -> dict[str, str]:
        """By keyword, the codec formats that are known."""
        return {**self.learnt, **self._formats}

    def _typed(self, given: pa.Table) -> TypedRecords:
        return type_records(self.definition, given, self.formats, all_digits=self.all_digits)

    def find_gone(self, portion: Portion, given: pa.Table) -> pa.Table:
        """Find rows held of a part that a complete reading of it, typed, does not have."""
        return find_gone(self.table, portion, given, generation=self.generation)

    def tidy(self) -> None:
        """Make few files of many where they have become a large part of their partition."""
        self._compact(least_share=_LEAST_SHARE)

    def finish(self, entries: Sequence[CoverageEntry] = (), watermark: AsOf | None = None) -> None:
        """Make few files of many, and note how far the upstream had come.

        Parameters
        ----------
        entries : sequence of CoverageEntry
            What the run holds altogether where it came to its end.
        watermark : AsOf, optional
            State of the upstream up to which every change was taken; None where it is as before.
        """
        if not self.has_table:
            return
        self._compact()
        self.mirror.catalogue.record_window(
            self.definition.name,
            entries=entries,
            table_version=self.table.version,
            rows_held=self.rows_held,
            run=self.run,
            watermark=watermark,
            lease=self.lease,
        )

    def _compact(self, least_share: float = 0.0) -> None:
        settings = self.mirror.settings.records
        compact(
            self.table,
            above_files=settings.compact_above_files,
            file_bytes=settings.target_file_mib * 2**20,
            least_share=least_share,
        )


def _refuse_repeats(definition: SeriesDefinition, rows: pa.Table) -> None:
    """Refuse what lists a record twice: without numbers nobody can tell which of them counts."""
    keys = list(definition.internal_prime_keys)
    twice = rows.num_rows - rows.group_by(keys).aggregate([]).num_rows if keys else 0
    if twice:
        raise UpstreamAnswerError(
            f"The upstream lists {twice} records of {definition.name} twice, and gives them no "
            f"record numbers. Nothing of the answer was kept; run the same again"
        )


def _sum(first: RunCounters, second: RunCounters) -> RunCounters:
    return RunCounters(
        **{f.name: getattr(first, f.name) + getattr(second, f.name) for f in fields(RunCounters)}
    )
