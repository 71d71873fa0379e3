"""A growing series, synced night after night, and what the mirror then consists of.

``python -m tests.nights 1000`` does so a thousand times, prints the figures, and fails where they
are not bounded; `scripts/soak nights` runs it. A small number of nights is a test.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from drmsmirror.catalogue import tables
from drmsmirror.upkeep import Kind, usage
from tests.jsoc import SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

__all__ = ["KEEP_RUNS", "Figures", "nightly", "problems"]

NAME = "hmi.M_45s"

#: A night is over in less than a second here, so that nobody who still reads has to be waited for.
KEEP_RUNS = 5
SECTIONS = {
    "upkeep": {"keep_hours": 0, "keep_runs": KEEP_RUNS},
    "records": {"compact_above_files": 4},
}

#: What there may be at most after any night, however many there were.
_MOST_FILES = 5
_MOST_LOG_FILES = 40
_MOST_LOG_BYTES = 400_000

#: Nights after which a record comes again with other values.
_REVISED_AFTER = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """What a mirror consists of after some nights.

    Parameters
    ----------
    nights : int
    rows : int
        Of the series, all versions counted.
    files, superseded : int
        Files of records in use, and others.
    log_files, log_bytes, commits : int
        Of the Delta log; the commits that a reader goes through.
    checkpoint : bool
        Whether there is one.
    catalogue_rows : dict of str to int
        By table.
    seconds : float
        Time that the last sync took.
    """

    nights: int
    rows: int
    files: int
    superseded: int
    log_files: int
    log_bytes: int
    commits: int
    checkpoint: bool
    catalogue_rows: dict[str, int]
    seconds: float


def nightly(copy: Copy, nights: int) -> Iterator[Figures]:
    """Sync night after night: each brings two new records, and another version of an old one."""
    copy.sync(NAME)
    numbers: list[int] = []
    for night in range(nights):
        day = f"{2015 + night // 336}.{night // 28 % 12 + 1:02}.{night % 28 + 1:02}"
        numbers += [
            copy.jsoc.append(NAME, {"T_REC": f"{day}_{hour}:00:00_TAI", "CAMERA": 1})
            for hour in ("06", "18")
        ]
        if night >= _REVISED_AFTER:
            copy.jsoc.revise(NAME, [numbers[-2 * _REVISED_AFTER]], {"DATARMS": float(night)})
        begun = time.perf_counter()
        copy.sync(NAME)
        yield _figures(copy, night + 1, time.perf_counter() - begun)


def problems(now: Figures) -> list[str]:
    """What is more than it may be, whatever the number of nights."""
    bounds = {
        "files of records": (now.files, _MOST_FILES),
        "superseded files": (now.superseded, _MOST_FILES),
        "files of the log": (now.log_files, _MOST_LOG_FILES),
        "bytes of the log": (now.log_bytes, _MOST_LOG_BYTES),
        "rows of runs": (now.catalogue_rows["runs"], KEEP_RUNS),
        "rows of the history": (now.catalogue_rows["coverage_history"], KEEP_RUNS + 1),
        "rows of coverage": (now.catalogue_rows["coverage"], 3),
        "drops": (now.catalogue_rows["drops"], 0),
    }
    found = [
        f"{name}: {count:,} > {most:,}" for name, (count, most) in bounds.items() if count > most
    ]
    if now.nights > _MOST_LOG_FILES and not now.checkpoint:
        found.append("no checkpoint")
    return found


def _figures(copy: Copy, nights: int, seconds: float) -> Figures:
    with copy.open() as mirror:
        rooms = {room.kind: room for room in usage(mirror, NAME).rooms}
        log = mirror.table(mirror.catalogue.definition(NAME)).log()
        with mirror.catalogue.database.read() as connection:
            rows = {
                table.name: connection.scalar(select(func.count()).select_from(table)) or 0
                for table in tables.metadata.sorted_tables
            }
        superseded = rooms.get(Kind.SUPERSEDED)
        return Figures(
            nights=nights,
            rows=mirror.catalogue.state(NAME).rows_held,
            files=rooms[Kind.RECORDS].files,
            superseded=superseded.files if superseded else 0,
            log_files=len(log.files),
            log_bytes=log.bytes,
            commits=log.commits_to_read,
            checkpoint=log.checkpoint is not None,
            catalogue_rows=rows,
            seconds=seconds,
        )


def main(count: int) -> int:
    """Make the nights, and print figures now and then."""
    with tempfile.TemporaryDirectory() as directory, SampleJsoc([series(NAME, 60)]) as jsoc:
        copy = Copy(settings_for(Path(directory) / "mirror", jsoc, **SECTIONS), jsoc)
        for now in nightly(copy, count):
            wrong = problems(now)
            if wrong or now.nights % max(1, count // 10) == 0:
                sys.stdout.write(
                    f"{now.nights:5} nights, {now.rows} rows: {now.files} files, "
                    f"{now.superseded} superseded; log of {now.log_files} files, "
                    f"{now.log_bytes:,} bytes, {now.commits} commits to read; "
                    f"{now.catalogue_rows['runs']} runs, sync in {now.seconds:.2f} s\n"
                )
            if wrong:
                sys.stdout.write("too many: " + "; ".join(wrong) + "\n")
                return 1
        copy.assert_same(NAME)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
