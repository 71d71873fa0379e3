"""Removing rows: every version of the records that lie in some parts of a series."""

from __future__ import annotations

from collections.abc import Sequence

from drmsmirror.model.extent import Extent
from drmsmirror.records.engine import files_relation
from drmsmirror.records.extents import Portion
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

__all__ = ["count_rows_within", "numbers_within", "remove_rows_within"]


def remove_rows_within(table: RecordTable, extents: Sequence[Extent]) -> int:
    """Remove all rows in some extents, in one commit.

    Versions of one record have the same prime keys, so that they go together, and none that stays
    becomes the latest by it.

    Parameters
    ----------
    table : RecordTable
    extents : sequence of Extent
        Without conditions in SQL.

    Returns
    -------
    int
        Number of rows removed.
    """
    before = table.row_count()
    portion, definition = Portion(tuple(extents)), table.definition
    periods = table.file_list.periods(*portion.ranges(definition))
    if periods and count_rows_within(table, extents):
        table.remove_rows(portion.sql(definition), periods)
    return before - table.row_count()


def count_rows_within(table: RecordTable, extents: Sequence[Extent]) -> int:
    """Count the rows in some extents, all versions counted."""
    portion, definition = Portion(tuple(extents)), table.definition
    files = table.files(*portion.ranges(definition)) if portion else []
    if not files:
        return 0
    rows = files_relation(files, table_schema(definition))
    query = f"SELECT count(*) FROM {rows} WHERE {portion.sql(definition)}"
    with table.connect([table.path]) as connection:
        return int(connection.execute(query).fetchall()[0][0])


def numbers_within(
    table: RecordTable, extents: Sequence[Extent], numbers: Sequence[int]
) -> list[int]:
    """Say which of some record numbers lie in some extents."""
    portion, definition = Portion(tuple(extents)), table.definition
    files = table.files(*portion.ranges(definition)) if portion else []
    if not files or not numbers:
        return []
    rows = files_relation(files, table_schema(definition))
    among = ", ".join(str(int(number)) for number in numbers)
    query = (
        f"SELECT DISTINCT recnum FROM {rows} WHERE recnum IN ({among}) "
        f"AND ({portion.sql(definition)}) ORDER BY recnum"
    )
    with table.connect([table.path]) as connection:
        return [int(number) for (number,) in connection.execute(query).fetchall()]
