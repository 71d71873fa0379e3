"""The merge: what a batch of records changes in the record table, as one atomic commit.

Identity is (generation, recnum). A record that is held with the same values is left alone, one
with other values becomes a new row with a later ``_seen_run``. Of each record the row seen last
counts, unless it is gone; among those of one prime key that of the newest generation and largest
recnum is the latest (record sets, rule 50). A record that comes with another prime key is gone from
the one that it had. What a run reads twice counts as it was read last: the row of the first reading
gives way, so that a row with the number of a run is what that run left. A record without a number
of the upstream's, which would be superseded by one that says the same, is left alone like one that
is held. A record that is no longer there, as whoever read all of a part of the series can tell, is
marked as gone in the same commit; what it superseded shows again, unless that is gone as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.recordset import Span
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.completing import complete
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.filelist import Ranges
from drmsmirror.records.schema import PERIOD, periods_of, pruning_columns, table_schema
from drmsmirror.records.table import CommitConflictError, RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["MergeResult", "merge"]

#: Columns that identify one row for good.
_ROW_KEYS = ("_generation", "recnum", "_seen_run")

#: A row of ``held`` and one of ``fresh`` cannot both be in the table.
_SAME_ROW = " AND ".join(f"held.{key} = fresh.{key}" for key in (PERIOD, *_ROW_KEYS))

#: How often a merge is tried whole where others commit at the same time.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What a merge did.

    Parameters
    ----------
    new : int
        Records whose prime key was not held.
    revised : int
        Records whose prime key was held with other values than they show now.
    unchanged : int
        Records that were held as they are, or with fewer of their columns, and versions that a
        newer one superseded that was held: what shows is as before.
    version : int
        Version of the table that holds them all.
    removed : int
        Records that were marked as gone.
    """

    new: int
    revised: int
    unchanged: int
    version: int
    removed: int = 0


def _unheard() -> None:
    """What is done where nobody wants to hear."""


def merge(
    table: RecordTable,
    rows: pa.Table,
    *,
    run: int,
    generation: int,
    columns: Collection[str] | None = None,
    gone: pa.Table | None = None,
    filling: Callable[[], None] = _unheard,
) -> MergeResult:
    """Merge a batch into the record table of its series.

    Parameters
    ----------
    table : RecordTable
    rows : pyarrow.Table
        As :attr:`~drmsmirror.records.ingest.TypedRecords.rows`; recnums are not null and distinct.
    run : int
        The run that brings them.
    generation : int
        The upstream's generation in which the recnums were issued.
    columns : collection of str, optional
        Keyword columns that were given; by default all. A record without a number of the
        upstream's says nothing of the others.
    gone : pyarrow.Table, optional
        Rows held that are no longer there, as :func:`~drmsmirror.records.gone.find_gone` gives
        them.
    filling : callable
        Called before rows that are held get columns that they lacked: the rows do not say which
        run brought those.

    Raises
    ------
    CommitConflictError
        Others committed to the table each time that it was tried.
    """
    if gone is not None and not gone.num_rows:
        gone = None
    if not rows.num_rows and gone is None:
        return MergeResult(0, 0, 0, table.version)
    batch = _Batch(_as_table_rows(table, rows, run, generation), run, generation, columns, gone)
    for _ in range(_ATTEMPTS - 1):
        with suppress(CommitConflictError):
            return _merge(table, batch, filling)
    return _merge(table, batch, filling)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows to be merged, the columns given (None for all), and rows held that are gone."""

    rows: pa.Table
    run: int
    generation: int
    columns: Collection[str] | None
    gone: pa.Table | None

    @property
    def has_own_numbers(self) -> bool:
        """Whether there are records without a number of the upstream's."""
        return bool(self.rows.num_rows and pc.min(self.rows["recnum"]).as_py() < 0)

    def selects(self, definition: SeriesDefinition) -> list[Ranges]:
        """Between which values rows with keys or numbers of the batch lie."""
        given = [rows for rows in (self.rows, self.gone) if rows is not None and rows.num_rows]
        keys = [_key_range(definition, rows) for rows in given]
        return [*keys, *([_range("recnum", rows)] for rows in given)]


