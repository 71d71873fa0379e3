"""Files are there, or come once, whole or not at all; and if not, it is said why."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import Any

import pytest

from drmsmirror.catalogue import Catalogue, SegmentIndex
from drmsmirror.errors import LockedError, NoSpaceError
from drmsmirror.mirror import Mirror
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.segments.outcome import FileState
from drmsmirror.upstream import Jsoc
from tests.jsoc import Fault, FaultKind, Request
from tests.unit.segments.world import (
    SERIES,
    Cache,
    Holding,
    assert_sound,
    objects,
    parts,
)

FETCHED, HELD, FAILED = FileState.FETCHED, FileState.HELD, FileState.FAILED
HALF = 5760  # bytes of a file that come where half of it comes

GONE = Fault(FaultKind.HTTP_STATUS, status=404)
AWAY = Fault(FaultKind.HTTP_STATUS, status=503)
LATER = Fault(FaultKind.HTTP_STATUS, status=503, retry_after="30")


# ------------------------------------------------------------------------------ hits and misses
def test_a_file_is_fetched_once_and_a_hit_asks_nothing(held: Cache) -> None:
    file = held.file()
    outcome = held.get_one(file)
    held.assert_is(outcome)
    assert (outcome.state, outcome.file_name) == (FETCHED, "magnetogram.fits")
    assert held.asked() == ["rs_list", "200"]
    assert held.get_one(file) == replace(outcome, state=HELD)
    assert held.files.held([file]) == {file: replace(outcome, state=HELD)}
    assert held.asked() == []
    assert_sound(held.mirror)


def test_many_files_are_asked_for_in_one_question(held: Cache) -> None:
    files = held.some(5)
    for outcome in held.get(*files).values():
        held.assert_is(outcome)
    assert held.asked() == ["rs_list", *["200"] * 5]


def test_what_is_there_comes_first_and_does_not_wait_for_the_rest(held: Cache) -> None:
    old, new = held.file(1), held.file(0)
    held.get_one(old)
    held.asked()
    coming = held.files.get([new, old])
    assert next(coming).file == old
    assert held.asked() == []
    assert [outcome.file for outcome in coming] == [new]


def test_a_file_that_is_wanted_twice_is_given_once(held: Cache) -> None:
    file = held.file()
    assert list(held.get(file, file)) == [file]
    assert held.asked() == ["rs_list", "200"]


def test_nothing_is_wanted(held: Cache) -> None:
    assert held.get() == {}
    assert held.asked() == []


def test_files_are_asked_for_a_hundred_records_at_a_time(held: Cache) -> None:
    unknown = [SegmentFile(SERIES, 0, 900_000 + number, "magnetogram") for number in range(150)]
    states = {outcome.state for outcome in held.get(*unknown).values()}
    assert states == {FileState.NO_FILE}
    assert held.asked() == ["rs_list", "rs_list"]


def test_where_the_upstream_is_not_to_be_asked_it_is_not(held: Cache) -> None:
    old, new = held.some(2)
    held.get_one(old)
    held.asked()
    outcomes = held.get(old, new, may_ask=False)
    assert [outcomes[file].state for file in (old, new)] == [HELD, FileState.NOT_HELD]
    assert "not to be asked" in outcomes[new].message
    assert held.asked() == []


def test_identical_bytes_are_there_once(held: Cache, tmp_path) -> None:
    one, other = held.some(2)
    content = tmp_path / "same.fits"
    content.write_bytes(held.truth(one))
    held.jsoc.serve_file(SERIES, other.recnum, "magnetogram", content)
    outcomes = held.get(one, other)
    assert outcomes[one].path == outcomes[other].path
    assert len(objects(held.settings.mirror)) == 1
    assert held.mirror.catalogue.segments.totals().objects == 1
    assert_sound(held.mirror)


def test_a_text_file_is_a_file_too(held: Cache, tmp_path) -> None:
    content = tmp_path / "notes.txt"
    content.write_bytes(b"any text\n")
    file = held.file()
    held.jsoc.name_file(SERIES, file.recnum, "magnetogram", "notes.txt")
    held.jsoc.serve_file(SERIES, file.recnum, "magnetogram", content)
    held.assert_is(held.get_one(file), b"any text\n")


def test_records_that_have_no_number_of_the_upstream_are_not_asked_for(held: Cache) -> None:
    ours = replace(held.file(), recnum=-5)
    outcomes = held.get(ours, held.file())
    assert outcomes[ours].state is FileState.NOT_HELD
    assert "tells no record numbers" in outcomes[ours].message
    assert outcomes[held.file()].state is FETCHED
    held.asked()
    assert held.get_one(ours, again=True).state is FileState.NOT_HELD
    assert held.asked() == []


def test_a_mirror_that_can_only_be_read_gives_what_it_holds(held: Cache) -> None:
    old, lost, new = held.some(3)
    gone = held.get(old, lost)[lost].path
    assert gone is not None
    gone.unlink()
    held.asked()
    place = held.settings.mirror / "catalogue.sqlite"
    with Catalogue.open(place, read_only=True, clock=held.clock) as catalogue:
        reader = Cache(held.jsoc, Mirror(held.settings, catalogue), held.clock)
        outcomes = reader.get(old, lost, new, may_ask=False)
    assert [outcomes[file].state for file in (old, lost, new)] == [
        HELD, FileState.NOT_HELD, FileState.NOT_HELD,
    ]  # fmt: skip
    assert held.get_one(lost).state is FETCHED


# ------------------------------------------------------------------------------ misbehaviour
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (FaultKind.TRUNCATED, "magnetogram.fits, HDU 1: the file is cut: it has 5,760 bytes"),
        (FaultKind.EMPTY_BODY, "magnetogram.fits came empty"),
        (FaultKind.HTML, "is a web page, not the file"),
        (FaultKind.GARBAGE, "magnetogram.fits is no FITS file: it begins with 'n'"),
        (Fault(FaultKind.ERROR_BODY, status=5), 'is no FITS file: it begins with \'{"status": 5'),
        (AWAY, "HTTP 503: the server is there but does not work now"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_what_is_no_file_never_becomes_one_and_the_next_try_succeeds(
    fault, said: str, held: Cache
) -> None:
    file = held.file()
    held.jsoc.fault(fault, when="file")
    outcome = held.get_one(file)
    assert (outcome.state, outcome.path, outcome.sha256) == (FAILED, None, "")
    assert said in outcome.message
    assert str(held.settings.mirror) not in outcome.message
    assert held.asked()[0] == "rs_list"
    held.assert_nothing_came()
    assert_sound(held.mirror)  # there is neither a part of it nor room reserved for it

    held.assert_is(held.get_one(file, again=True))
    assert held.asked() == ["rs_list", "200"]
    assert_sound(held.mirror)


def test_a_web_page_under_another_name_is_none(held: Cache, tmp_path) -> None:
    page = tmp_path / "page"
    page.write_bytes(b"\n <!DOCTYPE html><title>Log in</title>")
    file = held.file()
    held.jsoc.serve_file(SERIES, file.recnum, "magnetogram", page)
    held.jsoc.name_file(SERIES, file.recnum, "magnetogram", "notes.txt")
    outcome = held.get_one(file)
    assert outcome.state is FAILED
    assert "A web page came in place of notes.txt" in outcome.message
    held.assert_nothing_came()


def test_a_connection_that_breaks_is_gone_on_with_where_it_broke(held: Cache) -> None:
    file = held.file()
    held.jsoc.fault(FaultKind.CLOSE_EARLY, when="file")
    outcome = held.get_one(file)
    assert outcome.state is FAILED
    assert "broke off" in outcome.message
    assert held.asked() == ["rs_list", "200"]
    held.assert_nothing_came()
    assert [part.stat().st_size for part in parts(held.settings.mirror)] == [HALF]

    held.assert_is(held.get_one(file, again=True))
    assert held.asked() == ["rs_list", f"206 bytes={HALF}-"]
    assert_sound(held.mirror)


def test_with_further_attempts_it_is_gone_on_with_at_once(held: Cache) -> None:
    patient = held.with_settings(upstream={"attempts": 3})
    held.jsoc.fault(FaultKind.CLOSE_EARLY, times=2, when="file")
    held.assert_is(patient.get_one(held.file()))
    begun = HALF + HALF // 2
    assert held.asked() == ["rs_list", "200", f"206 bytes={HALF}-", f"206 bytes={begun}-"]


@pytest.mark.parametrize("fault", [FaultKind.NO_RANGES, FaultKind.CHANGED_BYTES])
def test_where_the_rest_cannot_be_had_all_of_it_comes_and_nothing_is_mixed(
    fault: FaultKind, held: Cache
) -> None:
    file = held.file()
    held.jsoc.fault(FaultKind.CLOSE_EARLY, when="file")
    held.get_one(file)
    held.jsoc.fault(fault, when="file")
    outcome = held.get_one(file, again=True)
    assert held.asked() == ["rs_list", "200", "rs_list", f"200 bytes={HALF}-"]
    if fault is FaultKind.NO_RANGES:
        held.assert_is(outcome)
    else:
        assert outcome.sha256 not in ("", held.get_one(held.file(1)).sha256)
    assert_sound(held.mirror)


def test_a_file_that_was_written_anew_is_not_put_together_of_two(held: Cache) -> None:
    file = held.file()
    held.jsoc.fault(FaultKind.CLOSE_EARLY, when="file")
    held.get_one(file)
    held.jsoc.rewrite_file(SERIES, file.recnum, "magnetogram")
    held.assert_is(held.get_one(file, again=True))
    assert held.asked()[2:] == ["rs_list", f"200 bytes={HALF}-"]


def test_a_rest_that_is_too_short_is_noticed_by_what_the_server_says_of_the_whole(
    held: Cache, tmp_path
) -> None:
    """Of a text nothing else tells that it is cut."""
    file, text = held.file(), tmp_path / "text"
    text.write_bytes(bytes(range(10)) * 1000)
    held.jsoc.serve_file(SERIES, file.recnum, "magnetogram", text)
    held.jsoc.name_file(SERIES, file.recnum, "magnetogram", "notes.txt")
    held.jsoc.fault(FaultKind.CLOSE_EARLY, when="file")
    held.jsoc.fault(FaultKind.TRUNCATED, when="file")
    held.get_one(file)
    outcome = held.get_one(file, again=True)
    assert "notes.txt came with 7,500 of its 10,000 bytes" in outcome.message
    held.assert_nothing_came()
    held.assert_is(held.get_one(file, again=True))


def test_a_server_that_stalls_is_given_up_and_what_came_is_kept(held: Cache) -> None:
    hasty = held.with_settings(upstream={"read_timeout": 0.05})
    held.jsoc.fault(FaultKind.STALL, when="file")
    outcome = hasty.get_one(held.file())
    assert outcome.state is FAILED
    assert "sent nothing for 0.05 s" in outcome.message
    held.jsoc.release()
    held.assert_nothing_came()
    held.assert_is(held.get_one(held.file(), again=True))
    assert_sound(held.mirror)


def test_one_file_that_fails_is_no_failure_of_the_others(held: Cache) -> None:
    files = held.some(3)
    held.jsoc.fault(FaultKind.TRUNCATED, when="file")
    states = [outcome.state for outcome in held.get(*files).values()]
    assert sorted(states) == [FAILED, FETCHED, FETCHED]
    assert held.asked() == ["rs_list", *["200"] * 3]


# ------------------------------------------------------------------------------ sums
def with_sums(content: bytes) -> bytes:
    """The same file, whose headers tell the sums of the data."""
    import io

    from astropy.io import fits

    out = io.BytesIO()
    with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        hdus.writeto(out, checksum=True)
    return out.getvalue()


@pytest.fixture
def summed(held: Cache, tmp_path) -> SegmentFile:
    """Give a file whose header tells the sum of its data, as JSOC's do."""
    file, path = held.file(), tmp_path / "summed.fits"
    path.write_bytes(with_sums(held.truth(file)))
    held.jsoc.serve_file(SERIES, file.recnum, "magnetogram", path)
    return file


