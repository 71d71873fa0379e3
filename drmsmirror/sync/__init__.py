"""Bring records from the upstream into the mirror."""

from __future__ import annotations

from drmsmirror.sync.importing import ImportReport, import_records
from drmsmirror.sync.progress import (
    Ahead,
    Known,
    Progress,
    Reporter,
    SilentReporter,
    SyncReport,
)
from drmsmirror.sync.run import sync

__all__ = [
    "Ahead",
    "ImportReport",
    "Known",
    "Progress",
    "Reporter",
    "SilentReporter",
    "SyncReport",
    "import_records",
    "sync",
]
