"""Names of segment files: readable, as JSOC gives them, and never more than a name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drmsmirror.errors import QueryError, TimeTextError, UnknownKeywordError
from drmsmirror.model.filenames import (
    NamedFile,
    default_template,
    export_name,
    find_clashes,
    tree_path,
    usual_name,
)
from drmsmirror.model.series import Keyword, Scope, Segment, SeriesDefinition
from drmsmirror.model.types import KeywordType

SHARP = SeriesDefinition(
    "hmi.Sharp_cea_720s",
    keywords=(
        Keyword("HARPNUM", KeywordType.INT),
        Keyword("T_REC", KeywordType.TIME, Scope.TS_EQ, units="TAI"),
        Keyword("T_OBS", KeywordType.TIME, units="UTC", format="3"),
        Keyword("CRVAL1", KeywordType.DOUBLE),
        Keyword("NOAA_ARS", KeywordType.STRING),
        Keyword("TELESCOP", KeywordType.STRING, Scope.CONSTANT, default="SDO/HMI"),
    ),
    prime_keys=("HARPNUM", "T_REC"),
    segments=(Segment("Br", protocol="fits"), Segment("log", protocol="generic")),
)
VALUES = {
    "HARPNUM": "377",
    "T_REC": "2011.02.15_02:00:00_TAI",
    "T_OBS": "2011.02.15_01:59:24.123_UTC",
    "CRVAL1": "-12.5",
    "NOAA_ARS": "11158, 11157",
}
BR = NamedFile(SHARP, "Br", VALUES, 1_234_567, "Br.fits")

NAMED = SeriesDefinition(
    "test.named",
    keywords=(Keyword("NAME", KeywordType.STRING),),
    prime_keys=("NAME",),
    segments=(Segment("data"), Segment("b"), Segment("B")),
)


def named(name: str, segment: str = "data") -> PurePosixPath:
    return tree_path(NamedFile(NAMED, segment, {"NAME": name}))


def test_the_tree_is_readable() -> None:
    assert str(tree_path(BR)) == "hmi.Sharp_cea_720s/377/20110215_020000_TAI/Br.fits"


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("2011.02.15_02:00:00.25_TAI", "20110215_020000.25_TAI"),
        ("2011.02.15_02:00_UTC", "20110215_0200_UTC"),
        ("2011-02-15T02:00:00Z", "20110215_020000_UTC"),
        ("-4712.01.01_11:59:28_TAI", "-47120101_115928_TAI"),
        ("2455607.5", "2455607.5"),
    ],
)
def test_times_are_shown_without_dots_and_colons(printed: str, shown: str) -> None:
    path = tree_path(replace(BR, values=VALUES | {"T_REC": printed}))
    assert path.parts[2] == shown


@pytest.mark.parametrize(
    ("segment", "stored", "name"),
    [
        ("Br", "", "Br.fits"),
        ("Br", "Br.fits.gz", "Br.gz"),
        ("log", "", "log"),
        ("log", "run.txt", "log.txt"),
        ("log", "noextension", "log"),
    ],
)
def test_a_segment_keeps_the_extension_of_its_file(segment: str, stored: str, name: str) -> None:
    assert tree_path(replace(BR, segment=segment, stored_name=stored)).name == name


@pytest.mark.parametrize(
    ("protocol", "name"),
    [
        ("generic", "rot.2d"),
        ("FITZ", "rot.2d.fits"),
        ("fitzdep", "rot.2d.fitz"),
        ("bin", "rot.2d.bin"),
    ],
)
def test_the_usual_name_of_a_file_has_the_extension_of_its_protocol(
    protocol: str, name: str
) -> None:
    assert usual_name(Segment("rot.2d", protocol=protocol)) == name


def test_a_record_without_prime_keys_is_named_by_its_number() -> None:
    loose = replace(SHARP, prime_keys=())
    assert tree_path(replace(BR, definition=loose)).parts[1] == "1234567"
    with pytest.raises(QueryError, match="no record number"):
        tree_path(replace(BR, definition=loose, recnum=None))


def test_a_value_that_was_not_asked_for_is_named() -> None:
    with pytest.raises(QueryError, match="HARPNUM"):
        tree_path(replace(BR, values={}))


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../../etc/passwd", "a/b", "/", "\x00", "a\nb", "é", "a:b", "-rf", ".ssh"],
)
def test_what_could_be_more_than_a_name_is_made_one(name: str) -> None:
    part = named(name).parts[1]
    assert "~" in part
    assert not part.startswith((".", "-"))
    assert len(named(name).parts) == 3


@given(st.text(), st.text())
def test_no_value_leaves_its_place_or_takes_that_of_another(one: str, other: str) -> None:
    for name in (one, other):
        path = named(name)
        assert len(path.parts) == 3
        assert ".." not in path.parts
        assert all(0 < len(part.encode()) <= 200 and part.isprintable() for part in path.parts)
    assert (named(one) == named(other)) == (one == other)


@given(st.text(), st.text(), st.text())
def test_no_export_leaves_its_place(template: str, value: str, stored: str) -> None:
    file = NamedFile(NAMED, "data", {"NAME": value}, 1, stored)
    try:
        name = export_name(file, template + "{NAME}{segment}")
    except QueryError:
        return
    assert PurePosixPath(name).parts == (name,)
    assert name not in ("", ".", "..")
    assert len(name.encode()) <= 200


def test_long_values_stay_apart() -> None:
    one, other = (named("x" * 400 + end).parts[1] for end in "ab")
    assert one != other
    assert len(one) == len(other) == 200


def test_what_differs_by_case_only_is_told_apart_or_found() -> None:
    assert str(named("x", "b")).casefold() != str(named("x", "B")).casefold()
    paths = [named("x"), named("X"), named("y"), named("x")]
    assert find_clashes(paths) == [[paths[0], paths[1], paths[3]]]


def test_the_stock_clients_template_and_names() -> None:
    template = default_template(SHARP)
    assert template == "hmi.sharp_cea_720s.{HARPNUM}.{T_REC:A}.{segment}"
    assert export_name(BR, template) == "hmi.sharp_cea_720s.377.20110215_020000_TAI.Br.fits"
    loose = replace(SHARP, prime_keys=())
    assert default_template(loose) == "hmi.sharp_cea_720s.{recnum:%lld}.{segment}"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{seriesname}.{recnum:%lld}.{segment}", "hmi.Sharp_cea_720s.1234567.Br.fits"),
        ("{recnum:%010d}", "0001234567.fits"),
        ("{#}-{#:%02d}", "00007-07.fits"),
        ("{T_REC}", "2011.02.15_02:00:00_TAI.fits"),
        ("{t_rec:A}", "20110215_020000_TAI.fits"),
        ("{T_OBS:A}", "20110215_015924_UTC.fits"),
        ("{T_OBS:A2}", "20110215_01592412_UTC.fits"),
        ("{T_OBS:A,TAI}", "20110215_015958_TAI.fits"),
        ("{T_REC:D}", "@2011@02@15@020000_TAI.fits"),
        ("{T_REC:0,UTC}", "2011.02.15_01:59:26_UTC.fits"),
        ("{T_REC:A-3}", "20110215_TAI.fits"),
        ("{HARPNUM:%06d}", "000377.fits"),
        ("{HARPNUM:%x}", "179.fits"),
        ("{CRVAL1:%.3f}", "-12.500.fits"),
        ("{CRVAL1:%d}.x", "-12.x.fits"),
        ("{NOAA_ARS}", "11158,11157.fits"),
        ("a b{}c", "abc.fits"),
    ],
)
def test_tokens_print_as_those_of_jsoc(template: str, name: str) -> None:
    assert export_name(BR, template, number=7) == name


def test_a_value_that_is_missing_prints_as_it_is() -> None:
    file = replace(BR, values=VALUES | {"HARPNUM": "MISSING", "T_OBS": "MISSING"})
    assert export_name(file, "{HARPNUM:%04d}.{T_OBS:A}") == "MISSING.MISSING.fits"


def test_a_template_that_is_wrong_is_refused() -> None:
    with pytest.raises(UnknownKeywordError, match="NOSUCH"):
        export_name(BR, "{NOSUCH}")
    with pytest.raises(QueryError, match="brace"):
        export_name(BR, "{T_REC")
    with pytest.raises(TimeTextError):
        export_name(BR, "{T_REC:A,XYZZY}")


def test_a_separator_in_an_exports_name_is_none() -> None:
    assert "/" not in export_name(BR, "../../{TELESCOP}/{segment}")
    assert export_name(BR, "{TELESCOP}") != export_name(BR, "SDO_HMI")
