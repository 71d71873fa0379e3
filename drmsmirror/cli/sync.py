"""``drmsmirror sync``."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from drmsmirror.cli.attempts import (
    look_ahead,
    object_of,
    raise_for_failures,
    summary_of,
    told,
)
from drmsmirror.cli.common import (
    as_json,
    counted,
    duration,
    duration_option,
    json_option,
    mirror_options,
    read_settings,
    size,
    talk,
)
from drmsmirror.cli.hosts import tell_of_hosts
from drmsmirror.cli.publishing import bar_on_terminal
from drmsmirror.cli.publishing import told as told_published
from drmsmirror.errors import DrmsMirrorError

if TYPE_CHECKING:
    from datetime import timedelta

    from rich.progress import Progress as ProgressBar
    from rich.progress import TaskID

    from drmsmirror.catalogue import StoredSubscription
    from drmsmirror.mirror import Mirror
    from drmsmirror.settings import Settings, SyncSettings
    from drmsmirror.sharing import SharedUpstream
    from drmsmirror.sync import Ahead, Known, Progress, SyncReport, Task

__all__ = ["command"]


@click.command("sync")
@click.argument("record_set", metavar="RECORDSET", required=False)
@click.option("--all", "all_", is_flag=True, help="Sync every subscription, by priority.")
@duration_option(
    "--deadline",
    metavar="TIME",
    help="Stop after so long, and go on the next time: 90m, 5h. [default without a terminal: "
    "sync.max_run]",
)
@click.option(
    "--max-requests",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop before a request to the upstream that would be one more.",
)
@click.option(
    "--backfill", is_flag=True, help="Only fetch what is missing; follow and compare nothing."
)
@click.option(
    "--reconcile",
    is_flag=True,
    help="Compare everything with the upstream now, record number by record number, and not only "
    "as much as a night's budget allows.",
)
@click.option("--full", is_flag=True, help="With --reconcile: read every record whole.")
@click.option(
    "--dry-run", is_flag=True, help="Say what it would take, and change nothing of what is held."
)
@mirror_options
@json_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask before a long run.")
def command(
    record_set: str | None,
    all_: bool,
    deadline: timedelta | None,
    max_requests: int | None,
    backfill: bool,
    reconcile: bool,
    full: bool,
    dry_run: bool,
    mirror: str | None,
    config: str | None,
    verbose: bool,
    as_json_: bool,
    yes: bool,
) -> None:
    """Bring the records of RECORDSET into the mirror, with all their keywords.

    RECORDSET is what query takes; a bare series means all of it, the newest records first. What is
    held is not fetched again: a second run only takes what is new. The run may be interrupted at
    any moment; the next one goes on. RECORDSET becomes a subscription, unless it lies within one.
    Where the settings say so (publish.targets) the series is published after it.

    \b
    Examples:
      drmsmirror sync hmi.sharp_720s
      drmsmirror sync 'hmi.sharp_720s[4315]'
      drmsmirror sync 'hmi.M_720s[2014.07.01_TAI/30d]' --dry-run
      drmsmirror sync --all --deadline 5h --max-requests 2000
    """
    if (record_set is None) != all_:
        raise click.UsageError("Name a RECORDSET, or give --all for every subscription")
    task = _task(backfill=backfill, reconcile=reconcile, full=full)
    settings = read_settings(mirror, config, verbose)
    if dry_run:
        look_ahead(settings, record_set, as_json_=as_json_)
        return
    _refuse_wrong_targets(settings)
    may_ask = sys.stdin.isatty() and not yes
    seconds = math.inf if sys.stdin.isatty() or yes else settings.sync.max_run
    if deadline is not None:
        seconds = deadline.total_seconds()
    with _opened(settings, max_requests) as (opened, upstream):
        reporter = _Reporter(settings.sync, may_ask=may_ask, seconds=seconds)
        if record_set is None:
            _sync_all(opened, upstream, reporter, seconds, task, as_json_=as_json_)
        else:
            _sync_one(opened, upstream, record_set, reporter, seconds, task, as_json_=as_json_)


def _task(*, backfill: bool, reconcile: bool, full: bool) -> Task | None:
    """What is to be done where it is not what the subscription says."""
    if backfill and reconcile:
        raise click.UsageError("--backfill and --reconcile contradict each other; choose one")
    if full and not reconcile:
        raise click.UsageError("--full goes with --reconcile")
    if not (backfill or reconcile):
        return None
    from drmsmirror.model.subscription import Reconcile
    from drmsmirror.sync import Task

    if backfill:
        return Task(follows=False, reconcile=Reconcile.OFF)
    return Task(reconcile=Reconcile.FULL if full else Reconcile.ROTATION, everywhere=True)


@contextmanager
def _opened(
    settings: Settings, max_requests: int | None
) -> Iterator[tuple[Mirror, SharedUpstream]]:
    """The mirror, made where it is absent, and its upstream, which may get so many requests."""
    from drmsmirror.mirror import Mirror
    from drmsmirror.sharing import open_upstream

    with Mirror.open_or_create(settings, announce=talk) as opened, _measured(opened):
        tell_of_hosts(opened)
        yield opened, open_upstream(opened, most_requests=max_requests)


@contextmanager
def _measured(mirror: Mirror) -> Iterator[None]:
    """Write the metrics, where the settings say so, however the block ends."""
    if not mirror.settings.daemon.metrics_file:
        yield
        return
    from drmsmirror.daemon.metrics import check_metrics, write_metrics_file

    check_metrics(mirror)
    try:
        yield
    finally:
        try:
            write_metrics_file(mirror)
        except DrmsMirrorError as error:  # whoever watches sees that the file is old
            talk(f"The metrics were not written: {error}")


def _sync_one(
    mirror: Mirror,
    upstream: SharedUpstream,
    record_set: str,
    reporter: _Reporter,
    seconds: float,
    task: Task | None,
    *,
    as_json_: bool,
) -> None:
    from drmsmirror.sync import sync_and_subscribe

    with reporter:
        reports = sync_and_subscribe(
            mirror, upstream, record_set, reporter=reporter, seconds=seconds, task=task
        )
    if as_json_:
        as_json([asdict(report) for report in reports])
    for report in reports:
        for notice in report.notices:
            talk(notice)
        talk(_summary(report))
    _publish(mirror, tuple(report.series for report in reports))


def _sync_all(
    mirror: Mirror,
    upstream: SharedUpstream,
    reporter: _Reporter,
    seconds: float,
    task: Task | None,
    *,
    as_json_: bool,
) -> None:
    """Sync every subscription, and say of each what came of it as soon as it is known."""
    from drmsmirror.sync import sync_all

    attempts = []
    with reporter:
        for attempt in sync_all(mirror, upstream, reporter=reporter, seconds=seconds, task=task):
            reporter.stop()
            for notice in attempt.report.notices if attempt.report else ():
                talk(notice)
            talk(_summary(attempt.report) if attempt.report else told(attempt))
            attempts.append(attempt)
    if as_json_:
        as_json([object_of(attempt) for attempt in attempts])
    talk(summary_of(attempts))
    _publish(mirror, tuple(attempt.report.series for attempt in attempts if attempt.report))
    raise_for_failures(attempts)


def _refuse_wrong_targets(settings: Settings) -> None:
    """Find out before a long run, not after it, that it cannot be published."""
    if settings.publish.targets:
        from drmsmirror.publish import targets_of

        for series in settings.publish.targets:
            targets_of(settings, series)


def _publish(mirror: Mirror, names: tuple[str, ...]) -> None:
    """Publish what was synced where the settings say; what is not held yet waits."""
    if not mirror.settings.publish.targets:
        return
    from drmsmirror.publish import publish, targets_of

    for series in dict.fromkeys(names):
        if mirror.catalogue.state(series).table_path is None:
            continue
        for target in targets_of(mirror.settings, series):
            with bar_on_terminal() as reporter:
                done = publish(mirror, series, target, reporter=reporter)
            talk(told_published(done))


class _Reporter:
    """Shows what lies ahead and how the run goes: a bar on a terminal, plain lines elsewhere."""

    def __init__(self, settings: SyncSettings, *, may_ask: bool, seconds: float) -> None:
        self._settings = settings
        self._may_ask = may_ask
        self._seconds = seconds
        self._bar: ProgressBar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> _Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the bar as it stands; what comes next gets one of its own."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None

    def subscribed(self, subscription: StoredSubscription) -> None:
        record_set = subscription.subscription.record_set
        talk(
            f"Subscribed to {record_set}; "
            f"`drmsmirror unsubscribe {shlex.quote(record_set)}` ends that."
        )

    def lies_within(self, record_set: str, subscription: StoredSubscription) -> None:
        talk(
            f"{record_set} lies within the subscription to {subscription.subscription.record_set} "
            f"(number {subscription.id}); no other is made."
        )

    def waiting(self, known: Known) -> None:
        talk(f"{_found_so_far(known)} The upstream takes long to say what lies ahead; waiting.")

    def ahead(self, ahead: Ahead) -> bool:
        talk(
            f"{ahead.series}: {counted(ahead.records, 'record')} ahead, "
            f"about {duration(ahead.seconds)}, {size(ahead.bytes)} to fetch, "
            f"{size(ahead.disk_bytes)} on disk ({size(ahead.free_bytes)} free)."
        )
        if ahead.narrower:
            talk("Less would be, for example:")
            for record_set in ahead.narrower:
                talk(f"  drmsmirror sync {shlex.quote(record_set)}")
        is_long = (
            ahead.seconds > self._settings.ask_above_minutes * 60
            or max(ahead.bytes, ahead.disk_bytes) > self._settings.ask_above_gib * 2**30
        )
        if is_long and self._may_ask:
            return click.confirm("Go on?", default=True, err=True)
        if is_long and math.isfinite(self._seconds):
            talk(f"This run stops after {duration(self._seconds)}; the next one goes on.")
        return True

    def window(self, progress: Progress) -> None:
        if sys.stderr.isatty():
            self._show_bar(progress)
            return
        parts = [
            counted(progress.records, "record"),
            progress.place,
            _rate(progress),
            _left(progress),
        ]
        talk("  " + ", ".join(part for part in parts if part))

    def _show_bar(self, progress: Progress) -> None:
        if self._bar is None:
            self._bar, self._task = _progress_bar(progress.series)
        assert self._task is not None
        total = progress.records + progress.records_ahead
        parts = [_rate(progress), _left(progress), progress.place]
        self._bar.update(
            self._task,
            completed=progress.records,
            total=total,
            counts=f"{progress.records:,}/{total:,}",
            rest=" ".join(part for part in parts if part),
        )


def _rate(progress: Progress) -> str:
    """How fast records come; nothing where none do, as when all that is compared is the same."""
    rate = progress.records_per_second
    return f"{rate:,.0f}/s" if rate >= 1 else ""


def _left(progress: Progress) -> str:
    """What the rest takes, by the run's own rate; nothing where nothing is left."""
    left = progress.seconds_left
    return f"{duration(left)} left" if left else ""


