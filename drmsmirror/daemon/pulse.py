"""What the daemon says of itself while it lives; written by any of its threads."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from drmsmirror.catalogue import Clock, Duty, this_process
from drmsmirror.daemon.health import DutyHealth, Health, State, write_health
from drmsmirror.daemon.logs import say
from drmsmirror.errors import StoreError
from drmsmirror.version import __version__

__all__ = ["Pulse"]

_log = logging.getLogger(__name__)

#: After so many beats that were not heard the daemon is taken for stuck.
_MISSED = 4
_LEAST_PATIENCE = timedelta(seconds=60)


class Pulse:
    """Keeps the health file.

    Parameters
    ----------
    path : Path
        The file.
    clock : callable
        Gives the time, aware.
    every : float
        Seconds between two beats.
    """

    def __init__(self, path: Path, clock: Clock, every: float) -> None:
        process, now = this_process(), clock()
        self._path = path
        self._clock = clock
        self._patience = max(_MISSED * timedelta(seconds=every), _LEAST_PATIENCE)
        self._lock = Lock()
        self._is_silent = True
        self._health = Health(
            state=State.IDLE,
            since_utc=now,
            doing=None,
            problem=None,
            began_utc=now,
            written_utc=now,
            good_until_utc=now,
            host=process.host,
            pid=process.pid,
            process=process.identity,
            version=__version__,
        )

    @property
    def is_working(self) -> bool:
        """Whether a duty is being done."""
        return self._health.state is State.WORKING

    def speak(self) -> None:
        """Begin to write: this daemon is the one of the mirror."""
        self._is_silent = False

    def hush(self) -> None:
        """Write no more: another is."""
        self._is_silent = True

    def beat(self) -> None:
        """Write that the daemon lives."""
        with self._lock:
            self._write()

    def learn(self, duties: Iterable[Duty]) -> None:
        """Take over how the duties stand."""
        known = tuple(
            DutyHealth(
                duty.name,
                duty.due_utc,
                duty.succeeded_utc,
                None if duty.outcome is None else str(duty.outcome),
                duty.message,
            )
            for duty in duties
        )
        with self._lock:
            self._health = replace(self._health, duties=known)

    def turn(self, state: State, *, doing: str | None = None, problem: str | None = None) -> None:
        """Be in another state from now on; nothing happens in the same."""
        with self._lock:
            before = self._health
            if (before.state, before.doing, before.problem) == (state, doing, problem):
                return
            is_same = before.state is state is State.WAITING
            since = before.since_utc if is_same else self._clock()
            self._health = replace(
                before, state=state, since_utc=since, doing=doing, problem=problem
            )
            self._write()

    @contextmanager
    def working(self, on: str) -> Iterator[None]:
        """Be at work while a block runs."""
        self.turn(State.WORKING, doing=on)
        try:
            yield
        finally:
            self.turn(State.IDLE)

    def _write(self) -> None:
        if self._is_silent:
            return
        now: datetime = self._clock()
        self._health = replace(self._health, written_utc=now, good_until_utc=now + self._patience)
        try:
            write_health(self._path, self._health)
        except StoreError as error:  # a full disk must not stop what frees it
            say(_log, "health.unwritten", logging.ERROR, reason=str(error))
