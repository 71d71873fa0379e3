"""What a mirror is used for, killed wherever it leaves something behind, and done again.

``python -m tests.faults.kills`` kills each of these deeds at every visit of every fail point, and
fails where what is there after the next run is not what an undisturbed run leaves; ``scripts/soak
kills`` runs it. A test takes the visits that each deed names.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from drmsmirror.catalogue import Catalogue, utc_now
from drmsmirror.catalogue.processes import has_ended
from drmsmirror.errors import NotHeldError
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.subscription import Subscription
from drmsmirror.objects import Condition, ObjectStore
from drmsmirror.records import connect
from drmsmirror.upstream import Jsoc
from tests.forking import Ended, Forks, forks
from tests.jsoc import FaultKind, SampleJsoc
from tests.unit.sync.mirrors import Copy, series, settings_for

__all__ = ["BESIDE", "DEEDS", "NAME", "Deed", "Stage", "every_visit", "kill_all", "stage"]

NAME = "hmi.M_45s"
#: The whole of it, as what is compared is called.
TEXT = f"{NAME}[]"
ROWS = 100

#: The place beside the mirror to which a deed writes, in its arguments.
BESIDE = "{beside}"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a mirror is used for.

    Parameters
    ----------
    name : str
    arguments : tuple of str
        The command.
    at : tuple of str
        Visits at which a test has it killed.
    prepare : callable
        Makes the mirror, and changes its upstream.
    variables : dict of str to str
        Settings, by environment.
    codes : tuple of int
        Exit codes of the next time: to do some things twice is an error.
    again : tuple of str
        What is done next, where that is another command.
    code : int
        Exit code of an undisturbed run.
    set_back : callable
        Has the upstream as it was, before each time that it is done.
    """

    name: str
    arguments: tuple[str, ...]
    at: tuple[str, ...]
    prepare: Callable[[Copy, Path], None]
    variables: dict[str, str] = field(default_factory=dict)
    codes: tuple[int, ...] = (0,)
    again: tuple[str, ...] | None = None
    code: int = 0
    set_back: Callable[[Copy], object] = lambda _: None


class Stage:
    """A mirror as it is before a deed, copied for each time that it is done.

    Parameters
    ----------
    deed : Deed
    copy : Copy
        What is copied.
    beside : Path
        A directory that goes with it.
    forks : Forks
    """

    def __init__(self, deed: Deed, copy: Copy, beside: Path, running: Forks) -> None:
        self.deed = deed
        self._copy = copy
        self._beside = beside
        self._forks = running
        with self._another() as (other, beside_it):
            done = self._run(other, beside_it, deed.arguments, "none")
            assert done.returncode == deed.code, done.said
            if deed.again:
                assert self._run(other, beside_it, deed.again).returncode == 0
            #: How often an undisturbed run comes to each point.
            self.visits = done.visits
            #: What it leaves.
            self.undisturbed = what_is_there(other, beside_it)

    def kill(self, at: str) -> None:
        """Have it killed, and done again; what is there must be what an undisturbed run leaves."""
        self._end_and_go_on(at, -signal.SIGKILL)

    def stop(self, at: str, number: signal.Signals) -> None:
        """Have it stopped by a signal that it hears of; it says so, and the same must follow."""
        visit = at if ":" in at else f"{at}:1"
        said = self._end_and_go_on(f"{visit}:{number.name}", 128 + number)
        assert said.endswith("Interrupted; what was finished is kept.\n")

    def _end_and_go_on(self, at: str, code: int) -> str:
        with self._another() as (copy, beside):
            ended = self._run(copy, beside, self.deed.arguments, at)
            assert ended.returncode == code, ended.said
            assert "Traceback" not in ended.said, ended.said
            again = self._run(copy, beside, self.deed.again or self.deed.arguments)
            assert again.returncode in self.deed.codes, again.said
            assert "Traceback" not in again.said, again.said
            there = what_is_there(copy, beside)
            assert there == self.undisturbed, "\n".join(_differences(there, self.undisturbed))
        return ended.said

    def _run(
        self, copy: Copy, beside: Path, arguments: tuple[str, ...], at: str | None = None
    ) -> Ended:
        variables = {} if at is None else {"DRMSMIRROR_FAILPOINT": at}
        given = tuple(argument.replace(BESIDE, str(beside)) for argument in arguments)
        return self._forks.run(given, copy.environment(**self.deed.variables, **variables))

    @contextmanager
    def _another(self) -> Iterator[tuple[Copy, Path]]:
        with tempfile.TemporaryDirectory() as folder:
            root, beside = Path(folder) / "mirror", Path(folder) / "beside"
            if self._copy.settings.mirror.exists():
                shutil.copytree(self._copy.settings.mirror, root)
            shutil.copytree(self._beside, beside)
            settings = self._copy.settings.model_copy(update={"mirror": root})
            self.deed.set_back(self._copy)
            yield Copy(settings, self._copy.jsoc), beside


