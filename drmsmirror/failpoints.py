"""Named points at which a test can have the process killed.

``DRMSMIRROR_FAILPOINT=name`` kills the process (SIGKILL) when it reaches the point of that name,
``name:3`` when it reaches it for the third time; ``name:3:SIGTERM`` sends another signal.
Without the variable a point costs one look-up.
The points stand before and after each effect whose order matters; ``docs/architecture.md`` lists
them, and a test visits every one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["EFFECTS", "POINTS", "effect", "reach", "visits"]

_VARIABLE = "DRMSMIRROR_FAILPOINT"

#: Every effect that a process leaves behind, with a point before and a point after it: on files,
#: on objects in S3, on the catalogue, on record tables and their logs, and two transactions by
#: their names.
EFFECTS = (
    "directory.making",
    "file.write",
    "file.fsync",
    "file.rename",
    "file.linking",
    "file.overwriting",
    "file.appending",
    "file.truncation",
    "directory.fsync",
    "file.removal",
    "directory.removal",
    "object.upload",
    "object.removal",
    "catalogue.making",
    "catalogue.commit",
    "catalogue.care",
    "records.creation",
    "records.commit",
    "data.fsync",
    "log.checkpoint",
    "log.cleanup",
    "window.commit",
    "publish.commit",
)

#: Moments between effects.
_MOMENTS = (
    "window.fetched",
    "rebuild.noted",
    "rebuild.filled",
    "definition.adopted",
    "drop.given_up",
    "drop.removed",
)


def _sides(name: str) -> tuple[str, str]:
    subject, deed = name.split(".")
    return f"{subject}.before_{deed}", f"{subject}.after_{deed}"


#: Every point.
POINTS = (*(side for name in EFFECTS for side in _sides(name)), *_MOMENTS)

_reached: dict[str, int] = {}


def reach(point: str) -> None:
    """Say that the process is at ``point``; it dies here if it was told to."""
    wanted = os.environ.get(_VARIABLE)
    if wanted is None:
        return
    _reached[point] = _reached.get(point, 0) + 1
    name, _, rest = wanted.partition(":")
    number, _, sent = rest.partition(":")
    if name == point and _reached[point] == int(number or 1):
        os.kill(os.getpid(), signal.Signals[sent or "SIGKILL"])


@contextmanager
def effect(name: str) -> Iterator[None]:
    """Have a point before the effect inside the block, and one after it where it ended well."""
    before, after = _sides(name)
    reach(before)
    yield
    reach(after)


def visits() -> dict[str, int]:
    """How often each point was reached, where the variable is set to anything."""
    return dict(_reached)
