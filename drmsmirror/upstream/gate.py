"""One request at a time, at a limited rate, by all processes that share a file.

Whoever asks holds the file's lock until the answer is there, and leaves in it when that was. The
lock ends with its process, however that ends. It holds among the processes of a host, and among
hosts where their file system has locks that all of them see.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from drmsmirror.errors import StoreError
from drmsmirror.files import locked_file
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream.deadline import NEVER, Deadline

__all__ = ["Gate"]

_log = logging.getLogger(__name__)

#: How often it is looked whether others have their answer, seconds.
_LOOK_EVERY = 0.02

#: Others are given so many read time-outs: as long as any answer may take.
_PATIENCE = 10


class Gate:
    """The turns of the processes that share a file.

    A file that cannot be written or locked keeps nobody from asking; nor does a process that was
    suspended with its turn, after a while. Both are logged.

    Parameters
    ----------
    path : Path
        Made where it is absent.
    settings : UpstreamSettings
        Rate and time-outs.
    clock : callable
        The time, seconds, the same for all processes.
    sleep : callable
        Takes seconds.
    """

    def __init__(
        self,
        path: Path,
        settings: UpstreamSettings,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._path = path
        self._interval = 1.0 / settings.requests_per_second
        self._patience = _PATIENCE * settings.read_timeout
        self._clock = clock
        self._sleep = sleep
        self._is_alone = False

    @contextmanager
    def turn(self, deadline: Deadline = NEVER) -> Iterator[None]:
        """Have the turn while a block asks.

        Raises
        ------
        UpstreamTimeoutError
            It would come too late.
        """
        with ExitStack() as held:
            waited = 0.0
            while (seconds := self._take(held)) > 0:
                if waited >= self._patience:
                    self._go_alone(f"another process has had its turn for {waited:.0f} s")
                    break
                deadline.check(needs=seconds, was_asked=False)
                self._sleep(seconds)
                waited += seconds
            yield

    def _take(self, held: ExitStack) -> float:
        """Take the turn; else say after how many seconds to try again."""
        if self._is_alone:
            return 0.0
        try:
            with ExitStack() as trying:
                last = trying.enter_context(locked_file(self._path))
                if last is None:
                    return _LOOK_EVERY
                now = self._clock()
                left = _moment(last.text) + self._interval - now
                if 0 < left <= self._interval:  # a clock that was set back keeps nobody waiting
                    return left
                last.write(f"{now:.6f}\n")
                held.push(trying.pop_all())
        except StoreError as error:
            self._go_alone(str(error), logging.INFO)  # a mirror that this user may only read
        return 0.0

    def _go_alone(self, why: str, level: int = logging.WARNING) -> None:
        self._is_alone = True
        _log.log(level, "Other processes that ask the upstream are not waited for: %s", why)


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:  # it is new
        return 0.0
