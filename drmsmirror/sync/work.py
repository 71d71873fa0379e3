"""What the steps of one run share: what is wanted, whom to ask, where to put it, how it stands."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyarrow as pa

from drmsmirror.catalogue import AsOf, RunCounters, RunOutcome
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.failpoints import reach
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.positions import position_at, positions
from drmsmirror.model.recordset import BoundSet
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import Portion, identity_keys, with_markers
from drmsmirror.sync.harvest import Harvest, harvest_of
from drmsmirror.sync.outlook import Outlook
from drmsmirror.sync.pieces import Piece, all_behind, all_missing, before_lag, pieces_of
from drmsmirror.sync.precision import learn_formats
from drmsmirror.sync.progress import Known, Meter, Progress, Reporter, SyncReport
from drmsmirror.sync.store import WindowStore
from drmsmirror.sync.target import Target, reached
from drmsmirror.sync.task import Task
from drmsmirror.upstream import RecordText, Traffic, Upstream

__all__ = ["MOST_NUMBERS", "Terms", "Work", "refuse_unknown_keys", "unknown_keys"]

#: Record numbers in one question: an address has room for so many.
MOST_NUMBERS = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a run works.

    Parameters
    ----------
    reporter : Reporter
        Who is told.
    tell_at : float
        Monotonic time from which what is known is told, while a survey is not finished.
    ends_at : float
        Monotonic time after which no further window is begun.
    has_time : bool
        Whether there was any when the run began.
    traffic_before : Traffic
        What had been asked of the upstream before the run.
    by_others : int
        Requests that had been used for other sets by then; a run that is made twice is no other.
    task : Task
        What there is to do.
    """

    reporter: Reporter
    tell_at: float
    ends_at: float
    has_time: bool
    traffic_before: Traffic
    by_others: int
    task: Task


