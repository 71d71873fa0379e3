"""The rows that a set is about, as SQL, in no order.

Source: record sets, rules 14-49 (filters), 50 (which versions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from drmsmirror.errors import SqlError
from drmsmirror.model.conditions import SubSelect, columns_of
from drmsmirror.model.recordset import Condition, Span, SqlCondition
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.conditions import Part, all_of, condition_part
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.filelist import Ranges
from drmsmirror.records.past import identity, latest_after, versions_after
from drmsmirror.records.schema import pruning_columns, table_schema
from drmsmirror.records.table import RecordTable

__all__ = [
    "Filter",
    "Rows",
    "TableOf",
    "calculating",
    "columns_of_filters",
    "no_sub_selects",
    "relation_of",
    "span_sql",
    "where_sql",
]

#: Gives the record table of a series.
TableOf = Callable[[SeriesDefinition], RecordTable]

#: Gives SQL of the rows of a sub-select's series.
RowsOf = Callable[[SubSelect], str]

#: What has to be read to know the newest row of each record.
_VERSION = ("recnum", "_generation", "_seen_run", "_gone_run")

Filter = Condition | SqlCondition

#: Characters of a condition that a message repeats.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one series as they are wanted.

    Parameters
    ----------
    table : RecordTable
    table_of : callable
        Gives the tables of series that sub-selects name.
    """

    table: RecordTable
    table_of: TableOf

    def sql(
        self,
        filters: Sequence[Filter],
        columns: Iterable[str],
        *,
        all_versions: bool = False,
        part: str = "TRUE",
    ) -> str:
        """``SELECT`` of columns from the rows that satisfy all filters.

        Parameters
        ----------
        filters : sequence of Condition or SqlCondition
            Without edges.
        columns : iterable of str
            Columns of the record table.
        all_versions : bool
            Whether superseded versions count.
        part : str
            A further condition, in SQL.
        """
        wanted = list(dict.fromkeys(columns))
        used = {*wanted, *columns_of_filters(filters)}
        rows = relation_of(self.table, used, filters, all_versions=all_versions)
        where = where_sql(filters, self._sub_rows, latest_only=not all_versions)
        listed = ", ".join(identifier(column) for column in wanted)
        return f"SELECT {listed} FROM {rows} WHERE {where} AND ({part})"

    def _sub_rows(self, chosen: SubSelect) -> str:
        """All rows of a sub-select's series: PostgreSQL's table has every version."""
        parts = (chosen.value, chosen.where, *chosen.groups)
        used = {name for part in parts if part is not None for name in columns_of(part)}
        return relation_of(self.table_of(chosen.series), used, (), all_versions=True)


def relation_of(
    table: RecordTable, columns: Iterable[str], filters: Sequence[Filter], *, all_versions: bool
) -> str:
    """Rows from the files that can hold what the filters let through.

    Of all versions each record counts once: of rows with one record number the newest reading,
    where the record is there now. For the latest versions whoever asks has to leave out the others.
    Of a table as of a run the rows are as they stood after it.

    Parameters
    ----------
    table : RecordTable
    columns : iterable of str
    filters : sequence of Condition or SqlCondition
        They choose files only; of all versions those by record number choose rows too.
    all_versions : bool
        Whether superseded versions count.
    """
    used = {*columns, "_latest", *_VERSION}
    if table.until is not None:
        used |= {*identity(table.definition)}
    schema = pa.schema([field for field in table_schema(table.definition) if field.name in used])
    if not all_versions:
        return _latest_rows(table, schema, filters)
    # a reading of the same record with another key may lie in any file
    by_number = [one for one in _conditions(filters) if one.column == "recnum"]
    rows = files_relation(table.files(_pruning(table.definition, by_number)), schema)
    where = where_sql(by_number, no_sub_selects)
    if table.until is not None:
        return versions_after(rows, table.until, where=where)
    return (
        f"(SELECT * FROM {rows} WHERE {where} "
        f"QUALIFY row_number() OVER "
        f"(PARTITION BY recnum ORDER BY _generation DESC, _seen_run DESC, "
        f"_gone_run DESC NULLS FIRST) = 1 AND _gone_run IS NULL)"
    )


