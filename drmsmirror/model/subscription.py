"""A subscription: what is to be kept of a series, how, and when it is brought up to date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from drmsmirror.errors import QueryError, RecordSetError
from drmsmirror.model.recordset.parse import parse_recordset
from drmsmirror.model.recordset.syntax import (
    EDGES,
    Filter,
    Number,
    NumberFilter,
    RecnumFilter,
    SeriesSet,
    SqlFilter,
    Value,
    ValueFilter,
)
from drmsmirror.model.schedule import check_schedule

__all__ = ["Difference", "Precision", "Reconcile", "Subscription", "difference"]

_NO_LAG = timedelta()

#: Whole numbers beyond these do not fit into the catalogue.
_MOST_PRIORITY = 2**31 - 1


class Precision(StrEnum):
    """How exactly values are asked for."""

    #: As the upstream prints them: what its clients see.
    TEXT = "text"
    #: With all the digits that they have, from an upstream that honours ``M=1``.
    FULL = "full"


class Reconcile(StrEnum):
    """How what is held is compared with the upstream, beyond following what is new."""

    #: Counts everywhere, and some of it read again each time, in rotation.
    ROTATION = "counts+rotation"
    #: All of it read again.
    FULL = "full"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is to be kept of a series.

    Made by :meth:`of`, which checks it.

    Parameters
    ----------
    record_set : str
        The records, of one series, in canonical form and without a list of segments.
    keys : tuple of str or None
        Keywords; None for all.
    segments : tuple of str
        Segments whose files are to be fetched beforehand.
    schedule : str or None
        When it is brought up to date, in cron's five fields, in UTC; None: when somebody says
        so.
    lag : timedelta
        How far back records are read again where the upstream gives no record numbers; none: as
        far as the settings say.
    priority : int
        Of several, the one with the larger number comes first.
    precision : Precision
    reconcile : Reconcile
    """

    record_set: str
    keys: tuple[str, ...] | None = None
    segments: tuple[str, ...] = ()
    schedule: str | None = None
    lag: timedelta = _NO_LAG
    priority: int = 0
    precision: Precision = Precision.TEXT
    reconcile: Reconcile = Reconcile.ROTATION

    @classmethod
    def of(
        cls,
        record_set: str,
        *,
        keys: Iterable[str] | None = None,
        segments: Iterable[str] = (),
        schedule: str | None = None,
        lag: timedelta = _NO_LAG,
        priority: int = 0,
        precision: Precision = Precision.TEXT,
        reconcile: Reconcile = Reconcile.ROTATION,
    ) -> Subscription:
        """Make a subscription of what somebody wrote.

        Segments may stand in the record set too, in braces.

        Raises
        ------
        RecordSetError
            The record set is wrong, has more than one set, or says nothing that can be kept: first
            or last values, record numbers, superseded versions.
        QueryError
            No keyword is left, the schedule is none, or a number is out of range.
        """
        one = _one_set(record_set)
        for part in one.filters:
            _refuse_what_moves(part, record_set)
        wanted = None if keys is None else _names(keys)
        if wanted == ():
            raise QueryError(f"Name the keywords of {record_set}, or leave them out for all")
        if schedule is not None:
            check_schedule(schedule)
        if lag < _NO_LAG:
            raise QueryError(f"The lag of {record_set} is below 0")
        if abs(priority) > _MOST_PRIORITY:
            raise QueryError(f"The priority {priority} of {record_set} is out of range")
        return cls(
            record_set=str(replace(one, filters=_without_idle_end(one.filters), segments=None)),
            keys=wanted,
            segments=_names([*(one.segments or ()), *segments]),
            schedule=None if schedule is None else " ".join(schedule.split()),
            lag=lag,
            priority=priority,
            precision=precision,
            reconcile=reconcile,
        )

    @property
    def series(self) -> str:
        """Name of the series, as it was written."""
        return self.record_set.partition("[")[0]

    @property
    def filters(self) -> str:
        """What the record set has besides the series."""
        return self.record_set.removeprefix(self.series)


@dataclass(frozen=True, slots=True)
class Difference:
    """What has to be done to some subscriptions so that they become others.

    Parameters
    ----------
    added : tuple of Subscription
    changed : tuple of (Subscription, Subscription)
        As it is, and as it is to be.
    removed : tuple of Subscription
    """

    added: tuple[Subscription, ...] = ()
    changed: tuple[tuple[Subscription, Subscription], ...] = ()
    removed: tuple[Subscription, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def difference(before: Iterable[Subscription], after: Iterable[Subscription]) -> Difference:
    """Tell what has to be done so that ``before`` becomes ``after``."""
    old = {one.record_set: one for one in before}
    new = {one.record_set: one for one in after}
    return Difference(
        added=tuple(one for name, one in new.items() if name not in old),
        changed=tuple(
            (old[name], one) for name, one in new.items() if name in old and old[name] != one
        ),
        removed=tuple(one for name, one in old.items() if name not in new),
    )


def _one_set(record_set: str) -> SeriesSet:
    tree = parse_recordset(record_set)
    if len(tree.sets) > 1:
        second = tree.sets[1].series
        hint = "Subscribe to each of them by itself"
        raise RecordSetError("A subscription is one set", record_set, second.offset, hint)
    return tree.sets[0]


def _refuse_what_moves(part: Filter, record_set: str) -> None:
    """Refuse what says different records tomorrow, or versions in place of records."""
    if isinstance(part, RecnumFilter):
        problem, position = "A subscription has no record numbers", record_set.find("[:")
        hint = "They tell versions of records; name the records by their prime keys"
        raise RecordSetError(problem, record_set, max(position, 0), hint)
    if isinstance(part, SqlFilter):
        if part.all_versions:
            problem, hint = "A subscription follows the latest versions", "Write it as [? ... ?]"
            raise RecordSetError(problem, record_set, part.offset, hint)
        return
    for offset in _edges(part):
        problem, hint = "A subscription has no first or last value", "Name the values, or a range"
        raise RecordSetError(problem, record_set, offset, hint)


def _edges(part: ValueFilter | NumberFilter) -> Iterator[int]:
    """Where first and last values stand."""
    given: tuple[Value | Number, ...] = (
        part.values if isinstance(part, ValueFilter) else part.numbers
    )
    for one in given:
        if one.edge if isinstance(one, Number) else one.text in EDGES:
            yield one.offset


def _without_idle_end(filters: tuple[Filter, ...]) -> tuple[Filter, ...]:
    """The filters without empty brackets at their end, which let everything through."""
    kept = list(filters)
    while kept and kept[-1] == ValueFilter():
        kept.pop()
    return tuple(kept)


def _names(names: Iterable[str]) -> tuple[str, ...]:
    """Names in the order in which they were given, each once."""
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
