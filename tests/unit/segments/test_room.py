"""Room for files: reserved before they come, made by those that nobody used for longest."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from drmsmirror.errors import LockedError, NoSpaceError
from drmsmirror.objects import LocalObjects
from drmsmirror.segments.outcome import FileState
from drmsmirror.segments.room import Freed
from tests.jsoc import FaultKind, Request
from tests.unit.segments.world import Cache, assert_sound, objects, parts

FETCHED, HELD, FAILED = FileState.FETCHED, FileState.HELD, FileState.FAILED
SIZE = 11_520  # bytes of each file
HOUR = 3600.0
DAY = 24 * HOUR


def limited(held: Cache, files: float, keep_hours: float = 24.0, **more: float) -> Cache:
    """The same cache, of which no more than so many files may be there."""
    most = {"max_gib": files * SIZE / 2**30, "keep_hours": keep_hours}
    return held.with_settings(segments=most | more)


@pytest.fixture
def small(held: Cache) -> Iterator[Cache]:
    """Have a cache in which three files have room."""
    opened = limited(held, 3)
    yield opened
    assert opened.mirror.catalogue.segments.totals().objects <= 3
    assert_sound(opened.mirror)


def there(held: Cache) -> list[int]:
    """Which of the files are there, by the number of their record; it is no use of them."""
    files = held.some(len(held.recnums))
    return sorted(files.index(file) for file in held.mirror.catalogue.segments.locate(files))


def fill(held: Cache, *numbers: int, apart: float = 2 * HOUR) -> None:
    for number in numbers:
        held.assert_is(held.get_one(held.file(number)))
        held.clock.move(apart)


# ------------------------------------------------------------------------------ who goes
def test_the_one_that_was_not_used_for_longest_goes(small: Cache) -> None:
    fill(small, 0, 1, 2)
    small.clock.move(30 * HOUR)
    small.get_one(small.file(0))
    fill(small, 3)
    assert there(small) == [0, 2, 3]
    assert len(objects(small.settings.mirror)) == 3


def test_no_more_go_than_are_in_the_way(held: Cache) -> None:
    few = limited(held, 3.5)
    fill(few, 0, 1, 2)
    few.clock.move(30 * HOUR)
    fill(few, 3)
    assert there(few) == [1, 2, 3]


def test_a_path_that_was_given_stays_for_as_long_as_was_promised(small: Cache) -> None:
    fill(small, 0, 1, 2, apart=1)
    paths = [small.get_one(file).path for file in small.some(3)]
    for hours in (1, 12, 10.9):
        small.clock.move(hours * HOUR)
        refused = small.get_one(small.file(3))
        assert refused.state is FAILED
        assert "No room for 11,520 bytes" in refused.message
        assert "used in the last 24 hours" in refused.message
        assert "Unpin some, wait, or allow more" in refused.message
        assert all(path is not None and path.exists() for path in paths)
    small.clock.move(1.2 * HOUR)
    fill(small, 3)
    assert there(small) == [1, 2, 3]


@pytest.mark.parametrize("hours", [0.0, 0.5, 5.0])
def test_whoever_is_given_a_path_has_it_for_that_long_from_then_on(
    hours: float, held: Cache
) -> None:
    """Use is written down once an hour only; the promise holds from the last time all the same."""
    few = limited(held, 1, keep_hours=hours)
    fill(few, 0, apart=0)
    few.clock.move(0.99 * HOUR)
    assert few.get_one(few.file(0)).state is HELD
    few.clock.move(hours * HOUR)
    assert few.get_one(few.file(1)).state is FAILED
    assert there(few) == [0]
    few.clock.move(1.01 * HOUR)
    assert few.get_one(few.file(1)).state is FETCHED


def test_an_open_file_is_read_to_its_end_though_it_went(small: Cache) -> None:
    fill(small, 0, 1, 2)
    expected = small.truth(small.file(0))
    path = small.get_one(small.file(0)).path
    assert path is not None
    with path.open("rb") as reader:
        begin = reader.read(100)
        small.clock.move(50 * HOUR)
        fill(small, 3, 4, 5)
        assert not path.exists()
        assert begin + reader.read() == expected


def test_what_is_pinned_stays_and_makes_no_room(small: Cache) -> None:
    fill(small, 0, 1, 2)
    small.mirror.catalogue.pins.add("two", small.some(2))
    small.clock.move(60 * HOUR)
    fill(small, 3)
    assert there(small) == [0, 1, 3]
    small.mirror.catalogue.pins.add("all", small.some(12))
    small.clock.move(60 * HOUR)
    outcome = small.get_one(small.file(4))
    assert outcome.state is FAILED
    assert "What is left is pinned" in outcome.message
    small.mirror.catalogue.pins.remove("all")
    small.mirror.catalogue.pins.remove("two")
    fill(small, 4)


def test_what_is_too_large_for_all_there_is_drives_nothing_out(held: Cache, tmp_path) -> None:
    few = limited(held, 3)
    fill(few, 0, 1, 2)
    few.clock.move(60 * HOUR)
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * 200)
    few.jsoc.serve_file("hmi.M_45s", few.file(3).recnum, "magnetogram", large)
    few.jsoc.name_file("hmi.M_45s", few.file(3).recnum, "magnetogram", "large.bin")
    assert few.get_one(few.file(3)).state is FAILED
    few.mirror.catalogue.pins.add("two", few.some(2))
    with pytest.raises(NoSpaceError):
        few.room.reserve("ab" * 32, 2 * SIZE)
    assert there(few) == [0, 1, 2]
    assert_sound(few.mirror)


def test_what_comes_counts_before_it_has_come(small: Cache) -> None:
    """Two come at once where one has room: the second is refused, not both squeezed in."""
    fill(small, 0, 1, apart=0)
    seen = []

    def meanwhile(request: Request) -> bool:
        if request.cgi == "file" and not seen:
            downloads = small.mirror.catalogue.downloads
            seen.append(downloads.begin("ab" * 32, 2 * SIZE, "", most_bytes=None))
        return False

    small.jsoc.fault(FaultKind.HTML, times=None, when=meanwhile)
    assert small.get_one(small.file(2)).state is FAILED
    small.mirror.catalogue.downloads.end(["ab" * 32])
    assert small.get_one(small.file(2)).state is FETCHED


def test_a_file_of_which_nobody_says_how_long_it_is_has_room_reserved_as_it_grows(
    held: Cache,
) -> None:
    few = limited(held, 3)
    room, name = few.room, "ab" * 32
    room.reserve(name, SIZE)
    room.reserve(name, 3 * SIZE)
    assert few.mirror.catalogue.downloads.reserved() == 3 * SIZE
    with pytest.raises(NoSpaceError):
        room.reserve(name, 3 * SIZE + 1)
    assert few.mirror.catalogue.downloads.reserved() == 0


# ------------------------------------------------------------------------------ the disk
def test_what_is_to_stay_free_on_the_disk_stays_free(
    held: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk of ten files, of which five are to stay free."""
    room = limited(held, 0, min_free_gib=5 * SIZE / 2**30)

    def free(store: LocalObjects) -> int:
        seen = objects(held.settings.mirror).values()
        return 10 * SIZE - sum(path.stat().st_size for path in seen)

    monkeypatch.setattr(LocalObjects, "free_bytes", free)
    fill(room, 0, 1, 2, 3, 4, apart=1)
    outcome = room.get_one(room.file(5))
    assert outcome.state is FAILED
    assert "GiB of the disk are to stay free ([segments] min_free_gib)" in outcome.message
    assert "max_gib" not in outcome.message
    room.clock.move(26 * HOUR)
    fill(room, 5)
    assert there(room) == [1, 2, 3, 4, 5]
    assert_sound(room.mirror)


