"""SQL over the mirror: what a SELECT sees, and everything that is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from drmsmirror.client import Client
from drmsmirror.client.sql import refuse_what_is_no_select, run_sql, stream_sql
from drmsmirror.client.sqlnames import SqlNames
from drmsmirror.client.statement import check_statement
from drmsmirror.errors import IntegrityError, SqlError
from drmsmirror.mirror import Mirror
from drmsmirror.model.series import Keyword, SeriesDefinition
from drmsmirror.model.times import parse_time
from drmsmirror.model.types import KeywordType
from drmsmirror.records import connect
from drmsmirror.settings import load_settings


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


def test_describe_shows_every_kind_of_table(mirror) -> None:
    latest = run_sql(mirror, "describe hmi.m_45s")[1]
    every = run_sql(mirror, "describe HMI.M_45s_ALL")[1]
    assert every[: len(latest)] == latest
    assert [name for name, _, _ in every[len(latest) :]] == VERSION
    assert all(comment for _, _, comment in every[len(latest) :])
    columns = [name for name, _, _ in run_sql(mirror, "describe hmi.drms_link")[1]]
    assert columns == ["seriesname", "linkname", "target_seriesname", "type", "description"]


# ------------------------------------------------------------------------------ every version

VERSION = ["_latest", "_seen_run", "_gone_run", "_generation"]


def test_every_version_is_seen_and_which_of_them_is_the_latest(copy_of) -> None:
    copy = copy_of("hmi.M_45s", rows=60)
    copy.sync("hmi.M_45s")
    copy.jsoc.revise("hmi.M_45s", "[2010.05.01_00:00_TAI]", {"DATARMS": 12.5})
    copy.sync("hmi.M_45s")
    with copy.open() as mirror:
        columns, rows = run_sql(mirror, "select * from hmi.m_45s")
        all_columns, all_rows = run_sql(mirror, "select * from hmi.m_45s_all")
        replaced = run_sql(
            mirror,
            "select old.recnum < new.recnum, old.datarms = new.datarms, new.datarms, "
            "old._seen_run < new._seen_run from hmi.m_45s_all old join hmi.m_45s_all new "
            "using (t_rec_index, camera) where not old._latest and new._latest",
        )[1]
    assert all_columns == [*columns, *VERSION]
    assert {row[:-4] for row in all_rows if row[-4]} == set(rows)
    assert len(all_rows) == copy.rows("hmi.M_45s") > len(rows)
    assert set(replaced) == {(True, False, 12.5, True)}


def test_missing_values_of_every_version_are_null(mirror) -> None:
    _, rows = run_sql(mirror, "select * from test.strfsn_all")
    values = [value for row in rows for value in row]
    assert None in values
    assert "" not in values
    assert -(2**31) not in values
    assert not any(isinstance(value, float) and math.isnan(value) for value in values)


@pytest.fixture
def clashing(tmp_path: Path) -> Iterator[Mirror]:
    """Make a mirror of empty series whose names are those of other tables."""
    names = ("test.x", "test.x_all", "test.drms_keyword", "other.y")
    with Mirror.create(load_settings(mirror=tmp_path / "mirror")) as mirror:
        for name in names:
            definition = SeriesDefinition(name, keywords=(Keyword(name[-1], KeywordType.INT),))
            mirror.catalogue.save_definition(definition)
            if name != "other.y":
                mirror.table_for_writing(definition, 1, 1.0)
        yield mirror


def test_a_series_has_its_name_before_all_else(clashing: Mirror) -> None:
    def columns(table: str) -> list[str]:
        return run_sql(clashing, f"select * from {table}")[0][2:]

    assert columns("test.x") == ["x"]
    assert columns("test.x_all") == ["l"]
    assert columns("test.x_all_all") == ["l", *VERSION]
    assert columns("test.drms_keyword") == ["d"]
    assert columns("test.drms_keyword_all") == ["d", *VERSION]
    assert run_sql(clashing, "select seriesname from test.drms_series order by 1")[1] == [
        ("test.drms_keyword",),
        ("test.x",),
        ("test.x_all",),
    ]


@pytest.mark.parametrize("table", ["other.y", "other.y_all", "OTHER.Y"])
def test_a_series_of_which_nothing_is_held_says_how_to_bring_it(table, clashing) -> None:
    with pytest.raises(SqlError, match=r"drmsmirror sync other\.y"):
        run_sql(clashing, f"select * from {table}")
    assert run_sql(clashing, "select seriesname from other.drms_series")[1] == [("other.y",)]


# ------------------------------------------------------------------------------ DRMS's own tables


def test_the_master_tables_tell_of_every_series_of_their_namespace(mirror) -> None:
    assert run_sql(mirror, "select seriesname, primary_idx from hmi.drms_series")[1] == [
        ("hmi.M_45s", "T_REC_index, CAMERA")
    ]
    assert run_sql(
        mirror, "select unit, isconstant from hmi.drms_keyword where keywordname = 'T_REC'"
    )[1] == [("TAI", 1000)]
    assert run_sql(mirror, "select segmentname, naxis from hmi.drms_segment")[1]
    assert run_sql(mirror, "select count(*) from HMI.DRMS_LINK")[1] == [(0,)]


def test_master_tables_join_with_records(mirror) -> None:
    _, rows = run_sql(
        mirror,
        "select k.description, count(datarms) from hmi.m_45s, hmi.drms_keyword k "
        "where k.keywordname = 'DATARMS' group by 1",
    )
    assert len(rows) == 1


# ------------------------------------------------------------------------------ times


def test_times_are_read_and_printed_as_drms_does(mirror, held) -> None:
    _, rows = run_sql(
        mirror, "select drms_time(t_rec) from hmi.m_45s order by t_rec_index, camera, recnum"
    )
    printed = held.held("hmi.M_45s", ["T_REC"])["T_REC"]
    assert [text for (text,) in rows] == printed
    start, end = printed[len(printed) // 3], printed[len(printed) // 2]
    wanted = sum(parse_time(start) <= parse_time(text) < parse_time(end) for text in printed)
    assert 0 < wanted < len(printed)
    between = f"t_rec >= tai('{start}') and t_rec < tai('{end}')"
    assert run_sql(mirror, f"select count(*) from hmi.m_45s where {between}")[1] == [(wanted,)]


@pytest.mark.parametrize(
    "where", ["", " from hmi.m_45s", " from hmi.m_45s where recnum < 0", " from hmi.m_45s_all"]
)
def test_a_wrong_time_is_told_even_if_no_row_is_compared_with_it(where: str, mirror) -> None:
    with pytest.raises(SqlError) as caught:
        run_sql(mirror, f"select TAI('2014.13.01'){where}")
    assert str(caught.value) == "'2014.13.01' is no time: there is no month 13"


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("tai('2014' || '.13.01')", "'2014.13.01' is no time: there is no month 13"),
        ("drms_time(1, 'EUR')", "'EUR' is no zone to print a time in; use TAI, UTC"),
        ("tai(1, 2)", "DuckDB cannot run this: "),
        ("drms_time('x')", "DuckDB cannot run this: Conversion Error"),
    ],
)
def test_a_wrong_argument_is_told_in_words(expression: str, problem: str, mirror) -> None:
    with pytest.raises(SqlError) as caught:
        run_sql(mirror, f"select {expression}")
    assert str(caught.value).startswith(problem)


# ------------------------------------------------------------------------------ limits

ENDLESS = "with recursive n(i) as (select 1 union all select i % 9 from n) select max(i) from n"


@pytest.mark.parametrize(
    ("limit", "given", "was_cut"),
    [(None, 5000, False), (0, 0, True), (4999, 4999, True), (5000, 5000, False), (9, 9, True)],
)
def test_no_more_rows_than_the_limit_are_given(limit, given, was_cut, mirror) -> None:
    statement = "select 7 as n from hmi.m_45s, hmi.m_45s_all limit 5000"
    with stream_sql(mirror, statement, limit=limit) as answer:
        assert answer.columns == ("n",)
        assert list(answer) == [(7,)] * given
        assert answer.was_cut is was_cut


def test_what_takes_too_long_is_stopped(mirror) -> None:
    with (
        pytest.raises(SqlError, match=r"longer than 0\.05 s and was stopped"),
        stream_sql(mirror, ENDLESS, seconds=0.05) as answer,
    ):
        list(answer)
    with stream_sql(mirror, "select 1", seconds=60) as answer:
        assert list(answer) == [(1,)]


def test_an_error_of_the_reader_is_not_taken_for_the_engines(mirror) -> None:
    with pytest.raises(TimeoutError), stream_sql(mirror, "select 1", seconds=60):
        raise TimeoutError


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"seconds": 0}, {"seconds": math.nan}])
def test_a_limit_that_is_none_is_refused(wrong, mirror) -> None:
    with pytest.raises(SqlError, match="it must be"), stream_sql(mirror, "select 1", **wrong):
        pass


# ------------------------------------------------------------------------------ Client.sql


def test_the_client_gives_a_table_with_the_types_of_the_columns(held) -> None:
    statement = (
        "select t_rec, datarms, camera, drms_time(t_rec) as t, t_rec, null::bigint as nothing, "
        "9007199254740993 as odd, sum(1) over () as n, 1.5 as d, 1.1::float as f, "
        "case when camera < 0 then true end as b from hmi.m_45s"
    )
    with Client(held.settings, policy="offline") as client:
        frame = client.sql(statement, limit=3)
    names = ["t_rec", "datarms", "camera", "t", "t_rec", "nothing", "odd", "n", "d", "f", "b"]
    types = [str(frame.iloc[:, place].dtype) for place in range(frame.shape[1])]
    assert list(frame.columns) == names
    assert types[3] in ("object", "str")
    del types[3]
    assert types == [
        *("float64", "float32", "int32", "float64", "Int64"),
        *("int64", "float64", "float64", "float32", "boolean"),
    ]
    assert len(frame) == 3
    assert frame["odd"].iloc[0] == 9007199254740993


def test_the_client_gives_all_rows_without_a_limit_and_none_with_0(held) -> None:
    with Client(held.settings, policy="offline") as client:
        rows = int(client.sql("select count(*) as n from hmi.m_45s")["n"].iloc[0])
        assert len(client.sql("select * from hmi.m_45s", timeout=60)) == rows
        assert client.sql("select recnum from hmi.m_45s", limit=0).columns.tolist() == ["recnum"]
        assert client.sql("describe hmi.m_45s")["column"].iloc[0] == "recnum"
        with pytest.raises(SqlError, match="longer than"):
            client.sql(ENDLESS, timeout=0.05)


# ------------------------------------------------------------------------------ refused

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
    "select * from hmi.m_45s except select * from read_csv('{file}')",
    "select * from hmi.m_45s positional join '{file}'",
    "select * from hmi.m_45s asof join '{file}' using (recnum)",
    "select * from hmi.m_45s where exists (from read_text('{file}'))",
    "select * from hmi.m_45s order by (select content from read_text('{file}'))",
    "select * from hmi.m_45s limit (select count(*) from read_text('{file}'))",
    "select * from hmi.m_45s_all, lateral (select * from read_csv('{file}'))",
    "select * from hmi.drms_keyword, '{file}'",
    "select case when true then (select content from read_text('{file}')) end",
    "select list_transform([1], x -> (select content from read_text('{file}')))",
    "with recursive r as (select 1 union all select a from '{file}') select * from r",
    "select tai((select content from read_text('{file}')))",
    "select drms_time((select a from read_csv('{file}')))",
    "select /* from hmi.m_45s */ content from read_text/**/('{file}')",
    "select 1 -- \nfrom read_text('{file}')",
    "select json_serialize_plan('select * from ''{file}''')",
    "select json_execute_serialized_sql(json_serialize_sql('from ''{file}'''))",
    "from json_execute_serialized_sql(json_serialize_sql('from ''{file}'''))",
    "from query_table(['{file}'])",
    "from query($$select * from '{file}'$$)",
    "prepare p as select * from '{file}'; execute p",
    "create macro tai(x) as (select content from read_text('{file}')); select tai(1)",
    "with x as (copy (select 1) to '{file}') select 1",
    "select * from (copy (select 1) to '{file}')",
    "select 1; copy (select 1) to '{file}'",
    "select 1 /* ; */ ; /* */ copy (select 1) to '{file}' --",
    "copy (select 1) to '{file}' (format parquet)",
    "set variable x = (select content from read_text('{file}'))",
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
    "with x as (delete from hmi.m_45s returning recnum) select * from x",
    "with x as (insert into hmi.m_45s (recnum) values (1) returning 1) select * from x",
    "with x as (update hmi.m_45s set recnum = 1 returning 1) select * from x",
    "with x as (insert into hmi.drms_series select * from hmi.drms_series returning 1) from x",
    "insert into hmi.drms_series select * from hmi.drms_series",
    "merge into hmi.m_45s using hmi.m_45s b on false when not matched then insert",
    "select * from (describe hmi.m_45s)",
    "select * from (summarize hmi.m_45s)",
    "select * from (show tables)",
    "with show as (select 1) select * from (show tables)",
    "copy from database memory to x",
    "select getvariable('x')",
    "set variable x = 1",
    "select in_search_path('memory', 'main')",
    "select json_serialize_plan('select current_setting(''temp_directory'')')",
    "select json_serialize_sql('select 1')",
    "select current_query()",
    "select txid_current()",
    "select main.current_setting('temp_directory')",
    "select system.main.current_setting('temp_directory')",
    "select __internal_compress_string_hugeint('x')",
    "select _drms_time(1, 'TAI', 0)",
    "select hmi.tai('2014.07.05_TAI')",
    "create or replace macro tai(x) as 1",
    "create or replace view hmi.m_45s as select 1",
    "attach ':memory:' as x",
    "detach memory",
    "deallocate p",
    "analyze",
    "comment on view hmi.m_45s is 'x'",
    "select * from hmi.drms_session",
    "select * from hmi.runs",
    "select * from hmi.drms_keyword_all",
    "select * from drms_keyword",
    "select * from aia.drms_keyword",
    "select * from memory.hmi.m_45s",
    "select * from hmi.m_45s_all_all",
    "select * from hmi._all",
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


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '{records}/evil.parquet'",
        "copy hmi.m_45s to '{records}/evil.csv'",
        "select 1; copy (select 1) to '{records}/evil.parquet'",
        "export database '{records}/evil'",
        "attach '{records}/evil.db' as x",
        "set memory_limit = '9GB'",
        "create table hmi.x as select 1",
        "install httpfs",
        "execute p",
        "explain select 1",
        "",
    ],
)
def test_what_our_parser_let_through_stops_at_the_engines(statement, mirror, held) -> None:
    """Within the store the engine's own lock does not stop a COPY."""
    records = held.settings.mirror / "records" / "hmi" / "m_45s"
    before = sorted(records.rglob("*"))
    with connect([records]) as connection, pytest.raises(SqlError, match="Only one SELECT"):
        refuse_what_is_no_select(connection, statement.replace("{records}", str(records)))
    assert sorted(records.rglob("*")) == before