def _merge(table: RecordTable, batch: _Batch, filling: Callable[[], None]) -> MergeResult:
    change = _find_change(table, batch)
    if change.filled:
        filling()
    if change.marked.num_rows or change.takes_places:
        table.revise(pa.concat_tables([change.fresh, change.marked]), _ROW_KEYS)
    elif change.fresh.num_rows:
        table.append(change.fresh)
    return MergeResult(
        new=change.new,
        revised=change.revised,
        unchanged=batch.rows.num_rows - change.new - change.revised,
        version=table.version,
        removed=0 if batch.gone is None else pc.sum(batch.gone["_latest"]).as_py(),
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """New rows, rows held whose marks change, and how many of the new ones mean what.

    ``new`` are of prime keys that were not held, ``revised`` take the place of what was held, and
    others are versions that were superseded before they came. ``filled`` says how many
    of the new rows are held ones with further columns, ``takes_places`` whether new rows take the
    place of others, those or rows that this run stored before.
    """

    fresh: pa.Table
    marked: pa.Table
    new: int
    revised: int = 0
    filled: int = 0
    takes_places: bool = False


def _as_table_rows(table: RecordTable, rows: pa.Table, run: int, generation: int) -> pa.Table:
    """The batch with system columns and partition, sorted by prime key."""
    definition, count = table.definition, rows.num_rows
    axis = rows[definition.axis.column].combine_chunks().to_numpy(zero_copy_only=False)
    columns = {
        "_latest": pa.array([True] * count),
        "_seen_run": pa.array([run] * count, pa.int64()),
        "_gone_run": pa.nulls(count, pa.int64()),
        "_generation": pa.array([generation] * count, pa.int32()),
        PERIOD: periods_of(definition, table.period, axis),
    }
    schema = table_schema(definition)
    arrays = [
        columns[field.name] if field.name in columns else rows[field.name] for field in schema
    ]
    order = [(key, "ascending") for key in (*definition.internal_prime_keys, "recnum")]
    return pa.table(arrays, schema=schema).sort_by(order)


def _key_range(definition: SeriesDefinition, keys: pa.Table) -> Ranges:
    """Between which values rows of these prime keys lie; of a text it is not said."""
    safe = pruning_columns(definition)
    narrow = [key for key in _identity(definition) if key in safe]
    narrow = [key for key in narrow if not pa.types.is_string(keys.schema.field(key).type)]
    return [_range(key, keys) for key in narrow]


def _range(column: str, rows: pa.Table) -> tuple[str, list[Span]]:
    bounds = pc.min_max(rows[column]).as_py()
    return column, [Span(bounds["min"], bounds["max"], high_included=True)]


def _latest_within(definition: SeriesDefinition, given: pa.Table) -> pa.Table:
    """Mark the latest version of each prime key where nothing is held yet.

    The rows are sorted by prime key and recnum, so the last of each run of equal keys is it.
    """
    keys = definition.internal_prime_keys
    if not keys or given.num_rows < 2:
        return given
    differs = None
    for key in keys:
        column = given[key].combine_chunks()
        before, after = column.slice(0, len(column) - 1), column.slice(1)
        other = pc.not_equal(after, before)
        if pa.types.is_floating(column.type):  # DRMS takes a missing value for equal to another
            other = pc.and_not(other, pc.and_(pc.is_nan(after), pc.is_nan(before)))
        differs = other if differs is None else pc.or_(differs, other)
    latest = pa.concat_arrays([differs, pa.array([True])])
    return given.set_column(0, given.schema.field("_latest"), latest)


def _find_change(table: RecordTable, batch: _Batch) -> _Change:
    """Find what of the batch is new, and what it changes about rows that are held."""
    definition, given = table.definition, batch.rows
    files = table.files(*batch.selects(definition))
    if files:
        with table.connect([table.path]) as connection:
            connection.register("given", given)
            connection.register("gone", _gone_rows(definition, batch.gone))
            touched = _touched_keys(connection, definition, files, batch.generation)
            if touched.num_rows:
                connection.register("touched", touched)
                files = table.files(_key_range(definition, touched))
                _hold_versions(connection, definition, files)
                return _compare(connection, definition, batch)
    return _Change(_latest_within(definition, given), given.slice(0, 0), new=given.num_rows)


def _touched_keys(
    connection: DuckDBPyConnection,
    definition: SeriesDefinition,
    files: list[str],
    generation: int,
) -> pa.Table:
    """Prime keys that are held and that the batch has something to say about.

    They are keys of the batch, and those under which its records were held before. Only keys are
    read to find them: most windows of a backfill meet none.
    """
    identity = _identity(definition)
    needed = dict.fromkeys((*identity, "recnum", "_generation"))
    narrow = pa.schema([field for field in table_schema(definition) if field.name in needed])
    return connection.sql(
        f"""
        SELECT DISTINCT {", ".join(identifier(key) for key in identity)}
        FROM {files_relation(files, narrow)} AS held
        WHERE EXISTS (SELECT 1 FROM given WHERE {_same_key(definition, "given")})
           OR EXISTS (SELECT 1 FROM gone WHERE {_same_key(definition, "gone")})
           OR (_generation = {literal(generation)} AND recnum IN (SELECT recnum FROM given))
        """
    ).to_arrow_table()


def _hold_versions(
    connection: DuckDBPyConnection, definition: SeriesDefinition, files: list[str]
) -> None:
    """Make the table ``held``: every row of the prime keys ``touched``."""
    connection.execute(
        f"CREATE TEMP TABLE held AS "
        f"SELECT * FROM {files_relation(files, table_schema(definition))} AS held "
        f"WHERE EXISTS (SELECT 1 FROM touched WHERE {_same_key(definition, 'touched')})"
    )


def _compare(
    connection: DuckDBPyConnection, definition: SeriesDefinition, batch: _Batch
) -> _Change:
    """Compare the batch ``given`` with the rows ``held``."""
    schema = table_schema(definition)
    identity = ", ".join(identifier(key) for key in _identity(definition))
    values = ", ".join(
        identifier(field.name)
        for field in schema
        if field.name == "_text" or not field.name.startswith("_")
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE seen AS
        SELECT * FROM held WHERE _generation = {literal(batch.generation)}
        QUALIFY row_number() OVER (
            PARTITION BY recnum ORDER BY _seen_run DESC, _gone_run DESC NULLS FIRST
        ) = 1;

        CREATE TEMP TABLE same AS
        SELECT recnum FROM (
            SELECT {values} FROM given INTERSECT SELECT {values} FROM seen WHERE _gone_run IS NULL
        );
        {_own_ones_said_already(definition, batch) if batch.has_own_numbers else ""}

        CREATE TEMP TABLE differing AS
        SELECT * FROM given WHERE recnum NOT IN (SELECT recnum FROM same);
        CREATE TEMP TABLE as_held AS
        SELECT * FROM seen WHERE recnum IN (SELECT recnum FROM differing)
        """
    )
    columns = [field.name for field in schema if not field.name.startswith("_")]
    complete(connection, columns, table="differing", by="as_held", into="whole")
    complete(connection, columns, table="as_held", by="differing", into="filled")
    connection.execute(
        f"""
        CREATE TEMP TABLE said AS
        SELECT recnum FROM (
            SELECT {values} FROM whole INTERSECT SELECT {values} FROM seen WHERE _gone_run IS NULL
        );
        CREATE TEMP TABLE fills AS
        SELECT recnum FROM (
            SELECT {values} FROM whole INTERSECT SELECT {values} FROM filled WHERE _gone_run IS NULL
        ) WHERE recnum NOT IN (SELECT recnum FROM said);

        -- where a catalogue was restored the number of the run can say too little
        CREATE TEMP TABLE fresh AS
        SELECT whole.* REPLACE (
            CASE
                WHEN whole.recnum IN (SELECT recnum FROM fills) THEN seen._seen_run
                WHEN seen._seen_run > whole._seen_run THEN seen._seen_run + 1
                ELSE whole._seen_run
            END AS _seen_run
        )
        FROM whole LEFT JOIN seen ON seen.recnum = whole.recnum
        WHERE whole.recnum NOT IN (SELECT recnum FROM said);

        CREATE TEMP TABLE versions AS
        SELECT *, TRUE AS is_fresh, FALSE AS is_gone_now FROM fresh
        UNION ALL BY NAME
        SELECT
            held.* REPLACE (coalesce(held._gone_run, moved._seen_run, vanished.run) AS _gone_run),
            FALSE AS is_fresh,
            held._gone_run IS NULL AND (moved._seen_run IS NOT NULL OR vanished.run IS NOT NULL)
                AS is_gone_now
        FROM held
        LEFT JOIN fresh AS moved
          ON held._generation = moved._generation AND held.recnum = moved.recnum
         AND NOT ({_same_key(definition, "moved")})
        -- a record that changed in place has a row for each reading
        LEFT JOIN (
            SELECT DISTINCT _generation, recnum, {literal(batch.run)} AS run FROM gone
        ) AS vanished
          ON held._generation = vanished._generation AND held.recnum = vanished.recnum
        WHERE NOT EXISTS (SELECT 1 FROM fresh WHERE {_SAME_ROW});

        CREATE TEMP TABLE ranked AS
        SELECT *, counts AND row_number() OVER (
            PARTITION BY {identity}, counts ORDER BY _generation DESC, recnum DESC
        ) = 1 AS is_latest
        FROM (
            SELECT *, _gone_run IS NULL AND row_number() OVER (
                PARTITION BY {identity}, _generation, recnum ORDER BY _seen_run DESC
            ) = 1 AS counts
            FROM versions
        );
        """
    )
    listed = ", ".join(
        "is_latest AS _latest" if field.name == "_latest" else identifier(field.name)
        for field in schema
    )
    fresh = f"SELECT {listed} FROM ranked WHERE is_fresh ORDER BY {identity}, recnum"
    marked = f"""
        SELECT {listed} FROM ranked WHERE NOT is_fresh AND (is_latest <> _latest OR is_gone_now)
    """
    brought = f"""
        SELECT is_latest, recnum IN (SELECT recnum FROM seen)
            OR EXISTS (SELECT 1 FROM held WHERE {_same_key(definition, "brought")}) AS was_held
        FROM ranked AS brought
        WHERE is_fresh AND recnum NOT IN (SELECT recnum FROM fills)
    """
    places = f"SELECT count(*) FROM held WHERE EXISTS (SELECT 1 FROM fresh WHERE {_SAME_ROW})"
    return _Change(
        fresh=connection.sql(fresh).to_arrow_table().cast(schema),
        marked=connection.sql(marked).to_arrow_table().cast(schema),
        new=_number(connection, f"SELECT count(*) FROM ({brought}) WHERE NOT was_held"),
        revised=_number(
            connection, f"SELECT count(*) FROM ({brought}) WHERE was_held AND is_latest"
        ),
        filled=_number(connection, "SELECT count(*) FROM fills"),
        takes_places=bool(_number(connection, places)),
    )


def _number(connection: DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def _gone_rows(definition: SeriesDefinition, gone: pa.Table | None) -> pa.Table:
    names = dict.fromkeys((*_identity(definition), "recnum", "_generation"))
    if gone is not None:
        return gone.select([*names])
    schema = table_schema(definition)
    return pa.schema([schema.field(name) for name in names]).empty_table()


def _own_ones_said_already(definition: SeriesDefinition, batch: _Batch) -> str:
    """Add to ``same`` the own numbers of records that say what one of the upstream's says.

    An own number that is held is not among them: its record is the same, or revised.
    """
    numbers = [
        f"coalesce(given.{name} = held.{name}, given.{name} IS NULL)"
        for name in ("sunum", "slotnum", "_text")
    ]
    names = [
        identifier(column.name)
        for column in definition.columns
        if batch.columns is None or column.name in batch.columns
    ]
    values = [f"held.{name} IS NOT DISTINCT FROM given.{name}" for name in names]
    return f"""
        INSERT INTO same
        SELECT given.recnum FROM given JOIN held ON {_same_key(definition, "given")}
        WHERE given.recnum < 0 AND given.recnum NOT IN (SELECT recnum FROM seen)
          AND held.recnum >= 0 AND held._latest AND held._generation = {literal(batch.generation)}
          AND {" AND ".join([*numbers, *values])};
    """


def _identity(definition: SeriesDefinition) -> tuple[str, ...]:
    """Columns whose values versions of one record share; the number where there is no prime key."""
    return definition.internal_prime_keys or ("recnum",)


def _same_key(definition: SeriesDefinition, other: str) -> str:
    """A row of ``held`` and one of another relation are versions of one record."""
    return " AND ".join(
        f"held.{identifier(key)} IS NOT DISTINCT FROM {other}.{identifier(key)}"
        for key in _identity(definition)
    )
