"""Requests of a night: those of a series that has grown by so many records, against the fewest.

The fewest are one for the definition, which says how far the series has come, and one for each
20,000 records, the most that one window may have. What ours adds is certainty: that the series is
the same one, that no answer was cut short, that nothing came late. The upstream has no delay and
its speed is known; one that is slow is asked for smaller windows.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from drmsmirror.mirror import Mirror
from drmsmirror.model.subscription import Reconcile
from drmsmirror.settings import Settings
from drmsmirror.sharing import SharedUpstream
from drmsmirror.sync import SyncReport, Task, sync
from drmsmirror.upstream import Jsoc
from scripts.bench.answers import MemorySession
from scripts.bench.holdings import next_night, wide
from scripts.bench.measure import Figure
from tests.jsoc import SampleJsoc

__all__ = ["figures", "run"]

_BEFORE = {"small": 100_000, "full": 300_000}
_NEW = {
    "small": (0, 1, 250, 2_500, 25_000),
    "full": (0, 1, 250, 2_500, 25_000, 100_000),
}
_COLUMNS = 12
#: Whether the series is the same, and how many records are newer.
_MORE = 2
#: Windows are counted three together.
_TIMES = 4 / 3


def run(size: str) -> list[Figure]:
    """Count, and check each time that all records came."""
    return figures(_BEFORE[size], _NEW[size])


def figures(before: int, new: Sequence[int]) -> list[Figure]:
    """Count the requests of one night after the other, on a series that had so many records."""
    series = wide(before, _COLUMNS)
    name = series.definition.name
    jsoc = SampleJsoc([series], row_cap=10**9)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(mirror=Path(folder) / "mirror")
        with Mirror.create(settings) as mirror:
            _night(mirror, jsoc, name)  # the first sync teaches how fast the upstream is
            for records in new:
                jsoc.add(next_night(jsoc.series(name), records))
                report = _night(mirror, jsoc, name)
                if (report.records_new, report.share_held) != (records, 1.0):
                    raise AssertionError(f"{records} records are new, and the sync said {report}")
                least = 1 + math.ceil(records / settings.sync.max_window)
                found.append(_figure(records, report.requests, least))
    return found


def _night(mirror: Mirror, jsoc: SampleJsoc, name: str) -> SyncReport:
    own = Jsoc(mirror.settings.upstream, MemorySession({}, jsoc))
    task = Task(reconcile=Reconcile.OFF)
    (report,) = sync(mirror, SharedUpstream(mirror, own), name, task=task)
    return report


def _figure(records: int, requests: int, least: int) -> Figure:
    return Figure(
        "requests",
        f"requests of a night after which {records:,} records are new",
        f"{requests}",
        f"{least}",
        f"{requests / least:.2f}",
        f"at most 4/3 and {_MORE} more",
        requests <= _TIMES * least + _MORE,
    )
