"""C's printf formats on columns: numbers and texts to text, and text back to numbers.

Source: DRMS semantics 2.2, rule 3; the C standard, 7.21.6.1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Printf", "cast_numbers", "fit_values"]

_CONVERSION: Final = re.compile(
    r"%(?P<flags>[-+ #0]*)(?P<size>\d*(?:\.\d+)?)"
    r"(?:hh|h|ll|l|L|q|j|z|t)?(?P<kind>[diuoxXcfFeEgGs])"
)
_BASES: Final = {"x": 16, "X": 16, "o": 8}


@dataclass(frozen=True, slots=True)
class Printf:
    """One format, such as ``%10.3f`` or ``S%05d``.

    Parameters
    ----------
    before, after : str
        Text around the conversion, as it prints.
    flags, size, kind : str
        The parts of the conversion; its length modifier (``ll``) means nothing here.
    """

    before: str
    flags: str
    size: str
    kind: str
    after: str

    @classmethod
    def of(cls, text: str) -> Printf:
        """Understand a format; one without a conversion that is known prints the value alone."""
        return _understood(text)

    @property
    def base(self) -> int:
        """Of the digits that it prints."""
        return _BASES.get(self.kind, 10)

    @property
    def is_unsigned(self) -> bool:
        """Whether the bits of a negative number print as those of a large one."""
        return self.kind in "uoxX"

    def print_numbers(self, numbers: Sequence[Any], bits: int) -> list[str]:
        """Print numbers, whole ones of a type of so many bits."""
        if not numbers:
            return []
        is_real = isinstance(numbers[0], float)
        if is_real and self.kind in "diuoxXc" and not all(map(math.isfinite, numbers)):
            return [self._print_whole(number, bits) for number in numbers]
        if self.is_unsigned:
            mask = 2**bits - 1
            numbers = [int(number) & mask for number in numbers]
        elif self.kind == "c":
            numbers = [int(number) & 255 for number in numbers]
        if "#" in self.flags and self.kind in "oxX":
            return [self._print_marked(number) for number in numbers]
        if self.kind in "fFeEgG" and "0" in self.flags and not all(map(math.isfinite, numbers)):
            return [self._print_filled(number) for number in numbers]
        # one format for the whole column: several times faster than one call a value
        return self._print_all(numbers)

    def print_texts(self, texts: Sequence[str]) -> list[str]:
        """Print texts."""
        if self.kind != "s":  # C would print where the text is in memory
            return list(texts)
        return list(texts) if self.is_plain_text else self._print_all(texts)

    @property
    def is_plain_text(self) -> bool:
        """Whether texts print as they are."""
        return (self.before, self.flags, self.size, self.kind, self.after) == ("", "", "", "s", "")

    def read_numbers(self, texts: pa.StringArray, target: pa.DataType) -> pa.Array:
        """Read what it printed; null for each text that is no number."""
        if not (self.is_unsigned and pa.types.is_integer(target)):
            return cast_numbers(self._without_surroundings(texts), target)
        return _cast_each(texts, target, self._read_bits)

    def read_texts(self, texts: pa.StringArray) -> pa.StringArray:
        """Read what it printed, without what fills up the width."""
        if self.is_plain_text:
            return texts
        return pc.utf8_trim_whitespace(self._without_surroundings(texts))

    def _print_all(self, values: Sequence[Any]) -> list[str]:
        one = f"%{self.flags}{self.size}{self.kind}"
        around = (self.before.replace("%", "%%"), self.after.replace("%", "%%"))
        separator = "\x1e"
        joined: str = (f"{around[0]}{one}{around[1]}{separator}" * len(values)) % tuple(values)
        return joined.split(separator)[:-1]

    def _print_whole(self, number: float, bits: int) -> str:
        """Where C would print bits that mean nothing, the number that is none says so."""
        printed = self if math.isfinite(number) else replace(self, kind="f", flags="", size="")
        return printed.print_numbers([number], bits)[0]

    def _print_filled(self, number: float) -> str:
        """C fills up infinity and NaN with blanks only."""
        flags = self.flags if math.isfinite(number) else self.flags.replace("0", "")
        return replace(self, flags=flags).print_numbers([number], bits=64)[0]

    def _print_marked(self, number: int) -> str:
        """C marks octal numbers by a zero, and zero by nothing; Python does neither."""
        flags = self.flags.replace("#", "")
        plain = f"%{flags}{self.size}{self.kind}"
        if number == 0:
            return f"{self.before}{plain % 0}{self.after}"
        if self.kind == "o":
            digits = f"0{number:o}"
            width = int(self.size.partition(".")[0] or 0)
            filler = "0" if "0" in flags and "-" not in flags else " "
            filled = digits.ljust(width) if "-" in flags else digits.rjust(width, filler)
            return f"{self.before}{filled}{self.after}"
        marked = f"%{self.flags}{self.size}{self.kind}"
        return f"{self.before}{marked % number}{self.after}"

    def _read_bits(self, word: str) -> int:
        """One number; without the mark of hexadecimal digits, which would print, a plain one."""
        mark = f"{self.before}{'0x' if '#' in self.flags and self.base == 16 else ''}".lower()
        if mark.endswith("0x") and not word.strip().lower().startswith(mark):
            return _decimal_or_hexadecimal(word)
        if word.startswith(self.before) and word.endswith(self.after):
            word = word[len(self.before) : len(word) - len(self.after)]
        return int(word, self.base)

    def _without_surroundings(self, texts: pa.StringArray) -> pa.StringArray:
        if not (self.before or self.after):
            return texts
        pattern = f"^{re.escape(self.before)}(.*){re.escape(self.after)}$"
        return pc.replace_substring_regex(texts, pattern, r"\1")


@cache
def _understood(text: str) -> Printf:
    literal = text.replace("%%", "\0")
    found = _CONVERSION.search(literal)
    if found is None:
        return Printf("", "", "", "s", "")
    before, after = (
        part.replace("\0", "%") for part in (literal[: found.start()], literal[found.end() :])
    )
    return Printf(before, found["flags"], found["size"], found["kind"], after)


def cast_numbers(texts: pa.StringArray, target: pa.DataType) -> pa.Array:
    """Numbers from printed texts, hexadecimal ones too; null for each text that is none."""
    try:
        return pc.cast(texts, target)
    except pa.ArrowInvalid:
        trimmed = pc.utf8_trim_whitespace(texts)
        if pa.types.is_floating(target):
            return _cast_each(trimmed, target, float)
        return _cast_each(trimmed, target, _decimal_or_hexadecimal)


def fit_values(values: pa.Array, target: pa.DataType, *, as_bits: bool = False) -> pa.Array:
    """Values of one type as those of another; null for each that is none of it.

    Parameters
    ----------
    values : pyarrow.Array
        Numbers, or for texts anything that prints as text.
    target : pyarrow.DataType
        Whole numbers, real ones (which may be rounded) or texts.
    as_bits : bool
        Whether a whole number that is too large by one bit stands for the bits of a negative one,
        as it does in a text whose format is hexadecimal.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(target) or pa.types.is_null(values.type):
        with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return pc.cast(values, target)
    elif _is_number(values.type) and pa.types.is_floating(target):
        fitted = pc.cast(values, target, safe=False)
        is_lost = pc.and_not(
            pc.is_inf(fitted), pc.is_inf(pc.cast(values, pa.float64(), safe=False))
        )
        return pc.if_else(is_lost, pa.scalar(None, target), fitted)
    elif _is_number(values.type):
        with suppress(pa.ArrowInvalid):
            return pc.cast(values, target)
        fitted = [_whole_or_none(number, target, as_bits) for number in values.to_pylist()]
        return pa.array(fitted, target)
    return pa.nulls(len(values), target)


