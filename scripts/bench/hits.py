"""Files that are there: 100 of them from record set to paths, and among a million as among few.

A mirror holds the files of 100 records, as downloads left them, and the rows of a million others
(size small: 200,000), which are put into its catalogue by hand; another one those of a thousand.
What is found in the one must not take longer than in the other. The upstream's log says that it was
not asked.
"""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drmsmirror.client import Client
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments import Files
from drmsmirror.segments.room import Room
from drmsmirror.settings import Settings, load_settings
from drmsmirror.sharing import SharedUpstream
from drmsmirror.sync import sync
from drmsmirror.upstream import Jsoc
from scripts.bench.measure import Clock, Figure, clock, interleave, median, ratio
from tests.jsoc import SampleJsoc
from tests.jsoc.parquet import read_series

__all__ = ["figures", "run"]

_FEW = 1_000
_MANY = {"small": 200_000, "full": 1_000_000}
_REPEATS = {"small": 15, "full": 31}
_VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
_NAME = "hmi.M_45s"
_RECORDS = 100
_MOST_MS = 1.0
_MOST = 1.5
#: What takes less is compared with more beside it: a microsecond more or less is no matter.
_TOGETHER = 10
#: So large are the files that are not there.
_BYTES = 1000


def run(size: str) -> list[Figure]:
    """Measure, and check that all is found and nobody asked."""
    return figures(_FEW, _MANY[size], _REPEATS[size])


def figures(few: int, many: int, repeats: int) -> list[Figure]:
    """Measure among so many files."""
    with _prepared(few) as short, _prepared(many) as long:
        for case in (short, long):
            case.check()
        cases: dict[str, Callable[[], object]] = {"question": long.ask}
        for name, case in (("few", short), ("many", long)):
            cases |= {f"{what} {name}": action for what, action in case.actions().items()}
        taken = interleave(cases, repeats)
        whole = clock(long.get_by_command)
        for case in (short, long):
            if case.jsoc.requests:
                raise AssertionError(f"{len(case.jsoc.requests)} requests for what is there")
    return [
        _of_a_file(taken["get many"], taken["question"]),
        Figure(
            "hits",
            f"the same as `drmsmirror get`, a process, of {_RECORDS} files",
            f"{1000 * whole.wall / _RECORDS:.1f} ms a file",
        ),
        *(_figure(what, many, few, taken) for what in long.actions()),
    ]


@dataclass(frozen=True, slots=True)
class _Case:
    """A mirror with so many files, and who is open on it."""

    jsoc: SampleJsoc
    settings: Settings
    client: Client
    room: Room
    files: tuple[SegmentFile, ...]

    def actions(self) -> dict[str, Callable[[], object]]:
        """What is done with it."""
        return {
            "open the mirror": _several(self.open),
            "find the files of 100 records": _several(self.find),
            "get": self.get,
            "get one": self.get_one,
            "reserve room and give it back": _several(self.reserve),
            "choose what goes for others": _several(self.choose),
            "clear up after others": _several(self.finish_going),
            "count what may go": _several(self.room.may_go),
        }

    def check(self) -> None:
        """All files are there, with their bytes."""
        records = list(self.client.get(_NAME))
        paths = [path for record in records for path in record.paths.values()]
        if len(paths) != _RECORDS or not all(record.complete for record in records):
            raise AssertionError(f"{len(paths)} of {_RECORDS} files are there")
        if any(hashlib.sha256(path.read_bytes()).hexdigest() != path.name for path in paths):
            raise AssertionError("a file is not what its name says")

    def ask(self) -> None:
        """Ask for the records alone."""
        self.client.answer(_NAME, ["T_REC", "CAMERA", "*recnum*"]).texts()

    def open(self) -> None:
        Mirror.open(self.settings).close()

    def find(self) -> None:
        found = self.client.mirror.catalogue.segments.use(self.files)
        assert len(found) == _RECORDS

    def get(self) -> None:
        assert len(list(self.client.get(_NAME))) == _RECORDS

    def get_one(self) -> None:
        (record,) = self.client.get(_NAME, n=1)
        assert record.complete

    def reserve(self) -> None:
        self.room.reserve("0" * 64, _BYTES)
        self.client.mirror.catalogue.downloads.end(["0" * 64])

    def choose(self) -> None:
        chosen = self.client.mirror.catalogue.segments.least_used(self.room.used_before, most=100)
        assert len(chosen) == 100

    def finish_going(self) -> None:
        self.room.finish_going()

    def get_by_command(self) -> None:
        """Have a process of its own print the paths."""
        program = "from drmsmirror.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", program, "get", _NAME, "--mirror", str(self.settings.mirror)],
            check=True,
            capture_output=True,
            text=True,
        )
        assert len(done.stdout.splitlines()) == _RECORDS


