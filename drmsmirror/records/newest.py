"""The records with the largest numbers that are held of a generation.

They are looked for where they can be: after a series was built anew there are numbers of former
generations above all of the present one, and what that costs must not depend on how many.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from drmsmirror.model.recordset import Span
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

__all__ = ["newest_records"]

#: Numbers among which a record is looked for first, and how many times as many the next time.
_NEAR, _WIDER = 1000, 100


def newest_records(
    table: RecordTable,
    columns: Sequence[str],
    generation: int,
    count: int,
    *,
    above: int = -1,
    up_to: int | None = None,
) -> pa.Table:
    """Some columns, and ``recnum``, of the records with the largest numbers that are there now.

    Parameters
    ----------
    table : RecordTable
    columns : sequence of str
    generation : int
    count : int
        How many records, at most.
    above, up_to : int, optional
        Between which numbers they lie.
    """
    largest = int(table.largest("recnum") or 0)
    highest = largest if up_to is None else min(largest, up_to)
    width = _NEAR * count
    while True:
        lowest = max(highest - width, above + 1)
        found = _newest_within(table, columns, generation, count, Span(lowest, highest + 1))
        if found.num_rows >= count or lowest == above + 1:
            return found
        width *= _WIDER


def _newest_within(
    table: RecordTable, columns: Sequence[str], generation: int, count: int, numbers: Span
) -> pa.Table:
    listed = list(dict.fromkeys((*columns, "recnum")))
    used = {*listed, "_generation", "_gone_run", "_seen_run"}
    fields = [field for field in table_schema(table.definition) if field.name in used]
    rows = files_relation(table.files([("recnum", [numbers])]), pa.schema(fields))
    with table.connect([table.path]) as connection:
        return connection.sql(
            f"""
            SELECT {", ".join(identifier(name) for name in listed)} FROM (
                SELECT * FROM {rows} WHERE _generation = {literal(generation)}
                    AND recnum >= {literal(numbers.low)} AND recnum < {literal(numbers.high)}
                QUALIFY row_number() OVER (
                    PARTITION BY recnum ORDER BY _seen_run DESC, _gone_run DESC NULLS FIRST
                ) = 1
            ) WHERE _gone_run IS NULL ORDER BY recnum DESC LIMIT {count}
            """
        ).to_arrow_table()
