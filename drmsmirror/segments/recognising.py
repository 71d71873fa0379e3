"""What a file that somebody has says of itself: in its header, or by its name.

JSOC's exports say the record number (``RECNUM``) and the prime keys; those since 2021 also series
and segment (``DRMS_ID``). Which series an older one is of is told by its name, and so is all of a
file as JSOC stores it: named as by an export (``hmi.m_720s.20140101_000000_TAI.magnetogram.fits``)
or as in the readable tree (``hmi.M_720s/20140101_000000_TAI/magnetogram.fits``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from drmsmirror.model.series import Segment
from drmsmirror.segments.structure import read_structure

__all__ = ["Clue", "NamedBy", "clue_of", "contradiction"]

_ENDING = re.compile(r"(\.fits?|\.fts)(\.fz)?$", re.IGNORECASE)
_SERIES = re.compile(r"[A-Za-z]\w*\.\w+", re.ASCII)
_DRMS_ID = re.compile(r"([A-Za-z]\w*\.\w+):(\d{1,18}):(\w+)", re.ASCII)
#: Directories above a file that may be the series of a readable tree.
_DEEPEST = 8

#: ``BITPIX`` of an image, by the type of its segment.
_BITS = {"char": 8, "short": 16, "int": 32, "longlong": 64, "float": -32, "double": -64}
_DIMS = re.compile(r"(?:\d+|VAR)(?:x(?:\d+|VAR))*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedBy:
    """Series, prime keys and segment as a name has them.

    Parameters
    ----------
    series : str
    values : tuple of str
        Of the prime keys in their order, as they stand in the name.
    segment : str
    """

    series: str
    values: tuple[str, ...]
    segment: str


@dataclass(frozen=True, slots=True)
class Clue:
    """What a file says of itself.

    Parameters
    ----------
    series, segment : str
        By its header; empty where that does not tell.
    recnum : int or None
        By its header; None of a file as JSOC stores it.
    names : tuple of NamedBy
        What its name can mean.
    shape : tuple of int
        Of its image, as FITS counts axes.
    bits : int or None
        ``BITPIX`` of its image.
    """

    series: str = ""
    segment: str = ""
    recnum: int | None = None
    names: tuple[NamedBy, ...] = ()
    shape: tuple[int, ...] = ()
    bits: int | None = None
    _cards: Mapping[str, str] = field(default_factory=dict, repr=False)

    def value(self, name: str) -> object:
        """What a card says; None where there is none of that name, or it says nothing."""
        return _value(self._cards.get(name))


def clue_of(path: Path) -> Clue:
    """Read what a FITS file says of itself: its headers only.

    Raises
    ------
    FitsError
        It is no whole FITS file.
    StoreError
        It cannot be read.
    """
    units = read_structure(path)
    image = next((unit for unit in units if unit.has_image), units[-1])
    cards = {one[:8].rstrip(): one for one in image.cards if one[8:10] == "= "}
    names = tuple(_names(path))
    shape, bits = _image(cards)
    found = _DRMS_ID.fullmatch(str(_value(cards.get("DRMS_ID"))).strip())
    if found is not None:
        return Clue(found[1], found[3], int(found[2]), names, shape, bits, cards)
    number = _value(cards.get("RECNUM"))
    recnum = number if type(number) is int and number > 0 else None
    return Clue("", "", recnum, names, shape, bits, cards)


def contradiction(clue: Clue, segment: Segment) -> str:
    """Why the image of a file cannot be that of a segment; empty where it can.

    Only what the series says is compared: its axes, where they are the same for all records, and
    the type of its numbers.
    """
    bits = _BITS.get(segment.type)
    if bits is not None and clue.bits is not None and clue.bits != bits:
        return f"its image has BITPIX {clue.bits}, and {segment.name} is of type {segment.type}"
    if not _DIMS.fullmatch(segment.dims):
        return ""
    axes = segment.dims.upper().split("X")
    is_other = len(axes) != len(clue.shape) or any(
        axis != "VAR" and int(axis) != size for axis, size in zip(axes, clue.shape, strict=False)
    )
    shape = "x".join(map(str, clue.shape)) or "no axes"
    return f"its image has {shape}, and {segment.name} {segment.dims}" if is_other else ""


def _value(image: str | None) -> object:
    """The value of a card."""
    from astropy.io.fits import Card
    from astropy.io.fits.verify import VerifyError

    if image is None:
        return None
    try:
        value = Card.fromstring(image).value
    except VerifyError:  # such as the nan that JSOC wrote; no prime key is that
        return None
    return value if isinstance(value, str | int | float) else None


def _image(cards: Mapping[str, str]) -> tuple[tuple[int, ...], int | None]:
    """Axes and type of an image, as it is or compressed in a table."""
    kind = "Z" if _value(cards.get("ZIMAGE")) is True else ""
    axes, bits = _value(cards.get(f"{kind}NAXIS")), _value(cards.get(f"{kind}BITPIX"))
    count = axes if isinstance(axes, int) and 0 < axes < 10 else 0
    sizes = [_value(cards.get(f"{kind}NAXIS{number + 1}")) for number in range(count)]
    shape = tuple(size for size in sizes if isinstance(size, int))
    return shape, bits if isinstance(bits, int) else None


def _names(path: Path) -> Iterator[NamedBy]:
    """What a name can mean: as exports are called, and as in the readable tree."""
    stem = _ENDING.sub("", path.name)
    parts = stem.split(".")
    if len(parts) >= 3 and _SERIES.fullmatch(series := ".".join(parts[:2])):
        yield NamedBy(series, tuple(parts[2:-1]), parts[-1])
    above = PurePosixPath(path.absolute()).parts[:-1][-_DEEPEST:]
    for place, name in enumerate(above):
        if _SERIES.fullmatch(name):
            yield NamedBy(name, above[place + 1 :], stem)
