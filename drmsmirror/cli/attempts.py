"""How a sync of all subscriptions went, and what a sync would take, for persons and scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from drmsmirror.cli.common import as_json, duration, size, table, talk
from drmsmirror.cli.showing import NO_SUBSCRIPTIONS
from drmsmirror.errors import DrmsMirrorError, PartialError

if TYPE_CHECKING:
    from drmsmirror.mirror import Mirror
    from drmsmirror.settings import Settings
    from drmsmirror.sync import Attempt, Forecast
    from drmsmirror.upstream import Upstream

__all__ = ["look_ahead", "object_of", "raise_for_failures", "summary_of", "told"]


def told(attempt: Attempt) -> str:
    """Say why a subscription has no report."""
    record_set = attempt.subscription.subscription.record_set
    if attempt.error is not None:
        return f"{record_set} failed: {attempt.error}"
    reason = attempt.reason or "the time or the requests of this run are used up."
    return f"{record_set} was not begun: {reason}"


def object_of(attempt: Attempt) -> dict[str, Any]:
    """Give an attempt as JSON has it: as a report, with what went wrong in its place."""
    if attempt.report is not None:
        return asdict(attempt.report)
    wanted = attempt.subscription.subscription
    shown: dict[str, Any] = {
        "series": wanted.series,
        "record_set": wanted.record_set,
        "outcome": _outcome(attempt),
    }
    if attempt.error is not None:
        error = attempt.error
        shown |= {"error": error.code, "message": str(error), "retryable": error.retryable}
    elif attempt.reason:
        shown["message"] = attempt.reason
    return shown


def summary_of(attempts: Sequence[Attempt]) -> str:
    """Say in one line how all went."""
    if not attempts:
        return NO_SUBSCRIPTIONS
    counts = Counter(_outcome(attempt) for attempt in attempts)
    parts = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    return f"{len(attempts)} {'subscription' if len(attempts) == 1 else 'subscriptions'}: {parts}."


def raise_for_failures(attempts: Sequence[Attempt]) -> None:
    """Raise what failed.

    Raises
    ------
    PartialError
        Some subscriptions failed, others did not.
    DrmsMirrorError
        All failed: the first failure.
    """
    _raise([attempt.error for attempt in attempts if attempt.error], len(attempts))


def look_ahead(settings: Settings, record_set: str | None, *, as_json_: bool) -> None:
    """Print what a sync of a record set, or of all subscriptions, would take."""
    from drmsmirror.mirror import Mirror
    from drmsmirror.sharing import open_upstream
    from drmsmirror.sync import forecast
    from drmsmirror.upstream import Jsoc

    found: list[Forecast] = []
    failures: list[DrmsMirrorError] = []
    with ExitStack() as open_:
        mirror = open_.enter_context(Mirror.open(settings)) if Mirror.exists(settings) else None
        upstream: Upstream = Jsoc(settings.upstream) if mirror is None else open_upstream(mirror)
        record_sets = _subscribed(mirror) if record_set is None else [record_set]
        for one in record_sets:
            try:
                found += forecast(settings, mirror, upstream, one)
            except DrmsMirrorError as error:
                failures.append(error)
                if record_set is None:
                    talk(f"{one} failed: {error}")
    if as_json_:
        as_json([asdict(one) for one in found])
    elif found:
        click.echo(_forecast_table(found))
    if not record_sets:
        talk(NO_SUBSCRIPTIONS)
    _raise(failures, len(record_sets))


def _subscribed(mirror: Mirror | None) -> list[str]:
    if mirror is None:
        return []
    return [stored.subscription.record_set for stored in mirror.catalogue.subscriptions.all()]


def _raise(failures: Sequence[DrmsMirrorError], attempts: int) -> None:
    if len(failures) == attempts:
        for failure in failures:
            raise failure
    if failures:
        raise PartialError(
            f"{len(failures)} of {attempts} subscriptions failed; what each said stands above. "
            f"Run the same again when the causes are gone"
        )


def _outcome(attempt: Attempt) -> str:
    if attempt.report is not None:
        return str(attempt.report.outcome)
    return "not begun" if attempt.error is None else "failed"


def _forecast_table(found: Sequence[Forecast]) -> str:
    several = [*found, _sum(found)] if len(found) > 1 else found
    rows = [
        (
            one.record_set,
            f"{one.records:,}",
            f"{one.requests:,}",
            f"{one.files:,}",
            size(one.bytes),
            duration(one.seconds),
            size(one.disk_bytes),
        )
        for one in several
    ]
    return table(
        ["record set", "records", "requests", "files", "to fetch", "time", "on disk"], rows
    )


def _sum(found: Sequence[Forecast]) -> Forecast:
    return replace(
        found[0],
        record_set="all of them",
        records=sum(one.records for one in found),
        requests=sum(one.requests for one in found),
        bytes=sum(one.bytes for one in found),
        seconds=sum(one.seconds for one in found),
        disk_bytes=sum(one.disk_bytes for one in found),
        files=sum(one.files for one in found),
    )
