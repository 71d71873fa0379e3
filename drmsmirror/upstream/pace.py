"""How often the upstream may be asked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from drmsmirror.upstream.deadline import NEVER, Deadline

__all__ = ["Pace"]


class Pace:
    """Keeps requests apart: never two within one interval, whatever the work.

    There are no bursts: to a server that works seconds on one request, an average says little.

    Parameters
    ----------
    requests_per_second : float
        Above zero; more than 1,000 counts as 1,000.
    clock : callable
        Monotonic time, seconds.
    sleep : callable
        Takes seconds.
    """

    def __init__(
        self,
        requests_per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        from pyrate_limiter import InMemoryBucket, Rate

        # A bare bucket: a Limiter would start a thread of its own to clear it, and sleep by itself
        self._bucket = InMemoryBucket([Rate(1, math.ceil(1000.0 / requests_per_second))])
        self._clock = clock
        self._sleep = sleep

    def wait(self, deadline: Deadline = NEVER) -> float:
        """Wait for a turn, and take it.

        Not for several threads at once: whoever sends the request holds a lock already.

        Parameters
        ----------
        deadline : Deadline
            A turn that comes later is not waited for.

        Returns
        -------
        float
            Seconds waited.

        Raises
        ------
        UpstreamTimeoutError
            The turn would come too late.
        """
        from pyrate_limiter import RateItem

        waited = 0.0
        while True:
            turn = RateItem("upstream", math.floor(self._clock() * 1000))
            if self._bucket.put(turn):
                self._bucket.leak(turn.timestamp)
                return waited
            milliseconds = self._bucket.waiting(turn)
            assert isinstance(milliseconds, int)  # only asynchronous buckets give anything else
            seconds = max(milliseconds, 1) / 1000  # early releases of 4 say 0 at the very border
            deadline.check(needs=seconds, was_asked=False)
            self._sleep(seconds)
            waited += seconds
