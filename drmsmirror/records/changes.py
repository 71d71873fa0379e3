"""What changed of a record table between two runs: the latest versions then, and later.

Only records that a run between the two touched are looked at. Which of their versions was the
latest is found from keys alone; whole rows are read of those that differ, in bounded memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from drmsmirror.records.engine import Interruptible, files_relation, identifier, literal
from drmsmirror.records.past import identity, latest_after
from drmsmirror.records.schema import SYSTEM_COLUMNS, table_schema
from drmsmirror.records.slices import slices
from drmsmirror.records.table import RecordTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["ChangeKind", "ChangedRecords", "reading_changes"]

#: Rows of one batch.
_BATCH = 5_000

#: What tells a row from every other.
_ROW = ("_generation", "recnum", "_seen_run")


class ChangeKind(StrEnum):
    """What became of a record."""

    NEW = "new"
    REVISED = "revised"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ChangedRecords:
    """Some records that changed, in DRMS's order.

    Parameters
    ----------
    kinds : tuple of ChangeKind
        What became of each.
    before, after : pyarrow.RecordBatch
        The latest version of each as stored, then and later, row by row: nulls for a record that
        was not there.
    """

    kinds: tuple[ChangeKind, ...]
    before: pa.RecordBatch
    after: pa.RecordBatch


class _Changes:
    def __init__(
        self,
        connection: DuckDBPyConnection,
        do: Interruptible,
        table: RecordTable,
        since: int,
        until: int,
    ) -> None:
        self._connection = connection
        self._do = do
        self._table = table
        self._identity = identity(table.definition)
        self._schema = table_schema(table.definition)
        self._find(since, until)

    def records(self, columns: Sequence[str]) -> Iterator[ChangedRecords]:
        """The records that changed, batch by batch.

        Parameters
        ----------
        columns : sequence of str
            Columns of the record table.
        """
        key = self._identity[0]
        for part in self._do(lambda: slices(self._connection, "changed", key)):
            for batch in self._batches(self._rows_sql(columns, part)):
                yield _changed(batch, columns)

    def _find(self, since: int, until: int) -> None:
        """Make the table ``changed``: keys whose latest version is another, and which row it is."""
        names = dict.fromkeys((*(one.name for one in SYSTEM_COLUMNS), "recnum", *self._identity))
        narrow = pa.schema([self._schema.field(name) for name in names if name != "_text"])
        rows = files_relation(self._table.files(), narrow)
        keys = ", ".join(identifier(name) for name in self._identity)
        touched = " OR ".join(
            f"({mark} > {literal(since)} AND {mark} <= {literal(until)})"
            for mark in ("_seen_run", "_gone_run")
        )
        same = _same(self._identity, "held", "touched")
        held = f"(SELECT * FROM {rows} AS held WHERE EXISTS (SELECT 1 FROM touched WHERE {same}))"
        before = latest_after(self._table.definition, held, since)
        after = latest_after(self._table.definition, held, until)
        listed = ", ".join(
            [f"coalesce(b.{name}, a.{name}) AS {name}" for name in map(identifier, self._identity)]
            + [f"b.{name} AS before_{number}" for number, name in enumerate(_ROW)]
            + [f"a.{name} AS after_{number}" for number, name in enumerate(_ROW)]
        )
        differs = " OR ".join(f"b.{name} IS DISTINCT FROM a.{name}" for name in _ROW)
        self._run(
            f"CREATE TEMP TABLE touched AS SELECT DISTINCT {keys} FROM {rows} WHERE {touched}"
        )
        self._run(
            f"CREATE TEMP TABLE changed AS SELECT {listed} FROM {before} AS b "
            f"FULL JOIN {after} AS a ON {_same(self._identity, 'b', 'a')} WHERE {differs}"
        )

    def _rows_sql(self, columns: Sequence[str], part: str) -> str:
        """Rows before and after of some records that changed, side by side."""
        names = dict.fromkeys((*self._identity, *_ROW, *columns))
        schema = pa.schema([self._schema.field(name) for name in names])
        rows = files_relation(self._table.files(), schema)
        inside = f"(SELECT * FROM {rows} WHERE {part})"
        listed = [
            f"{side}.{identifier(name)} AS {side}_{number}"
            for side in ("b", "a")
            for number, name in enumerate(columns)
        ]
        order = ", ".join(f"changed.{identifier(name)}" for name in self._identity)
        return (
            f"SELECT before_1 IS NOT NULL AS was, after_1 IS NOT NULL AS is_, {', '.join(listed)} "
            f"FROM (SELECT * FROM changed WHERE {part}) AS changed "
            f"LEFT JOIN {inside} AS b ON {self._chosen('b', 'before')} "
            f"LEFT JOIN {inside} AS a ON {self._chosen('a', 'after')} ORDER BY {order}"
        )

    def _chosen(self, side: str, prefix: str) -> str:
        numbers = " AND ".join(
            f"{side}.{name} = changed.{prefix}_{number}" for number, name in enumerate(_ROW)
        )
        # one that a run moved has rows of one number under several keys
        return f"{numbers} AND {_same(self._identity, side, 'changed')}"

    def _run(self, sql: str) -> None:
        self._do(lambda: self._connection.execute(sql))

    def _batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        reader = self._do(lambda: self._connection.sql(sql).to_arrow_reader(_BATCH))
        while (batch := self._do(partial(next, reader, None))) is not None:
            yield batch


@contextmanager
def reading_changes(table: RecordTable, since: int, until: int) -> Iterator[_Changes]:
    """Find what the runs after one changed, up to another, while a block runs.

    Parameters
    ----------
    table : RecordTable
    since : int
        The last run that does not count; 0 where all do.
    until : int
        The last run that counts.
    """
    with table.connect([table.path]) as connection, Interruptible(connection) as do:
        yield _Changes(connection, do, table, since, until)


def _same(keys: Sequence[str], one: str, other: str) -> str:
    return " AND ".join(
        f"{one}.{identifier(key)} IS NOT DISTINCT FROM {other}.{identifier(key)}" for key in keys
    )


def _changed(batch: pa.RecordBatch, columns: Sequence[str]) -> ChangedRecords:
    kinds = tuple(
        (ChangeKind.REVISED if is_there else ChangeKind.REMOVED) if was_there else ChangeKind.NEW
        for was_there, is_there in zip(
            batch["was"].to_pylist(), batch["is_"].to_pylist(), strict=True
        )
    )
    return ChangedRecords(kinds, _side(batch, 2, columns), _side(batch, 2 + len(columns), columns))


def _side(batch: pa.RecordBatch, first: int, columns: Sequence[str]) -> pa.RecordBatch:
    arrays = batch.columns[first : first + len(columns)]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))
