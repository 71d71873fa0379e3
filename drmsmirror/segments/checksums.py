"""Sums of FITS data, as ``DATASUM`` and ``CHECKSUM`` hold them.

Source: FITS standard 4.0, section 4.4.2.7 and appendix J.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from drmsmirror.errors import StoreError
from drmsmirror.segments.structure import Unit, read_structure

__all__ = ["ZERO_CHECKSUM", "add_sums", "encode_checksum", "has_right_sums", "sum_of"]

#: What ``CHECKSUM`` holds while the sum is made.
ZERO_CHECKSUM = "0" * 16

_WORD = 0xFFFFFFFF
_PUNCTUATION = frozenset(b":;<=>?@[\\]^_`")
_DATASUM = re.compile(r"DATASUM = '(\d+) *'")
#: Bytes that are read at once: a whole number of words.
_PIECE = 2**20


def sum_of(content: bytes) -> int:
    """The ones' complement sum of 32 bit words; ``content`` has a whole number of them."""
    return _folded(int(np.frombuffer(content, dtype=">u4").sum(dtype=np.uint64)))


def add_sums(first: int, second: int) -> int:
    """The sum of two parts that follow each other."""
    return _folded(first + second)


def has_right_sums(path: Path) -> bool:
    """Whether the data of every unit of a FITS file have the sum that their header tells.

    Units that tell none are taken as they are. ``CHECKSUM`` is not looked at: it is wrong as soon
    as somebody has corrected a card.

    Raises
    ------
    FitsError
        It is no whole FITS file.
    StoreError
        It cannot be read.
    """
    told = [(unit, _datasum(unit)) for unit in read_structure(path)]
    try:
        with path.open("rb") as file:
            return all(total in (None, _sum_between(file, unit)) for unit, total in told)
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror or error}") from error


def encode_checksum(total: int) -> str:
    """The text that makes a HDU of this sum, with :data:`ZERO_CHECKSUM` in it, sum to minus zero.

    Each byte of the complement is spread over four characters, of which two and two are moved apart
    until none is punctuation; the text is turned by one for where the value stands in its card.
    """
    spread = bytearray(16)
    for place, byte in enumerate((~total & _WORD).to_bytes(4, "big")):
        quarters = [byte // 4 + ord("0")] * 4
        quarters[0] += byte % 4
        while _PUNCTUATION.intersection(quarters):
            for pair in (0, 2):
                if _PUNCTUATION.intersection(quarters[pair : pair + 2]):
                    quarters[pair] += 1
                    quarters[pair + 1] -= 1
        spread[place::4] = bytes(quarters)
    return (spread[-1:] + spread[:-1]).decode("ascii")


def _datasum(unit: Unit) -> int | None:
    found = [match for card in unit.cards if (match := _DATASUM.match(card)) is not None]
    return int(found[0][1]) if found else None


def _sum_between(file: BinaryIO, unit: Unit) -> int:
    file.seek(unit.data)
    total = 0
    for begin in range(unit.data, unit.end, _PIECE):
        total = add_sums(total, sum_of(file.read(min(_PIECE, unit.end - begin))))
    return total


def _folded(total: int) -> int:
    while total > _WORD:
        total = (total & _WORD) + (total >> 32)
    return total
