"""The daemon: look at what is due, do it, look again.

What is due, and whose it is, lives in the catalogue. APScheduler is the clock: a job that says,
every so often, that it is time to look, and writes that the daemon lives. The work is done in the
main thread, where signals arrive: a sync that is interrupted ends as by Ctrl-C.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC
from threading import Event

from drmsmirror.catalogue import Lease
from drmsmirror.daemon.health import State, health_file
from drmsmirror.daemon.logs import say
from drmsmirror.daemon.maintenance import maintain_and_tell
from drmsmirror.daemon.pulse import Pulse
from drmsmirror.daemon.rounds import TROUBLE, Done, Maintain, Rounds
from drmsmirror.mirror import Mirror
from drmsmirror.upstream import Upstream

__all__ = ["Daemon"]

_log = logging.getLogger(__name__)

#: Who holds it is the daemon of the mirror; others stand by.
_LEASE = "daemon"


class Daemon:
    """Keeps a mirror current for as long as it runs.

    Parameters
    ----------
    mirror : Mirror
        One that can be written.
    upstream : Upstream
    maintain : callable
        Looks after the record tables.
    in_charge : callable
        Gives what is to be entered for as long as this is the daemon of the mirror.
    """

    def __init__(
        self,
        mirror: Mirror,
        upstream: Upstream,
        *,
        maintain: Maintain = maintain_and_tell,
        in_charge: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._mirror = mirror
        self._every = mirror.settings.daemon.look_every
        clock = mirror.catalogue.database.clock
        self._pulse = Pulse(health_file(mirror.root), clock, self._every)
        self._in_charge = in_charge
        self._rounds = Rounds(mirror, upstream, self._pulse, maintain)
        self._wake = Event()
        self._held = ExitStack()
        self._lease: Lease | None = None
        self._is_away = False
        self._stands_by = False
        self._ends_as = State.STOPPED

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        """Give up what is held, so that another can go on at once."""
        with suppress(*TROUBLE):
            self._held.close()
        self._pulse.turn(self._ends_as)

    def run(self) -> None:
        """Look and work until a signal ends it, which comes as ``KeyboardInterrupt``."""
        say(_log, "daemon.begun", mirror=str(self._mirror.root), look_every=self._every)
        with self._ticking():
            while True:
                self._wake.wait()
                self._wake.clear()
                if self.look():
                    self._wake.set()  # what was stopped is due at once

    def once(self) -> tuple[Done, ...]:
        """Do what is due, and nothing where another daemon does it.

        Raises
        ------
        StoreError, LockedError
            The catalogue cannot be read or written.
        """
        done = self._work()
        self._ends_as = State.ENDED
        return done

    def look(self) -> tuple[Done, ...]:
        """Do what is due, where this is the daemon of the mirror and the catalogue can be reached.

        Returns
        -------
        tuple of Done
            What was done.
        """
        try:
            done = self._work()
        except TROUBLE as error:
            self._pulse.turn(State.WAITING, problem=str(error))
            if not self._is_away:
                say(_log, "catalogue.away", logging.ERROR, reason=str(error))
            self._is_away = True
            return ()
        if self._is_away:
            say(_log, "catalogue.back")
        self._is_away = False
        self._pulse.turn(State.IDLE)
        return done

    def _work(self) -> tuple[Done, ...]:
        return tuple(self._rounds.do()) if self._is_in_charge() else ()

    def _is_in_charge(self) -> bool:
        """Whether this is the daemon of the mirror; said once where it is not."""
        catalogue = self._mirror.catalogue
        if self._lease is not None and catalogue.leases.is_ours(self._lease):
            return True
        self._lease = None
        self._held.close()
        self._lease = self._held.enter_context(catalogue.leases.holding_if_free(_LEASE))
        if self._lease is None:
            self._pulse.hush()
            if not self._stands_by:
                holder = next(
                    (one.holder for one in catalogue.leases.all() if one.name == _LEASE), None
                )
                say(
                    _log,
                    "daemon.standing_by",
                    other_host=holder and holder.host,
                    other_pid=holder and holder.pid,
                )
            self._stands_by = True
            return False
        if self._stands_by:
            say(_log, "daemon.taking_over")
        self._stands_by = False
        self._held.enter_context(self._in_charge())
        self._pulse.speak()
        self._pulse.beat()
        return True

    def tick(self) -> None:
        """Wake the main thread, and write that the daemon lives.

        Where that thread neither works nor has woken since the last time it is stuck, and nothing
        is written: whoever reads the health file finds it old.
        """
        if self._pulse.is_working or not self._wake.is_set():
            self._pulse.beat()
        self._wake.set()

    @contextmanager
    def _ticking(self) -> Iterator[None]:
        """Wake the daemon now and every so often while the block runs."""
        from apscheduler.schedulers.background import BackgroundScheduler

        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it says that a beat was missed
        scheduler = BackgroundScheduler(timezone=UTC)
        scheduler.add_job(
            self.tick,
            "interval",
            seconds=self._every,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        scheduler.start()
        self._wake.set()
        try:
            yield
        finally:
            scheduler.shutdown(wait=False)
