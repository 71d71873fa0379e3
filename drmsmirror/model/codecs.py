"""Text codecs: how the values of one keyword print, learnt and checked.

DRMS over HTTP speaks text: each value printed by its keyword's own format, which ``series_struct``
does not give. A codec turns that text into typed values and back. Every value is printed again and
compared with what came in; where the two differ, the exact text is kept beside the value, so that
nothing is ever lost. All work is done on whole columns.

Sources: DRMS semantics 2.2 (how values print), 2.6 (times).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from drmsmirror.model.printf import Printf, cast_numbers, fit_values
from drmsmirror.model.proof import proves_text
from drmsmirror.model.rounding import printed_numbers
from drmsmirror.model.series import Keyword
from drmsmirror.model.times import (
    TimeStyle,
    is_print_zone,
    learn_time_format,
    parse_times,
    time_style,
)
from drmsmirror.model.types import MISSING_TIME_TOLERANCE, KeywordType

__all__ = [
    "INVALID_KEY",
    "MISSING_TEXT",
    "Codec",
    "Decoded",
    "NumbersRead",
    "arrow_type",
    "cast_numbers",
    "codec_of",
    "default_codec",
    "definition_format",
    "fit_values",
    "is_missing",
    "learn_codec",
    "present",
    "widest_codec",
]

#: What ``rs_list`` prints for a missing value (DRMS semantics 2.2, rule 1).
MISSING_TEXT = "MISSING"

#: What it prints for a keyword that the series has not, or a link that leads nowhere (rule 2).
INVALID_KEY = "Invalid KeyLink"

#: The one name by which a missing value prints like any other (DRMS semantics 2.2, rule 1).
_ALWAYS_PRINTED = "QUALITY"

#: How many texts are looked at to learn a format.
_SAMPLE = 2000

#: How the format of a time begins that is counted in intervals.
_EVERY = "every "

#: Formats of time codecs; a definition may give one where DRMS's own formats cannot say it.
_TIME_FORMAT = re.compile(
    rf"{_EVERY}(?P<interval>\d+(?:\.\d*)?(?:e[+-]?\d+)?) .*%.*|(?P<zone>\S+) -?\d+", re.ASCII
)

#: With so many decimals a time has all its digits.
_MICROSECONDS = 6

#: Formats that leave out no digit.
_WIDEST = {KeywordType.FLOAT: "%.9G", KeywordType.DOUBLE: "%.17G"}

_ARROW_TYPES: dict[KeywordType, pa.DataType] = {
    KeywordType.CHAR: pa.int8(),
    KeywordType.SHORT: pa.int16(),
    KeywordType.INT: pa.int32(),
    KeywordType.LONGLONG: pa.int64(),
    KeywordType.FLOAT: pa.float32(),
    KeywordType.DOUBLE: pa.float64(),
    KeywordType.TIME: pa.float64(),
    KeywordType.STRING: pa.string(),
}


def arrow_type(type_: KeywordType) -> pa.DataType:
    """The Arrow type in which values of a keyword type are stored."""
    return _ARROW_TYPES[type_]


def is_missing(type_: KeywordType, values: pa.Array) -> pa.BooleanArray:
    """Which stored values stand for "missing" (DRMS semantics 2.1)."""
    if type_.is_float:
        return pc.is_nan(values)
    if type_ is KeywordType.TIME:
        distance = np.abs(values.to_numpy(zero_copy_only=False) - type_.missing)
        return pa.array(~(distance > MISSING_TIME_TOLERANCE))
    return pc.equal(values, pa.scalar(type_.missing, arrow_type(type_)))


#: Reads printed numbers as values of a type, with null for each text that is none.
NumbersRead = Callable[[pa.StringArray, pa.DataType], pa.Array]


def present(texts: pa.StringArray) -> pa.StringArray:
    """Printed values with null for what ``rs_list`` prints where there is none."""
    absent = pc.or_(pc.equal(texts, MISSING_TEXT), pc.equal(texts, INVALID_KEY))
    return pc.if_else(absent, pa.scalar(None, pa.string()), texts)


@dataclass(frozen=True, slots=True)
class Decoded:
    """One column of text, typed.

    Parameters
    ----------
    values : pyarrow.Array
        Typed values without nulls; missing ones are DRMS's sentinels.
    exact : dict of int to str
        By row, the text of each value that does not print back as it came.
    """

    values: pa.Array
    exact: dict[int, str]


@dataclass(frozen=True, slots=True)
class Codec:
    """How the values of one keyword print.

    Parameters
    ----------
    type : KeywordType
        Type of the values.
    format : str
        A printf format (``%e``, ``0x%08X``); of a time, zone and precision (``TAI 3``), or the
        interval in which it is counted (``every 86400.0 %f``).
    always_prints : bool
        Whether a missing value prints by the format instead of as ``MISSING``.
    """

    type: KeywordType
    format: str
    always_prints: bool = False

    @property
    def shows_bits(self) -> bool:
        """Whether a negative number prints as the large one that has the same bits."""
        return self.type.is_integer and Printf.of(self.format).is_unsigned

    def decode(self, texts: pa.StringArray) -> Decoded:
        """Type a column of texts and note each that would not print back the same.

        Parameters
        ----------
        texts : pyarrow.StringArray
            Values as ``rs_list`` printed them; a null counts as missing.
        """
        values = self._parse(texts)
        doubtful = pc.indices_nonzero(pc.invert(self._is_proven(texts, values)))
        if not len(doubtful):
            return Decoded(values, {})
        given = texts.take(doubtful).to_pylist()
        printed = self.encode(values.take(doubtful))
        rows = zip(doubtful.to_pylist(), given, printed, strict=True)
        return Decoded(values, {row: was for row, was, now in rows if was not in (now, None)})

    def encode(self, values: pa.Array) -> list[str]:
        """Print a column of stored values as ``rs_list`` does."""
        missing = is_missing(self.type, values)
        if self.always_prints or not pc.any(missing).as_py():
            return self._print(values)
        printed = iter(self._print(values.filter(pc.invert(missing))))
        return [MISSING_TEXT if gone else next(printed) for gone in missing.to_pylist()]

    def numbers(self, values: pa.Array, read: NumbersRead = cast_numbers) -> pa.Array:
        """The numbers that a column of stored values prints as, null where it prints none.

        Parameters
        ----------
        values : pyarrow.Array
            Of a type of numbers.
        read : callable
            Reads those that have to be printed to know.

        Returns
        -------
        pyarrow.Array
            int64, or double for real numbers.
        """
        target = pa.int64() if self.type.is_integer else pa.float64()
        if self.always_prints and not self.type.is_integer:
            return read(pa.array(self.encode(values)), target)
        numbers, certain = printed_numbers(self.type, self.format, values)
        missing = np.isnan(numbers) if self.type.is_float else None
        if self.type.is_integer and not self.always_prints:
            missing = values.to_numpy(zero_copy_only=False) == self.type.missing
        shown = pa.array(numbers, mask=missing)
        doubtful = ~certain if missing is None else ~(certain | missing)
        if not doubtful.any():
            return shown
        printed = self.encode(values.filter(pa.array(doubtful)))
        return pc.replace_with_mask(shown, pa.array(doubtful), read(pa.array(printed), target))

    def strings(self, values: pa.Array) -> pa.StringArray:
        """What :meth:`encode` gives, as an Arrow array, which is quicker for times and texts."""
        if self.type is KeywordType.TIME:
            printed = _time_style(self.format).format(values.to_numpy(zero_copy_only=False))
            shown = pa.array(printed).cast(pa.string())
        elif self.type is KeywordType.STRING and Printf.of(self.format).is_plain_text:
            shown = values
        else:
            shown = pa.array(self._print(values), pa.string())
        if self.always_prints:
            return shown
        return pc.if_else(is_missing(self.type, values), MISSING_TEXT, shown)

    def _is_proven(self, texts: pa.StringArray, values: pa.Array) -> pa.BooleanArray:
        """Which values need not be printed to know that they print as they came."""
        if self.type is KeywordType.STRING:
            plain = Printf.of(self.format).is_plain_text
            return pc.fill_null(pc.and_(pc.not_equal(texts, ""), pa.scalar(plain)), False)
        if self.type is KeywordType.TIME:
            return self._is_same_time(texts, values)
        proven = proves_text(self.type, self.format, texts, values)
        if self.always_prints:
            return proven
        missing = is_missing(self.type, values)
        says_so = pc.fill_null(pc.equal(texts, MISSING_TEXT), False)
        return pc.or_(pc.and_not(proven, missing), pc.and_(says_so, missing))

    def _is_same_time(self, texts: pa.StringArray, values: pa.Array) -> pa.BooleanArray:
        printed = _time_style(self.format).format(values.to_numpy(zero_copy_only=False))
        missing = is_missing(self.type, values)
        shown = pc.if_else(missing, MISSING_TEXT, pa.array(printed).cast(pa.string()))
        return pc.fill_null(pc.equal(texts, shown), False)

    def _print(self, values: pa.Array) -> list[str]:
        if not len(values):
            return []
        if self.type is KeywordType.TIME:
            printed = _time_style(self.format).format(values.to_numpy(zero_copy_only=False))
            return [text.decode("ascii") for text in printed.tolist()]
        if self.type is KeywordType.STRING:
            return Printf.of(self.format).print_texts(values.to_pylist())
        return Printf.of(self.format).print_numbers(values.to_pylist(), self.type.bits)

    def _parse(self, texts: pa.StringArray) -> pa.Array:
        blank = pa.scalar(None, pa.string())
        given = pc.if_else(pc.equal(texts, MISSING_TEXT), blank, texts)
        if self.type is KeywordType.STRING:
            return pc.fill_null(Printf.of(self.format).read_texts(given), "")
        if self.type is KeywordType.TIME:
            return self._parse_times(given)
        target = arrow_type(self.type)
        typed = Printf.of(self.format).read_numbers(given, target)
        return pc.fill_null(typed, pa.scalar(self.type.missing, target))

    def _parse_times(self, given: pa.StringArray) -> pa.Array:
        style = _time_style(self.format)
        if style.interval is not None:
            count = Printf.of(style.number_format).read_numbers(given, pa.float64())
            return pc.fill_null(pc.multiply(count, style.interval), self.type.missing)
        values, valid = parse_times(pc.fill_null(given, "").cast(pa.string()))
        return pa.array(np.where(valid, values, self.type.missing))


def codec_of(keyword: Keyword, codec_format: str | None = None) -> Codec | None:
    """The codec that is known for a keyword, or None where it must be learnt.

    Parameters
    ----------
    keyword : Keyword
        Its own ``format`` is used where the definition gives one.
    codec_format : str, optional
        A format learnt earlier.
    """
    known = codec_format or _declared_format(keyword)
    if known is None:
        return None
    return Codec(keyword.type, known, keyword.name == _ALWAYS_PRINTED)


def default_codec(keyword: Keyword) -> Codec:
    """What prints a keyword that has shown nothing but missing values so far."""
    default = _declared_format(replace(keyword, format=keyword.type.default_format))
    return Codec(keyword.type, default or "%s", keyword.name == _ALWAYS_PRINTED)


def definition_format(keyword: Keyword, codec_format: str) -> str | None:
    """The format that a definition has to give, so that the keyword prints by a codec.

    The inverse of what :func:`codec_of` makes of a definition's format; the keyword's own where
    that says the same. Of a time it is the precision, or a zone that stands for the units, or of
    intervals the printf format (DRMS semantics 2.6); where none of them says it, as with a zone and
    a precision that are both not those of the units, the format of the codec itself.
    """
    precision, number_format = codec_format.rpartition(" ")[2], codec_format.split(" ", 2)[-1]
    spellings: list[str | None] = [keyword.format, codec_format]
    if keyword.type is KeywordType.TIME:
        zone = codec_format.rpartition(" ")[0]
        spellings = [keyword.format, precision, zone, number_format, codec_format]
    for spelling in spellings:
        if _declared_format(replace(keyword, format=spelling)) == codec_format:
            return spelling
    return codec_format


def widest_codec(keyword: Keyword) -> Codec | None:
    """What prints a keyword with all its digits, as ``M=1`` has it (DRMS semantics 2.2, rule 5).

    None where that is how the keyword prints anyway: texts, and times that are counted in
    intervals.
    """
    always = keyword.name == _ALWAYS_PRINTED
    if keyword.type is KeywordType.TIME:
        style = time_style(keyword.units)
        if style.interval is not None:
            return None
        return Codec(keyword.type, _style_format(replace(style, precision=_MICROSECONDS)), always)
    if keyword.type in _WIDEST:
        return Codec(keyword.type, _WIDEST[keyword.type], always)
    return Codec(keyword.type, "%d", always) if keyword.type.is_integer else None


def learn_codec(
    keyword: Keyword, texts: pa.StringArray, values: pa.Array | None = None
) -> Codec | None:
    """The codec that prints a column as it came, or most of it; None if it holds no value.

    Parameters
    ----------
    keyword : Keyword
    texts : pyarrow.StringArray
        The column as it printed.
    values : pyarrow.Array, optional
        Its values, where they are known with digits that did not print.
    """
    is_value = pc.fill_null(pc.not_equal(texts, MISSING_TEXT), False)
    given = texts.filter(is_value)
    exact = None if values is None else values.filter(is_value).slice(0, _SAMPLE)
    sample = pc.unique(given).slice(0, _SAMPLE) if exact is None else given.slice(0, _SAMPLE)
    if not len(sample):
        return None
    words: list[str] = sample.to_pylist()
    best: Codec | None = None
    fewest = len(words) + 1
    for candidate in dict.fromkeys(_candidates(keyword, words)):
        codec = Codec(keyword.type, candidate, keyword.name == _ALWAYS_PRINTED)
        if exact is None:
            misfits = len(codec.decode(sample).exact)
        else:
            printed = codec.encode(exact)
            misfits = sum(was != now for was, now in zip(words, printed, strict=True))
        if misfits < fewest:
            best, fewest = codec, misfits
        if not misfits:
            break
    return best


def _declared_format(keyword: Keyword) -> str | None:
    if keyword.format is None:
        return "%s" if keyword.type is KeywordType.STRING else None
    if keyword.type is not KeywordType.TIME or _is_time_format(keyword.format):
        return keyword.format
    return _style_format(time_style(keyword.units, keyword.format))


def _is_time_format(text: str) -> bool:
    found = _TIME_FORMAT.fullmatch(text)
    if found is None:
        return False
    return is_print_zone(found["zone"]) if found["zone"] else float(found["interval"]) > 0


def _style_format(style: TimeStyle) -> str:
    """The format of a time codec that prints in a style."""
    if style.interval is not None:
        return f"{_EVERY}{style.interval!r} {style.number_format}"
    return f"{style.zone} {style.precision}"


def _time_style(codec_format: str) -> TimeStyle:
    """The inverse: how a time prints (DRMS semantics 2.6)."""
    if codec_format.startswith(_EVERY):
        interval, _, number_format = codec_format.removeprefix(_EVERY).partition(" ")
        return TimeStyle(interval=float(interval), number_format=number_format)
    zone, _, precision = codec_format.rpartition(" ")
    return TimeStyle(zone, int(precision))


def _candidates(keyword: Keyword, words: Sequence[str]) -> Iterator[str]:
    """Formats that could have printed the words, likely and general ones first."""
    type_, style = keyword.type, time_style(keyword.units)
    if type_ is KeywordType.TIME and style.interval is not None:
        for number_format in _float_formats(words):
            yield _style_format(replace(style, number_format=number_format))
        return
    if type_ is KeywordType.TIME:
        learnt = learn_time_format(words)
        if learnt is not None:
            yield f"{learnt[0]} {learnt[1]}"
        return
    make: Callable[[Sequence[str]], Iterator[str]] = (
        _integer_formats if type_.is_integer else _float_formats
    )
    yield from make(words)


def _integer_formats(words: Sequence[str]) -> Iterator[str]:
    widths = {len(word) for word in words}
    width = min(widths)
    if all(word.strip().lower().startswith("0x") for word in words):
        letter = "x" if any(re.search("[a-f]", word[2:]) for word in words) else "X"
        yield f"0x%0{width - 2}{letter}"
        yield f"0x%{letter}"
        return
    yield "%d"
    yield f"%0{width}d"
    yield f"%{width}d"
    yield from ("%x", "%#x", "%X", "%#X")


def _float_formats(words: Sequence[str]) -> Iterator[str]:
    """Fixed decimals, exponents and ``%g``, with the widths and digits that the words show.

    Where all words have as many decimals, fixed ones are tried first: that ``%g`` found no zero to
    drop is as unlikely as that fixed decimals show none, and formats of DRMS mostly fix them.
    """
    mantissas = [word.strip().lstrip("+-").lower().partition("e")[0] for word in words]
    decimals = [len(mantissa.partition(".")[2]) for mantissa in mantissas]
    digits = max(len(mantissa.replace(".", "").lstrip("0")) for mantissa in mantissas)
    fixed = max(decimals)
    width = min(len(word) for word in words)
    padded = any(word != word.strip() for word in words)
    general = [f"%.{count}g" if count != 6 else "%g" for count in (6, *range(max(digits, 7), 18))]
    if fixed and all(count == fixed for count in decimals):
        exponent = all("e" in word.lower() for word in words)
        letter = ("E" if any("E" in word for word in words) else "e") if exponent else "f"
        plain = f"%{letter}" if fixed == 6 else f"%.{fixed}{letter}"
        yield f"%{width}.{fixed}{letter}" if padded else plain
    yield from general
    for letter in "fe":
        yield f"%.{fixed}{letter}"
