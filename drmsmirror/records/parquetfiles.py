"""Parquet files of one partition, written row group by row group and described for a commit.

Delta Lake's own writer keeps all that it writes in memory until the commit: with this one a
partition of any size is written in the memory of one row group.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.files import make_directory, sync_files
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records.schema import PERIOD, pruning_columns

if TYPE_CHECKING:
    from deltalake.transaction import AddAction

__all__ = ["ROW_GROUP", "columns_without_statistics", "write_partition"]

#: Rows in a row group: a wide record is read without decoding a million others.
ROW_GROUP = 50_000


def columns_without_statistics(definition: SeriesDefinition, schema: pa.Schema) -> list[str]:
    """Columns that can have NaN: statistics leave it out, and in DRMS it is a value.

    NaN is larger than all others, so that a reader which trusts statistics drops rows, or holds
    that a column has no NaN. Of times only prime keys have none. Nor have these columns a
    dictionary: measured floats rarely repeat.

    Parameters
    ----------
    definition : SeriesDefinition
    schema : pyarrow.Schema
        Of what is written: a table can have columns that the definition has not.
    """
    safe = pruning_columns(definition)
    return [
        field.name
        for field in schema
        if pa.types.is_floating(field.type) and field.name not in safe
    ]


def write_partition(
    table: Path,
    definition: SeriesDefinition,
    period: str,
    batches: Iterator[pa.RecordBatch],
    file_bytes: int,
) -> list[AddAction]:
    """Write the rows of a partition as new files, durable before the call returns.

    Nobody reads them before they are committed.

    Parameters
    ----------
    table : Path
        Directory of the record table.
    definition : SeriesDefinition
    period : str
        The partition.
    batches : iterator of pyarrow.RecordBatch
        Rows in their order; the partition's own column is left out of the files.
    file_bytes : int
        Size after which another file is begun.
    """
    import pyarrow.parquet as pq

    folder = table / f"{PERIOD}={period}"
    make_directory(folder)
    written = []
    groups = _row_groups(batches)
    group = next(groups, None)
    while group is not None:
        path = folder / f"part-{uuid.uuid4()}.zstd.parquet"
        summary = _Summary(pruning_columns(definition))
        with pq.ParquetWriter(path, group.schema, **_writer_options(definition, group)) as writer:
            while group is not None:
                writer.write_table(group, ROW_GROUP)
                summary.add(group)
                group = next(groups, None)
                if path.stat().st_size >= file_bytes:
                    break
        written.append(_add_action(table, path, period, summary))
    sync_files([table / action.path for action in written])
    return written


def _row_groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches gathered to row groups, without the column of the partition."""
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch.drop_columns([PERIOD]))
        if sum(one.num_rows for one in gathered) >= ROW_GROUP:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)


def _writer_options(definition: SeriesDefinition, group: pa.Table) -> dict[str, Any]:
    without = set(columns_without_statistics(definition, group.schema))
    others = [name for name in group.column_names if name not in without]
    return {
        "compression": "zstd",
        "use_dictionary": others,
        "write_statistics": others,
        "write_page_checksum": True,
    }


class _Summary:
    """What the Delta log says of a file: rows, and smallest and largest key."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.rows = 0
        self._keys = keys
        self._least: dict[str, Any] = {}
        self._most: dict[str, Any] = {}
        self._nulls = dict.fromkeys(keys, 0)

    def add(self, group: pa.Table) -> None:
        self.rows += group.num_rows
        for key in self._keys:
            self._nulls[key] += group[key].null_count
            bounds = pc.min_max(group[key]).as_py()
            if bounds["min"] is not None:
                self._least[key] = min(self._least.get(key, bounds["min"]), bounds["min"])
                self._most[key] = max(self._most.get(key, bounds["max"]), bounds["max"])

    @property
    def text(self) -> str:
        return json.dumps(
            {
                "numRecords": self.rows,
                "minValues": self._least,
                "maxValues": self._most,
                "nullCount": self._nulls,
            }
        )


def _add_action(table: Path, path: Path, period: str, summary: _Summary) -> AddAction:
    from deltalake.transaction import AddAction

    status = path.stat()
    return AddAction(
        path=str(path.relative_to(table)),
        size=status.st_size,
        partition_values={PERIOD: period},
        modification_time=int(status.st_mtime * 1000),
        data_change=False,  # the same rows, in another order
        stats=summary.text,
    )
