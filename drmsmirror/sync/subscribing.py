"""What a subscription has to do with its series, and with other subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from drmsmirror.catalogue import StoredSubscription
from drmsmirror.errors import DefinitionError, NotFoundError, QueryError, UnknownSeriesError
from drmsmirror.mirror import Mirror
from drmsmirror.model.extent import Extent, extent_of, without
from drmsmirror.model.recordset import bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.subscription import Precision, Subscription
from drmsmirror.records import harvest_keys
from drmsmirror.sync.precision import refuse_rounded
from drmsmirror.upstream import RecordText, Upstream

__all__ = [
    "checked",
    "prepared",
    "refuse_without_all_digits",
    "subscribe",
    "subscription_around",
    "subscription_beyond",
    "subscription_named",
]

DefinitionOf = Callable[[str], SeriesDefinition]

#: Records of which it is seen whether an upstream gives all digits.
_SAMPLE = 5

_RECNUM = "*recnum*"

#: What a subscription says besides its record set.
_TERMS = tuple(name for name in Subscription.__slots__ if name != "record_set")


def subscribe(
    mirror: Mirror, upstream: Upstream | None, record_set: str, terms: Mapping[str, Any]
) -> tuple[StoredSubscription, bool]:
    """Subscribe to a record set, or change the subscription to it that there is.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream or None
        Asked for the definition of a series that is new here; None: nobody is asked.
    record_set : str
    terms : mapping
        Arguments of :meth:`Subscription.of`; those that are left out stay as they are.

    Returns
    -------
    subscription : StoredSubscription
    is_new : bool
        Whether it was made, rather than changed.

    Raises
    ------
    QueryError, UnknownSeriesError
        The record set or the terms are wrong, or the series does not have what they name.
    """
    there = _find(mirror, Subscription.of(record_set))
    was = None if there is None else there.subscription
    kept = {} if was is None else {name: getattr(was, name) for name in _TERMS}
    wanted = prepared(mirror, upstream, Subscription.of(record_set, **{**kept, **terms}), was)
    if was is None:
        return mirror.catalogue.subscriptions.add(wanted), True
    wanted = replace(wanted, record_set=was.record_set)
    return mirror.catalogue.subscriptions.change(wanted), False


def subscription_named(mirror: Mirror, name: str) -> StoredSubscription:
    """Find a subscription by its number or its record set.

    Raises
    ------
    NotFoundError
        There is none.
    """
    if name.isascii() and name.isdigit():
        several = mirror.catalogue.subscriptions.all()
        found = next((stored for stored in several if stored.id == int(name)), None)
    else:
        found = _find(mirror, Subscription.of(name))
    if found is None:
        raise NotFoundError(
            f"There is no subscription {name}; `drmsmirror subscriptions` lists them"
        )
    return found


def prepared(
    mirror: Mirror, upstream: Upstream | None, wanted: Subscription, was: Subscription | None
) -> Subscription:
    """Check a subscription that is to be made or changed, and give it as the series spells it.

    Without an upstream, one to a series that is new here is taken as it is.

    Raises
    ------
    QueryError, UnknownSeriesError
        See :func:`checked` and :func:`refuse_without_all_digits`.
    """
    definition_of = _definitions(mirror, upstream)
    is_full = wanted.precision is Precision.FULL
    is_probed = is_full and (was is None or was.precision is not Precision.FULL)
    if is_probed and upstream is None:
        raise QueryError(
            f"Whether {wanted.series} can be had at full precision has to be tried on the "
            f"upstream; leave --offline out"
        )
    try:
        spelled = checked(wanted, definition_of)
    except UnknownSeriesError:
        if upstream is None:
            return wanted
        raise
    if is_probed and upstream is not None:
        refuse_rounded(mirror, wanted.series)
        refuse_without_all_digits(upstream, definition_of(wanted.series))
    return spelled


def checked(subscription: Subscription, definition_of: DefinitionOf) -> Subscription:
    """Check a subscription against its series, and give it with the series' own spelling.

    Raises
    ------
    UnknownSeriesError
        There is no such series.
    QueryError
        The series has no such keyword or segment, or a filter means nothing for it.
    """
    definition = definition_of(subscription.series)
    keys = subscription.keys
    spelled = replace(
        subscription,
        record_set=definition.name + subscription.filters,
        keys=None if keys is None else tuple(definition.keyword(key).name for key in keys),
        segments=tuple(_segment(definition, name) for name in subscription.segments),
    )
    bind(parse_recordset(spelled.record_set), definition_of)
    return spelled


def refuse_without_all_digits(upstream: Upstream, definition: SeriesDefinition) -> None:
    """Refuse full precision from an upstream that pays no heed to ``M=1`` (DRMS semantics 2.2).

    Some of the newest records of the series are read both ways: somewhere the texts must differ.

    Raises
    ------
    QueryError
        They do not.
    """
    keys = harvest_keys(definition)
    printed = _by_recnum(upstream.records(definition.name, keys, n=-_SAMPLE))
    exact = _by_recnum(upstream.records(definition.name, keys, n=-_SAMPLE, all_digits=True))
    both = printed.keys() & exact.keys()
    if all(printed[recnum] == exact[recnum] for recnum in both):
        what = "the same texts with M=1 as without" if both else "no records to try it on"
        raise QueryError(
            f"{definition.name} cannot be had at full precision: the upstream gives {what}. "
            f"Subscribe to it with --precision text"
        )


def subscription_around(mirror: Mirror, wanted: Subscription) -> StoredSubscription | None:
    """Find the subscription to a record set, or else one in which it lies; None without any."""
    found = _find(mirror, wanted)
    if found is not None:
        return found
    several = mirror.catalogue.subscriptions.all(series=wanted.series)
    known = mirror.catalogue.definition
    return next((one for one in several if _lies_within(known, wanted, one.subscription)), None)


def subscription_beyond(
    mirror: Mirror,
    upstream: Upstream | None,
    inner: Subscription,
    others: Iterable[Subscription],
) -> Subscription | None:
    """Find among others one that brings all that a subscription brings; None without any.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream or None
        Asked for the definition of a series that is new here; None: nobody is asked.
    inner : Subscription
        Whose records, keywords and files the other has among its own.
    others : iterable of Subscription
        Of any series.
    """
    definition_of = _definitions(mirror, upstream)
    for outer in others:
        is_of_series = outer.series.lower() == inner.series.lower()
        is_another = is_of_series and outer.filters != inner.filters
        has_keys = outer.keys is None or set(inner.keys or [""]) <= set(outer.keys)
        has_files = set(inner.segments) <= set(outer.segments)
        if is_another and has_keys and has_files and _lies_within(definition_of, inner, outer):
            return outer
    return None


def _lies_within(definition_of: DefinitionOf, inner: Subscription, outer: Subscription) -> bool:
    """Whether one lies in the other; of what means nothing to the series, as known here, not."""
    try:
        return not without(_extents(definition_of, inner), _extents(definition_of, outer))
    except (UnknownSeriesError, QueryError, DefinitionError):
        return False


def _find(mirror: Mirror, wanted: Subscription) -> StoredSubscription | None:
    """The subscription to the same record set; the name of a series counts in any case."""
    several = mirror.catalogue.subscriptions.all(series=wanted.series)
    return next((one for one in several if one.subscription.filters == wanted.filters), None)


def _definitions(mirror: Mirror, upstream: Upstream | None) -> DefinitionOf:
    """Give what tells definitions, each once: the mirror's, else the upstream's."""

    @cache
    def definition_of(name: str) -> SeriesDefinition:
        try:
            return mirror.catalogue.definition(name)
        except UnknownSeriesError:
            if upstream is None:
                raise
        return upstream.definition(name).definition

    return definition_of


def _extents(definition_of: DefinitionOf, subscription: Subscription) -> tuple[Extent, ...]:
    (bound,) = bind(parse_recordset(subscription.record_set), definition_of).sets
    return extent_of(bound)


def _segment(definition: SeriesDefinition, name: str) -> str:
    names = {segment.name.lower(): segment.name for segment in definition.segments}
    if name.lower() not in names:
        has = f"it has {', '.join(names.values())}" if names else "it has none"
        raise QueryError(f"{definition.name} has no segment {name!r}; {has}")
    return names[name.lower()]


def _by_recnum(listed: RecordText) -> dict[int, dict[str, str]]:
    return {row[_RECNUM]: row for row in listed.table.to_pylist()}
