"""Series read from a definition (JSON) and its records (Parquet), as the vectors keep them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from .definitions import load_definition
from .records import SYSTEM_COLUMNS, Series

__all__ = ["read_series"]


def read_series(root: Path, name: str) -> Series:
    """Read ``root/series/<name>.json`` and ``root/records/<name>.parquet``.

    Columns get the width of the keyword's type (``float`` is 32-bit, semantics 2.1).
    """
    definition = load_definition(name, root / "series")
    table = pq.read_table(root / "records" / f"{definition.name}.parquet")
    raw = {str(c).lower(): table[c].to_numpy(zero_copy_only=False) for c in table.column_names}
    columns = {k: raw[k].astype(np.int64) for k in SYSTEM_COLUMNS}
    for name_, keyword in definition.columns.items():
        columns[name_] = raw[name_].astype(keyword.dtype)
    return Series(definition, columns)
