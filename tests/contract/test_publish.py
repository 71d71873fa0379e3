"""A series published to a database: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    create_engine,
    inspect,
    text,
)

from drmsmirror.catalogue.place import Role, place_of
from drmsmirror.client.sql import run_sql
from drmsmirror.errors import DefinitionError, IntegrityError, StoreError
from drmsmirror.publish import Publication, Reporter, SilentReporter, publish
from drmsmirror.publish.database import transaction
from drmsmirror.publish.loading import load
from drmsmirror.publish.report import Extent
from drmsmirror.sync import Progress
from tests.jsoc import Keyword, SampleJsoc
from tests.unit.sync.mirrors import Copy, Listener, series, settings_for

NAME = "hmi.M_45s"


@dataclass
class Target:
    """An empty database."""

    url: str

    @property
    def table(self) -> str:
        return "hmi.m_45s" if self.is_server else "hmi__m_45s"

    @property
    def is_server(self) -> bool:
        return self.url.startswith("postgresql")

    def master(self, name: str) -> str:
        return f"hmi.{name}" if self.is_server else name

    @contextmanager
    def connection(self) -> Iterator[Any]:
        engine = create_engine(place_of(self.url).url)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def run(self, sql: str) -> None:
        with self.connection() as connection:
            connection.execute(text(sql))

    def columns(self) -> dict[str, str]:
        schema, _, name = self.table.rpartition(".")
        with self.connection() as connection:
            found = inspect(connection).get_columns(name, schema=schema or None)
        return {column["name"]: str(column["type"]) for column in found}


@pytest.fixture
def target(backend: str, tmp_path: Path, make_database: Callable[[], str]) -> Target:
    if backend == "postgresql":
        return Target(make_database())
    return Target(f"sqlite:///{tmp_path}/published/drms.db")


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a mirror that holds the series; it is copied, since a sync takes longer."""
    root = tmp_path_factory.mktemp("synced") / "mirror"
    with SampleJsoc([series(NAME, 150)]) as jsoc:
        Copy(settings_for(root, jsoc), jsoc).sync(NAME)
    return root


@pytest.fixture
def copy(synced: Path, tmp_path: Path) -> Iterator[Copy]:
    with SampleJsoc([series(NAME, 150)]) as jsoc:
        shutil.copytree(synced, tmp_path / "mirror")
        yield Copy(settings_for(tmp_path / "mirror", jsoc), jsoc)


