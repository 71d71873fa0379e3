"""What the steps of one run share: what is wanted, whom to ask, where to put it, how it stands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from drmsmirror.catalogue import AsOf, RunCounters, RunOutcome
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.failpoints import reach
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry, Interval, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.recordset import BoundSet
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import harvest_keys
from drmsmirror.sync.progress import Progress, Reporter, SyncReport
from drmsmirror.sync.store import WindowStore
from drmsmirror.upstream import RecordText, Traffic, Upstream

__all__ = ["Work"]


@dataclass
class Work:
    """One run for one set of records.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    wanted : BoundSet
    as_of : AsOf
        State of the upstream when the run began: its target.
    store : WindowStore
        Where records go.
    reporter : Reporter
    ends_at : float
        Monotonic time after which no further window is begun, seconds.
    traffic_before : Traffic
        What had been asked of the upstream before the run.
    """

    mirror: Mirror
    upstream: Upstream
    wanted: BoundSet
    as_of: AsOf
    store: WindowStore
    reporter: Reporter
    ends_at: float
    traffic_before: Traffic
    share_held: float = 0.0
    began: float = field(default_factory=time.monotonic)
    _counted: Traffic = field(init=False)

    def __post_init__(self) -> None:
        self._counted = self.traffic_before
        self.columns = frozenset(column.name for column in self.wanted.series.columns)

    @property
    def is_over(self) -> bool:
        """Whether the time for this run has passed."""
        return time.monotonic() >= self.ends_at

    def fetch(self, record_set: str, n: int | None = None) -> RecordText:
        """Every stored keyword of a record set."""
        listed = self.upstream.records(record_set, harvest_keys(self.wanted.series), n=n)
        _refuse_unknown_keys(self.wanted.series, listed)
        reach("window.fetched")
        return listed

    def held_entries(self, restriction: Restriction) -> list[CoverageEntry]:
        """Coverage that holds every keyword of what a restriction lets through."""
        return [
            entry
            for entry in self.mirror.catalogue.coverage(self.wanted.series.name)
            if entry.columns >= self.columns
            and entry.generation == self.store.generation
            and Restriction.parse(entry.restriction).admits(restriction)
        ]

    def entry(self, interval: Interval, restriction: Restriction) -> CoverageEntry:
        """The statement that a part of the axis is held as of the run's target."""
        return CoverageEntry(
            interval=interval,
            restriction=restriction.text,
            columns=self.columns,
            versions=Versions.LATEST,
            generation=self.store.generation,
            as_of_recnum=self.as_of.recnum,
            as_of_utc=self.as_of.utc,
        )

    def keep(
        self, given: pa.Table, entries: Sequence[CoverageEntry], share_held: float | None
    ) -> None:
        """Put records into the mirror, with what they cost."""
        self.store.keep(given, entries, cost=self.uncounted(), share_held=share_held)

    def uncounted(self) -> RunCounters:
        """Requests and bytes since they were last recorded."""
        now = self.upstream.traffic
        since, self._counted = now - self._counted, now
        return RunCounters(since.requests, since.bytes)

    def say(self, place: str, records_ahead: int) -> None:
        """Tell the reporter how the run stands."""
        totals = self.store.totals
        self.reporter.window(
            Progress(
                series=self.wanted.series.name,
                place=place,
                records=totals.records_new + totals.records_revised + totals.records_unchanged,
                records_ahead=max(0, records_ahead),
                seconds=time.monotonic() - self.began,
            )
        )

    def report(self, outcome: RunOutcome) -> SyncReport:
        """What the run did."""
        totals, traffic = self.store.totals, self.upstream.traffic - self.traffic_before
        return SyncReport(
            series=self.wanted.series.name,
            record_set=self.wanted.text,
            outcome=outcome,
            records_new=totals.records_new,
            records_revised=totals.records_revised,
            records_unchanged=totals.records_unchanged,
            requests=traffic.requests,
            bytes=traffic.bytes,
            seconds=time.monotonic() - self.began,
            share_held=self.share_held,
            rows_held=self.store.rows_held,
        )


def _refuse_unknown_keys(definition: SeriesDefinition, listed: RecordText) -> None:
    """A keyword that the server no longer knows is no missing value.

    A keyword read through a link may lead nowhere, and the server may hide what it made by itself.
    """
    for key in listed.invalid_keys:
        column = definition.column(key)
        if column and column.keyword.link is None and not definition.is_implicit(column.keyword):
            raise UpstreamAnswerError(
                f"The upstream no longer knows the keyword {key} of {definition.name}: the series "
                f"was changed while it was read. Nothing of the answer was kept; run the same again"
            )
