"""What a sync would take, found out without changing anything."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from drmsmirror.errors import NotHeldError, UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import parse_recordset
from drmsmirror.model.subscription import Reconcile, Subscription
from drmsmirror.settings import Settings
from drmsmirror.sync.prefetch import likely_requests, missing_files
from drmsmirror.sync.progress import Ahead, SilentReporter
from drmsmirror.sync.run import sync
from drmsmirror.sync.subscribing import subscription_around
from drmsmirror.sync.task import Task, task_for
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
    files : int
        Files that are wanted with them and are not held; their sizes are known only when they
        are fetched, so that neither bytes nor time counts them.
    """

    record_set: str
    records: int
    requests: int
    bytes: int
    seconds: float
    disk_bytes: int
    files: int = 0


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
                known = mirror.catalogue.upstreams.cost(settings.upstream.url)
                draft.catalogue.upstreams.change_cost(settings.upstream.url, lambda _: known)
                for one in sets:
                    _copy_holdings(mirror, draft, one.series.text)
            return tuple(_forecast(mirror, draft, upstream, name) for name in names)


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


def _forecast(
    mirror: Mirror | None, draft: Mirror, upstream: Upstream, record_set: str
) -> Forecast:
    wanted = Subscription.of(record_set)
    stored = None if mirror is None else subscription_around(mirror, wanted)
    wanted = wanted if stored is None else stored.subscription
    before, reporter = upstream.traffic, _Declining()
    task = task_for(wanted, Task(reconcile=Reconcile.OFF))
    sync(draft, upstream, record_set, reporter=reporter, task=task)
    asked = (upstream.traffic - before).requests
    ahead = reporter.heard or Ahead(wanted.series, 0, 0, 0.0, 0, 0, 0, ())
    files = ahead.records * len(wanted.segments)
    if mirror is not None and wanted.segments:
        with suppress(UnknownSeriesError, NotHeldError):  # nothing of it is there
            files += missing_files(mirror, wanted)
    return Forecast(
        record_set,
        ahead.records,
        asked + ahead.requests + likely_requests(files, len(wanted.segments)),
        ahead.bytes,
        ahead.seconds,
        ahead.disk_bytes,
        files,
    )
