"""When operations have to have ended, however many requests, waits and retries they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TypeVar

from drmsmirror.errors import QueryError, UpstreamTimeoutError

__all__ = ["NEVER", "Deadline"]

T = TypeVar("T")

#: What is given longer than this is not bounded, seconds: no operation takes ten days.
_LONGEST = 10 * 86400.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of what was allowed.

    Parameters
    ----------
    allowed : float
        How long was allowed, seconds; infinite where nothing was said.
    ends_at : float
        When it is over, by the clock.
    clock : callable
        Monotonic time, seconds.
    """

    allowed: float
    ends_at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def within(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """Begin to count now.

        Raises
        ------
        QueryError
            That is no time span.
        """
        if not seconds >= 0:
            raise QueryError(f"{seconds} is no number of seconds in which something can be done")
        if seconds > _LONGEST:
            return NEVER
        return cls(seconds, clock() + seconds, clock)

    @property
    def is_bounded(self) -> bool:
        """Whether there is an end at all."""
        return self.ends_at < float("inf")

    @property
    def left(self) -> float:
        """Seconds that are left, 0 when it is over."""
        return max(0.0, self.ends_at - self.clock()) if self.is_bounded else float("inf")

    def earlier(self, other: Deadline) -> Deadline:
        """Give the one of two that is over first."""
        return self if self.ends_at <= other.ends_at else other

    def check(self, *, needs: float = 0.0, was_asked: bool = True) -> None:
        """Go on only where more time than that is left.

        Parameters
        ----------
        needs : float
            What comes next takes at least so long, seconds.
        was_asked : bool
            Whether a request was on its way.

        Raises
        ------
        UpstreamTimeoutError
            It is not.
        """
        if self.left <= needs:
            raise self.error(was_asked=was_asked)

    def error(self, *, was_asked: bool = True) -> UpstreamTimeoutError:
        """Say that the time is over."""
        what = "did not answer" if was_asked else "could not be asked"
        return UpstreamTimeoutError(
            f"The upstream {what} within the {self.allowed:g} s that were allowed. Allow more with "
            f"--wait SECONDS, ask for less, or try later.",
            was_asked=was_asked,
            allowed=self.allowed,
        )

    def take(self, turn: Lock) -> None:
        """Take a lock.

        Raises
        ------
        UpstreamTimeoutError
            Others kept it too long.
        """
        if not turn.acquire(timeout=self.left if self.is_bounded else -1):
            raise self.error(was_asked=False)

    def run(self, operation: Callable[[], T]) -> T:
        """Run an operation, but wait for its end no longer than is left.

        Looking up a name cannot be interrupted, nor a server that sends its headers byte by byte:
        where there is an end, a thread does it, and is left alone when the time is over.

        Raises
        ------
        UpstreamTimeoutError
            It did not end in time. It may still be under way.
        """
        if not self.is_bounded:
            return operation()
        outcome: Future[T] = Future()
        Thread(target=_settle, args=(outcome, operation), name="upstream", daemon=True).start()
        try:
            return outcome.result(self.left)
        except TimeoutError as error:
            if outcome.done():  # the operation's own
                raise
            raise self.error() from error


def _settle(outcome: Future[T], operation: Callable[[], T]) -> None:
    try:
        outcome.set_result(operation())
    except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is waited for
        outcome.set_exception(error)


#: No end at all.
NEVER = Deadline(float("inf"), float("inf"))