def change_one(copy: Copy) -> int:
    """Change the newest record in place, beside a new one: else nobody looks there again."""
    number = int(max(copy.jsoc.series(NAME).columns["recnum"]))
    copy.jsoc.change_in_place(NAME, [number], {"DATARMS": 3.25})
    copy.jsoc.append(NAME, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    copy.sync(NAME)
    return number


def published(copy: Copy, target: Target, **options: Any) -> Publication:
    with copy.open() as mirror:
        return publish(mirror, NAME, target.url, **options)


def assert_same(copy: Copy, target: Target) -> None:
    """The target shows what SQL over the mirror shows."""
    with copy.open() as mirror:
        names, held = run_sql(mirror, f"select * from {NAME} order by recnum")
    columns = ", ".join(f'"{name}"' for name in names)
    assert target.rows(f"select {columns} from {target.table} order by recnum") == held
    (count,) = target.rows(f"select records from {target.master('drmsmirror_published')}")
    assert count == (len(held),)


def test_a_series_is_published_as_sql_over_the_mirror_shows_it(copy, target) -> None:
    done = published(copy, target)

    latest = int(copy.jsoc.series(NAME).latest.sum())
    assert (done.extent, done.written, done.removed, done.records) == ("whole", latest, 0, latest)
    assert done.name == target.table
    assert_same(copy, target)


def test_the_table_has_the_types_of_drms_keys_and_indexes(copy, target) -> None:
    published(copy, target)

    types = target.columns()
    wanted = {"recnum": "BIGINT", "t_rec": "DOUBLE PRECISION", "camera": "INTEGER"}
    if not target.is_server:
        wanted = {"recnum": "INTEGER", "t_rec": "DOUBLE", "camera": "INTEGER"}
    wanted |= {"t_rec_index": "BIGINT", "datarms": "REAL", "date": wanted["t_rec"]}
    assert {name: types[name] for name in wanted} == wanted
    schema, _, name = target.table.rpartition(".")
    with target.connection() as connection:
        inspector = inspect(connection)
        key = inspector.get_pk_constraint(name, schema=schema or None)
        indexes = inspector.get_indexes(name, schema=schema or None)
    assert key["constrained_columns"] == ["recnum"]
    assert {tuple(index["column_names"]) for index in indexes} == {
        ("t_rec_index", "camera"),
        ("camera",),
    }


def test_the_master_tables_of_drms_stand_beside_it(copy, target) -> None:
    published(copy, target)

    (row,) = target.rows(f"select seriesname, primary_idx from {target.master('drms_series')}")
    assert row == (NAME, "T_REC_index, CAMERA")
    keywords = target.rows(
        f"select type, unit from {target.master('drms_keyword')} where keywordname = 'DATARMS'"
    )
    assert keywords == [("float", "Gauss")]
    assert target.rows(f"select count(*) from {target.master('drms_segment')}") == [(1,)]
    assert target.rows(f"select * from {target.master('drms_link')}") == []


def test_times_are_dates_in_the_view(copy, target) -> None:
    published(copy, target)

    (number,) = copy.held(f"{NAME}[2010.05.01_TAI]", ["*recnum*"])["*recnum*"]
    select = f"select t_rec, datarms from {target.table}_v where recnum = {number}"
    ((date, value),) = target.rows(select)
    assert str(date)[:19] == "2010-05-01 00:00:00"
    assert target.rows(f"select datarms from {target.table} where recnum = {number}") == [(value,)]


def test_what_was_superseded_leaves_and_the_rest_is_not_touched(copy, target) -> None:
    published(copy, target)
    latest = copy.jsoc.series(NAME)
    numbers = latest.columns["recnum"][latest.latest][:3].tolist()
    copy.jsoc.revise(NAME, numbers, {"DATARMS": 3.25})
    copy.sync(NAME)
    done = published(copy, target)

    assert (done.extent, done.written, done.removed) == ("changes", 3, 3)
    assert_same(copy, target)


def test_a_change_in_place_arrives(copy, target) -> None:
    published(copy, target)
    number = change_one(copy)
    done = published(copy, target)

    assert (done.extent, done.written, done.removed) == ("changes", 2, 0)
    assert target.rows(f"select datarms from {target.table} where recnum = {number}") == [(3.25,)]
    assert_same(copy, target)


def test_nothing_new_writes_nothing(copy, target) -> None:
    published(copy, target)
    done = published(copy, target)

    assert (done.extent, done.written, done.removed) == ("changes", 0, 0)
    assert_same(copy, target)


def test_a_keyword_that_the_series_gains_becomes_a_column(copy, target) -> None:
    published(copy, target)
    copy.jsoc.add_keyword(NAME, Keyword("EXTRA", "float", format="%.3f"), 1.25)
    copy.sync(NAME)
    done = published(copy, target)

    assert done.columns_added == ("extra",)
    assert target.rows(f"select distinct extra from {target.table}") == [(1.25,)]
    assert target.rows(f"select distinct extra from {target.table}_v") == [(1.25,)]
    assert_same(copy, target)
    keywords = target.master("drms_keyword")
    assert target.rows(f"select type from {keywords} where keywordname = 'EXTRA'") == [("float",)]
    again = published(copy, target)
    assert (again.columns_added, again.written) == ((), 0)


def changed_definition(copy: Copy) -> None:
    """Let the mirror's definition lack a keyword, as that of another mirror may."""
    with copy.open() as mirror:
        held = mirror.catalogue.definition(NAME)
        keywords = tuple(keyword for keyword in held.keywords if keyword.name != "DATARMS")
        mirror.catalogue.save_definition(replace(held, keywords=keywords))


def test_a_series_that_does_not_fit_changes_nothing_but_for_a_rebuild(copy, target) -> None:
    published(copy, target)
    before = target.rows(f"select * from {target.table} order by recnum")
    changed_definition(copy)
    with pytest.raises(DefinitionError, match=r"its column datarms is gone.*--rebuild"):
        published(copy, target)
    assert target.rows(f"select * from {target.table} order by recnum") == before

    done = published(copy, target, rebuild=True)
    assert done.extent == "whole"
    assert "datarms" not in target.columns()
    assert_same(copy, target)


def test_another_mirror_goes_on_with_the_table_and_touches_what_differs(
    copy, target, tmp_path
) -> None:
    published(copy, target)
    other = Copy(settings_for(tmp_path / "other", copy.jsoc), copy.jsoc)
    number = int(max(copy.jsoc.series(NAME).columns["recnum"]))
    copy.jsoc.change_in_place(NAME, [number], {"DATARMS": 3.25})
    other.sync(NAME)
    done = published(other, target)

    assert (done.extent, done.written, done.removed) == ("whole", 1, 0)
    assert_same(other, target)


def test_rows_that_somebody_removed_come_back(copy, target) -> None:
    published(copy, target)
    target.run(f"delete from {target.table} where camera = 1")
    done = published(copy, target)

    assert done.extent == "whole"
    assert_same(copy, target)


class Publishing(Listener):
    """Publishes after each window of a sync."""

    def __init__(self, copy: Copy, target: Target) -> None:
        super().__init__()
        self.done: list[Publication] = []
        self._publish = lambda: published(copy, target)

    def window(self, progress: Progress) -> None:
        self.done.append(self._publish())


def test_a_table_that_somebody_dropped_is_made_again(copy, target) -> None:
    published(copy, target)
    target.run(f"drop view {target.table}_v")
    target.run(f"drop table {target.table}")
    assert published(copy, target).extent == "whole"
    assert_same(copy, target)


def test_what_a_run_brings_after_it_was_published_half_way_is_not_lost(
    copy, target, tmp_path
) -> None:
    small = {"first_window": 80, "max_window": 80}
    other = Copy(settings_for(tmp_path / "other", copy.jsoc, sync=small), copy.jsoc)
    reporter = Publishing(other, target)
    other.sync(NAME, reporter=reporter)
    last = published(other, target)

    assert len(reporter.done) >= 2
    assert [one.extent for one in (*reporter.done[1:], last)] == ["changes"] * len(reporter.done)
    assert_same(other, target)
    assert published(other, target).written == 0


@pytest.mark.parametrize("name", ["hmi.m_45s", "hmi.drms_series"])
def test_a_table_that_is_not_ours_is_left_as_it_is(name, copy, target) -> None:
    if target.is_server:
        target.run("create schema hmi")
    else:
        published(copy, replace(target, url=target.url + ".other"))  # makes the directory
        name = "hmi__m_45s" if name == "hmi.m_45s" else "drms_series"
    target.run(f"create table {name} (x integer)")
    with pytest.raises(StoreError, match="that drmsmirror did not make"):
        published(copy, target)
    assert target.rows(f"select * from {name}") == []


def test_other_tables_beside_ours_do_not_matter(copy, target) -> None:
    published(copy, target)
    other = "hmi.mine" if target.is_server else "mine"
    target.run(f"create table {other} (x integer)")
    assert published(copy, target).written == 0
    assert target.rows(f"select * from {other}") == []


class Looking(SilentReporter):
    """Reads the target while it is written."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.seen: list[Any] = []

    def rows(self, series: str, done: int, total: int) -> None:
        self.seen.append(self.target.rows(f"select count(*), sum(recnum) from {self.target.table}"))


def test_readers_see_the_state_before_until_all_is_there(copy, target) -> None:
    published(copy, target)
    before = target.rows(f"select count(*), sum(recnum) from {target.table}")
    copy.jsoc.append(NAME, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    copy.sync(NAME)
    reporter: Reporter = Looking(target)
    published(copy, target, reporter=reporter)

    assert reporter.seen == [before]
    assert target.rows(f"select count(*), sum(recnum) from {target.table}") != before


def test_an_error_in_the_middle_leaves_what_was_there(copy, target) -> None:
    class Failing(SilentReporter):
        def rows(self, series: str, done: int, total: int) -> None:
            raise KeyboardInterrupt

    published(copy, target)
    copy.jsoc.append(NAME, {"T_REC": "2015.01.01_TAI", "CAMERA": 1})
    copy.sync(NAME)
    with pytest.raises(KeyboardInterrupt):
        published(copy, target, reporter=Failing())
    done = published(copy, target)
    assert (done.extent, done.written) == (Extent.CHANGES, 1)
    assert_same(copy, target)


def test_texts_that_look_like_syntax_arrive_as_they_are(target, tmp_path) -> None:
    """Quotes, commas, line ends and what COPY takes for null or the end."""
    odd = ['a,"b"', "\\N", "\\.", "two\nlines", " blank ", "é\t", "NULL"]
    served = series(NAME, 10)
    numbers = served.columns["recnum"][served.latest].tolist()[: len(odd)]
    with SampleJsoc([served]) as jsoc:
        jsoc.add_keyword(NAME, Keyword("ODD", "string", format="%s"), "")
        for number, value in zip(numbers, odd, strict=False):
            jsoc.change_in_place(NAME, [number], {"ODD": value})
        copy = Copy(settings_for(tmp_path / "odd", jsoc), jsoc)
        copy.sync(NAME)
        published(copy, target)
        assert_same(copy, target)
        found = target.rows(f"select odd from {target.table} where odd is not null")
        assert {value for (value,) in found} == set(odd[: len(numbers)])


def test_a_server_that_cannot_be_reached_is_told_without_the_password(copy) -> None:
    with copy.open() as mirror, pytest.raises(StoreError, match="Cannot reach the") as failed:
        publish(mirror, NAME, "postgresql://me:s3cr3t@127.0.0.1:1/db?password=s3cr3t")
    assert "s3cr3t" not in str(failed.value)
    assert "the target's URL" in str(failed.value)


def test_without_the_driver_it_is_said_how_to_get_it(copy, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with copy.open() as mirror, pytest.raises(StoreError, match=r"drmsmirror\[postgresql\]"):
        publish(mirror, NAME, "postgresql://user@host/database")


def test_what_the_database_refuses_is_told_in_its_words(target) -> None:
    """A row that COPY or INSERT cannot take, as where somebody changed the table."""
    columns = [Column("recnum", Integer), Column("x", SmallInteger, CheckConstraint("x < 5"))]
    table = Table("odd", MetaData(), *columns)
    batch = pa.record_batch({"x": [7], "recnum": [1]})
    place = place_of(target.url, Role.TARGET)

    def write() -> None:
        with transaction(place) as connection:
            table.create(connection)
            load(connection, table, iter([batch]))

    with pytest.raises(IntegrityError, match="refuses what was to be written"):
        write()
    with target.connection() as connection:
        assert not inspect(connection).has_table("odd")
