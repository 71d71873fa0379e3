"""Say something in time, and again and again, while something takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["telling"]


@contextmanager
def telling(tell: Callable[[], None], *, first: float, every: float) -> Iterator[None]:
    """Call a function for as long as a block is under way.

    Parameters
    ----------
    tell : callable
        Runs in a thread of its own; it has ended when the block is left.
    first : float
        Monotonic time of the first call, seconds.
    every : float
        Seconds between calls.
    """
    over = threading.Event()

    def watch() -> None:
        wait = max(0.0, first - time.monotonic())
        while not over.wait(wait):
            tell()
            wait = every

    thread = threading.Thread(target=watch, name="telling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
