"""Record tables: how they are written, merged, compacted, queried, and printed."""

from __future__ import annotations

from drmsmirror.records.compaction import compact
from drmsmirror.records.engine import Interruptible, OutOfTimeError, connect
from drmsmirror.records.ingest import TypedRecords, harvest_keys, type_records
from drmsmirror.records.merge import MergeResult, merge
from drmsmirror.records.numbers import number_records
from drmsmirror.records.readable import readable_sql
from drmsmirror.records.repeats import find_repeat
from drmsmirror.records.schema import FORMAT, Period, axis_seconds, choose_period
from drmsmirror.records.select import count_records, select_records
from drmsmirror.records.table import RecordTable
from drmsmirror.records.text import KeyPlan, plan_keys
from drmsmirror.records.views import create_view

__all__ = [
    "FORMAT",
    "Interruptible",
    "KeyPlan",
    "MergeResult",
    "OutOfTimeError",
    "Period",
    "RecordTable",
    "TypedRecords",
    "axis_seconds",
    "choose_period",
    "compact",
    "connect",
    "count_records",
    "create_view",
    "find_repeat",
    "harvest_keys",
    "merge",
    "number_records",
    "plan_keys",
    "readable_sql",
    "select_records",
    "type_records",
]
