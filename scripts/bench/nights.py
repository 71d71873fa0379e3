"""A night of a long series: a sync that brings 2,500 records, against that of a shorter one.

One mirror holds a series of ten million records of 12 keyword columns, another one of a million
(size small: two and a half million, and 250,000), both written by the real writer and compacted,
in the partitions that their lengths give them. Night after night each gains as many records: of
those of the next slots some come late, and some are other versions of records of the last days.
Timed is the whole of ``sync``, upkeep included; time in which the upstream makes its answers is
taken off.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from drmsmirror.catalogue import Reconciliation
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import BoundSet
from drmsmirror.model.subscription import Reconcile
from drmsmirror.settings import Settings
from drmsmirror.sharing import SharedUpstream
from drmsmirror.sync import Task, sync
from drmsmirror.upstream import Jsoc
from scripts.bench.answers import MemorySession
from scripts.bench.holdings import hold, newest_part, next_night, wide
from scripts.bench.measure import Figure
from tests.jsoc import SampleJsoc, Series

__all__ = ["figures", "run"]

#: A night writes the files anew whose records it revises: a series that does not fill one costs
#: less than any other, and is none to be compared with.
_RECORDS = {"small": (250_000, 2_500_000), "full": (1_000_000, 10_000_000)}
_NIGHTS = {"small": 7, "full": 25}
_COLUMNS = 12
_WINDOW = 250_000
_NEW, _REVISED, _LATE = 2_500, 50, 25
_MOST = 1.5


@dataclass(slots=True)
class _Case:
    """A mirror, and an upstream that has no more of the series than nights ask for."""

    mirror: Mirror
    jsoc: SampleJsoc
    whole: Series

    @property
    def name(self) -> str:
        return self.whole.definition.name

    def night(self) -> float:
        """Let the series grow, and sync; the seconds that took."""
        grown = next_night(self.jsoc.series(self.name), _NEW, revised=_REVISED, late=_LATE)
        self.jsoc.add(grown)
        return self._sync(Reconcile.OFF)

    def comparing_night(self) -> float:
        """The same with the comparison that is due once a night."""
        known = self.jsoc.series(self.name)
        is_new = known.columns["recnum"] > self.whole.columns["recnum"].max()
        self.jsoc.add(self.whole.with_rows(known.take(is_new.nonzero()[0])))
        self.jsoc.add(next_night(self.jsoc.series(self.name), _NEW, revised=_REVISED, late=_LATE))
        catalogue = self.mirror.catalogue
        ago = catalogue.database.clock() - timedelta(days=2)
        state = Reconciliation(0, -math.inf, ago, ago, ago)
        text = BoundSet(catalogue.definition(self.name)).text
        catalogue.reconciliations.save(self.name, text, state)
        seconds = self._sync(Reconcile.ROTATION)
        found = catalogue.reconciliations.load(self.name, text)
        if found is None or found.worked_utc == ago:
            raise AssertionError("nothing was compared")
        return seconds

    def _sync(self, reconcile: Reconcile) -> float:
        session = MemorySession({}, self.jsoc)
        upstream = SharedUpstream(self.mirror, Jsoc(self.mirror.settings.upstream, session))
        begun = time.perf_counter()
        (report,) = sync(self.mirror, upstream, self.name, task=Task(reconcile=reconcile))
        seconds = time.perf_counter() - begun
        is_whole = (report.records_removed, report.share_held) == (0, 1.0)
        # more are revised where what was held had more digits than are printed
        if (
            report.records_new != _NEW - _REVISED
            or report.records_revised < _REVISED
            or not is_whole
        ):
            raise AssertionError(f"{_NEW} records came, and the sync said {report}")
        return seconds - session.seconds


def run(size: str) -> list[Figure]:
    """Measure, and check each time that all records came."""
    return figures(*_RECORDS[size], _NIGHTS[size])


def figures(few: int, many: int, nights: int) -> list[Figure]:
    """Measure so many nights of series with so many records."""
    with _prepared(few) as short, _prepared(many) as long:
        for case in (short, long):
            case.night()  # learns how fast the upstream is
        taken = [(long.night(), short.night()) for _ in range(nights)]
        compared = (long.comparing_night(), short.comparing_night())
    ours, floor = zip(*taken, strict=True)
    ratio = statistics.median(one / two for one, two in taken)
    mean = statistics.mean(ours) / statistics.mean(floor)
    what = f"a night that brings {_NEW:,} records to {many:,}"
    of_few = f"({few:,} records)"
    return [
        Figure(
            "nights",
            what,
            f"{statistics.median(ours):.3f} s",
            f"{statistics.median(floor):.3f} s {of_few}",
            f"{ratio:.2f}",
            f"at most {_MOST}",
            ratio <= _MOST,
        ),
        Figure(
            "nights",
            f"the mean of {nights} such nights, with the upkeep that is due",
            f"{statistics.mean(ours):.3f} s",
            f"{statistics.mean(floor):.3f} s {of_few}",
            f"{mean:.2f}",
            f"at most {_MOST}",
            mean <= _MOST,
        ),
        Figure(
            "nights",
            "a night that compares besides, as far as its budget goes",
            f"{compared[0]:.1f} s",
            f"{compared[1]:.1f} s {of_few}",
            f"{compared[0] / compared[1]:.2f}",
        ),
    ]


@contextmanager
def _prepared(records: int) -> Iterator[_Case]:
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory())
        series = wide(records, _COLUMNS)
        mirror = opened.enter_context(Mirror.create(Settings(mirror=Path(folder) / "mirror")))
        hold(mirror, series, _WINDOW)
        jsoc = SampleJsoc([newest_part(series, 2 * _NEW)], row_cap=10**9)
        yield _Case(mirror, jsoc, series)
