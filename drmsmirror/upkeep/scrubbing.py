"""Scrubbing: files of records that were damaged are found before somebody needs them.

Whether each is there and has its size is looked at every time. Besides, each is read whole now and
then, those first that were longest not read; the catalogue remembers when. One in which something
was found stays known, until it is sound again or no longer part of its table.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drmsmirror.catalogue import CheckedFile
from drmsmirror.errors import DamageError
from drmsmirror.mirror import Mirror
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.intervals import Interval
from drmsmirror.model.positions import position_text
from drmsmirror.model.recordset import bind, parse_recordset, window_text
from drmsmirror.records import DataFile, RecordTable, problem_at_sight, problem_inside

__all__ = [
    "Damage",
    "files_to_read",
    "find_damage",
    "forget_damaged",
    "read_files",
    "refuse_damage",
]


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of records that is not as it was written.

    Parameters
    ----------
    file : DataFile
    problem : str
    """

    file: DataFile
    problem: str


def find_damage(mirror: Mirror, table: RecordTable, *, again: bool) -> list[Damage]:
    """Find damaged files without reading more than those in which something was found before.

    Parameters
    ----------
    mirror : Mirror
    table : RecordTable
    again : bool
        Whether those are read again; else what was found counts.
    """
    known = mirror.catalogue.checks.load(table.definition.name)
    found = []
    for file in table.data_files():
        problem = problem_at_sight(table, file)
        before = known.get(_path(mirror, table, file))
        if problem is None and before is not None and before.problem is not None:
            problem = problem_inside(table, file) if again else before.problem
        if problem is not None:
            found.append(Damage(file, problem))
    return found


def files_to_read(
    mirror: Mirror, table: RecordTable, most_bytes: float
) -> Iterator[tuple[DataFile, ...]]:
    """The files that are to be read whole now, those first that were longest not read.

    Parameters
    ----------
    mirror : Mirror
    table : RecordTable
    most_bytes : float
        Size of those that are given together, where it is not one alone.
    """
    days = mirror.settings.upkeep.scrub_days
    if not days:
        return
    known = mirror.catalogue.checks.load(table.definition.name)
    before = mirror.catalogue.database.clock() - timedelta(days=days)
    last = {
        file: _last_sound(file, known.get(_path(mirror, table, file)))
        for file in table.data_files()
    }
    due = (file for file in sorted(last, key=last.__getitem__) if last[file] < before)
    together: list[DataFile] = []
    for file in due:
        if together and sum(one.bytes for one in together) + file.bytes > most_bytes:
            yield tuple(together)
            together = []
        together.append(file)
    if together:
        yield tuple(together)


def read_files(mirror: Mirror, table: RecordTable, files: Sequence[DataFile]) -> None:
    """Read files whole, and remember what was found.

    Raises
    ------
    DamageError
        Some are damaged.
    """
    series, catalogue = table.definition.name, mirror.catalogue
    found = []
    for file in files:
        problem = problem_inside(table, file)
        catalogue.checks.save(series, _path(mirror, table, file), problem)
        if problem is not None:
            found.append(Damage(file, problem))
    catalogue.checks.keep_only(series, [_path(mirror, table, one) for one in table.data_files()])
    if found:
        refuse_damage(mirror, table, found)


def forget_damaged(mirror: Mirror, table: RecordTable) -> bool:
    """Take damaged files out of a table of whose stretch of the axis nothing is held any more.

    Nobody can read them, so that nobody who still reads needs them.

    Returns
    -------
    bool
        Whether there were any.

    Raises
    ------
    DamageError
        One has rows that are held.
    """
    held = mirror.catalogue.coverage(table.definition.name)
    looked_at = ((file, problem_inside(table, file)) for file in table.data_files())
    found = [Damage(file, problem) for file, problem in looked_at if problem is not None]
    if kept := [one for one in found if _is_held(one.file, held)]:
        refuse_damage(mirror, table, kept)
    table.forget_files([one.file for one in found])
    return bool(found)


def refuse_damage(mirror: Mirror, table: RecordTable, found: Sequence[Damage]) -> None:
    """Raise the error that says what is damaged, what it held, and how to get it back.

    Raises
    ------
    DamageError
    """
    raise DamageError("\n".join(_told(mirror, table, one) for one in found))


def _is_held(file: DataFile, held: Sequence[CoverageEntry]) -> bool:
    """Whether something is held of the stretch of the axis in which the rows of a file lie."""
    if file.low is None or file.high is None:
        return bool(held)
    stretch = Interval(file.low, file.high + 1)
    return any(entry.interval.intersection(stretch) for entry in held)


def _told(mirror: Mirror, table: RecordTable, damage: Damage) -> str:
    definition, file = table.definition, damage.file
    part, place = definition.name, f"partition {file.period}"
    if file.low is not None and file.high is not None and definition.axis.keyword is not None:
        (whole,) = bind(parse_recordset(definition.name), lambda _: definition).sets
        part = window_text(whole, Interval(file.low, file.high + 1))
        ends = (position_text(definition, end) for end in (file.low, file.high))
        place = f"{place}, {' to '.join(ends)}"
    is_kept = bool(mirror.catalogue.subscriptions.all(series=definition.name))
    again = "--all" if is_kept else shlex.quote(part)
    return (
        f"{table.path / file.path} of {definition.name} is damaged: {damage.problem}. It holds "
        f"{file.rows:,} rows of {place}. Put the file back from a copy of the mirror; without one, "
        f"what the upstream has of it comes back, without earlier versions, by\n"
        f"  drmsmirror drop {shlex.quote(part)}\n"
        f"  drmsmirror sync {again}"
    )


def _last_sound(file: DataFile, checked: CheckedFile | None) -> datetime:
    """When a file was last known to be sound: when it was written, where it was not read since."""
    written = datetime.fromtimestamp(file.written, UTC)
    if checked is None or checked.problem is not None:
        return written
    return max(written, checked.checked_utc)


def _path(mirror: Mirror, table: RecordTable, file: DataFile) -> str:
    return str((table.path / file.path).relative_to(mirror.root))
