"""What a DRMS keyword is called in a FITS header.

DRMS names are longer than FITS allows, in either case, and a keyword can name its FITS name in its
description. Source: JSOC's export (``fitsexport.c`` and ``reserved.h`` of DRMS), whose rules these
are but for the two that `fits_name` and `distinct_names` name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "WRITTEN_BY_EXPORT",
    "Cast",
    "Description",
    "distinct_names",
    "fits_name",
    "is_commentary",
    "is_structural",
    "read_description",
]

#: Cards that say which record a file is of; no keyword may take their place.
WRITTEN_BY_EXPORT: Final = ("RECNUM", "DRMS_ID", "PRIMARYK", "LONGSTRN")

_LONGEST: Final = 8
_LEGAL: Final = re.compile(r"[A-Z0-9_-]{1,8}", re.ASCII)
_DECLARED: Final = re.compile(
    r"\[(?P<name>[^\]\s:]+)(?::(?P<cast>[^\]\s]*))?\](?:\s+(?P<rest>.*))?", re.DOTALL
)

#: What says how the image is stored, which only the file knows; checksums are of the file too.
_STRUCTURAL: Final = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|[PG]COUNT|GROUPS|BLOCKED|CONTINUE|END|"
    r"BSCALE|BZERO|BLANK|EXTNAME|EXTVER|EXTLEVEL|INHERIT|"
    r"TFIELDS|THEAP|(?:TTYPE|TFORM|TBCOL|TUNIT|TSCAL|TZERO|TNULL|TDISP|TDIM)\d+|"
    r"ZIMAGE|ZSIMPLE|ZEXTEND|ZTENSION|ZBITPIX|ZNAXIS\d*|ZTILE\d+|ZCMPTYPE|ZNAME\d+|ZVAL\d+|"
    r"ZMASKCMP|ZQUANTIZ|ZDITHER0|Z[PG]COUNT|ZBLOCKED|ZSCALE|ZZERO|ZBLANK|"
    r"CHECKSUM|DATASUM|ZHECKSUM|ZDATASUM|HEADSUM"
)


class Cast(StrEnum):
    """The FITS type that a description asks for, spelled as there."""

    NONE = "none"
    INTEGER = "integer"
    FLOAT = "float"
    STRING = "string"
    LOGICAL = "logical"


@dataclass(frozen=True, slots=True)
class Description:
    """A keyword's description, taken apart.

    Parameters
    ----------
    text : str
        What it says of the keyword.
    name : str
        The FITS name that it begins with in brackets, or nothing.
    cast : Cast
        The type that stands beside that name.
    """

    text: str
    name: str = ""
    cast: Cast = Cast.NONE


def read_description(note: str) -> Description:
    """Take ``[FITSNAME] text`` or ``[FITSNAME:cast] text`` apart; an unknown cast voids the name.

    Anything else is text throughout.
    """
    found = _DECLARED.fullmatch(note)
    if found is None:
        return Description(note)
    text = found["rest"] or ""
    try:
        return Description(text, found["name"], Cast((found["cast"] or "none").lower()))
    except ValueError:
        return Description(text)


def fits_name(name: str, declared: str = "", stem: str | None = None) -> str:
    """The FITS name of a DRMS keyword, legal and at most eight characters long.

    Parameters
    ----------
    name : str
        DRMS name; with its number (``BUNIT_000``) where each segment has one of its own.
    declared : str
        The FITS name that its description gives.
    stem : str, optional
        The name without the number of the segment.

    Notes
    -----
    In this order, the first that is legal: the declared name; the DRMS name in upper case; that
    with ``-`` for ``__``, as DRMS spells it when it takes FITS files in (JSOC's export knows this
    rule in the other direction only, but every series declares ``DATE-OBS``); its first eight
    letters and digits.
    """
    stem = name if stem is None else stem
    dashed = stem.upper().replace("__", "-")
    candidates = [declared, name.upper(), *([dashed] if "__" in stem else [])]
    for candidate in candidates:
        if _LEGAL.fullmatch(candidate):
            return candidate
    made = re.sub("[^A-Z0-9]", "", stem.upper())[:_LONGEST]
    if is_structural(made) or is_commentary(made):
        return f"_{made}"[:_LONGEST]
    return made


def distinct_names(wanted: Iterable[tuple[str, str]]) -> list[str]:
    """FITS names of which no two are the same.

    Parameters
    ----------
    wanted : iterable of (str, str)
        DRMS name and FITS name of each keyword.

    Notes
    -----
    JSOC's export gives two keywords the same name. Here one that is spelled like the FITS name
    keeps it, else the first; each other gets a number in place of the last characters
    (``LATFWTP2``).
    """
    pairs = list(wanted)
    taken = set(WRITTEN_BY_EXPORT)
    owners: dict[str, int] = {}
    for row, (name, fits) in enumerate(pairs):
        if fits in taken or is_commentary(fits):
            continue
        if fits not in owners or name.upper() == fits != pairs[owners[fits]][0].upper():
            owners[fits] = row
    taken |= owners.keys()
    names = []
    for row, (_, fits) in enumerate(pairs):
        if owners.get(fits) == row or is_commentary(fits):
            names.append(fits)
            continue
        names.append(_numbered(fits, taken))
        taken.add(names[-1])
    return names


def is_structural(name: str) -> bool:
    """Whether a card of that name says how the file is made, and is left to the file."""
    return _STRUCTURAL.fullmatch(name) is not None


def is_commentary(name: str) -> bool:
    """Whether cards of that name hold free text and may be many."""
    return name in ("COMMENT", "HISTORY", "")


def _numbered(fits: str, taken: set[str]) -> str:
    number = 2
    while (name := f"{fits[: _LONGEST - len(str(number))]}{number}") in taken:
        number += 1
    return name
