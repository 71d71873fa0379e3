"""Many who want files at once, and those who are killed: one download, and nothing torn or lost."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from sqlalchemy import delete

from drmsmirror.catalogue import Catalogue, OrderState, utc_now
from drmsmirror.catalogue.tables import failed_files
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from tests.contract.conftest import START, Clock
from tests.faults.fetching import Fetchers, fetchers, job
from tests.faults.places import Places
from tests.jsoc import FaultKind, Request
from tests.unit.segments.world import (
    SERIES,
    Cache,
    Holding,
    assert_sound,
    cache,
    parts,
    settings_of,
)

KILLED = -signal.SIGKILL
SIZE = 11_520


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty catalogue once; it is copied, since migrations take longer."""
    path = tmp_path_factory.mktemp("empty") / "catalogue.sqlite"
    Catalogue.create(path).close()
    return path


@pytest.fixture
def held(tmp_path: Path, empty: Path) -> Iterator[Cache]:
    """Have a cache in which nothing is; in it, and in all processes, it is now."""
    with cache(tmp_path, empty) as opened:
        opened.clock.now = utc_now()
        yield opened


@contextmanager
def asking(held: Cache, *files: SegmentFile, **more) -> Iterator[Fetchers]:
    """Have processes that want files, on the mirror itself."""
    wanted = job([held.settings.mirror], held.settings, files, **more)
    with fetchers(wanted) as running:
        yield running


def assert_all_have(outcomes: list[dict], held: Cache, count: int, *files: SegmentFile) -> None:
    """Every one was given every file, with its bytes."""
    truth = {file.recnum: hashlib.sha256(held.truth(file)).hexdigest() for file in files}
    assert Counter(one["recnum"] for one in outcomes) == dict.fromkeys(truth, count)
    for one in outcomes:
        assert one["sha256"] == one["read"] == truth[one["recnum"]], one


# ------------------------------------------------------------------------------ at once
@pytest.mark.parametrize(
    ("processes", "threads"),
    [(8, 1), (1, 64), pytest.param(8, 8, marks=pytest.mark.long)],
)
def test_of_all_who_miss_the_same_at_once_one_downloads(
    processes: int, threads: int, held: Cache
) -> None:
    file, everybody = held.file(), processes * threads
    arrivals = Holding(held.jsoc)
    with asking(held, file, processes=processes, threads=threads) as running:
        running.wait_for(waiting=everybody - 1)
        arrivals.go_on.set()
        outcomes = running.finish()
    assert_all_have(outcomes, held, everybody, file)
    asked = Counter(held.asked())
    assert asked["200"] == 1
    assert asked["rs_list"] <= everybody
    assert asked.total() == asked["200"] + asked["rs_list"]
    assert_sound(held.mirror)


def test_what_fails_fails_for_all_who_want_it_at_once(held: Cache) -> None:
    file, arrivals = held.file(), Holding(held.jsoc, FaultKind.STALL)
    with asking(held, file, processes=4) as running:
        running.wait_for(waiting=3)
        arrivals.go_on.set()
        outcomes = running.finish()
    assert [one["state"] for one in outcomes] == ["failed"] * 4
    assert {"broke off" in one["message"] for one in outcomes} == {True}
    assert Counter(held.asked())["200"] == 1
    held.assert_nothing_came()


def large(held: Cache, folder: Path) -> SegmentFile:
    """Have a file that comes in many pieces."""
    path, file = folder / "large.fits", held.file()
    values = np.random.default_rng(1).normal(size=(512, 256))
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(values)]).writeto(path)
    held.jsoc.serve_file(SERIES, file.recnum, "magnetogram", path)
    return file


def test_where_the_one_that_downloads_is_killed_another_goes_on_where_it_was(
    held: Cache, tmp_path: Path
) -> None:
    file, arrivals = large(held, tmp_path), Holding(held.jsoc)
    with asking(held, file, processes=3, points=["file.after_appending:3"]) as running:
        running.wait_for(waiting=2)
        arrivals.go_on.set()
        outcomes = running.finish()
    downloads = [told for told in held.asked() if told != "rs_list"]
    if len(outcomes) == 2:  # the one that was to be killed came first, and was
        assert downloads[0] == "200"
        assert downloads[1].startswith("206 bytes=")
        assert len(downloads) == 2
    else:  # it waited, and was given the file
        assert downloads == ["200"]
    assert_all_have(outcomes, held, len(outcomes), file)
    assert_sound(held.mirror)