@contextmanager
def stage(deed: Deed, running: Forks) -> Iterator[Stage]:
    """Prepare for a deed."""
    with tempfile.TemporaryDirectory() as folder, SampleJsoc([series(NAME, ROWS)]) as jsoc:
        small = {"first_window": 40, "max_window": 40}
        copy = Copy(settings_for(Path(folder) / "mirror", jsoc, sync=small), jsoc)
        beside = Path(folder) / "beside"
        beside.mkdir()
        deed.prepare(copy, beside)
        yield Stage(deed, copy, beside, running)


# -- what is there --------------------------------------------------------------------------------


def what_is_there(copy: Copy, beside: Path) -> dict[str, Any]:
    """Everything that a mirror says and holds, but for times of day, and numbers of runs."""
    with copy.open() as mirror:
        catalogue = mirror.catalogue
        found: dict[str, Any] = {
            "leases": [one for one in catalogue.leases.all() if not has_ended(one.holder)],
            "drops": catalogue.drops.pending(),
            "subscriptions": [one.subscription for one in catalogue.subscriptions.all()],
            "tags": [(tag.name, tag.note) for tag in catalogue.tags.all()],
            "duties": sorted((duty.name, duty.outcome) for duty in catalogue.duties.all()),
            "answers": catalogue.answers.totals()[0],
            "ordered": [one.digest for one in catalogue.orders.pending(copy.settings.upstream.url)],
            "answer files": len(list(mirror.root.glob("answers/*/*.parquet"))),
            "files": sorted(path.name for path in mirror.root.iterdir() if _counts(path)),
            "beside": {str(path.relative_to(beside)): _content(path) for path in _files(beside)},
        }
        for known in catalogue.series():
            found[known.name] = _of_series(mirror, known.name)
        found["segment files"] = _segment_files(mirror)
    if (mirror.root / "catalogue.copy.sqlite").exists():
        with Catalogue.open(mirror.root / "catalogue.copy.sqlite", read_only=True) as published:
            found["published"] = {
                one.name: _without_times(published.coverage(one.name)) for one in published.series()
            }
    return found


def _segment_files(mirror: Mirror) -> dict[str, Any]:
    """What of them is there and whole; bytes that were let go may still have to be removed."""
    catalogue, store = mirror.catalogue, mirror.objects
    indexed = catalogue.segments.objects(most=1000)
    unsound = [one for one in indexed if not _is_sound(store, one.sha256)]
    return {
        "files": {one.sha256: catalogue.segments.files_of(one.sha256) for one in indexed},
        "made": {one.sha256: catalogue.made.of_object(one.sha256) for one in indexed},
        "unsound": unsound,
        "wanted": catalogue.segments.wanted(),
        "pins": [(one.record_set, one.files) for one in catalogue.pins.all()],
        "totals": catalogue.segments.totals(),
        "reserved": catalogue.downloads.reserved(),
        "parts": [path.name for path in mirror.root.glob("objects/incoming/*.part")],
    }


def _is_sound(store: ObjectStore, sha256: str) -> bool:
    return store.hash_of(sha256).condition is Condition.INTACT


