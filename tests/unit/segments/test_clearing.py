"""Room is made of what nobody uses and of what was left behind; the rest is accounted for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from drmsmirror.segments.clearing import clear
from drmsmirror.segments.room import Freed
from tests.unit.segments.cache import Cache, copied_cache, made_cache


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_cache(tmp_path_factory.mktemp("made") / "mirror")


@pytest.fixture
def cache(made: Path, tmp_path: Path) -> Iterator[Cache]:
    with copied_cache(made, tmp_path / "mirror") as cache:
        yield cache


def test_what_nobody_used_for_long_goes_and_the_rest_is_accounted_for(cache: Cache) -> None:
    old = cache.fetch(0, 1, 2)
    cache.mirror.catalogue.pins.add("a pin", [cache.files[1]])
    cache.later(days=40)
    new = cache.fetch(3)

    dry = clear(cache.mirror, unused_for=timedelta(days=30), dry_run=True)
    assert cache.held() == {one.file for one in (*old, *new)}
    done = clear(cache.mirror, unused_for=timedelta(days=30))

    went = Freed(2, old[0].size_bytes + old[2].size_bytes)
    assert dry.freed == done.freed == went
    assert cache.held() == {cache.files[1], cache.files[3]}
    assert [one.path.exists() for one in old if one.path] == [False, True, False]
    assert (done.stay.pinned.objects, done.stay.in_use.objects) == (1, 1)
    assert done.stay.may_go.objects == 0
    assert dry.stay.may_go.objects == 2
    assert cache.mirror.catalogue.object_care.evicted().objects == 2
    assert clear(cache.mirror, unused_for=timedelta(days=30)).freed == Freed()


def test_the_longest_unused_go_until_the_rest_is_small_enough(cache: Cache) -> None:
    for number in range(4):
        cache.fetch(number)
        cache.later(hours=2)
    cache.later(days=2)
    size = cache.mirror.catalogue.segments.totals().size_bytes

    dry = clear(cache.mirror, most_bytes=size // 2, dry_run=True)
    done = clear(cache.mirror, most_bytes=size // 2)

    assert dry.freed == done.freed
    assert cache.held() == set(cache.files[2:4])
    assert cache.mirror.catalogue.segments.totals().size_bytes <= size // 2


def test_what_was_used_lately_stays_whatever_is_wanted(cache: Cache) -> None:
    cache.fetch(0, 1)
    done = clear(cache.mirror, most_bytes=0, unused_for=timedelta(0))
    assert done.freed == Freed()
    assert done.stay.in_use.objects == 2


def test_a_directory_that_was_being_made_by_a_killed_process_goes(cache: Cache) -> None:
    cache.fetch(0)
    shared = cache.mirror.root / "objects"
    left, used = shared / ".ab.abcdefgh.tmp", shared / ".cd.abcdefgh.tmp"
    for directory in (left, used):
        directory.mkdir()
    (used / "something").touch()
    assert clear(cache.mirror).leftovers == Freed()  # it may be being made just now
    for directory in (left, used):
        os.utime(directory, (0, 0))
    assert clear(cache.mirror, dry_run=True).leftovers == Freed(1, 0)
    assert clear(cache.mirror).leftovers == Freed(1, 0)
    assert [one.exists() for one in (left, used)] == [False, True]


def test_a_killed_eviction_is_finished_and_broken_off_downloads_go(cache: Cache) -> None:
    one, _ = cache.fetch(0, 1)
    (gone,) = cache.mirror.catalogue.segments.let_go([one.sha256])
    downloads, store = cache.mirror.catalogue.downloads, cache.mirror.objects
    for name in ("ab" * 32, "cd" * 32):
        downloads.begin(name, 1000, "", most_bytes=None)
    with store.part("ab" * 32) as part:
        assert part is not None
        part.append(b"half")
    assert clear(cache.mirror).leftovers == Freed()  # it can be gone on with
    assert one.path is not None
    assert not one.path.exists()
    assert gone not in cache.mirror.catalogue.segments.leaving()

    cache.later(days=3)
    path = cache.mirror.root / "objects" / "incoming" / ("ab" * 32 + ".part")
    assert clear(cache.mirror, dry_run=True).leftovers == Freed(1, 4)
    assert downloads.reserved() == 2000
    assert path.exists()
    done = clear(cache.mirror)
    assert done.leftovers == Freed(1, 4)
    assert not path.exists()
    assert downloads.reserved() == 0
    assert done.unfinished == 0


def test_a_download_that_still_runs_keeps_its_room(cache: Cache) -> None:
    downloads, name = cache.mirror.catalogue.downloads, "ab" * 32
    downloads.begin(name, 1000, "", most_bytes=None)
    with cache.mirror.catalogue.leases.holding(f"file {name}", ttl_seconds=1e9):
        cache.later(days=3)
        assert clear(cache.mirror).leftovers == Freed()
        assert downloads.reserved() == 1000


def test_what_a_killed_process_was_writing_is_told_from_what_is_new(cache: Cache) -> None:
    with cache.mirror.objects.part("ab" * 32) as part:
        assert part is not None
        part.append(b"half")
        os.utime(part.path, (0, 0))
        assert clear(cache.mirror).leftovers == Freed()  # somebody has it locked
    assert clear(cache.mirror).leftovers == Freed(1, 4)
