"""Drop: what is held goes, with everything that says that it is held.

The catalogue gives it up first, then the rows go: whenever the process is killed, nothing is
claimed that is not there. What is left to be removed then is noted in the catalogue, and the next
drop or maintenance removes it; so does a sync that makes the record table anew.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from drmsmirror.catalogue import Lease, RunCounters, RunKind, StoredSubscription
from drmsmirror.catalogue.hold import holding_series
from drmsmirror.errors import DrmsMirrorError, IntegrityError, QueryError, SubscribedError
from drmsmirror.failpoints import reach
from drmsmirror.mirror import Mirror
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.intervals import EVERYTHING
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.records import Portion, RecordTable, count_rows_within, numbers_within
from drmsmirror.runs import recorded_run
from drmsmirror.segments.dropping import count_files, drop_files
from drmsmirror.sharing import AnswerStore
from drmsmirror.upkeep.removing import carry_out, goes_at

__all__ = ["Dropped", "drop", "would_drop"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a drop takes away.

    Parameters
    ----------
    series, record_set : str
    whole : bool
        Whether it is all of the series.
    rows : int
        Rows of the record table, all versions counted.
    bytes : int
        What the record table has less at once; of a part 0: its rows are in files that those who
        still read may need, and that maintenance removes.
    files : int
        Files of these records that are not held any more, and go unless others have the same bytes.
    pinned_files : int
        Those that stay.
    answers : int
        Kept answers about the series.
    unsubscribed : tuple of str
        Record sets of subscriptions that end with it.
    comes_again : tuple of str
        Record sets of subscriptions that bring it, or a part of it, again.
    """

    series: str
    record_set: str
    whole: bool
    rows: int
    bytes: int
    files: int = 0
    pinned_files: int = 0
    answers: int = 0
    unsubscribed: tuple[str, ...] = ()
    comes_again: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be dropped of one series; no extents mean all of it."""

    series: str
    record_set: str
    extents: tuple[Extent, ...]


def would_drop(
    mirror: Mirror, record_set: str, *, unsubscribe: bool = False
) -> tuple[Dropped, ...]:
    """Say what :func:`drop` would take away.

    Raises
    ------
    RecordSetError, QueryError, UnknownSeriesError, SubscribedError
        As of :func:`drop`.
    """
    return tuple(
        _outlook(mirror, one, unsubscribe=unsubscribe) for one in _wanted(mirror, record_set)
    )


def drop(mirror: Mirror, record_set: str, *, unsubscribe: bool = False) -> tuple[Dropped, ...]:
    """Remove what is held of a record set, all versions of its records, with its coverage.

    What was published elsewhere is not touched.

    Parameters
    ----------
    mirror : Mirror
    record_set : str
        A bare series means all of it, with its record table, codecs and state. A part is cut out
        by prime keys.
    unsubscribe : bool
        Whether subscriptions to a whole series that goes end with it.

    Returns
    -------
    tuple of Dropped
        One for each set of the record set.

    Raises
    ------
    RecordSetError
        The record set is wrong.
    QueryError
        It is no part that prime keys cut out.
    UnknownSeriesError
        The mirror knows no such series.
    SubscribedError
        A whole series is subscribed to.
    LockedError
        Somebody works on the series.
    """
    wanted = _wanted(mirror, record_set)
    for one in wanted:
        _refuse_subscribed(mirror, one, unsubscribe=unsubscribe)
    dropped = []
    for one in wanted:
        with (
            holding_series(mirror.catalogue, one.series) as lease,
            recorded_run(mirror, one.series, one.record_set, RunKind.DROP) as run,
        ):
            dropped.append(_drop(mirror, one, lease, unsubscribe=unsubscribe))
            run.counters = RunCounters(records_removed=dropped[-1].rows)
    return tuple(dropped)


def _drop(mirror: Mirror, wanted: _Wanted, lease: Lease, *, unsubscribe: bool) -> Dropped:
    series, catalogue = wanted.series, mirror.catalogue
    outlook = _outlook(mirror, wanted, unsubscribe=unsubscribe)
    if wanted.extents:
        given_up = catalogue.drops.begin_part(series, wanted.record_set, wanted.extents, lease)
    else:
        given_up = catalogue.drops.begin_whole(series, lease, unsubscribe=unsubscribe)
    reach("drop.given_up")
    files = drop_files(mirror, series, _choosing(mirror, wanted))
    AnswerStore(mirror).remove_files(given_up.answers)
    now = catalogue.database.clock()
    for one in catalogue.drops.pending(series):  # this one, and those that were killed
        if goes_at(mirror, one) <= now:
            carry_out(mirror, one, lease)
    return replace(
        outlook,
        files=files.files,
        pinned_files=files.pinned,
        answers=len(given_up.answers),
        unsubscribed=tuple(one.subscription.record_set for one in given_up.subscriptions),
    )


def _wanted(mirror: Mirror, record_set: str) -> list[_Wanted]:
    tree = parse_recordset(record_set)
    bound = bind(tree, mirror.catalogue.definition)
    return [
        _Wanted(one.series.name, str(asked), _extents(record_set, one))
        for asked, one in zip(tree.sets, bound.sets, strict=True)
    ]


def _extents(record_set: str, bound: BoundSet) -> tuple[Extent, ...]:
    """The parts of a series that a set means; none where it is all of it."""
    if problem := _problem(bound):
        raise QueryError(
            f"{record_set} has {problem}: only what values and ranges of prime keys cut out can be "
            f"dropped. Leave it out"
        )
    extents = extent_of(bound)
    if not extents:
        raise QueryError(f"{record_set} has no records at all: there is nothing to drop")
    return () if Extent(EVERYTHING) in extents else extents


def _problem(bound: BoundSet) -> str | None:
    if bound.sql:
        return f"the condition [? {bound.sql[0].text} ?]"
    if bound.searched is not bound:
        return "a first or last value, ^ or $"
    if any(one.column == "recnum" for one in bound.conditions):
        return "record numbers, [:#...]"
    restrictions = [extent.restriction for extent in extent_of(bound)]
    if any(one.cadence is not None or one.terms for one in restrictions):
        return "a cadence, @"
    return None


def _outlook(mirror: Mirror, wanted: _Wanted, *, unsubscribe: bool) -> Dropped:
    subscribed = _refuse_subscribed(mirror, wanted, unsubscribe=unsubscribe)
    state = mirror.catalogue.state(wanted.series)
    rows = size = 0
    if state.table_path is not None and wanted.extents:
        table = mirror.table(mirror.catalogue.definition(wanted.series))
        rows = _count_rows(table, wanted.extents)
    elif state.table_path is not None:
        rows = state.rows_held
        files = (mirror.root / state.table_path).rglob("*")
        size = sum(file.stat().st_size for file in files if file.is_file())
    names = tuple(one.subscription.record_set for one in subscribed)
    count = count_files(mirror, wanted.series, _choosing(mirror, wanted))
    return Dropped(
        series=wanted.series,
        record_set=wanted.record_set,
        whole=not wanted.extents,
        rows=rows,
        bytes=size,
        files=count.files,
        pinned_files=count.pinned,
        unsubscribed=() if wanted.extents else names,
        comes_again=_around(mirror, subscribed, wanted.extents),
    )


def _choosing(mirror: Mirror, wanted: _Wanted) -> Callable[[Sequence[int]], Sequence[int]]:
    """Tells which of some record numbers are dropped."""
    if not wanted.extents:
        return lambda numbers: numbers
    if mirror.catalogue.state(wanted.series).table_path is None:
        return lambda _: ()
    table = mirror.table(mirror.catalogue.definition(wanted.series))

    def choose(numbers: Sequence[int]) -> Sequence[int]:
        try:
            return numbers_within(table, wanted.extents, numbers)
        except IntegrityError:  # files of records that are damaged tell nothing; files can stay
            return ()

    return choose


def _count_rows(table: RecordTable, extents: Sequence[Extent]) -> int:
    """Rows within extents; where files are damaged, those of all files that can have some."""
    try:
        return count_rows_within(table, extents)
    except IntegrityError:
        paths = set(table.files(*Portion(tuple(extents)).ranges(table.definition)))
        return sum(one.rows for one in table.data_files() if str(table.path / one.path) in paths)


def _refuse_subscribed(
    mirror: Mirror, wanted: _Wanted, *, unsubscribe: bool
) -> tuple[StoredSubscription, ...]:
    """The subscriptions to the series; refused where all of it goes and they are to stay."""
    subscribed = mirror.catalogue.subscriptions.all(series=wanted.series)
    if subscribed and not wanted.extents and not unsubscribe:
        commands = "\n".join(
            f"  drmsmirror unsubscribe {shlex.quote(one.subscription.record_set)}"
            for one in subscribed
        )
        raise SubscribedError(
            f"{wanted.series} is subscribed to, and the next sync would bring it back. End that "
            f"first, or give --unsubscribe:\n{commands}"
        )
    return subscribed


def _around(
    mirror: Mirror, subscribed: Sequence[StoredSubscription], extents: Sequence[Extent]
) -> tuple[str, ...]:
    """Those of the subscriptions that meet some extents."""
    return tuple(
        one.subscription.record_set
        for one in subscribed
        if any(
            mine.intersection(theirs)
            for mine in extents
            for theirs in _subscribed_extents(mirror, one.subscription.record_set)
        )
    )


def _subscribed_extents(mirror: Mirror, record_set: str) -> tuple[Extent, ...]:
    try:
        bound = bind(parse_recordset(record_set), mirror.catalogue.definition)
    except DrmsMirrorError:  # it means nothing any more
        return ()
    return tuple(extent for one in bound.sets for extent in extent_of(one))