def _of_series(mirror: Mirror, name: str) -> dict[str, Any]:
    catalogue = mirror.catalogue
    definition, state = catalogue.definition(name), catalogue.state(name)
    compared = catalogue.reconciliations.load(name, TEXT)
    found = {
        "generation": state.generation,
        "watermark": state.watermark,
        "rows held": state.rows_held,
        "coverage": _without_times(catalogue.coverage(name)),
        "codecs": catalogue.codecs(name),
        "keywords": [keyword.name for keyword in definition.keywords],
        "reconciliation": compared and (compared.generation, compared.position),
    }
    try:
        table = mirror.table(definition)
    except NotHeldError:
        folder = mirror.root / "records" / definition.namespace / definition.table
        return found | {"records": None, "folder": folder.exists()}
    assert table.version >= (state.table_version or 0)  # upkeep that died may have made another
    passing = {"_seen_run", "_gone_run", "_period"}
    columns = [field.name for field in table.schema if field.name not in passing]
    listed = ", ".join(f'"{name}"' for name in columns)
    with connect([table.path]) as connection:
        rows = connection.execute(
            f"SELECT {listed}, _gone_run IS NULL FROM read_parquet($files)",
            {"files": table.files()},
        ).fetchall()
    return found | {"records": sorted(map(repr, rows)), "unused": table.unused_files(24) != []}


def _differences(found: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    for name in sorted({*found, *expected}):
        one, other = found.get(name), expected.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from (f"{name}: {line}" for line in _differences(one, other))
        elif one != other:
            yield f"{name}: {str(one)[:300]} in place of {str(other)[:300]}"


def _without_times(coverage: tuple[Any, ...]) -> list[str]:
    return sorted(
        repr((one.interval, one.restriction, sorted(one.columns), one.versions, one.generation,
              one.as_of_recnum))
        for one in coverage
    )  # fmt: skip


def _counts(path: Path) -> bool:
    """Whether a name in the mirror's directory is one that is to be there, or not to be."""
    return not path.name.endswith(("-wal", "-shm")) and ".replaced-" not in path.name


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and _counts(path))


def _content(path: Path) -> object:
    """What a file says that was written beside the mirror, as far as it is always the same."""
    if path.suffix == ".parquet":
        return sorted(map(repr, ds.dataset(path).to_table().to_pylist()))
    if path.suffix in (".db", ".sqlite"):
        with closing(sqlite3.connect(path)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
            wanted = [name for name in tables if name in ("hmi__m_45s", "coverage", "series_state")]
            return {
                name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()
                for name in wanted
            }
    return None


# -- what they are done to ------------------------------------------------------------------------


def _nothing(copy: Copy, beside: Path) -> None:
    """There is not even a mirror."""


def _synced(copy: Copy, _: Path) -> None:
    with copy.open() as mirror:
        mirror.catalogue.subscriptions.add(Subscription.of(NAME))
    copy.sync(NAME)


def _grown(copy: Copy, beside: Path) -> None:
    """Records are new, late, revised and gone."""
    _synced(copy, beside)
    numbers = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())
    copy.jsoc.revise(NAME, numbers[10:14], {"DATARMS": 3.25})
    copy.jsoc.append(NAME, {"T_REC": ["2010.04.30_23:00:00_TAI"], "CAMERA": 1, "DATARMS": 1.5})
    copy.jsoc.append(NAME, {"T_REC": ["2015.01.01_TAI", "2015.01.02_TAI"], "CAMERA": 1})


def _a_night_later(copy: Copy, beside: Path) -> None:
    """The same, and records changed under their numbers or vanished, and nothing was compared."""
    _grown(copy, beside)
    numbers = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())
    copy.jsoc.change_in_place(NAME, numbers[20:23], {"QUALITY": 7})
    copy.jsoc.remove(NAME, numbers[30:33])
    with copy.open() as mirror:
        found = mirror.catalogue.reconciliations.load(NAME, TEXT)
        assert found is not None
        then = found.worked_utc - timedelta(hours=21)
        earlier = type(found)(found.generation, found.position, then, then, then)
        mirror.catalogue.reconciliations.save(NAME, TEXT, earlier)