def _several(action: Callable[[], object]) -> Callable[[], None]:
    def actions() -> None:
        for _ in range(_TOGETHER):
            action()

    return actions


@contextmanager
def _prepared(objects: int) -> Iterator[_Case]:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        whole = read_series(_VECTORS, _NAME)
        last = sorted(whole.columns["recnum"])[_RECORDS - 1]
        jsoc = opened.enter_context(SampleJsoc([whole.without(whole.columns["recnum"] > last)]))
        flags = {
            "upstream": {"url": jsoc.url, "requests_per_second": 1e5},
            "segments": {"min_free_gib": 0.0},
        }
        settings = load_settings(mirror=folder / "mirror", flags=flags)
        with Mirror.create(settings) as mirror:
            sync(mirror, SharedUpstream(mirror, Jsoc(settings.upstream)), _NAME)
        jsoc.bring_online(jsoc.sunums(_NAME, jsoc.series(_NAME).columns["recnum"].tolist()))
        with Client(settings) as client:
            files = tuple(client.wanted_files(_NAME).files())
            upstream = SharedUpstream(client.mirror, Jsoc(settings.upstream))
            there = [one for one in Files(client.mirror, upstream).get(files) if one.path]
            if len(there) != _RECORDS:
                raise AssertionError(f"{len(there)} of {_RECORDS} files came")
        _fill(settings.mirror / "catalogue.sqlite", objects - _RECORDS)
        jsoc.clear_requests()
        client = opened.enter_context(Client(settings))
        yield _Case(jsoc, settings, client, Room(client.mirror), files)


def _fill(path: Path, objects: int) -> None:
    """Put the rows of files into a catalogue, of records that follow, each used at its own time."""
    names = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(objects)]
    with closing(sqlite3.connect(path)) as connection:
        (last,) = connection.execute("SELECT max(recnum) FROM segment_files").fetchone()
        (used,) = connection.execute("SELECT datetime(min(used_utc)) FROM objects").fetchone()
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
            "AND tbl_name IN ('objects', 'segment_files')"
        ).fetchall()
        for name, _ in indexes:  # which is quicker than to keep them
            connection.execute(f"DROP INDEX {name}")
        connection.executemany(
            "INSERT INTO objects (sha256, bytes, stored_utc, used_utc) VALUES "
            "(?, ?, ?, strftime('%Y-%m-%d %H:%M:%f000', ?, ?))",
            (
                (name, _BYTES, "2020-01-01 00:00:00.000000", used, f"-{30 * 86400 + place} seconds")
                for place, name in enumerate(sorted(names))
            ),
        )
        connection.executemany(
            "INSERT INTO segment_files VALUES (?, 0, ?, 'magnetogram', ?, 'x.fits', ?)",
            (
                (_NAME.lower(), last + 1 + place, name, "2020-01-01 00:00:00.000000")
                for place, name in enumerate(names)
            ),
        )
        for _, statement in indexes:
            connection.execute(statement)
        connection.execute(
            "UPDATE object_totals SET objects = objects + ?, bytes = bytes + ?",
            (objects, objects * _BYTES),
        )
        connection.commit()


def _of_a_file(ours: list[Clock], floor: list[Clock]) -> Figure:
    milliseconds, least = (1000 * median(one) / _RECORDS for one in (ours, floor))
    return Figure(
        "hits",
        f"Client.get() of {_RECORDS} files that are there, no request",
        f"{milliseconds:.2f} ms a file",
        f"{least:.2f} ms (Client.answer() of the records)",
        f"{ratio(ours, floor):.1f}",
        f"below {_MOST_MS:g} ms",
        milliseconds < _MOST_MS,
    )


_WHAT = {"get": "Client.get() of 100 files", "get one": "Client.get() of one file"}


def _figure(what: str, many: int, few: int, taken: dict[str, list[Clock]]) -> Figure:
    ours, floor = (taken[f"{what} {name}"] for name in ("many", "few"))
    times = ratio(ours, floor)
    count = 1 if what in _WHAT else _TOGETHER
    return Figure(
        "hits",
        f"among {many:,} files: {_WHAT.get(what, what)}",
        f"{1000 * median(ours) / count:.2f} ms",
        f"{1000 * median(floor) / count:.2f} ms ({few:,} files)",
        f"{times:.2f}",
        f"at most {_MOST:g}",
        times <= _MOST,
    )
