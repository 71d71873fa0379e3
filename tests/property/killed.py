"""Work on a mirror in a process of its own that is killed at a named point.

The process is forked from one that has imported everything and does nothing else, so that a kill
costs little, and none of the threads of the tests is there.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import datetime
from typing import Any

from drmsmirror.catalogue import Catalogue
from drmsmirror.mirror import Mirror, catalogue_place
from drmsmirror.settings import Settings

__all__ = ["run_until"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.property.killed",
        "drmsmirror.segments",
        "drmsmirror.sync",
        "drmsmirror.upkeep",
        "drmsmirror.upstream",
    ]
)


def run_until(
    point: str, settings: Settings, now: datetime, work: Callable[..., Any], *given: Any
) -> bool:
    """Have a process do ``work`` on a mirror; whether it was killed at ``point`` before its end."""
    process = _CONTEXT.Process(target=_work, args=(point, settings, now, work, given))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _work(
    point: str, settings: Settings, now: datetime, work: Callable[..., Any], given: tuple[Any, ...]
) -> None:
    os.environ["DRMSMIRROR_FAILPOINT"] = point
    catalogue = Catalogue.open(catalogue_place(settings), clock=lambda: now)
    with Mirror(settings, catalogue) as mirror:
        work(mirror, *given)
    os._exit(0)
