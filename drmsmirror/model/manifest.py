"""Subscriptions as a TOML manifest, for whoever keeps them under version control."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from drmsmirror.errors import QueryError, SettingsError
from drmsmirror.model.durations import duration_text, parse_duration
from drmsmirror.model.subscription import Precision, Reconcile, Subscription

__all__ = ["read_manifest", "write_manifest"]

_TABLE = "subscription"


class _Entry(BaseModel):
    """One ``[[subscription]]``."""

    model_config = ConfigDict(extra="forbid")

    record_set: str
    keys: list[str] | None = None
    segments: list[str] = []
    schedule: str | None = None
    lag: str = "0s"
    priority: int = 0
    precision: Precision = Precision.TEXT
    reconcile: Reconcile = Reconcile.ROTATION


def read_manifest(text: str, source: str) -> tuple[Subscription, ...]:
    """Read a manifest.

    Parameters
    ----------
    text : str
        TOML: a table ``[[subscription]]`` for each.
    source : str
        Where it came from, for messages.

    Raises
    ------
    SettingsError
        It is no TOML, has what does not belong there, or names a record set twice.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is not TOML: {error}") from None
    entries = content.pop(_TABLE, [])
    if content or not isinstance(entries, list):
        found = next(iter(content), _TABLE)
        raise SettingsError(
            f"{source} has {found!r}; a manifest has tables [[{_TABLE}]] and nothing else"
        )
    found_already: dict[str, Subscription] = {}
    for number, entry in enumerate(entries, start=1):
        one = _read(entry, f"{source}, [[{_TABLE}]] number {number}")
        if one.record_set in found_already:
            raise SettingsError(f"{source} has {one.record_set} twice; leave one of them")
        found_already[one.record_set] = one
    return tuple(found_already.values())


def write_manifest(subscriptions: Sequence[Subscription]) -> str:
    """Write a manifest of which :func:`read_manifest` makes the same subscriptions."""
    import tomli_w

    return "\n".join(f"[[{_TABLE}]]\n{tomli_w.dumps(_written(one))}" for one in subscriptions)


def _read(entry: Any, place: str) -> Subscription:
    try:
        given = _Entry.model_validate(entry)
        terms = given.model_dump(exclude={"record_set", "lag"})
        return Subscription.of(given.record_set, lag=parse_duration(given.lag), **terms)
    except ValidationError as error:
        problems = [
            f"{place}: {'.'.join(map(str, each['loc']))}: {_problem(each)}"
            for each in error.errors()
        ]
        raise SettingsError("\n".join(problems)) from None
    except (QueryError, ValueError) as error:
        raise SettingsError(f"{place}: {error}") from None


def _problem(mistake: Any) -> str:
    if mistake["type"] == "extra_forbidden":
        return f"a subscription has {', '.join(_Entry.model_fields)}, and nothing else"
    return str(mistake["msg"])


def _written(one: Subscription) -> dict[str, Any]:
    """What a subscription says that does not go without saying."""
    said: dict[str, Any] = {"record_set": one.record_set}
    plain = Subscription(one.record_set)
    if one.keys is not None:
        said["keys"] = list(one.keys)
    if one.segments:
        said["segments"] = list(one.segments)
    if one.lag:
        said["lag"] = duration_text(one.lag)
    for name in ("schedule", "priority", "precision", "reconcile"):
        if getattr(one, name) != getattr(plain, name):
            value = getattr(one, name)
            said[name] = value if isinstance(value, int) else str(value)
    return said
