"""Bring records from the upstream into the mirror."""

from __future__ import annotations

from drmsmirror.sync.forecast import Forecast, forecast
from drmsmirror.sync.harvest import harvest_of
from drmsmirror.sync.importing import ImportReport, import_records
from drmsmirror.sync.links import OutdatedLinks, outdated_links
from drmsmirror.sync.progress import (
    Ahead,
    Known,
    Progress,
    Reporter,
    SilentReporter,
    SyncReport,
)
from drmsmirror.sync.run import sync
from drmsmirror.sync.subscribed import (
    Attempt,
    SubscribingReporter,
    sync_all,
    sync_and_subscribe,
    sync_subscription,
)
from drmsmirror.sync.subscribing import (
    prepared,
    subscribe,
    subscription_beyond,
    subscription_named,
)
from drmsmirror.sync.task import Task

__all__ = [
    "Ahead",
    "Attempt",
    "Forecast",
    "ImportReport",
    "Known",
    "OutdatedLinks",
    "Progress",
    "Reporter",
    "SilentReporter",
    "SubscribingReporter",
    "SyncReport",
    "Task",
    "forecast",
    "harvest_of",
    "import_records",
    "outdated_links",
    "prepared",
    "subscribe",
    "subscription_beyond",
    "subscription_named",
    "sync",
    "sync_all",
    "sync_and_subscribe",
    "sync_subscription",
]
