"""The latest version of each record as other tools want it, and which of them changed since a run.

What makes a version the latest changes only among rows of one prime key, and only where a run
brings a row of that key or finds one gone. So whoever knows the rows up to some run needs only
those of the keys that later runs touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from drmsmirror.model.recordset import Span
from drmsmirror.records.engine import (
    Interruptible,
    files_relation,
    identifier,
    literal,
)
from drmsmirror.records.schema import PERIOD, SYSTEM_COLUMNS, table_schema
from drmsmirror.records.slices import slices
from drmsmirror.records.table import RecordTable
from drmsmirror.records.views import null_for_missing

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["LatestRecords", "reading_latest"]

#: Rows of one batch.
_BATCH = 5_000


class LatestRecords:
    """The latest version of each record of a table, missing values as null.

    Columns are ``recnum``, ``sunum`` and the keywords, as in
    :func:`~drmsmirror.records.create_view`.
    A record number stands once: where two generations of the upstream used it, the newer counts.
    """

    def __init__(
        self, connection: DuckDBPyConnection, do: Interruptible, table: RecordTable
    ) -> None:
        self._connection = connection
        self._do = do
        self._table = table
        self._definition = table.definition
        self._schema = schema = table_schema(table.definition)
        keys = dict.fromkeys(
            (*(one.name for one in SYSTEM_COLUMNS), "recnum", *self._identity, PERIOD)
        )
        self._keys = files_relation(table.files(), pa.schema([schema.field(key) for key in keys]))
        self._shown = self._condition()

    def count(self) -> int:
        """How many records there are."""
        return sum(self.periods().values())

    def touch_since(self, run: int) -> int:
        """Find the records that ``run`` or later ones may have changed, whether shown or not.

        Returns
        -------
        int
            How many record numbers these are.
        """
        same = " AND ".join(
            f"held.{identifier(key)} IS NOT DISTINCT FROM changed.{identifier(key)}"
            for key in self._identity
        )
        self._run(
            f"CREATE TEMP TABLE changed AS "
            f"SELECT DISTINCT {', '.join(identifier(key) for key in self._identity)} "
            f"FROM {self._keys} WHERE _seen_run >= {literal(run)} OR _gone_run >= {literal(run)}"
        )
        self._run(
            f"CREATE TEMP TABLE touched AS SELECT DISTINCT recnum FROM {self._keys} AS held "
            f"WHERE EXISTS (SELECT 1 FROM changed WHERE {same})"
        )
        return int(self._run("SELECT count(*) FROM touched")[0][0])

    def touched(self) -> Iterator[pa.RecordBatch]:
        """The record numbers that :meth:`touch_since` found, a column ``recnum``."""
        yield from self._batches("SELECT recnum FROM touched")

    def touched_periods(self) -> set[str]:
        """Partitions in which those are, or were."""
        found = self._run(
            f"SELECT DISTINCT {PERIOD} FROM {self._keys} "
            f"WHERE recnum IN (SELECT recnum FROM touched)"
        )
        return {str(period) for (period,) in found}

    def periods(self) -> dict[str, int]:
        """Number of records in each partition that has any."""
        found = self._run(
            f"SELECT {PERIOD}, count(*) FROM {self._keys} AS held WHERE {self._shown} GROUP BY 1"
        )
        return {str(period): int(count) for period, count in sorted(found)}

    def rows(self, *, only_touched: bool = False) -> Iterator[pa.RecordBatch]:
        """The records, in no order.

        Parameters
        ----------
        only_touched : bool
            Only those that :meth:`touch_since` found.
        """
        touched = " AND recnum IN (SELECT recnum FROM touched)" if only_touched else ""
        rows = files_relation(self._table.files(), self._schema)
        yield from self._batches(
            f"SELECT {self._columns} FROM {rows} AS held WHERE {self._shown}{touched}"
        )

    def rows_of_period(self, period: str) -> Iterator[pa.RecordBatch]:
        """The records of a partition, sorted by prime key, in bounded memory."""
        keys = [*self._definition.internal_prime_keys, "recnum"]
        order = ", ".join(f"held.{identifier(key)}" for key in keys)
        inside = f"{PERIOD} = {literal(period)} AND ({self._shown})"
        files = self._table.files([(PERIOD, [Span(period, period, high_included=True)])])
        rows = files_relation(files, self._schema)
        narrow = f"(SELECT * FROM {self._keys} AS held WHERE {inside})"
        for part in self._do(lambda: slices(self._connection, narrow, keys[0])):
            yield from self._batches(
                f"SELECT {self._columns} FROM (SELECT * FROM {rows} WHERE {part}) AS held "
                f"WHERE {inside} ORDER BY {order}"
            )

    @property
    def _identity(self) -> tuple[str, ...]:
        return self._definition.internal_prime_keys or ("recnum",)

    @property
    def _columns(self) -> str:
        keywords = (null_for_missing(column) for column in self._definition.columns)
        return ", ".join(("recnum", "sunum", *keywords))

    def _condition(self) -> str:
        """SQL that tells the rows of ``held`` that count."""
        latest = "_latest AND _gone_run IS NULL"
        generations = self._run(f"SELECT DISTINCT _generation FROM {self._keys} WHERE {latest}")
        if len(generations) < 2:
            return latest
        first = min(generation for (generation,) in generations)
        self._run(
            f"CREATE TEMP TABLE newer AS SELECT recnum, max(_generation) AS generation "
            f"FROM {self._keys} WHERE {latest} AND _generation > {literal(first)} GROUP BY recnum"
        )
        return (
            f"{latest} AND NOT EXISTS (SELECT 1 FROM newer "
            f"WHERE newer.recnum = held.recnum AND newer.generation > held._generation)"
        )

    def _run(self, sql: str) -> list[tuple[int | str, ...]]:
        return self._do(lambda: self._connection.execute(sql).fetchall())

    def _batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        reader = self._do(lambda: self._connection.sql(sql).to_arrow_reader(_BATCH))
        while (batch := self._do(partial(next, reader, None))) is not None:
            yield batch


@contextmanager
def reading_latest(table: RecordTable) -> Iterator[LatestRecords]:
    """Read a table at its version, while a block runs."""
    with table.connect([table.path]) as connection, Interruptible(connection) as do:
        yield LatestRecords(connection, do, table)
