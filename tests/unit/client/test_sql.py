"""SQL over the mirror: what a SELECT sees, and everything that is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from drmsmirror.client import Client
from drmsmirror.client.sql import run_sql
from drmsmirror.errors import IntegrityError, SqlError
from drmsmirror.mirror import Mirror


@pytest.mark.parametrize(
    "statement",
    [
        "select count(*) from hmi.m_45s",
        "SELECT COUNT(*) FROM HMI.M_45S",
        "select count(*) from hmi.M_45s -- and a comment",
        "select count(*) from hmi.m_45s;",
        "with one as (select * from hmi.m_45s) select count(*) from one",
        "select count(*) from (select * from hmi.m_45s) t",
        "select count(*) from hmi.m_45s a join hmi.m_45s b using (recnum)",
    ],
)
def test_a_select_sees_the_latest_version_of_each_record(statement, mirror, held) -> None:
    _, rows = run_sql(mirror, statement)
    assert rows == [(int(held.jsoc.series("hmi.M_45s").latest.sum()),)]


@pytest.mark.parametrize(
    "statement",
    [
        "select 1 as one",
        "select * from (values (1), (2)) t(n)",
        "select recnum from hmi.m_45s union all select recnum from test.strfsn order by 1 limit 3",
        "select camera, avg(datarms), stddev(datarms) from hmi.m_45s group by all",
        "select *, row_number() over (partition by camera order by t_rec) from hmi.m_45s limit 2",
        "select t_rec, lag(datarms) over (order by t_rec) from hmi.m_45s qualify datarms > 0",
        "select max(t_rec) - min(t_rec) from hmi.m_45s where quality & 1024 = 0",
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) from n",
        "select median(datarms) from hmi.m_45s",
        "select regexp_matches(name, 'a') from test.strfsn limit 1",
        "select case when camera = 1 then 'front' else 'side' end from hmi.m_45s limit 1",
        "select list(recnum order by recnum)[1] from hmi.m_45s",
        "select try_cast(name as int) from test.strfsn limit 1",
        "describe hmi.m_45s",
    ],
)
def test_what_analysts_write_is_answered(statement, mirror) -> None:
    columns, rows = run_sql(mirror, statement)
    assert columns
    assert rows


def test_columns_are_those_of_the_series_with_missing_values_as_null(mirror: Mirror, held) -> None:
    columns, rows = run_sql(mirror, "select * from test.strfsn")
    definition = mirror.catalogue.definition("test.strfsn")
    assert columns == ["recnum", "sunum", *(column.name for column in definition.columns)]
    values = [value for row in rows for value in row]
    assert None in values
    assert not any(isinstance(value, float) and math.isnan(value) for value in values)
    assert "" not in values
    assert -(2**31) not in values


def test_a_damaged_series_does_not_keep_others_from_being_asked(copy_of) -> None:
    copy = copy_of("hmi.M_45s", "test.strfsn", rows=20)
    copy.sync("hmi.M_45s")
    copy.sync("test.strfsn")
    with copy.open() as mirror:
        log = mirror.table(mirror.catalogue.definition("test.strfsn")).path / "_delta_log"
        for commit in log.iterdir():
            commit.write_text("{")
        assert run_sql(mirror, "select count(*) > 0 from hmi.m_45s")[1] == [(True,)]
        with pytest.raises(IntegrityError, match="strfsn cannot be read"):
            run_sql(mirror, "select count(*) from test.strfsn")


@pytest.mark.parametrize("left", [0, 1000])
def test_a_damaged_file_is_told_with_its_table(left: int, copy_of) -> None:
    copy = copy_of("hmi.M_45s", rows=20)
    copy.sync("hmi.M_45s")
    with copy.open() as mirror:
        for file in mirror.table(mirror.catalogue.definition("hmi.M_45s")).files():
            Path(file).write_bytes(Path(file).read_bytes()[:left])
            if not left:
                Path(file).unlink()
        with pytest.raises(IntegrityError, match="m_45s cannot be read"):
            run_sql(mirror, "select count(*) from hmi.m_45s where camera = 1")
    with (
        Client(copy.settings, policy="offline") as client,
        pytest.raises(IntegrityError, match="m_45s cannot be read"),
    ):
        client.answer("hmi.M_45s[? CAMERA = 1 ?]", ["*recnum*"]).texts()


def test_a_float_has_its_own_digits_and_a_double_its_own(mirror: Mirror) -> None:
    _, rows = run_sql(
        mirror,
        "select 3.205515e23::float, 1.1::float, 1.1::float::double, 'inf'::float, null::float, 7",
    )
    assert rows == [(3.205515e23, 1.1, 1.100000023841858, math.inf, None, 7)]


def test_describe_tells_names_types_units_and_notes(mirror) -> None:
    columns, rows = run_sql(mirror, "describe hmi.m_45s")
    assert columns == ["column", "type", "comment"]
    found = {name: (type_, comment) for name, type_, comment in rows}
    assert found["t_rec"][0] == "DOUBLE"
    assert "1977.01.01" in found["t_rec"][1]


HOSTILE_WITH_A_FILE = [
    "select * from read_csv('{file}')",
    "select * from read_csv_auto('{file}')",
    "select * from read_text('{file}')",
    "select * from read_blob('{file}')",
    "select * from read_json('{file}')",
    "select * from read_parquet('{file}')",
    "select * from parquet_metadata('{file}')",
    "select * from parquet_scan('{file}')",
    "select * from sniff_csv('{file}')",
    "select * from glob('{file}')",
    "select * from '{file}'",
    'select * from "{file}"',
    "select * from hmi.m_45s, '{file}'",
    "select (select content from read_text('{file}'))",
    "select exists (select 1 from '{file}')",
    "select * from hmi.m_45s where recnum in (select a from '{file}')",
    "with x as (select * from '{file}') select * from x",
    'with "{file}" as (select 1) select * from \'{file}\', "{file}"',
    'select * from (with "{file}" as (select 1) select 2) t, (select * from "{file}") s',
    "with a as (with b as (select * from read_text('{file}')) select * from b) select * from a",
    "with m as materialized (select * from read_csv('{file}')) select 1",
    "select * from (select 1) t, lateral (select * from read_text('{file}')) u",
    "from '{file}'",
    "from read_text('{file}') select content",
    "table '{file}'",
    "describe '{file}'",
    "describe select * from '{file}'",
    "describe table '{file}'",
    "summarize '{file}'",
    "summarize select * from '{file}'",
    "explain select * from '{file}'",
    "explain analyze select * from read_text('{file}')",
    "pivot '{file}' on a using count(*)",
    "select * from query('select * from ''{file}''')",
    "select * from query_table('{file}')",
    "copy (select 1) to '{file}'",
    "copy hmi.m_45s from '{file}'",
    "attach '{file}' as x",
    "attach '{file}'; select 1",
    "export database '{file}'",
    "import database '{file}'",
    "load '{file}'",
    "create table t as select * from '{file}'",
    "create view v as select * from read_text('{file}')",
    "create macro m() as table select * from read_text('{file}')",
    "select * from hmi.m_45s union all select * from '{file}'",
    "values ((select content from read_text('{file}')))",
]

HOSTILE = [
    "",
    ";",
    "select 1; select 2",
    "select 1; drop view hmi.m_45s",
    "insert into hmi.m_45s (recnum) values (1)",
    "update hmi.m_45s set recnum = 1",
    "delete from hmi.m_45s",
    "drop view hmi.m_45s",
    "drop schema hmi cascade",
    "truncate hmi.m_45s",
    "alter table hmi.m_45s add column x int",
    "create table t (a int)",
    "create temp table t as select 1",
    "create schema s",
    "set memory_limit = '99GB'",
    "set enable_external_access = true",
    "reset enable_external_access",
    "pragma database_list",
    "pragma enable_profiling",
    "install httpfs",
    "load httpfs",
    "force install spatial from 'http://127.0.0.1:9/'",
    "call pragma_version()",
    "begin",
    "checkpoint",
    "vacuum",
    "use memory",
    "show tables",
    "show all tables",
    "prepare p as select 1",
    "execute p",
    "select getenv('HOME')",
    "select current_setting('temp_directory')",
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from duckdb_views()",
    "select * from duckdb_databases()",
    "select * from duckdb_functions()",
    "select * from information_schema.tables",
    "select * from pg_catalog.pg_tables",
    "select * from sqlite_master",
    "select * from duckdb_logs",
    "select * from pragma_version()",
    "select * from pragma_database_list()",
    "select * from (with pg_settings as (select 1) select 2) t, (select * from pg_settings) s",
    "with a as (select * from pg_settings), pg_settings as (select 1) select * from a",
    "with recursive pg_settings as (select 1 union all select 2) select * from pg_settings",
    "with sqlite_master as (select 1) select 1",
    "with DUCKDB_LOGS as (select 1) select 1",
    "select nextval('s')",
    "select $1",
    "select ?",
    "select * from hmi.nosuch",
    "select * from m_45s",
    "select * from main.given",
    "select 1 from 'http://127.0.0.1:9/x.parquet'",
    "select 1 from 's3://bucket/x.parquet'",
    "select write_log('x')",
    "select force_checkpoint()",
    "select sleep_ms(100000)",
    "select from",
    "this is no sql",
    f"select {'(' * 5000}1{')' * 5000}",
    "select 1 into t",
    "select * from hmi.m_45s for update",
]


@pytest.mark.parametrize("statement", HOSTILE_WITH_A_FILE)
def test_no_file_can_be_read_or_written(statement, mirror, secret) -> None:
    file = secret("secret.csv")
    before = sorted(file.parent.iterdir())
    with pytest.raises(SqlError) as caught:
        run_sql(mirror, statement.replace("{file}", str(file)))
    assert "TOPSECRET" not in str(caught.value)
    assert sorted(file.parent.iterdir()) == before
    assert "TOPSECRET" in file.read_text()


@pytest.mark.parametrize("statement", HOSTILE)
def test_what_is_no_single_select_on_series_is_refused_in_words(statement, mirror) -> None:
    with pytest.raises(SqlError) as caught:
        run_sql(mirror, statement)
    assert str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_parquet('{records}/hmi/m_45s/_period=all/*.parquet')",
        "select * from '{records}/hmi/m_45s/_period=all/x.parquet'",
        "select * from glob('{records}/**')",
        "select * from read_text('{records}/hmi/m_45s/_delta_log/00000000000000000000.json')",
        "copy (select 1) to '{records}/hmi/m_45s/evil.parquet'",
    ],
)
def test_not_even_the_files_of_the_mirror_can_be_named(statement, mirror, held) -> None:
    records = held.settings.mirror / "records"
    with pytest.raises(SqlError):
        run_sql(mirror, statement.replace("{records}", str(records)))
    assert list(records.glob("**/evil*")) == []


def test_a_statement_that_the_engine_cannot_run_says_why(mirror) -> None:
    with pytest.raises(SqlError, match="no_such_column"):
        run_sql(mirror, "select no_such_column from hmi.m_45s")


def test_an_unknown_series_is_told_with_those_that_are_held(mirror) -> None:
    with pytest.raises(SqlError, match=r"hmi\.m_45s, test\.strfsn"):
        run_sql(mirror, "select * from hmi.m_720s")
