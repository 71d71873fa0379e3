"""From a definition and a record's values to the cards of one of its segments."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from drmsmirror.errors import NotHeldError, QueryError
from drmsmirror.model.codecs import Codec
from drmsmirror.model.fitscards import Card
from drmsmirror.model.series import Keyword, Scope, Segment, SeriesDefinition
from drmsmirror.model.times import parse_time
from drmsmirror.model.types import KeywordType
from drmsmirror.segments.headers import header_columns, segment_cards

T_REC = parse_time("2011.02.15_02:00:00_TAI")
OBSERVED = parse_time("2011-02-15T01:58:12.30Z")

SERIES = SeriesDefinition(
    "test.Sharp",
    keywords=(
        Keyword("cparms_sg000", KeywordType.STRING),
        Keyword("image_bzero", KeywordType.DOUBLE),
        Keyword("HARPNUM", KeywordType.INT, note="HARP number"),
        Keyword("T_REC", KeywordType.TIME, Scope.TS_EQ, units="TAI", note="Slot time"),
        Keyword("T_REC_index", KeywordType.LONGLONG, Scope.INDEX),
        Keyword("T_REC_step", KeywordType.FLOAT, Scope.CONSTANT, "720.0", "secs", "ts_eq step"),
        Keyword(
            "DATE__OBS", KeywordType.TIME, units="ISO", note="[DATE-OBS] DATE_OBS = T_OBS - EXP/2"
        ),
        Keyword("DATE-OBS", KeywordType.TIME, units="ISO", alias_of="DATE__OBS"),
        Keyword("CDELT1", KeywordType.FLOAT, units="arcsec/pixel", note="image scale"),
        Keyword("DSUN_OBS", KeywordType.DOUBLE, units="m", note="Distance"),
        Keyword("QUALITY", KeywordType.INT, units="none", note="Quality index"),
        Keyword("BUNIT", KeywordType.STRING, Scope.SEGMENT, note="Physical Units"),
        Keyword("NAXIS1", KeywordType.INT, note="of the image"),
        Keyword("BSCALE", KeywordType.DOUBLE),
        Keyword("HISTORY", KeywordType.STRING, note="Processing history"),
        Keyword("COMMENT", KeywordType.STRING, Scope.CONSTANT, "about the data"),
    ),
    prime_keys=("HARPNUM", "T_REC"),
    segments=(Segment("image"), Segment("mask")),
)
RECORD: dict[str, str | int | float | None] = {
    "recnum": 9170526,
    "harpnum": 377,
    "t_rec": T_REC,
    "date__obs": OBSERVED,
    "cdelt1": 0.5040420293807983,  # a single
    "dsun_obs": 147746220503.41,
    "quality": 1024,
    "bunit_000": "Mx/cm^2",
    "bunit_001": "",
    "history": "one\ntwo",
}


def cards(**changed: str | int | float | None) -> dict[str, Card]:
    made = segment_cards(SERIES, "image", RECORD | changed)
    return {card.name: card for card in made}


def of(keyword: Keyword, value: str | int | float | None, **more: Codec) -> Card:
    """The card of a keyword that is the only one of its series."""
    series = replace(SERIES, keywords=(keyword,), prime_keys=())
    return segment_cards(series, "image", {keyword.name.lower(): value}, more)[0]


def test_a_record_makes_the_header_that_jsoc_would_send() -> None:
    assert segment_cards(SERIES, "IMAGE", RECORD) == (
        Card("HARPNUM", 377, "HARP number"),
        Card("T_REC", "2011.02.15_02:00:00.000_TAI", "[TAI] Slot time"),
        Card("TRECSTEP", 720.0, "[secs] ts_eq step {T_REC_step}"),
        Card("DATE-OBS", "2011-02-15T01:58:12.300", "[ISO] DATE_OBS = T_OBS {DATE__OBS}"),
        Card("CDELT1", 0.504042029, "[arcsec/pixel] image scale"),
        Card("DSUN_OBS", 147746220503.41, "[m] Distance"),
        Card("QUALITY", 1024, "Quality index"),
        Card("BUNIT", "Mx/cm^2", "Physical Units {BUNIT_000}"),
        Card("HISTORY", "one\ntwo"),
        Card("COMMENT", "about the data"),
        Card("RECNUM", 9170526, "Recnum"),
        Card("DRMS_ID", "test.Sharp:9170526:image", "DRMS ID"),
        Card("PRIMARYK", "HARPNUM, T_REC", "DRMS primary key"),
        Card("LONGSTRN", "OGIP 1.0", "The HEASARC Long String Convention may be used."),
    )


def test_each_segment_has_its_own_values() -> None:
    bunit = {card.name: card for card in segment_cards(SERIES, "mask", RECORD)}["BUNIT"]
    assert bunit == Card("BUNIT", None, "(MISSING) Physical Units {BUNIT_001}")


@pytest.mark.parametrize(
    ("changed", "name", "comment"),
    [
        ({"quality": -(2**31)}, "QUALITY", "(MISSING) Quality index"),
        ({"cdelt1": math.nan}, "CDELT1", "[arcsec/pixel] (MISSING) image scale"),
        ({"cdelt1": math.inf}, "CDELT1", "[arcsec/pixel] (+INFINITY) image scale"),
        ({"dsun_obs": -math.inf}, "DSUN_OBS", "[m] (-INFINITY) Distance"),
        ({"t_rec": -211087684832.184}, "T_REC", "[TAI] (MISSING) Slot time"),
        ({"t_rec": math.nan}, "T_REC", "[TAI] (MISSING) Slot time"),
        ({"harpnum": None}, "HARPNUM", "(MISSING) HARP number"),
    ],
)
def test_what_has_no_value_says_so(
    changed: dict[str, float | None], name: str, comment: str
) -> None:
    assert cards(**changed)[name] == Card(name, None, comment)


def test_remarks_that_are_empty_are_left_out() -> None:
    assert "HISTORY" not in cards(history="")


def test_a_record_without_a_number_says_only_by_what_it_is_known() -> None:
    made = cards(recnum=None)
    assert not {"RECNUM", "DRMS_ID"} & made.keys()
    assert made["PRIMARYK"].value == "HARPNUM, T_REC"


def test_the_columns_that_are_needed_are_those_that_are_asked_for() -> None:
    needed = header_columns(SERIES, "mask")
    assert needed == (
        *("harpnum", "t_rec", "date__obs", "cdelt1", "dsun_obs", "quality", "bunit_001"),
        "history",
    )
    assert segment_cards(SERIES, "mask", {name: RECORD[name] for name in needed})


def test_a_record_that_is_held_in_part_makes_no_header() -> None:
    part = {name: value for name, value in RECORD.items() if name not in ("quality", "cdelt1")}
    with pytest.raises(NotHeldError, match=r"without CDELT1, QUALITY; sync the series"):
        segment_cards(SERIES, "image", part)


def test_a_segment_must_be_one_of_the_series() -> None:
    with pytest.raises(QueryError, match="no segment 'magnetogram'; its segments: image, mask"):
        segment_cards(SERIES, "magnetogram", RECORD)


@pytest.mark.parametrize(
    ("cast", "type_", "value", "expected"),
    [
        ("integer", KeywordType.DOUBLE, 3.7, 3),
        ("float", KeywordType.INT, 3, 3.0),
        ("logical", KeywordType.INT, 2, True),
        ("logical", KeywordType.CHAR, 0, False),
        ("string", KeywordType.INT, 255, "255"),
        ("integer", KeywordType.STRING, "three", "three"),  # not to be had: as it is
    ],
)
def test_a_description_can_ask_for_another_type(
    cast: str, type_: KeywordType, value: str | float, expected: object
) -> None:
    card = of(Keyword("Camera_Number", type_, note=f"[CAM:{cast}] Camera"), value)
    assert card == Card("CAM", expected, "Camera {Camera_Number}")
    assert type(card.value) is type(expected)


def test_a_number_that_is_to_be_a_text_prints_as_the_keyword_does() -> None:
    keyword = Keyword("FLAGS", KeywordType.INT, note="[FLAGS:string] bits")
    assert of(keyword, 255, FLAGS=Codec(KeywordType.INT, "0x%08X")).value == "0x000000FF"
    assert of(replace(keyword, format="%05d"), 255).value == "00255"


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("off-disk pixels", "off"),
        ("Apparent semi - diameter", "Apparent semi"),
        ("from 1--2 pixels", "from 1-2 pixels"),
    ],
)
def test_a_note_ends_at_its_first_hyphen(note: str, expected: str) -> None:
    assert of(Keyword("X", KeywordType.INT, note=note), 1).comment == expected


@pytest.mark.parametrize(
    ("units", "value", "expected"),
    [
        ("none", T_REC, Card("X", "2011.02.15_01:59:26.000_UTC", "[UTC]")),
        ("Z", OBSERVED, Card("X", "2011.02.15_01:58:12.300", "[Z]")),
        ("60 s", 90.0, Card("X", "1.5", "[60 s]")),
    ],
)
def test_times_print_in_their_zone_with_three_decimals(
    units: str, value: float, expected: Card
) -> None:
    assert of(Keyword("X", KeywordType.TIME, units=units), value) == expected


def test_a_constant_can_be_of_any_type() -> None:
    constants = {
        KeywordType.INT: ("0x00000010", 16),
        KeywordType.DOUBLE: ("149597870691", 149597870691.0),
        KeywordType.FLOAT: ("nan", None),
        KeywordType.TIME: ("1993.01.01_00:00:00_TAI", "1993.01.01_00:00:00.000_TAI"),
        KeywordType.STRING: ("SDO/HMI", "SDO/HMI"),
    }
    for type_, (text, expected) in constants.items():
        keyword = Keyword("X", type_, Scope.CONSTANT, text, units="TAI")
        assert of(keyword, None).value == expected, type_
