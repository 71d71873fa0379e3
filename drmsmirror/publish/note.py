"""What a target remembers of the last publication of a series.

It is written with the rows, so that the next publication knows what they are. It names the last run
of the mirror that they can contain something of, by number and time: another mirror, or a catalogue
that was restored, counts its runs otherwise, and then everything is compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drmsmirror.catalogue import Run
from drmsmirror.catalogue.masters import keyword_rows, link_rows, segment_rows, series_row
from drmsmirror.errors import DefinitionError, NotFoundError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.version import __version__

__all__ = ["Note", "added_columns", "first_run_to_take", "new_note", "types_of"]


@dataclass(frozen=True, slots=True)
class Note:
    """The last publication of a series.

    Parameters
    ----------
    series : str
        Canonical name.
    columns : tuple of tuple of str
        Name and DRMS type of each keyword column, in their order.
    prime_keys : tuple of str
        Columns that make a record's identity.
    definition : str
        Digest of the definition.
    table_version : int
        Version of the mirror's record table.
    run : int or None
        The mirror's last run for the series, when the records were read.
    run_started_utc : str or None
        When it began.
    run_has_ended : bool
        Whether it could bring no more records.
    records : int
        Number of records published.
    as_of_utc : str or None
        When the upstream was last asked for all that is new.
    published_utc : str
    published_by : str
        Version of drmsmirror.
    """

    series: str
    columns: tuple[tuple[str, str], ...]
    prime_keys: tuple[str, ...]
    definition: str
    table_version: int
    run: int | None
    run_started_utc: str | None
    run_has_ended: bool
    records: int
    as_of_utc: str | None
    published_utc: str
    published_by: str


def types_of(definition: SeriesDefinition) -> dict[str, str]:
    """DRMS type of each keyword column, by name."""
    return {column.name: str(column.type) for column in definition.columns}


def new_note(
    mirror: Mirror, definition: SeriesDefinition, run: Run | None, version: int, records: int
) -> Note:
    """The note of a publication made now.

    Parameters
    ----------
    run : Run or None
        The last run of the series, as it stood before the record table was opened.
    version : int
        Version of the record table that was read.
    records : int
        Number of records published.
    """
    state = mirror.catalogue.state(definition.name)
    return Note(
        series=definition.name,
        columns=tuple(types_of(definition).items()),
        prime_keys=definition.internal_prime_keys,
        definition=_digest(definition),
        table_version=version,
        run=run.id if run else None,
        run_started_utc=_text(run.started_utc) if run else None,
        run_has_ended=bool(run and run.finished_utc),
        records=records,
        as_of_utc=_text(state.watermark_utc) if state.watermark_utc else None,
        published_utc=_text(mirror.catalogue.database.clock()),
        published_by=__version__,
    )


def first_run_to_take(mirror: Mirror, note: Note) -> int | None:
    """The first run whose records a publication may lack; None where that cannot be told."""
    if note.run is None:
        return None
    try:
        known = mirror.catalogue.runs.load(note.run)
    except NotFoundError:
        return None
    if known.series != note.series or _text(known.started_utc) != note.run_started_utc:
        return None
    filled = mirror.catalogue.state(note.series).filled_run
    if filled is not None and filled >= known.id:  # in their place: the rows do not say so
        return None
    return known.id + 1 if note.run_has_ended else known.id


def added_columns(note: Note, definition: SeriesDefinition, target: str) -> tuple[str, ...]:
    """Columns of keywords that the series has gained since.

    Raises
    ------
    DefinitionError
        The series changed in another way, so that what was published cannot be continued.
    """
    before, now = dict(note.columns), types_of(definition)
    problem = _difference(note, before, definition.internal_prime_keys, now)
    if problem:
        raise DefinitionError(
            f"{definition.name} no longer fits what was published in {target}: {problem}. "
            f"Nothing was changed there. To replace it, and lose what others built upon it, "
            f"publish it again with --rebuild"
        )
    return tuple(name for name in now if name not in before)


def _difference(
    note: Note, before: Mapping[str, str], keys: tuple[str, ...], now: Mapping[str, str]
) -> str | None:
    if note.prime_keys != keys:
        return f"its prime keys were {', '.join(note.prime_keys)} and are {', '.join(keys)}"
    for name, type_ in before.items():
        if name not in now:
            return f"its column {name} is gone"
        if now[name] != type_:
            return f"its column {name} was {type_} and is {now[name]}"
    return None


def _digest(definition: SeriesDefinition) -> str:
    rows: list[dict[str, Any]] = [
        series_row(definition),
        *keyword_rows(definition, {}),
        *segment_rows(definition),
        *link_rows(definition),
    ]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
