"""What a run says while it works, and at its end; how it is shown is the caller's business."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from drmsmirror.catalogue import RunOutcome

__all__ = [
    "Ahead",
    "Known",
    "Meter",
    "Prefetched",
    "Progress",
    "Reporter",
    "SilentReporter",
    "SyncReport",
]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What lies ahead of a run, estimated from a count and a timed probe.

    Parameters
    ----------
    series : str
    records : int
        Records to be fetched.
    requests : int
        Requests that takes.
    seconds : float
        Time that takes, at the speed of the probe.
    bytes : int
        Size of the answers.
    disk_bytes : int
        Room that the records will take.
    free_bytes : int
        Room that there is.
    narrower : tuple of str
        Record sets that ask for less.
    """

    series: str
    records: int
    requests: int
    seconds: float
    bytes: int
    disk_bytes: int
    free_bytes: int
    narrower: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a run while the upstream has not said yet what lies ahead.

    Parameters
    ----------
    record_set : str
        What was asked for.
    largest_recnum : int or None
        Record number up to which the series has come; None before the definition is there.
    records : int or None
        Records of the set, held or not; None before they are counted.
    """

    record_set: str
    largest_recnum: int | None = None
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after a window.

    Parameters
    ----------
    series : str
    place : str
        How far it has come, in words: ``back to 2014.07.05_00:00:00_TAI``.
    records : int
        Records fetched so far.
    records_ahead : int
        Records expected still to come.
    records_per_second : float
        Rate of late; see :class:`Meter`.
    """

    series: str
    place: str
    records: int
    records_ahead: int
    records_per_second: float

    @property
    def seconds_left(self) -> float | None:
        """Time that the rest takes at this rate; None where there is no rate yet."""
        rate = self.records_per_second
        return self.records_ahead / rate if rate > 0 else None


class Meter:
    """Measures the rate of the latest half of the records.

    The first windows of a run are small, and tell little of what the others will take.
    """

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin to measure."""
        self._marks = [(0, time.monotonic())]

    def rate(self, records: int) -> float:
        """Records a second, now that there are so many."""
        now = time.monotonic()
        since, then = next(mark for mark in reversed(self._marks) if mark[0] <= records / 2)
        self._marks.append((records, now))
        return (records - since) / (now - then) if now > then else 0.0


class Reporter(Protocol):
    """Whoever wants to know what a run does."""

    def waiting(self, known: Known) -> None:
        """Hear that the upstream takes long to say what lies ahead; called from any thread."""

    def ahead(self, ahead: Ahead) -> bool:
        """Hear what lies ahead; False stops the run before it fetches anything."""

    def window(self, progress: Progress) -> None:
        """Hear that a window is held."""


class SilentReporter:
    """Hears and says nothing."""

    def waiting(self, known: Known) -> None:
        """Wait."""

    def ahead(self, ahead: Ahead) -> bool:  # noqa: ARG002 - the protocol's signature
        """Go on."""
        return True

    def window(self, progress: Progress) -> None:
        """Let it pass."""


@dataclass(frozen=True, slots=True)
class Prefetched:
    """What became of the files of a subscription.

    Parameters
    ----------
    held : int
        Files that were there.
    fetched : int
        Files that were brought now.
    bytes : int
        Their size.
    without : int
        Files that the records do not have, or the upstream no longer.
    missing : int
        Files that could not be had; the next run tries again.
    reason : str
        Why not the first of them; empty without any.
    complete : bool
        Whether all was gone through; else time was up.
    requests : int
        Requests to the upstream.
    """

    held: int = 0
    fetched: int = 0
    bytes: int = 0
    without: int = 0
    missing: int = 0
    reason: str = ""
    complete: bool = True
    requests: int = 0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a run did.

    Parameters
    ----------
    series : str
    record_set : str
    outcome : RunOutcome
        ``done``, or ``stopped`` where time was up or the caller did not agree.
    records_new, records_revised, records_unchanged : int
        Records received, by what became of them.
    records_removed : int
        Records that were found gone.
    requests : int
        Requests to the upstream.
    bytes : int
        Size of the answers.
    seconds : float
        Time that the run took.
    share_held : float or None
        Share of what was asked for that is held now, 0 to 1; None where the run stopped before it
        was known.
    rows_held : int
        Rows of the series held now, all versions counted.
    notices : tuple of str
        What a person should know besides.
    files : Prefetched or None
        What became of the files of a subscription that wants some.
    """

    series: str
    record_set: str
    outcome: RunOutcome
    records_new: int
    records_revised: int
    records_unchanged: int
    records_removed: int
    requests: int
    bytes: int
    seconds: float
    share_held: float | None
    rows_held: int
    notices: tuple[str, ...] = ()
    files: Prefetched | None = None
