"""What a run is about: a series as the upstream had it before anything was fetched."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.catalogue import AsOf, Clock
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.upstream import Upstream

__all__ = ["Target", "read_target", "refuse_going_back"]


@dataclass(frozen=True, slots=True)
class Target:
    """State of the upstream up to which a run brings what is held.

    Parameters
    ----------
    definition : SeriesDefinition
    as_of : AsOf
        Its largest record number, and a moment before that was asked for.
    """

    definition: SeriesDefinition
    as_of: AsOf


def read_target(upstream: Upstream, series: str, clock: Clock) -> Target:
    """Read the definition of a series and its largest record number.

    Raises
    ------
    UpstreamAnswerError
        The upstream does not give the number.
    """
    now = clock()
    state = upstream.definition(series)
    if state.max_recnum is None:
        raise UpstreamAnswerError(
            f"The upstream does not say the largest record number of {state.definition.name} (its "
            f"series_struct has no Interval), without which nobody can tell what is new. Nothing "
            f"was changed. Sync from a server that says it (upstream.url), or import files"
        )
    return Target(state.definition, AsOf(state.max_recnum, now))


def refuse_going_back(mirror: Mirror, target: Target) -> None:
    """Refuse an upstream whose largest record number is below one that was read.

    Raises
    ------
    UpstreamAnswerError
        It was set back, or another one answers.
    """
    catalogue, series = mirror.catalogue, target.definition.name
    if series not in {summary.name for summary in catalogue.series()}:
        return
    read = [entry.as_of_recnum for entry in catalogue.coverage(series)]
    reached = max(catalogue.state(series).watermark or 0, *read, 0)
    if target.as_of.recnum < reached:
        raise UpstreamAnswerError(
            f"The upstream's largest record number of {series} is {target.as_of.recnum}, but it "
            f"was {reached} before: the server was set back, or another one answers. Nothing was "
            f"changed, and what is held can still be queried. Try again when the upstream has "
            f"caught up"
        )