def test_a_statement_that_the_engine_cannot_run_says_why(mirror) -> None:
    with pytest.raises(SqlError, match="no_such_column"):
        run_sql(mirror, "select no_such_column from hmi.m_45s")


def test_an_unknown_series_is_told_with_those_that_are_held(mirror) -> None:
    with pytest.raises(SqlError, match=r"hmi\.m_45s, test\.strfsn"):
        run_sql(mirror, "select * from hmi.m_720s")


# ------------------------------------------------------------------------------ no more than needed
PLAIN = [
    ("select count(*) from hmi.m_45s", set()),
    ("select QUALITY, count(*) from hmi.m_45s group by all", {"quality"}),
    ("select m.datamean as quality from hmi.m_45s m where camera = 1", {"datamean", "camera"}),
    ("select quality + 1 as n from hmi.m_45s order by n", {"quality", "n"}),
    ("select hmi.m_45s.quality from hmi.m_45s limit 3", {"quality"}),
    ("select drms_time(t_rec) from hmi.m_45s where t_rec > tai('2010.05.01_TAI')", {"t_rec"}),
]


@pytest.mark.parametrize(("statement", "columns"), PLAIN)
def test_a_plain_statement_reads_the_columns_that_it_names(statement, columns, mirror) -> None:
    assert check_statement(statement, SqlNames.of(mirror)).columns == columns