@dataclass
class Work:
    """One run for one set of records.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    asked : str
        What is wanted, as it was written.
    wanted : BoundSet
        The same, bound.
    target : Target
        The series as the upstream had it when the run began.
    store : WindowStore
        Where records go.
    terms : Terms
    outlook : Outlook
        What there is to do; nothing, until a survey has found it out.
    known : Known
        What a survey has found out so far.
    meter : Meter
        Measures the windows.
    notices : list of str
        What a person should know of the run.
    harvest : Harvest
        What it brings of each record.
    steps : int
        How often it was recorded that more is held, which no later run does again.
    """

    mirror: Mirror
    upstream: Upstream
    asked: str
    wanted: BoundSet
    target: Target
    store: WindowStore
    terms: Terms
    outlook: Outlook = field(init=False)
    known: Known = field(init=False)
    meter: Meter = field(default_factory=Meter)
    notices: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    harvest: Harvest = field(init=False)
    steps: int = 0
    _counted: Traffic = field(init=False)

    def __post_init__(self) -> None:
        self._counted = self.terms.traffic_before
        self.outlook = Outlook()
        self.known = Known(self.asked, self.as_of.recnum if self.target.has_recnums else None)
        self.harvest = harvest_of(self.wanted, self.terms.task.keys, self.coverage())

    @property
    def as_of(self) -> AsOf:
        """State of the upstream that the run is to reach."""
        return self.target.as_of

    @cached_property
    def reached(self) -> AsOf:
        """State of the upstream that what is read now is held as of.

        One that does not say its largest record number has come as far at least as it had before;
        what it said then must not count as a later reading.
        """
        if self.target.has_recnums:
            return self.as_of
        return replace(self.as_of, recnum=reached(self.mirror, self.wanted.series.name))

    @property
    def is_over(self) -> bool:
        """Whether the time for this run has passed."""
        return time.monotonic() >= self.terms.ends_at

    def ends_after(self, windows: int) -> bool:
        """Whether no window is begun after so many others, since time is up.

        One is always taken where there was time at all: every run asks anew what comes before it,
        and one for which that alone takes too long would come nowhere, nor would the next.
        """
        return self.is_over and (windows > 0 or not self.terms.has_time)

    @cached_property
    def followed(self) -> BoundSet:
        """The wanted set without its conditions in SQL.

        A revision that no longer satisfies them has to be seen.
        """
        return replace(self.wanted, filters=self.wanted.conditions)

    def fetch(
        self, record_set: str, n: int | None = None, columns: Collection[str] | None = None
    ) -> RecordText:
        """Read columns of a record set, by default all that are read of a new record."""
        read = self.harvest.read if columns is None else columns
        listed = self.upstream.records(
            record_set,
            identity_keys(self.wanted.series, *read, numbers=self.target.numbers),
            n=n,
            all_digits=self.store.all_digits,
        )
        refuse_unknown_keys(self.wanted.series, listed)
        reach("window.fetched")
        return listed

    def numbered_text(self, numbers: Sequence[int]) -> str:
        """The records of some numbers, superseded or not, as a question."""
        return f"{self.wanted.series.name}[:{','.join(f'#{number}' for number in numbers)}]"

    def bring(self, numbers: Sequence[int]) -> set[int]:
        """Read the records of some numbers whole and keep them; give the numbers that there are."""
        found: set[int] = set()
        for first in range(0, len(numbers), MOST_NUMBERS):
            text = self.numbered_text(numbers[first : first + MOST_NUMBERS])
            listed = self.fetch(text).table
            self.keep(listed, ())
            found.update(listed["*recnum*"].to_pylist())
        return found

    @cached_property
    def portion(self) -> Portion:
        """The wanted set, as it is found in the record table."""
        return Portion.of(self.wanted)

    def pieces(self) -> tuple[Piece, ...]:
        """How what is wanted stands."""
        coverage = self.coverage()
        if not self.target.has_recnums:
            coverage = before_lag(coverage, self.lag_begins, self.target.as_of.utc)
        return pieces_of(self.wanted, coverage, self.harvest.wanted, self.as_of.recnum)

    def columns_held(self, extent: Extent) -> frozenset[str]:
        """Columns that are held, as of the target, of every record in an extent."""
        if not self.target.has_recnums:
            return frozenset()
        return frozenset().union(
            *(
                entry.columns
                for entry in self.coverage()
                if entry.as_of_recnum >= self.as_of.recnum and not extent.without(entry.extent)
            )
        )

    def coverage(self) -> list[CoverageEntry]:
        """What is held of the series as it is now, in the present generation of the upstream."""
        every = self.mirror.catalogue.coverage(self.wanted.series.name)
        return [entry for entry in every if entry.generation == self.store.generation]

    @cached_property
    def lag_begins(self) -> float:
        """Position on the axis from which records are read again where they have no numbers.

        So long before the newest that was held when the run began records can still come late. Of
        a time that has not come there can be some, which are not newer than all that comes.
        """
        newest, series = self.store.newest_position, self.wanted.series
        if newest is None:  # a draft knows what is held without having it
            read = [position_at(series, one.as_of_utc) for one in self.coverage()]
            newest = max(read, default=None)
        seconds = self.terms.task.lag.total_seconds()
        seconds = seconds or self.mirror.settings.sync.lag_hours * 3600
        if newest is None:
            return -math.inf
        return min(newest, position_at(series, self.as_of.utc)) - positions(series, seconds)

    @property
    def share_held(self) -> float:
        """Share of what is wanted that is held, 0 to 1.

        By what was counted and what was read, since records lie unevenly along the axis.
        """
        pieces = self.pieces()
        if not all_missing(pieces) and not all_behind(pieces):
            return 1.0  # whatever came or went since it was counted
        return self.outlook.share_held(self.records_read)

    @property
    def records_read(self) -> int:
        """Records that the run has read."""
        totals = self.store.totals
        return totals.records_new + totals.records_revised + totals.records_unchanged

    def entry(self, extent: Extent, columns: frozenset[str]) -> CoverageEntry:
        """The statement that columns of an extent are held as of the run's target."""
        return CoverageEntry(
            interval=extent.interval,
            restriction=extent.restriction,
            columns=columns,
            versions=Versions.LATEST,
            generation=self.store.generation,
            as_of_recnum=self.reached.recnum,
            as_of_utc=self.reached.utc,
        )

    def all_entries(self) -> tuple[CoverageEntry, ...]:
        """The statement that all of what is wanted is held as of the run's target."""
        return tuple(self.entry(one, self.harvest.wanted) for one in extent_of(self.wanted))

    def keep(
        self,
        given: pa.Table,
        entries: Sequence[CoverageEntry],
        gone: pa.Table | None = None,
    ) -> None:
        """Put records into the mirror, with what they cost."""
        learn_formats(self.upstream, self.store, given)
        self.store.keep(
            given,
            entries,
            gone=gone,
            mark=self._mark,
            cost=self.uncounted(),
            share_held=self.outlook.share_held(self.records_read + given.num_rows),
        )
        self.steps += bool(entries)

    def _mark(self, rows: pa.Table) -> pa.Table:
        conditions = self.wanted.sql
        return with_markers(rows, conditions, self.harvest.marked) if conditions else rows

    def uncounted(self) -> RunCounters:
        """Requests and bytes since they were last recorded."""
        now = self.upstream.traffic
        since, self._counted = now - self._counted, now
        return RunCounters(since.requests, since.bytes)

    def say(self, place: str) -> None:
        """Tell the reporter how the run stands."""
        self.terms.reporter.window(
            Progress(
                series=self.wanted.series.name,
                place=place,
                records=self.records_read,
                records_ahead=self.outlook.records_left(self.records_read),
                records_per_second=self.meter.rate(self.records_read),
            )
        )

    def report(self, outcome: RunOutcome) -> SyncReport:
        """What the run did."""
        totals, traffic = self.store.totals, self.upstream.traffic - self.terms.traffic_before
        return SyncReport(
            series=self.wanted.series.name,
            record_set=self.asked,
            outcome=outcome,
            records_new=totals.records_new,
            records_revised=totals.records_revised,
            records_unchanged=totals.records_unchanged,
            records_removed=totals.records_removed,
            requests=traffic.requests,
            bytes=traffic.bytes,
            seconds=time.monotonic() - self.began,
            share_held=self.share_held,
            rows_held=self.store.rows_held,
            notices=tuple(self.notices),
        )


def refuse_unknown_keys(definition: SeriesDefinition, listed: RecordText) -> None:
    """Refuse an answer with a keyword that the server no longer knows: that is no missing value.

    Raises
    ------
    UpstreamAnswerError
    """
    for key in unknown_keys(definition, listed):
        raise UpstreamAnswerError(
            f"The upstream no longer knows the keyword {key} of {definition.name}: the series "
            f"was changed while it was read. Nothing of the answer was kept; run the same again"
        )


def unknown_keys(definition: SeriesDefinition, listed: RecordText) -> tuple[str, ...]:
    """The keys of an answer that the server no longer knows.

    A keyword read through a link may lead nowhere, and the server may hide what it made by itself.
    """
    return tuple(
        key
        for key in listed.invalid_keys
        if (column := definition.column(key)) is not None
        and column.keyword.link is None
        and not definition.is_implicit(column.keyword)
    )
