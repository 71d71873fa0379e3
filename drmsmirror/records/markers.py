"""What is kept of records that do not satisfy a condition: enough to know that they do not.

Source: the design, keeping up with the upstream, 3.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.recordset import SqlCondition
from drmsmirror.records.engine import connect
from drmsmirror.records.rows import calculating, no_sub_selects, where_sql

__all__ = ["with_markers"]

#: What stands before the keywords, and is kept of every record.
_NUMBERS = frozenset({"recnum", "sunum", "slotnum"})


def with_markers(
    rows: pa.Table, conditions: Sequence[SqlCondition], kept: Collection[str]
) -> pa.Table:
    """Take from records that do not satisfy conditions the values that are not kept of them.

    Parameters
    ----------
    rows : pyarrow.Table
        As :attr:`~drmsmirror.records.ingest.TypedRecords.rows`.
    conditions : sequence of SqlCondition
        Without sub-selects.
    kept : collection of str
        Columns that are kept of every record.

    Raises
    ------
    SqlError
        A condition cannot be calculated for one of the records.
    """
    fails = _failing(rows, conditions)
    if not pc.any(fails).as_py():
        return rows
    for number, field in enumerate(rows.schema):
        if field.name not in _NUMBERS and field.name not in kept and field.name != "_text":
            column = pc.if_else(fails, pa.scalar(None, field.type), rows[field.name])
            rows = rows.set_column(number, field, column)
    texts = [
        _texts_kept(text, kept) if is_marker else text
        for text, is_marker in zip(rows["_text"].to_pylist(), fails.to_pylist(), strict=True)
    ]
    place = rows.schema.get_field_index("_text")
    return rows.set_column(place, rows.schema.field(place), pa.array(texts, pa.string()))


def _failing(rows: pa.Table, conditions: Sequence[SqlCondition]) -> pa.ChunkedArray:
    """Which rows do not satisfy all conditions; one that is neither true nor false fails."""
    where = where_sql(conditions, no_sub_selects)
    numbered = rows.append_column("_row", pa.array(range(rows.num_rows), pa.int64()))
    with calculating(conditions), connect() as connection:
        connection.register("given", numbered)
        return connection.sql(
            f"SELECT NOT coalesce({where}, FALSE) AS fails FROM given ORDER BY _row"
        ).to_arrow_table()["fails"]


def _texts_kept(text: str | None, kept: Collection[str]) -> str | None:
    given = json.loads(text) if text else {}
    found = {name: exact for name, exact in given.items() if name in kept}
    return json.dumps(found, separators=(",", ":"), sort_keys=True) if found else None
