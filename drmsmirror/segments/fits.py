"""A segment file as it is stored becomes one with the record's header.

The image is carried over byte for byte, compressed or not: only the header of its HDU is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from drmsmirror.errors import FitsError, StoreError
from drmsmirror.files import replacing
from drmsmirror.model.fitscards import CARD, Card
from drmsmirror.model.fitsnames import is_structural
from drmsmirror.segments.checksums import ZERO_CHECKSUM, add_sums, encode_checksum, sum_of
from drmsmirror.segments.structure import BLOCK, Unit, check_structure, read_structure

__all__ = ["check_structure", "fits_pieces", "write_fits"]

#: Bytes that are in memory at a time.
_CHUNK = 364 * BLOCK

#: What is true of the old header only.
_OUTDATED = ("CHECKSUM", "DATASUM", "ZHECKSUM", "HEADSUM", "CONTINUE")


def write_fits(source: Path, target: Path, cards: Iterable[Card]) -> None:
    """Write a file with a record's header from the file as it is stored.

    Parameters
    ----------
    source : Path
        The file as JSOC stores it, which is not touched.
    target : Path
        The new file, read only; it is there when it is whole, and replaces what is there.
    cards : iterable of Card
        What :func:`~drmsmirror.segments.headers.segment_cards` gives.

    Raises
    ------
    FitsError
        ``source`` is no whole FITS file, or has no image.
    StoreError
        It cannot be read, or ``target`` not written.

    Notes
    -----
    The header is what the old one says of the file's structure, then ``cards``, then checksums.
    Other HDUs are copied. The memory that it takes does not depend on the size of the file.
    """
    with replacing(target, mode=0o444) as temporary, temporary.open("wb") as new:
        for piece in fits_pieces(source, cards):
            new.write(piece)


def fits_pieces(source: Path, cards: Iterable[Card]) -> Iterator[bytes]:
    """Give what :func:`write_fits` writes, piece by piece.

    Parameters
    ----------
    source : Path
    cards : iterable of Card

    Raises
    ------
    FitsError, StoreError
    """
    units = read_structure(source)
    image = next((unit for unit in units if unit.has_image), None)
    if image is None:
        raise FitsError(f"{source} has no image that a header could be written for")
    texts = [*_structure_of(image), *(text for card in cards for text in card.images())]
    try:
        old = source.open("rb")
    except OSError as error:
        raise StoreError(f"Cannot read {source}: {error.strerror or error}") from error
    with old:
        for unit in units:
            if unit is image:
                yield _header_for(old, unit, texts)
                yield from _chunks(old, unit.data, unit.end)
            else:
                yield from _chunks(old, unit.start, unit.end)


def _structure_of(unit: Unit) -> Iterator[str]:
    for card in unit.cards:
        name = card[:8].rstrip()
        if is_structural(name) and name not in _OUTDATED:
            yield card


def _header_for(old: BinaryIO, unit: Unit, texts: list[str]) -> bytes:
    """A header with the sums of itself and of the data, which are read for that."""
    total = 0
    for chunk in _chunks(old, unit.data, unit.end):
        total = add_sums(total, sum_of(chunk))
    unsigned = sum_of(_header(texts, ZERO_CHECKSUM, total))
    return _header(texts, encode_checksum(add_sums(unsigned, total)), total)


def _header(texts: list[str], checksum: str, datasum: int) -> bytes:
    sums = (
        Card("CHECKSUM", checksum, "HDU checksum"),
        Card("DATASUM", str(datasum), "data unit checksum"),
    )
    images = [*texts, *(text for card in sums for text in card.images()), "END".ljust(CARD)]
    content = "".join(images).encode("ascii")
    return content.ljust(-(-len(content) // BLOCK) * BLOCK)


def _chunks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    left = end - start
    while left:
        chunk = file.read(min(_CHUNK, left))
        if not chunk:
            raise FitsError(f"{file.name} became shorter while it was read; fetch it again")
        left -= len(chunk)
        yield chunk
