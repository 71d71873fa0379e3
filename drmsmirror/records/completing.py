"""Records of which not every column was read, completed by another reading of them.

A null in a keyword's column says that it was not read: DRMS's own missing values are others (DRMS
semantics 2.1). Two readings of one record agree where completing each by the other gives the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from drmsmirror.records.engine import identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["complete"]


def complete(
    connection: DuckDBPyConnection, columns: Sequence[str], *, table: str, by: str, into: str
) -> None:
    """Make a table of records with what another table has of those that it has too.

    Parameters
    ----------
    connection : DuckDBPyConnection
    columns : sequence of str
        That are completed; exact texts, ``_text``, are completed with them.
    table, by, into : str
        Names of tables with one row for each ``recnum``. Records of ``by`` that are gone complete
        nothing.
    """
    connection.register("completed_texts", _completed_texts(connection, columns, table, by))
    values = ", ".join(
        f"coalesce(one.{identifier(name)}, other.{identifier(name)}) AS {identifier(name)}"
        for name in columns
    )
    connection.execute(
        f"""
        CREATE TEMP TABLE {into} AS
        SELECT one.* REPLACE (
            {values},
            CASE WHEN texts.recnum IS NULL THEN one._text ELSE texts._text END AS _text
        )
        FROM {table} AS one
        LEFT JOIN {by} AS other ON one.recnum = other.recnum AND other._gone_run IS NULL
        LEFT JOIN completed_texts AS texts ON one.recnum = texts.recnum
        """
    )
    connection.unregister("completed_texts")


def _completed_texts(
    connection: DuckDBPyConnection, columns: Sequence[str], table: str, by: str
) -> pa.Table:
    """The exact texts of records of which another reading has some, by record number."""
    read = ", ".join(
        f"CASE WHEN one.{identifier(name)} IS NOT NULL THEN {literal(name)} END" for name in columns
    )
    rows = connection.execute(
        f"""
        SELECT * FROM (
            SELECT
                one.recnum,
                one._text,
                other._text AS other_text,
                list_filter([{read}], lambda name : name IS NOT NULL) AS read
            FROM {table} AS one JOIN {by} AS other
              ON one.recnum = other.recnum AND other._gone_run IS NULL
            WHERE other._text IS NOT NULL
        )
        """
    ).fetchall()
    return pa.table(
        {
            "recnum": pa.array([row[0] for row in rows], pa.int64()),
            "_text": pa.array([_text(*row[1:]) for row in rows], pa.string()),
        }
    )


def _text(text: str | None, other: str, read: Sequence[str]) -> str | None:
    """The texts of a record, and of another those of columns that were not read of the first.

    A column that the series no longer has was not.
    """
    given = {name: exact for name, exact in json.loads(other).items() if name not in read}
    both = {**given, **(json.loads(text) if text else {})}
    return json.dumps(both, separators=(",", ":"), sort_keys=True) if both else None