def _is_number(type_: pa.DataType) -> bool:
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return any(is_kind(type_) for is_kind in kinds)


def _whole_or_none(number: Any, target: pa.DataType, as_bits: bool) -> int | None:
    if number is None or not math.isfinite(number) or number != int(number):
        return None
    return _fitting(int(number), target, as_bits)


def _decimal_or_hexadecimal(word: str) -> int:
    return int(word, 16 if word.lower().startswith("0x") else 10)


def _cast_each(texts: pa.StringArray, target: pa.DataType, read: Callable[[str], Any]) -> pa.Array:
    """Each different text once, since formats that need this print few."""
    encoded = texts.dictionary_encode()
    numbers = [_number_or_none(word, target, read) for word in encoded.dictionary.to_pylist()]
    return pa.array(numbers, target).take(encoded.indices)


def _number_or_none(word: str, target: pa.DataType, read: Callable[[str], Any]) -> Any:
    try:
        number = read(word)
    except (ValueError, OverflowError):
        return None
    if pa.types.is_floating(target):
        return number
    as_bits = read is not _decimal_or_hexadecimal or word.lower().startswith("0x")
    return _fitting(number, target, as_bits)


def _fitting(number: int, target: pa.DataType, as_bits: bool) -> int | None:
    """A whole number that its type can hold; with its bits as those of a negative one."""
    limit: int = 2 ** (target.bit_width - 1)
    if as_bits and limit <= number < 2 * limit:
        return number - 2 * limit
    return number if -limit <= number < limit else None
