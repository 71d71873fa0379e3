"""What a query was understood to mean, in words and as SQL."""

from __future__ import annotations

import duckdb
import pytest

from drmsmirror.client import Client
from drmsmirror.errors import RecordSetError
from tests.unit.sync.mirrors import Copy

HOUR = "2010.05.01_00:00:00_TAI to 2010.05.01_00:59:15_TAI"


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ("[2010.05.01_TAI/1h]", [f"T_REC: slots 12151680 to 12151759 ({HOUR})"]),
        (
            "[2010.05.01_TAI/1h@15m]",
            [f"T_REC: slots 12151680 to 12151759, every 20 ({HOUR}, 900 s apart)"],
        ),
        ("[#12151680]", ["T_REC: slot 12151680 (2010.05.01_00:00:00_TAI)"]),
        ("[][1-2]", ["CAMERA: 1 to 2"]),
        ("[CAMERA=1,3]", ["CAMERA: 1 or 3"]),
        ("[][$]", ["CAMERA: the last there is, among what the filters before let"]),
        ("[? QUALITY >= 0 ?]", ["SQL: QUALITY >= 0"]),
        ("[:#5]", ["record number: 5"]),
        ("", []),
    ],
)
def test_each_filter_is_put_into_words(filters: str, words: list[str], held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        (one,) = client.explain(f"hmi.m_45s{filters}").sets
    assert one.series == "hmi.M_45s"
    assert len(one.filters) == len(words)
    assert all(said.startswith(word) for said, word in zip(one.filters, words, strict=True))


@pytest.mark.parametrize(
    ("query", "versions"),
    [
        ("hmi.M_45s[? CAMERA=1 ?]", "the latest version of each record"),
        ("hmi.M_45s[! CAMERA=1 !]", "every version"),
        ("hmi.M_45s[:#5]", "every version"),
    ],
)
def test_it_says_which_versions_count(query: str, versions: str, held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        assert client.explain(query).sets[0].versions == versions


@pytest.mark.parametrize(
    "query",
    [
        "hmi.M_45s[2010.05.01_TAI/1h@15m][1]",
        "hmi.M_45s[][$]",
        "hmi.M_45s[][#-#@2]",
        "hmi.M_45s[^,2010.05.01_TAI/9d][? CAMERA / 2 = 0 AND CAMERA < 1.5 ?]",
        "test.strfsn[? DVAL > 0.1 OR DVAL < 0 ?]",
    ],
)
def test_the_sql_gives_the_records_of_the_query(query: str, held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        (one,) = client.explain(query).sets
        expected = client.answer(query, ["*recnum*"]).texts()["*recnum*"]
    with held.open() as mirror, duckdb.connect() as connection:
        for name in ("hmi.M_45s", "test.strfsn"):
            files = mirror.table(mirror.catalogue.definition(name)).files()
            schema, _, table = name.partition(".")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            for view in (table, f"{table}_all"):  # no record of these has an older version
                connection.execute(
                    f"CREATE VIEW {schema}.{view} AS FROM read_parquet({[str(f) for f in files]})"
                )
        found = connection.sql(one.sql).to_arrow_table()["recnum"].to_pylist()
    assert expected
    assert found == expected


def test_it_shows_the_canonical_form_and_the_segments(held: Copy) -> None:
    with Client(held.settings, policy="offline") as client:
        explanation = client.explain("hmi.M_45s [2010.05.01_TAI] {magnetogram} ; test.strfsn")
    assert explanation.canonical == "hmi.M_45s[2010.05.01_TAI]{magnetogram},test.strfsn"
    assert [one.segments for one in explanation.sets] == [("magnetogram",), None]


def test_what_is_wrong_is_an_error_as_for_a_query(held: Copy) -> None:
    with Client(held.settings) as client, pytest.raises(RecordSetError, match="Write 7d"):
        client.explain("hmi.M_45s[2010.05.01_TAI/1w]")
