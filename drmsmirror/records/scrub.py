"""Whether the files of a record table are as its log says: there, of their size, and readable.

A page that the compaction wrote has a checksum, so that a single flipped bit shows. What comes of a
window has none until it is compacted: there shows what cannot be decoded.
"""

from __future__ import annotations

from drmsmirror.records.filelist import DataFile
from drmsmirror.records.table import RecordTable

__all__ = ["problem_at_sight", "problem_inside"]


def problem_at_sight(table: RecordTable, file: DataFile) -> str | None:
    """What is wrong with a file, without reading it; None where nothing is."""
    try:
        size = (table.path / file.path).stat().st_size
    except FileNotFoundError:
        return "it is not there"
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    return None if size == file.bytes else f"it has {size:,} bytes and should have {file.bytes:,}"


def problem_inside(table: RecordTable, file: DataFile) -> str | None:
    """The same after reading all of it, row group by row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if (problem := problem_at_sight(table, file)) is not None:
        return problem
    rows = 0
    try:
        with pq.ParquetFile(table.path / file.path, page_checksum_verification=True) as opened:
            for batch in opened.iter_batches():
                rows += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        return f"it cannot be decoded ({str(error).partition(chr(10))[0]})"
    return None if rows == file.rows else f"it has {rows:,} rows and should have {file.rows:,}"
