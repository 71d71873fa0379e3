"""What a run is about: a series as the upstream had it before anything was fetched."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.catalogue import AsOf, Clock
from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.upstream import Upstream

__all__ = ["Target", "reached", "read_target", "refuse_going_back"]


@dataclass(frozen=True, slots=True)
class Target:
    """State of the upstream up to which a run brings what is held.

    Parameters
    ----------
    definition : SeriesDefinition
    as_of : AsOf
        Its largest record number, 0 where it does not say, and a moment before that was asked for.
    has_recnums : bool
        Whether it says.
    """

    definition: SeriesDefinition
    as_of: AsOf
    has_recnums: bool = True


def read_target(upstream: Upstream, series: str, clock: Clock) -> Target:
    """Read the definition of a series and its largest record number.

    Raises
    ------
    UpstreamAnswerError
        The upstream does not give the number, and the series has no time axis to follow it by.
    """
    now = clock()
    state = upstream.definition(series)
    if state.max_recnum is None and state.definition.axis.keyword is None:
        raise UpstreamAnswerError(
            f"The upstream does not say the largest record number of {state.definition.name} (its "
            f"series_struct has no Interval), and the series has no time by which one could tell "
            f"what is new. Nothing was changed. Sync from a server that says it (upstream.url), or "
            f"import files"
        )
    return Target(state.definition, AsOf(state.max_recnum or 0, now), state.max_recnum is not None)


def refuse_going_back(mirror: Mirror, target: Target) -> None:
    """Refuse an upstream whose largest record number is below one that was read.

    Raises
    ------
    UpstreamAnswerError
        It was set back, or another one answers.
    """
    series = target.definition.name
    if not target.has_recnums or not mirror.catalogue.knows(series):
        return
    was = reached(mirror, series)
    if target.as_of.recnum < was:
        raise UpstreamAnswerError(
            f"The upstream's largest record number of {series} is {target.as_of.recnum}, but it "
            f"was {was} before: the server was set back, or another one answers. Nothing was "
            f"changed, and what is held can still be queried. The next drmsmirror sync of the "
            f"series reads it again"
        )


def reached(mirror: Mirror, series: str) -> int:
    """The largest record number that was read in the present generation of a known series."""
    state, coverage = mirror.catalogue.held(series)
    read = [entry.as_of_recnum for entry in coverage if entry.generation == state.generation]
    return max(state.watermark or 0, *read, 0)
