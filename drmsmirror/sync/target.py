"""What a run is about: a series as the upstream had it before anything was fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from drmsmirror.catalogue import AsOf, Clock
from drmsmirror.errors import (
    UpstreamAnswerError,
    UpstreamError,
    UpstreamRefusedError,
    UpstreamTooLargeError,
)
from drmsmirror.mirror import Mirror
from drmsmirror.model.recordset import BoundSet
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import RECORD_NUMBERS, newest_records
from drmsmirror.upstream import KeySample, Upstream

__all__ = [
    "Target",
    "found_without_numbers",
    "holds_numbers",
    "is_first_reading",
    "reached",
    "read_target",
    "refuse_going_back",
    "with_numbers_given",
]


@dataclass(frozen=True, slots=True)
class Target:
    """State of the upstream up to which a run brings what is held.

    Parameters
    ----------
    definition : SeriesDefinition
    as_of : AsOf
        Its largest record number, 0 where it does not say, and a moment before that was asked for.
    has_recnums : bool
        Whether it says, so that what is new can be followed by number.
    numbers : tuple of str
        The record's own numbers that it gives of each record, as special keys.
    is_looked_at : bool
        Whether a record was looked at for that.
    """

    definition: SeriesDefinition
    as_of: AsOf
    has_recnums: bool = True
    numbers: tuple[str, ...] = RECORD_NUMBERS
    is_looked_at: bool = False

    @property
    def lists_recnums(self) -> bool:
        """Whether records come with their numbers."""
        return RECORD_NUMBERS[0] in self.numbers


def read_target(upstream: Upstream, series: str, clock: Clock) -> Target:
    """Read the definition of a series and its largest record number.

    Raises
    ------
    UpstreamAnswerError
        The upstream does not give the number, and the series has no time axis to follow it by.
    """
    now = clock()
    state = upstream.definition(series)
    target = Target(
        state.definition, AsOf(state.max_recnum or 0, now), state.max_recnum is not None
    )
    if not target.has_recnums:
        _refuse_without_axis(
            target, "the largest record number (its series_struct has no Interval)"
        )
    return target


def is_first_reading(mirror: Mirror, target: Target) -> bool:
    """Whether nothing was read yet in the present generation of a series with record numbers.

    Until something is, it makes no difference whether its records come with them.
    """
    if target.as_of.recnum <= 0:
        return False
    if not mirror.catalogue.knows(target.definition.name):
        return True
    state, coverage = mirror.catalogue.held(target.definition.name)
    return all(entry.generation != state.generation for entry in coverage)


def with_numbers_given(
    target: Target, mirror: Mirror, upstream: Upstream, wanted: BoundSet
) -> Target:
    """Find out which numbers of a record the upstream gives.

    One that says its largest record number is believed to give that of each record where some were
    read by number before, and where it is 0 as before; else a record of what is wanted is looked
    at, and of the series where that has none.

    Raises
    ------
    UpstreamAnswerError
        It gives no record numbers, and the series has no time axis to follow it by.
    """
    if target.is_looked_at or (target.has_recnums and _is_as_before(mirror, target)):
        return target
    return _looked_at(target, mirror, upstream, wanted)


def found_without_numbers(
    target: Target, mirror: Mirror, upstream: Upstream, wanted: BoundSet
) -> Target | None:
    """Look whether an upstream that gave no number, or refused a question, still gives numbers.

    One that says its largest record number was believed to, by what it gave before.

    Returns
    -------
    Target or None
        The series as it is without numbers; None where that is not what was wrong.
    """
    if is_first_reading(mirror, target) or not (target.has_recnums and target.lists_recnums):
        return None  # it was looked at
    try:
        seen = _looked_at(target, mirror, upstream, wanted)
    except UpstreamError:
        return None
    return None if seen.lists_recnums else seen


def holds_numbers(mirror: Mirror, series: str) -> bool:
    """Whether records of the present generation are held by numbers of the upstream's."""
    if not mirror.catalogue.knows(series):
        return False
    state = mirror.catalogue.state(series)
    if state.table_path is None:
        return False
    table = mirror.table(mirror.catalogue.definition(series))
    if (table.largest("recnum") or 0) <= 0:
        return False
    return bool(newest_records(table, [], state.generation, 1, above=0).num_rows)


def _looked_at(target: Target, mirror: Mirror, upstream: Upstream, wanted: BoundSet) -> Target:
    """Look at a record; once more before all that is held by number is read again because of it."""
    seen = _look(target, upstream, wanted)
    if not seen.lists_recnums and holds_numbers(mirror, target.definition.name):
        return _look(target, upstream, wanted)
    return seen


def _look(target: Target, upstream: Upstream, wanted: BoundSet) -> Target:
    texts = dict.fromkeys((wanted.text, f"{target.definition.name}[]"))
    for text in texts:
        sample = _sample_numbers(upstream, target.definition, text)
        if sample.rows:
            break
    else:
        return target  # there is nothing yet that could have a number
    numbers = tuple(key for key in RECORD_NUMBERS if key in sample.given)
    seen = replace(target, numbers=numbers, is_looked_at=True)
    if target.as_of.recnum > 0 and seen.lists_recnums:
        return seen
    # where a number that is 0 or none is said to be the largest, none is said
    seen = replace(seen, as_of=replace(target.as_of, recnum=0), has_recnums=False)
    _refuse_without_axis(seen, "the largest record number, or not that of each record")
    return seen


def _sample_numbers(upstream: Upstream, definition: SeriesDefinition, text: str) -> KeySample:
    """Which numbers a record of a set has; a server may refuse to be asked for them.

    That is believed where it answers the same question without them.
    """
    keys = definition.prime_keys or tuple(column.key for column in definition.columns[:1])
    if sample := _sample(upstream, text, (*RECORD_NUMBERS, *keys)):
        return sample
    there = upstream.sample_keys(text, keys, n=1)
    given = {
        key
        for key in RECORD_NUMBERS
        if (sample := _sample(upstream, text, (key,))) and key in sample.given
    }
    return KeySample(there.rows, frozenset(given))


def _sample(upstream: Upstream, text: str, keys: Sequence[str]) -> KeySample | None:
    """Which keys a record has; None where the server says that the question is wrong.

    A server that is away, or answers what is no list, does so whatever it is asked for.
    """
    try:
        return upstream.sample_keys(text, keys, n=1)
    except UpstreamTooLargeError:
        raise
    except UpstreamRefusedError:
        return None


def _is_as_before(mirror: Mirror, target: Target) -> bool:
    """Whether what was read bears out the largest record number that the upstream says."""
    series = target.definition.name
    if not mirror.catalogue.knows(series):
        return False
    if target.as_of.recnum > 0:
        return reached(mirror, series) > 0
    state = mirror.catalogue.state(series)
    return state.watermark == 0 and not state.rows_held


def _refuse_without_axis(target: Target, what: str) -> None:
    if target.definition.axis.keyword is None:
        raise UpstreamAnswerError(
            f"The upstream does not say of {target.definition.name} {what}, and the series has no "
            f"time by which one could tell what is new. Nothing was changed. Sync from a server "
            f"that says it (upstream.url), or import files"
        )


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
