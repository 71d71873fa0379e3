"""Sums of FITS data, as ``DATASUM`` and ``CHECKSUM`` hold them.

Source: FITS standard 4.0, section 4.4.2.7 and appendix J.
"""

from __future__ import annotations

import numpy as np

__all__ = ["ZERO_CHECKSUM", "add_sums", "encode_checksum", "sum_of"]

#: What ``CHECKSUM`` holds while the sum is made.
ZERO_CHECKSUM = "0" * 16

_WORD = 0xFFFFFFFF
_PUNCTUATION = frozenset(b":;<=>?@[\\]^_`")


def sum_of(content: bytes) -> int:
    """The ones' complement sum of 32 bit words; ``content`` has a whole number of them."""
    return _folded(int(np.frombuffer(content, dtype=">u4").sum(dtype=np.uint64)))


def add_sums(first: int, second: int) -> int:
    """The sum of two parts that follow each other."""
    return _folded(first + second)


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


def _folded(total: int) -> int:
    while total > _WORD:
        total = (total & _WORD) + (total >> 32)
    return total
