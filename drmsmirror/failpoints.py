"""Named points at which a test can have the process killed.

``DRMSMIRROR_FAILPOINT=name`` kills the process (SIGKILL) when it reaches the point of that name,
``name:3`` when it reaches it for the third time. Without the variable a point costs one look-up.
The points stand before and after each effect whose order matters; ``docs/architecture.md`` lists
them, and a test visits every one.
"""

from __future__ import annotations

import os
import signal

__all__ = ["POINTS", "reach"]

_VARIABLE = "DRMSMIRROR_FAILPOINT"

#: Every point: of one window of a sync in the order in which it reaches them, of any file that is
#: written, of publishing to a database, of upkeep, of record tables made anew, and of drops.
POINTS = (
    "window.fetched",
    "records.before_commit",
    "records.after_commit",
    "catalogue.before_commit",
    "catalogue.after_commit",
    "file.before_fsync",
    "file.before_rename",
    "file.after_rename",
    "publish.before_commit",
    "publish.after_commit",
    "log.after_checkpoint",
    "log.before_cleanup",
    "log.after_cleanup",
    "upkeep.before_removal",
    "upkeep.after_removal",
    "rebuild.filled",
    "drop.given_up",
    "drop.removed",
)

_reached: dict[str, int] = {}


def reach(point: str) -> None:
    """Say that the process is at ``point``; it dies here if it was told to."""
    wanted = os.environ.get(_VARIABLE)
    if wanted is None:
        return
    name, _, count = wanted.partition(":")
    if name != point:
        return
    _reached[point] = _reached.get(point, 0) + 1
    if _reached[point] >= int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
