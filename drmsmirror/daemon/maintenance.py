"""The upkeep that is due, told in the daemon's log."""

from __future__ import annotations

import logging

from drmsmirror.daemon.logs import say
from drmsmirror.mirror import Mirror
from drmsmirror.upkeep import Done, maintain

__all__ = ["maintain_and_tell"]

_log = logging.getLogger(__name__)


def maintain_and_tell(mirror: Mirror) -> None:
    """Do all the upkeep that is due; what failed is left for the next time."""
    told = maintain(mirror, told=_tell)
    for left in told.left:
        say(_log, "maintain.left", series=left.series, what=left.what, reason=left.why)
    for failed in told.failed:
        say(_log, "maintain.failed", series=failed.series, reason=str(failed.error))


def _tell(done: Done) -> None:
    say(_log, "maintain.step", series=done.series, what=done.what, bytes=done.bytes)
