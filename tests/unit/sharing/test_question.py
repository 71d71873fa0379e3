"""What a question is known by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drmsmirror.sharing import Question
from tests.unit.sharing.conftest import QUESTION


def test_the_digest_is_that_of_every_later_version() -> None:
    """Else what is stored would be asked for again."""
    question = Question("hmi.M_45s[]", ("T_REC",), n=5)
    assert question.digest == "08b16bf3462ee69e44321cfbeca0b806b914cd6bc1fb47eba6d9017d983cdbc3"


def test_none_and_0_are_the_same() -> None:
    assert replace(QUESTION, n=0).digest == QUESTION.digest


@pytest.mark.parametrize(
    "other",
    [
        {"record_set": "hmi.m_45s[2014.05.10]"},
        {"keys": ("*recnum*", "T_REC")},
        {"keys": ("T_REC,*recnum*",)},
        {"segments": ()},
        {"segments": ("LEV1",), "links": ("magnetogram",)},
        {"links": ()},
        {"n": 1},
        {"n": -1},
    ],
    ids=str,
)
def test_another_question_has_another_digest(other: dict[str, object]) -> None:
    assert replace(QUESTION, **other).digest != QUESTION.digest
