"""The catalogue: the mirror's one truth for progress.

Series definitions, how far the mirror has come with each, what is to be held and what is held
completely, runs and leases, and what its processes share about the upstream; in SQLite or in
PostgreSQL, the same on both. Everything is reached through :class:`Catalogue`.
"""

from drmsmirror.catalogue.answers import FailedQuestion, StoredAnswer
from drmsmirror.catalogue.care import Care
from drmsmirror.catalogue.catalogue import Address, Catalogue
from drmsmirror.catalogue.checks import CheckedFile
from drmsmirror.catalogue.coverage import AsOf
from drmsmirror.catalogue.database import Clock, utc_now
from drmsmirror.catalogue.definitions import SeriesSummary
from drmsmirror.catalogue.downloads import Download, Downloads
from drmsmirror.catalogue.drops import Drop, GivenUp
from drmsmirror.catalogue.duties import Duty, DutyOutcome, Plan, TakenDuty
from drmsmirror.catalogue.filedrops import FileDrops, FilesOf
from drmsmirror.catalogue.history import CoverageThen
from drmsmirror.catalogue.hosts import SeenHost
from drmsmirror.catalogue.leases import Lease
from drmsmirror.catalogue.madefiles import MadeFile, MadeFiles
from drmsmirror.catalogue.mastertables import MASTER_TABLES
from drmsmirror.catalogue.moments import Moment, Named
from drmsmirror.catalogue.objectcare import HeldObject, ObjectCare, ObjectShares, ObjectTotals
from drmsmirror.catalogue.orders import Order, Orders, OrderState
from drmsmirror.catalogue.pins import Pin, Pins, pin_of_subscription
from drmsmirror.catalogue.place import with_password
from drmsmirror.catalogue.processes import Process, has_ended, this_process
from drmsmirror.catalogue.pruning import Superfluous
from drmsmirror.catalogue.reconciliations import Depth, Reconciliation
from drmsmirror.catalogue.runs import Run, RunCounters, RunKind, RunOutcome
from drmsmirror.catalogue.schema import REVISIONS
from drmsmirror.catalogue.segmentindex import (
    FailedFile,
    HeldFile,
    SegmentIndex,
)
from drmsmirror.catalogue.state import SeriesState
from drmsmirror.catalogue.subscriptions import StoredSubscription
from drmsmirror.catalogue.tags import Tag
from drmsmirror.catalogue.totals import RunTotals
from drmsmirror.catalogue.upstreams import Cost, Health

__all__ = [
    "MASTER_TABLES",
    "REVISIONS",
    "Address",
    "AsOf",
    "Care",
    "Catalogue",
    "CheckedFile",
    "Clock",
    "Cost",
    "CoverageThen",
    "Depth",
    "Download",
    "Downloads",
    "Drop",
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
    "Lease",
    "MadeFile",
    "MadeFiles",
    "Moment",
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
    "Run",
    "RunCounters",
    "RunKind",
    "RunOutcome",
    "RunTotals",
    "SeenHost",
    "SegmentIndex",
    "SeriesState",
    "SeriesSummary",
    "StoredAnswer",
    "StoredSubscription",
    "Superfluous",
    "Tag",
    "TakenDuty",
    "has_ended",
    "pin_of_subscription",
    "this_process",
    "utc_now",
    "with_password",
]