def test_a_bit_that_flips_on_the_way_is_noticed_by_the_sum_and_the_file_comes_again(
    held: Cache, summed: SegmentFile
) -> None:
    held.jsoc.fault(FaultKind.FLIPPED_BIT, when="file")
    held.assert_is(held.get_one(summed))
    assert held.asked() == ["rs_list", "200", "200"]
    assert_sound(held.mirror)


def test_a_sum_that_is_wrong_at_the_upstream_is_what_the_upstream_has(
    held: Cache, summed: SegmentFile
) -> None:
    held.jsoc.fault(FaultKind.FLIPPED_BIT, times=None, when="file")
    right = held.truth(summed)
    middle = len(right) // 2
    wrong = right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1 :]
    held.assert_is(held.get_one(summed), wrong)
    assert held.asked() == ["rs_list", "200", "200"]
    held.asked()
    assert held.get_one(summed).state is HELD
    assert held.asked() == []


def test_data_that_come_twice_with_other_wrong_sums_are_refused(
    held: Cache, summed: SegmentFile, tmp_path
) -> None:
    def damage_another() -> bool:
        content = bytearray(held.truth(summed))
        content[-3000] ^= 0xFF
        (tmp_path / "summed.fits").write_bytes(content)
        return True

    held.jsoc.fault(FaultKind.FLIPPED_BIT, when="file")
    held.jsoc.fault(FaultKind.SLOW, when=lambda asked: asked.cgi == "file" and damage_another())
    outcome = held.get_one(summed)
    assert outcome.state is FAILED
    assert "came twice" in outcome.message
    held.assert_nothing_came()


