"""The catalogue: the mirror's one truth for progress.

Series definitions, how far the mirror has come with each, what is to be held and what is held
completely, runs and leases, and what its processes share about the upstream; in SQLite or in
PostgreSQL, the same on both. Everything is reached through :class:`Catalogue`.
"""

from drmsmirror.catalogue.answers import Answers, FailedQuestion, StoredAnswer
from drmsmirror.catalogue.care import Care
from drmsmirror.catalogue.catalogue import Address, Catalogue
from drmsmirror.catalogue.checks import CheckedFile, Checks
from drmsmirror.catalogue.coverage import AsOf
from drmsmirror.catalogue.database import Clock, utc_now
from drmsmirror.catalogue.definitions import SeriesSummary
from drmsmirror.catalogue.downloads import Download, Downloads
from drmsmirror.catalogue.drops import Drop, Drops, GivenUp
from drmsmirror.catalogue.duties import Duties, Duty, DutyOutcome, Plan, TakenDuty
from drmsmirror.catalogue.filedrops import FileDrops, FilesOf
from drmsmirror.catalogue.history import CoverageThen, History
from drmsmirror.catalogue.hosts import SeenHost
from drmsmirror.catalogue.leases import Lease, Leases
from drmsmirror.catalogue.madefiles import MadeFile, MadeFiles
from drmsmirror.catalogue.mastertables import MASTER_TABLES
from drmsmirror.catalogue.moments import Moment, Moments, Named
from drmsmirror.catalogue.objectcare import HeldObject, ObjectCare, ObjectShares, ObjectTotals
from drmsmirror.catalogue.orders import Order, Orders, OrderState
from drmsmirror.catalogue.pins import Pin, Pins, pin_of_subscription
from drmsmirror.catalogue.place import with_password
from drmsmirror.catalogue.processes import Process, has_ended, this_process
from drmsmirror.catalogue.pruning import Superfluous
from drmsmirror.catalogue.reconciliations import Depth, Reconciliation, Reconciliations
from drmsmirror.catalogue.runs import Run, RunCounters, RunKind, RunOutcome, Runs
from drmsmirror.catalogue.schema import REVISIONS
from drmsmirror.catalogue.segmentindex import (
    FailedFile,
    HeldFile,
    SegmentIndex,
)
from drmsmirror.catalogue.state import SeriesState
from drmsmirror.catalogue.subscriptions import StoredSubscription, Subscriptions
from drmsmirror.catalogue.tags import Tag, Tags
from drmsmirror.catalogue.totals import RunTotals
from drmsmirror.catalogue.upstreams import Cost, Health, Upstreams

__all__ = [
    "MASTER_TABLES",
    "REVISIONS",
    "Address",
    "Answers",
    "AsOf",
    "Care",
    "Catalogue",
    "CheckedFile",
    "Checks",
    "Clock",
    "Cost",
    "CoverageThen",
    "Depth",
    "Download",
    "Downloads",
    "Drop",
    "Drops",
    "Duties",
    "Duty",
    "DutyOutcome",
    "FailedFile",
    "FailedQuestion",
    "FileDrops",
    "FilesOf",
    "GivenUp",
    "Health",
    "HeldFile",
    "HeldObject",
    "History",
    "Lease",
    "Leases",
    "MadeFile",
    "MadeFiles",
    "Moment",
    "Moments",
    "Named",
    "ObjectCare",
    "ObjectShares",
    "ObjectTotals",
    "Order",
    "OrderState",
    "Orders",
    "Pin",
    "Pins",
    "Plan",
    "Process",
    "Reconciliation",
    "Reconciliations",
    "Run",
    "RunCounters",
    "RunKind",
    "RunOutcome",
    "RunTotals",
    "Runs",
    "SeenHost",
    "SegmentIndex",
    "SeriesState",
    "SeriesSummary",
    "StoredAnswer",
    "StoredSubscription",
    "Subscriptions",
    "Superfluous",
    "Tag",
    "Tags",
    "TakenDuty",
    "Upstreams",
    "has_ended",
    "pin_of_subscription",
    "this_process",
    "utc_now",
    "with_password",
]
