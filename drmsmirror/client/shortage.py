"""Say what a question lacks, and how to get it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from drmsmirror.model.coverage import CoverageEntry, look_up
from drmsmirror.model.extent import Extent, Restriction, extent_of
from drmsmirror.model.positions import position_text
from drmsmirror.model.recordset import BoundRecordSet, BoundSet

__all__ = ["extent_words", "shortage_text", "sync_command"]

_MOST_EXTENTS = 3
_MOST_KEYWORDS = 5


def shortage_text(
    bound: BoundRecordSet,
    wanted: BoundSet,
    missing: Sequence[Extent],
    entries: Sequence[CoverageEntry],
    needed: frozenset[str],
) -> str:
    """What is missing of a set, why, and the command that gets it.

    Parameters
    ----------
    bound : BoundRecordSet
        The whole question.
    wanted : BoundSet
        The set.
    missing : sequence of Extent
        Its parts that do not count as held.
    entries : sequence of CoverageEntry
        Everything that is held of the series, whatever its keywords, versions and age.
    needed : frozenset of str
        Columns that the answer needs.
    """
    extents = extent_of(wanted)
    if not entries or look_up(extents, entries).missing:
        return _records_text(bound, wanted, missing or extents)
    with_keywords = [entry for entry in entries if entry.columns >= needed]
    if look_up(extents, with_keywords).missing:
        lacking = needed - frozenset.intersection(*(entry.columns for entry in entries))
        return _keywords_text(bound, wanted, lacking)
    if wanted.needs_all_versions:
        return (
            f"The mirror holds the latest versions of {wanted.series.name}, and {bound.text} is "
            f"about superseded ones too. Ask the upstream (--policy remote)"
        )
    read = min(entry.as_of_utc for entry in look_up(extents, with_keywords).used)
    return (
        f"The mirror holds {bound.text} as of {read:%Y-%m-%d %H:%M} UTC, which is too old. "
        f"Bring it up to date with\n  {sync_command(bound, wanted)}"
    )


def sync_command(bound: BoundRecordSet, wanted: BoundSet) -> str:
    """The command that brings a set in: itself where it can be synced, else the part around it."""
    keys = wanted.series.internal_prime_keys
    part = tuple(one for one in wanted.searched.conditions if one.column in keys)
    is_whole = part == wanted.filters and len(bound.sets) == 1
    text = bound.text if is_whole else BoundSet(wanted.series, part).text
    return f"drmsmirror sync {shlex.quote(text)}"


def extent_words(wanted: BoundSet, extent: Extent) -> str:
    """An extent for a person: ``from ... to before ... (harpnum 377)``."""
    low = position_text(wanted.series, extent.interval.low)
    high = position_text(wanted.series, extent.interval.high)
    words = Restriction(extent.restriction.values, extent.restriction.cadence).words
    values = f" ({words})" if words else ""
    return f"from {low} to before {high}{values}"


def _records_text(bound: BoundRecordSet, wanted: BoundSet, missing: Sequence[Extent]) -> str:
    shown = "; ".join(extent_words(wanted, extent) for extent in missing[:_MOST_EXTENTS])
    more = f" and {len(missing) - _MOST_EXTENTS} more" if len(missing) > _MOST_EXTENTS else ""
    return (
        f"The mirror does not hold all of {wanted.series.name} that was asked for: "
        f"{shown}{more} is missing. Get it with\n  {sync_command(bound, wanted)}"
    )


def _keywords_text(bound: BoundRecordSet, wanted: BoundSet, lacking: frozenset[str]) -> str:
    keys = [column.key for column in wanted.series.columns if column.name in lacking]
    more = len(keys) - _MOST_KEYWORDS
    shown = ", ".join(keys[:_MOST_KEYWORDS]) + (f" and {more} more" if more > 0 else "")
    return (
        f"The mirror holds the records of {bound.text}, but not their {shown}. Ask for other "
        f"keywords with --key, or get these with\n  {sync_command(bound, wanted)}\n"
        f"If a subscription names its keywords, name these there before (drmsmirror subscribe)"
    )
