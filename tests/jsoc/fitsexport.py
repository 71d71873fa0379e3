"""A segment file with its record's keywords in the header, as JSOC exports it.

Names, comments, times and missing values follow exported headers: ``T_REC_epoch`` is the card
``TRECEPOC`` with ``{T_REC_epoch}`` behind its comment, times have three decimals, and a missing
value is a card without one, ``(MISSING)`` in its comment.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
from functools import lru_cache
from typing import Any, Final

import numpy as np

from .definitions import Keyword
from .images import seed_of
from .shelf import SegmentFile
from .taitime import is_missing_time
from .timeprint import print_time

__all__ = ["as_fits", "cards", "fits_name"]

_VALID: Final = re.compile(r"[A-Z0-9_-]{1,8}")
_NAMED: Final = re.compile(r"\[([^\]:\s]+)(?::\w+)?\]\s*")
_STRUCTURE: Final = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|EXTEND|EXTNAME|BLANK|BZERO|BSCALE|END"
    r"|CHECKSUM|DATASUM|TFIELDS|T(?:TYPE|FORM|UNIT)\d+|Z(?:IMAGE|BITPIX|NAXIS\d*|TILE\d+|CMPTYPE)"
)
_BLOCK: Final = 2880
_UNITLESS: Final = ("", "none", "NA")

Card = tuple[str, Any, str]


def fits_name(keyword: Keyword) -> str:
    """FITS name of a keyword: in brackets before its note, or its own, or letters and digits."""
    named = _NAMED.match(keyword.note)
    if named and _VALID.fullmatch(named[1]):
        return named[1]
    upper = keyword.name.upper()
    if _VALID.fullmatch(upper) and not keyword.per_segment:
        return upper
    return re.sub(r"[^A-Z0-9]", "", upper)[:8]


def _comment(keyword: Keyword, drms_name: str, name: str, is_missing: bool) -> str:
    note = _NAMED.sub("", keyword.note, count=1)
    short = re.split(r"(?<!-)-(?!-)", note, maxsplit=1)[0].strip().replace("--", "-")
    unit = "" if keyword.units in _UNITLESS else f"[{keyword.units}] "
    missing = "(MISSING) " if is_missing else ""
    drms = "" if drms_name == name else f" {{{drms_name}}}"
    text = f"{unit}{missing}{short}{drms}"
    return text.encode("ascii", "replace").decode("ascii")


def _card_value(keyword: Keyword, value: Any) -> Any:
    """The value of a card; None for a missing one."""
    if keyword.type == "time":
        if is_missing_time(value):
            return None
        return print_time(float(value), keyword.units, 3).removesuffix("Z")
    if keyword.type in ("float", "double"):
        if not np.isfinite(value):
            return None
        return float(f"{value:.9G}") if keyword.type == "float" else float(value)
    if value == keyword.missing:
        return None
    if keyword.type == "string":
        plain = str(value).encode("ascii", "replace").decode("ascii")
        return re.sub(r"[^ -~]", " ", plain)
    return int(value)


def cards(file: SegmentFile) -> list[Card]:
    """Name, value and comment of every card that the record gives, in the order of the series."""
    definition = file.series.definition
    place = definition.segments.index(file.segment)
    found: list[Card] = []
    seen: set[str] = set()
    for keyword in definition.keywords:
        lower = keyword.name.lower()
        name = fits_name(keyword)
        if keyword.implicit or lower in definition.aliases:
            continue
        if name in seen or _STRUCTURE.fullmatch(name):
            continue
        drms_name, column = keyword.name, lower
        if keyword.per_segment:
            drms_name, column = f"{keyword.name}_{place:03d}", f"{lower}_{place:03d}"
        if keyword.is_constant:
            value = keyword.constant_value()
        elif column in file.series.columns:
            value = file.series.columns[column][file.row]
        else:  # a link that leads nowhere
            continue
        shown = _card_value(keyword, value)
        found.append((name, shown, _comment(keyword, drms_name, name, shown is None)))
        seen.add(name)
    identity = f"{definition.name}:{file.recnum}:{file.segment.name}"
    return [
        *found,
        ("RECNUM", file.recnum, "Recnum"),
        ("DRMS_ID", identity, "DRMS ID"),
        ("PRIMARYK", ", ".join(definition.primekeys), "DRMS primary key"),
        ("LICENSE", "LICENSE", "CC0 1.0"),
    ]


def _card_texts(card: Card) -> list[str]:
    """A card as it stands in a header, its comment cut to what there is room for."""
    name, value, comment = card
    if name in ("COMMENT", "HISTORY"):
        lines = textwrap.wrap(value or "", 72, drop_whitespace=False) or [""]
        return [f"{name:<8}{line:<72}" for line in lines]
    if isinstance(value, str):
        text = value.replace("'", "''")
        if len(text) > 68:
            parts = re.findall(r"(?:[^']|''){1,33}", text)  # a pair of quotes stays together
            texts = [f"'{part}&'" for part in parts[:-1]] + [f"'{parts[-1]}'"]
            heads = [f"{name:<8}= ", *["CONTINUE  "] * (len(parts) - 1)]
            return [f"{head}{text}".ljust(80) for head, text in zip(heads, texts, strict=True)]
        shown = f"'{text:<8}'".ljust(20)
    elif isinstance(value, float):
        shown = repr(value).upper().rjust(20)
    else:
        shown = ("" if value is None else str(value)).rjust(20)
    return [f"{name:<8}= {shown} / {comment}"[:80].ljust(80)]


def _with_cards(body: bytes, start: int, more: list[Card]) -> bytes:
    """A FITS file with more cards at the end of the header that begins at `start`."""
    end = start
    while not body.startswith(b"END" + b" " * 77, end):
        end += 80
    data = start + math.ceil((end + 80 - start) / _BLOCK) * _BLOCK
    texts = [text for card in more for text in _card_texts(card)]
    header = body[start:end] + "".join(texts).encode("ascii") + b"END"
    padded = header.ljust(math.ceil(len(header) / _BLOCK) * _BLOCK)
    return body[:start] + padded + body[data:]


def _processed(data: Any, steps: str) -> Any:
    """Another picture, as processing makes one: a part of the first, in another order."""
    part = data[: max(data.shape[0] // 2, 1), : max(data.shape[1] // 2, 1)]
    order = np.random.default_rng(seed_of(steps)).permutation(part.shape[0])
    return np.ascontiguousarray(part[order])


@lru_cache(maxsize=512)
def _image(body: bytes, steps: str, packed: bool) -> tuple[bytes, int]:
    """The image of a file, processed and packed anew, and where its header begins."""
    from astropy.io import fits

    with fits.open(io.BytesIO(body), do_not_scale_image_data=True) as hdus:
        image = next((hdu for hdu in hdus if hdu.data is not None), None)
        if image is None:
            return body, 0
        data = _processed(image.data, steps) if steps else image.data
        if packed and data.dtype.kind in "iu":
            rows = (1, data.shape[-1])
            made = fits.CompImageHDU(data, compression_type="RICE_1", tile_shape=rows)
            parts, start = [fits.PrimaryHDU(), made], _BLOCK
        else:
            made = fits.PrimaryHDU(data)
            parts, start = [made], 0
        for name in ("BLANK", "BZERO", "BSCALE"):
            if name in image.header:
                made.header[name] = image.header[name]
    out = io.BytesIO()
    fits.HDUList(parts).writeto(out)
    return out.getvalue(), start


def as_fits(file: SegmentFile, body: bytes, *, steps: str = "", packed: bool = True) -> bytes:
    """Export a file.

    Parameters
    ----------
    file : SegmentFile
    body : bytes
        The file as it is; what is no FITS file is exported so.
    steps : str
        Processing, as asked for.
    packed : bool
        Compressed by rows, or not.

    Returns
    -------
    bytes
    """
    if not body.startswith(b"SIMPLE  ="):
        return body
    image, start = _image(body, steps, packed)
    return _with_cards(image, start, cards(file))
