"""Which journal a SQLite catalogue gets."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from drmsmirror.catalogue import Catalogue
from drmsmirror.catalogue.journal import (
    JournalMode,
    network_file_system,
    probe,
    set_journal_mode,
    stored_journal_mode,
)
from drmsmirror.errors import StoreError

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw shared:5 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/local rw - xfs /dev/sdb1 rw
32 22 0:42 / /cluster\\040one rw master:3 - lustre mds@tcp:/one rw
33 22 0:43 / /far rw - fuse.sshfs me@host: rw
34 22 0:44 / /twice rw - ext4 /dev/sdc1 rw
35 34 0:45 / /twice rw - beegfs beegfs_nodev rw
a line that is cut
"""


@pytest.mark.parametrize(
    ("directory", "kind"),
    [
        ("/", None),
        ("/var/data", None),
        ("/home/me/mirror", "nfs4"),
        ("/homework", None),
        ("/home/local/mirror", None),
        ("/cluster one/mirror", "lustre"),
        ("/far/away", "fuse.sshfs"),
        ("/twice/x", "beegfs"),
    ],
)
def test_network_file_systems_are_known(directory: str, kind: str | None) -> None:
    assert network_file_system(Path(directory), MOUNTS) == kind


def test_the_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    assert probe(tmp_path) in JournalMode
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "mode"), [("ext4", JournalMode.WAL), ("nfs4", JournalMode.DELETE)]
)
def test_only_a_local_directory_gets_the_write_ahead_log(
    tmp_path: Path, kind: str, mode: JournalMode
) -> None:
    assert probe(tmp_path, f"22 1 8:1 / / rw shared:1 - {kind} source rw") is mode


def test_an_absent_directory_cannot_be_probed(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot write in"):
        probe(tmp_path / "absent")


@pytest.mark.parametrize("mode", JournalMode)
def test_a_catalogue_keeps_its_journal(tmp_path: Path, mode: JournalMode) -> None:
    path = tmp_path / "catalogue.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version=9")  # SQLite writes a header
        assert set_journal_mode(connection, mode)
    Catalogue.create(path).close()
    with Catalogue.open(path) as catalogue:
        catalogue.runs.start("a.b", "x")
        with catalogue.database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == mode
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        # what each kind leaves beside the file tells that it is in use
        beside = {each.name for each in tmp_path.iterdir()} - {path.name}
    assert (
        beside
        == {
            JournalMode.WAL: {f"{path.name}-wal", f"{path.name}-shm"},
            JournalMode.DELETE: set(),
            JournalMode.TRUNCATE: {f"{path.name}-journal"},
        }[mode]
    )


def test_the_mark_goes_when_the_journal_changes(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as connection:
        assert set_journal_mode(connection, JournalMode.TRUNCATE)
        assert stored_journal_mode(connection) is JournalMode.TRUNCATE
        assert set_journal_mode(connection, JournalMode.WAL)
        assert stored_journal_mode(connection) is None