def test_of_a_file_that_tells_no_sum_a_flipped_bit_cannot_be_known(held: Cache) -> None:
    """But it is known from then on which bytes came."""
    held.jsoc.fault(FaultKind.FLIPPED_BIT, when="file")
    outcome = held.get_one(held.file())
    assert outcome.state is FETCHED
    assert outcome.path is not None
    assert outcome.path.read_bytes() != held.truth(held.file())


# ------------------------------------------------------------------------------ places
def test_a_unit_that_moved_between_the_questions_is_found_where_it_is(held: Cache) -> None:
    file = held.file()

    def move(request: Request) -> bool:
        if request.cgi == "file" and not request.ds.startswith("/SUM5/"):
            held.jsoc.restage([held.unit(file)], 5)
        return False

    held.jsoc.fault(FaultKind.HTML, times=None, when=move)
    held.assert_is(held.get_one(file))
    assert held.asked() == ["rs_list", "404", "rs_list", "200"]


def test_a_file_that_is_not_where_the_upstream_says_fails(held: Cache) -> None:
    held.jsoc.fault(GONE, when="file")
    outcome = held.get_one(held.file())
    assert outcome.state is FAILED
    assert "HTTP 404: it has no such file now" in outcome.message
    assert held.asked() == ["rs_list", "404", "rs_list"]
    assert_sound(held.mirror)