@pytest.fixture
def disk(held: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cache]:
    """Have a cache on a disk of ten files, of which five are to stay free."""

    def free(store: LocalObjects) -> int:
        root = held.settings.mirror
        names = [*objects(root).values(), *parts(root), *tmp_path.glob("*.fits")]
        return 10 * SIZE - sum({path.stat().st_ino: path.stat().st_size for path in names}.values())

    monkeypatch.setattr(LocalObjects, "free_bytes", free)
    opened = limited(held, 0, min_free_gib=5 * SIZE / 2**30)
    yield opened
    assert_sound(opened.mirror)


def test_files_that_have_names_elsewhere_make_no_room_on_the_disk(
    disk: Cache, tmp_path: Path
) -> None:
    fill(disk, 0, 1, 2, 3, 4, apart=1)
    for number in (0, 1, 2):
        path = disk.get_one(disk.file(number)).path
        assert path is not None
        (tmp_path / f"{number}.fits").hardlink_to(path)
    disk.clock.move(60 * HOUR)
    fill(disk, 5, apart=60 * HOUR)
    assert there(disk) == [0, 1, 2, 4, 5]
    few = limited(disk, 5, min_free_gib=0.0)
    fill(few, 6)
    assert there(disk) == [1, 2, 4, 5, 6]  # it does where the limit is that of all files


