"""A bound set of records as one DuckDB query over the files that can hold them.

Sources: DRMS semantics 1.3 (value filters), 1.8 (which rows, in which order).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from drmsmirror.model.recordset import BoundSet, Condition, Span
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.engine import connect, files_relation, identifier, literal
from drmsmirror.records.schema import pruning_columns, table_schema
from drmsmirror.records.slices import SLICE, slices
from drmsmirror.records.table import RecordTable

__all__ = ["count_records", "select_records", "select_sql"]

#: Rows of one batch of an answer.
BATCH = 20_000


def select_records(
    table: RecordTable, bound: BoundSet, columns: Sequence[str], *, limit: int | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a set in DRMS's order, as batches of stored values.

    Parameters
    ----------
    table : RecordTable
    bound : BoundSet
    columns : sequence of str
        Columns of the record table.
    limit : int, optional
        As JSOC's ``n``: the first ``n`` rows, or the last ``-n`` in ascending order; 0 and None
        mean all (DRMS semantics 1.8).
    """
    files = table.files(_pruning(bound))
    with connect([table.path]) as connection:
        parts = ["TRUE"]
        if not limit and table.row_count() > SLICE:
            key = _order_keys(bound.series)[0]
            parts = slices(connection, f"({_rows_sql(bound, files, [key])})", key)
        for part in parts:
            sql = select_sql(bound, files, columns, limit=limit, part=part)
            yield from connection.sql(sql).to_arrow_reader(BATCH)


def count_records(table: RecordTable, bound: BoundSet) -> int:
    """How many records the set has."""
    files = table.files(_pruning(bound))
    sql = f"SELECT count(*) FROM ({_rows_sql(bound, files, ['recnum'])})"
    with connect([table.path]) as connection:
        return int(connection.sql(sql).fetchall()[0][0])


def select_sql(
    bound: BoundSet,
    files: Sequence[str],
    columns: Sequence[str],
    *,
    limit: int | None = None,
    part: str = "TRUE",
) -> str:
    """The query itself, over Parquet files that were chosen already.

    Parameters
    ----------
    part : str
        A condition on the first key: one of the slices in which a large answer is sorted.
    """
    definition = bound.series
    wanted = list(dict.fromkeys([*columns, *_order_keys(definition)]))
    rows = f"{_rows_sql(bound, files, wanted)} AND ({part}) ORDER BY {_order(definition)}"
    if limit:
        rows = _limited(rows, definition, limit)
    return f"SELECT {', '.join(identifier(column) for column in columns)} FROM ({rows})"


def _rows_sql(bound: BoundSet, files: Sequence[str], columns: Sequence[str]) -> str:
    """The rows of a set, in no order."""
    used = {*columns, "_latest", "_gone_run", *(condition.column for condition in bound.conditions)}
    schema = pa.schema([field for field in table_schema(bound.series) if field.name in used])
    conditions = ["_latest", "_gone_run IS NULL"]
    conditions += [_condition(condition) for condition in bound.conditions]
    listed = ", ".join(identifier(column) for column in columns)
    return f"SELECT {listed} FROM {files_relation(files, schema)} WHERE {' AND '.join(conditions)}"


def _order_keys(definition: SeriesDefinition) -> tuple[str, ...]:
    return (*definition.internal_prime_keys, "recnum")


def _order(definition: SeriesDefinition, direction: str = "ASC") -> str:
    return ", ".join(f"{identifier(key)} {direction}" for key in _order_keys(definition))


def _limited(rows: str, definition: SeriesDefinition, limit: int) -> str:
    if limit > 0:
        return f"{rows} LIMIT {limit}"
    last = f"SELECT * FROM ({rows}) ORDER BY {_order(definition, 'DESC')} LIMIT {-limit}"
    return f"SELECT * FROM ({last}) ORDER BY {_order(definition)}"


def _condition(condition: Condition) -> str:
    """The spans of one filter, joined by OR; no span means no row."""
    column = identifier(condition.column)
    return f"({' OR '.join(_span(column, span) for span in condition.spans) or 'FALSE'})"


def _span(column: str, span: Span) -> str:
    parts = []
    if span.low is not None and span.low == span.high and span.high_included:
        parts.append(f"{column} = {literal(span.low)}")
    else:
        if span.low is not None:
            parts.append(f"{column} >= {literal(span.low)}")
        if span.high is not None:
            parts.append(f"{column} {'<=' if span.high_included else '<'} {literal(span.high)}")
    if span.step is not None:
        parts.append(_multiple(column, span))
    return f"({' AND '.join(parts) or 'TRUE'})"


def _multiple(column: str, span: Span) -> str:
    """The distance from the start is a multiple of the step; of floats, nearly (1.3.2)."""
    start, step = literal(span.low or 0), literal(span.step)
    if isinstance(span.step, int):
        return f"({column} - {start}) % {step} = 0"
    steps = f"(({column} - {start}) / {step})"
    return f"abs({steps} - round({steps})) < 1e-9 * greatest(1, abs({steps}))"


def _pruning(bound: BoundSet) -> str | None:
    """What the conditions say about columns that have statistics, in Delta's own SQL."""
    safe = pruning_columns(bound.series)
    parts = []
    for condition in bound.conditions:
        if condition.column in safe and condition.spans:
            found = bound.series.column(condition.column)
            limit = 2 ** ((found.type.bits if found and found.type.is_integer else 64) - 1)
            spans = [_pruning_span(condition.column, span, limit) for span in condition.spans]
            parts.append(f"({' OR '.join(spans)})")
    return " AND ".join(parts) or None


def _pruning_span(column: str, span: Span, limit: int) -> str:
    bounds = [
        f"{column} {comparison} {literal(value) if isinstance(value, str) else repr(value)}"
        for comparison, value in ((">=", span.low), ("<=", span.high))
        if value is not None and not _is_out_of_reach(value, limit)
    ]
    return f"({' AND '.join(bounds)})" if bounds else f"{column} = {column}"


def _is_out_of_reach(value: int | float | str, limit: int) -> bool:
    """An end that the column cannot reach bounds nothing, and Delta cannot read it."""
    return isinstance(value, int) and not -limit <= value < limit
