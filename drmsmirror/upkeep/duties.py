"""What is due, in the order of its use: found out from what is there, and from nothing else.

Each duty is looked for when the one before it was carried out, or passed over. One that was carried
out is not due again right after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from drmsmirror.catalogue import Care, Lease, Superfluous
from drmsmirror.files import abandoned_files, remove_abandoned, remove_file
from drmsmirror.mirror import Mirror
from drmsmirror.records import RecordTable, crowded_periods, rewrite
from drmsmirror.settings import Settings
from drmsmirror.sharing import AnswerStore
from drmsmirror.upkeep.removing import carry_out, goes_at, is_replaced
from drmsmirror.upkeep.scrubbing import files_to_read, find_damage, read_files, refuse_damage

__all__ = ["Duty", "duties_of_mirror", "duties_of_series", "left_over"]

#: Small files that a partition which hardly grows any more is left with at most.
_FILES_WHEN_OVER = 4

#: Commits beyond the last checkpoint from which another one is made.
_COMMITS = 20

#: Without haste files are removed when they are so many, or such a share of the table.
_MANY_FILES = 32
_MUCH = 0.1

#: Rows of the catalogue that are too many go when they are such a share of those that stay.
_MANY_ROWS = 0.1

#: Bytes of records that are read in one step.
_READ_AT_ONCE = 2**30

#: A temporary file belongs to a process that works on it, unless it is older, seconds.
_ABANDONED = 3600.0

_CARE = {
    Care.ANALYZE: "look at how the tables of the catalogue are filled",
    Care.VACUUM: "write the catalogue anew without its empty pages",
}


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that is due.

    Parameters
    ----------
    what : str
        In words.
    carry_out : callable
        Does it.
    bytes : int
        What it frees, as far as that is known before.
    is_recorded : bool
        Whether it is worth a row in the list of runs; what only shortens that list is not.
    """

    what: str
    carry_out: Callable[[], object]
    bytes: int = 0
    is_recorded: bool = True


def duties_of_series(
    mirror: Mirror, series: str, lease: Lease | None, *, thorough: bool
) -> Iterator[Duty]:
    """What is due of one series.

    Parameters
    ----------
    mirror : Mirror
    series : str
        That the catalogue knows.
    lease : Lease or None
        The hold on it; without one nothing may be carried out.
    thorough : bool
        Whether what is hardly worth its while counts too.
    """
    now = mirror.catalogue.database.clock()
    for drop in mirror.catalogue.drops.pending(series):
        if goes_at(mirror, drop) > now:
            continue
        what = f"finish the drop of {drop.record_set}"
        if is_replaced(mirror, drop):
            what = f"remove the record table {drop.table_path}, which is not the one in use"
        yield Duty(what, partial(carry_out, mirror, drop, lease))
    if mirror.catalogue.state(series).table_path is not None:
        table = mirror.table(mirror.catalogue.definition(series))
        if damage := find_damage(mirror, table, again=thorough):
            what = f"see to {_count(damage, 'damaged file')} of the records"
            yield Duty(what, partial(refuse_damage, mirror, table, damage))
        version = table.version
        yield from _duties_of_table(table, mirror.settings, thorough=thorough)
        if table.version != version:
            mirror.catalogue.record_window(
                series,
                entries=(),
                table_version=table.version,
                rows_held=table.row_count(),
                lease=lease,
            )
        yield from _reading(mirror, table, thorough=thorough)
    keep = mirror.settings.upkeep.keep_runs
    found = mirror.catalogue.superfluous(keep_runs=keep, series=series)
    if found.total >= (1 if thorough else max(1, _MANY_ROWS * keep)):
        prune = partial(mirror.catalogue.prune, keep_runs=keep, series=series)
        yield Duty(_pruning(found), prune, is_recorded=False)