@pytest.mark.parametrize(
    ("what", "state", "said"),
    [
        ("lose", FileState.LOST, "neither on disk nor on tape"),
        ("take_offline", FAILED, "it went to tape"),
    ],
)
def test_a_unit_that_goes_between_the_questions(what, state, said, held: Cache) -> None:
    file = held.file()

    def go(request: Request) -> bool:
        if request.cgi == "file":
            getattr(held.jsoc, what)([held.unit(file)])
        return False

    held.jsoc.fault(FaultKind.HTML, times=None, when=go)
    outcome = held.get_one(file)
    assert (outcome.state, held.asked()) == (state, ["rs_list", "404", "rs_list"])
    assert said in outcome.message


def test_each_record_has_its_own_outcome(held: Cache) -> None:
    there, without, lost, tape = held.apart(4)
    unknown = replace(there, recnum=10**9)
    held.jsoc.name_file(SERIES, without.recnum, "magnetogram", "")
    held.jsoc.lose([held.unit(lost)])
    held.jsoc.take_offline([held.unit(tape)])
    outcomes = held.get(there, without, lost, tape, unknown)
    assert held.asked() == ["rs_list", "200"]
    assert {file: outcome.state for file, outcome in outcomes.items()} == {
        there: FETCHED,
        without: FileState.NO_FILE,
        lost: FileState.LOST,
        tape: FileState.ON_TAPE,
        unknown: FileState.NO_FILE,
    }
    assert outcomes[without].message == "the record has no such file"
    assert outcomes[lost].message == "the upstream has it neither on disk nor on tape"
    assert "registered e-mail address" in outcomes[tape].message
    assert "[segments]\n  email = " in outcomes[tape].message


