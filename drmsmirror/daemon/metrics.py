"""Metrics for Prometheus: served over HTTP, or left in a file for its textfile collector.

Every number is read from the mirror when it is asked for, and none is counted here: they are right
after a restart, and the same whichever process is asked.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from drmsmirror.catalogue import RunKind, RunOutcome, RunTotals, SeriesState
from drmsmirror.daemon.logs import say
from drmsmirror.errors import DrmsMirrorError, MissingLibraryError, SettingsError
from drmsmirror.files import free_bytes, write_bytes
from drmsmirror.mirror import Mirror
from drmsmirror.model.leapseconds import tai_minus_utc_at_tai
from drmsmirror.model.positions import position_seconds
from drmsmirror.segments import Room
from drmsmirror.sharing import breaker
from drmsmirror.version import __version__

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

__all__ = ["check_metrics", "metrics_text", "serving_metrics", "write_metrics_file"]

_log = logging.getLogger(__name__)

_PREFIX = "drmsmirror_"
#: Where DRMS counts its seconds from.
_EPOCH = datetime(1977, 1, 1, tzinfo=UTC)


def check_metrics(mirror: Mirror) -> None:
    """Find out before the work that metrics are wanted and cannot be made.

    Raises
    ------
    MissingLibraryError
        The library is not installed.
    """
    settings = mirror.settings.daemon
    if settings.metrics_port or settings.metrics_file:
        _registry(mirror)


def metrics_text(mirror: Mirror) -> bytes:
    """Give all metrics in the text format of Prometheus.

    Raises
    ------
    MissingLibraryError
        The library is not installed.
    """
    registry = _registry(mirror)
    from prometheus_client import generate_latest

    text: bytes = generate_latest(registry)
    return text


def write_metrics_file(mirror: Mirror) -> None:
    """Write the metrics to the file that the settings name, if any.

    Raises
    ------
    MissingLibraryError
        The library is not installed.
    StoreError
        The file cannot be written.
    """
    file = mirror.settings.daemon.metrics_file
    if file:
        write_bytes(Path(file).expanduser().absolute(), metrics_text(mirror))


@contextmanager
def serving_metrics(mirror: Mirror) -> Iterator[None]:
    """Serve the metrics while a block runs, where the settings name a port.

    Raises
    ------
    MissingLibraryError
        The library is not installed.
    SettingsError
        The address and port cannot be used.
    """
    settings = mirror.settings.daemon
    if not settings.metrics_port:
        yield
        return
    registry = _registry(mirror)
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(
            settings.metrics_port, settings.metrics_address, registry
        )
    except OSError as error:
        raise SettingsError(
            f"Metrics cannot be served at {settings.metrics_address}:{settings.metrics_port} "
            f"({error.strerror or error}); change daemon.metrics_port or daemon.metrics_address"
        ) from None
    say(_log, "metrics.served", address=settings.metrics_address, port=settings.metrics_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _registry(mirror: Mirror) -> CollectorRegistry:
    try:
        from prometheus_client import CollectorRegistry
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            "Metrics need prometheus-client, which is not installed. Run: pip install "
            "'drmsmirror[metrics]', or set daemon.metrics_port to 0 and daemon.metrics_file to "
            "nothing",
            name="prometheus_client",
        ) from error
    registry = CollectorRegistry()
    registry.register(_Collector(mirror))
    return registry


class _Collector:
    """Reads the metrics from the mirror, each time that they are asked for."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def describe(self) -> tuple[Metric, ...]:
        """Describe nothing in advance: nothing is read before somebody asks."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Give all metrics; where the catalogue cannot be read, that and nothing else."""
        try:
            found = [
                *self._of_runs(),
                *self._of_series(),
                *self._of_checks(),
                *self._of_files(),
                *self._of_duties(),
                *self._of_upstream(),
            ]
        except DrmsMirrorError as error:
            say(_log, "metrics.unread", logging.ERROR, reason=str(error))
            found = []
        yield _gauge("up", "Whether the catalogue can be read: 1 or 0.", (), {(): bool(found)})
        yield _gauge("info", "Version, as a label.", ("version",), {(__version__,): 1.0})
        yield from found

    def _of_runs(self) -> Iterator[Metric]:
        # what runs now counts when it has ended: a counter must not go down
        totals = [
            one
            for one in self._mirror.catalogue.run_totals()
            if one.outcome is not RunOutcome.RUNNING
        ]
        yield _counter(
            "runs",
            "Runs, by how they ended.",
            ("series", "outcome"),
            _sums(((one.series, str(one.outcome)), one.runs) for one in totals),
        )
        yield _counter(
            "records",
            "Records that runs stored, by what became of them: insert, revise, delete.",
            ("series", "op"),
            _sums(((one.series, op), number) for one in totals for op, number in _by_op(one)),
        )
        yield _counter(
            "upstream_requests",
            "Requests that runs sent to the upstream, by how the run ended.",
            ("outcome",),
            _sums(((str(one.outcome),), one.counters.requests) for one in totals),
        )
        yield _counter(
            "upstream_bytes",
            "Bytes that runs received from the upstream.",
            ("series",),
            _sums(((one.series,), one.counters.bytes) for one in totals),
        )
        yield _gauge(
            "last_success_timestamp_seconds",
            "When a sync last ended with all that it was to bring, in Unix time.",
            ("series",),
            {
                (one.series,): one.finished_utc.timestamp()
                for one in totals
                if one.outcome is RunOutcome.DONE and one.kind is RunKind.SYNC and one.finished_utc
            },
        )

    def _of_series(self) -> Iterator[Metric]:
        now = self._now()
        yield _gauge(
            "free_bytes",
            "Bytes that are free where the mirror is.",
            (),
            {(): free_bytes(self._mirror.root)},
        )
        states = [self._mirror.catalogue.state(one.name) for one in self._mirror.catalogue.series()]
        held = [state for state in states if state.table_path is not None]
        newest = {state.series: self._newest(state) for state in held}
        yield _gauge(
            "sync_lag_seconds",
            "How far the newest record lies behind now.",
            ("series",),
            {(name,): (now - at).total_seconds() for name, at in newest.items() if at is not None},
        )
        yield _gauge(
            "watermark_age_seconds",
            "How long ago the upstream was as it is held: every change until then was taken.",
            ("series",),
            {
                (state.series,): (now - state.watermark_utc).total_seconds()
                for state in held
                if state.watermark_utc is not None
            },
        )
        yield _gauge(
            "rows",
            "Rows of the record table, all versions of a record counted.",
            ("series",),
            {(state.series,): state.rows_held for state in held},
        )

    def _newest(self, state: SeriesState) -> datetime | None:
        """Time of the newest record; None where the series has no time axis, or no table."""
        definition = self._mirror.catalogue.definition(state.series)
        try:
            largest = self._mirror.table(definition, state).largest(definition.axis.column)
        except DrmsMirrorError as error:
            say(_log, "metrics.unread", logging.ERROR, series=state.series, reason=str(error))
            return None
        seconds = None if largest is None else position_seconds(definition, largest)
        if seconds is None:
            return None
        utc = seconds - int(tai_minus_utc_at_tai(math.floor(seconds)))
        return _EPOCH + timedelta(seconds=utc)

    def _of_checks(self) -> Iterator[Metric]:
        catalogue = self._mirror.catalogue
        names = [one.name for one in catalogue.series()]
        results = [
            (name, "sound" if file.problem is None else "damaged")
            for name in names
            for file in catalogue.checks.load(name).values()
        ]
        compared = {
            (name, record_set): one
            for name in names
            for record_set, one in catalogue.reconciliations.of_series(name).items()
        }
        yield _gauge(
            "verify_files",
            "Files of records that were read whole, by what was found: sound, damaged.",
            ("series", "result"),
            _sums((labels, 1) for labels in results),
        )
        yield _gauge(
            "compare_timestamp_seconds",
            "When some of a record set was last compared with the upstream, in Unix time.",
            ("series", "record_set"),
            {labels: one.worked_utc.timestamp() for labels, one in compared.items()},
        )
        yield _gauge(
            "compared_since_timestamp_seconds",
            "Since when all of a record set was compared with the upstream, or read, in Unix time.",
            ("series", "record_set"),
            {
                labels: one.checked_since_utc.timestamp()
                for labels, one in compared.items()
                if one.checked_since_utc is not None
            },
        )

    def _of_files(self) -> Iterator[Metric]:
        care, room = self._mirror.catalogue.object_care, Room(self._mirror)
        totals, shares = self._mirror.catalogue.segments.totals(), care.shares(room.used_before)
        evicted, oldest = care.evicted(), care.longest_unused()
        yield _gauge(
            "objects", "Files of records that are kept, same bytes once.", (), {(): totals.objects}
        )
        yield _gauge(
            "object_bytes",
            "Bytes of files of records, by why they stay: pinned, in_use, or may_go.",
            ("share",),
            {
                ("pinned",): shares.pinned.size_bytes,
                ("in_use",): shares.in_use.size_bytes,
                ("may_go",): shares.may_go.size_bytes,
            },
        )
        yield _gauge(
            "object_bytes_limit",
            "What files of records may take together; +Inf where the disk alone limits it.",
            (),
            {(): math.inf if room.most_bytes is None else room.most_bytes},
        )
        yield _counter(
            "evicted_bytes",
            "Bytes of files of records that went to make room.",
            (),
            {(): evicted.size_bytes},
        )
        yield _counter(
            "evicted_objects",
            "Files of records that went to make room.",
            (),
            {(): evicted.objects},
        )
        yield _gauge(
            "longest_object_idle_seconds",
            "How long ago that file of a record was used which nobody used for longest.",
            (),
            {(): 0.0 if oldest is None else (self._now() - oldest).total_seconds()},
        )

    def _of_duties(self) -> Iterator[Metric]:
        duties = self._mirror.catalogue.duties.all()
        yield _gauge(
            "duty_due_timestamp_seconds",
            "When a duty of the daemon is due, in Unix time.",
            ("duty",),
            {(duty.name,): duty.due_utc.timestamp() for duty in duties},
        )
        yield _gauge(
            "duty_last_success_timestamp_seconds",
            "When a duty of the daemon last ended well, in Unix time.",
            ("duty",),
            {
                (duty.name,): duty.succeeded_utc.timestamp()
                for duty in duties
                if duty.succeeded_utc is not None
            },
        )

    def _of_upstream(self) -> Iterator[Metric]:
        health = self._mirror.catalogue.upstreams.health(self._mirror.settings.upstream.url)
        yield _gauge(
            "upstream_failures",
            "Failures of the upstream in a row.",
            (),
            {(): health.failures},
        )
        yield _gauge(
            "upstream_paused",
            "Whether the upstream is left alone for now: 1 or 0.",
            (),
            {(): breaker.state(health, self._now()) is breaker.State.OPEN},
        )

    def _now(self) -> datetime:
        return self._mirror.catalogue.database.clock()


def _by_op(totals: RunTotals) -> tuple[tuple[str, int], ...]:
    counted = totals.counters
    return (
        ("insert", counted.records_new),
        ("revise", counted.records_revised),
        ("delete", counted.records_removed),
    )


def _sums(parts: Iterator[tuple[tuple[str, ...], int]]) -> dict[tuple[str, ...], float]:
    sums: dict[tuple[str, ...], float] = {}
    for labels, number in parts:
        sums[labels] = sums.get(labels, 0.0) + number
    return sums


def _gauge(
    name: str, about: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(_PREFIX + name, about, labels=labels), values)


def _counter(
    name: str, about: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> Metric:
    """A number that only grows; its name is exported with ``_total`` at its end."""
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(_PREFIX + name, about, labels=labels), values)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[tuple[str, ...], float]
) -> Metric:
    for labels, value in values.items():
        family.add_metric(labels, float(value))
    return family
