"""What a sync would take, found out without changing anything."""

from __future__ import annotations

import math
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from drmsmirror.errors import UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import parse_recordset
from drmsmirror.model.subscription import Reconcile
from drmsmirror.settings import Settings, SyncSettings
from drmsmirror.sync.progress import Ahead, SilentReporter
from drmsmirror.sync.run import sync
from drmsmirror.sync.task import Task
from drmsmirror.sync.windows import WindowSizer
from drmsmirror.upstream import Upstream

__all__ = ["Forecast", "forecast"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a sync of one set would take.

    Parameters
    ----------
    record_set : str
    records : int
        Records to be fetched.
    requests : int
        Requests, those included that find out what lies ahead.
    bytes : int
        Size of the answers.
    seconds : float
        Time that takes.
    disk_bytes : int
        Room that the records take.
    """

    record_set: str
    records: int
    requests: int
    bytes: int
    seconds: float
    disk_bytes: int


def forecast(
    settings: Settings, mirror: Mirror | None, upstream: Upstream, record_set: str
) -> tuple[Forecast, ...]:
    """Find out what a sync would take, set by set.

    The run is begun in a mirror of its own, which knows what the real one holds and is thrown
    away: it asks the upstream what a run asks first, and nobody agrees to go on.

    Parameters
    ----------
    settings : Settings
    mirror : Mirror or None
        The mirror; None where there is none yet.
    upstream : Upstream
    record_set : str

    Raises
    ------
    DrmsMirrorError
        What a sync raises before it fetches anything.
    """
    sets = parse_recordset(record_set).sets
    names = [record_set] if len(sets) == 1 else [str(one) for one in sets]
    with tempfile.TemporaryDirectory(prefix="drmsmirror-") as directory:
        elsewhere = settings.model_copy(update={"mirror": Path(directory), "catalogue_url": ""})
        with Mirror.create(elsewhere) as draft:
            if mirror is not None:
                known = mirror.catalogue.cost(settings.upstream.url)
                draft.catalogue.change_cost(settings.upstream.url, lambda _: known)
                for one in sets:
                    _copy_holdings(mirror, draft, one.series.text)
            return tuple(_forecast(draft, upstream, name) for name in names)


class _Declining(SilentReporter):
    """Hears what lies ahead, and does not agree."""

    def __init__(self) -> None:
        self.heard: Ahead | None = None

    def ahead(self, ahead: Ahead) -> bool:
        self.heard = ahead
        return False


def _copy_holdings(mirror: Mirror, draft: Mirror, series: str) -> None:
    """Make a draft know what is held of a series, but for the records."""
    with suppress(UnknownSeriesError):
        state, held = mirror.catalogue.held(series)
        draft.catalogue.save_definition(mirror.catalogue.definition(series))
        draft.catalogue.record_window(
            series, entries=held, table_version=0, rows_held=state.rows_held
        )
        draft.catalogue.save_state(replace(state, table_path=None, table_version=None))


def _forecast(draft: Mirror, upstream: Upstream, record_set: str) -> Forecast:
    before, reporter = upstream.traffic, _Declining()
    sync(draft, upstream, record_set, reporter=reporter, task=Task(reconcile=Reconcile.OFF))
    asked = (upstream.traffic - before).requests
    ahead = reporter.heard
    if ahead is None:
        return Forecast(record_set, 0, asked, 0, 0.0, 0)
    requests = asked + _requests(draft.settings.sync, ahead)
    return Forecast(
        record_set, ahead.records, requests, ahead.bytes, ahead.seconds, ahead.disk_bytes
    )


def _requests(settings: SyncSettings, ahead: Ahead) -> int:
    """Requests for the windows of a run: each is counted and fetched."""
    sizer, left, windows, rows = WindowSizer(settings, density=1.0), ahead.records, 0, 0
    seconds, size = ahead.seconds / max(left, 1), ahead.bytes / max(left, 1)
    while left > 0 and sizer.rows != rows:
        rows = sizer.rows
        sizer.fetched(rows, rows * seconds, round(rows * size))
        left -= rows
        windows += 1
    return 2 * (windows + (math.ceil(left / rows) if left > 0 else 0))
