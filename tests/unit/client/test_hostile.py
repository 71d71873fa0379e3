"""Conditions that somebody might try: none reads a file, a setting, another table, or runs on.

Each is refused before anything runs, or answered like any other; the mirror stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from drmsmirror.client import Client
from drmsmirror.errors import QueryError
from tests.unit.sync.mirrors import Copy

#: Where {secret} is a file that no condition may read, and {mirror} the mirror's own directory.
FILES = [
    "1 = (SELECT count(*) FROM read_csv('{secret}'))",
    "1 = (SELECT count(*) FROM read_csv_auto('{secret}'))",
    "1 = (SELECT count(*) FROM read_parquet('{secret}'))",
    "1 = (SELECT count(*) FROM parquet_scan('{secret}'))",
    "1 = (SELECT count(*) FROM read_json('{secret}'))",
    "1 = (SELECT count(*) FROM read_json_auto('{secret}'))",
    "1 = (SELECT count(*) FROM read_text('{secret}'))",
    "1 = (SELECT count(*) FROM read_blob('{secret}'))",
    "1 = (SELECT count(*) FROM read_ndjson('{secret}'))",
    "1 = (SELECT count(*) FROM '{secret}')",
    '1 = (SELECT count(*) FROM "{secret}")',
    "1 = (SELECT count(*) FROM glob('/*'))",
    "1 = (SELECT count(*) FROM sniff_csv('{secret}'))",
    "1 = (SELECT count(*) FROM parquet_metadata('{secret}'))",
    "1 = (SELECT count(*) FROM parquet_schema('{secret}'))",
    "1 = (SELECT count(*) FROM sqlite_scan('{mirror}/catalogue.sqlite', 'runs'))",
    "1 = (SELECT count(*) FROM postgres_scan('host=localhost', 'public', 'x'))",
    "1 = (SELECT count(*) FROM mysql_query('x', 'select 1'))",
    "1 = (SELECT count(*) FROM delta_scan('{mirror}/records/hmi/m_45s'))",
    "1 = (SELECT count(*) FROM iceberg_scan('{mirror}'))",
    "1 = (SELECT count(*) FROM read_csv('http://127.0.0.1:9/x'))",
    "1 = (SELECT count(*) FROM 's3://bucket/x.parquet')",
    "INSTRUME = read_text('{secret}')",
    "INSTRUME = (SELECT content FROM read_text('{secret}'))",
    "INSTRUME = pg_read_file('{secret}')",
    "INSTRUME = pg_read_binary_file('{secret}')::text",
    "INSTRUME = lo_import('{secret}')::text",
    "1 = length(pg_ls_dir('/'))",
    "COPY (SELECT 1) TO '{secret}'",
    "1=1) ; COPY (SELECT 1) TO '{mirror}/x'; SELECT (1=1",
    "EXPORT DATABASE '{mirror}/x'",
    "IMPORT DATABASE '{mirror}/x'",
    "ATTACH '{secret}' AS x",
    "ATTACH '{mirror}/catalogue.sqlite' (TYPE sqlite)",
    "DETACH x",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL httpfs FROM 'http://127.0.0.1:9'",
]

SETTINGS = [
    "SET memory_limit = '1TB'",
    "RESET memory_limit",
    "PRAGMA database_list",
    "PRAGMA enable_external_access",
    "CALL pragma_version()",
    "1 = (SELECT count(*) FROM pragma_database_list)",
    "1 = (SELECT count(*) FROM duckdb_settings())",
    "1 = (SELECT count(*) FROM duckdb_secrets())",
    "1 = (SELECT count(*) FROM duckdb_functions())",
    "INSTRUME = current_setting('memory_limit')",
    "INSTRUME = set_config('x', 'y', false)",
    "INSTRUME = getenv('HOME')",
    "INSTRUME = version()",
    "INSTRUME = current_database()",
    "INSTRUME = current_schema()",
    "INSTRUME = current_user",
    "INSTRUME = session_user",
    "INSTRUME = user",
    "INSTRUME = current_query()",
    "INSTRUME = getvariable('x')",
    "INSTRUME = inet_server_addr()::text",
    "pg_backend_pid() > 0",
    "pg_postmaster_start_time() > now()",
    "txid_current() > 0",
]

TABLES = [
    "1 = (SELECT count(*) FROM information_schema.tables)",
    "1 = (SELECT count(*) FROM pg_catalog.pg_class)",
    "1 = (SELECT count(*) FROM pg_shadow)",
    "1 = (SELECT count(*) FROM duckdb_tables)",
    "1 = (SELECT count(*) FROM sqlite_master)",
    "1 = (SELECT count(*) FROM runs)",
    "1 = (SELECT count(*) FROM leases)",
    "1 = (SELECT count(*) FROM main.held)",
    "1 = (SELECT count(*) FROM system.information_schema.columns)",
    "1 = (SELECT count(*) FROM hmi.nosuch)",
    "1 = (SELECT count(*) FROM hmi.m_45s.x)",
    "1 = (SELECT count(*) FROM a.hmi.m_45s)",
    "1 = (SELECT count(*) FROM m_45s)",
    "1 = (SELECT count(*) FROM hmi.m_45s, hmi.m_45s AS b)",
    "1 = (SELECT count(*) FROM hmi.m_45s CROSS JOIN hmi.m_45s AS b)",
    "1 = (SELECT count(*) FROM hmi.m_45s a JOIN hmi.m_45s b ON a.recnum = b.recnum)",
    "1 = (SELECT count(*) FROM hmi.m_45s LATERAL JOIN x)",
    "1 = (SELECT count(*) FROM (SELECT 1) AS x)",
    "1 = (SELECT count(*) FROM (VALUES (1)) AS x)",
    "1 = (SELECT count(*) FROM unnest(ARRAY[1,2]))",
    "1 = (SELECT count(*) FROM hmi.m_45s TABLESAMPLE SYSTEM (1))",
    "1 = (SELECT count(*) FROM hmi.m_45s FOR UPDATE)",
    "1 = (SELECT _seen_run FROM hmi.m_45s)",
    "1 = (SELECT count(*) FROM hmi.m_45s b WHERE b.recnum = m_45s.recnum AND b.recnum = hmi.x)",
    "recnum = (SELECT recnum INTO x FROM hmi.m_45s)",
    "_latest",
    "_generation = 1",
    "_text IS NULL",
    "_seen_run > 0",
    "_gone_run IS NULL",
    "_period = 'all'",
    "rowid = 1",
    "ctid = '(0,1)'",
    "filename = 'x'",
    "file_row_number = 1",
    "COLUMNS('.*') = 1",
    "* = 1",
    "m_45s.* IS NULL",
    "m_45s IS NULL",
]

WRITES = [
    "DROP TABLE hmi.m_45s",
    "DELETE FROM hmi.m_45s",
    "UPDATE hmi.m_45s SET quality = 0",
    "INSERT INTO hmi.m_45s VALUES (1)",
    "TRUNCATE hmi.m_45s",
    "ALTER TABLE hmi.m_45s ADD COLUMN x int",
    "CREATE TABLE x (a int)",
    "CREATE VIEW x AS SELECT 1",
    "CREATE MACRO f(a) AS a",
    "CREATE FUNCTION f() RETURNS int AS 'select 1' LANGUAGE sql",
    "VACUUM",
    "CHECKPOINT",
    "BEGIN",
    "1=1; DROP TABLE x",
    "1=1) OR (1=1",
    "1=1)) OR ((1=1",
    "1=1) UNION SELECT (1",
    "1=1) UNION ALL SELECT 1 FROM hmi.m_45s WHERE (1=1",
    "1=1) ORDER BY (recnum",
    "1=1) LIMIT (1",
    "1=1) GROUP BY (recnum",
    "1=1) -- ",
    "1=1 /*",
    "1=1 */",
    "'; DROP TABLE x; --' = INSTRUME ; SELECT 1",
    "WITH x AS (DELETE FROM hmi.m_45s RETURNING 1) SELECT 1",
    "1 = (WITH x AS (SELECT 1) SELECT * FROM x)",
    "1 = (WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t) SELECT max(n) FROM t)",
    "EXECUTE x",
    "PREPARE x AS SELECT 1",
    "SELECT 1",
    "VALUES (1)",
]

FUNCTIONS = [
    "pg_sleep(10) IS NULL",
    "sleep_ms(10000) IS NULL",
    "nextval('x') > 0",
    "setval('x', 1) > 0",
    "currval('x') > 0",
    "random() > 0.5",
    "setseed(0.5) IS NULL",
    "gen_random_uuid() IS NOT NULL",
    "uuid() IS NOT NULL",
    "now() > 0",
    "current_timestamp IS NOT NULL",
    "current_date IS NOT NULL",
    "extract(year from now()) > 0",
    "INSTRUME = repeat('a', 1000000000)",
    "length(repeat('a', 2147483647)) > 0",
    "INSTRUME = lpad('a', 1000000000)",
    "INSTRUME = rpad('a', 1000000000, 'b')",
    "INSTRUME = string_agg('a', 'b')",
    "INSTRUME = array_to_string(ARRAY['a'], '')",
    "1 = (SELECT count(*) FROM generate_series(1, 1000000000000))",
    "1 = (SELECT max(range) FROM range(1000000000000))",
    "generate_series(1, 10) = 1",
    "unnest(ARRAY[1]) = 1",
    "list_sum(list_transform([1,2], x -> x)) = 3",
    "[1,2,3][1] = 1",
    "ARRAY[1,2] @> ARRAY[1]",
    "{'a': 1}.a = 1",
    "MAP {'a': 1} IS NULL",
    "row(1,2) IS NULL",
    "(CAMERA, QUALITY) = (1, 0)",
    "CAMERA = ANY(ARRAY[1,2])",
    "CAMERA = ALL(SELECT 1)",
    "CAMERA = SOME(SELECT 1)",
    "json_extract('{}', '$.a') IS NULL",
    "'{}'::json IS NULL",
    "'<a/>'::xml IS NULL",
    "xpath('/a', '<a/>') IS NULL",
    "query('SELECT 1') = 1",
    "query_table('hmi.m_45s') = 1",
    "dblink('host=localhost', 'SELECT 1') IS NULL",
    "md5(INSTRUME) = ''",
    "sha256(INSTRUME) = ''",
    "encode(INSTRUME::bytea, 'base64') = ''",
    "regexp_matches(INSTRUME, 'a') IS NULL",
    "regexp_replace(INSTRUME, 'a', 'b') = ''",
    "format('%s', INSTRUME) = ''",
    "printf('%n', 1) = ''",
    "eval('1') = 1",
    "error('x') IS NULL",
    "write_log('x') IS NULL",
    "txt::regclass IS NULL",
    "'hmi.m_45s'::regclass::oid > 0",
    "count(*) > 0",
    "sum(CAMERA) > 0",
    "row_number() OVER () = 1",
    "max(CAMERA) FILTER (WHERE true) = 1",
    "lag(CAMERA) OVER (ORDER BY recnum) = 1",
    "drms.nosuch(1)",
    "drms.image_exists(1, 2)",
    "pg_catalog.pg_sleep(1) IS NULL",
    "main.getenv('HOME') = ''",
    "CAMERA = :x",
    "CAMERA = $1",
    "CAMERA = @x",
    "CAMERA = $$1$$",
    "CAMERA = $(HOME)",
    "CAMERA = `id`",
    "CAMERA = {x}",
    "CAMERA = ${HOME}",
    "INSTRUME = E'\\x41'",
    "INSTRUME = U&'\\0041'",
    "INSTRUME COLLATE \"C\" = 'a'",
    "INTERVAL '1 day' > 1",
    "DATE '2010-01-01' > 1",
    "CAMERA AT TIME ZONE 'UTC' > 1",
    "CAMERA IS OF (int)",
    "CAMERA OPERATOR(pg_catalog.=) 1",
]

#: Conditions that would take much time or memory, if they were let.
HEAVY = [
    "replace(" * 9 + "INSTRUME" + ", 'a', 'aaaaaaaaaaaa')" * 9 + " = 'b'",
    "replace(replace(INSTRUME, INSTRUME, 'aa'), 'a', 'aa') = 'b'",
    f"replace(INSTRUME, 'a', '{'b' * 1000}') = 'b'",
    "(" * 500 + "1=1" + ")" * 500,
    "NOT " * 4000 + "true",
    "- " * 3000 + "1 = 1",
    "1 = " + "abs(" * 200 + "1" + ")" * 200,
    "1 = " + "1 + " * 3000 + "1",
    "1 = (SELECT " * 3 + "1" + ")" * 3,
    "CASE WHEN true THEN " * 300 + "true" + " ELSE false END" * 300,
    "INSTRUME ~ '((a{200}){200}){200}'",
    "INSTRUME ~ '(((((((a{9}){9}){9}){9}){9}){9}){9})'",
    "INSTRUME ~ '(a)\\1'",
    "INSTRUME ~ '(?=a)a'",
    "INSTRUME ~ '(?<!a)b'",
    "INSTRUME ~ '***=a'",
    "INSTRUME ~ INSTRUME",
    "INSTRUME SIMILAR TO INSTRUME",
    "CAMERA = 1 " + "OR CAMERA = 2 " * 20_000,
    "INSTRUME = '" + "a" * 600_000 + "'",
    (
        "1 = (SELECT max(CAMERA) FROM hmi.m_45s WHERE CAMERA IN (SELECT 1 FROM hmi.m_45s WHERE "
        "CAMERA IN (SELECT CAMERA FROM hmi.m_45s)))"
    ),
    "1e400 > CAMERA",
    "CAMERA > " + "9" * 100_000,
    "99999999999999999999999999999999 % 0 = CAMERA AND (1 << 1000000) = NOSUCH",
]

HOSTILE = [*FILES, *SETTINGS, *TABLES, *WRITES, *FUNCTIONS, *HEAVY]


def listing(directory: Path) -> list[tuple[str, int]]:
    """Every file below a directory, with its size; of the catalogue in use only its name."""
    return sorted(
        (str(path), 0 if "sqlite" in path.name else path.stat().st_size)
        for path in directory.rglob("*")
        if "sqlite-" not in path.name  # SQLite's own, which come and go
    )


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) == len(HOSTILE) >= 150


@pytest.mark.parametrize("mark", "?!")
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_condition_is_refused_and_changes_nothing(
    number: int, mark: str, held: Copy, secret: Callable[[str], Path]
) -> None:
    root = held.settings.mirror
    condition = HOSTILE[number]
    condition = condition.replace("{secret}", str(secret("x.csv"))).replace("{mirror}", str(root))
    before = listing(root)
    with Client(held.settings, policy="offline") as client, pytest.raises(QueryError) as caught:
        client.answer(f"hmi.M_45s[{mark} {condition} {mark}]", ["*recnum*"]).texts()
    assert "TOPSECRET" not in str(caught.value)
    assert listing(root) == before


@pytest.mark.parametrize(
    "condition",
    ["sqrt(" * 30 + "CAMERA" + ")" * 30 + " = 1", "(CAMERA / " * 30 + "CAMERA" + ")" * 30 + " = 1"],
)
def test_what_nests_too_deeply_is_refused(condition: str, held: Copy) -> None:
    with (
        Client(held.settings, policy="offline") as client,
        pytest.raises(QueryError, match=r"nested too deeply|too deep"),
    ):
        client.answer(f"hmi.M_45s[? {condition} ?]", ["*recnum*"]).texts()


@pytest.mark.parametrize(
    "condition",
    [
        " AND ".join(["CAMERA + 1 > 0"] * 200),
        " OR ".join(["CAMERA + 1 < 0"] * 200) + " OR CAMERA = 1",
    ],
)
def test_a_long_chain_of_what_can_fail_is_answered(condition: str, held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        assert client.answer(f"hmi.M_45s[? {condition} ?]", ["*recnum*"]).texts()["*recnum*"]


def test_a_long_list_of_alternatives_is_answered(held: Copy) -> None:
    condition = " OR ".join(f"recnum = {number}" for number in range(1000))
    with Client(held.settings, policy="offline") as client:
        found = client.answer(f"hmi.M_45s[? {condition} ?]", ["*recnum*"]).texts()["*recnum*"]
    assert 0 < len(found) < 1000


def test_text_that_looks_like_code_is_only_text(held: Copy) -> None:
    texts = ["'; DROP TABLE x; --", "$(HOME)", "${HOME}", "/* */", "%s%n", os.sep * 3]
    with Client(held.settings, policy="offline") as client:
        for text in texts:
            quoted = text.replace("'", "''")
            answer = client.answer(f"hmi.M_45s[? INSTRUME = '{quoted}' ?]", ["*recnum*"])
            assert answer.texts() == {"*recnum*": []}
