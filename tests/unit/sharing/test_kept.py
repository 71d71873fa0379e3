"""Answers that are kept: whole or not at all, no more than there is room for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drmsmirror.errors import StoreError
from drmsmirror.mirror import Mirror
from drmsmirror.sharing import KeptAnswer, Question
from drmsmirror.sharing.kept import GRACE, AnswerStore
from drmsmirror.upstream import RecordText
from tests.contract.conftest import START, Clock
from tests.unit.sharing.conftest import QUESTION, listed

HOUR = timedelta(hours=1)


def keep(
    mirror: Mirror,
    *recnums: int,
    question: Question = QUESTION,
    asked: datetime = START,
) -> KeptAnswer:
    answer = KeptAnswer.of(question, asked, listed(*recnums, question=question))
    AnswerStore(mirror).keep(answer)
    return answer


def find(mirror: Mirror, question: Question = QUESTION) -> KeptAnswer | None:
    return AnswerStore(mirror).find(question, lambda _: True)


def file_of(mirror: Mirror, question: Question = QUESTION) -> Path:
    return mirror.root / "answers" / question.digest[:2] / f"{question.digest}.parquet"


def files(mirror: Mirror) -> set[str]:
    return {path.name for path in (mirror.root / "answers").rglob("*") if path.is_file()}


def assert_same(text: RecordText, expected: RecordText) -> None:
    assert (text.rows, text.body_bytes, text.seconds) == (
        expected.rows,
        expected.body_bytes,
        expected.seconds,
    )
    for name in ("table", "segments", "links"):
        assert getattr(text, name).equals(getattr(expected, name))


def question(number: int) -> Question:
    return replace(QUESTION, record_set=f"hmi.M_45s[:#{number}]")


@pytest.mark.parametrize(
    "asked",
    [
        QUESTION,
        Question("a.b[]", ("T_REC", "T_REC", "ä,b")),
        Question("a.b[]", (), ("image",)),
        Question("a.b[]", (), (), ("LEV1",), -3),
    ],
    ids=str,
)
@pytest.mark.parametrize("recnums", [(), (7, 9)], ids=["none", "two"])
def test_an_answer_comes_back_as_it_was(
    mirror: Mirror, asked: Question, recnums: tuple[int, ...]
) -> None:
    kept = keep(mirror, *recnums, question=asked, asked=START - HOUR)
    found = find(mirror, asked)
    assert found == kept
    assert found is not kept
    assert found.asked_utc == START - HOUR
    assert_same(found.text(), kept.text())
    assert file_of(mirror, asked).is_file()


def test_one_that_has_just_come_is_not_read_again() -> None:
    text = listed(1)
    assert KeptAnswer.of(QUESTION, START, text).text() is text


def test_what_is_not_stored_is_not_found(mirror: Mirror) -> None:
    keep(mirror, 1)
    assert find(mirror, replace(QUESTION, n=1)) is None
    assert AnswerStore(mirror).find(QUESTION, lambda stored: stored.asked_utc > START) is None


def test_a_new_answer_takes_the_place_of_the_one_before(mirror: Mirror) -> None:
    keep(mirror, 1)
    before = find(mirror)
    keep(mirror, 1, 2, asked=START + HOUR)
    now = find(mirror)
    assert (now.rows, now.asked_utc) == (2, START + HOUR)
    assert files(mirror) == {file_of(mirror).name}
    assert_same(before.text(), listed(1))  # who found it keeps it


@pytest.mark.parametrize("damage", ["absent", "cut", "changed", "a directory"])
def test_a_damaged_file_is_as_if_it_had_not_been_stored(mirror: Mirror, damage: str) -> None:
    keep(mirror, 1)
    path = file_of(mirror)
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:-1])
    if damage == "changed":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    if damage == "a directory":
        path.mkdir()
    assert find(mirror) is None


def test_a_file_that_is_replaced_meanwhile_is_looked_at_once_more(mirror: Mirror) -> None:
    """Another process has the new file there, but not yet its row."""
    keep(mirror, 1, 2)
    new, row = file_of(mirror).read_bytes(), mirror.catalogue.answers.load(QUESTION.digest)
    keep(mirror, 1)
    file_of(mirror).write_bytes(new)
    seen: list[int] = []

    def wanted(stored: object) -> bool:
        seen.append(1)
        if len(seen) == 2:
            mirror.catalogue.answers.keep(row)
        return True

    assert AnswerStore(mirror).find(QUESTION, wanted) is None
    assert find(mirror).rows == 2
    assert len(seen) == 2


def test_an_answer_of_another_server_is_none(
    mirror: Mirror, mirror_with: Callable[..., Mirror]
) -> None:
    keep(mirror, 1)
    assert find(mirror_with(upstream={"url": "http://elsewhere.invalid"})) is None


def test_one_that_was_written_by_another_version_is_none(mirror: Mirror) -> None:
    keep(mirror, 1)
    row = mirror.catalogue.answers.load(QUESTION.digest)
    mirror.catalogue.answers.keep(replace(row, file_format=99))
    assert find(mirror) is None


# ---------------------------------------------------------------- room


def small(mirror_with: Callable[..., Mirror]) -> Mirror:
    """Open the mirror with room for one MiB of answers."""
    return mirror_with(answers={"max_mib": 1})


def fill(mirror: Mirror, number: int, share: float) -> None:
    """Store an answer that takes a share of a MiB, as far as the catalogue knows."""
    keep(mirror, number, question=question(number))
    row = mirror.catalogue.answers.load(question(number).digest)
    mirror.catalogue.answers.keep(replace(row, file_bytes=round(share * 2**20)))


def test_the_least_recently_used_go_first(mirror_with: Callable[..., Mirror], clock: Clock) -> None:
    mirror = small(mirror_with)
    for number in (1, 2, 3):
        fill(mirror, number, 0.3)
        clock.move(100)
    assert find(mirror, question(1)) is not None  # used last
    clock.move(100)
    fill(mirror, 4, 0.5)
    clock.move(100)
    keep(mirror, 5, question=question(5))
    found = [find(mirror, question(number)) is not None for number in (1, 2, 3, 4, 5)]
    assert found == [True, False, False, True, True]
    assert len(files(mirror)) == found.count(True)


def test_what_was_stored_just_now_stays_for_whoever_waits(
    mirror_with: Callable[..., Mirror], clock: Clock
) -> None:
    mirror = mirror_with(answers={"max_mib": 0})
    keep(mirror, 1, question=question(1))
    keep(mirror, 2, question=question(2))
    assert find(mirror, question(1)) is not None
    clock.move(GRACE.total_seconds() + 1)
    assert find(mirror, question(1)) is None  # though its file is there
    keep(mirror, 3, question=question(3))
    assert files(mirror) == {file_of(mirror, question(3)).name}


def test_files_that_nobody_knows_go_when_they_are_old(mirror: Mirror, clock: Clock) -> None:
    keep(mirror, 1)
    directory = file_of(mirror).parent
    old, new = (directory / f"{QUESTION.digest[:2]}{digit * 62}.parquet" for digit in "ef")
    other = directory / "README"
    for path, age in (
        (old, 2 * HOUR),
        (new, HOUR / 2),
        (other, 2 * HOUR),
        (file_of(mirror), 2 * HOUR),
    ):
        path.touch()
        os.utime(path, ((clock.now - age).timestamp(),) * 2)
    keep(mirror, 1)
    assert files(mirror) == {file_of(mirror).name, new.name, "README"}


def test_where_nothing_can_be_written_it_says_so(mirror: Mirror) -> None:
    (mirror.root / "answers").touch()
    with pytest.raises(StoreError, match="answers"):
        keep(mirror, 1)


def test_who_may_only_read_finds_what_is_there(mirror: Mirror, clock: Clock) -> None:
    keep(mirror, 1)
    clock.move(3600)
    published = mirror.root / "copy.sqlite"
    mirror.catalogue.publish(published)
    with type(mirror.catalogue).open(published, read_only=True, clock=clock) as catalogue:
        assert find(Mirror(mirror.settings, catalogue)) is not None
