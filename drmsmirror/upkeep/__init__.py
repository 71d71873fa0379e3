"""Keep a mirror small and fast, take out of it what is no longer wanted, and say what it takes."""

from __future__ import annotations

from drmsmirror.upkeep.dropping import Dropped, drop, would_drop
from drmsmirror.upkeep.maintenance import maintain, maintain_after_sync
from drmsmirror.upkeep.report import Done, Failed, Left, Maintenance
from drmsmirror.upkeep.usage import Kind, Room, Usage, usage

__all__ = [
    "Done",
    "Dropped",
    "Failed",
    "Kind",
    "Left",
    "Maintenance",
    "Room",
    "Usage",
    "drop",
    "maintain",
    "maintain_after_sync",
    "usage",
    "would_drop",
]
