"""What a set asks for along the axis, and whether what is held answers it."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drmsmirror.model.coverage import EVERYTHING, CoverageEntry, Interval, Versions
from drmsmirror.model.extent import Restriction, extent_of, parts_not_held
from drmsmirror.model.recordset import BoundSet, bind, parse_recordset
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.struct import definition_from_struct

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
            piece.restriction.text,
            columns or frozenset(column.name for column in wanted.series.columns),
            Versions.LATEST,
            0,
            1,
            datetime(2026, 11, 1, tzinfo=UTC),
        )
        for piece in extent_of(wanted)
    ]


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
    assert parts_not_held(_bound(asked), _held(held), ()) == ()


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("hmi.sharp_720s[377]", "hmi.sharp_720s"),
        ("hmi.sharp_720s[377]", "hmi.sharp_720s[378]"),
        ("hmi.sharp_720s[377]", "hmi.sharp_720s[377,378]"),
        ("hmi.sharp_720s[370-380]", "hmi.sharp_720s[375-381]"),
        ("hmi.M_45s[2010.05.01_TAI/1d@2h]", "hmi.M_45s[2010.05.01_TAI/1d@1h]"),
        ("hmi.M_45s[2010.05.01_TAI/1d@1h]", "hmi.M_45s[2010.05.01_00:30_TAI/1d@1h]"),
        ("hmi.M_45s[2010.05.01_TAI/1d@1h]", "hmi.M_45s[2010.05.01_TAI]"),
    ],
)
def test_a_question_that_reaches_outside_is_not_covered(held: str, asked: str) -> None:
    assert parts_not_held(_bound(asked), _held(held), ())


def test_what_is_missing_is_told_as_parts_of_the_axis() -> None:
    held = _held("hmi.M_45s[2010.05.01_06:00_TAI/6h]")

    assert parts_not_held(_bound("hmi.M_45s[2010.05.01_TAI/1d]"), held, ()) == (
        Interval(12151680, 12152160),
        Interval(12152640, 12153600),
    )
    assert parts_not_held(_bound("hmi.M_45s"), held, ())[0].low == -math.inf


def test_a_keyword_that_was_never_fetched_is_not_a_missing_value() -> None:
    held = _held("hmi.M_45s", frozenset({"t_rec", "t_rec_index", "camera"}))
    asked = _bound("hmi.M_45s[2010.05.01_TAI]")

    assert parts_not_held(asked, held, ["camera"]) == ()
    assert parts_not_held(asked, held, ["quality"]) != ()
