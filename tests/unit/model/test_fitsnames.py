"""What DRMS keywords are called in FITS headers."""

from __future__ import annotations

import pytest

from drmsmirror.model.fitsnames import (
    Cast,
    Description,
    distinct_names,
    fits_name,
    is_structural,
    read_description,
)


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("T_REC", "", "T_REC"),
        ("Quality", "", "QUALITY"),
        ("T_REC_epoch", "", "TRECEPOC"),
        ("T_REC_step", "", "TRECSTEP"),
        ("LAT_FWTPOS", "", "LATFWTPO"),
        ("RequestID", "", "REQUESTI"),
        ("DATE__OBS", "DATE-OBS", "DATE-OBS"),
        ("DATE__OBS", "", "DATE-OBS"),
        ("A__B", "", "A__B"),  # legal as it is
        ("INVKEYD1", "USFLUXL", "USFLUXL"),
        ("TEMPERATURE", "temp", "TEMPERAT"),  # a declared name that is not legal
        ("PRESSURE", "PRESSURES", "PRESSURE"),
        ("COMMENT_____", "", "_COMMENT"),  # made of letters, and then a name with a meaning
        ("N_A_X_I_S_1", "", "_NAXIS1"),
    ],
)
def test_names_follow_the_rules_of_the_export(name: str, declared: str, expected: str) -> None:
    assert fits_name(name, declared) == expected


def test_the_number_of_a_segment_goes_only_where_the_name_is_too_long_with_it() -> None:
    assert fits_name("BUNIT_000", stem="BUNIT") == "BUNIT"
    assert fits_name("RMS_001", stem="RMS") == "RMS_001"


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("[DATE-OBS] DATE_OBS = T_OBS", Description("DATE_OBS = T_OBS", "DATE-OBS")),
        ("[CAM:string] Camera", Description("Camera", "CAM", Cast.STRING)),
        ("[CAM:INTEGER]", Description("", "CAM", Cast.INTEGER)),
        ("[CAM:colour] Camera", Description("Camera")),
        ("[two words] of it", Description("[two words] of it")),
        ("[X]immediately", Description("[X]immediately")),
        ("Slot time [TAI]", Description("Slot time [TAI]")),
        ("", Description("")),
    ],
)
def test_a_description_can_begin_with_a_name_and_a_type(note: str, expected: Description) -> None:
    assert read_description(note) == expected


def test_a_keyword_that_is_spelled_so_keeps_a_name_that_two_have() -> None:
    wanted = [("LAT_FWTPOS", "LATFWTPO"), ("LAT_FWTPOX", "LATFWTPO"), ("LATFWTPO", "LATFWTPO")]
    assert distinct_names(wanted) == ["LATFWTP2", "LATFWTP3", "LATFWTPO"]


def test_else_the_first_keeps_it() -> None:
    assert distinct_names([("A_B", "AB"), ("A_b", "AB"), ("AB2", "AB2")]) == ["AB", "AB3", "AB2"]


def test_no_keyword_takes_the_place_of_what_says_which_record_it_is() -> None:
    assert distinct_names([("recnum", "RECNUM"), ("X", "X")]) == ["RECNUM2", "X"]


def test_remarks_may_be_many() -> None:
    assert distinct_names([("HISTORY", "HISTORY"), ("his_tory", "HISTORY")]) == ["HISTORY"] * 2


@pytest.mark.parametrize("name", ["NAXIS", "NAXIS2", "BZERO", "ZCMPTYPE", "TFORM1", "CHECKSUM"])
def test_what_says_how_the_image_is_stored_is_structure(name: str) -> None:
    assert is_structural(name)


@pytest.mark.parametrize("name", ["BUNIT", "CRPIX1", "NAXISX", "T_OBS", "DATE", "ZONE", "TFORM"])
def test_what_says_something_of_the_record_is_not(name: str) -> None:
    assert not is_structural(name)
