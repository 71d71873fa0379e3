"""Read FITS files without any library: what tests hold against what was written.

`verify` is a small fitsverify: it knows the standard (4.0, sections 3, 4.1, 4.2 and 4.4) and
nothing of the code that it judges.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CARD, BLOCK = 80, 2880
_END = b"END".ljust(CARD)
_VALUE = re.compile(
    r" *(?:(?P<text>'(?:[^']|'')*')|(?P<logical>[TF])|(?P<integer>[+-]?\d+)|"
    r"(?P<real>[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[ED]))(?:[ED][+-]?\d+)?))? *(?:/(?P<comment>.*))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Read:
    """A card as it was read; ``value`` is None where the card has none."""

    name: str
    value: str | bool | int | float | None
    comment: str


@dataclass(frozen=True, slots=True)
class Hdu:
    cards: list[str]
    start: int
    data: int
    end: int


def hdus(path: Path) -> list[Hdu]:
    content = path.read_bytes()
    assert len(content) % BLOCK == 0, "the file is not padded"
    found = []
    at = 0
    while at < len(content):
        cards, data = _header(content, at)
        size = _size(cards)
        end = data + math.ceil(size / BLOCK) * BLOCK
        assert end <= len(content), "the data are cut"
        assert not content[data + size : end].strip(b"\0"), "the padding of the data is not zero"
        found.append(Hdu(cards, at, data, end))
        at = end
    return found


def image_hdu(path: Path) -> Hdu:
    """The one HDU of the real files and ours that holds the image."""
    return next(hdu for hdu in hdus(path) if hdu.end > hdu.data)


def read_cards(images: list[str]) -> list[Read]:
    """Cards with their values, those of ``CONTINUE`` put together."""
    cards: list[Read] = []
    for image in images:
        name = image[:8].rstrip()
        if name == "CONTINUE":
            piece = _read("CONTINUE", image[10:])
            before = cards.pop()
            assert isinstance(before.value, str), "CONTINUE follows no text"
            assert before.value.endswith("&"), "CONTINUE follows a text that does not go on"
            cards.append(Read(before.name, before.value[:-1] + str(piece.value), piece.comment))
        elif image[8:10] == "= " and name not in ("COMMENT", "HISTORY", ""):
            cards.append(_read(name, image[10:]))
        else:
            cards.append(Read(name, image[8:].rstrip(), ""))
    return cards


def verify(path: Path) -> None:
    """Fail where a file is not as the standard wants it."""
    for number, hdu in enumerate(hdus(path)):
        names = [card[:8].rstrip() for card in hdu.cards]
        first = "XTENSION" if number else "SIMPLE"
        axes = int(_read("NAXIS", hdu.cards[2][10:]).value or 0)
        order = [first, "BITPIX", "NAXIS", *(f"NAXIS{n + 1}" for n in range(axes))]
        order += ["PCOUNT", "GCOUNT"] if number else []
        if "'BINTABLE'" in hdu.cards[0]:
            order.append("TFIELDS")
        assert names[: len(order)] == order
        _verify_fixed(hdu.cards[: len(order)])
        for card in hdu.cards:
            _verify_card(card)
        valued = [name for name in names if name not in ("", "COMMENT", "HISTORY", "CONTINUE")]
        assert len(set(valued)) == len(valued), "a keyword stands there twice"
        read_cards(hdu.cards)


def _verify_card(card: str) -> None:
    assert len(card) == CARD
    assert re.fullmatch(r"[ -~]{80}", card), card
    name = card[:8]
    assert re.fullmatch(r"[A-Z0-9_-]{0,8} *", name), f"{name!r} is no legal name"
    if card[8:10] == "= " and name.rstrip() not in ("COMMENT", "HISTORY", ""):
        assert _VALUE.fullmatch(card[10:]), f"no legal value: {card}"
        # what the standard asks of mandatory keywords, and CFITSIO writes for all
        if card[10] != "'":
            assert re.match(r" *[^ /]*( /|  |$)", card[10:])
    elif name == "CONTINUE":
        assert re.fullmatch(r"  '(?:[^']|'')*' *(/.*)?", card[8:]), card
    else:
        assert name.rstrip() in ("COMMENT", "HISTORY", ""), f"no value indicator: {card}"


def _verify_fixed(cards: list[str]) -> None:
    """Mandatory values stand right-justified in columns 11 to 30, or begin in column 11."""
    for card in cards:
        assert card[10] == "'" or (card[29] != " " and card[30] == " "), f"no fixed format: {card}"


def _header(content: bytes, start: int) -> tuple[list[str], int]:
    cards = list(_cards_until_end(content, start))
    end = start + math.ceil((len(cards) + 1) * CARD / BLOCK) * BLOCK
    assert not content[start + (len(cards) + 1) * CARD : end].strip(b" "), "END is followed"
    return cards, end


def _cards_until_end(content: bytes, at: int) -> Iterator[str]:
    while (card := content[at : at + CARD]) != _END:
        assert len(card) == CARD, "the header has no END"
        yield card.decode("ascii")
        at += CARD


def _size(cards: list[str]) -> int:
    values = {card[:8].rstrip(): card[10:30].strip() for card in cards if card[8:10] == "= "}
    axes = [int(values[f"NAXIS{n + 1}"]) for n in range(int(values["NAXIS"]))]
    elements = math.prod(axes) if axes else 0
    count, heap = int(values.get("GCOUNT", 1)), int(values.get("PCOUNT", 0))
    return abs(int(values["BITPIX"])) // 8 * count * (heap + elements)


def _read(name: str, text: str) -> Read:
    found = _VALUE.fullmatch(text)
    if found is None:
        # numbers as old files have them, and no FITS file may: nan, and 1e+22 with a small e
        value, _, comment = text.partition(" /")
        return Read(name, float(value), comment.strip())
    comment = (found["comment"] or "").strip()
    if found["text"] is not None:
        text = found["text"][1:-1].replace("''", "'")
        # trailing blanks do not count, but a text of blanks is not an empty one
        return Read(name, text.rstrip() or text[:1], comment)
    if found["logical"]:
        return Read(name, found["logical"] == "T", comment)
    if found["integer"]:
        return Read(name, int(found["integer"]), comment)
    if found["real"]:
        return Read(name, float(found["real"].replace("D", "E")), comment)
    return Read(name, None, comment)
