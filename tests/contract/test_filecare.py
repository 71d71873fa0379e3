"""Which objects are pinned, which may go, and which go with their records, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from drmsmirror.catalogue import Catalogue, FilesOf, MadeFile, ObjectTotals
from drmsmirror.model.segmentfile import SegmentFile
from tests.contract.conftest import START, Clock

SERIES = "hmi.M_45s"
DAY = 86_400.0

ONE, TWO, THREE = (SegmentFile(SERIES, 0, number, "magnetogram") for number in (1, 2, 3))
A, B, C = ("aa" * 32, "bb" * 32, "cc" * 32)
#: What the second file was made into.
MADE, DIGEST = "dd" * 32, "ee" * 32


@pytest.fixture
def held(catalogue: Catalogue, clock: Clock) -> Catalogue:
    """Three files and one that was made of the second, of 100 bytes each, used a month ago."""
    for file, sha256 in ((ONE, A), (TWO, B), (THREE, C)):
        catalogue.segments.keep(file, sha256, 100, "magnetogram.fits")
    catalogue.made.keep(DIGEST, [MadeFile(MADE, 100, "magnetogram.fits", of=TWO)])
    clock.move(30 * DAY)
    return catalogue


def may_go(catalogue: Catalogue) -> set[str]:
    before = catalogue.database.clock()
    return {one.sha256 for one in catalogue.segments.least_used(before, most=9)}


def counted(objects: int) -> ObjectTotals:
    return ObjectTotals(objects, 100 * objects)


# ------------------------------------------------------------------------------ care of objects
def test_what_is_pinned_is_so_in_every_form(held: Catalogue) -> None:
    held.pins.add("some", [TWO])
    shares = held.object_care.shares(held.database.clock())
    assert (shares.pinned, shares.in_use, shares.may_go) == (counted(2), counted(0), counted(2))
    assert may_go(held) == {A, C}
    assert held.segments.let_go([A, B, MADE], held.database.clock()) == (A,)
    held.pins.remove("some")
    assert may_go(held) == {B, C, MADE}


def test_a_pin_is_of_a_generation_and_a_segment(held: Catalogue) -> None:
    held.pins.add("others", [replace(TWO, generation=1), replace(TWO, segment="continuum")])
    assert may_go(held) == {A, B, C, MADE}
    held.pins.add("spelled otherwise", [replace(TWO, series="HMI.m_45S", segment="MAGNETOGRAM")])
    assert may_go(held) == {A, C}


def test_what_was_used_lately_counts_as_used(held: Catalogue, clock: Clock) -> None:
    held.segments.use([ONE])
    held.made.use(DIGEST)
    shares = held.object_care.shares(clock.now - timedelta(hours=1))
    assert (shares.pinned, shares.in_use, shares.may_go) == (counted(0), counted(2), counted(2))
    assert held.object_care.longest_unused() == START


def test_what_went_is_counted_and_has_no_size(held: Catalogue, clock: Clock) -> None:
    care = held.object_care
    assert (care.evicted(), care.size_of(A)) == (counted(0), 100)
    held.segments.let_go([A, MADE], clock.now)
    assert (care.evicted(), care.size_of(A), care.size_of("00" * 32)) == (counted(2), None, None)
    assert held.made.use(DIGEST) == ()


def test_all_are_read_once_since_it_was_begun(held: Catalogue, clock: Clock) -> None:
    care = held.object_care
    begun = care.begin_reading_all()
    held.segments.say_sound(A, B)
    clock.move(DAY)
    assert care.begin_reading_all() == begun
    assert care.unread_totals(begun - timedelta(seconds=1)) == counted(2)
    assert [one.sha256 for one in care.unread(begun - timedelta(seconds=1), most=9)] == [C, MADE]
    assert [one.sha256 for one in care.unread(begun - timedelta(seconds=1), C, most=9)] == [MADE]
    care.end_reading_all()
    assert care.begin_reading_all() == clock.now


def test_what_is_made_takes_the_room_that_was_reserved_for_it(held: Catalogue) -> None:
    held.downloads.begin("ab" * 32, 100, "", most_bytes=None)
    held.made.keep("ab" * 32, [MadeFile(A, 100, "magnetogram.fits")])
    assert held.downloads.reserved() == 0


# ------------------------------------------------------------------------------ drops
def test_files_go_with_their_records_in_every_form(held: Catalogue) -> None:
    drops = held.file_drops
    assert drops.numbers(SERIES, most=2) == (1, 2)
    assert drops.numbers(SERIES, 2, most=2) == (3,)
    assert drops.count(SERIES, [1, 2]) == FilesOf(files=3)
    assert sorted(drops.take("HMI.m_45S", [1, 2])) == [A, B, MADE]
    assert held.segments.totals() == counted(1)
    assert sorted(held.segments.leaving()) == [A, B, MADE]
    assert held.made.use(DIGEST) == ()
    assert drops.take(SERIES, [1, 2]) == ()
    assert drops.numbers(SERIES, most=9) == (3,)


def test_those_that_are_pinned_stay_in_every_form(held: Catalogue) -> None:
    held.pins.add("some", [TWO])
    assert held.file_drops.count(SERIES, [1, 2]) == FilesOf(files=1, pinned=2)
    assert held.file_drops.take(SERIES, [1, 2]) == (A,)
    assert set(held.segments.locate([ONE, TWO])) == {TWO}
    assert held.made.use(DIGEST) == (MadeFile(MADE, 100, "magnetogram.fits", of=_lower(TWO)),)


def test_what_another_record_or_series_needs_stays(held: Catalogue) -> None:
    other = SegmentFile("hmi.M_720s", 0, 1, "magnetogram")
    held.segments.keep(other, A, 100, "magnetogram.fits")
    held.segments.keep(SegmentFile(SERIES, 0, 4, "magnetogram"), MADE, 100, "magnetogram.fits")
    assert held.file_drops.take(SERIES, [1, 2]) == (B,)
    assert list(held.segments.locate([ONE, other])) == [other]
    assert held.segments.totals() == counted(3)


def test_what_was_made_of_a_file_alone_goes_with_its_record(held: Catalogue, clock: Clock) -> None:
    held.segments.let_go([B], clock.now)
    assert held.file_drops.numbers(SERIES, most=9) == (1, 2, 3)
    assert held.file_drops.take(SERIES, [2]) == (MADE,)


def test_much_is_made_use_of_at_once(held: Catalogue, clock: Clock) -> None:
    several = {f"{number:064x}": TWO for number in range(600)}
    for digest in list(several)[::100]:
        held.made.keep(digest, [MadeFile(A, 100, "a.fits"), MadeFile(C, 100, "c.fits")])
    found = held.made.use_all(several)
    assert sorted(found) == list(several)[::100]
    assert {made for both in found.values() for made in both} == {
        MadeFile(A, 100, "a.fits"),
        MadeFile(C, 100, "c.fits"),
    }
    held.segments.let_go([A])
    assert held.made.use_all(several) == {}


def _lower(file: SegmentFile) -> SegmentFile:
    return replace(file, series=file.series.lower())
