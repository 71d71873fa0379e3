"""The parts of a FITS file, and whether they add up.

Only headers are read, so that a file of any size takes some milliseconds.

Source: FITS standard 4.0, sections 3.1 to 3.5, 4.4.1 and 7.1 to 7.3.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, Final

from drmsmirror.errors import FitsError, StoreError
from drmsmirror.model.fitscards import CARD

__all__ = ["BLOCK", "Unit", "check_structure", "read_structure"]

#: Everything in a FITS file begins and ends at a multiple of so many bytes.
BLOCK: Final = 2880

_MOST_BLOCKS = 1000
_BITS = (8, 16, 32, 64, -32, -64)
_MOST_AXES = 999
_INTEGER = re.compile(r"\s*([+-]?\d+)\s*(?:/.*)?", re.ASCII)
_LOGICAL = re.compile(r"\s*([TF])\s*(?:/.*)?", re.ASCII)
_END = "END".ljust(CARD)


@dataclass(frozen=True, slots=True)
class Unit:
    """One header with its data (a HDU).

    Parameters
    ----------
    start, data, end : int
        Bytes of the file where the header begins, where the data begin, and where both end.
    cards : tuple of str
        Images of the cards, 80 characters each, without ``END``.
    """

    start: int
    data: int
    end: int
    cards: tuple[str, ...]

    @property
    def has_image(self) -> bool:
        """Whether the data are an image, as it is or compressed in a table."""
        kind = self.cards[0]
        if kind.startswith("SIMPLE") or kind[10:].startswith("'IMAGE "):
            return self.end > self.data
        return _logical(self.cards, "ZIMAGE")


def check_structure(path: Path, shown: str = "") -> None:
    """Make sure that a file is a whole FITS file and nothing but that.

    Headers parse, data are as long as the headers say, and nothing follows them. What the data are
    is not looked at.

    Parameters
    ----------
    path : Path
    shown : str
        What messages call it; by default the path.

    Raises
    ------
    FitsError
        It is not; the message says what is wrong, and where.
    StoreError
        The file cannot be read.
    """
    read_structure(path, shown)


def read_structure(path: Path, shown: str = "") -> tuple[Unit, ...]:
    """The units of a FITS file, of which it has at least one; see :func:`check_structure`."""
    try:
        with path.open("rb") as file:
            return _read_units(shown or str(path), file, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror or error}") from error


def _read_units(shown: str, file: BinaryIO, length: int) -> tuple[Unit, ...]:
    if not length:
        raise FitsError(f"{shown} is empty; fetch it again")
    units: list[Unit] = []
    end = 0
    while end < length:
        file.seek(end)
        first = file.read(CARD)
        if not first.startswith(b"XTENSION= " if units else b"SIMPLE  = "):
            found = first[:24].decode("ascii", "replace")
            if units:
                raise FitsError(
                    f"{shown}: {length - end:,} bytes follow the data of the last HDU, beginning "
                    f"with {found!r}, at byte {end:,}"
                )
            raise FitsError(f"{shown} is no FITS file: it begins with {found!r}")
        file.seek(end)
        units.append(_read_unit(shown, file, end, length, len(units)))
        end = units[-1].end
    return tuple(units)


def _read_unit(shown: str, file: BinaryIO, start: int, length: int, number: int) -> Unit:
    where = f"{shown}, HDU {number}"
    cards = _read_cards(where, file)
    data = file.tell()
    size = _data_size(where, cards)
    end = data + -(-size // BLOCK) * BLOCK
    if end > length:
        raise FitsError(
            f"{where}: the file is cut: it has {length:,} bytes, and by its headers it needs "
            f"{end:,}; fetch it again"
        )
    return Unit(start, data, end, cards)


def _read_cards(where: str, file: BinaryIO) -> tuple[str, ...]:
    cards: list[str] = []
    for _ in range(_MOST_BLOCKS):
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            raise FitsError(f"{where}: the file is cut within a header; fetch it again")
        if re.search(rb"[^ -~]", block):
            raise FitsError(f"{where}: the header has characters that no FITS header may have")
        text = block.decode("ascii")
        images = [text[at : at + CARD] for at in range(0, BLOCK, CARD)]
        if _END not in images:
            cards += images
            continue
        last = images.index(_END)
        if any(image.strip() for image in images[last + 1 :]):
            raise FitsError(f"{where}: something follows END in the header")
        return (*cards, *images[:last])
    raise FitsError(f"{where}: the header has no END within {_MOST_BLOCKS * BLOCK:,} bytes")


def _data_size(where: str, cards: tuple[str, ...]) -> int:
    """Bytes of the data, from cards that stand in a fixed order."""
    primary = cards[0].startswith("SIMPLE")
    if primary and not _logical(cards, "SIMPLE"):
        raise FitsError(f"{where}: SIMPLE is not T, so that the file is no standard FITS file")
    bits = _integer(where, cards, "BITPIX", at=1)
    if bits not in _BITS:
        raise FitsError(
            f"{where}: BITPIX is {bits}; it must be one of {', '.join(map(str, _BITS))}"
        )
    axes = _integer(where, cards, "NAXIS", at=2)
    if not 0 <= axes <= _MOST_AXES:
        raise FitsError(f"{where}: NAXIS is {axes}; it must be from 0 to {_MOST_AXES}")
    sizes = [_integer(where, cards, f"NAXIS{n + 1}", at=3 + n) for n in range(axes)]
    groups = primary and axes > 0 and sizes[0] == 0 and _logical(cards, "GROUPS")
    heap, count = 0, 1
    if groups or not primary:
        at = None if groups else 3 + axes
        heap = _integer(where, cards, "PCOUNT", at=at)
        count = _integer(where, cards, "GCOUNT", at=None if at is None else at + 1)
    if min(heap, count, *sizes, 0) < 0:
        raise FitsError(f"{where}: a size in the header is negative")
    elements = prod(sizes[1:] if groups else sizes) if axes else 0
    return abs(bits) // 8 * count * (heap + elements)


def _integer(where: str, cards: tuple[str, ...], name: str, at: int | None) -> int:
    head = f"{name:<8}= "
    found = cards[at : at + 1] if at is not None else [c for c in cards if c.startswith(head)][:1]
    value = _INTEGER.fullmatch(found[0][10:]) if found and found[0].startswith(head) else None
    if value is None:
        place = "" if at is None else f" as card {at + 1}"
        raise FitsError(f"{where}: the header has no whole number {name}{place}")
    return int(value[1])


def _logical(cards: tuple[str, ...], name: str) -> bool:
    head = f"{name:<8}= "
    values = (_LOGICAL.fullmatch(card[10:]) for card in cards if card.startswith(head))
    return any(value is not None and value[1] == "T" for value in values)
