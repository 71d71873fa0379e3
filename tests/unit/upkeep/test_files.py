"""Upkeep of files: room, what was left behind, and reading; and what a drop takes along."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drmsmirror.errors import DamageError
from drmsmirror.upkeep import (
    Kind,
    Maintenance,
    drop,
    maintain,
    maintain_after_sync,
    usage,
    would_drop,
)
from tests.unit.segments.cache import NAME, Cache, copied_cache, flip, made_cache


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_cache(tmp_path_factory.mktemp("made") / "mirror", 0, 1, 2, 3)


@pytest.fixture
def cache(made: Path, tmp_path: Path) -> Iterator[Cache]:
    with copied_cache(made, tmp_path / "mirror") as cache:
        maintain(cache.mirror)
        yield cache


def allow(cache: Cache, **settings: float) -> None:
    """Change settings of files."""
    now = cache.mirror.settings
    segments = now.segments.model_copy(update=settings)
    cache.mirror.settings = now.model_copy(update={"segments": segments})


def did(told: Maintenance) -> list[str]:
    return [one.what for one in told.done if not one.series]


def test_nothing_is_due_right_after(cache: Cache) -> None:
    assert maintain(cache.mirror) == Maintenance()


def test_files_go_until_they_take_no_more_than_they_may(cache: Cache) -> None:
    cache.mirror.catalogue.pins.add("a pin", cache.files[:1])
    cache.later(days=3)
    size = cache.mirror.catalogue.segments.totals().size_bytes
    allow(cache, max_gib=size / 2 / 2**30)

    (left,) = [one for one in maintain(cache.mirror, dry_run=True).left if "max_gib" in one.what]
    assert "let files go that nobody used lately, back to segments.max_gib" in did(
        maintain(cache.mirror)
    )

    assert left.bytes == size - round(size / 2)
    assert cache.mirror.catalogue.segments.totals().size_bytes <= size / 2
    assert cache.files[0] in cache.held()
    assert did(maintain(cache.mirror)) == []


def test_what_may_not_go_is_not_due(cache: Cache) -> None:
    allow(cache, max_gib=1 / 2**30)
    assert did(maintain(cache.mirror)) == []
    assert len(cache.held()) == 4


def test_a_directory_that_a_killed_process_was_making_goes(cache: Cache) -> None:
    root = cache.mirror.root
    left = [root / ".objects.abcdefgh.tmp", root / "objects" / ".ab.abcdefgh.tmp"]
    for directory in left:
        directory.mkdir()
        os.utime(directory, (0, 0))
    assert len(did(maintain(cache.mirror))) == 2
    assert [one.exists() for one in left] == [False, False]
    assert maintain(cache.mirror) == Maintenance()


def test_a_sync_clears_up_after_killed_processes(cache: Cache) -> None:
    path = cache.path(0)
    cache.mirror.catalogue.segments.let_go([path.name])
    cache.mirror.catalogue.downloads.begin("ab" * 32, 1000, "", most_bytes=None)
    cache.later(days=3)
    assert maintain_after_sync(cache.mirror, NAME) == []
    assert not path.exists()
    assert cache.mirror.catalogue.segments.leaving() == ()
    assert cache.mirror.catalogue.downloads.reserved() == 0


def test_files_are_read_again_after_some_time(cache: Cache) -> None:
    cache.later(days=91)
    read = "read files of records whole, 4 files of which were not for long"
    assert read in did(maintain(cache.mirror))
    assert read not in did(maintain(cache.mirror))
    allow(cache, scrub_days=0)
    cache.later(days=91)
    assert not [what for what in did(maintain(cache.mirror)) if what.startswith("read")]


def test_what_is_not_begun_is_told_once(cache: Cache) -> None:
    cache.later(days=91)
    left = [one.what for one in maintain(cache.mirror, dry_run=True).left if not one.series]
    assert left.count("read files of records whole, 4 files of which were not for long") == 1


def test_damage_is_told_with_the_command_that_repairs_it(cache: Cache) -> None:
    flip(cache.path(1))
    cache.later(days=91)
    (failed,) = maintain(cache.mirror).failed
    (notice,) = maintain_after_sync(cache.mirror, NAME)
    assert isinstance(failed.error, DamageError)
    assert f"[:#{cache.files[1].recnum}]{{magnetogram}}" in str(failed.error)
    assert notice == str(failed.error)
    assert "  drmsmirror verify --repair" in notice


def test_a_drop_takes_files_along_unless_they_are_pinned(cache: Cache) -> None:
    paths = [cache.path(number) for number in range(4)]  # the first is of another camera
    cache.mirror.catalogue.pins.add("a pin", cache.files[1:2])
    (would,) = would_drop(cache.mirror, f"{NAME}[][2]")
    assert len(cache.held()) == 4

    (went,) = drop(cache.mirror, f"{NAME}[][2]")

    assert (would.files, would.pinned_files) == (went.files, went.pinned_files) == (2, 1)
    assert [path.exists() for path in paths] == [True, True, False, False]
    assert cache.held() == set(cache.files[:2])
    assert cache.mirror.catalogue.segments.totals().objects == 2
    (rest,) = drop(cache.mirror, NAME)
    assert (rest.files, rest.pinned_files) == (1, 1)
    assert [path.exists() for path in paths] == [False, True, False, False]


def test_bytes_that_another_file_has_too_stay(cache: Cache) -> None:
    index = cache.mirror.catalogue.segments
    (held,) = index.locate(cache.files[2:3]).values()
    other = replace(cache.files[2], series="aia.lev1", recnum=1)
    index.keep(other, held.sha256, held.size_bytes, "image.fits")
    (went,) = drop(cache.mirror, NAME)
    assert went.files == 4
    assert index.totals().objects == 1
    assert index.locate([other]).keys() == {other}
    assert cache.mirror.objects.exists(held.sha256)


def test_what_files_take_and_what_of_it_could_go_is_told(cache: Cache) -> None:
    cache.mirror.catalogue.pins.add("a pin", cache.files[:1])
    with cache.mirror.objects.part("ab" * 32) as part:
        assert part is not None
        part.append(b"half")
    size = cache.mirror.catalogue.segments.totals().size_bytes
    now = {room.kind: room for room in usage(cache.mirror).rooms}
    cache.later(days=3)
    allow(cache, max_gib=size / 2 / 2**30)
    later = usage(cache.mirror)
    rooms = {room.kind: room for room in later.rooms}

    assert (now[Kind.FILES].files, now[Kind.FILES].bytes) == (4, size)
    assert (now[Kind.FILES].free_now, now[Kind.DOWNLOADS].free_now) == (0, 0)
    assert rooms[Kind.FILES].free_now == size - round(size / 2)
    assert rooms[Kind.DOWNLOADS].free_now == 4
    assert later.shares is not None
    assert (later.shares.pinned.objects, later.shares.may_go.objects) == (1, 3)
    assert usage(cache.mirror, NAME).shares is None