# ------------------------------------------------------------------------------ killed anywhere
def begun(held: Cache) -> None:
    """Nothing is there but a part of one file."""
    held.jsoc.fault(FaultKind.CLOSE_EARLY, when="file")
    held.get_one(held.file())
    with held.mirror.catalogue.database.write() as connection:
        connection.execute(delete(failed_files))


def full(held: Cache) -> None:
    """There is room for three files, and three are there that nobody used for years."""
    held.clock.now = START
    held.get(*(held.file(number) for number in (4, 5, 6)))


#: What is prepared, how many files have room, and visits at which a fetch is killed.
KILLED_AT = {
    "begun": (begun, 0, (
        "file.after_appending", "file.before_rename", "file.after_rename",
        "catalogue.before_commit:5", "catalogue.after_commit:5", "file.after_appending:2",
    )),
    "full": (full, 3, (
        "catalogue.after_commit:4", "catalogue.after_commit:5", "file.before_removal",
        "file.after_removal", "catalogue.after_commit:7",
    )),
}  # fmt: skip


class Scene:
    """A mirror before a fetch, copied for each time that one is killed."""

    def __init__(self, name: str, held: Cache, folder: Path) -> None:
        prepare, room, self.points = KILLED_AT[name]
        prepare(held)
        segments = {"max_gib": room * SIZE / 2**30}
        self.settings = settings_of(held.settings.mirror, held.jsoc, segments=segments)
        self.held, self._folder = held, folder
        self.wanted = held.some(3)

    def run(self, points: Sequence[str]) -> dict[str, Path]:
        """Kill a fetch at each of these; where each was."""
        roots = {point: self._folder / point for point in points}
        for root in roots.values():
            shutil.copytree(self.settings.mirror, root)
        self.held.asked()
        wanted = job(list(roots.values()), self.settings, self.wanted, points=list(points))
        with fetchers(wanted) as running:
            running.finish()
        self.visits = running.visits
        self.codes = {point: running.ended[str(root)] for point, root in roots.items()}
        return roots

    def sha256(self, file: SegmentFile) -> str:
        return hashlib.sha256(self.held.truth(file)).hexdigest()

    def assert_goes_on(self, root: Path) -> None:
        """What is indexed is there; the next fetch is complete, and fetches nothing twice."""
        settings = self.settings.model_copy(update={"mirror": root})
        with Catalogue.open(root / "catalogue.sqlite") as catalogue:
            after = Cache(self.held.jsoc, Mirror(settings, catalogue), Clock())
            after.clock.now = utc_now()
            assert_sound(after.mirror, at_rest=False)
            stored = catalogue.segments.locate(self.wanted)
            whole = [file for file in self.wanted if after.mirror.objects.exists(self.sha256(file))]
            assert set(stored) <= set(whole)
            after.asked()
            for outcome in after.get(*self.wanted).values():
                after.assert_is(outcome)
            downloads = [told for told in after.asked() if told != "rs_list"]
            assert len(downloads) <= len(self.wanted) - len(whole)
            after.room.finish_going()
            assert parts(root) == []
            after.mirror.objects.remove_abandoned(math.inf)  # a note on a part that is no more
            assert_sound(after.mirror)
            most = round(settings.segments.max_gib * 2**30)
            assert catalogue.segments.totals().size_bytes <= (most or 2**40)


@pytest.mark.parametrize("name", KILLED_AT)
def test_a_fetch_that_is_killed_is_made_good_by_the_next(
    name: str, held: Cache, tmp_path: Path
) -> None:
    scene = Scene(name, held, tmp_path / "killed")
    roots = scene.run(scene.points)
    assert set(scene.codes.values()) == {KILLED}, scene.codes
    for root in roots.values():
        scene.assert_goes_on(root)


@pytest.mark.long
@pytest.mark.parametrize("name", KILLED_AT)
def test_so_it_is_wherever_it_is_killed(name: str, held: Cache, tmp_path: Path) -> None:
    scene = Scene(name, held, tmp_path / "killed")
    scene.run(["none"])
    points = [
        f"{point}:{number}"
        for point, count in scene.visits.items()
        for number in range(1, count + 1)
    ]
    assert len(points) > 50
    roots = scene.run(points)
    assert set(scene.codes.values()) == {KILLED}, scene.codes
    for root in roots.values():
        scene.assert_goes_on(root)


