"""How far what is held was compared with the upstream, and when the comparing comes round again.

The speed is that of the present pass: the share of the records that its nights came past. A pass
has as many nights as days went by, since it goes on once a night.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from drmsmirror.catalogue import Depth, Reconciliation, SeriesState
from drmsmirror.errors import DrmsMirrorError
from drmsmirror.mirror import Mirror
from drmsmirror.model.intervals import Interval
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.model.series import Scope
from drmsmirror.model.subscription import Reconcile, Subscription
from drmsmirror.records import Portion, RecordTable, count_held, identity_keys
from drmsmirror.sync import OutdatedLinks, harvest_of, outdated_links

__all__ = ["Comparison", "comes_round", "comparisons_of"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far one record set was compared with the upstream.

    Parameters
    ----------
    record_set : str
    reconcile : Reconcile or None
        How it is to be compared; None where nobody subscribes to it any more.
    since_utc : datetime or None
        All of it was compared, or read, after this moment; None where that cannot be said.
    depth : Depth or None
        How deeply that was done.
    keys : tuple of str
        What of each record is compared where it is not read whole.
    share : float or None
        Share of the records that the present pass came past, 0 to 1; None between two passes.
    comes_round_utc : datetime or None
        When it comes to its end at its present speed.
    outdated_links : tuple of OutdatedLinks
        Keywords read through links that may be older than what is held of their series.
    """

    record_set: str
    reconcile: Reconcile | None
    since_utc: datetime | None
    depth: Depth | None
    keys: tuple[str, ...]
    share: float | None
    comes_round_utc: datetime | None
    outdated_links: tuple[OutdatedLinks, ...] = ()


def comparisons_of(mirror: Mirror, table: RecordTable, state: SeriesState) -> list[Comparison]:
    """How far each record set of a series was compared that is kept, or once was.

    Parameters
    ----------
    mirror : Mirror
    table : RecordTable
    state : SeriesState
        Of its series.
    """
    series = table.definition.name
    subscribed = dict(_subscribed(mirror, series))
    known = mirror.catalogue.reconciliations.of_series(series)
    outdated = outdated_links(mirror, series)
    return [
        _comparison(table, state, wanted, subscribed.get(text), known.get(text), outdated)
        for text in sorted({*subscribed, *known})
        if (wanted := _bound(mirror, text)) is not None
    ]


def comes_round(compared: Reconciliation, share: float) -> datetime | None:
    """When a pass that came past a share of the records ends at its present speed."""
    if not 0 < share < 1:
        return None
    nights = 1 + round((compared.worked_utc - compared.pass_begun_utc) / _DAY)
    return compared.worked_utc + math.ceil((1 - share) / share * nights) * _DAY


def _comparison(
    table: RecordTable,
    state: SeriesState,
    wanted: BoundSet,
    subscription: Subscription | None,
    compared: Reconciliation | None,
    outdated: tuple[OutdatedLinks, ...],
) -> Comparison:
    if compared is not None and compared.generation != state.generation:
        compared = None  # that was of records that have other numbers now
    share = None
    if compared is not None and compared.position > -math.inf:
        share = _share(table, Portion.of(wanted), compared.position)
    since = compared.checked_since_utc if compared else None
    reconcile = subscription.reconcile if subscription else None
    return Comparison(
        record_set=wanted.text.removesuffix("[]"),
        reconcile=reconcile,
        since_utc=since,
        depth=compared.checked_depth if compared and since else None,
        keys=_keys(wanted, subscription),
        share=share,
        comes_round_utc=(
            comes_round(compared, share)
            if compared and share and reconcile not in (None, Reconcile.OFF)
            else None
        ),
        outdated_links=tuple(one for one in outdated if one.record_set == wanted.text),
    )


def _subscribed(mirror: Mirror, series: str) -> Iterator[tuple[str, Subscription]]:
    for stored in mirror.catalogue.subscriptions.all(series=series):
        bound = _bound(mirror, stored.subscription.record_set)
        if bound is not None:
            yield bound.text, stored.subscription


def _bound(mirror: Mirror, record_set: str) -> BoundSet | None:
    try:
        (bound,) = bind(parse_recordset(record_set), mirror.catalogue.definition).sets
    except DrmsMirrorError:  # it means nothing any more
        return None
    return bound


def _keys(wanted: BoundSet, subscription: Subscription | None) -> tuple[str, ...]:
    keys = None if subscription is None else subscription.keys
    series = wanted.series
    telling = harvest_of(wanted, keys, ()).telling(series)
    unsaid = {"*sunum*", *(one.key for one in series.columns if one.keyword.scope is Scope.INDEX)}
    return tuple(key for key in identity_keys(series, *telling) if key not in unsaid)


def _share(table: RecordTable, portion: Portion, position: float) -> float | None:
    every = count_held(table, portion)
    passed = count_held(table, portion.within(Interval(-math.inf, position)))
    return passed / every if every else None