def _of_another_type(copy: Copy, beside: Path) -> None:
    """A keyword became one of another type, and the record table must be made anew."""
    _grown(copy, beside)
    copy.jsoc.change_type(NAME, "DATARMS", "double")


def _without_a_keyword(copy: Copy, beside: Path) -> None:
    _grown(copy, beside)
    copy.jsoc.drop_keyword(NAME, "DATARMS")


def _set_back(copy: Copy, beside: Path) -> None:
    """The upstream lost its newest records, and has fewer than were read."""
    _synced(copy, beside)
    numbers = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())
    copy.jsoc.remove(NAME, numbers[-3:])


def _set_back_and_grown(copy: Copy, beside: Path) -> None:
    """It lost some, and issued their numbers and more again, for others."""
    before = copy.jsoc.series(NAME)
    times = [f"2015.01.03_00:{minute:02d}:00_TAI" for minute in range(20)]
    copy.jsoc.append(NAME, {"T_REC": times, "CAMERA": 1})
    _synced(copy, beside)
    copy.jsoc.add(before)
    times = [f"2015.01.05_00:{minute:02d}:00_TAI" for minute in range(25)]
    copy.jsoc.append(NAME, {"T_REC": times, "CAMERA": 1})


def _with_much_to_do(copy: Copy, beside: Path) -> None:
    """Many files, a long log, old runs, many rows, and what a process left that was killed."""
    settings = settings_for(
        copy.settings.mirror,
        copy.jsoc,
        sync={"first_window": 5, "max_window": 5},
        upkeep={"keep_hours": 0, "after_sync": 0},
    )
    copy = Copy(settings, copy.jsoc)
    _synced(copy, beside)
    with copy.open() as mirror:
        now = mirror.catalogue.moments.find()
        for number in range(60):
            mirror.catalogue.tags.make(f"tag{number}", now)
    for day in range(1, 4):
        copy.jsoc.append(NAME, {"T_REC": [f"2015.02.{day:02d}_TAI"], "CAMERA": 1})
        copy.sync(NAME)
    log = copy.settings.mirror / "records/hmi/m_45s/_delta_log"
    left = [
        log / "_commit_01234567-89ab-cdef-0123-456789abcdef.json.tmp",
        copy.settings.mirror / ".drmsmirror.toml.abcdefgh.tmp",
        log.parent / "_period=2010" / "left-by-a-process.parquet",
    ]
    for file in left:
        file.parent.mkdir(exist_ok=True)
        file.touch()
        os.utime(file, (0, 0))


def _of_a_manifest(copy: Copy, beside: Path) -> None:
    _synced(copy, beside)
    with copy.open() as mirror:
        mirror.catalogue.subscriptions.add(Subscription.of(f"{NAME}[2010.05.01_TAI/1h]"))
    (beside / "mirror.toml").write_text(
        f'[[subscription]]\nrecord_set = "{NAME}"\nschedule = "0 3 * * *"\n'
        f'[[subscription]]\nrecord_set = "{NAME}[2010.05.02_TAI/1h]"\n'
    )


def _due(copy: Copy, beside: Path) -> None:
    """A subscription is due since an hour, and there is something new."""
    _grown(copy, beside)
    place = copy.settings.mirror / "catalogue.sqlite"
    with Catalogue.open(place, clock=lambda: utc_now() - timedelta(hours=1)) as catalogue:
        (stored,) = catalogue.subscriptions.all()
        catalogue.subscriptions.remove(stored.id)
        catalogue.subscriptions.add(Subscription.of(NAME, schedule="0 * * * *"))


def _published(copy: Copy, beside: Path) -> None:
    """It was published before, and changed since."""
    from drmsmirror.publish import publish

    _synced(copy, beside)
    with copy.open() as mirror:
        for target in (f"sqlite:///{beside}/all.db", f"parquet:{beside}/all"):
            publish(mirror, NAME, target)
    numbers = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())
    copy.jsoc.remove(NAME, numbers[-2:])
    copy.jsoc.revise(NAME, numbers[10:14], {"DATARMS": 3.25})
    copy.sync(NAME)


