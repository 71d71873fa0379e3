"""The SHA-256 of what is being written, computed beside the writing.

Digesting takes about as long as writing to a fast disk; one after the other they would take twice
as long. What is written may still be waiting to be digested, but not much of it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["Digesting", "digesting_beside"]

#: Bytes from which on another thread is worth its while.
_LARGE = 2**18
#: Most bytes that wait.
_WAITING = 16 * 2**20


class Digesting:
    """A digest of pieces, in their order.

    Parameters
    ----------
    beside : Executor
        Of one thread.
    """

    def __init__(self, beside: Executor) -> None:
        self._beside = beside
        self._digest = hashlib.sha256()
        self._waiting: deque[tuple[Future[None], int]] = deque()
        self._bytes = 0

    def add(self, content: bytes | memoryview) -> None:
        """Take one more piece; what could be changed by the caller is digested at once."""
        if len(content) < _LARGE:
            self._wait(0)
            self._digest.update(content)
            return
        self._waiting.append((self._beside.submit(self._digest.update, content), len(content)))
        self._bytes += len(content)
        self._wait(_WAITING if isinstance(content, bytes) else 0)

    def begin_again(self) -> None:
        """Forget every piece."""
        self._wait(0)
        self._digest = hashlib.sha256()

    def sha256(self) -> str:
        """The digest of all pieces so far."""
        self._wait(0)
        return self._digest.hexdigest()

    def _wait(self, most_bytes: int) -> None:
        while self._bytes > most_bytes:
            digested, size = self._waiting.popleft()
            digested.result()
            self._bytes -= size


@contextmanager
def digesting_beside() -> Iterator[Digesting]:
    """Have a thread beside this one for as long as the block runs; it begins when it is needed."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        yield Digesting(beside)
