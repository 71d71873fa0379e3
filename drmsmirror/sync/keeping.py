"""Keep what a question brought: whole records of parts of a series, merged where that is sound.

A sync says what is to be held; a question does not. So a question never makes a record table, whose
partitions follow from the size of the series, never waits for a sync, and leaves coverage alone
where it has grown into many small pieces.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pyarrow as pa

from drmsmirror.catalogue import RunCounters, RunKind
from drmsmirror.catalogue.hold import holding_to_merge
from drmsmirror.errors import DefinitionError, LockedError, StoreError
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Extent
from drmsmirror.records import harvest_keys
from drmsmirror.runs import recorded_run
from drmsmirror.sync.adopting import adopt_additions
from drmsmirror.sync.store import WindowStore
from drmsmirror.sync.target import Target

__all__ = ["keep_records"]

_log = logging.getLogger(__name__)

#: Pieces of coverage above which questions add none: each costs every later question a little.
_MOST_ENTRIES = 500


def keep_records(
    mirror: Mirror,
    target: Target,
    asked: str,
    extents: Sequence[Extent],
    given: pa.Table,
    cost: RunCounters,
    *,
    all_digits: bool = False,
) -> bool:
    """Merge records into the record table of their series, and say that their extents are held.

    Parameters
    ----------
    mirror : Mirror
    target : Target
        The series as the upstream had it before the records were asked for.
    asked : str
        The question, for the record of the run.
    extents : sequence of Extent
        Whose latest versions these are, all of them; without conditions in SQL.
    given : pyarrow.Table
        The records as the upstream printed them, with every key that was known when they were
        asked for.
    cost : RunCounters
        Requests and bytes.
    all_digits : bool
        Whether they were asked for with all their digits.

    Returns
    -------
    bool
        Whether they were kept. They are not where another process works on the series, where it
        has been read again since, where its definition changed (of a keyword that it gained the
        answer says nothing), or where nothing can be written.
    """
    series = target.definition.name
    try:
        with holding_to_merge(mirror.catalogue, series) as lease:
            held = mirror.catalogue.coverage(series)
            if len(held) >= _MOST_ENTRIES or _is_outrun(held, target, extents):
                return False
            if not set(harvest_keys(target.definition)) <= set(given.column_names):
                return False
            adopt_additions(mirror, target.definition, mirror.settings.upstream.url)
            if mirror.catalogue.state(series).all_digits is not all_digits:
                return False
            with recorded_run(mirror, series, asked, RunKind.QUESTION) as run:
                store = WindowStore(mirror, target.definition, run.id, lease, all_digits=all_digits)
                store.keep(given, [_entry(target, store, one) for one in extents], cost=cost)
                store.tidy()
    except (LockedError, DefinitionError, StoreError) as error:
        _log.info("What was asked for is not merged into the records of %s: %s", series, error)
        return False
    return True


def _is_outrun(held: Sequence[CoverageEntry], target: Target, extents: Sequence[Extent]) -> bool:
    """Whether something of the extents was read after the target.

    The later moment counts too: an upstream that went back in time has smaller numbers then.
    """
    return any(
        (entry.as_of_recnum > target.as_of.recnum or entry.as_of_utc > target.as_of.utc)
        and bool(entry.extent.intersection(extent))
        for entry in held
        for extent in extents
    )


def _entry(target: Target, store: WindowStore, extent: Extent) -> CoverageEntry:
    return CoverageEntry(
        interval=extent.interval,
        restriction=extent.restriction,
        columns=frozenset(column.name for column in target.definition.columns),
        versions=Versions.LATEST,
        generation=store.generation,
        as_of_recnum=target.as_of.recnum,
        as_of_utc=target.as_of.utc,
    )
