"""Cards as they stand in a file: exact where known, and read back by two readers otherwise."""

from __future__ import annotations

import math
import struct

import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from drmsmirror.model.fitscards import CARD, Card, plain_text
from tests.fitscards import read_cards

WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300)


def image(card: Card) -> str:
    (only,) = card.images()
    return only.rstrip()


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        # cards that JSOC wrote
        (
            Card("TRECUNIT", "secs", "ts_eq unit {T_REC_unit}"),
            "TRECUNIT= 'secs    '           / ts_eq unit {T_REC_unit}",
        ),
        (
            Card("ARM_MODL", "/builtin/mdi.fd_M180_II_96m.production", "ARmask parameter: Classif"),
            "ARM_MODL= '/builtin/mdi.fd_M180_II_96m.production' / ARmask parameter: Classif",
        ),
        (Card("QUALITY", 512, "Status"), "QUALITY =                  512 / Status"),
        (Card("TRECSTEP", 5760.0, "[s]"), "TRECSTEP=                5760. / [s]"),
        (Card("GWILL", None, "[Mm] (MISSING)"), "GWILL   =                      / [Mm] (MISSING)"),
        (
            Card("OBS_VR", -127.6232926053, "[m/s] velocity of the observer in radial direction."),
            "OBS_VR  =      -127.6232926053 / [m/s] velocity of the observer in radial direct",
        ),
        (Card("COMMENT", "Data from"), "COMMENT Data from"),
        # others
        (Card("SIMPLE", True, "yes"), "SIMPLE  =                    T / yes"),
        (Card("NAME", "O'Neil"), "NAME    = 'O''Neil '"),
        (Card("BLANKS", " "), "BLANKS  = '        '"),
        (Card("TINY", 5e-324), "TINY    =             5.0E-324"),
        (Card("LARGE", 1.5e22), "LARGE   =              1.5E+22"),
        (Card("MINUS", -0.0), "MINUS   =                  -0."),
        (
            Card("EXACT", -0.00027887361124157906, "of 22 characters"),
            "EXACT   = -0.00027887361124157906 / of 22 characters",
        ),
    ],
)
def test_cards_are_laid_out_as_by_cfitsio(card: Card, expected: str) -> None:
    assert image(card) == expected


def test_a_long_text_goes_on_where_jsoc_lets_it_go_on() -> None:
    run = "hmi.Marmask_720s[2024.07.09_00:12:00_TAI-2024.07.10_00:00:37_TAI]{mask}"
    first, second = Card("TKP_RUNN", run, "Tracker information: Run name").images()
    assert first == (
        "TKP_RUNN= 'hmi.Marmask_720s[2024.07.09_00:12:00_TAI-2024.07.10_00:00:37_TAI]{m&'"
    )
    assert second.rstrip() == "CONTINUE  'ask}    '           / Tracker information: Run name"


@pytest.mark.parametrize("length", [67, 68, 69, 134, 135, 136, 300])
@pytest.mark.parametrize("letter", ["x", "'", "&"])
def test_texts_of_every_length_are_read_back(length: int, letter: str) -> None:
    text = letter * length
    images = list(Card("TEXT", text, "a text").images())
    assert read_cards(images)[0].value == text
    assert {len(one) for one in images} == {CARD}
    if letter != "&":  # Astropy takes an ampersand at the very end for one that goes on
        assert fits.Header.fromstring("".join(images))["TEXT"] == text


@given(WORDS)
def test_any_text_is_read_back(text: str) -> None:
    images = list(Card("TEXT", text, "a text").images())
    wanted = text.rstrip() or " "
    assert read_cards(images)[0].value == wanted
    if not wanted.endswith("&"):  # Astropy takes that for one that goes on
        header = fits.Header.fromstring("".join(images))
        header.cards["TEXT"].verify("exception")
        assert str(header["TEXT"]).rstrip() == wanted.rstrip()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_double_is_read_back_bit_by_bit(value: float) -> None:
    images = list(Card("VALUE", value, "a number").images())
    read = read_cards(images)[0].value
    assert isinstance(read, float)
    assert struct.pack("d", read) == struct.pack("d", value)
    assert fits.Card.fromstring(images[0]).value == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_whole_number_is_read_back(value: int) -> None:
    assert read_cards(list(Card("VALUE", value).images()))[0].value == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_fits_has_no_number_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="cannot stand in a FITS header"):
        list(Card("VALUE", value).images())


def test_remarks_keep_their_lines_and_go_on_where_they_are_long() -> None:
    images = list(Card("HISTORY", "first\n\n" + "x" * 80 + "\n").images())
    assert [one.rstrip() for one in images] == [
        "HISTORY first",
        "HISTORY",
        "HISTORY " + "x" * 72,
        "HISTORY " + "x" * 8,
    ]


def test_a_remark_that_says_nothing_is_none() -> None:
    assert list(Card("HISTORY", "").images()) == []
    assert list(Card("COMMENT", None).images()) == []


def test_what_fits_has_no_character_for_is_a_question_mark() -> None:
    assert plain_text("5 \u03bcm\nin\tall") == "5 ?m in all"
    assert image(Card("NAME", "\u03bc", "\u00b5m")) == "NAME    = '?       '           / ?m"
