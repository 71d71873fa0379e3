"""Keywords read through links, and whether the series that they lead to has changed since.

Their values are those of records of another series, as they were when they were read. Comparing
with the upstream reads them again. Which may have changed follows from what the catalogue knows:
when a run last changed the other series, and since when all of this one was compared.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from drmsmirror.catalogue import RunKind
from drmsmirror.errors import UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.links import sources_of
from drmsmirror.model.series import SeriesDefinition

__all__ = ["OutdatedLinks", "links_notice", "links_to", "outdated_links"]

#: Runs that bring what the upstream has changed.
_BRINGING = (RunKind.SYNC, RunKind.IMPORT, RunKind.QUESTION, RunKind.RECONCILE)


@dataclass(frozen=True, slots=True)
class OutdatedLinks:
    """Keywords of a record set that may be as they were before the series changed that has them.

    Parameters
    ----------
    record_set : str
    target : str
        The series that they are read from.
    changed_utc : datetime
        When a run last changed it; of no account for what is outdated.
    """

    record_set: str
    target: str
    changed_utc: datetime = field(compare=False)

    @property
    def remedy(self) -> str:
        """The command that reads them again."""
        return f"drmsmirror sync {shlex.quote(self.record_set.removesuffix('[]'))} --reconcile"


def outdated_links(mirror: Mirror, series: str) -> tuple[OutdatedLinks, ...]:
    """Find the record sets of a series whose keywords read through links may have changed.

    Of a series that is not held here nobody knows that it has changed, nor where links of its own
    lead.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    catalogue = mirror.catalogue
    linked = sources_of(catalogue.definition(series), partial(_known, mirror))
    if not linked:
        return ()
    state, coverage = catalogue.held(series)
    held = frozenset().union(*(entry.columns for entry in coverage))
    targets = frozenset().union(*(linked[name] for name in linked.keys() & held))
    changed = dict(_changed(mirror, targets))
    return tuple(
        OutdatedLinks(record_set, target, moment)
        for record_set, compared in catalogue.reconciliations.of_series(series).items()
        for target, moment in changed.items()
        if compared.generation != state.generation
        or compared.checked_since_utc is None
        or compared.checked_since_utc < moment
    )


def links_to(mirror: Mirror, target: str) -> frozenset[OutdatedLinks]:
    """The same of all series that are held and have links to one, or to one that has them."""
    found, left = set[str](), [target]
    while left:
        nearer = set(mirror.catalogue.linked_to(left.pop())) - found
        found |= nearer
        left += nearer
    several = (outdated_links(mirror, one) for one in found)
    return frozenset(
        one for links in several for one in links if one.target.lower() == target.lower()
    )


def links_notice(found: Iterable[OutdatedLinks]) -> Iterator[str]:
    """What a person should know of record sets that became outdated."""
    for one in sorted(found, key=lambda links: links.record_set):
        yield (
            f"{one.target} has changed, and {one.record_set.removesuffix('[]')} has keywords that "
            f"are read through links to it: they may be older. Comparing in rotation comes to "
            f"them; to read them again at once:\n  {one.remedy}"
        )


def _known(mirror: Mirror, series: str) -> SeriesDefinition | None:
    try:
        return mirror.catalogue.definition(series)
    except UnknownSeriesError:
        return None


def _changed(mirror: Mirror, targets: Iterable[str]) -> Iterator[tuple[str, datetime]]:
    for target in sorted(targets):
        for run in mirror.catalogue.runs.recent(
            series=target, limit=1, kinds=_BRINGING, changing=True
        ):
            yield target, run.finished_utc or run.started_utc
