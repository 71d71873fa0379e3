"""Try again what can succeed later: fetching an answer and checking it, as one operation."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Callable
from typing import TypeVar

import stamina

from drmsmirror.errors import DrmsMirrorError, UpstreamOverloadedError, UpstreamTimeoutError
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream.deadline import NEVER, Deadline

__all__ = ["Retry"]

T = TypeVar("T")

_log = logging.getLogger(__name__)

#: Longest reason that an attempt gives, characters; the last one's error says all.
_REASON = 100

# stamina announces retries under its own name; where nobody configured logging, Python would print
# that bare word on stderr besides the sentence below
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Retry:
    """Runs an operation until it succeeds, cannot, or has been tried often enough.

    Waits begin at ``retry_wait``, double each time, carry jitter, and never exceed
    ``max_retry_wait``. The limits are those of ``UpstreamSettings``.

    Parameters
    ----------
    settings : UpstreamSettings
    """

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings

    def __call__(self, operation: Callable[[], T], deadline: Deadline = NEVER) -> T:
        """Run the operation.

        Parameters
        ----------
        operation : callable
        deadline : Deadline
            Nothing is tried again that would begin later.

        Raises
        ------
        DrmsMirrorError
            What the operation raised: at once if trying again cannot help, else the last time.
        """
        failure = ""
        attempts = self._settings.attempts
        attempt: stamina.Attempt | None = None

        def wait_in_time(error: Exception) -> bool | float:
            wait = self.wait_before_retry(error)
            usual = (attempt.next_wait if attempt else 0.0) + self._settings.retry_wait  # jitter
            return wait if deadline.left > (usual if wait is True else float(wait)) else False

        for attempt in stamina.retry_context(
            on=wait_in_time,
            attempts=attempts,
            timeout=None,
            wait_initial=self._settings.retry_wait,
            wait_max=self._settings.max_retry_wait,
            wait_jitter=self._settings.retry_wait,
        ):
            with attempt:
                if failure:
                    _log.warning("Attempt %d of %d: %s", attempt.num, attempts, failure)
                try:
                    return operation()
                except DrmsMirrorError as error:
                    failure = _reason(error)
                    raise
        raise AssertionError("the last attempt returns or raises")

    def wait_before_retry(self, error: Exception) -> bool | float:
        """Whether to try again after an error, or in how many seconds.

        A server that says we ask too much is asked again only where it also says when, and that
        is soon enough: JSOC's notice names no time, and going on in spite of it may get an
        address blocked.

        Parameters
        ----------
        error : Exception

        Returns
        -------
        bool or float
            True means after the usual wait; a number, after so many seconds.
        """
        if isinstance(error, UpstreamTimeoutError):
            return False
        if isinstance(error, UpstreamOverloadedError):
            wait = error.retry_after
            if wait is None or wait > self._settings.max_retry_wait:
                return False
            return wait or True  # "after 0 seconds" leaves it to us
        return isinstance(error, DrmsMirrorError) and error.retryable


def _reason(error: DrmsMirrorError) -> str:
    """What happened, without what to do about it."""
    return textwrap.shorten(str(error).partition(". ")[0], _REASON, placeholder="...")
