"""Tell without printing which number a value is once it was printed.

A ``float`` that prints by ``%e`` is shown with seven digits, and whoever reads them has that
decimal number, not the one that is stored. To print every value and to read it again costs more
than everything else of a large table. For the usual formats it need not be done: the digits are
a whole number and a power of ten that doubles hold exactly, so that one multiplication finds the
digits and one division rounds them as reading them does. Where this is not certain, because the
value lies near the middle of two decimal numbers or has too many digits, it is said so.

Source: DRMS semantics 2.2, rule 3; the C standard, 7.21.6.1.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

from drmsmirror.model.printf import Printf
from drmsmirror.model.types import KeywordType

__all__ = ["printed_numbers"]

_Numbers = np.ndarray[Any, np.dtype[Any]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]

#: Powers of ten that doubles hold exactly: up to this one.
_EXACT = 22

#: A ``float`` times a power of ten up to this one is a double, exactly (24 + 28 bits).
_EXACT_SHIFT = 12

#: Whole numbers below this have every digit, and room to tell a half.
_LARGEST = 2.0**50

#: Part by which a product can be off, with room.
_OFF = 2.0**-51

#: What may be taken from the room around a half without leaving much in doubt.
_LITTLE = 1e-5

_PRECISION = re.compile(r"\d*(?:\.(\d+))?")


def printed_numbers(type_: KeywordType, format_: str, values: pa.Array) -> tuple[_Numbers, _Flags]:
    """The numbers that values print as, and where that is certain.

    Parameters
    ----------
    type_ : KeywordType
        A number's.
    format_ : str
        The printf format that the values print by.
    values : pyarrow.Array
        Without nulls.

    Returns
    -------
    numbers : numpy.ndarray
        int64, or float64 for a real type; NaN stays NaN.
    certain : numpy.ndarray
        Of bool. Elsewhere the value has to be printed.
    """
    given = values.to_numpy(zero_copy_only=False)
    if type_.is_integer:
        return _whole(type_, format_, given.astype(np.int64))
    return _real(type_, format_, given.astype(np.float64))


def _whole(type_: KeywordType, format_: str, numbers: _Numbers) -> tuple[_Numbers, _Flags]:
    """Bits print as a large number; what reads hexadecimal digits needs their mark."""
    printf = Printf.of(format_)
    is_marked = printf.before == "0x" or "#" in printf.flags
    is_plain = not (printf.before or printf.after) and printf.kind in "diu"
    is_bits = printf.kind in "xX" and is_marked and not printf.after
    certain = np.full(len(numbers), is_plain or is_bits)
    if not printf.is_unsigned:
        return numbers, certain
    if type_.bits < 64:
        return numbers & (2**type_.bits - 1), certain
    return numbers, certain & (numbers >= 0)


def _real(type_: KeywordType, format_: str, values: _Numbers) -> tuple[_Numbers, _Flags]:
    printf = Printf.of(format_)
    found = _PRECISION.fullmatch(printf.size)
    if printf.before or printf.after or printf.kind not in "fFeEgG" or found is None:
        return values, np.zeros(len(values), dtype=bool)
    digits = 6 if found[1] is None else int(found[1])
    exact_shift = _EXACT_SHIFT if type_ is KeywordType.FLOAT else -1
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if printf.kind in "fF":
            return _fixed(values, digits, exact_shift)
        digits = digits + 1 if printf.kind in "eE" else max(digits, 1)
        return _significant(values, digits, exact_shift)


def _fixed(values: _Numbers, decimals: int, exact_shift: int) -> tuple[_Numbers, _Flags]:
    """With so many decimals."""
    if decimals > _EXACT:
        return values, np.isnan(values)
    unit = 10.0**decimals
    scaled = values * unit
    whole = np.rint(scaled)
    certain = _is_clear(scaled, whole, np.abs(scaled), decimals <= exact_shift)
    whole /= unit
    return whole, certain


def _significant(values: _Numbers, digits: int, exact_shift: int) -> tuple[_Numbers, _Flags]:
    """With so many digits; the logarithm may be rounded to the wrong side of a power of ten."""
    power = np.floor(np.log10(np.abs(values)))
    shift = digits - 1 - power
    reach = np.clip(np.nan_to_num(shift, posinf=0.0, neginf=0.0), -_EXACT, _EXACT).astype(np.int64)
    up, down = _UP[reach + _EXACT], _DOWN[reach + _EXACT]
    scaled = values * up
    scaled /= down
    whole = np.rint(scaled)
    size = np.abs(scaled)
    in_reach = (np.abs(shift) <= _EXACT) & (size >= 10.0 ** (digits - 1)) & (size < 10.0**digits)
    certain = _is_clear(scaled, whole, size, (shift >= 0) & (shift <= exact_shift))
    certain &= in_reach | (values == 0) | np.isnan(values)
    whole /= up
    whole *= down
    return whole, certain


def _is_clear(scaled: _Numbers, whole: _Numbers, size: _Numbers, is_exact: bool | _Flags) -> _Flags:
    """Whether products, which are off by a little, were certainly rounded to the right side.

    Of one that is exact a half is rounded to the even side, here as in C.
    """
    largest = float(np.fmax.reduce(size, initial=0.0))
    off = largest if largest * _OFF < _LITTLE else size  # one limit does for most columns
    certain: _Flags = (np.abs(scaled - whole) < 0.5 - off * _OFF) | is_exact
    if largest >= _LARGEST:
        certain &= size < _LARGEST
    certain |= np.isnan(scaled)
    return certain


#: By shift, from the smallest: what multiplies and what divides; one of the two is 1.
_UP, _DOWN = (
    np.array([10.0 ** max(sign * shift, 0) for shift in range(-_EXACT, _EXACT + 1)])
    for sign in (1, -1)
)
