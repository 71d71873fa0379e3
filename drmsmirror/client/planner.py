"""Decide who answers a query: the mirror by itself, or the upstream.

A query is answered locally where coverage says that every record and keyword it asks for is held.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from drmsmirror.errors import NotHeldError
from drmsmirror.mirror import Mirror
from drmsmirror.model.conditions import columns_of, sub_selects_of
from drmsmirror.model.coverage import CoverageEntry, Interval
from drmsmirror.model.extent import Restriction, extent_of, parts_not_held
from drmsmirror.model.positions import position_text
from drmsmirror.model.recordset import BoundRecordSet, BoundSet
from drmsmirror.records import KeyPlan, plan_keys

__all__ = ["LocalPlan", "Policy", "plan_locally"]


class Policy(StrEnum):
    """Whether the upstream may be asked.

    ``auto``: for what is not held. ``offline``: never. ``remote``: always.
    """

    AUTO = "auto"
    OFFLINE = "offline"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """How the mirror answers a query by itself.

    Parameters
    ----------
    bound : BoundRecordSet
    keys : KeyPlan
        By the definition of the first series, as DRMS does it (semantics 4.2.4).
    as_of_utc : datetime
        The oldest reading among the coverage that the answer rests on.
    """

    bound: BoundRecordSet
    keys: KeyPlan
    as_of_utc: datetime


def plan_locally(mirror: Mirror, bound: BoundRecordSet, keys: Sequence[str]) -> LocalPlan:
    """Plan a local answer.

    Raises
    ------
    NotHeldError
        A key, or a part of the axis, is not held; the message names it and the command that
        syncs it.
    """
    plan = plan_keys(bound.sets[0].series, keys)
    if plan.not_held:
        raise NotHeldError(
            f"The mirror does not hold {', '.join(plan.not_held)} of {bound.sets[0].series.name}: "
            f"it is not among the keywords of the record table. Ask the upstream (--policy remote)"
        )
    used: list[CoverageEntry] = []
    for wanted in bound.sets:
        entries = mirror.catalogue.coverage(wanted.series.name)
        columns = [name for name in plan.columns if wanted.series.column(name) is not None]
        if gaps := parts_not_held(wanted, entries, ()):
            raise NotHeldError(_gaps_text(bound, wanted, entries, gaps))
        _refuse_sub_selects_of_what_is_not_held(mirror, bound, wanted)
        lacking = [name for name in columns if parts_not_held(wanted, entries, [name])]
        if lacking:
            raise NotHeldError(_keywords_text(bound, wanted, lacking))
        used += [entry for entry in entries if _serves(entry, wanted)]
    # a question that contradicts itself rests on nothing, and is answered as of now
    as_of_utc = min((entry.as_of_utc for entry in used), default=datetime.now(UTC))
    return LocalPlan(bound, plan, as_of_utc)


def _serves(entry: CoverageEntry, wanted: BoundSet) -> bool:
    """Whether an entry says something about what is asked for."""
    restriction = Restriction.parse(entry.restriction)
    return any(
        restriction.admits(extent.restriction) and entry.interval.intersection(extent.interval)
        for extent in extent_of(wanted)
    )


def _keywords_text(bound: BoundRecordSet, wanted: BoundSet, columns: Sequence[str]) -> str:
    keys = [column.key for column in wanted.series.columns if column.name in columns]
    shown = ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
    return (
        f"The mirror holds the records of {bound.text}, but not their {shown}. Ask for other "
        f"keywords with --key, or get these with\n  drmsmirror sync {shlex.quote(bound.text)}"
    )


def _refuse_sub_selects_of_what_is_not_held(
    mirror: Mirror, bound: BoundRecordSet, wanted: BoundSet
) -> None:
    """A sub-select reads every version of every record of its series."""
    for chosen in (one for part in wanted.sql for one in sub_selects_of(part.tree)):
        name = chosen.series.name
        whole = BoundSet(chosen.series, all_versions=True)
        parts = (chosen.value, chosen.where, *chosen.groups)
        used = {column for part in parts if part is not None for column in columns_of(part)}
        if parts_not_held(whole, mirror.catalogue.coverage(name), sorted(used)):
            raise NotHeldError(
                f"The sub-select in {bound.text} reads every version of {name}, which the mirror "
                f"does not hold as a whole. Ask the upstream (--policy remote)"
            )


def _gaps_text(
    bound: BoundRecordSet,
    wanted: BoundSet,
    entries: Sequence[CoverageEntry],
    gaps: Sequence[Interval],
) -> str:
    latest = BoundSet(wanted.series, wanted.searched.conditions)
    if wanted.needs_all_versions and not parts_not_held(latest, entries, ()):
        return (
            f"The mirror holds the latest versions of {wanted.series.name}, and {bound.text} is "
            f"about superseded ones too. Ask the upstream (--policy remote)"
        )
    shown = "; ".join(_gap_text(wanted, gap) for gap in gaps[:3])
    more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
    return (
        f"The mirror does not hold all of {wanted.series.name} that was asked for: "
        f"{shown}{more} is missing. Get it with\n"
        f"  drmsmirror sync {shlex.quote(_part_to_sync(bound, wanted))}"
    )


def _part_to_sync(bound: BoundRecordSet, wanted: BoundSet) -> str:
    """The query itself where it can be synced, else the part of the series that it is about."""
    keys = wanted.series.internal_prime_keys
    part = tuple(one for one in wanted.searched.conditions if one.column in keys)
    return bound.text if part == wanted.filters else BoundSet(wanted.series, part).text


def _gap_text(wanted: BoundSet, gap: Interval) -> str:
    low = position_text(wanted.series, gap.low)
    high = position_text(wanted.series, gap.high)
    return f"from {low} to before {high}"
