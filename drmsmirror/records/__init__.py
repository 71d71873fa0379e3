"""Record tables: how they are written, merged, compacted, queried, and printed."""

from __future__ import annotations

from drmsmirror.records.changes import ChangedRecords, ChangeKind, reading_changes
from drmsmirror.records.compaction import compact, crowded_periods, rewrite
from drmsmirror.records.databases import Databases
from drmsmirror.records.engine import Interruptible, OutOfTimeError, connect
from drmsmirror.records.extents import Portion
from drmsmirror.records.filelist import DataFile
from drmsmirror.records.former import FormerColumn
from drmsmirror.records.functions import TIME_FUNCTIONS, create_time_functions
from drmsmirror.records.gone import find_gone
from drmsmirror.records.held import (
    count_held,
    find_differing,
    sample_held,
    sample_positions,
    window_end,
)
from drmsmirror.records.ingest import (
    RECORD_NUMBERS,
    TypedRecords,
    harvest_keys,
    identity_keys,
    type_records,
)
from drmsmirror.records.keys import ALL_KEYS, KeyPlan, plan_keys
from drmsmirror.records.lacking import positions_lacking
from drmsmirror.records.latest import LatestRecords, reading_latest
from drmsmirror.records.markers import with_markers
from drmsmirror.records.merge import MergeResult, merge
from drmsmirror.records.newest import newest_records
from drmsmirror.records.numbers import number_records
from drmsmirror.records.opentables import OpenTables
from drmsmirror.records.past import knows_runs, last_run
from drmsmirror.records.readable import readable_sql
from drmsmirror.records.rebuild import Widening, has_beyond, rebuild, sample_of
from drmsmirror.records.removal import (
    count_rows_within,
    numbers_within,
    remove_rows_within,
)
from drmsmirror.records.repeats import find_repeat
from drmsmirror.records.rows import TableOf
from drmsmirror.records.schema import FORMAT, Period, axis_seconds, choose_period
from drmsmirror.records.scrub import problem_at_sight, problem_inside
from drmsmirror.records.select import count_records, find_extreme, find_newest, select_records
from drmsmirror.records.supplement import Supplement
from drmsmirror.records.table import RecordTable
from drmsmirror.records.tablelog import LogFile, TableLog
from drmsmirror.records.text import StoredRows
from drmsmirror.records.views import (
    ALL_VERSIONS,
    comment_on,
    comment_view,
    create_table,
    create_view,
    former_columns,
)

__all__ = [
    "ALL_KEYS",
    "ALL_VERSIONS",
    "FORMAT",
    "RECORD_NUMBERS",
    "TIME_FUNCTIONS",
    "ChangeKind",
    "ChangedRecords",
    "DataFile",
    "Databases",
    "FormerColumn",
    "Interruptible",
    "KeyPlan",
    "LatestRecords",
    "LogFile",
    "MergeResult",
    "OpenTables",
    "OutOfTimeError",
    "Period",
    "Portion",
    "RecordTable",
    "StoredRows",
    "Supplement",
    "TableLog",
    "TableOf",
    "TypedRecords",
    "Widening",
    "axis_seconds",
    "choose_period",
    "comment_on",
    "comment_view",
    "compact",
    "connect",
    "count_held",
    "count_records",
    "count_rows_within",
    "create_table",
    "create_time_functions",
    "create_view",
    "crowded_periods",
    "find_differing",
    "find_extreme",
    "find_gone",
    "find_newest",
    "find_repeat",
    "former_columns",
    "harvest_keys",
    "has_beyond",
    "identity_keys",
    "knows_runs",
    "last_run",
    "merge",
    "newest_records",
    "number_records",
    "numbers_within",
    "plan_keys",
    "positions_lacking",
    "problem_at_sight",
    "problem_inside",
    "readable_sql",
    "reading_changes",
    "reading_latest",
    "rebuild",
    "remove_rows_within",
    "rewrite",
    "sample_held",
    "sample_of",
    "sample_positions",
    "select_records",
    "type_records",
    "window_end",
    "with_markers",
]