# ------------------------------------------------------------------------------ orders
def test_an_order_outlives_the_process_that_made_it(held: Cache) -> None:
    file = held.file()
    held.jsoc.take_offline([held.unit(file)])
    segments = {"email": "you@example.org", "order_wait": 900.0}
    ordering = held.with_settings(segments=segments)
    held.jsoc.exports.polls = 2
    with asking(ordering, file, waits=False, points=["none"]) as running:
        running.wait_for(waiting=1)
        ((pid, _),) = running.waiting
        os.kill(pid, signal.SIGKILL)
        running.finish()
    assert held.asked() == ["rs_list", "exp_request"]
    (order,) = held.mirror.catalogue.orders.pending(held.settings.upstream.url)
    ordering.assert_is(ordering.get_one(file))
    assert held.asked() == [
        "rs_list", "exp_status", "exp_status", "exp_status", "rs_list", "200",
    ]  # fmt: skip
    latest = held.mirror.catalogue.orders.latest(order.upstream_url, order.digest)
    assert latest is not None
    assert (latest.request_id, latest.state) == (order.request_id, OrderState.READY)
    assert_sound(held.mirror)


@pytest.mark.long  # it waits for ten seconds between two questions
def test_of_many_who_want_the_same_from_tape_one_orders(held: Cache) -> None:
    file = held.file()
    held.jsoc.take_offline([held.unit(file)])
    held.jsoc.exports.polls = 0
    segments = {"email": "you@example.org", "order_wait": 20.0}
    ordering = held.with_settings(segments=segments)
    with asking(ordering, file, processes=4) as running:
        outcomes = running.finish()
    assert_all_have(outcomes, held, 4, file)
    asked = Counter(held.asked())
    assert (asked["exp_request"], asked["200"]) == (1, 1)
    assert_sound(held.mirror)


# ------------------------------------------------------------------------------ no space
def test_a_disk_that_is_full_is_told_and_gone_on_with_when_there_is_space(
    held: Cache, place: Places, tmp_path: Path
) -> None:
    one, *others = held.some(4)
    held.get_one(one)
    shutil.copytree(held.settings.mirror, place.from_outside / "mirror")
    held.asked()

    def fetch(*files: SegmentFile) -> list[dict]:
        wanted = job([place.narrow / "mirror"], held.settings, files)
        enter = ("nsenter", "--preserve-credentials", "--user", "--mount", f"-t{place.forks.pid}")
        with fetchers(wanted, *enter) as running:
            return running.finish()

    place.fill(but=4 * 2**20)
    filled = []

    def fill_up(request: Request) -> bool:
        if request.cgi == "file" and not filled:
            filled.append(True)
            more = place.from_outside / "filling" / "more"
            with suppress(OSError), more.open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(2**12))
        return False

    held.jsoc.fault(FaultKind.HTML, times=None, when=fill_up)
    outcomes = fetch(one, *others)
    states = {outcome["recnum"]: outcome["state"] for outcome in outcomes}
    assert states == {one.recnum: "held"} | dict.fromkeys((f.recnum for f in others), "failed")
    for outcome in outcomes:
        if outcome["state"] == "failed":
            assert outcome["message"].startswith("No ")
            assert "[segments] min_free_gib" in outcome["message"] or (
                "free some" in outcome["message"]
            )
    assert held.asked() == ["rs_list", "200"]

    place.free()
    held.jsoc.clear_faults()
    assert_all_have(fetch(one, *others), held, 1, one, *others)
    assert Counter(held.asked()) == {"rs_list": 1, "200": 3}
    shutil.copytree(place.from_outside / "mirror", tmp_path / "seen")
    with Catalogue.open(tmp_path / "seen" / "catalogue.sqlite") as catalogue:
        settings = held.settings.model_copy(update={"mirror": tmp_path / "seen"})
        assert_sound(Mirror(settings, catalogue))


# ------------------------------------------------------------------------------ hammering
@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.long)])
def test_eight_processes_take_files_while_others_go(rounds: int, held: Cache) -> None:
    """Files by chance, in less room than they need; what nobody was given lately goes."""
    few = held.with_settings(segments={"max_gib": 6.5 * SIZE / 2**30, "keep_hours": 0.0})
    files = held.some(12)
    with asking(few, *files, processes=8, rounds=rounds) as running:
        outcomes = running.finish()
    assert len(outcomes) == 8 * rounds
    truth = {file.recnum: hashlib.sha256(held.truth(file)).hexdigest() for file in files}
    for one in outcomes:
        if one["state"] == "failed":  # all that is there was used just now
            assert "No room" in one["message"], one
        else:
            assert one["sha256"] == truth[one["recnum"]]
            assert one["read"] in (one["sha256"], "gone")
    there = [one for one in outcomes if one["state"] != "failed"]
    assert len(there) > rounds
    few.room.finish_going()
    assert_sound(few.mirror)
    assert few.mirror.catalogue.segments.totals().objects <= 6