def _latest_rows(table: RecordTable, schema: pa.Schema, filters: Sequence[Filter]) -> str:
    """Rows with the mark of the latest versions."""
    if table.until is None:
        return files_relation(table.files(_pruning(table.definition, filters)), schema)
    # which version was the latest is found among all of a record: they share prime keys alone
    keys = identity(table.definition)
    by_key = [one for one in _conditions(filters) if one.column in keys]
    rows = files_relation(table.files(_pruning(table.definition, by_key)), schema)
    where = where_sql(by_key, no_sub_selects)
    return latest_after(table.definition, rows, table.until, where=where)


def where_sql(filters: Sequence[Filter], rows_of: RowsOf, *, latest_only: bool = False) -> str:
    """The filters, joined by AND.

    Parameters
    ----------
    filters : sequence of Condition or SqlCondition
    rows_of : callable
        Gives SQL of the rows of a sub-select's series.
    latest_only : bool
        Whether it is asked of rows of which only the latest versions count.
    """
    parts = [Part("_latest AND _gone_run IS NULL")] if latest_only else []
    parts += [Part(_condition(one)) for one in filters if isinstance(one, Condition)]
    parts += [condition_part(one.tree, rows_of) for one in filters if isinstance(one, SqlCondition)]
    return all_of(parts) if parts else "TRUE"


def no_sub_selects(_: SubSelect) -> str:
    """Give the rows of a sub-select where there can be none."""
    raise AssertionError("neither a filter on a key nor what is kept current has sub-selects")


@contextmanager
def calculating(conditions: Sequence[SqlCondition]) -> Iterator[None]:
    """Say which conditions cannot be calculated, where the engine gives up on one.

    Raises
    ------
    SqlError
        In the block: a condition has no value for one of the records.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if not conditions:
            raise
        problem = str(error).partition("\n")[0].partition("Error: ")[2] or str(error)
        shown = "; ".join(one.text for one in conditions)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        raise SqlError(f"The condition [? {shown} ?] cannot be calculated: {problem}") from None


def _conditions(filters: Sequence[Filter]) -> list[Condition]:
    return [one for one in filters if isinstance(one, Condition)]


def columns_of_filters(filters: Sequence[Filter]) -> set[str]:
    """Columns by which rows are chosen."""
    used: set[str] = set()
    for one in filters:
        used |= {one.column} if isinstance(one, Condition) else columns_of(one.tree)
    return used


def _condition(condition: Condition) -> str:
    """The spans of one filter, joined by OR; no span means no row."""
    column = identifier(condition.column)
    spans = [span_sql(column, span) for span in condition.spans]
    return f"({' OR '.join(spans)})" if len(spans) > 1 else (spans or ["FALSE"])[0]


def span_sql(column: str, span: Span, start: str | None = None) -> str:
    """One span of a column, given as SQL; so may be what steps count from that are open below."""
    parts = []
    if span.is_single:
        parts.append(f"{column} = {literal(span.low)}")
    else:
        if span.low is not None:
            parts.append(f"{column} >= {literal(span.low)}")
        if span.high is not None:
            parts.append(f"{column} {'<=' if span.high_included else '<'} {literal(span.high)}")
    if span.step is not None:
        parts.append(_multiple(column, span, start or literal(span.low or 0)))
    return f"({' AND '.join(parts)})" if len(parts) > 1 else (parts or ["TRUE"])[0]


def _multiple(column: str, span: Span, start: str) -> str:
    """The distance from the start is a multiple of the step; of floats, nearly (rule 16)."""
    step = literal(span.step)
    if isinstance(span.step, int) and not isinstance(span.low, float):
        return f"({column}::HUGEINT - {start}) % {step} = 0"
    steps = f"(({column} - {start}) / {step})"
    tolerance = f"least(1e-9 * greatest(1, abs({steps})), 1e-5)"
    return f"abs({steps} - round({steps})) < {tolerance}"


def _pruning(definition: SeriesDefinition, filters: Sequence[Filter]) -> Ranges:
    """What the conditions say about columns that have statistics."""
    safe = pruning_columns(definition)
    return [(one.column, one.spans) for one in _conditions(filters) if one.column in safe]
