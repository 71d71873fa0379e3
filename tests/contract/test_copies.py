"""Copies: published to be read by anybody, backups that restore to either database."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import stat
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from drmsmirror.catalogue import (
    REVISIONS,
    AsOf,
    Catalogue,
    Cost,
    Health,
    ObjectTotals,
    RunCounters,
    RunOutcome,
)
from drmsmirror.errors import (
    CatalogueVersionError,
    IntegrityError,
    LockedError,
    NotFoundError,
    StoreError,
)
from drmsmirror.model.coverage import CoverageEntry, Versions
from drmsmirror.model.extent import Restriction
from drmsmirror.model.intervals import Interval
from tests.contract.conftest import SERIES, START, Clock, run_child, stored_definition
from tests.contract.example import (
    ANSWER,
    FAILED_FILE,
    FILE,
    PART,
    TWIN,
    URL,
    fill_example,
    segments_example,
    share_example,
)

NAME = "hmi.sharp_720s"


def fill(catalogue: Catalogue) -> None:
    """Put something into every table."""
    for path in SERIES:
        catalogue.save_definition(stored_definition(path.stem), upstream_url="http://x")
    run = catalogue.runs.start(NAME, f"{NAME}[377]")
    for low, high in ((-math.inf, 5.5), (10, 20), (30, math.inf)):
        restriction = Restriction(terms=frozenset({"ü"}))
        entry = CoverageEntry(
            Interval(low, high),
            restriction,
            frozenset("ab"),
            Versions.LATEST,
            0,
            2**40,
            START,
        )
        catalogue.record_window(
            NAME,
            entries=[entry],
            table_version=1,
            rows_held=3,
            run=run.id,
            counters=RunCounters(1, 2, 3, 4, 5),
            watermark=AsOf(2**40, START),
            codecs={"HARPNUM": "%d", "QUALITY": "hex\n'ü"},
            share_held=1 / 3,
        )
    catalogue.runs.finish(run.id, RunOutcome.FAILED, error=ValueError("x"))
    catalogue.tags.make("v1", catalogue.moments.find(run.id), "ü")
    catalogue.leases.acquire("series/other", 60)
    share_example(catalogue)
    segments_example(catalogue)


def content(catalogue: Catalogue) -> dict[str, object]:
    """Read everything that a copy has to keep."""
    names = [series.name for series in catalogue.series()]
    return {
        "series": catalogue.series(),
        "definitions": [catalogue.definition(name) for name in names],
        "codecs": [catalogue.codecs(name) for name in names],
        "states": [catalogue.state(name) for name in names],
        "coverage": [catalogue.coverage(name) for name in names],
        "runs": catalogue.runs.recent(),
        "coverage then": [catalogue.history.after(name, 1) for name in names],
        "tags": catalogue.tags.all(),
        "answer": catalogue.answers.load(ANSWER.digest),
        "failed question": catalogue.answers.failure("another"),
        "upstream": (catalogue.upstreams.health(URL), catalogue.upstreams.cost(URL)),
        **files(catalogue),
    }


def files(catalogue: Catalogue) -> dict[str, object]:
    """Read what a catalogue knows of segment files."""
    index = catalogue.segments
    return {
        "files": index.locate([FILE, TWIN]),
        "objects": (index.objects(most=9), index.totals()),
        "failed file": index.failures([FAILED_FILE]),
        "download": catalogue.downloads.find(PART),
        "pins": catalogue.pins.all(),
        "orders": catalogue.orders.pending(URL),
    }


def give_back_leases(catalogue: Catalogue) -> None:
    for lease in catalogue.leases.all():
        catalogue.leases.release(lease)


def number_of_runs_after_one_more(catalogue: Catalogue) -> list[int]:
    catalogue.runs.start("new.series", "x")
    return [run.id for run in catalogue.runs.recent()]


def is_sqlite(address: str) -> bool:
    return address.startswith("sqlite")


@pytest.fixture
def filled(catalogue: Catalogue) -> dict[str, object]:
    fill(catalogue)
    return content(catalogue)


def test_what_is_published_is_the_catalogue(
    catalogue: Catalogue, filled: dict[str, object], tmp_path: Path
) -> None:
    target = tmp_path / "published.sqlite"
    catalogue.publish(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o444
    assert target.read_bytes()[18:20] == b"\x01\x01"  # no write-ahead log
    with Catalogue.open(target, read_only=True) as copy:
        assert content(copy) == filled
        assert copy.schema_version == REVISIONS[-1]
        with pytest.raises(StoreError, match="only to read"):
            copy.runs.start(NAME, NAME)
    assert [path.name for path in tmp_path.iterdir() if "published" in path.name] == [target.name]


def test_publishing_again_replaces_what_others_still_read(
    catalogue: Catalogue, filled: dict[str, object], tmp_path: Path
) -> None:
    target = tmp_path / "published.sqlite"
    catalogue.publish(target)
    with Catalogue.open(target, read_only=True) as old:
        catalogue.runs.start("another.series", "x")
        catalogue.publish(target)
        assert content(old) == filled
        with Catalogue.open(target, read_only=True) as new:
            assert len(new.runs.recent()) == len(old.runs.recent()) + 1


def test_killed_while_publishing_the_copy_before_stays(
    catalogue: Catalogue, address: str, filled: dict[str, object], tmp_path: Path
) -> None:
    target = tmp_path / "published.sqlite"
    catalogue.publish(target)
    catalogue.runs.start("another.series", "x")
    program = (
        "import pathlib, sys; from drmsmirror.catalogue import Catalogue\n"
        "with Catalogue.open(sys.argv[1]) as c: c.publish(pathlib.Path(sys.argv[2]))"
    )
    code, _, err = run_child(
        program, address, str(target), DRMSMIRROR_FAILPOINT="file.before_rename"
    )
    assert (code, err) == (-signal.SIGKILL, "")
    with Catalogue.open(target, read_only=True) as copy:
        assert content(copy) == filled


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_reads_the_published_copy_but_not_the_one_in_use(clock: Clock) -> None:
    program = (
        "import os, sys; from drmsmirror.catalogue import Catalogue\n"
        "from drmsmirror.errors import StoreError\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "with Catalogue.open(sys.argv[2], read_only=True) as c: print(len(c.series()))\n"
        "try: Catalogue.open(sys.argv[1], read_only=True)\n"
        "except StoreError as error: print(error)\n"
    )
    with tempfile.TemporaryDirectory() as name:
        mirror = Path(name)
        mirror.chmod(0o755)
        live, published = mirror / "catalogue.sqlite", mirror / "published.sqlite"
        with Catalogue.create(live, clock=clock) as catalogue:
            fill(catalogue)
            catalogue.publish(published)
        code, out, err = run_child(program, f"sqlite:///{live}", f"sqlite:///{published}")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first == str(len(SERIES))
    assert "read the copy that is published" in second


@pytest.fixture
def backup(catalogue: Catalogue, filled: dict[str, object], tmp_path: Path) -> Path:
    target = tmp_path / "backups" / "catalogue.backup"
    target.parent.mkdir()
    catalogue.backup(target)
    return target


def test_a_backup_restores_what_there_was(
    catalogue: Catalogue,
    address: str,
    clock: Clock,
    filled: dict[str, object],
    backup: Path,
    tmp_path: Path,
) -> None:
    catalogue.runs.start("another.series", "x")
    catalogue.record_window(
        NAME, entries=(), table_version=1, rows_held=3, codecs={"QUALITY": "later"}
    )
    later = content(catalogue)
    give_back_leases(catalogue)
    catalogue.close()
    replaced = Catalogue.restore(address, backup)
    with Catalogue.open(address) as restored:
        assert content(restored) == filled
        assert restored.leases.all() == ()
        assert number_of_runs_after_one_more(restored) == [2, 1]
    assert replaced is not None
    assert ".replaced-" in replaced.name
    with Catalogue.open(replaced) as kept:
        assert content(kept) == later


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_of_either_restores_to_either(
    filled: dict[str, object], backup: Path, tmp_path: Path, target: str,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    elsewhere = (
        f"sqlite:///{tmp_path}/elsewhere/catalogue.sqlite"
        if target == "sqlite"
        else request.getfixturevalue("make_database")()
    )
    assert Catalogue.restore(elsewhere, backup) is None
    with Catalogue.open(elsewhere) as restored:
        assert content(restored) == filled
        assert number_of_runs_after_one_more(restored) == [2, 1]
        entry = CoverageEntry(Interval(6, 7), Restriction(), frozenset(), Versions.ALL, 0, 1, START)
        restored.record_window(NAME, entries=[entry], table_version=9, rows_held=9)
        assert len(restored.coverage(NAME)) == 4


def test_a_backup_overwrites_nothing_unasked(catalogue: Catalogue, backup: Path) -> None:
    with pytest.raises(StoreError, match="exists already"):
        catalogue.backup(backup)
    catalogue.runs.start("another.series", "x")
    catalogue.backup(backup, overwrite=True)
    with Catalogue.open(backup, read_only=True) as copy:
        assert len(copy.runs.recent()) == 2


def test_nothing_is_restored_while_somebody_works(
    catalogue: Catalogue, address: str, clock: Clock, backup: Path
) -> None:
    before = content(catalogue)
    with Catalogue.open(address) as now:  # a lease by the clock of this moment
        lease = now.leases.acquire("series/x", 3600)
        with pytest.raises(LockedError, match=r"series/x is being worked on by process \d+"):
            Catalogue.restore(address, backup)
        now.leases.release(lease)
    assert content(catalogue) == before


def test_no_file_is_restored_while_another_process_has_it_open(tmp_path: Path) -> None:
    path, backup = tmp_path / "catalogue.sqlite", tmp_path / "backup.sqlite"
    with Catalogue.create(path) as catalogue:
        catalogue.backup(backup)
        catalogue.runs.start("x.y", "x")
        with pytest.raises(LockedError, match="stop the processes of this mirror"):
            Catalogue.restore(path, backup)
        assert len(catalogue.runs.recent()) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == [backup.name, path.name]


def damage_header(path: Path) -> None:
    path.write_bytes(b"this is no database" * 400)


def damage_page(path: Path) -> None:
    """Flip every bit of a page of rows, so that the header still looks right."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'drms_series'"
        (page,) = connection.execute(query).fetchone()
    content = bytearray(path.read_bytes())
    here = slice((page - 1) * 4096, page * 4096)
    content[here] = bytes(byte ^ 0xFF for byte in content[here])
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE wages (x)")