def _found_so_far(known: Known) -> str:
    if known.largest_recnum is None:
        return f"{known.record_set}: nothing known yet."
    numbers = f"the series has record numbers up to {known.largest_recnum:,}"
    if known.records is None:
        return f"{known.record_set}: {numbers}."
    return f"{known.record_set}: {counted(known.records, 'record')}, held or not; {numbers}."


def _progress_bar(series: str) -> tuple[ProgressBar, TaskID]:
    """A bar in which the counts are whole, however narrow the terminal is.

    The rest, what matters least last, has what room is left.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    console = Console(stderr=True)
    name = Column(no_wrap=True, overflow="ellipsis", max_width=console.width // 3)
    rest = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    bar = Progress(
        TextColumn("{task.description}", table_column=name),
        BarColumn(bar_width=console.width // 6),
        TextColumn("{task.fields[counts]}"),
        TextColumn("{task.fields[rest]}", table_column=rest),
        console=console,
        expand=True,
    )
    bar.start()
    return bar, bar.add_task(series, total=None, counts="", rest="")


def _removed(report: SyncReport) -> str:
    return f", {report.records_removed:,} gone" if report.records_removed else ""


def _files(report: SyncReport) -> str:
    """What became of the files that the subscription wants."""
    files = report.files
    if files is None:
        return ""
    said = f"\nFiles: {files.fetched:,} fetched ({size(files.bytes)}), {files.held:,} held"
    if files.without:
        said += f", {files.without:,} that there are not"
    if files.missing:
        said += f", {files.missing:,} could not be had and are tried again by the next run"
    said += "." if files.complete else "; time is up, and the next run goes on."
    return said + (f" The first of them: {files.reason}" if files.missing else "")


def _summary(report: SyncReport) -> str:
    did = (
        f"{report.series}: {report.records_new:,} new, {report.records_revised:,} revised, "
        f"{report.records_unchanged:,} unchanged{_removed(report)}; "
        f"{counted(report.requests, 'request')}, "
        f"{size(report.bytes)}, {duration(report.seconds)}."
    )
    if report.outcome == "done":
        rows = counted(report.rows_held, "row")
        held = f"All of {report.record_set} is held ({rows} of the series)."
        return f"{did}\n{held}{_files(report)}"
    share = "" if report.share_held is None else f"{int(100 * report.share_held)}% "
    return (
        f"{did}\n{share or 'Not all '}of {report.record_set} is held; to go on:\n"
        f"  drmsmirror sync {shlex.quote(report.record_set)}"
    )
