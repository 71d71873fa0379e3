"""An aggregate over a whole series by SQL, against DuckDB on the same files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from drmsmirror.client.sql import run_sql
from drmsmirror.mirror import Mirror
from scripts.bench.measure import Clock, Figure, median, ratio

__all__ = ["Aggregate"]

_AGGREGATE = "count(*) AS n, avg(k0003) AS mean, max(k0002) AS most, min(k0004) AS least"
_MOST = 1.3


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One statement over everything that a mirror holds of a series.

    Parameters
    ----------
    mirror : Mirror
    series : str
    files : sequence of str
        Of its record table.
    """

    mirror: Mirror
    series: str
    files: Sequence[str]

    def ours(self) -> list[tuple[object, ...]]:
        """By the project."""
        return run_sql(self.mirror, f"SELECT {_AGGREGATE} FROM {self.series}")[1]

    def by_hand(self) -> list[tuple[object, ...]]:
        """On a new connection; NaN is a missing value, which SQL has to be told."""
        text = _AGGREGATE.replace("k0003", "CASE WHEN isnan(k0003) THEN NULL ELSE k0003 END")
        with duckdb.connect(":memory:") as connection:
            return connection.sql(
                f"SELECT {text} FROM read_parquet({list(self.files)!r}) "
                f"WHERE _latest AND _gone_run IS NULL"
            ).fetchall()

    def check(self, records: int) -> None:
        """Both say the same, of so many records."""
        found, by_hand = self.ours(), self.by_hand()
        if not np.allclose(np.array(found, float), np.array(by_hand, float), rtol=1e-6):
            raise AssertionError(f"the aggregates differ: {found} and {by_hand}")
        if found[0][0] != records:
            raise AssertionError(f"{found[0][0]} of {records} records are held")

    def figure(self, bench: str, of: str, taken: dict[str, list[Clock]]) -> Figure:
        """What was measured as ``aggregate`` and ``aggregate floor``."""
        ours, floor = taken["aggregate"], taken["aggregate floor"]
        times = ratio(ours, floor)
        return Figure(
            bench,
            f"{of}: an aggregate over everything, by run_sql()",
            f"{1000 * median(ours):.1f} ms",
            f"{1000 * median(floor):.1f} ms",
            f"{times:.2f}",
            f"at most {_MOST:g}",
            times <= _MOST,
        )
