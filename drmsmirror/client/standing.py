"""How the keeping of a series stands: how far behind, how it went, when it goes on, how long yet.

All of it is plain arithmetic on runs that the catalogue remembers. The speed is that of the latest
runs for the same record set: the share of it that they added, by the time for which they ran.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from drmsmirror.catalogue import Run, RunKind, RunOutcome, SeriesState
from drmsmirror.client.comparing import Comparison, comparisons_of
from drmsmirror.client.definitions import series_name
from drmsmirror.mirror import Mirror
from drmsmirror.model.positions import position_seconds, position_text
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.times import parse_time
from drmsmirror.records import RecordTable

__all__ = ["Standing", "seconds_left", "standing_of"]

#: Runs that keep a series current; others say nothing of how that goes.
_KEEPING = (RunKind.SYNC, RunKind.IMPORT, RunKind.RECONCILE)

_FAILED = (RunOutcome.FAILED, RunOutcome.ABANDONED)

#: Runs from which the speed is taken.
_RUNS = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """How the keeping of one series stands.

    Parameters
    ----------
    newest : str or None
        Newest axis value that is held, as a time or record number; None without rows.
    behind_seconds : float or None
        How far behind now that is; None where the axis is not time.
    last_success_utc : datetime or None
        When the last run ended that did all that it was to do.
    last_failure_utc : datetime or None
        When one failed or died since then.
    last_failure : str or None
        Why.
    next_run_utc : datetime or None
        When the next one is due; None where nobody keeps a timetable.
    record_set : str or None
        What the latest sync was asked for.
    share_held : float or None
        Share of that which was held at its end, 0 to 1.
    seconds_left : float or None
        Time that runs of the same speed need for the rest; None where that cannot be told.
    compared : tuple of Comparison
        How far each record set was compared with the upstream.
    """

    newest: str | None = None
    behind_seconds: float | None = None
    last_success_utc: datetime | None = None
    last_failure_utc: datetime | None = None
    last_failure: str | None = None
    next_run_utc: datetime | None = None
    record_set: str | None = None
    share_held: float | None = None
    seconds_left: float | None = None
    compared: tuple[Comparison, ...] = ()


def standing_of(
    mirror: Mirror, table: RecordTable, state: SeriesState, next_syncs: Mapping[str, datetime]
) -> Standing:
    """How the keeping of the series of a table stands.

    Parameters
    ----------
    mirror : Mirror
    table : RecordTable
    state : SeriesState
        Of the series.
    next_syncs : mapping
        By record set, when it is to be synced next.
    """
    catalogue, definition = mirror.catalogue, table.definition
    name = definition.name
    success = _latest(mirror, name, [RunOutcome.DONE])
    failure = _latest(mirror, name, _FAILED)
    if failure is not None and success is not None and failure.id < success.id:
        failure = None
    syncs = catalogue.runs.recent(series=name, limit=100, kinds=[RunKind.SYNC])
    told = [run for run in syncs if run.share_held is not None]
    asked = told[0].record_set if told else None
    due = [moment for text, moment in next_syncs.items() if _is_of(text, definition)]
    newest = table.largest(definition.axis.column)
    return Standing(
        newest=None if newest is None else position_text(definition, newest),
        behind_seconds=_behind(definition, newest, catalogue.database.clock()),
        last_success_utc=success.finished_utc if success else None,
        last_failure_utc=failure.finished_utc if failure else None,
        last_failure=_reason(failure) if failure else None,
        next_run_utc=min(due, default=None),
        record_set=asked,
        share_held=told[0].share_held if told else None,
        seconds_left=seconds_left([run for run in told if run.record_set == asked]),
        compared=tuple(comparisons_of(mirror, table, state)),
    )


def _latest(mirror: Mirror, series: str, outcomes: Collection[RunOutcome]) -> Run | None:
    found = mirror.catalogue.runs.recent(series=series, limit=1, kinds=_KEEPING, outcomes=outcomes)
    return found[0] if found else None


def _reason(failure: Run) -> str:
    return failure.error_message or f"the run was {failure.outcome}"


def seconds_left(runs: Sequence[Run]) -> float | None:
    """Time that what is missing of a record set takes at the speed of its latest runs.

    Parameters
    ----------
    runs : sequence of Run
        For one record set, newest first. Before the first of them nothing counts as held.

    Returns
    -------
    float or None
        0 where all is held; None where the runs added nothing.
    """
    ended = [run for run in runs if run.share_held is not None and run.seconds is not None]
    if not ended:
        return None
    left = 1.0 - (ended[0].share_held or 0.0)
    if left <= 0:
        return 0.0
    before = ended[_RUNS].share_held if len(ended) > _RUNS else 0.0
    gained = (ended[0].share_held or 0.0) - (before or 0.0)
    took = sum(run.seconds or 0.0 for run in ended[:_RUNS])
    return left / gained * took if gained > 0 else None


def _behind(definition: SeriesDefinition, newest: float | None, now: datetime) -> float | None:
    seconds = None if newest is None else position_seconds(definition, newest)
    if seconds is None:
        return None
    return parse_time(f"{now.astimezone(UTC):%Y.%m.%d_%H:%M:%S}_UTC") - seconds


def _is_of(record_set: str, definition: SeriesDefinition) -> bool:
    return series_name(record_set).lower() == definition.name.lower()
