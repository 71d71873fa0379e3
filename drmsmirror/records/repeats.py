"""Find what is there twice among records that do not fit into memory."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from drmsmirror.records.engine import connect, identifier

__all__ = ["find_repeat"]


def find_repeat(batches: Iterable[pa.Table]) -> tuple[int, int] | None:
    """Find two rows that are the same.

    Parameters
    ----------
    batches : iterable of pyarrow.Table
        All with the same columns. DuckDB keeps them, on disk where they are many.

    Returns
    -------
    tuple of int or None
        The first row that is there again, and the last one like it, counted from 1 over all
        batches; None where all rows differ.
    """
    with connect() as connection:
        before, columns = 0, ""
        for batch in batches:
            rows = pa.array(range(before + 1, before + batch.num_rows + 1), pa.int64())
            connection.register("batch", batch.append_column("_row", rows))
            connection.execute("CREATE TABLE IF NOT EXISTS seen AS FROM batch LIMIT 0")
            connection.execute("INSERT INTO seen FROM batch")
            before += batch.num_rows
            columns = ", ".join(identifier(name) for name in batch.column_names)
        if not columns:
            return None
        found = connection.execute(
            f"SELECT min(_row), max(_row) FROM seen GROUP BY {columns} HAVING count(*) > 1 "
            f"ORDER BY 1 LIMIT 1"
        ).fetchone()
    return found and (int(found[0]), int(found[1]))