@pytest.mark.parametrize("damage", [damage_header, damage_page, empty, another_database])
def test_a_damaged_backup_changes_nothing(
    catalogue: Catalogue, address: str, backup: Path, damage: Callable[[Path], None]
) -> None:
    before = content(catalogue)
    damage(backup)
    with pytest.raises(IntegrityError):
        Catalogue.restore(address, backup)
    assert content(catalogue) == before


def test_a_backup_by_a_newer_version_changes_nothing(
    catalogue: Catalogue, address: str, backup: Path
) -> None:
    before = content(catalogue)
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(CatalogueVersionError, match=r"backup.* has schema 9999"):
        Catalogue.restore(address, backup)
    assert content(catalogue) == before
    with pytest.raises(NotFoundError, match="no backup"):
        Catalogue.restore(address, backup.with_name("absent"))


@pytest.mark.parametrize("damage", [damage_header, damage_page, empty])
def test_a_damaged_catalogue_is_replaced_and_kept(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path, backup = tmp_path / "catalogue.sqlite", tmp_path / "backup.sqlite"
    with Catalogue.create(path) as catalogue:
        fill(catalogue)
        filled = content(catalogue)
        catalogue.backup(backup)
        give_back_leases(catalogue)
    damage(path)
    damaged = path.read_bytes()
    # what a crash leaves behind must not be played into the restored file
    side = path.with_name(f"{path.name}-wal")
    side.write_bytes(b"left behind")
    replaced = Catalogue.restore(path, backup)
    assert replaced is not None
    if damaged:  # SQLite gives an empty file a header when it looks whether it is in use
        assert replaced.read_bytes() == damaged
    with Catalogue.open(path) as restored:
        assert content(restored) == filled


def test_killed_while_restoring_the_catalogue_is_the_old_or_the_new(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from drmsmirror.catalogue import Catalogue\n"
        "Catalogue.restore(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    )
    path, backup = tmp_path / "catalogue.sqlite", tmp_path / "backup.sqlite"
    with Catalogue.create(path) as catalogue:
        fill(catalogue)
        filled = content(catalogue)
        catalogue.backup(backup)
        catalogue.runs.start("x.y", "x")
        give_back_leases(catalogue)
        later = content(catalogue)
    for point in ("file.before_fsync", "file.before_rename", "file.after_rename"):
        code, _, err = run_child(program, str(path), str(backup), DRMSMIRROR_FAILPOINT=point)
        assert (code, err) == (-signal.SIGKILL, "")
        with Catalogue.open(path) as now:
            assert content(now) == (filled if point == "file.after_rename" else later)


def test_a_damaged_catalogue_is_not_backed_up(tmp_path: Path) -> None:
    path, backup = tmp_path / "catalogue.sqlite", tmp_path / "backup.sqlite"
    with Catalogue.create(path) as catalogue:
        fill(catalogue)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE coverage SET series_key = 'no.such'")
            connection.commit()
        with pytest.raises(IntegrityError, match="coverage refers to a row of drms_series"):
            catalogue.backup(backup)
    assert not backup.exists()


@pytest.fixture(params=REVISIONS)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Make the catalogue that a version of the schema left, from its text."""
    path = tmp_path / f"{request.param}.sqlite"
    stored = Path(__file__).parent / "catalogues" / f"{request.param}.sql"
    script = stored.read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def test_a_catalogue_of_every_schema_is_still_read(example: Path, tmp_path: Path) -> None:
    Catalogue.upgrade(example)
    with (
        Catalogue.open(example) as old,
        Catalogue.create(tmp_path / "new.sqlite", clock=Clock()) as new,
    ):
        fill_example(new)
        (run,) = new.runs.recent()
        expected = content(new) | {"runs": (replace(run, host="example", pid=1),)}
        if example.stem < "0003":  # nobody noted it
            expected["coverage then"] = [None] * len(new.series())
        if example.stem == "0001":
            expected |= {"answer": None, "failed question": None, "upstream": (Health(), Cost())}
        if example.stem < "0005":
            expected |= {"files": {}, "objects": ((), ObjectTotals(0, 0)), "failed file": {}}
            expected |= {"download": None, "pins": (), "orders": ()}
        assert content(old) == expected
        with old.database.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM drms_keyword")) > 0
