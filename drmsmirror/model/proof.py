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
_FLOAT = re.compile(r"%(?:\.(?P<decimals>\d+))?(?P<letter>[feg])")


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
    letter = found["letter"]
    in_form = pc.match_substring_regex(texts, f"^-?(?:{_FORMS[letter](decimals)})$")
    stored = values.to_numpy(zero_copy_only=False).astype(np.float64)
    shown = stored  # a double is what the text says
    if values.type != pa.float64():
        numbers = pc.cast(pc.if_else(in_form, texts, "0"), pa.float64())
        shown = numbers.to_numpy(zero_copy_only=False)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # by the smaller of the two: just below a power of ten the last digit is worth a tenth, and
        # where the logarithm is rounded down the unit is too small, and less is proved
        size = np.minimum(np.abs(shown), np.abs(stored))
        power = 0.0 if letter == "f" else np.floor(np.log10(size))
        unit = 10.0 ** (power - decimals + (letter == "g"))
        close = np.abs(stored - shown) < _MARGIN * unit
    return pc.and_(in_form, pa.array(close))


def _fixed(decimals: int) -> str:
    """What ``%.Nf`` prints, of so few digits that all are safe."""
    return rf"(?:0|[1-9][0-9]{{0,{_SAFE_DIGITS - decimals - 1}}})\.[0-9]{{{decimals}}}"


def _exponential(decimals: int) -> str:
    """What ``%.Ne`` prints."""
    return rf"[1-9]\.[0-9]{{{decimals}}}e[+-](?:[0-9]{{2}}|[1-9][0-9]{{2}})"


def _general(digits: int) -> str:
    """What ``%.Ng`` prints: without zeros at the end, from 1e-4 on without an exponent."""
    wholes = [f"[1-9][0-9]{{0,{digits - 1}}}"]
    mixed = [
        rf"[1-9][0-9]{{{before - 1}}}\.{_ending(digits - before)}" for before in range(1, digits)
    ]
    small = [
        rf"0\.0{{0,3}}(?:[1-9]|[1-9]{_ending(digits - 1)})" if digits > 1 else r"0\.0{0,3}[1-9]"
    ]
    mantissa = rf"[1-9](?:\.{_ending(digits - 1)})?" if digits > 1 else "[1-9]"
    large = "|".join(f"{exponent:02d}" for exponent in range(digits, 100))
    tiny = "0[5-9]|[1-9][0-9]"
    powers = rf"(?:\+(?:{large}|[1-9][0-9]{{2}})|-(?:{tiny}|[1-9][0-9]{{2}}))"
    return "|".join([*wholes, *mixed, *small, f"{mantissa}e{powers}"])


def _ending(digits: int) -> str:
    """Up to so many digits, the last of them no zero."""
    return f"[0-9]{{0,{digits - 1}}}[1-9]"


_FORMS = {"f": _fixed, "e": _exponential, "g": _general}