def _backed_up(copy: Copy, beside: Path) -> None:
    _synced(copy, beside)
    with copy.open() as mirror:
        mirror.catalogue.backup(beside / "backup.sqlite")
        mirror.catalogue.subscriptions.add(Subscription.of(f"{NAME}[2010.05.01_TAI/1h]"))


def _with_files(copy: Copy, _: Path) -> None:
    """Three files are there that nobody used for a year, and part of one that is wanted."""
    from drmsmirror.segments.files import Files
    from drmsmirror.sharing import SharedUpstream

    copy.sync(NAME)
    numbers = sorted(copy.jsoc.series(NAME).columns["recnum"].tolist())
    files = [SegmentFile(NAME, 0, number, "magnetogram") for number in numbers]
    copy.jsoc.bring_online(copy.jsoc.sunums(NAME, numbers))
    place = copy.settings.mirror / "catalogue.sqlite"
    with Catalogue.open(place, clock=lambda: utc_now() - timedelta(days=400)) as catalogue:
        mirror = Mirror(copy.settings, catalogue)
        service = Files(mirror, SharedUpstream(mirror, Jsoc(copy.settings.upstream)))
        assert all(one.state.is_there for one in service.get(files[-3:]))
        copy.jsoc.fault(FaultKind.CLOSE_EARLY, when="file")
        assert not any(one.state.is_there for one in service.get(files[:1]))


def _with_an_old_catalogue(copy: Copy, _: Path) -> None:
    """One of the first schema."""
    copy.settings.mirror.mkdir()
    script = Path(__file__).parents[1] / "contract/catalogues/0001.sql"
    with closing(sqlite3.connect(copy.settings.mirror / "catalogue.sqlite")) as connection:
        connection.executescript(script.read_text(encoding="utf-8"))


#: Upkeep that is due at once.
_AT_ONCE = {
    "DRMSMIRROR_UPKEEP__KEEP_HOURS": "0",
    "DRMSMIRROR_UPKEEP__KEEP_RUNS": "3",
    "DRMSMIRROR_RECORDS__COMPACT_ABOVE_FILES": "2",
}

#: Visits at which a test has them killed: what other tests of kills do not try.
_AT: dict[str, tuple[str, ...]] = {
    "backfill": (
        "directory.before_making", "directory.after_making", "catalogue.before_making",
        "catalogue.after_making", "catalogue.before_commit:1", "file.before_overwriting",
        "file.after_overwriting",
    ),
    "night": (
        "catalogue.before_commit:19", "catalogue.after_commit:20",
    ),
    "setback": (
        "catalogue.after_commit:4", "catalogue.before_commit:5",
    ),
    "maintain": (
        "catalogue.before_care", "catalogue.after_care",
    ),
    "drop": (
        "drop.given_up", "drop.removed", "directory.before_removal", "directory.after_removal",
    ),
    "drop-part": (
        "data.before_fsync", "data.after_fsync",
    ),
    "apply": (
        "catalogue.before_commit",
    ),
    "daemon": (
        "file.before_fsync:3", "file.after_fsync:4", "directory.before_fsync",
        "directory.after_fsync:2",
    ),
    "publish-sqlite": (
        "publish.before_commit", "publish.after_commit",
    ),
    "publish-parquet": (
        "file.before_write:2", "file.after_write:2", "file.before_rename:2",
        "file.after_rename:3",
    ),
    "get": (
        "file.after_appending", "file.before_rename", "file.after_rename",
    ),
    "evict": (
        "file.before_removal", "file.after_removal",
    ),
    "restore": (
        "file.before_linking", "file.after_linking",
    ),
}  # fmt: skip

