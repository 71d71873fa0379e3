"""Rows in order in bounded memory: cut along the first key into slices, each sorted by itself."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from drmsmirror.records.engine import identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["SLICE", "slices"]

#: Rows that are sorted at once.
SLICE = 100_000


def slices(connection: DuckDBPyConnection, rows: str, key: str) -> list[str]:
    """Conditions that cut rows into slices of some ten thousand, in the order of a key.

    Rows of one value stay together, so that a slice is larger where one value is frequent.

    Parameters
    ----------
    connection : DuckDBPyConnection
    rows : str
        SQL of a relation.
    key : str
        Column by which the rows are ordered first.
    """
    column = identifier(key)
    count = connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0]
    shares = [number * SLICE / count for number in range(1, -(-count // SLICE))]
    if not shares:
        return ["TRUE"]
    found = connection.execute(f"SELECT quantile_disc({column}, {shares}) FROM {rows}").fetchall()
    edges = [literal(edge) for edge in dict.fromkeys(found[0][0])]
    inner = [f"{column} >= {a} AND {column} < {b}" for a, b in itertools.pairwise(edges)]
    return [f"{column} < {edges[0]}", *inner, f"{column} >= {edges[-1]} OR {column} IS NULL"]
