"""Files are read again: what is damaged is found, told, and repaired; what is sound is noted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drmsmirror.catalogue import utc_now
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.files import Files
from drmsmirror.segments.outcome import Outcome
from drmsmirror.segments.trouble import Problem, Remedy, Trouble
from drmsmirror.segments.verifying import Progress, Verified, read_some, verify
from tests.jsoc import FaultKind
from tests.unit.segments.cache import NAME, Cache, copied_cache, flip, made_cache


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_cache(tmp_path_factory.mktemp("made") / "mirror", 0, 1, 2, 3, 4)


@pytest.fixture
def cache(made: Path, tmp_path: Path) -> Iterator[Cache]:
    """Give a mirror with five of six files, fetched some days ago."""
    with copied_cache(made, tmp_path / "mirror") as cache:
        cache.later(days=3)
        yield cache


def problems(found: Verified) -> dict[str, Problem]:
    return {one.sha256: one.problem for one in found.troubles}


def repaired(cache: Cache, **how: Any) -> Verified:
    return verify(cache.mirror, repair_with=cache.service, **how)


def stray(cache: Cache, content: bytes = b"what nobody knows") -> str:
    """An object that a process stored that was killed then."""
    with cache.mirror.objects.part("ef" * 32) as part:
        assert part is not None
        part.append(content)
        return part.finish().sha256


def test_sound_files_are_read_once_and_nothing_is_asked(cache: Cache) -> None:
    found = verify(cache.mirror)
    assert (found.objects, found.is_complete, found.troubles) == (5, True, [])
    assert found.size_bytes == cache.mirror.catalogue.segments.totals().size_bytes
    assert cache.copy.jsoc.requests == []
    now = cache.mirror.catalogue.database.clock()
    checked = [one.checked_utc for one in cache.mirror.catalogue.segments.objects(most=9)]
    assert all(moment is not None and moment <= now for moment in checked)


def test_every_kind_of_damage_is_found_and_told_with_the_files_that_it_concerns(
    cache: Cache,
) -> None:
    lost, torn, rotten = cache.path(0), cache.path(1), cache.path(2)
    lost.unlink()
    os.truncate(torn, 100)
    flip(rotten)
    unknown = stray(cache)
    cache.later(days=2)
    heard: list[Trouble] = []

    found = verify(cache.mirror, told=heard.append)

    assert problems(found) == {
        lost.name: Problem.MISSING,
        torn.name: Problem.TORN,
        rotten.name: Problem.ROTTEN,
        unknown: Problem.UNINDEXED,
    }
    assert heard == found.troubles
    assert found.unrepaired == 4
    told = {one.sha256: [str(file) for file in one.files] for one in found.troubles}
    expected = f"{NAME.lower()}[:#{cache.files[2].recnum}]{{magnetogram}}"
    assert told[rotten.name] == [expected]
    assert {path.exists() for path in (torn, rotten)} == {True}  # nothing was changed
    assert verify(cache.mirror).problems == found.problems


def test_what_was_found_damaged_is_given_to_nobody_and_fetched_by_who_wants_it(
    cache: Cache,
) -> None:
    before = {number: cache.path(number).read_bytes() for number in range(3)}
    damaged, _, sound = cache.files[:3]
    flip(cache.path(0))
    verify(cache.mirror)

    assert set(cache.service.held([damaged, sound])) == {sound}
    care, now = cache.mirror.catalogue.object_care, cache.mirror.catalogue.database.clock()
    assert care.shares(now).damaged.objects == 1
    cache.fetch(0, 1, 2)

    assert sum(one.cgi == "file" for one in cache.copy.jsoc.requests) == 1
    assert {number: cache.path(number).read_bytes() for number in range(3)} == before
    assert verify(cache.mirror).troubles == []
    assert care.shares(now).damaged.objects == 0


def test_a_quick_look_sees_what_needs_no_reading(cache: Cache) -> None:
    cache.path(0).unlink()
    os.truncate(cache.path(1), 100)
    flip(cache.path(2))
    unknown = stray(cache)
    cache.later(days=2)
    found = verify(cache.mirror, quick=True)
    assert sorted(found.problems) == [Problem.MISSING, Problem.TORN, Problem.UNINDEXED]
    assert problems(found)[unknown] is Problem.UNINDEXED
    assert (found.objects, found.is_complete) == (5, True)
    assert {one.checked_utc for one in cache.mirror.catalogue.segments.objects(most=9)} == {None}


@pytest.mark.parametrize("quick", [False, True])
def test_what_is_repaired_is_as_it_was_and_the_next_look_finds_nothing(
    cache: Cache, quick: bool
) -> None:
    before = {number: cache.path(number).read_bytes() for number in range(3)}
    cache.path(0).unlink()
    os.truncate(cache.path(1), 100)
    if not quick:
        flip(cache.path(2))
    unknown = stray(cache)
    cache.later(days=2)

    found = repaired(cache, quick=quick)

    damaged = 2 if quick else 3
    assert found.remedies == {Remedy.FETCHED: damaged, Remedy.REMOVED: 1}
    assert found.unrepaired == 0
    assert {number: cache.path(number).read_bytes() for number in range(3)} == before
    assert not cache.mirror.objects.exists(unknown)
    assert cache.held() == set(cache.files[:5])
    asked = cache.copy.jsoc.requests
    assert len([one for one in asked if one.cgi == "file"]) == damaged
    assert len(asked) == damaged + 1  # where they are was asked once
    cache.copy.jsoc.clear_requests()
    assert (repaired(cache).troubles, cache.copy.jsoc.requests) == ([], [])


def test_what_is_lost_upstream_is_set_aside_and_not_held_any_more(cache: Cache) -> None:
    path, file = cache.path(0), cache.files[0]
    flip(path)
    damaged = path.read_bytes()
    cache.copy.jsoc.lose(cache.copy.jsoc.sunums(NAME, [file.recnum]))

    (trouble,) = (found := repaired(cache)).troubles

    assert trouble.remedy is Remedy.LOST
    assert trouble.message.startswith("lost: the upstream has it neither on disk nor on tape")
    assert found.unrepaired == 1
    assert not path.exists()
    assert (cache.mirror.root / "objects/quarantine" / path.name).read_bytes() == damaged
    assert file not in cache.held()
    assert repaired(cache).troubles == []


@pytest.mark.parametrize("quick", [False, True])
def test_a_repair_that_is_killed_is_gone_on_with_by_the_next(cache: Cache, quick: bool) -> None:
    cache.path(0).unlink()
    one, twin = cache.files[0], SegmentFile(NAME, 0, 10**6, "magnetogram")
    sha256 = cache.path(0).name
    cache.mirror.catalogue.segments.keep(twin, sha256, 11_520, "magnetogram.fits")

    class Killed(Files):
        def get(self, *_: Any, **__: Any) -> Iterator[Outcome]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(cache.mirror, repair_with=Killed(cache.mirror, cache.service._upstream))
    assert one not in cache.held()

    (told,) = verify(cache.mirror, quick=quick).troubles  # who does not repair is told all the same
    assert (told.problem, told.sha256) == (Problem.MISSING, sha256)
    assert [file.recnum for file in told.files] == [one.recnum, twin.recnum]
    (trouble,) = repaired(cache, quick=quick).troubles
    assert trouble.remedy is Remedy.LOST  # the other record is none
    assert trouble.message.startswith("no file: ")
    assert cache.path(0).name == sha256
    assert cache.path(0).exists()
    assert repaired(cache, quick=quick).troubles == []


def test_what_cannot_be_had_now_is_wanted_until_it_can(cache: Cache) -> None:
    flip(cache.path(0))
    cache.copy.jsoc.fault(FaultKind.CLOSE_EARLY, times=None, when="file")
    (trouble,) = (found := repaired(cache)).troubles
    assert (trouble.remedy, found.unrepaired) == (Remedy.WANTED, 1)
    assert "broke off" in trouble.message
    assert cache.files[0] not in cache.held()
    assert repaired(cache).remedies == {Remedy.WANTED: 1}

    cache.copy.jsoc.clear_faults()
    found = repaired(cache)
    assert (found.remedies, found.unrepaired) == ({Remedy.FETCHED: 1}, 0)
    assert cache.files[0] in cache.held()
    assert repaired(cache).troubles == []


def test_what_is_wanted_and_dropped_is_wanted_no_more(cache: Cache) -> None:
    cache.mirror.catalogue.segments.let_go([cache.path(0).name], are_wanted=True)
    assert list(cache.mirror.catalogue.segments.wanted().values()) != []
    cache.mirror.catalogue.file_drops.take(NAME, [cache.files[0].recnum])
    assert cache.mirror.catalogue.segments.wanted() == {}


def test_other_bytes_than_before_are_told(cache: Cache) -> None:
    path = cache.path(0)
    flip(path)
    cache.copy.jsoc.rewrite_file(NAME, cache.files[0].recnum, "magnetogram")
    (trouble,) = (found := repaired(cache)).troubles
    assert trouble.remedy is Remedy.OTHER_BYTES
    assert cache.path(0).name in trouble.message
    assert cache.path(0).name != path.name
    assert found.unrepaired == 1
    assert (cache.mirror.root / "objects/quarantine" / path.name).exists()


def test_a_file_of_an_earlier_generation_is_not_taken_for_another_record(cache: Cache) -> None:
    flip(cache.path(0))
    state = cache.mirror.catalogue.state(NAME)
    cache.mirror.catalogue.save_state(replace(state, generation=state.generation + 1))
    (trouble,) = repaired(cache).troubles
    assert trouble.remedy is Remedy.LOST
    assert "earlier generation" in trouble.message
    assert cache.copy.jsoc.requests == []


def test_a_row_without_a_file_is_forgotten(cache: Cache) -> None:
    with cache.mirror.catalogue.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM segment_files")
    for one in cache.mirror.catalogue.segments.objects(most=1):
        cache.mirror.objects.remove(one.sha256)
    found = repaired(cache)
    assert found.remedies == {Remedy.FORGOTTEN: 1}
    assert found.unrepaired == 0


def test_without_time_it_stops_and_the_next_call_reads_the_others(cache: Cache) -> None:
    time = iter(range(100))
    first = verify(cache.mirror, seconds=6, ticks=lambda: next(time))
    cache.later(hours=1)
    second = verify(cache.mirror)
    assert not first.is_complete
    assert 0 < first.objects < 5
    assert second.is_complete
    assert second.objects == 5 - first.objects
    assert second.begun_utc == first.begun_utc
    cache.later(hours=1)
    assert verify(cache.mirror, seconds=0).objects == 0


def test_an_interrupted_call_keeps_what_it_read(cache: Cache) -> None:
    def interrupt(now: Progress) -> None:
        if now.done.objects == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(cache.mirror, progress=interrupt)
    cache.later(hours=1)
    ahead: list[Progress] = []
    found = verify(cache.mirror, progress=ahead.append)
    assert (found.objects, found.is_complete) == (3, True)
    assert {one.total.objects for one in ahead} == {3}
    cache.later(hours=1)
    assert verify(cache.mirror).objects == 5  # a new one reads all


def test_what_is_being_stored_just_now_is_no_stray(cache: Cache) -> None:
    cache.mirror.catalogue.database.clock = utc_now
    stray(cache)
    assert verify(cache.mirror, quick=True).troubles == []


def test_a_file_that_goes_while_it_is_looked_for_is_not_missed(cache: Cache) -> None:
    gone: list[str] = []

    def evict(now: Progress) -> None:
        if now.done.objects == 1:
            index = cache.mirror.catalogue.segments
            gone.extend(index.let_go([one.sha256 for one in index.objects(most=9)]))
            for sha256 in gone:
                cache.mirror.objects.remove(sha256)

    assert verify(cache.mirror, progress=evict).troubles == []
    assert len(gone) == 5


def test_a_sample_is_a_sample(cache: Cache) -> None:
    assert verify(cache.mirror, sample=1.0).objects == 5
    assert 0 <= verify(cache.mirror, sample=0.5).objects <= 5
    assert verify(cache.mirror, sample=1e-9).objects == 0


def test_a_portion_is_read_of_what_was_not_read_for_long(cache: Cache) -> None:
    since = cache.mirror.catalogue.database.clock()
    first = read_some(cache.mirror, since, 1)
    cache.later(seconds=1)
    second = read_some(cache.mirror, since, 10**9)
    third = read_some(cache.mirror, since, 10**9)
    assert (first.objects, second.objects, third.objects) == (1, 4, 0)


def test_all_troubles_are_counted_and_the_first_thousand_kept(cache: Cache) -> None:
    rows = [(f"{number:064x}", 7) for number in range(1_100)]
    with cache.mirror.catalogue.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO objects (sha256, bytes, stored_utc, used_utc, is_leaving)"
            " VALUES (?, ?, '2001-01-01 00:00:00', '2001-01-01 00:00:00', 0)",
            rows,
        )
    found = verify(cache.mirror, quick=True)
    assert found.problems == {Problem.MISSING: 1_100}
    assert len(found.troubles) == 1000


def test_what_could_not_be_removed_is_not_told_as_removed(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process removes files all the while."""
    monkeypatch.setattr("drmsmirror.segments.room._PATIENCE", 0.1)
    unknown = stray(cache)
    cache.later(days=2)
    with cache.mirror.catalogue.leases.holding("objects going", ttl_seconds=1000.0):
        found = verify(cache.mirror, quick=True, repair_with=cache.service)
    assert [one.remedy for one in found.troubles] == [Remedy.NONE]
    assert cache.mirror.objects.exists(unknown)
    again = verify(cache.mirror, quick=True, repair_with=cache.service)
    assert [one.remedy for one in again.troubles] == [Remedy.REMOVED]
