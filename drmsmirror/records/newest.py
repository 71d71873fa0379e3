"""The records with the largest numbers that are held of a generation."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from drmsmirror.model.recordset import Span
from drmsmirror.records.engine import files_relation, identifier, literal
from drmsmirror.records.schema import table_schema
from drmsmirror.records.table import RecordTable

__all__ = ["newest_records"]


def newest_records(
    table: RecordTable, columns: Sequence[str], generation: int, count: int
) -> pa.Table:
    """Some columns, and ``recnum``, of the records with the largest numbers that are there now."""
    listed = list(dict.fromkeys((*columns, "recnum")))
    used = {*listed, "_generation", "_gone_run", "_seen_run"}
    fields = [field for field in table_schema(table.definition) if field.name in used]
    largest = table.largest("recnum")
    # in files as they come their numbers lie close together
    near = [] if largest is None else [("recnum", [Span(int(largest) - 1000 * count, None)])]
    for ranges in (near, []):
        rows = files_relation(table.files(ranges), pa.schema(fields))
        with table.connect([table.path]) as connection:
            found = connection.sql(
                f"""
                SELECT {", ".join(identifier(name) for name in listed)} FROM (
                    SELECT * FROM {rows} WHERE recnum >= 0 AND _generation = {literal(generation)}
                    QUALIFY row_number() OVER (
                        PARTITION BY recnum ORDER BY _seen_run DESC, _gone_run DESC NULLS FIRST
                    ) = 1
                ) WHERE _gone_run IS NULL ORDER BY recnum DESC LIMIT {count}
                """
            ).to_arrow_table()
        if found.num_rows:
            return found
    return found
