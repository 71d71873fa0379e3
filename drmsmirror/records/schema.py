"""Record tables, format 1: columns, types, partitions.

One table per series holds every version of every record that the mirror has seen. System columns
come first, then the record's own numbers, prime and index keys, and the other keywords in DRMS
order. ADR 2 in the project's documentation says why; a change is a new format number.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pyarrow as pa

from drmsmirror.model.codecs import arrow_type
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.slots import slotting
from drmsmirror.model.types import KeywordType

__all__ = [
    "FORMAT",
    "PERIOD",
    "RECORD_COLUMNS",
    "SYSTEM_COLUMNS",
    "Period",
    "axis_seconds",
    "choose_period",
    "pruning_columns",
    "record_schema",
    "table_schema",
]

#: Number of this format, kept in the catalogue beside each table.
FORMAT = 1

#: The partition column: the period in which the record's axis value lies.
PERIOD = "_period"

#: ``_latest``: whether DRMS would show this version. ``_seen_run``, ``_gone_run``: the run that
#: stored the row, and the one that found it gone upstream. ``_generation``: the stretch of the
#: upstream's life in which its recnum has one meaning. ``_text``: JSON object, by column, of texts
#: that no codec gives back.
SYSTEM_COLUMNS = (
    pa.field("_latest", pa.bool_(), nullable=False),
    pa.field("_seen_run", pa.int64(), nullable=False),
    pa.field("_gone_run", pa.int64()),
    pa.field("_generation", pa.int32(), nullable=False),
    pa.field("_text", pa.string()),
)

#: What DRMS itself puts before the keywords (DRMS semantics 3.2); null where it was not told.
RECORD_COLUMNS = (
    pa.field("recnum", pa.int64()),
    pa.field("sunum", pa.int64()),
    pa.field("slotnum", pa.int32()),
)

_FEWEST_ROWS_PER_PARTITION = 100_000
_MOST_ROWS_PER_PARTITION = 2_000_000
_DAYS_PER_YEAR = 365.25


class Period(StrEnum):
    """How a table is cut into partitions along its time axis; fixed when it is made."""

    NONE = "none"
    YEAR = "year"
    MONTH = "month"


#: Partition of tables without periods, and of rows without an axis value.
WHOLE = "all"
NO_TIME = "missing"


def choose_period(definition: SeriesDefinition, rows: int, days: float) -> Period:
    """The period whose partitions come nearest to 0.1 to 2 million rows, the longest such.

    Parameters
    ----------
    definition : SeriesDefinition
        A series without a time axis is not cut.
    rows : int
        Rows expected over the whole series.
    days : float
        Length of the whole series in days; 0 where it is not known.
    """
    if definition.axis.keyword is None or days <= 0:
        return Period.NONE
    years = max(1.0, days / _DAYS_PER_YEAR)
    expected = {Period.NONE: rows, Period.YEAR: rows / years, Period.MONTH: rows / years / 12}
    return min(expected, key=lambda period: _misfit(expected[period]))


def _misfit(rows: float) -> float:
    """How many times too large or too small a partition of so many rows is; 1 where it fits."""
    return max(1.0, rows / _MOST_ROWS_PER_PARTITION, _FEWEST_ROWS_PER_PARTITION / max(rows, 1.0))


def record_schema(definition: SeriesDefinition) -> pa.Schema:
    """Columns of a batch of records: numbers and keywords, with units and notes as metadata."""
    return pa.schema([*RECORD_COLUMNS, *_keyword_fields(definition)])


def table_schema(definition: SeriesDefinition) -> pa.Schema:
    """All columns of the record table, in their order."""
    period = pa.field(PERIOD, pa.string(), nullable=False)
    return pa.schema([*SYSTEM_COLUMNS, *RECORD_COLUMNS, *_keyword_fields(definition), period])


def pruning_columns(definition: SeriesDefinition) -> tuple[str, ...]:
    """Columns with statistics, the only ones by which files are left out.

    Float columns are not among them: statistics leave NaN out, and in DRMS NaN is the largest
    value, so that a file could be left out which holds matching rows.
    """
    keys = dict.fromkeys(
        (*definition.internal_prime_keys, *(key.lower() for key in definition.prime_keys))
    )
    floats = (KeywordType.FLOAT, KeywordType.DOUBLE)
    safe = [key for key in keys if _type_of(definition, key) not in floats]
    return ("recnum", *safe)


def axis_seconds(definition: SeriesDefinition, positions: np.ndarray) -> np.ndarray:
    """TAI seconds since 1977.01.01_TAI of positions on the axis; NaN where there is none."""
    axis = definition.axis
    if axis.keyword is None:
        return np.full(len(positions), np.nan)
    missing = KeywordType.LONGLONG.missing if axis.slotted else KeywordType.TIME.missing
    seconds = positions.astype(np.float64)
    if axis.slotted:
        rule = slotting(definition, definition.keyword(axis.keyword))
        seconds = rule.base + seconds * rule.step
    return np.where(positions == missing, np.nan, seconds)


def periods_of(definition: SeriesDefinition, period: Period, positions: np.ndarray) -> pa.Array:
    """The partition of each record, by its position on the axis."""
    if period is Period.NONE:
        return pa.array([WHOLE] * len(positions), pa.string())
    seconds = axis_seconds(definition, positions)
    known = np.isfinite(seconds)
    whole = np.where(known, seconds, 0.0).astype(np.int64)
    instants = np.datetime64("1977-01-01", "s") + whole.astype("timedelta64[s]")
    labels = instants.astype("datetime64[Y]" if period is Period.YEAR else "datetime64[M]")
    return pa.array(np.where(known, labels.astype(str), NO_TIME), pa.string())


def _type_of(definition: SeriesDefinition, column: str) -> KeywordType | None:
    found = definition.column(column)
    return found.type if found else None


def _keyword_fields(definition: SeriesDefinition) -> list[pa.Field]:
    return [
        pa.field(column.name, arrow_type(column.type), nullable=True)
        for column in definition.columns
    ]
