"""What makes a subscription valid, and its canonical form."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drmsmirror.errors import QueryError, RecordSetError
from drmsmirror.model.durations import duration_text, parse_duration
from drmsmirror.model.subscription import Difference, Subscription, difference

WHOLE, PART = Subscription.of("hmi.sharp_720s"), Subscription.of("hmi.sharp_720s[4315]")


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("hmi.sharp_720s", "hmi.sharp_720s"),
        ("  hmi.sharp_720s[][ ]", "hmi.sharp_720s"),
        ("hmi.M_720s[ 2014.07.01_TAI/30d ][]", "hmi.M_720s[2014.07.01_TAI/30d]"),
        ("hmi.sharp_720s[][2014.07.01_TAI/30d]", "hmi.sharp_720s[][2014.07.01_TAI/30d]"),
        ("hmi.M_720s[?QUALITY >= 0?]", "hmi.M_720s[? QUALITY >= 0 ?]"),
        ("test.timekey[#3-#]", "test.timekey[#3-#]"),
    ],
)
def test_a_record_set_is_kept_in_canonical_form(written: str, canonical: str) -> None:
    made = Subscription.of(written)

    assert made.record_set == canonical
    assert Subscription.of(canonical) == made
    assert made.series + made.filters == canonical


def test_segments_may_stand_in_braces() -> None:
    made = Subscription.of("hmi.M_720s[][3]{magnetogram, a}", segments=["b", " a "])

    assert (made.record_set, made.segments) == ("hmi.M_720s[][3]", ("magnetogram", "a", "b"))


@pytest.mark.parametrize(
    ("record_set", "problem", "position"),
    [
        ("hmi.sharp_720s[$]", "no first or last value", 15),
        ("hmi.sharp_720s[4315, ^]", "no first or last value", 21),
        ("hmi.M_720s[#$]", "no first or last value", 11),
        ("hmi.M_720s[:#1-#9]", "no record numbers", 10),
        ("hmi.M_720s[! QUALITY >= 0 !]", "the latest versions", 13),
        ("hmi.M_720s[3],hmi.M_45s", "is one set", 14),
    ],
)
def test_what_cannot_be_kept_is_refused_where_it_stands(
    record_set: str, problem: str, position: int
) -> None:
    with pytest.raises(RecordSetError, match=problem) as caught:
        Subscription.of(record_set)

    assert caught.value.position == position


@pytest.mark.parametrize("schedule", ["0 3 * * *", "*/10 3-5 * * mon-fri", "5 4 1,15 jan-mar *"])
def test_a_schedule_has_the_five_fields_of_cron(schedule: str) -> None:
    assert Subscription.of("hmi.M_720s", schedule=f" {schedule} ").schedule == schedule


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("", "Wrong number of fields"),
        ("0 3 * *", "Wrong number of fields"),
        ("0 25 * * *", "is no schedule"),
        ("at noon on all days", "is no schedule"),
        ("0 3 * * 1", "numbers the days of the week"),
        ("0 3 * * */2", "numbers the days of the week"),
        ("0 3 1 * mon", "name one of the two"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, problem: str) -> None:
    with pytest.raises(QueryError, match=problem):
        Subscription.of("hmi.M_720s", schedule=schedule)


@pytest.mark.parametrize(
    ("terms", "problem"),
    [
        ({"keys": [" ", ""]}, "Name the keywords"),
        ({"lag": timedelta(seconds=-1)}, "below 0"),
        ({"priority": 2**40}, "out of range"),
    ],
)
def test_terms_that_mean_nothing_are_refused(terms: dict[str, object], problem: str) -> None:
    with pytest.raises(QueryError, match=problem):
        Subscription.of("hmi.M_720s", **terms)  # type: ignore[arg-type]


def test_a_difference_says_what_is_to_be_done() -> None:
    changed = Subscription.of("hmi.sharp_720s", priority=1)
    new = Subscription.of("hmi.M_720s")

    assert difference([WHOLE, PART], [new, changed]) == Difference(
        added=(new,), changed=((WHOLE, changed),), removed=(PART,)
    )
    assert not difference([WHOLE, PART], [PART, WHOLE])


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("90m", 5400), ("36h", 129600), ("7d", 604800), ("0s", 0)]
)
def test_a_length_of_time_comes_back_as_it_was_written(text: str, seconds: float) -> None:
    length = parse_duration(text)

    assert length == timedelta(seconds=seconds)
    assert parse_duration(duration_text(length)) == length


def test_a_length_of_time_is_written_in_the_largest_unit() -> None:
    assert [duration_text(parse_duration(text)) for text in ("2w", "120m", "0.5h", "1.5s")] == [
        "14d",
        "2h",
        "30m",
        "1.5s",
    ]


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 days", "1" * 400 + "d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="length of time"):
        parse_duration(text)
