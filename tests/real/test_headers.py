"""Headers that JSOC's export wrote, made again from the keywords alone and compared card by card.

From each real header the definition of its series and the values of its record are read back: DRMS
names, units and notes from the recorded lists, values from the cards. What a file needs besides
them, its as-is form, is the same file stripped of all but its structure. Every card that comes out
otherwise than JSOC wrote it is listed here, with the reason.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drmsmirror.model.fitscards import Card
from drmsmirror.model.fitsnames import is_structural
from drmsmirror.model.series import Keyword, Scope, Segment, SeriesDefinition
from drmsmirror.model.struct import definition_from_struct
from drmsmirror.model.times import parse_time
from drmsmirror.model.types import KeywordType
from drmsmirror.segments.fits import write_fits
from drmsmirror.segments.headers import header_columns, segment_cards
from tests.fitscards import Read, image_hdu, read_cards, verify

SMARP = "mdi.smarp_cea_96m.13520.20100714_124800_TAI"
SHARP = "hmi.sharp_cea_720s.377.20110215_020000_TAI"

#: Cards of every export since 2021 that are not made: a sum over JSOC's own text of the header, and
#: (since 2024) a licence that DRMS does not keep with the record, name and value exchanged.
NOT_MADE = {"HEADSUM": "absent", "LICENSE": "absent"}

#: Written by the export since 2021, and by us; not yet in the files of 2015.
SINCE_2021 = {"DRMS_ID": "added", "PRIMARYK": "added", "LONGSTRN": "added"}

#: Not legal FITS in 2015 (``R_VALUE = nan``); newer exports and we write no value.
NAN_2015 = dict.fromkeys(("R_VALUE", "GWILL", "CRDER1", "CRDER2", "CSYSER1", "CSYSER2"), "value")

#: Empty texts are missing values of DRMS; newer exports and we write no value.
EMPTY_2015 = {"INVDOCU": "value", "AMBDOCU": "value"}

#: In 2015 times had the decimals of the keyword's format, and ``Z``; now three, and none.
TIMES_2015 = dict.fromkeys(
    [
        *("DATE", "DATE_S", "DATE_B", "DATE-OBS", "T_OBS", "T_REC", "TRECEPOC"),
        *("T_FRST", "T_FRST1", "T_LAST1", "T_LAST"),
    ],
    "time",
)

#: Empty remarks had a card in 2015; newer exports and we write none.
REMARKS_2015 = {"COMMENT": "absent", "HISTORY": "value"}


@dataclass(frozen=True, slots=True)
class Known:
    """What the recorded lists say of a keyword."""

    name: str
    type: str
    units: str
    note: str


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        # a note that the recorded list cuts; a unit that was another when the file was written
        ("magnetogram", {"MEANGBL": "unit", "COMMENT": "value"}),
        ("bitmap", {"MEANGBL": "unit", "COMMENT": "value"}),
    ],
)
def test_a_file_of_2021_is_made_again(
    recorded: Path, tmp_path: Path, segment: str, expected: dict[str, str]
) -> None:
    real = recorded / "fits" / f"{SMARP}.{segment}.fits"
    entries = json.loads((recorded / "series-struct/mdi.smarp_cea_96m.keywords.json").read_text())
    definition = definition_from_struct(
        "mdi.smarp_cea_96m",
        {
            "primekeys": ["TARPNUM", "T_REC"],
            "keywords": entries,
            "segments": [{"name": name} for name in ("magnetogram", "bitmap", "continuum")],
            "links": [],
        },
    )

    made = made_again(real, definition, segment, tmp_path)

    absent = {"HEADSUM": "absent"}
    assert differences(cards_of(real), cards_of(made), singles=True) == expected | absent


@pytest.mark.parametrize(
    ("segment", "expected"),
    [("magnetogram", {}), ("Br", {}), ("conf_disambig", {"BUNIT": "value"})],
)
def test_a_file_of_2015_is_made_again(
    recorded: Path, tmp_path: Path, segment: str, expected: dict[str, str]
) -> None:
    real = recorded / "fits" / f"{SHARP}.{segment}.fits"
    known = known_keywords(recorded, "hmi.sharp_cea_720s")
    definition = definition_of("hmi.sharp_cea_720s", segment, cards_of(real), known)

    made = made_again(real, definition, segment, tmp_path)

    found = differences(cards_of(real), cards_of(made), comments=False)
    assert found == NAN_2015 | EMPTY_2015 | TIMES_2015 | REMARKS_2015 | SINCE_2021 | expected
    assert {card.value for card in cards_of(made) if card.name in NAN_2015} == {None}


@pytest.mark.parametrize(
    ("header", "series", "segment", "expected"),
    [
        ("hmi_sharp_magnetogram", "hmi.sharp_720s", "magnetogram", NOT_MADE),
        ("hmi_cea_sharp_magnetogram", "hmi.sharp_cea_720s", "magnetogram", NOT_MADE),
        ("hmi_bharp_vlos_mag", "hmi.Bharp_720s", "vlos_mag", NOT_MADE),
    ],
)
def test_a_header_of_2024_is_made_again(
    recorded: Path, header: str, series: str, segment: str, expected: dict[str, str]
) -> None:
    lines = (recorded / "series-struct" / f"{header}.header").read_text("ascii").splitlines()
    real = read_cards([line.ljust(80) for line in lines if line.strip() != "END"])
    real = [card for card in real if not is_about_fits(card)]
    definition = definition_of(series, segment, real, known_keywords(recorded, series))

    cards = segment_cards(definition, segment, record_of(definition, segment, real))

    assert differences(real, read_again(cards)) == expected


def made_again(real: Path, definition: SeriesDefinition, segment: str, folder: Path) -> Path:
    """The real file, stripped of its keywords and given them back."""
    stripped, made = folder / "as-is.fits", folder / "made.fits"
    write_fits(real, stripped, ())
    cards = segment_cards(definition, segment, record_of(definition, segment, cards_of(real)))
    write_fits(stripped, made, cards)
    verify(made)
    before, after = image_hdu(real), image_hdu(made)
    data = real.read_bytes()[before.data : before.end]
    assert made.read_bytes()[after.data : after.end] == data
    return made


def cards_of(path: Path) -> list[Read]:
    """Cards of the image's header that are about the record."""
    cards = read_cards(image_hdu(path).cards)
    return [card for card in cards if not is_about_file(card)]


