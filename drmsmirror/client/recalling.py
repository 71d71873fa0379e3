"""Answer a question as the mirror stood at a moment; the upstream is not asked.

What was not held then cannot be had now. So the rows are all that the mirror had seen by then, and
what coverage then did not vouch for is said: where records or keywords were not held the question
is refused, unless a part will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drmsmirror.catalogue import Moment
from drmsmirror.client.answer import Answer, Source
from drmsmirror.client.batches import Batch
from drmsmirror.client.edges import with_edges_held
from drmsmirror.client.freshness import ANY_AGE
from drmsmirror.client.past import Past
from drmsmirror.client.planner import columns_needed
from drmsmirror.client.question import Asked
from drmsmirror.client.shortage import extent_words
from drmsmirror.errors import NotHeldError
from drmsmirror.mirror import Mirror
from drmsmirror.model.conditions import sub_selects_of
from drmsmirror.model.coverage import CoverageEntry, Versions, look_up
from drmsmirror.model.extent import Extent, extent_of
from drmsmirror.model.recordset import BoundRecordSet, BoundSet, bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.records import ALL_KEYS, KeyPlan, StoredRows, plan_keys, select_records

__all__ = ["recall"]

_MOST_EXTENTS = 3


def recall(mirror: Mirror, asked: Asked, moment: Moment, *, partial: bool = False) -> Answer:
    """Give the answer.

    Parameters
    ----------
    mirror : Mirror
    asked : Asked
    moment : Moment
    partial : bool
        Whether what was held will do where that was not all.

    Raises
    ------
    NotHeldError
        The mirror did not hold all that is asked for.
    """
    if asked.segments or asked.links:
        raise NotHeldError(
            "Where segments and links lead is not mirrored yet; ask for keywords alone"
        )
    past = Past(mirror, moment)
    bound = bind(parse_recordset(asked.ds), mirror.catalogue.definition)
    keys = _keys(past, bound.sets[0].series, asked.keys)
    if keys.not_held:
        raise NotHeldError(
            f"The mirror does not hold {', '.join(keys.not_held)} of {keys.definition.name}: it is "
            f"not among the keywords of the record table"
        )
    stood = [_Stood.of(past, one, plan_keys(one.series, keys.keys)) for one in bound.sets]
    lacking = [one.lacking for one in stood if one.lacking]
    if lacking and not partial:
        raise NotHeldError("\n".join(lacking))
    missing = "\n".join([*lacking, *(one.unsure for one in stood if one.unsure)])
    read = [entry.as_of_utc for one in stood for entry in one.used]
    return Answer(
        definition=keys.definition,
        keys=keys.keys,
        batches=_batches(past, bound, keys, asked.n),
        source=Source.LOCAL,
        complete=not missing,
        as_of_utc=min(read, default=past.ended_utc(keys.definition.name)),
        missing=missing,
    )


def _keys(past: Past, definition: SeriesDefinition, keys: Sequence[str]) -> KeyPlan:
    """The keys; all of them are those of which anything was held."""
    plan = plan_keys(definition, keys)
    then = past.coverage(definition.name)
    if ALL_KEYS not in keys or then is None or not then.entries:
        return plan
    known = frozenset[str]().union(*(entry.columns for entry in then.entries))
    held = [key for key in plan.keys if (c := definition.column(key)) is None or c.name in known]
    return plan_keys(definition, held)


def _batches(
    past: Past, bound: BoundRecordSet, keys: KeyPlan, limit: int | None
) -> Iterator[Batch]:
    for one in bound.sets:
        plan = plan_keys(one.series, keys.keys)
        formats = past.mirror.catalogue.codecs(one.series.name)
        table = past.table(one.series)
        rows = select_records(table, one, plan.columns, limit=limit, table_of=past.table)
        for batch in rows:
            yield StoredRows(plan, batch, formats)


@dataclass(frozen=True, slots=True)
class _Stood:
    """How one set of a question stood.

    ``used`` is what held it, ``lacking`` says what was not held of it, and ``unsure`` what nobody
    can tell.
    """

    used: tuple[CoverageEntry, ...] = ()
    lacking: str = ""
    unsure: str = ""

    @classmethod
    def of(cls, past: Past, wanted: BoundSet, keys: KeyPlan) -> _Stood:
        series = wanted.series
        table, then = past.table(series), past.coverage(series.name)
        if then is None:
            return cls(
                unsure=f"What was held completely of {series.name} at {past.moment} was not noted: "
                f"these are the records that had been read by then"
            )
        entries = ANY_AGE.of_generation(then.entries, then.generation)
        needed = columns_needed(wanted, keys)
        full = [entry for entry in entries if entry.columns >= needed]
        found = with_edges_held(table, past.table, wanted, full)
        stands = look_up(extent_of(found or wanted), full)
        if found is None or stands.missing:
            return cls(stands.used, lacking=_lacking(past, wanted, stands.missing, entries, needed))
        return cls(stands.used, unsure=_unsure(past, wanted, stands.used))


def _lacking(
    past: Past,
    wanted: BoundSet,
    missing: Sequence[Extent],
    entries: Sequence[CoverageEntry],
    needed: frozenset[str],
) -> str:
    """What of a set was not held."""
    series = wanted.series
    if entries and not look_up(extent_of(wanted), entries).missing:
        lacking = needed - frozenset.intersection(*(entry.columns for entry in entries))
        keys = ", ".join(column.key for column in series.columns if column.name in lacking)
        if keys:
            return (
                f"At {past.moment} the mirror did not hold {keys} of {series.name}; ask for other "
                f"keywords with --key"
            )
    parts = missing or extent_of(wanted)
    shown = "; ".join(extent_words(wanted, extent) for extent in parts[:_MOST_EXTENTS])
    more = f" and {len(parts) - _MOST_EXTENTS} more" if len(parts) > _MOST_EXTENTS else ""
    return (
        f"At {past.moment} the mirror did not hold all of {series.name} that is asked for: "
        f"{shown}{more} was missing. Take what had been read by then with --partial"
    )


def _unsure(past: Past, wanted: BoundSet, used: Sequence[CoverageEntry]) -> str:
    """Which superseded versions an answer may lack: those that came and went between two runs."""
    series = []
    if wanted.needs_all_versions and any(one.versions is not Versions.ALL for one in used):
        series.append(wanted.series.name)
    for chosen in (one for part in wanted.sql for one in sub_selects_of(part.tree)):
        then = past.coverage(chosen.series.name)
        entries = [one for one in then.entries if one.versions is Versions.ALL] if then else []
        if look_up(extent_of(BoundSet(chosen.series)), entries).missing:
            series.append(chosen.series.name)
    if not series:
        return ""
    names = ", ".join(dict.fromkeys(series))
    return (
        f"Of {names} superseded versions count too: these are those that the mirror had read by "
        f"{past.moment}, and there can have been others"
    )