DEEDS = (
    Deed("backfill", ("sync", NAME, "--yes"), _AT["backfill"], _nothing),
    Deed("follow", ("sync", NAME), (), _grown),
    Deed("night", ("sync", NAME), _AT["night"], _a_night_later),
    Deed("reconcile", ("sync", NAME, "--reconcile", "--full"), (), _a_night_later),
    Deed("setback", ("sync", NAME, "--yes"), _AT["setback"], _set_back),
    Deed("setback-unseen", ("sync", NAME, "--yes"), (), _set_back_and_grown),
    Deed("rebuild", ("sync", NAME), (), _of_another_type),
    Deed("keyword-dropped", ("sync", NAME), (), _without_a_keyword),
    Deed("upkeep", ("sync", NAME), (), _with_much_to_do, _AT_ONCE),
    Deed("maintain", ("maintain",), _AT["maintain"], _with_much_to_do, _AT_ONCE),
    Deed("drop", ("drop", NAME, "--yes", "--unsubscribe"), _AT["drop"], _synced, codes=(0, 3, 5)),
    Deed("drop-part", ("drop", f"{NAME}[][2]", "--yes"), _AT["drop-part"], _synced,
         codes=(0, 3, 5)),
    Deed("apply", ("apply", BESIDE + "/mirror.toml", "--yes"), _AT["apply"], _of_a_manifest),
    Deed("subscribe", ("subscribe", f"{NAME}[2010.05.01_TAI/1h]", "--priority", "3"), (), _synced),
    Deed("unsubscribe", ("unsubscribe", NAME), (), _synced, codes=(0, 3)),
    Deed("tag", ("tag", "then", "--note", "why"), (), _synced, codes=(0, 2)),
    Deed("daemon", ("daemon", "--once"), _AT["daemon"], _due),
    Deed("publish-sqlite", ("publish", NAME, "--to", f"sqlite:///{BESIDE}/all.db"),
         _AT["publish-sqlite"], _published),
    Deed("publish-parquet", ("publish", NAME, "--to", f"parquet:{BESIDE}/all"),
         _AT["publish-parquet"], _published),
    Deed("query", ("query", f"{NAME}[2010.05.01_TAI/15m]", "--seg", "magnetogram"), (), _nothing),
    Deed("backup", ("db", "backup", BESIDE + "/kept.sqlite"), (), _synced, codes=(0, 1)),
    Deed("restore", ("db", "restore", BESIDE + "/backup.sqlite"), _AT["restore"], _backed_up),
    Deed("upgrade", ("db", "upgrade"), (), _with_an_old_catalogue),
    Deed("get", ("get", f"{NAME}[:#101-#102]{{magnetogram}}"), _AT["get"], _with_files,
         {"DRMSMIRROR_SEGMENTS__MIN_FREE_GIB": "0"}),
    Deed("get-in-little-room", ("get", f"{NAME}[:#101-#102]{{magnetogram}}"), _AT["evict"],
         _with_files, {"DRMSMIRROR_SEGMENTS__MIN_FREE_GIB": "0",
                       "DRMSMIRROR_SEGMENTS__MAX_GIB": str(3.5 * 11_520 / 2**30)}),
)  # fmt: skip


def every_visit(prepared: Stage) -> Iterator[str]:
    """Every moment at which a deed can be killed, as far as it comes to each in every run.

    In how many pieces a download comes is the network's to say.
    """
    for point, count in prepared.visits.items():
        sure = 1 if point.endswith("_appending") else count
        yield from (f"{point}:{number}" for number in range(1, sure + 1))


def kill_all(deeds: Sequence[Deed]) -> int:
    """Kill the deeds that are named, or all, wherever that can be; say what was not made good."""
    wrong, kills = 0, 0
    with forks() as running:
        for deed in deeds:
            if sys.argv[1:] and deed.name not in sys.argv[1:]:
                continue
            with stage(deed, running) as prepared:
                visits, failed = list(every_visit(prepared)), []
                for at in visits:
                    try:
                        prepared.kill(at)
                    except AssertionError as error:
                        failed.append(f"  {at}: {error}\n")
            wrong += len(failed)
            kills += len(visits)
            sys.stdout.write(f"{deed.name}: {len(visits)} kills, {len(failed)} not made good\n")
            sys.stdout.writelines(failed)
            sys.stdout.flush()
    sys.stdout.write(f"{kills} kills, {wrong} not made good\n")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(kill_all(DEEDS))
