"""Cards of a FITS header: a name, a value, a comment, and the 80 characters that they make.

They are laid out as CFITSIO does it for JSOC. Astropy would cut a number at twenty characters,
and a double can need more to be the same again.

Source: FITS standard 4.0, sections 4.1 and 4.2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from drmsmirror.model.fitsnames import is_commentary

__all__ = ["CARD", "Card", "plain_text"]

#: Characters of a card.
CARD: Final = 80

_VALUE: Final = 20  # a number ends, and a comment begins, no earlier than after this many
_TEXT: Final = 68  # the longest text that one card holds, quotes in it doubled
_COMMENTARY: Final = 72


@dataclass(frozen=True, slots=True)
class Card:
    """One keyword of a header.

    Parameters
    ----------
    name : str
        Legal FITS name; ``HISTORY`` and ``COMMENT`` have a text and no comment.
    value : str, bool, int, float or None
        None where there is no value, which is said so in the header. Floats are finite.
    comment : str
        Cut where the card ends.
    """

    name: str
    value: str | bool | int | float | None = None
    comment: str = ""

    def images(self) -> Iterator[str]:
        """The card as it stands in a file: 80 characters, more than once for long texts."""
        if is_commentary(self.name):
            yield from self._commentary()
            return
        *pieces, last = self._values()
        head = f"{self.name:<8}= "
        for piece in pieces:
            yield f"{head}{piece}".ljust(CARD)
            head = "CONTINUE  "
        card = f"{head}{last:<{_VALUE}}"
        if self.comment:
            card = f"{card} / {plain_text(self.comment)}"
        yield card[:CARD].ljust(CARD)

    def _values(self) -> list[str]:
        """The value as text, in as many pieces as it needs cards."""
        value = self.value
        if value is None:
            return [""]
        if isinstance(value, str):
            return _quoted(plain_text(value).rstrip() or " ")
        if isinstance(value, bool):
            return [f"{'T' if value else 'F':>{_VALUE}}"]
        return [f"{value if isinstance(value, int) else _number(value):>{_VALUE}}"]

    def _commentary(self) -> Iterator[str]:
        for line in str(self.value or "").rstrip().splitlines():
            text = plain_text(line)
            for start in range(0, max(len(text), 1), _COMMENTARY):
                yield f"{self.name:<8}{text[start : start + _COMMENTARY]}".ljust(CARD)


def plain_text(text: str) -> str:
    """A text with what FITS has no character for as a question mark, blank for breaks and tabs."""
    return re.sub(r"[^ -~]", "?", re.sub(r"\s", " ", text))


def _number(value: float) -> str:
    """The fewest digits that are the same double again, with a point as FITS readers expect it."""
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot stand in a FITS header")
    mantissa, exponent, power = repr(value).upper().partition("E")
    if exponent:
        return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}E{power}"
    return mantissa.removesuffix("0") if mantissa.endswith(".0") else mantissa


def _quoted(text: str) -> list[str]:
    """A text in quotes, at least eight characters wide; in pieces that end in ``&`` if long."""
    escaped = [character.replace("'", "''") for character in text]
    pieces = [""]
    rest = sum(map(len, escaped))
    for character in escaped:
        if len(pieces[-1]) + rest > _TEXT and len(pieces[-1]) + len(character) >= _TEXT:
            pieces.append("")
        pieces[-1] += character
        rest -= len(character)
    *first, last = pieces
    return [*(f"'{piece}&'" for piece in first), f"'{last:<8}'"]
