"""Find out what of a question the mirror holds, and what it lacks.

Coverage decides: a record or keyword that was never fetched is not one that does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from drmsmirror.client.edges import with_edges_held
from drmsmirror.client.freshness import Freshness
from drmsmirror.client.shortage import shortage_text
from drmsmirror.errors import NotHeldError
from drmsmirror.mirror import Mirror
from drmsmirror.model.conditions import columns_of, sub_selects_of
from drmsmirror.model.coverage import CoverageEntry, Versions, look_up
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.positions import position_at
from drmsmirror.model.recordset import BoundRecordSet, BoundSet
from drmsmirror.records import KeyPlan, RecordTable, find_newest, plan_keys

__all__ = ["Plan", "SetPlan", "columns_needed", "plan_question"]


@dataclass(frozen=True, slots=True)
class SetPlan:
    """How one set of a question stands.

    Parameters
    ----------
    wanted : BoundSet
        First and last values already found.
    keys : KeyPlan
        For the columns of its series.
    used : tuple of CoverageEntry
        What holds it, and what sub-selects in it rest on.
    missing : tuple of Extent
        What is not held of it, or not as it has to be.
    table : RecordTable
        Of its series, at one version.
    shortage : str
        What is missing and how to get it, for a person; empty where nothing is.
    """

    wanted: BoundSet
    keys: KeyPlan
    used: tuple[CoverageEntry, ...]
    missing: tuple[Extent, ...]
    table: RecordTable
    shortage: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question stands.

    Parameters
    ----------
    bound : BoundRecordSet
    keys : KeyPlan
        By the definition of the first series, as DRMS does it (semantics 4.2.4).
    sets : tuple of SetPlan
    """

    bound: BoundRecordSet
    keys: KeyPlan
    sets: tuple[SetPlan, ...]

    @property
    def is_held(self) -> bool:
        """Whether the mirror can answer by itself."""
        return not any(one.missing for one in self.sets)

    @property
    def has_parts(self) -> bool:
        """Whether anything of it is held."""
        return any(one.used for one in self.sets)

    def is_whole(self, n: int | None) -> bool:
        """Whether all records of what is missing are asked for, so that they can be merged."""
        return not n and not any(one.wanted.sql for one in self.sets)

    @property
    def read_utc(self) -> tuple[datetime, ...]:
        """When the upstream was read for what is held."""
        return tuple(entry.as_of_utc for one in self.sets for entry in one.used)


def plan_question(
    mirror: Mirror, bound: BoundRecordSet, keys: Sequence[str], freshness: Freshness
) -> Plan:
    """Find out how a question stands.

    Raises
    ------
    NotHeldError
        Nothing of it can be answered from what is held, and it cannot be divided: a key that
        record tables do not hold, superseded versions, a first or last value that may lie in what
        is not held. The message says what, and how to get it.
    """
    plan = plan_keys(bound.sets[0].series, keys)
    if plan.not_held:
        raise NotHeldError(
            f"The mirror does not hold {', '.join(plan.not_held)} of {bound.sets[0].series.name}: "
            f"it is not among the keywords of the record table. Ask the upstream (--policy remote)"
        )
    return Plan(
        bound, plan, tuple(_plan_set(mirror, bound, one, plan, freshness) for one in bound.sets)
    )


def _plan_set(
    mirror: Mirror, bound: BoundRecordSet, wanted: BoundSet, asked: KeyPlan, freshness: Freshness
) -> SetPlan:
    series = wanted.series
    used = _used_by_sub_selects(mirror, bound, wanted, freshness)
    state, coverage = mirror.catalogue.held(series.name)
    keys = plan_keys(series, asked.keys)  # each series prints by its own columns
    if state.table_path is None:
        raise NotHeldError(shortage_text(bound, wanted, extent_of(wanted), (), frozenset()))
    every = freshness.of_generation(coverage, state.generation)
    table = mirror.table(
        series, state
    )  # after coverage was read: it has all rows of which that speaks
    needed = columns_needed(wanted, keys)
    full = [entry for entry in every if entry.columns >= needed and _has_versions(entry, wanted)]
    counting = freshness.counting(full, partial(_newest_held, table))
    found = with_edges_held(table, mirror.table, wanted, counting)
    stands = look_up(extent_of(found or wanted), counting)
    shortage = ""
    if found is None or stands.missing:
        shortage = shortage_text(bound, wanted, stands.missing, every, needed)
    if found is None or (stands.missing and not _can_be_divided(wanted)):
        raise NotHeldError(shortage)
    return SetPlan(found, keys, (*stands.used, *used), stands.missing, table, shortage)


def _newest_held(table: RecordTable, recnum: int, as_of: datetime) -> float | None:
    """The newest position on the axis that is held of a series, among records up to a number.

    None where later records do not lie at later positions: the axis is the record number, but
    versions of one record share a prime key. Where there were no numbers, the time alone says which
    records were not there.
    """
    if table.definition.axis.keyword is None and table.definition.prime_keys:
        return None
    if recnum:
        newest = find_newest(table, recnum)
    elif (newest := table.largest(table.definition.axis.column)) is not None:
        newest = min(newest, position_at(table.definition, as_of))
    return -math.inf if newest is None else newest


def columns_needed(wanted: BoundSet, keys: KeyPlan) -> frozenset[str]:
    """Keyword columns that the answer needs."""
    needed = set(keys.columns) | {condition.column for condition in wanted.conditions}
    needed |= {name for one in wanted.sql for name in columns_of(one.tree)}
    return frozenset(column.name for column in wanted.series.columns if column.name in needed)


def _has_versions(entry: CoverageEntry, wanted: BoundSet) -> bool:
    return entry.versions is Versions.ALL or not wanted.needs_all_versions


def _can_be_divided(wanted: BoundSet) -> bool:
    """Whether a part of the set can be asked for by itself.

    Along record numbers the versions of one record lie apart: a part says too little.
    """
    by_number = wanted.series.axis.keyword is None and bool(wanted.series.prime_keys)
    return not (by_number or wanted.needs_all_versions)


def _used_by_sub_selects(
    mirror: Mirror, bound: BoundRecordSet, wanted: BoundSet, freshness: Freshness
) -> tuple[CoverageEntry, ...]:
    """What sub-selects rest on: each reads every version of every record of its series."""
    used: list[CoverageEntry] = []
    for chosen in (one for part in wanted.sql for one in sub_selects_of(part.tree)):
        whole = BoundSet(chosen.series, all_versions=True)
        state, coverage = mirror.catalogue.held(chosen.series.name)
        parts = (chosen.value, chosen.where, *chosen.groups)
        read = {column for part in parts if part is not None for column in columns_of(part)}
        known = {column.name for column in chosen.series.columns}
        entries = [
            entry
            for entry in freshness.of_generation(coverage, state.generation)
            if entry.columns >= read & known and _has_versions(entry, whole)
        ]
        if entries:
            table = mirror.table(chosen.series, state)
            entries = [*freshness.counting(entries, partial(_newest_held, table))]
        found = look_up(extent_of(whole), entries)
        if found.missing:
            raise NotHeldError(
                f"The sub-select in {bound.text} reads every version of {chosen.series.name}, "
                f"which the mirror does not hold as a whole, or not as of late. Ask the upstream "
                f"(--policy remote)"
            )
        used += found.used
    return tuple(used)