@pytest.mark.parametrize(
    "statement",
    [
        "select * from hmi.m_45s",
        "from hmi.m_45s",
        "select m.* from hmi.m_45s m",
        "select m from hmi.m_45s m",
        "select M_45s from hmi.m_45s",
        "select count(m) from hmi.m_45s m",
        "select hash(m) from hmi.m_45s m",
        "select columns('q.*') from hmi.m_45s",
        "select * exclude (quality) from hmi.m_45s",
        "select #3 from hmi.m_45s",
        "select 1 from hmi.m_45s a natural join hmi.m_45s_all b",
        "select n from (from hmi.m_45s) as t(n)",
        "select quality from hmi.m_45s union all by name from hmi.m_45s",
    ],
)
def test_a_statement_that_may_mean_other_columns_reads_all(statement, mirror) -> None:
    assert check_statement(statement, SqlNames.of(mirror)).columns is None


@pytest.mark.parametrize("statement", [statement for statement, _ in PLAIN])
def test_fewer_columns_answer_the_same(statement, mirror) -> None:
    """Within a common table expression the same statement reads all columns."""
    inner = statement.replace("limit 3", "order by 1 limit 3")
    whole = f"with everything as ({inner}) select * from everything"
    assert check_statement(whole, SqlNames.of(mirror)).columns is None
    columns, rows = run_sql(mirror, inner)
    expected = run_sql(mirror, whole)
    assert columns == expected[0]
    assert sorted(map(repr, rows)) == sorted(map(repr, expected[1]))


def test_statements_that_run_at_the_same_time_do_not_see_each_other(mirror) -> None:
    with stream_sql(mirror, "select count(*) from hmi.m_45s") as one:
        described = run_sql(mirror, "describe hmi.m_45s")[1]
        again = run_sql(mirror, "select count(*) from hmi.m_45s")[1]
        assert list(one) == again
    names = [name for name, _, _ in described]
    assert len(names) == len(set(names)) > 10


def test_a_name_that_is_no_column_is_told_with_those_that_are_like_it(mirror) -> None:
    with pytest.raises(SqlError, match="quality"):
        run_sql(mirror, "select qualty from hmi.m_45s")


def test_time_functions_are_there_wherever_they_are_named(mirror) -> None:
    inner = "select max(DRMS_TIME(t_rec)) from hmi.m_45s"
    text = f"select ({inner}) = drms_time(max(t_rec)) from hmi.m_45s"
    assert run_sql(mirror, text)[1] == [(True,)]
