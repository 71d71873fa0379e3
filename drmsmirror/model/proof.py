"""Tell without printing that a value prints as the text that it came from.

Printing every value again to compare it costs more than everything else at ingest. For the usual
formats it need not be done: a text in the one form that the format prints, whose value lies safely
within half a unit of its last digit, is what the value prints as. What cannot be told this way is
not claimed; it is printed and compared.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.types import KeywordType

__all__ = ["proves_text"]

#: Decimal digits that survive text to double to text, whatever they are (DBL_DIG).
_SAFE_DIGITS = 15

#: Part of a unit of the last digit by which a value may be off; beyond half it prints otherwise.
_MARGIN = 0.499

_INTEGER = re.compile(r"%d|0x%0(?P<width>\d+)(?P<letter>[xX])")
_FLOAT = re.compile(r"%(?:\.(?P<decimals>\d+))?(?P<letter>[fe])")


def proves_text(
    type_: KeywordType, format_: str, texts: pa.StringArray, values: pa.Array
) -> pa.BooleanArray:
    """Which values certainly print as their text.

    Parameters
    ----------
    type_ : KeywordType
        A number's.
    format_ : str
        The printf format that the values print by.
    texts : pyarrow.StringArray
    values : pyarrow.Array
        What the texts were read as.
    """
    proof = _prove_integers if type_.is_integer else _prove_floats
    return pc.fill_null(proof(format_, texts, values), False)


def _nothing(texts: pa.StringArray) -> pa.BooleanArray:
    return pa.array(np.zeros(len(texts), dtype=bool))


def _prove_integers(format_: str, texts: pa.StringArray, _: pa.Array) -> pa.BooleanArray:
    """A number without leading zeros, or padded to the format's width, is written in one way."""
    found = _INTEGER.fullmatch(format_)
    if found is None:
        return _nothing(texts)
    if found["width"] is None:
        return pc.match_substring_regex(texts, r"^(?:0|-?[1-9][0-9]*)$")
    letters = "a-f" if found["letter"] == "x" else "A-F"
    width = int(found["width"])
    padded, longer = f"[0-9{letters}]{{{width}}}", f"[1-9{letters}][0-9{letters}]{{{width},}}"
    return pc.match_substring_regex(texts, f"^0x(?:{padded}|{longer})$")


def _prove_floats(format_: str, texts: pa.StringArray, values: pa.Array) -> pa.BooleanArray:
    found = _FLOAT.fullmatch(format_)
    decimals = 6 if found is None or found["decimals"] is None else int(found["decimals"])
    if found is None or not 0 < decimals < _SAFE_DIGITS - 1:
        return _nothing(texts)
    is_exponent = found["letter"] == "e"
    whole = "[1-9]" if is_exponent else rf"(?:0|[1-9][0-9]{{0,{_SAFE_DIGITS - decimals - 1}}})"
    exponent = r"e[+-](?:[0-9]{2}|[1-9][0-9]{2})" if is_exponent else ""
    in_form = pc.match_substring_regex(texts, rf"^-?{whole}\.[0-9]{{{decimals}}}{exponent}$")
    stored = values.to_numpy(zero_copy_only=False).astype(np.float64)
    shown = stored  # a double is what the text says
    if values.type != pa.float64():
        numbers = pc.cast(pc.if_else(in_form, texts, "0"), pa.float64())
        shown = numbers.to_numpy(zero_copy_only=False)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        size = np.abs(shown)
        # where the logarithm is rounded down the unit is too small, and less is proved
        power = np.floor(np.log10(size)) if is_exponent else 0.0
        unit = 10.0 ** (power - decimals)
        close = np.abs(stored - shown) < _MARGIN * unit
    return pc.and_(in_form, pa.array(close))
