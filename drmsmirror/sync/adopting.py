"""Take over the definition of a series, and have what is held follow it.

What a keyword that was dropped had stays in the record table. Where a type became wider, the table
is made anew beside the one that is read, and takes its place when it is whole. What cannot follow
is refused, and nothing is changed.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from dataclasses import replace

import pyarrow.compute as pc

from drmsmirror.catalogue import Lease, RunKind
from drmsmirror.errors import DefinitionError
from drmsmirror.files import remove_directory
from drmsmirror.mirror import Mirror
from drmsmirror.model.codecs import MISSING_TEXT, Codec, codec_of, default_codec, learn_codec
from drmsmirror.model.coverage import CoverageEntry, coalesce, come_back, forget
from drmsmirror.model.evolution import Evolution, Retyped, evolution_of, exact_below
from drmsmirror.model.intervals import around, gaps
from drmsmirror.model.series import Column, SeriesDefinition
from drmsmirror.records import (
    FormerColumn,
    RecordTable,
    Widening,
    has_beyond,
    positions_lacking,
    rebuild,
    sample_of,
)
from drmsmirror.runs import recorded_run

__all__ = ["adopt_additions", "adopt_definition"]

_log = logging.getLogger(__name__)

#: Values of which the format of a wider type is learnt.
_SAMPLE = 2000

#: Pieces into which what is held is cut at most by records that lack a keyword.
_MOST_PIECES = 100


def adopt_definition(
    mirror: Mirror, definition: SeriesDefinition, upstream_url: str, lease: Lease
) -> list[str]:
    """Take over a series' definition, and have what is held follow it.

    Parameters
    ----------
    mirror : Mirror
    definition : SeriesDefinition
        As the upstream has it now.
    upstream_url : str
    lease : Lease
        The hold on the series.

    Returns
    -------
    list of str
        What became of what is held, for a person.

    Raises
    ------
    DefinitionError
        What is held was stored by a definition that this one contradicts: prime keys, their slots
        or a type changed so that it cannot follow. Nothing is changed then.
    StoreError
        The record table cannot be written anew; it stays as it is.
    """
    table = _table(mirror, definition.name)
    if table is None:
        mirror.catalogue.save_definition(definition, upstream_url=upstream_url)
        return []
    evolution = _evolution(table, definition)
    _refuse(table, evolution.hindrance or _beyond_exactness(table, evolution))
    if not evolution:
        mirror.catalogue.save_definition(definition, upstream_url=upstream_url)
        return []
    notices = _notices(table, definition, evolution)
    # a run of its own, so that what was held before it and after it can be told apart
    name = definition.name
    with recorded_run(mirror, name, name, RunKind.MAINTAIN, notices=notices):
        _follow(mirror, table, definition, evolution, upstream_url, lease)
    for notice in notices:
        _log.warning(notice)
    return notices


def adopt_additions(mirror: Mirror, definition: SeriesDefinition, upstream_url: str) -> None:
    """Take over a series' definition where it is the one that is known, with keywords added.

    Questions and imports do no more than that: they are not asked to change what is held.

    Raises
    ------
    DefinitionError
        It differs in another way. Nothing is changed then.
    """
    table = _table(mirror, definition.name)
    evolution = Evolution() if table is None else _evolution(table, definition)
    if table is not None and evolution:
        _refuse(table, evolution.hindrance)
        changed = (*evolution.dropped, *evolution.returned, *(o.now for o in evolution.retyped))
        keys = ", ".join(dict.fromkeys(column.key for column in changed))
        raise DefinitionError(
            f"The definition of {definition.name} is not the one by which its records are held: it "
            f"differs in {keys}. Nothing was changed. Have the mirror follow the upstream first:\n"
            f"  drmsmirror sync {shlex.quote(definition.name)}"
        )
    mirror.catalogue.save_definition(definition, upstream_url=upstream_url)


def _table(mirror: Mirror, series: str) -> RecordTable | None:
    """The record table of a series, by the definition that is known; None without one."""
    catalogue = mirror.catalogue
    if not catalogue.knows(series) or catalogue.state(series).table_path is None:
        return None
    return mirror.table(catalogue.definition(series))


def _evolution(table: RecordTable, now: SeriesDefinition) -> Evolution:
    return evolution_of(table.definition, now, [one.column for one in table.former])


def _refuse(table: RecordTable, hindrance: str) -> None:
    if hindrance:
        name = table.definition.name
        raise DefinitionError(
            f"The definition of {name} no longer fits what is held: {hindrance}. Nothing was "
            f"changed, and what is held can still be queried. To hold the new form, sync it into "
            f"another mirror (--mirror DIR), or give up what is held and begin anew:\n"
            f"  drmsmirror drop {shlex.quote(name)}"
        )


def _beyond_exactness(table: RecordTable, evolution: Evolution) -> str:
    """Which values the wider type of a column could not tell apart; empty where it can all."""
    for one in evolution.retyped:
        limit = exact_below(one.before.type, one.now.type)
        if limit is not None and has_beyond(table, one.before.name, limit):
            return (
                f"its keyword {one.now.key} was {one.before.type} and is {one.now.type}, which "
                f"cannot tell numbers above {limit} apart, and some are held"
            )
    return ""


def _follow(
    mirror: Mirror,
    table: RecordTable,
    definition: SeriesDefinition,
    evolution: Evolution,
    upstream_url: str,
    lease: Lease,
) -> None:
    """Change what is held: the record table first, then in one transaction what speaks of it."""
    catalogue, series = mirror.catalogue, definition.name
    state, codecs = catalogue.state(series), catalogue.codecs(series)
    entries = _entries(mirror, table, definition, evolution)
    former = _former(table, evolution, codecs)
    learnt = _codecs(table, evolution, codecs)
    path = str(state.table_path)
    if evolution.retyped:
        path = mirror.path_for_rebuilding(state)
        catalogue.note_new_table(series, path, lease)
        remove_directory(mirror.root / path)
        widenings = [
            Widening(one.before.name, _codec(table, one.before, codecs), one.now.type)
            for one in evolution.retyped
        ]
        file_bytes = mirror.settings.records.target_file_mib * 2**20
        table = rebuild(table, mirror.root / path, definition, widenings, former, file_bytes)
    elif evolution.dropped:
        table.keep_former(former)
    catalogue.evolve(
        definition,
        upstream_url=upstream_url,
        entries=entries,
        codecs=learnt,
        table_version=table.version,
        table_path=path,
        lease=lease,
    )


def _former(
    table: RecordTable, evolution: Evolution, codecs: dict[str, str]
) -> tuple[FormerColumn, ...]:
    """Columns that were dropped; of those that are there again it does no harm to say so."""
    gone = [FormerColumn(one, codecs.get(one.keyword.name)) for one in evolution.dropped]
    return (*table.former, *gone)


def _codec(table: RecordTable, column: Column, codecs: dict[str, str]) -> Codec:
    """By what the values of a column print that is held, one that was dropped among them."""
    learnt = {one.column.name: one.codec for one in table.former}
    known = learnt.get(column.name) or codecs.get(column.keyword.name)
    return codec_of(column.keyword, known) or default_codec(column.keyword)


def _codecs(table: RecordTable, evolution: Evolution, codecs: dict[str, str]) -> dict[str, str]:
    """Formats of keywords that print otherwise from now on, or again."""
    found = {
        column.keyword.name: one.codec
        for column in evolution.returned
        for one in table.former
        if one.codec and one.column.name == column.name and one.column.type is column.type
    }
    for one in evolution.retyped:
        known = codec_of(one.now.keyword) or _relearnt(table, one, codecs)
        if known is not None and one.now.keyword.format is None:
            found.setdefault(one.now.keyword.name, known.format)
    return found


def _relearnt(table: RecordTable, changed: Retyped, codecs: dict[str, str]) -> Codec | None:
    """By what a wider type prints what is held as it printed before, or most of it."""
    values = sample_of(table, changed.before.name, _SAMPLE)
    texts = _codec(table, changed.before, codecs).strings(values)
    return learn_codec(changed.now.keyword, texts.filter(pc.not_equal(texts, MISSING_TEXT)))


def _entries(
    mirror: Mirror, table: RecordTable, definition: SeriesDefinition, evolution: Evolution
) -> tuple[CoverageEntry, ...]:
    """What is held completely by the new definition."""
    series = definition.name
    held = forget(
        mirror.catalogue.coverage(series),
        [column.name for column in evolution.dropped],
        [one.now.name for one in evolution.retyped],
    )
    for column in evolution.returned:
        then = mirror.catalogue.history.last_naming(series, column.name)
        again = [
            part
            for entry in come_back(then, held, column.name)
            for part in _without_lacking(table, entry, column.name)
        ]
        held = coalesce([*held, *again])
    return held


def _without_lacking(table: RecordTable, entry: CoverageEntry, column: str) -> list[CoverageEntry]:
    """The parts of an entry in which no record lacks a column."""
    axis = table.definition.axis
    lacking = around(
        positions_lacking(table, column, entry.extent).tolist(),
        _MOST_PIECES,
        whole=axis.slotted or axis.keyword is None,
    )
    return [replace(entry, interval=part) for part in gaps(entry.interval, lacking)]


def _notices(table: RecordTable, definition: SeriesDefinition, evolution: Evolution) -> list[str]:
    series = definition.name
    notices = []
    if evolution.dropped:
        notices.append(
            f"{series} no longer has {_keys(evolution.dropped)}. What is held of it stays in the "
            f"record table, and SQL shows it in {series.lower()}_all"
        )
    if evolution.returned:
        notices.append(
            f"{series} has {_keys(evolution.returned)} again. What was held of it counts again; "
            f"records that came in between are read. Whether older values are the same now, "
            f"--reconcile --full tells"
        )
    if evolution.retyped:
        changes = ", ".join(
            f"{one.now.key} was {one.before.type} and is {one.now.type}"
            for one in evolution.retyped
        )
        notices.append(
            f"Types of {series} changed: {changes}. Its record table was made anew with "
            f"{table.row_count():,} rows; the one before is removed by later upkeep"
        )
    return notices


def _keys(columns: Sequence[Column]) -> str:
    return ", ".join(column.key for column in columns)
