"""A mirror on a file system that can only be read: it is asked as ever, and not written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.kills import what_is_there
from tests.faults.places import Places
from tests.unit.sync.mirrors import Copy, truth

WHOLE = "hmi.M_45s"
PART = f"{WHOLE}[2010.05.01_TAI/1h]"
OTHER = f"{WHOLE}[2010.04.01_TAI/10d]"


@pytest.fixture
def owned(place: Places, copy_of: Callable[..., Copy]) -> Copy:
    """Give a mirror as its owner sees it, of which a part is held."""
    copy = copy_of(WHOLE, rows=60)
    copy.settings = copy.settings.model_copy(update={"mirror": place.is_open / "mirror"})
    copy.sync(PART)
    return copy


@pytest.fixture
def shut(place: Places, owned: Copy) -> Copy:
    """Give the same as everybody else sees it."""
    return replace(
        owned, settings=owned.settings.model_copy(update={"mirror": place.shut / "mirror"})
    )


def test_it_answers_and_refuses_to_be_written(
    owned: Copy, shut: Copy, place: Places, tmp_path: Path
) -> None:
    before = what_is_there(owned, tmp_path)
    owned.jsoc.clear_requests()

    for command in (("sync", PART), ("sync", WHOLE, "--yes"), ("subscribe", WHOLE), ("tag", "now")):
        ended = place.forks.run(command, shut.environment())
        assert ended.returncode == 1, ended.said
        assert len(ended.said.splitlines()) == 1
        assert "may write there run" in ended.said
    for record_set in (PART, OTHER):  # what is not held is asked for, and not kept
        question = ("query", record_set, "--format", "csv", "--key", "T_REC")
        answered = place.forks.run(question, shut.environment())
        assert answered.returncode == 0, answered.said
        assert answered.said.splitlines()[1:-1] == truth(owned.jsoc, record_set, ["T_REC"])["T_REC"]
    for command in (("status",), ("runs",), ("sql", f"SELECT count(*) FROM {WHOLE}")):
        assert place.forks.run(command, shut.environment()).returncode == 0

    assert what_is_there(owned, tmp_path) == before


def test_records_that_can_only_be_read_are_found_out_before_anything_is_asked(
    owned: Copy, shut: Copy, place: Places, tmp_path: Path
) -> None:
    """The catalogue, elsewhere, can be written."""
    elsewhere = tmp_path / "catalogue.sqlite"
    with owned.open() as mirror:
        mirror.catalogue.backup(elsewhere)
    apart = {"DRMSMIRROR_CATALOGUE_URL": f"sqlite:///{elsewhere}"}
    owned.jsoc.clear_requests()

    ended = place.forks.run(("sync", WHOLE, "--yes"), shut.environment(**apart))
    assert ended.returncode == 1
    (told,) = ended.said.splitlines()
    assert told.startswith(f"drmsmirror: Cannot write {shut.settings.mirror}/records, which you")
    assert owned.jsoc.requests == []
    question = ("query", OTHER, "--format", "csv", "--key", "T_REC")
    answered = place.forks.run(question, shut.environment(**apart))
    assert answered.returncode == 0, answered.said
    assert "panicked" not in answered.said
    assert place.forks.run(("status",), shut.environment(**apart)).returncode == 0
