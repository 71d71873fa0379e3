"""How files of records are shown: how many there are, and which of them may go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drmsmirror.cli.common import size

if TYPE_CHECKING:
    from drmsmirror.catalogue import ObjectShares, ObjectTotals

__all__ = ["HOW_TO_OPEN", "file_lines"]

#: What to do with the address of a file that has no path.
HOW_TO_OPEN = (
    "astropy.io.fits.open(address, use_fsspec=True) opens them, and --copy DIR gives copies"
)


def file_lines(shares: ObjectShares) -> Iterator[str]:
    """What there is of files, and what of them may go."""
    parts = (
        ("are pinned", shares.pinned),
        ("were used lately", shares.in_use),
        ("`drmsmirror gc` may let go", shares.may_go),
    )
    there = [(words, share) for words, share in parts if share.objects]
    if there:
        yield "Files of records: " + "; ".join(_said(words, share) for words, share in there) + "."
    if shares.damaged.objects:
        yield (
            f"{_said('are damaged', shares.damaged)}: `drmsmirror verify --repair` fetches them "
            f"anew, and so does who wants them."
        )


def _said(words: str, share: ObjectTotals) -> str:
    return f"{share.objects:,}, {size(share.size_bytes)}, {words}"