def test_of_what_grows_on_the_disk_only_what_is_left_needs_room(disk: Cache) -> None:
    """Five files have room: three of one of four are there, so that there is room for one more."""
    store, (first, second) = disk.mirror.objects, ("ab" * 32, "cd" * 32)
    with store.part(first) as large, store.part(second) as small:
        assert large is not None
        assert small is not None
        disk.room.reserve(first, 4 * SIZE)
        large.append(bytes(3 * SIZE))
        disk.room.reserve(second, SIZE)
        small.append(bytes(SIZE))
        with pytest.raises(NoSpaceError):
            disk.room.reserve(second, SIZE + 1)
        disk.room.reserve(first, 4 * SIZE)
        large.restart()
        small.restart()
    disk.mirror.catalogue.downloads.end([first])


def test_where_no_removal_makes_room_on_the_disk_not_all_goes(
    held: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share blocks with others, or somebody else fills the disk."""
    fill(held, *range(8), apart=60 * HOUR)
    monkeypatch.setattr(LocalObjects, "free_bytes", lambda _: SIZE)
    full = limited(held, 0, min_free_gib=SIZE / 2**30)
    outcome = full.get_one(held.file(8))
    assert outcome.state is FAILED
    assert there(held) == [2, 3, 4, 5, 6, 7]


# ------------------------------------------------------------------------------ one at a time
def test_what_a_process_that_was_killed_let_go_is_finished_by_the_next(small: Cache) -> None:
    fill(small, 0, 1, 2)
    index = small.mirror.catalogue.segments
    (gone,) = index.let_go([index.locate([small.file(1)])[small.file(1)].sha256])
    assert gone in objects(small.settings.mirror)
    small.room.finish_going()
    assert gone not in objects(small.settings.mirror)
    assert index.leaving() == ()
    assert there(small) == [0, 2]


def test_who_cannot_make_room_since_another_made_it_goes_on(small: Cache) -> None:
    """All that may go went for others, who made room for this one too."""
    fill(small, 0, 1, 2)
    small.clock.move(60 * HOUR)
    entered, is_made = threading.Event(), threading.Event()
    first, second = small.room, small.room

    def wait() -> None:
        entered.set()
        is_made.wait(60)

    with small.mirror.catalogue.leases.holding("objects going"):
        waiting = threading.Thread(target=lambda: second.reserve("cd" * 32, SIZE))
        small.while_pausing = wait
        waiting.start()
        assert entered.wait(60)
        index = small.mirror.catalogue.segments
        names = index.let_go([one.sha256 for one in index.objects(most=9)])
        for name in names:
            small.mirror.objects.remove(name)
        index.forget(names)
    is_made.set()
    waiting.join(60)
    first.reserve("ab" * 32, SIZE)
    assert small.mirror.catalogue.downloads.reserved() == 2 * SIZE
    small.mirror.catalogue.downloads.end(["ab" * 32, "cd" * 32])


def test_who_waits_for_one_that_removes_much_goes_on_as_soon_as_there_is_room(small: Cache) -> None:
    fill(small, 0, 1, 2)
    small.clock.move(60 * HOUR)
    index = small.mirror.catalogue.segments

    def remove_one() -> None:
        if len(small.pauses) == 1:
            names = index.let_go([one.sha256 for one in index.objects(most=1)])
            small.mirror.objects.remove(names[0])
            index.forget(names)

    with small.mirror.catalogue.leases.holding("objects going", ttl_seconds=DAY):
        small.while_pausing = remove_one
        assert small.get_one(small.file(3)).state is FETCHED
    assert sum(small.pauses) < 2


def test_one_who_removes_for_ever_is_waited_for_a_while_only(small: Cache) -> None:
    fill(small, 0, 1, 2)
    small.clock.move(60 * HOUR)
    with small.mirror.catalogue.leases.holding("objects going", ttl_seconds=DAY):
        outcome = small.get_one(small.file(3))
    assert outcome.state is FAILED
    assert sum(small.pauses) == pytest.approx(60, abs=1)
    assert there(small) == [0, 1, 2]


def test_shrinking_beside_one_who_removes_for_ever_is_told(small: Cache) -> None:
    fill(small, 0, 1, 2)
    small.clock.move(60 * HOUR)
    with small.mirror.catalogue.leases.holding("objects going", ttl_seconds=DAY):
        for terms in ({"most_bytes": 0, "unused_for": None}, {"unused_for": timedelta(1)}):
            with pytest.raises(LockedError, match="Try again later"):
                small.room.shrink(**{"most_bytes": None} | terms)  # type: ignore[arg-type]
    assert there(small) == [0, 1, 2]


def test_shrinking_to_a_size_and_to_an_age(held: Cache) -> None:
    fill(held, 0, 1, 2, 3, apart=30 * HOUR)
    held.mirror.catalogue.pins.add("x", [held.file(0)])
    would = held.room.shrink(most_bytes=3 * SIZE, unused_for=None, dry_run=True)
    assert would == Freed(1, SIZE)
    assert there(held) == [0, 1, 2, 3]
    assert held.room.shrink(most_bytes=3 * SIZE, unused_for=None) == Freed(1, SIZE)
    assert there(held) == [0, 2, 3]
    month, days = timedelta(days=30), timedelta(hours=50)
    assert held.room.shrink(most_bytes=None, unused_for=month) == Freed()
    assert held.room.shrink(most_bytes=None, unused_for=days) == Freed(1, SIZE)
    assert there(held) == [0, 3]
    assert held.room.shrink(most_bytes=0, unused_for=None) == Freed(1, SIZE)
    assert there(held) == [0]
    assert_sound(held.mirror)


# ------------------------------------------------------------------------------ clocks
def test_files_of_the_future_go_as_those_that_were_used_now(small: Cache) -> None:
    small.clock.move(365 * DAY)
    fill(small, 0, 1, 2)
    small.clock.move(-365 * DAY)
    assert small.get_one(small.file(3)).state is FAILED  # were they given out just now?
    small.clock.move(26 * HOUR)
    fill(small, 3)
    assert len(there(small)) == 3
    assert 3 in there(small)


def test_where_the_clock_goes_forward_by_a_year_those_given_last_go_last(small: Cache) -> None:
    fill(small, 0, 1, 2, apart=60)
    small.clock.move(2 * HOUR)
    path = small.get_one(small.file(0)).path
    assert path is not None
    small.clock.move(365 * DAY)
    fill(small, 3, apart=60)
    assert there(small) == [0, 2, 3]
    fill(small, 4, apart=60)
    assert there(small) == [0, 3, 4]
    assert path.exists()


def test_what_the_store_holds_is_shared_by_a_group_and_written_by_nobody(held: Cache) -> None:
    outcome = held.get_one(held.file())
    assert outcome.path is not None
    assert outcome.path.stat().st_mode & 0o777 == 0o444
    assert outcome.path.parent.stat().st_mode & 0o2775 == 0o2775
