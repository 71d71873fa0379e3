"""How subscriptions are shown: in a table, as JSON, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from drmsmirror.cli.common import table

if TYPE_CHECKING:
    from drmsmirror.catalogue import StoredSubscription
    from drmsmirror.model.subscription import Difference, Subscription

__all__ = [
    "NO_SUBSCRIPTIONS",
    "difference_lines",
    "difference_plain",
    "lies_within",
    "plain",
    "stored_plain",
    "subscription_table",
]

#: What is said where there are none.
NO_SUBSCRIPTIONS = (
    "There are no subscriptions. Make one with\n  drmsmirror subscribe hmi.sharp_720s"
)


def lies_within(what: str, outer: Subscription) -> str:
    """Say that a subscription brings nothing that another does not bring."""
    return (
        f"{what} lies within {outer.record_set}, which brings all of it: nothing more would be "
        f"fetched for it."
    )


def plain(subscription: Subscription) -> dict[str, Any]:
    """Give a subscription as JSON has it; the names are those of a manifest."""
    from drmsmirror.model.durations import duration_text

    return {
        "record_set": subscription.record_set,
        "keys": subscription.keys,
        "segments": subscription.segments,
        "schedule": subscription.schedule,
        "lag": duration_text(subscription.lag),
        "priority": subscription.priority,
        "precision": subscription.precision,
        "reconcile": subscription.reconcile,
    }


def stored_plain(stored: StoredSubscription) -> dict[str, Any]:
    """Give the same with its number, and when it was made and changed."""
    dates = {"made_utc": stored.made_utc, "changed_utc": stored.changed_utc}
    return {"id": stored.id, **plain(stored.subscription), **dates}


def subscription_table(several: Sequence[StoredSubscription]) -> str:
    """Subscriptions, one a line."""
    rows = [(stored.id, *_cells(stored.subscription)) for stored in several]
    names = [name.replace("_", " ") for name in plain(several[0].subscription)]
    return table(["id", *names], rows)


def difference_lines(found: Difference) -> Iterator[str]:
    """What is to be done, one a line: ``+`` is added, ``~`` changed, ``-`` removed."""
    for one in found.added:
        yield f"+ {one.record_set}{_besides(_said(one))}"
    for before, after in found.changed:
        old, new = plain(before), plain(after)
        changes = [
            f"{name} {_text(name, old[name])} -> {_text(name, new[name])}"
            for name in old
            if old[name] != new[name]
        ]
        yield f"~ {after.record_set}{_besides(changes)}"
    for one in found.removed:
        yield f"- {one.record_set}"


def difference_plain(found: Difference) -> dict[str, Any]:
    """Give a difference as JSON has it."""
    return {
        "added": [plain(one) for one in found.added],
        "changed": [{"from": plain(old), "to": plain(new)} for old, new in found.changed],
        "removed": [plain(one) for one in found.removed],
    }


def _said(one: Subscription) -> list[str]:
    """What a subscription says that does not go without saying."""
    usual = plain(type(one)(one.record_set))
    return [
        f"{name} {_text(name, value)}" for name, value in plain(one).items() if value != usual[name]
    ]


def _besides(parts: Iterable[str]) -> str:
    joined = "; ".join(parts)
    return f": {joined}" if joined else ""


def _cells(one: Subscription) -> list[object]:
    return [
        value if isinstance(value, int) else _text(name, value)
        for name, value in plain(one).items()
    ]


def _text(name: str, value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value) or "none"
    if value is None:
        return "all" if name == "keys" else "none"
    return str(value)