def test_a_file_of_another_series_is_ordered_whatever_became_of_the_records_own_unit(
    held: Cache,
) -> None:
    file = held.file()
    definition = Jsoc(held.settings.upstream).definition(SERIES).definition
    linked = [replace(one, protocol="link via ORIGIN") for one in definition.segments]
    held.mirror.catalogue.save_definition(replace(definition, segments=tuple(linked)))
    assert held.get_one(file).state is FETCHED
    away = held.apart(2)[1]
    held.jsoc.lose([held.unit(away)])
    outcome = held.get_one(away)
    assert outcome.state is FileState.ON_TAPE
    assert "registered e-mail address" in outcome.message


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\tb.fits", ".", "a//b"])
def test_a_place_that_is_no_path_is_the_failure_of_that_file_alone(name: str, held: Cache) -> None:
    odd, *others = held.apart(4)
    held.jsoc.name_file(SERIES, odd.recnum, "magnetogram", name)
    outcomes = held.get(odd, *others)
    assert outcomes.pop(odd).state is FAILED
    for outcome in outcomes.values():
        held.assert_is(outcome)
    assert held.asked() == ["rs_list", "200", "200", "200"]
    assert held.get_one(odd).state is FAILED  # which is remembered
    assert held.asked() == []


def test_an_answer_that_makes_no_sense_is_the_failure_of_its_records_alone(held: Cache) -> None:
    unknown = [
        SegmentFile(SERIES, 0, number + 1, "magnetogram") for number in range(10**6, 10**6 + 99)
    ]
    files = [*held.some(2), *unknown]  # two questions
    held.jsoc.fault(FaultKind.TRUNCATED_JSON, times=1, when="rs_list")
    states = [outcome.state for outcome in held.get(*files).values()]
    assert states.count(FAILED) == 100
    assert states.count(FileState.NO_FILE) == 1


# ------------------------------------------------------------------------------ enough of us
def test_a_server_that_wants_no_requests_for_a_while_is_asked_for_nothing_more(
    held: Cache,
) -> None:
    files = held.some(4)
    held.jsoc.fault(LATER, when="file")
    outcomes = held.get(*files)
    assert {outcome.state for outcome in outcomes.values()} == {FAILED}
    assert "it wants no requests from us for 30 s" in outcomes[files[0]].message
    assert held.asked() == ["rs_list", "503"]
    paused = held.get(*files)
    assert {outcome.state for outcome in paused.values()} == {FAILED}
    assert "left alone" in paused[files[0]].message
    assert held.asked() == []
    assert_sound(held.mirror)
    held.clock.move(31)  # none of them is remembered as one that cannot be had
    assert {outcome.state for outcome in held.get(*files).values()} == {FETCHED}


def test_a_wait_that_is_short_is_waited_for(held: Cache) -> None:
    patient = held.with_settings(upstream={"attempts": 2, "max_retry_wait": 60.0})
    held.jsoc.fault(replace(LATER, retry_after="0"), when="file")
    held.assert_is(patient.get_one(held.file()))
    assert held.asked() == ["rs_list", "503", "200"]


def test_the_notice_that_we_ask_too_much_is_no_file_and_ends_it(held: Cache, tmp_path) -> None:
    files = held.some(3)
    held.jsoc.fault(FaultKind.OVERLOAD, when="file")
    outcomes = held.get(*files)
    assert {outcome.state for outcome in outcomes.values()} == {FAILED}
    assert "it wants no more requests from this address" in outcomes[files[0]].message
    assert held.asked() == ["rs_list", "200"]
    held.assert_nothing_came()
    assert_sound(held.mirror)


def test_where_the_upstream_is_away_every_file_that_is_not_there_fails(held: Cache) -> None:
    old, *new = held.some(3)
    held.get_one(old)
    held.jsoc.stop()
    outcomes = held.get(old, *new)
    assert [outcomes[file].state for file in (old, *new)] == [HELD, FAILED, FAILED]
    assert "The server or the network is away" in outcomes[new[0]].message


# ------------------------------------------------------------------------------ failures
def test_a_file_that_failed_is_not_tried_for_a_while_unless_asked_to(held: Cache) -> None:
    file = held.file()
    held.jsoc.fault(FaultKind.TRUNCATED, when="file")
    first = held.get_one(file)
    held.asked()
    held.clock.move(60)
    second = held.get_one(file)
    assert held.asked() == []
    assert second.state is FAILED
    assert second.message.startswith(first.message)
    assert "(so it was at 12:00 UTC; it is tried again after 12:10 UTC" in second.message
    assert held.get_one(file, again=True).state is FETCHED


