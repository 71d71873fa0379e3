"""Rules of docs/record-sets.md that no vector is about."""

from __future__ import annotations

import pytest

from drmsmirror import Client
from drmsmirror.errors import NotUnderstoodError, RecordSetError


def _recnums(client: Client, query: str) -> list[int]:
    return client.answer(query, ["*recnum*"]).texts()["*recnum*"]


@pytest.mark.parametrize(
    ("query", "recnums"),
    [
        ("hmi.M_45s[2010.05.01_TAI][:#$]", []),
        ("hmi.M_45s[CAMERA=1][:#^,#150]", []),
        ("hmi.M_45s[:#^][CAMERA=2]", [101]),
        ("test.timekey[2010.05.01/1d][:#$]", []),
    ],
)
def test_the_first_and_last_record_number_are_those_of_the_series(
    query: str, recnums: list[int], client: Client
) -> None:
    """Rule 31."""
    assert _recnums(client, query) == recnums


def test_a_string_has_a_first_and_last_value_but_no_numbers(client: Client) -> None:
    """Rules 28 and 33."""
    assert _recnums(client, "test.strfsn[#$]") == _recnums(client, "test.strfsn[$]") != []
    with pytest.raises(RecordSetError, match="has no numbers"):
        client.answer("test.strfsn[#$,#5]", ["*recnum*"])


@pytest.mark.parametrize(
    "condition",
    [
        "EXISTS (SELECT 1 FROM test.strfsn WHERE CAMERA = 1)",
        "QUALITY IN (SELECT FSN FROM test.strfsn ORDER BY 1 LIMIT 1)",
        "to_char(QUALITY, '9') = '1'",
        "ifnull(QUALITY, 0) = 0",
        "|/ QUALITY = 5",
        "HISTORY = $$x$$",
        "HISTORY ~ '(a)\\1'",
        "T_OBS::text = '1'",
        "round(T_OBS::numeric, QUALITY) = 0",
    ],
)
def test_what_postgresql_may_know_is_not_understood(condition: str, client: Client) -> None:
    """Rule 49: a query of this kind is sent to the upstream where that may be asked."""
    with pytest.raises(NotUnderstoodError, match="not answered by the mirror itself"):
        client.answer(f"hmi.M_45s[? {condition} ?]", ["*recnum*"])


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("QUALITY == 0", "There is no operator =="),
        ("QUALITY <=> 0", "There is no operator <=>"),
        ("QUALITY &- 1 = 0", "There is no operator &-"),
        ("HISTORY = 'a' 'b'", "Two texts stand side by side"),
        ("HISTORY rlike 'a'", "PostgreSQL has no rlike"),
        ("{fn abs(QUALITY)} = 1", "PostgreSQL has no {"),
        ("HISTORY ~ 'a{5'", "that is not closed"),
        ("QUALITY = 1 /* a /* b */", "This comment is not closed"),
        ("T_OBS > 1e99999999999999999999", "out of range"),
    ],
)
def test_what_postgresql_refuses_is_an_error(condition: str, problem: str, client: Client) -> None:
    """Rule 49."""
    with pytest.raises(RecordSetError) as caught:
        client.answer(f"hmi.M_45s[? {condition} ?]", ["*recnum*"])
    assert not isinstance(caught.value, NotUnderstoodError)
    assert problem in str(caught.value)


def test_a_missing_quality_is_printed_by_the_name_in_capitals_only(client: Client) -> None:
    """DRMS semantics 2.2, rule 1: it is the name that was asked for that counts."""
    texts = client.answer("hmi.M_45s[? QUALITY = -2147483648 ?]", ["QUALITY", "quality"]).texts()
    assert set(texts["QUALITY"]) == {"0x80000000"}
    assert set(texts["quality"]) == {"MISSING"}
