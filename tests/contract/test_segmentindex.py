"""What the catalogue says of segment files, on both databases.

An object that it names is there; one that goes counts no more first, and whoever stores the same
bytes meanwhile is told.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from drmsmirror.catalogue import (
    Catalogue,
    Download,
    FailedFile,
    HeldFile,
    HeldObject,
    ObjectTotals,
    OrderState,
)
from drmsmirror.errors import LockedError, StoreError
from drmsmirror.model.segmentfile import SegmentFile
from tests.contract.conftest import START, Clock
from tests.contract.example import ORDER, URL

SERIES = "hmi.M_45s"
HOUR = 3600.0
DAY = timedelta(days=1)
NAME = "magnetogram.fits"

ONE, TWO, THREE = (SegmentFile(SERIES, 0, number, "magnetogram") for number in (1, 2, 3))
A, B, C = ("aa" * 32, "bb" * 32, "cc" * 32)


def keep(catalogue: Catalogue, *files: tuple[SegmentFile, str], size: int = 100) -> None:
    for file, sha256 in files:
        catalogue.segments.keep(file, sha256, size, NAME)


@pytest.fixture
def others(catalogue: Catalogue, address: str, clock: Clock) -> Iterator[list[Catalogue]]:
    """Open the catalogue as eight processes would."""
    assert catalogue.schema_version
    with ExitStack() as opened:
        yield [opened.enter_context(Catalogue.open(address, clock=clock)) for _ in range(8)]


def all_at_once(others: list[Catalogue], work) -> list:
    """Have each of them do something, beginning together."""
    together = threading.Barrier(len(others))

    def begin(number: int):
        together.wait(60)
        return work(others[number], number)

    with ThreadPoolExecutor(len(others)) as threads:
        return list(threads.map(begin, range(len(others))))


# ------------------------------------------------------------------------------ what is there
def test_a_file_that_is_kept_is_found(catalogue: Catalogue) -> None:
    assert catalogue.segments.locate([ONE, TWO]) == {}
    keep(catalogue, (ONE, A), size=2**41)
    held = HeldFile(A, 2**41, NAME, START)
    assert catalogue.segments.locate([ONE, TWO]) == {ONE: held}
    assert catalogue.segments.use([ONE, TWO]) == {ONE: held}
    assert catalogue.segments.locate([]) == {}


def test_it_is_known_by_number_generation_and_names_in_any_case(catalogue: Catalogue) -> None:
    keep(catalogue, (ONE, A))
    same = SegmentFile("HMI.m_45S", 0, 1, "Magnetogram")
    assert list(catalogue.segments.locate([same])) == [same]
    for other in (
        replace(ONE, generation=1),
        replace(ONE, recnum=-1),
        replace(ONE, segment="continuum"),
        replace(ONE, series="hmi.M_720s"),
    ):
        assert catalogue.segments.locate([other]) == {}


def test_many_files_of_many_series_are_found_at_once(catalogue: Catalogue) -> None:
    files = [
        SegmentFile(series, generation, number, segment)
        for series in ("a.b", "a.c")
        for generation in (0, 1)
        for number in range(300)
        for segment in ("x", "y")
    ]
    keep(catalogue, *((file, A) for file in files[::50]))
    assert set(catalogue.segments.locate(files)) == set(files[::50])


def test_identical_bytes_are_one_object(catalogue: Catalogue) -> None:
    keep(catalogue, (ONE, A), (TWO, A), (THREE, B))
    assert catalogue.segments.totals() == ObjectTotals(2, 200)
    assert sorted(file.recnum for file in catalogue.segments.files_of(A)) == [1, 2]
    assert catalogue.segments.files_of(C) == ()
    assert catalogue.segments.known([A, B, C]) == {A, B}


def test_to_keep_the_same_again_changes_nothing_but_when_it_was_used(
    catalogue: Catalogue, clock: Clock
) -> None:
    keep(catalogue, (ONE, A))
    clock.move(HOUR)
    keep(catalogue, (ONE, A))
    assert catalogue.segments.totals() == ObjectTotals(1, 100)
    assert catalogue.segments.objects(most=9) == (HeldObject(A, 100, clock.now, None),)


def test_a_file_that_came_with_other_bytes_is_those(catalogue: Catalogue) -> None:
    keep(catalogue, (ONE, A), (TWO, A))
    keep(catalogue, (ONE, B))
    held = catalogue.segments.locate([ONE, TWO])
    assert {file: one.sha256 for file, one in held.items()} == {ONE: B, TWO: A}
    assert catalogue.segments.totals() == ObjectTotals(2, 200)


def test_objects_are_listed_in_order_of_name_from_any_on(catalogue: Catalogue) -> None:
    keep(catalogue, (ONE, C), (TWO, A), (THREE, B))
    assert [one.sha256 for one in catalogue.segments.objects(most=2)] == [A, B]
    assert [one.sha256 for one in catalogue.segments.objects(B, most=2)] == [C]
    assert catalogue.segments.objects(C, most=2) == ()


def test_when_an_object_was_read_and_sound_is_written_down(
    catalogue: Catalogue, clock: Clock
) -> None:
    keep(catalogue, (ONE, A), (TWO, B))
    clock.move(HOUR)
    catalogue.segments.say_sound(B)
    assert [one.checked_utc for one in catalogue.segments.objects(most=9)] == [None, clock.now]


def test_where_nothing_may_be_written_files_are_found_and_none_is_used(
    catalogue: Catalogue, address: str, clock: Clock
) -> None:
    keep(catalogue, (ONE, A))
    clock.move(30 * 24 * HOUR)
    with Catalogue.open(address, read_only=True, clock=clock) as reader:
        assert list(reader.segments.use([ONE])) == [ONE]
        with pytest.raises(StoreError, match="opened only to read"):
            keep(reader, (TWO, B))
    assert catalogue.segments.objects(most=9)[0].used_utc == START


# ------------------------------------------------------------------------------ who may go
def least_used(catalogue: Catalogue, unused: timedelta = DAY) -> list[str]:
    before = catalogue.database.clock() - unused
    return [one.sha256 for one in catalogue.segments.least_used(before, most=9)]


def test_what_was_not_used_for_longest_goes_first(catalogue: Catalogue, clock: Clock) -> None:
    for file, sha256 in ((ONE, C), (TWO, A), (THREE, B)):
        keep(catalogue, (file, sha256))
        clock.move(2 * HOUR)
    catalogue.segments.use([ONE])
    assert least_used(catalogue) == []
    clock.move(25 * HOUR)
    assert least_used(catalogue) == [A, B, C]
    before = clock.now - DAY
    two = catalogue.segments.least_used(before, most=2)
    assert [one.sha256 for one in two] == [A, B]
    rest = catalogue.segments.least_used(before, most=2, after=two[1])
    assert [one.sha256 for one in rest] == [C]
    assert catalogue.segments.least_used(before, most=2, after=rest[0]) == ()


def test_use_is_written_down_once_an_hour(catalogue: Catalogue, clock: Clock) -> None:
    keep(catalogue, (ONE, A))
    clock.move(HOUR)
    catalogue.segments.use([ONE])
    assert catalogue.segments.objects(most=9)[0].used_utc == START
    clock.move(1)
    catalogue.segments.use([ONE])
    assert catalogue.segments.objects(most=9)[0].used_utc == clock.now


def test_to_look_is_no_use(catalogue: Catalogue, clock: Clock) -> None:
    keep(catalogue, (ONE, A))
    clock.move(30 * HOUR)
    catalogue.segments.locate([ONE])
    assert least_used(catalogue) == [A]


def test_what_is_pinned_does_not_go_and_neither_do_its_bytes_as_another_file(
    catalogue: Catalogue, clock: Clock
) -> None:
    keep(catalogue, (ONE, A), (TWO, A), (THREE, B))
    catalogue.pins.add("x", [replace(TWO, series=SERIES.upper())])
    clock.move(30 * HOUR)
    assert least_used(catalogue) == [B]
    assert catalogue.segments.let_go([A, B], clock.now) == (B,)
    catalogue.pins.remove("x")
    assert catalogue.segments.let_go([A, B], clock.now) == (A,)


def test_what_was_used_or_pinned_since_it_was_chosen_stays(
    catalogue: Catalogue, clock: Clock
) -> None:
    keep(catalogue, (ONE, A), (TWO, B), (THREE, C))
    clock.move(30 * HOUR)
    before = clock.now - DAY
    chosen = [one.sha256 for one in catalogue.segments.least_used(before, most=9)]
    catalogue.segments.use([ONE])
    catalogue.pins.add("x", [TWO])
    assert catalogue.segments.let_go(chosen, before) == (C,)
    assert set(catalogue.segments.locate([ONE, TWO, THREE])) == {ONE, TWO}


def test_use_by_a_clock_that_was_ahead_counts_as_use_now(
    catalogue: Catalogue, clock: Clock
) -> None:
    """An object must not stay for a year because a clock was wrong once, nor go at once."""
    clock.move(365 * 24 * HOUR)
    keep(catalogue, (ONE, A), (TWO, B))
    clock.move(-365 * 24 * HOUR)
    keep(catalogue, (THREE, C))
    assert catalogue.segments.settle() == 2
    assert catalogue.segments.settle() == 0
    assert {one.used_utc for one in catalogue.segments.objects(most=9)} == {clock.now}
    clock.move(25 * HOUR)
    assert least_used(catalogue) == [A, B, C]


def test_whoever_uses_what_was_used_in_the_future_uses_it_now(
    catalogue: Catalogue, clock: Clock
) -> None:
    clock.move(365 * 24 * HOUR)
    keep(catalogue, (ONE, A))
    clock.move(-365 * 24 * HOUR)
    assert list(catalogue.segments.use([ONE])) == [ONE]
    assert catalogue.segments.objects(most=9)[0].used_utc == clock.now


# ------------------------------------------------------------------------------ leaving
def test_what_leaves_counts_no_more_until_it_is_forgotten(catalogue: Catalogue) -> None:
    keep(catalogue, (ONE, A), (TWO, A), (THREE, B))
    assert catalogue.segments.let_go([A, C]) == (A,)
    assert catalogue.segments.leaving() == (A,)
    assert set(catalogue.segments.locate([ONE, TWO, THREE])) == {THREE}
    assert catalogue.segments.use([ONE]) == {}
    assert catalogue.segments.totals() == ObjectTotals(1, 100)
    assert [one.sha256 for one in catalogue.segments.objects(most=9)] == [B]
    assert catalogue.segments.files_of(A) == ()
    assert catalogue.segments.known([A, B]) == {A, B}
    assert catalogue.segments.let_go([A]) == ()

    catalogue.segments.forget([A, B])
    assert catalogue.segments.known([A, B]) == {B}  # who does not leave is not forgotten
    assert catalogue.segments.totals() == ObjectTotals(1, 100)


def test_whoever_stores_what_is_leaving_is_told_and_can_when_it_has_gone(
    catalogue: Catalogue,
) -> None:
    keep(catalogue, (ONE, A))
    catalogue.segments.let_go([A])
    with pytest.raises(LockedError, match="just being removed by another process"):
        keep(catalogue, (TWO, A))
    assert catalogue.segments.locate([TWO]) == {}
    catalogue.segments.forget([A])
    keep(catalogue, (TWO, A))
    assert set(catalogue.segments.locate([ONE, TWO])) == {TWO}
    assert catalogue.segments.totals() == ObjectTotals(1, 100)


def test_use_takes_what_is_leaving_meanwhile_for_gone(
    catalogue: Catalogue, address: str, clock: Clock
) -> None:
    """Between finding an object and saying that it is used, another lets it go."""
    keep(catalogue, (ONE, A), (TWO, B))
    clock.move(30 * HOUR)

    class Meddling(Clock):
        def __call__(self):
            if catalogue.segments.leaving() == ():
                catalogue.segments.let_go([A])
            return clock.now

    with Catalogue.open(address, clock=Meddling()) as other:
        assert set(other.segments.use([ONE, TWO])) == {TWO}


def test_what_no_row_speaks_of_is_claimed_by_one(catalogue: Catalogue) -> None:
    keep(catalogue, (ONE, A))
    assert not catalogue.segments.claim(A, 100)
    assert catalogue.segments.claim(B, 7)
    assert not catalogue.segments.claim(B, 7)
    assert catalogue.segments.leaving() == (B,)
    assert catalogue.segments.totals() == ObjectTotals(1, 100)
    with pytest.raises(LockedError):
        keep(catalogue, (TWO, B))
    catalogue.segments.forget([B])
    assert catalogue.segments.known([B]) == frozenset()
    assert catalogue.segments.totals() == ObjectTotals(1, 100)


def test_many_let_go_and_keep_at_once_and_the_totals_are_right(others: list[Catalogue]) -> None:
    names = [f"{number:064x}" for number in range(6)]

    def meddle(catalogue: Catalogue, number: int) -> None:
        chance = random.Random(number)
        for step in range(12):
            name = chance.choice(names)
            if chance.random() < 0.6:
                try:
                    keep(catalogue, (replace(ONE, recnum=100 * number + step), name))
                except LockedError:
                    catalogue.segments.forget([name])
            else:
                catalogue.segments.let_go([name])

    all_at_once(others, meddle)
    catalogue = others[0]
    here = catalogue.segments.objects(most=99)
    assert catalogue.segments.totals() == ObjectTotals(len(here), 100 * len(here))
    for name in catalogue.segments.leaving():
        assert catalogue.segments.files_of(name) == ()
    files = [replace(ONE, recnum=100 * n + step) for n in range(8) for step in range(12)]
    held = catalogue.segments.locate(files)
    assert {one.sha256 for one in held.values()} <= {one.sha256 for one in here}


def test_of_many_that_claim_the_same_one_gets_it(others: list[Catalogue]) -> None:
    got = all_at_once(others, lambda catalogue, _: catalogue.segments.claim(A, 1))
    assert sorted(got) == [False] * 7 + [True]


# ------------------------------------------------------------------------------ failures
def failed(minutes: float = 10.0, since: timedelta = timedelta()) -> FailedFile:
    when = START + since
    return FailedFile("lost", "no ü", when, when + timedelta(minutes=minutes))


def test_a_failure_is_remembered_until_the_file_comes(catalogue: Catalogue) -> None:
    catalogue.segments.fail(ONE, failed())
    catalogue.segments.fail(TWO, failed())
    assert catalogue.segments.failures([ONE, THREE]) == {ONE: failed()}
    keep(catalogue, (ONE, A))
    assert catalogue.segments.failures([ONE, TWO, THREE]) == {TWO: failed()}


def test_the_later_failure_takes_the_place_of_the_earlier(catalogue: Catalogue) -> None:
    later = replace(failed(since=timedelta(minutes=1)), state="failed")
    catalogue.segments.fail(ONE, failed())
    catalogue.segments.fail(ONE, later)
    assert catalogue.segments.failures([ONE]) == {ONE: later}


def test_failures_that_are_long_over_go_when_others_come(catalogue: Catalogue) -> None:
    catalogue.segments.fail(ONE, failed())
    catalogue.segments.fail(TWO, failed(since=timedelta(minutes=30)))
    assert set(catalogue.segments.failures([ONE, TWO])) == {ONE, TWO}
    catalogue.segments.fail(THREE, failed(since=timedelta(minutes=71)))
    assert set(catalogue.segments.failures([ONE, TWO, THREE])) == {TWO, THREE}


def test_many_fail_at_once(others: list[Catalogue]) -> None:
    all_at_once(others, lambda catalogue, _: catalogue.segments.fail(ONE, failed()))
    assert others[0].segments.failures([ONE]) == {ONE: failed()}


# ------------------------------------------------------------------------------ downloads
def begin(catalogue: Catalogue, name: str, size: int, most: int | None = 1000) -> int:
    return catalogue.downloads.begin(name, size, "tag", most_bytes=most)


def test_room_is_reserved_and_given_back(catalogue: Catalogue, clock: Clock) -> None:
    assert catalogue.downloads.find("x") is None
    assert begin(catalogue, "x", 600) == 0
    assert catalogue.downloads.find("x") == Download("x", 600, "tag", START)
    assert catalogue.downloads.reserved() == 600
    clock.move(HOUR)
    assert begin(catalogue, "y", 400) == 0
    assert catalogue.downloads.sizes() == {"x": 600, "y": 400}
    assert catalogue.downloads.begun_before(clock.now) == ("x",)
    catalogue.downloads.end(["x", "z"])
    assert catalogue.downloads.reserved() == 400
    catalogue.downloads.end([])
    assert catalogue.downloads.reserved() == 400


def test_what_is_lacking_is_told_and_nothing_reserved(catalogue: Catalogue) -> None:
    keep(catalogue, (ONE, A), size=500)
    assert begin(catalogue, "x", 300) == 0
    assert begin(catalogue, "y", 201) == 1
    assert catalogue.downloads.find("y") is None
    assert begin(catalogue, "y", 201, most=None) == 0
    assert catalogue.downloads.reserved() == 501


def test_who_reserves_again_does_so_in_place_of_what_was_reserved(catalogue: Catalogue) -> None:
    assert begin(catalogue, "x", 600) == 0
    assert begin(catalogue, "x", 1000) == 0
    assert catalogue.downloads.reserved() == 1000
    assert begin(catalogue, "x", 1001) == 1


def test_what_has_come_takes_the_room_that_was_reserved_for_it(catalogue: Catalogue) -> None:
    """In one moment: a process that is killed leaves nothing reserved for what is there."""
    assert begin(catalogue, ONE.digest, 600) == 0
    assert begin(catalogue, TWO.digest, 300) == 0
    keep(catalogue, (ONE, A), size=600)
    assert catalogue.downloads.find(ONE.digest) is None
    assert catalogue.downloads.reserved() == 300
    assert begin(catalogue, THREE.digest, 100) == 0


def test_many_writers_never_reserve_more_than_there_is(others: list[Catalogue]) -> None:
    most = 1000
    taken: list[int] = []
    guard = threading.Lock()

    def reserve(catalogue: Catalogue, number: int) -> None:
        chance = random.Random(number)
        for step in range(8):
            name, size = f"{number}-{step}", chance.randint(1, 400)
            if begin(catalogue, name, size, most) == 0:
                with guard:
                    taken.append(
                        catalogue.downloads.reserved() + catalogue.segments.totals().size_bytes
                    )
                if chance.random() < 0.3:
                    keep(catalogue, (replace(ONE, recnum=number), f"{number:064x}"), size=1)
                catalogue.downloads.end([name])

    all_at_once(others, reserve)
    assert max(taken) <= most
    assert len(taken) >= 8
    assert others[0].downloads.reserved() == 0


# ------------------------------------------------------------------------------ pins
def test_a_pin_names_a_record_set_and_its_files(catalogue: Catalogue, clock: Clock) -> None:
    assert catalogue.pins.all() == ()
    assert catalogue.pins.add("x", [ONE, TWO, ONE]) == 2
    clock.move(HOUR)
    assert catalogue.pins.add("y", []) == 0
    (x, y) = catalogue.pins.all()
    assert (x.record_set, x.files, x.made_utc) == ("x", 2, START)
    assert (y.record_set, y.files, y.made_utc) == ("y", 0, clock.now)


def test_to_pin_again_adds_what_is_new(catalogue: Catalogue) -> None:
    catalogue.pins.add("x", [ONE])
    assert catalogue.pins.add("x", [replace(ONE, segment="MAGNETOGRAM"), TWO]) == 1
    assert [(pin.record_set, pin.files) for pin in catalogue.pins.all()] == [("x", 2)]


def test_a_pin_that_is_removed_leaves_those_of_others(catalogue: Catalogue, clock: Clock) -> None:
    keep(catalogue, (ONE, A))
    catalogue.pins.add("x", [ONE, TWO])
    catalogue.pins.add("y", [ONE])
    clock.move(30 * HOUR)
    assert catalogue.pins.remove("x")
    assert not catalogue.pins.remove("x")
    assert least_used(catalogue) == []
    assert catalogue.pins.remove("y")
    assert least_used(catalogue) == [A]


def test_a_file_is_pinned_before_it_is_there(catalogue: Catalogue, clock: Clock) -> None:
    catalogue.pins.add("x", [ONE])
    keep(catalogue, (ONE, A))
    clock.move(30 * HOUR)
    assert least_used(catalogue) == []


def test_many_pin_the_same_at_once(others: list[Catalogue]) -> None:
    new = all_at_once(others, lambda catalogue, _: catalogue.pins.add("x", [ONE, TWO]))
    assert sorted(new) == [0] * 7 + [2]
    assert [pin.files for pin in others[0].pins.all()] == [2]


# ------------------------------------------------------------------------------ orders
def test_an_order_is_kept_as_it_stands(catalogue: Catalogue) -> None:
    catalogue.orders.save(ORDER)
    assert catalogue.orders.pending(URL) == (ORDER,)
    assert catalogue.orders.latest(URL, ORDER.digest) == ORDER
    ready = replace(ORDER, state=OrderState.READY, message="", ended_utc=START)
    catalogue.orders.save(ready)
    assert catalogue.orders.pending(URL) == ()
    assert catalogue.orders.latest(URL, ORDER.digest) == ready


def test_orders_are_those_of_one_upstream(catalogue: Catalogue) -> None:
    catalogue.orders.save(ORDER)
    assert catalogue.orders.pending("http://elsewhere") == ()
    assert catalogue.orders.latest("http://elsewhere", ORDER.digest) is None
    assert catalogue.orders.latest(URL, "other") is None


def test_pending_orders_come_in_the_order_in_which_they_were_made(catalogue: Catalogue) -> None:
    earlier = replace(ORDER, request_id="b", ordered_utc=START - DAY)
    for order in (ORDER, earlier):
        catalogue.orders.save(order)
    assert catalogue.orders.pending(URL) == (earlier, ORDER)
    assert catalogue.orders.latest(URL, ORDER.digest) == ORDER


def test_what_was_ordered_a_week_ago_is_ordered_anew(catalogue: Catalogue, clock: Clock) -> None:
    catalogue.orders.save(ORDER)
    clock.move(6.9 * 24 * HOUR)
    assert catalogue.orders.latest(URL, ORDER.digest) == ORDER
    clock.move(0.2 * 24 * HOUR)
    assert catalogue.orders.latest(URL, ORDER.digest) is None


def test_orders_that_ended_long_ago_go_when_others_come(catalogue: Catalogue) -> None:
    ended = replace(ORDER, request_id="old", digest="old", state=OrderState.FAILED, ended_utc=START)
    catalogue.orders.save(ended)
    catalogue.orders.save(ORDER)
    for days, latest in ((28, ended), (29, None)):
        late = START + days * DAY
        catalogue.orders.save(
            replace(ORDER, request_id="new", digest="new", ordered_utc=late, asked_utc=late)
        )
        assert catalogue.orders.latest(URL, "old") == latest
    assert [order.request_id for order in catalogue.orders.pending(URL)] == [
        ORDER.request_id,
        "new",
    ]
