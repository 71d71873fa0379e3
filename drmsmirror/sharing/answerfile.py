"""An answer of the upstream as the bytes of a Parquet file, and back.

Columns of a list may have any name, the same one twice too, so in the file they are numbered, and
their names stand in its metadata.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMAT", "Tables", "from_bytes", "to_bytes"]

#: Of what :func:`to_bytes` writes; another number for whatever is written otherwise.
FORMAT = 1

#: Keywords, segments and links.
Tables = tuple["pa.Table", "pa.Table", "pa.Table"]

_NAMES = b"drmsmirror.names"


def to_bytes(tables: Tables) -> bytes:
    """Write the tables of an answer; those without columns have no rows either."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = json.dumps([table.column_names for table in tables])
    columns = [column for table in tables for column in table.columns]
    numbered = pa.Table.from_arrays(columns, names=[str(number) for number in range(len(columns))])
    target = io.BytesIO()
    pq.write_table(
        numbered.replace_schema_metadata({_NAMES: names.encode()}), target, compression="zstd"
    )
    return target.getvalue()


def from_bytes(content: bytes) -> Tables:
    """Read the tables of an answer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = pq.read_table(pa.BufferReader(content))
    tables: list[pa.Table] = []
    first = 0
    for names in json.loads(whole.schema.metadata[_NAMES]):
        last = first + len(names)
        tables.append(pa.Table.from_arrays(whole.columns[first:last], names=names))
        first = last
    keys, segments, links = tables
    return keys, segments, links