def test_after_a_while_it_is_tried_again(held: Cache) -> None:
    file = held.file()
    held.jsoc.fault(FaultKind.HTML, when="file")
    held.get_one(file)
    held.clock.move(10 * 60)
    held.asked()
    assert held.get_one(file).state is FETCHED
    assert held.asked() == ["rs_list", "200"]


@pytest.mark.parametrize(("how", "days"), [("lost", 1), ("no file", 30)])
def test_that_there_is_none_is_remembered_for_longer(how: str, days: int, held: Cache) -> None:
    file = held.file()
    if how == "lost":
        held.jsoc.lose([held.unit(file)])
    else:
        held.jsoc.name_file(SERIES, file.recnum, "magnetogram", "")
    first = held.get_one(file)
    assert first.state.value == how
    held.asked()
    held.clock.move(days * 86400 - 1)
    assert held.get_one(file) == first
    assert held.asked() == []
    held.clock.move(1)
    assert held.get_one(file) == first
    assert held.asked() == ["rs_list"]


@pytest.mark.parametrize(
    ("fault", "spared"),
    [(FaultKind.CLOSE_EARLY, 60), (FaultKind.HTTP_STATUS, 60), (FaultKind.TRUNCATED, 600)],
)
def test_what_passes_by_itself_is_asked_for_again_within_a_minute(
    fault: FaultKind, spared: int, held: Cache
) -> None:
    held.jsoc.fault(fault, when="file")
    file = held.file()
    assert held.get_one(file).state is FAILED
    held.asked()
    held.clock.move(spared - 1)
    assert held.get_one(file).state is FAILED
    assert held.asked() == []
    held.clock.move(2)
    assert held.get_one(file).state is FETCHED


def test_a_failure_by_a_clock_that_was_ahead_is_not_remembered_until_then(held: Cache) -> None:
    file = held.file()
    held.clock.move(365 * 86400)
    held.jsoc.fault(FaultKind.HTML, when="file")
    held.get_one(file)
    held.clock.move(-365 * 86400)
    assert held.get_one(file).state is FETCHED


# ------------------------------------------------------------------------------ behind its back
def test_an_object_that_somebody_removed_is_fetched_again(held: Cache) -> None:
    file, twin = held.some(2)
    outcome = held.get_one(file)
    held.get_one(twin)
    assert outcome.path is not None
    outcome.path.unlink()
    held.asked()
    assert held.files.held([file]) == {}
    held.assert_is(held.get_one(file))
    assert held.asked() == ["rs_list", "200"]
    assert_sound(held.mirror)


def test_an_object_that_was_cut_is_not_given_but_fetched_again(held: Cache) -> None:
    (file,) = held.some(1)
    outcome = held.get_one(file)
    assert outcome.path is not None
    os.truncate(outcome.path, 100)
    assert held.files.held([file]) == {}
    held.asked()
    held.assert_is(held.get_one(file))
    assert held.asked() == ["rs_list", "200"]
    assert_sound(held.mirror)


def test_bytes_that_go_while_the_same_come_are_there_in_the_end(held: Cache, tmp_path) -> None:
    """The file has come, and is the same object as another, which is removed just then."""
    one, other = held.some(2)
    same = tmp_path / "same.fits"
    same.write_bytes(held.truth(one))
    held.jsoc.serve_file(SERIES, other.recnum, "magnetogram", same)
    sha256 = held.get_one(one).sha256
    catalogue, store = held.mirror.catalogue, held.mirror.objects
    keep = type(catalogue.segments).keep
    went = []

    def keep_late(index, *terms):
        if not went:
            went.append(catalogue.segments.let_go([sha256]))
            store.remove(sha256)
            catalogue.segments.forget([sha256])
        keep(index, *terms)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(catalogue.segments), "keep", keep_late)
        held.assert_is(held.get_one(other))
    assert went == [(sha256,)]
    assert_sound(held.mirror)


