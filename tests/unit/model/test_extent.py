"""What a set asks for along the axis, and whether what is held answers it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drmsmirror.model.coverage import CoverageEntry, Versions, look_up
from drmsmirror.model.extent import Extent, Restriction, extent_of
from drmsmirror.model.intervals import EVERYTHING, Interval
from drmsmirror.model.recordset import BoundSet, Span, bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import definition_from_struct
from drmsmirror.model.valuesets import ValueSet

VECTORS = Path(__file__).parents[2] / "vectors" / "series"


def _definition(name: str) -> SeriesDefinition:
    return definition_from_struct(name, json.loads((VECTORS / f"{name}.json").read_bytes()))


def _bound(query: str) -> BoundSet:
    return bind(parse_recordset(query), _definition).sets[0]


def _held(query: str, columns: frozenset[str] | None = None) -> list[CoverageEntry]:
    """Coverage as a sync of the query would record it."""
    wanted = _bound(query)
    return [
        CoverageEntry(
            piece.interval,
            piece.restriction,
            columns or frozenset(column.name for column in wanted.series.columns),
            Versions.LATEST,
            0,
            1,
            datetime(2026, 11, 1, tzinfo=UTC),
        )
        for piece in extent_of(wanted)
    ]


def _missing(asked: str, *held: str) -> list[tuple[Interval, str]]:
    """What is not held of a question, after syncs."""
    entries = [entry for one in held for entry in _held(one)]
    found = look_up(extent_of(_bound(asked)), entries).missing
    return [(extent.interval, extent.restriction.words) for extent in found]


def test_a_bare_series_is_everything() -> None:
    (piece,) = extent_of(_bound("hmi.sharp_720s"))

    assert piece.interval == EVERYTHING
    assert piece.restriction.text == ""


def test_a_time_is_an_interval_of_slots_and_another_key_a_restriction() -> None:
    (piece,) = extent_of(_bound("hmi.sharp_720s[377][2011.02.15_TAI/1d]"))

    assert piece.interval == Interval(794280, 794400)
    assert piece.restriction.words == "harpnum 377"


def test_a_list_of_times_is_several_pieces() -> None:
    pieces = extent_of(_bound("hmi.M_45s[2010.05.01_TAI,2010.05.02_TAI/1h]"))

    assert [piece.interval for piece in pieces] == [
        Interval(12151680, 12151681),
        Interval(12153600, 12153680),
    ]


def test_a_step_is_a_cadence_of_slots() -> None:
    (piece,) = extent_of(_bound("hmi.M_45s[2010.05.01_TAI/1d@1h]"))

    assert piece.restriction.cadence == (0, 80)


def test_a_restriction_survives_its_text() -> None:
    (piece,) = extent_of(_bound("hmi.sharp_720s[377,380-390][2011.02.15_TAI/1d@2h]"))

    again = Restriction.parse(piece.restriction.text)

    assert again == piece.restriction
    assert Restriction.parse("") == Restriction()


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("hmi.sharp_720s", "hmi.sharp_720s[377][2011.02.15_TAI/1d]"),
        ("hmi.sharp_720s[377]", "hmi.sharp_720s[377][2011.02.15_TAI/1d]"),
        ("hmi.sharp_720s[370-380]", "hmi.sharp_720s[377]"),
        ("hmi.sharp_720s[370-380]", "hmi.sharp_720s[371,375-380]"),
        ("hmi.M_45s[2010.05.01_TAI/1d]", "hmi.M_45s[2010.05.01_TAI/1h@6h]"),
        ("hmi.M_45s[2010.05.01_TAI/1d@1h]", "hmi.M_45s[2010.05.01_TAI/1d@2h]"),
        ("test.timekey", "test.timekey[2010.05.01_TAI]"),
        ("test.strfsn[abc]", "test.strfsn[abc][5]"),
    ],
)
def test_a_question_inside_what_is_held_needs_nothing_more(held: str, asked: str) -> None:
    assert _missing(asked, held) == []


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("hmi.sharp_720s[377]", "hmi.sharp_720s"),
        ("hmi.sharp_720s[377]", "hmi.sharp_720s[378]"),
        ("hmi.sharp_720s[377]", "hmi.sharp_720s[377,378]"),
        ("hmi.sharp_720s[370-380]", "hmi.sharp_720s[375-381]"),
        ("hmi.M_45s[2010.05.01_TAI/1d@2h]", "hmi.M_45s[2010.05.01_TAI/1d@1h]"),
        ("hmi.M_45s[2010.05.01_TAI/1d@1h]", "hmi.M_45s[2010.05.01_00:30_TAI/1d@1h]"),
    ],
)
def test_a_question_that_reaches_outside_is_not_covered(held: str, asked: str) -> None:
    assert _missing(asked, held)


def test_what_is_missing_is_told_as_parts_of_the_axis() -> None:
    held = "hmi.M_45s[2010.05.01_06:00_TAI/6h]"

    assert _missing("hmi.M_45s[2010.05.01_TAI/1d]", held) == [
        (Interval(12151680, 12152160), ""),
        (Interval(12152640, 12153600), ""),
    ]
    assert _missing("hmi.M_45s", held)[0][0].low == -math.inf


def test_what_is_missing_is_told_by_values_of_other_keys() -> None:
    held = ("hmi.sharp_720s[377]", "hmi.sharp_720s[4315]")

    assert _missing("hmi.sharp_720s[377,4315]", *held) == []
    assert _missing("hmi.sharp_720s[377,4316]", *held) == [(EVERYTHING, "harpnum 4316")]
    assert _missing("hmi.sharp_720s[370-380]", *held) == [
        (EVERYTHING, "harpnum 370 to 376, 378 to 380")
    ]
    assert _missing("hmi.sharp_720s", *held) == [
        (EVERYTHING, "harpnum up to 376, 378 to 4314, from 4316")
    ]


def test_what_is_missing_is_told_by_values_and_axis() -> None:
    missing = _missing(
        "hmi.sharp_720s[377,378][2011.02.15_TAI/1d]", "hmi.sharp_720s[377][2011.02.15_TAI/12h]"
    )

    assert missing == [
        (Interval(794280, 794340), "harpnum 378"),
        (Interval(794340, 794400), "harpnum 377 to 378"),
    ]


@pytest.mark.parametrize(
    ("held", "asked", "is_held"),
    [
        ("[? QUALITY >= 0 ?]", "[377][? QUALITY >= 0 ?]", True),
        ("[? QUALITY >= 0 ?]", "[? quality>=0 AND USFLUX > 1e22 ?]", True),
        ("[? QUALITY >= 0 ?]", "[? USFLUX > 1e22 ?][? QUALITY >= 0 ?]", True),
        ("[? QUALITY >= 0 AND USFLUX > 1 ?]", "[? QUALITY >= 0 ?]", False),
        ("[? QUALITY >= 0 ?]", "[? QUALITY >= 0 OR USFLUX > 1 ?]", False),
        ("[? QUALITY >= 0 ?]", "[? QUALITY >= 1 ?]", False),
        ("[? QUALITY >= 0 ?]", "[377]", False),
    ],
)
def test_a_condition_must_be_among_those_of_the_question(held, asked, is_held) -> None:
    assert (_missing(f"hmi.sharp_720s{asked}", f"hmi.sharp_720s{held}") == []) is is_held


def test_of_what_was_read_twice_the_latest_reading_counts() -> None:
    (before,) = _held("hmi.sharp_720s")
    (later,) = (replace(entry, as_of_recnum=2) for entry in _held("hmi.sharp_720s[377]"))

    one, other = (_bound(f"hmi.sharp_720s[{harp}]") for harp in (377, 378))

    assert look_up(extent_of(one), [before, later]).used == (later,)
    assert look_up(extent_of(other), [before, later]).used == (before,)


def test_a_slot_by_itself_lies_on_a_cadence_that_meets_it() -> None:
    held = "hmi.M_45s[2010.05.01_TAI/1d@1h]"

    assert _missing("hmi.M_45s[2010.05.01_01:00_TAI]", held) == []
    assert _missing("hmi.M_45s[2010.05.01_01:00:45_TAI]", held) != []


def test_a_part_between_the_slots_of_a_cadence_is_not_missing() -> None:
    held = ("hmi.M_45s[2010.05.01_TAI/1h@1h]", "hmi.M_45s[2010.05.01_01:00_TAI/1h@1h]")
    (asked,) = extent_of(_bound("hmi.M_45s[2010.05.01_TAI/2h@1h]"))

    assert _missing("hmi.M_45s[2010.05.01_TAI/2h@1h]", *held) == []
    assert not replace(asked, interval=Interval(asked.interval.low + 1, asked.interval.low + 80))


def test_an_extent_without_values_is_empty() -> None:
    assert extent_of(_bound("hmi.sharp_720s[HARPNUM=377][HARPNUM=378]")) == ()
    assert not Extent(Interval(3, 3))


@pytest.mark.parametrize(
    ("stepped", "whole"),
    [
        ("test.timekey[2010.05.01_TAI/1h@200s]", "test.timekey[2010.05.01_TAI/1h]"),
        ("hmi.sharp_720s[3-99999@2]", "hmi.sharp_720s[3-99999]"),
        (
            "hmi.M_45s[2010.05.01_TAI/1h][T_REC_index=#12151680-#12151999@2]",
            "hmi.M_45s[2010.05.01_TAI/1h]",
        ),
    ],
)
def test_what_every_other_step_holds_is_not_the_whole(stepped: str, whole: str) -> None:
    assert _missing(whole, stepped)
    assert not _missing(stepped, stepped)
    assert not _missing(stepped, whole)
    (entry,) = _held(stepped)
    assert Restriction.parse(entry.restriction.text) == entry.restriction


@pytest.mark.parametrize("value", ["b", 2.5, 377])
def test_what_is_left_beside_one_value_can_be_written_down(value: str | float) -> None:
    """Of what is held a value is dropped: the rest begins after it, which no span says."""
    one = ValueSet.of([Span(value, value, True)])
    left = Restriction().where("key", ValueSet() - one)

    assert Restriction.parse(left.text) == left
    assert not left.of("key") & one
    assert (left.of("key") | one).is_everything
