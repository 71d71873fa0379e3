"""What a run brings of each record.

A record that is held anywhere is held with every column that coverage speaks of there: one that
comes newly is read with all of them, whichever are wanted now, or what was said before would no
longer be true. Of a record that does not satisfy a condition only a marker is kept, which keeps the
version that it superseded from showing (design: keeping up, 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drmsmirror.model.conditions import columns_of
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.extent import extent_of
from drmsmirror.model.links import linked_columns
from drmsmirror.model.recordset import BoundSet
from drmsmirror.model.series import SeriesDefinition

__all__ = ["TELLING", "Harvest", "harvest_of"]

#: Columns that change with nearly everything else of a record: by them it is seen that it changed.
TELLING = ("date", "quality")


@dataclass(frozen=True, slots=True)
class Harvest:
    """Columns of the record table that a run is about.

    Parameters
    ----------
    wanted : frozenset of str
        To be held of every record of the wanted set.
    read : frozenset of str
        Read of a record that is new, or newly read as a whole.
    marked : frozenset of str
        Kept of a record that does not satisfy the conditions.
    """

    wanted: frozenset[str]
    read: frozenset[str]
    marked: frozenset[str]

    def telling(self, series: SeriesDefinition) -> frozenset[str]:
        """Columns that show that a record is no longer as it is held, as far as they are wanted.

        Keywords read through links are among them: they change while the record stays as it is.
        """
        return self.wanted.intersection(TELLING) | self.wanted.intersection(linked_columns(series))


def harvest_of(
    wanted: BoundSet, keys: Iterable[str] | None, held: Sequence[CoverageEntry]
) -> Harvest:
    """Find out what a run brings of each record.

    Parameters
    ----------
    wanted : BoundSet
    keys : iterable of str, optional
        Keywords that are wanted besides what tells records and their changes; by default all.
        Those that the series has not are left out.
    held : sequence of CoverageEntry
        Everything that is held of the series.
    """
    series = wanted.series
    extents = extent_of(wanted)
    demanded = frozenset(name for one in wanted.sql for name in columns_of(one.tree))
    needed = (_identity(series) | demanded) & {column.name for column in series.columns}
    chosen = _columns(series, keys) | needed
    near = [entry for entry in held if any(entry.extent.intersection(extent) for extent in extents)]
    terms = extents[0].restriction.terms if extents else frozenset()  # of all the same
    others = [entry for entry in near if not terms <= entry.restriction.terms]
    return Harvest(
        wanted=chosen,
        read=chosen.union(*(entry.columns for entry in near)),
        marked=needed.union(*(entry.columns for entry in others)),
    )


def _identity(series: SeriesDefinition) -> frozenset[str]:
    keys = (key.lower() for key in series.prime_keys)
    return frozenset((*keys, *series.internal_prime_keys))


def _columns(series: SeriesDefinition, keys: Iterable[str] | None) -> frozenset[str]:
    """Columns of some keywords, and what tells that a record changed; by default all."""
    every = series.columns
    if keys is None:
        return frozenset(column.name for column in every)
    found = [keyword for key in keys if (keyword := series.find(key)) is not None]
    names = {(keyword.alias_of or keyword.name).lower() for keyword in found} | set(TELLING)
    return frozenset(column.name for column in every if column.keyword.name.lower() in names)