def duties_of_mirror(mirror: Mirror) -> Iterator[Duty]:
    """What is due of all that belongs to no series."""
    store = AnswerStore(mirror)
    excess, abandoned = store.excess(), store.abandoned()
    if excess or abandoned:
        what = "remove kept answers that are too many, or that nobody can find"
        yield Duty(what, store.tidy, excess + _size(abandoned))
    if files := left_over(mirror):
        what = f"remove {_count(files, 'temporary file')} of processes that were killed"
        yield Duty(what, partial(_remove, files, remove_abandoned), _size(files))
    keep = mirror.settings.upkeep.keep_runs
    found = mirror.catalogue.superfluous(keep_runs=keep)  # of series that are gone as well
    if found.total:
        prune = partial(mirror.catalogue.prune, keep_runs=keep)
        yield Duty(_pruning(found), prune, is_recorded=False)
    for care in mirror.catalogue.care_needed():
        yield Duty(_CARE[care], partial(mirror.catalogue.take_care, care))


def left_over(mirror: Mirror) -> list[Path]:
    """Temporary files, and directories, of our own that nobody works on, but for the records'."""
    before = time.time() - _ABANDONED
    directories = [mirror.root, *AnswerStore(mirror).directories()]
    return [file for one in directories for file in abandoned_files(one, before)]


def _reading(mirror: Mirror, table: RecordTable, *, thorough: bool) -> Iterator[Duty]:
    """Read files of the records that were not read for long, some at a time."""
    most = _READ_AT_ONCE if thorough else mirror.settings.upkeep.scrub_mib * 2**20
    portions = files_to_read(mirror, table, most)
    for files in portions if thorough else islice(portions, 1 if most else 0):
        what = f"read {_count(files, 'file')} of the records, to see whether all is sound"
        yield Duty(what, partial(read_files, mirror, table, files))


def _duties_of_table(table: RecordTable, settings: Settings, *, thorough: bool) -> Iterator[Duty]:
    file_bytes = settings.records.target_file_mib * 2**20
    for period in crowded_periods(
        table,
        above_files=settings.records.compact_above_files,
        file_bytes=file_bytes,
        above_files_when_over=_FILES_WHEN_OVER,
    ):
        what = f"make few files of the many of partition {period}"
        yield Duty(what, partial(rewrite, table, period, file_bytes))
    keep = settings.upkeep.keep_hours
    unused = table.unused_files(keep)
    if unused and (thorough or _is_worth_while(table, unused)):
        what = f"remove {_count(unused, 'file')} of the records that no reader needs"
        yield Duty(what, partial(table.remove_unused_files, keep), _size(unused))
    yield from _duties_of_log(table, keep)


def _duties_of_log(table: RecordTable, keep_hours: int) -> Iterator[Duty]:
    if table.keeps_log_for != keep_hours:
        what = f"keep the log of the records for {keep_hours} hours"
        yield Duty(what, partial(table.keep_log_for, keep_hours))
    before, log = time.time() - keep_hours * 3600, table.log()
    old = log.old(before)
    if log.commits_to_read >= _COMMITS:
        goes = sum(file.bytes for file in log.files if file.version and file.written < before)
        what = "write down the state of the record table, and shorten its log"
        yield Duty(what, partial(table.shorten_log, checkpoint=True), goes)
    elif old:
        what = f"remove {_count(old, 'file')} of the log that no reader needs"
        shorten = partial(table.shorten_log, checkpoint=False)
        yield Duty(what, shorten, sum(file.bytes for file in old))
    if unfinished := [file.path for file in log.abandoned(time.time() - _ABANDONED)]:
        what = f"remove {_count(unfinished, 'commit')} of processes that were killed"
        yield Duty(what, partial(_remove, unfinished, remove_file), _size(unfinished))


def _is_worth_while(table: RecordTable, unused: Sequence[Path]) -> bool:
    held = sum(size for sizes in table.file_sizes().values() for size in sizes)
    return len(unused) >= _MANY_FILES or _size(unused) >= _MUCH * held


def _remove(files: Sequence[Path], remove: Callable[[Path], None]) -> None:
    for file in files:
        remove(file)


def _size(files: Sequence[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.exists())


def _count(things: Sequence[object], name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def _pruning(found: Superfluous) -> str:
    parts = {
        "runs": found.runs,
        "states of coverage": found.history,
        "failures of questions": found.failures,
    }
    told = ", ".join(f"{count:,} old {name}" for name, count in parts.items() if count)
    return f"forget {told}"