def is_about_file(card: Read) -> bool:
    return (is_structural(card.name) and card.name != "HEADSUM") or is_about_fits(card)


def is_about_fits(card: Read) -> bool:
    """Remarks of CFITSIO on FITS and long texts, and what is of the file (in text headers too)."""
    if is_structural(card.name) and card.name != "HEADSUM":
        return True
    about = (
        "  FITS (",
        "  and Astrophysics",
        "  This FITS",
        "  continued",
        "  character",
        "  on the",
    )
    return card.name == "COMMENT" and str(card.value).startswith(about)


def read_again(cards: tuple[Card, ...]) -> list[Read]:
    return read_cards([image for card in cards for image in card.images()])


def known_keywords(recorded: Path, series: str) -> dict[str, Known]:
    path = recorded / "series-struct" / f"{series}.from_header.json"
    entries: list[dict[str, Any]] = json.loads(path.read_text())["keywords"]
    return {
        entry["fits_keyword"]: Known(
            entry["name"],
            entry["inferred_type"],
            entry["units"] or "none",
            entry["note"].removeprefix("(MISSING) "),
        )
        for entry in entries
    }


def definition_of(
    series: str, segment: str, cards: list[Read], known: dict[str, Known]
) -> SeriesDefinition:
    """A definition that has the keywords of a header, those of the segment as one of its own."""
    written = ("RECNUM", "DRMS_ID", "PRIMARYK", "LONGSTRN", *NOT_MADE)
    names = list(dict.fromkeys(card.name for card in cards if card.name not in written))
    values = {card.name: card.value for card in cards}
    numbers = {int(found[1]) for one in known.values() if (found := _numbered(one.name))}
    number = numbers.pop() if numbers else 0
    others = tuple(Segment(f"other_{n}") for n in range(number))
    keywords = tuple(_keyword(name, values[name], known.get(name)) for name in names)
    return SeriesDefinition(
        series,
        keywords=keywords,
        prime_keys=("HARPNUM", "T_REC"),
        segments=(*others, Segment(segment)),
    )


def _numbered(name: str) -> re.Match[str] | None:
    return re.fullmatch(r".+_(\d{3})", name)


def _keyword(fits: str, value: object, known: Known | None) -> Keyword:
    known = known or Known(fits, "", "none", "")
    numbered = _numbered(known.name)
    # a name of FITS that is no shorter form of the DRMS name stood in the description
    declared = fits not in (known.name, _shortened(known.name))
    return Keyword(
        known.name[:-4] if numbered else known.name,
        _type(value, known.type),
        Scope.SEGMENT if numbered else Scope.VARIABLE,
        units=known.units,
        note=f"[{fits}] {known.note}" if declared else known.note,
    )


