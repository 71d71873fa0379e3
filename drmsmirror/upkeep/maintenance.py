"""Maintenance: what is due is done, a series at a time and within a time.

A series is held while its record table is worked on, like a sync holds it; one that somebody works
on is passed over, and its turn comes the next time. Every step leaves the mirror whole: one that is
killed is done by the next maintenance.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from drmsmirror.catalogue import RunKind
from drmsmirror.catalogue.hold import holding_series_if_free
from drmsmirror.errors import DamageError, DrmsMirrorError
from drmsmirror.mirror import Mirror
from drmsmirror.runs import recorded_run
from drmsmirror.upkeep.duties import Duty, duties_of_mirror, duties_of_series
from drmsmirror.upkeep.files import duties_of_files
from drmsmirror.upkeep.report import Done, Failed, Left, Maintenance

__all__ = ["maintain", "maintain_after_sync"]

_log = logging.getLogger(__name__)

_NO_TIME = "no time was left"
_DRY_RUN = "this is a dry run"
_HELD = "somebody works on the series"


def maintain(
    mirror: Mirror,
    *,
    seconds: float = math.inf,
    dry_run: bool = False,
    told: Callable[[Done], None] = lambda _: None,
) -> Maintenance:
    """Do all that is due, of every series and of the mirror.

    Parameters
    ----------
    mirror : Mirror
    seconds : float
        Time after which no further step is begun.
    dry_run : bool
        Whether what is due is only told.
    told : callable
        Hears of each step when it is done.

    Returns
    -------
    Maintenance
        An error ends the upkeep of one series only.
    """
    work = _Work(time.monotonic() + seconds, dry_run=dry_run, told=told)
    for summary in mirror.catalogue.series():
        work.on_series(mirror, summary.name, thorough=True)
    work.on_mirror(mirror)
    work.on_files(mirror, thorough=True)
    if work.done:
        mirror.publish()
    return work.report()


def maintain_after_sync(mirror: Mirror, series: str) -> list[str]:
    """Do what is due of a series that was just synced, and of files, as the settings allow.

    What the sync brought is held whatever comes of this, so that an error is no reason to fail.

    Returns
    -------
    list of str
        What a person should know.
    """
    seconds = mirror.settings.upkeep.after_sync
    if not seconds:
        return []
    work = _Work(time.monotonic() + seconds)
    work.on_series(mirror, series, thorough=False)
    work.on_files(mirror, thorough=False)
    return [_notice(one) for one in work.failed]


def _notice(failed: Failed) -> str:
    if isinstance(failed.error, DamageError):
        return str(failed.error)
    return (
        f"The upkeep of {failed.series or 'files'} failed, and the records are held all the same: "
        f"{failed.error}"
    )


@dataclass
class _Work:
    """Maintenance that is under way."""

    ends_at: float
    dry_run: bool = False
    told: Callable[[Done], None] = lambda _: None
    done: list[Done] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    def report(self) -> Maintenance:
        return Maintenance(tuple(self.done), tuple(self.left), tuple(self.failed))

    def on_series(self, mirror: Mirror, series: str, *, thorough: bool) -> None:
        try:
            due = duties_of_series(mirror, series, None, thorough=thorough)
            if (why := self._hindrance()) is not None:
                self._pass_over(series, due, why)
                return
            first = next(due, None)
            if first is None:
                return
            with holding_series_if_free(mirror.catalogue, series) as lease:
                if lease is None:
                    self._pass_over(series, iter([first]), _HELD)
                    return
                due = duties_of_series(mirror, series, lease, thorough=thorough)
                self._carry_out(mirror, series, due)
        except DrmsMirrorError as error:
            self._fail(series, error)

    def on_mirror(self, mirror: Mirror) -> None:
        try:
            self._carry_out(mirror, "", duties_of_mirror(mirror))
        except DrmsMirrorError as error:
            self._fail("", error)

    def on_files(self, mirror: Mirror, *, thorough: bool) -> None:
        try:
            self._carry_out(mirror, "", duties_of_files(mirror, thorough=thorough))
        except DrmsMirrorError as error:
            self._fail("", error)

    def _carry_out(self, mirror: Mirror, series: str, due: Iterator[Duty]) -> None:
        """Do what is due, in a run that begins with the first duty that is worth one."""
        is_recorded = False
        with ExitStack() as running:
            for duty in due:
                if (why := self._hindrance()) is not None:
                    self._pass_over(series, iter([duty]), why)
                    continue
                if duty.is_recorded and not is_recorded:
                    is_recorded = True
                    kind = RunKind.MAINTAIN
                    running.enter_context(
                        recorded_run(mirror, series, series, kind, publishes=False)
                    )
                begun = time.monotonic()
                duty.carry_out()
                done = Done(series, duty.what, duty.bytes, time.monotonic() - begun)
                _log.info("%s: %s", series or "the mirror", duty.what)
                self.done.append(done)
                self.told(done)

    def _hindrance(self) -> str | None:
        if self.dry_run:
            return _DRY_RUN
        return _NO_TIME if time.monotonic() >= self.ends_at else None

    def _pass_over(self, series: str, due: Iterator[Duty], why: str) -> None:
        self.left += [Left(series, duty.what, duty.bytes, why) for duty in due]

    def _fail(self, series: str, error: DrmsMirrorError) -> None:
        _log.warning("the upkeep of %s failed: %s", series or "the mirror", error)
        self.failed.append(Failed(series, error))
