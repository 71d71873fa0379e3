"""Amounts of bytes, and shares, as people write them: ``500G``, ``200 MB``, ``5%``."""

from __future__ import annotations

import re

__all__ = ["parse_share", "parse_size"]

_SIZE = re.compile(r"(\d+(?:\.\d*)?)\s*([KMGTP]?)(|iB|B)", re.IGNORECASE)
_SHARE = re.compile(r"(\d+(?:\.\d*)?)\s*%")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def parse_size(text: str) -> int:
    """Read an amount of bytes.

    ``G`` and ``GiB`` are 1024 x 1024 x 1024 bytes, as the other tools of a Unix count; ``GB`` are a
    thousand million.

    Raises
    ------
    ValueError
        It is none, or has no unit: somebody who means gigabytes must not get bytes.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or (not found[2] and found[3].lower() == "ib"):
        raise ValueError(f"{text!r} is no size; write it like 500G, 1.5T or 200M")
    if not found[2] and not found[3] and float(found[1]):
        raise ValueError(
            f"{text!r} has no unit; write it like {found[1]}G, or {found[1]}B for bytes"
        )
    base = 1000 if found[2] and found[3].upper() == "B" else 1024
    factor: int = base ** _POWERS[found[2].upper()]
    return round(float(found[1]) * factor)


def parse_share(text: str) -> float:
    """Read a share of something, from above 0 to 1.

    Raises
    ------
    ValueError
        It is none.
    """
    found = _SHARE.fullmatch(text.strip())
    if found is None or not 0 < float(found[1]) <= 100:
        raise ValueError(f"{text!r} is no share; write it like 5% or 0.1%")
    return float(found[1]) / 100