def test_bytes_that_are_leaving_when_the_same_come_go_first(held: Cache) -> None:
    """The process that removes them was killed half way."""
    file = held.file()
    sha256 = held.get_one(file).sha256
    held.mirror.catalogue.segments.let_go([sha256])
    held.assert_is(held.get_one(file))
    assert_sound(held.mirror)


def test_a_part_that_a_process_unknown_to_the_catalogue_works_on_is_left_to_it(
    held: Cache,
) -> None:
    one, other = held.some(2)
    with held.mirror.objects.part(one.digest):
        outcomes = held.get(one, other)
    assert outcomes[one].state is FAILED
    assert "a process that the catalogue does not know of" in outcomes[one].message
    assert outcomes[other].state is FETCHED
    assert held.get_one(one).state is FETCHED


def test_all_that_came_before_a_process_died_is_not_asked_for_again(held: Cache) -> None:
    file = held.file()
    content = held.truth(file)
    held.mirror.catalogue.downloads.begin(file.digest, len(content), '"tag"', most_bytes=None)
    with held.mirror.objects.part(file.digest) as part:
        assert part is not None
        part.append(content)
    held.assert_is(held.get_one(file))
    assert held.asked() == ["rs_list"]
    assert_sound(held.mirror)


# ------------------------------------------------------------------------------ together
def test_of_many_threads_one_fetches_and_all_are_given_it(held: Cache) -> None:
    file, arrival, waiting = held.file(), Holding(held.jsoc), set()

    def wait() -> None:
        waiting.add(threading.get_ident())
        if len(waiting) == 3:
            arrival.go_on.set()

    held.while_pausing = wait
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(held.get_one(file))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [outcome.state for outcome in outcomes] == [FETCHED] * 4
    asked = held.asked()
    assert asked.count("200") == 1
    assert asked.count("rs_list") <= 4
    assert_sound(held.mirror)


def test_who_waits_for_one_file_of_others_fetches_its_own_meanwhile(held: Cache) -> None:
    theirs, ours = held.some(2)
    order = []
    with held.mirror.catalogue.leases.holding(f"file {theirs.digest}") as lease:
        coming = held.files.get([theirs, ours])
        order.append(next(coming).file)
        assert lease is not None
    order += [outcome.file for outcome in coming]
    assert order == [ours, theirs]
    assert held.pauses == []


def test_there_is_no_room(held: Cache) -> None:
    small = held.with_settings(segments={"max_gib": 11_000 / 2**30})
    one, *_ = files = held.some(6)
    outcomes = small.get(*files)
    assert {outcome.state for outcome in outcomes.values()} == {FAILED}
    assert "No room for 11,520 bytes: [segments] max_gib is 1.0" in outcomes[one].message
    assert held.asked() == ["rs_list", "200", "200", "200"]
    held.assert_nothing_came()
    assert_sound(held.mirror)
    held.assert_is(held.get_one(one))  # nothing of it is remembered
    with pytest.raises(NoSpaceError):
        small.room.reserve("ab" * 32, 1)


def test_one_that_is_too_large_keeps_no_smaller_one_from_coming(held: Cache, tmp_path) -> None:
    first, large, *others = held.some(5)
    content = tmp_path / "large"
    content.write_bytes(b"x" * 100_000)
    held.jsoc.serve_file(SERIES, large.recnum, "magnetogram", content)
    held.jsoc.name_file(SERIES, large.recnum, "magnetogram", "large.bin")
    small = held.with_settings(segments={"max_gib": 60_000 / 2**30})
    outcomes = small.get(first, large, *others)
    assert "No room for 100,000 bytes" in outcomes.pop(large).message
    for outcome in outcomes.values():
        held.assert_is(outcome)


def test_one_that_others_remove_for_ever_is_the_failure_of_that_file_alone(
    held: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, other = held.some(2)
    keep = SegmentIndex.keep

    def refuse(index: SegmentIndex, file: SegmentFile, *terms: Any) -> None:
        if file == locked:
            raise LockedError("it is just being removed")
        keep(index, file, *terms)

    monkeypatch.setattr(SegmentIndex, "keep", refuse)
    outcomes = held.get(locked, other)
    assert (outcomes[locked].state, outcomes[locked].message) == (
        FAILED,
        "it is just being removed",
    )
    held.assert_is(outcomes[other])
    monkeypatch.undo()
    held.assert_is(held.get_one(locked))  # nothing of it is remembered
