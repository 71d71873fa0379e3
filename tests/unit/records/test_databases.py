"""Databases that stay open: shared by questions about the same tables, and by nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drmsmirror.errors import IntegrityError
from drmsmirror.records import Interruptible, OutOfTimeError
from drmsmirror.records.databases import Databases

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 9 FROM n) SELECT max(i) FROM n"
TABLES = "SELECT table_name FROM duckdb_tables()"


@pytest.fixture
def databases() -> Iterator[Databases]:
    made = Databases()
    yield made
    made.close()


def marks(databases: Databases, directory: Path) -> list[str]:
    """Names of the tables that were left in the database of a directory."""
    with databases.connect([directory]) as connection:
        return [name for (name,) in connection.execute(TABLES).fetchall()]


def mark(databases: Databases, directory: Path) -> None:
    with databases.connect([directory]) as connection:
        connection.execute("CREATE TABLE mark (i INTEGER)")


def test_questions_about_the_same_tables_share_a_database(
    databases: Databases, tmp_path: Path
) -> None:
    mark(databases, tmp_path / "a")
    assert marks(databases, tmp_path / "a") == ["mark"]
    assert marks(databases, tmp_path / "b") == []


def test_what_a_question_registers_is_not_seen_by_another(
    databases: Databases, tmp_path: Path
) -> None:
    with databases.connect([tmp_path]) as one, databases.connect([tmp_path]) as other:
        for connection, number in ((one, 1), (other, 2)):
            connection.register("given", pa.table({"i": [number]}))
        found = [c.execute("SELECT i FROM given").fetchall() for c in (one, other)]
    assert found == [[(1,)], [(2,)]]
    with databases.connect([tmp_path]) as third, pytest.raises(duckdb.CatalogException):
        third.execute("SELECT i FROM given")


def test_only_the_tables_asked_for_can_be_read_and_no_setting_changed(
    databases: Databases, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"i": [1]}), tmp_path / name / "file.parquet")
    with databases.connect([tmp_path / "a"]) as connection:
        read = f"SELECT i FROM '{tmp_path}/{{}}/file.parquet'"
        assert connection.execute(read.format("a")).fetchall() == [(1,)]
        with pytest.raises(duckdb.PermissionException):
            connection.execute(read.format("b"))
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            connection.execute("SET threads = 1")


def test_a_question_that_is_stopped_stops_no_other(databases: Databases, tmp_path: Path) -> None:
    counted: list[int] = []
    with databases.connect([tmp_path]) as one, databases.connect([tmp_path]) as other:
        begun = threading.Event()

        def count() -> None:
            begun.set()
            sql = "SELECT sum(sin(range) > 2)::BIGINT + count(*) FROM range(20000000)"
            counted.extend(number for (number,) in other.execute(sql).fetchall())

        thread = threading.Thread(target=count)
        thread.start()
        begun.wait()
        with pytest.raises(OutOfTimeError), Interruptible(one, 0.05) as do:
            do(lambda: one.execute(ENDLESS).fetchall())
        thread.join()
    assert counted == [20_000_000]


def test_the_one_that_was_not_used_longest_goes(databases: Databases, tmp_path: Path) -> None:
    for number in range(4):
        mark(databases, tmp_path / str(number))
    assert marks(databases, tmp_path / "0") == ["mark"]
    marks(databases, tmp_path / "new")
    assert marks(databases, tmp_path / "0") == ["mark"]
    assert marks(databases, tmp_path / "1") == []


@pytest.mark.parametrize("broken", [duckdb.FatalException, duckdb.InternalException])
def test_a_database_that_broke_is_not_used_again(
    databases: Databases, tmp_path: Path, broken: type[duckdb.Error]
) -> None:
    mark(databases, tmp_path)
    with pytest.raises(broken), databases.connect([tmp_path]):
        raise broken("the database has been invalidated")
    assert marks(databases, tmp_path) == []


def test_an_error_of_a_question_leaves_the_database_and_names_its_table(
    databases: Databases, tmp_path: Path
) -> None:
    mark(databases, tmp_path)
    with (
        pytest.raises(IntegrityError, match="cannot be read"),
        databases.connect([tmp_path]) as connection,
    ):
        connection.execute(f"SELECT * FROM '{tmp_path}/nothing.parquet'")
    assert marks(databases, tmp_path) == ["mark"]


def test_after_it_was_closed_each_question_has_a_database_of_its_own(tmp_path: Path) -> None:
    databases = Databases()
    mark(databases, tmp_path)
    databases.close()
    mark(databases, tmp_path)
    assert marks(databases, tmp_path) == []


def test_what_is_made_in_a_workspace_is_seen_there_alone_and_goes_with_it(
    databases: Databases, tmp_path: Path
) -> None:
    def make(connection: duckdb.DuckDBPyConnection, number: int) -> None:
        connection.execute(f"CREATE SCHEMA s; CREATE VIEW s.v AS SELECT {number} AS i")

    mark(databases, tmp_path)
    with databases.workspace([tmp_path]) as one, databases.workspace([tmp_path]) as other:
        make(one, 1)
        make(other, 2)
        found = [c.execute("SELECT i FROM s.v").fetchall() for c in (one, other)]
    assert found == [[(1,)], [(2,)]]
    with databases.connect([tmp_path]) as connection:
        left = connection.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal")
        assert left.fetchall() == [("memory",)]
    assert marks(databases, tmp_path) == ["mark"]


def test_a_workspace_goes_when_what_was_done_there_failed(
    databases: Databases, tmp_path: Path
) -> None:
    with pytest.raises(duckdb.Error), databases.workspace([tmp_path]) as connection:
        connection.execute("SELECT nope")
    with databases.connect([tmp_path]) as connection:
        left = connection.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal")
        assert left.fetchall() == [("memory",)]


_FORKED = """
import os, pathlib, sys
from drmsmirror.records.databases import Databases

databases, here = Databases(), pathlib.Path(sys.argv[1])
sql = "SELECT sum(sin(range) > 2)::BIGINT + count(*) FROM range(1000000)"
with databases.connect([here]) as connection:
    connection.execute(sql).fetchall()
child = os.fork()
with databases.connect([here]) as connection:
    found = connection.execute(sql).fetchall()
if not child:
    os._exit(0 if found == [(1000000,)] else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_does_not_wait_for_threads_that_it_does_not_have(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORKED, str(tmp_path)], timeout=60, check=False
    )
    assert done.returncode == 0