def _shortened(name: str) -> str:
    stem = name[:-4] if _numbered(name) else name
    return re.sub(r"[\W_]", "", stem).upper()[:8]


def _type(value: object, inferred: str) -> KeywordType:
    if isinstance(value, str):
        return KeywordType.TIME if inferred == "time" else KeywordType.STRING
    if isinstance(value, int):
        return KeywordType.LONGLONG if abs(value) >= 2**31 else KeywordType.INT
    if value is None:
        return KeywordType.STRING if inferred == "string" else KeywordType.FLOAT
    assert isinstance(value, float)
    single = math.isnan(value) or value == float(f"{float(np.float32(value)):.9G}")
    return KeywordType.FLOAT if single else KeywordType.DOUBLE


def record_of(
    definition: SeriesDefinition, segment: str, cards: list[Read]
) -> dict[str, str | int | float | None]:
    """A row of the record table that has what the cards say."""
    values: dict[str, Any] = {}
    for card in cards:
        texts = card.name in ("HISTORY", "COMMENT") and card.name in values
        values[card.name] = f"{values[card.name]}\n{card.value}" if texts else card.value
    by_column = {column.name: column.keyword for column in definition.columns}
    needed = header_columns(definition, segment)
    names = {_fits_of(by_column[column], column): column for column in needed}
    row = {names[name]: value for name, value in values.items() if name in names}
    record: dict[str, Any] = {"recnum": values["RECNUM"]}
    for column in needed:
        record[column] = _stored(by_column[column], row.get(column))
    return record


def _fits_of(keyword: Keyword, column: str) -> str:
    declared = re.match(r"\[(\S+)\]", keyword.note)
    if declared:
        return declared[1]
    name = column.upper()
    return name if len(name) <= 8 else _shortened(name)


def _stored(keyword: Keyword, value: Any) -> Any:
    if value is None:
        return keyword.type.missing
    if keyword.type is KeywordType.TIME:
        zone = "Z" if keyword.units == "ISO" and not value.endswith("Z") else ""
        return parse_time(value + zone)
    return float(np.float32(value)) if keyword.type is KeywordType.FLOAT else value


def differences(
    real: list[Read], made: list[Read], *, comments: bool = True, singles: bool = False
) -> dict[str, str]:
    """How the cards of each name differ, where they do.

    In 2024 JSOC printed of a single the double that its first nine digits are, as we do; in 2021
    the double that it is. With ``singles`` both are the same.
    """
    before, after = _by_name(real), _by_name(made)
    found = {}
    for name in {**before, **after}:
        if name not in after or name not in before:
            found[name] = "added" if name in after else "absent"
            continue
        for old, new in zip(before[name], after[name], strict=False):
            kind = _difference(old, new, comments=comments, singles=singles)
            if kind:
                found[name] = kind
        if len(before[name]) != len(after[name]):
            found[name] = "value"
    return found


def _by_name(cards: list[Read]) -> dict[str, list[Read]]:
    found: dict[str, list[Read]] = {}
    for card in cards:
        found.setdefault(card.name, []).append(card)
    return found


def _difference(old: Read, new: Read, *, comments: bool, singles: bool) -> str:
    if not _same_value(old.value, new.value, singles=singles):
        return "time" if _same_time(old.value, new.value) else "value"
    if not comments:
        return ""
    if _unit(old.comment) != _unit(new.comment):
        return "unit"
    # a note that the recorded list cuts ends in dots; one that a card cuts may be cut elsewhere
    said = new.comment.partition("..")[0].rstrip(".")
    if bool(said) != bool(old.comment):
        return "comment"
    return "" if old.comment.startswith(said) or said.startswith(old.comment) else "comment"


def _same_value(old: object, new: object, *, singles: bool) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return old == new or (singles and np.float32(old) == np.float32(new))
    return type(old) is type(new) and old == new


def _same_time(old: object, new: object) -> bool:
    if not (isinstance(old, str) and isinstance(new, str)):
        return False
    times = [
        parse_time(text if text.endswith("Z") or "T" not in text[:11] else f"{text}Z")
        for text in (old, new)
        if re.match(r"\d{4}[.-]\d\d[.-]\d\d[T_]", text)
    ]
    return len(times) == 2 and times[0] == times[1]


def _unit(comment: str) -> str:
    found = re.match(r"\[[^\]]*\]", comment)
    return found[0] if found else ""
