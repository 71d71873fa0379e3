"""What goes wrong with the database comes out as our errors, which say what to do."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, text

from drmsmirror.catalogue import Catalogue
from drmsmirror.catalogue.database import Database, connect
from drmsmirror.catalogue.failures import explained
from drmsmirror.catalogue.place import place_of
from drmsmirror.catalogue.tables import coverage, series_state
from drmsmirror.errors import (
    DrmsMirrorError,
    IntegrityError,
    LockedError,
    NoMirrorError,
    StoreError,
)
from tests.contract.conftest import stored_definition


@contextmanager
def impatient(address: str) -> Iterator[Database]:
    with closing(connect(place_of(address), busy_seconds=0.01)) as database:
        yield database


def test_a_writer_that_waits_too_long_is_told(catalogue: Catalogue, address: str) -> None:
    catalogue.save_definition(stored_definition("test.nopk"))
    change = series_state.update().values(rows_held=1)
    with impatient(address) as other, catalogue.database.write() as connection:
        connection.execute(change)
        with (
            pytest.raises(LockedError, match="locked for too long; run the same again"),
            other.write() as late,
        ):
            late.execute(change)
    assert catalogue.state("test.nopk").rows_held == 1


def test_readers_do_not_wait_for_a_writer(catalogue: Catalogue, address: str) -> None:
    catalogue.save_definition(stored_definition("test.nopk"))
    with impatient(address) as other, catalogue.database.write() as connection:
        connection.execute(series_state.update().values(rows_held=1))
        with other.read() as reader:
            assert reader.scalar(text("SELECT rows_held FROM series_state")) == 0


def test_a_reader_sees_one_state(catalogue: Catalogue, address: str) -> None:
    catalogue.save_definition(stored_definition("test.nopk"))
    query = text("SELECT rows_held FROM series_state")
    with impatient(address) as other, other.read() as reader:
        assert reader.scalar(query) == 0
        with catalogue.database.write() as connection:
            connection.execute(series_state.update().values(rows_held=1))
        assert reader.scalar(query) == 0
    assert catalogue.state("test.nopk").rows_held == 1


def test_a_row_of_no_series_is_refused(catalogue: Catalogue) -> None:
    row = {
        "series_key": "no.such", "restriction": "", "columns": [], "versions": "latest",
        "generation": 0, "as_of_recnum": 0, "as_of_utc": catalogue.database.clock(),
    }  # fmt: skip
    with (
        pytest.raises(IntegrityError, match="refuses what was to be written"),
        catalogue.database.write() as connection,
    ):
        connection.execute(insert(coverage), row)


def test_a_block_that_fails_is_undone(catalogue: Catalogue) -> None:
    catalogue.save_definition(stored_definition("test.nopk"))
    with (  # noqa: PT012
        pytest.raises(ZeroDivisionError),
        catalogue.database.write() as connection,
    ):
        connection.execute(series_state.update().values(rows_held=1))
        1 / 0  # noqa: B018
    assert catalogue.state("test.nopk").rows_held == 0


def test_what_is_opened_only_to_read_is_not_written(catalogue: Catalogue, address: str) -> None:
    catalogue.runs.start("a.b", "x")
    with Catalogue.open(address, read_only=True) as reader:
        with pytest.raises(StoreError, match=r"opened only to read\. .* --mirror DIR"):
            reader.save_definition(stored_definition("test.nopk"))
        # nor by the database itself
        with pytest.raises(StoreError), reader.database.read() as connection:  # noqa: PT012
            connection.execute(text("DELETE FROM runs"))
            pytest.fail("the database wrote")
    assert len(catalogue.runs.recent()) == 1


def test_the_absent_file_is_not_made(tmp_path: Path) -> None:
    for read_only in (False, True):
        with pytest.raises(NoMirrorError, match=r"no catalogue .*absent.*drmsmirror init"):
            Catalogue.open(tmp_path / "absent.sqlite", read_only=read_only)
    for use in (Catalogue.current, Catalogue.upgrade):
        with pytest.raises(NoMirrorError):
            use(tmp_path / "absent.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_an_absent_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    path.touch()  # a crash while it was made
    with pytest.raises(NoMirrorError, match="drmsmirror init"):
        Catalogue.open(path)
    with Catalogue.create(path) as catalogue:
        assert catalogue.series() == ()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    path.write_text("a letter\n" * 1000)
    for use in (Catalogue.open, Catalogue.create, Catalogue.current, Catalogue.upgrade):
        with pytest.raises(IntegrityError, match=r"is damaged or no SQLite file.*db restore"):
            use(path)


def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Catalogue.open(tmp_path)


def test_a_catalogue_that_was_replaced_while_open_is_not_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "catalogue.sqlite"
    Catalogue.create(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    with Catalogue.open(path) as catalogue:
        path.rename(tmp_path / "aside")
        Catalogue.create(path).close()
        with pytest.raises(StoreError, match="was replaced while it was open"):
            catalogue.runs.start("a.b", "x")


def test_the_driver_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'drmsmirror\[postgresql\]'"):
        Catalogue.open("postgresql://user@host/database")


SECRET = "s3cr3t/pass%word"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr3t%2Fpass%25word@127.0.0.1:1/db",
        "postgresql+psycopg://me@127.0.0.1:1/db?password=s3cr3t%2Fpass%25word",
        "postgresql+asyncpg://me:s3cr3t%2Fpass%25word@127.0.0.1:1/db",
    ],
)
def test_an_unreachable_server_is_named_without_the_password(url: str) -> None:
    with pytest.raises(StoreError, match="Cannot reach the PostgreSQL database 'db'") as caught:
        Catalogue.open(url)
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert "s3cr3t" not in shown


def test_a_database_that_does_not_exist(server: str) -> None:
    with pytest.raises(StoreError, match=r"does not exist\. Check that the server runs"):
        Catalogue.open(server.replace("/postgres?", "/absent?"))


def test_a_user_without_rights(address: str, catalogue: Catalogue, backend: str) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite has no users")
    with catalogue.database.write() as connection:
        connection.execute(text("DROP ROLE IF EXISTS guest"))
        connection.execute(text("CREATE ROLE guest LOGIN"))
        connection.execute(text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest"))
    with Catalogue.open(address.replace("postgres:@", "guest:@")) as guest:
        assert guest.series() == ()
        with pytest.raises(StoreError, match=r"permission denied.*have the owner"):
            guest.runs.start("a.b", "x")
    with catalogue.database.write() as connection:
        connection.execute(text("DROP OWNED BY guest"))
        connection.execute(text("DROP ROLE guest"))


def test_a_server_that_was_restarted_is_reached_again(
    catalogue: Catalogue, backend: str, admin: psycopg.Connection
) -> None:
    if backend == "sqlite":
        pytest.skip("SQLite has no server")
    assert catalogue.series() == ()
    name = catalogue.database.place.url.database
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
    )
    assert catalogue.series() == ()


def test_every_error_is_one_of_ours(catalogue: Catalogue) -> None:
    with pytest.raises(DrmsMirrorError), catalogue.database.read() as connection:
        connection.execute(text("SELECT nonsense FROM nowhere"))


# ------------------------------------------------------------------------------ signals
def test_a_signal_is_not_lost_where_a_connection_is_tried(
    made_once: Path, make_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLAlchemy sets the connection back, which cannot be while its question is under way."""

    def interrupted(cursor: psycopg.Cursor[Any], *_: object, **__: object) -> None:
        cursor.connection.pgconn.send_query(b"SELECT pg_sleep(60)")
        raise KeyboardInterrupt

    with Catalogue.open(make_database("made_once")) as catalogue:
        monkeypatch.setattr(psycopg.Cursor, "execute", interrupted)
        with pytest.raises(KeyboardInterrupt):
            catalogue.series()
        monkeypatch.undo()
        assert catalogue.series() == ()


def test_a_signal_that_is_dealt_with_already_is_no_reason_for_a_failure(tmp_path: Path) -> None:
    place = place_of(tmp_path / "catalogue.sqlite")

    def fail() -> None:
        raise sqlite3.OperationalError("no idea")

    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        with pytest.raises(StoreError, match="failed: no idea"), explained(place):
            fail()
