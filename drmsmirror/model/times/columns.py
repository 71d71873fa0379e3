"""Read whole columns of DRMS times.

A column almost always has one layout: the same characters at the same places, only digits differ.
The layout is taken from one text; all texts that share it are read together, digit column by digit
column. What no layout fits is read text by text, each distinct text once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from drmsmirror.errors import TimeTextError
from drmsmirror.model.times.calendar import month_starts
from drmsmirror.model.times.grammar import match_time
from drmsmirror.model.times.parsing import parse_time, tai_from_clock
from drmsmirror.model.times.zones import Zone, find_zone

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TimeTexts", "learn_time_format", "parse_times"]

#: What `parse_times` reads: an array of dtype ``S``, a string array of Arrow, or texts.
TimeTexts: TypeAlias = "NDArray[np.bytes_] | pa.Array[Any] | pa.ChunkedArray[Any] | Sequence[str]"

_Bytes = NDArray[np.uint8]
_T = TypeVar("_T")

_WIDEST: Final = 48  # no fixed layout is longer
_MOST_LAYOUTS: Final = 8
_ISO_OR_Z: Final = "ISO or Z"  # before the year 0 the two print alike
_ZERO: Final = np.uint8(ord("0"))
_OCTOBER_1582: Final = 1582 * 12 + 9

_FIXED = re.compile(
    r"(?P<year>[0-9]{4})([.-])(?P<month>[0-9]{2})\2(?P<day>[0-9]{2})"
    r"(?:[_T ](?P<hour>[0-9]{2})"
    r"(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,15}))?)?)?)?"
    r"(?![0-9.:])"
)
_PRINTED = re.compile(
    r"-?[0-9]{4,}(?:(?P<separator>[.-])(?P<month>[0-9]{2})(?:(?P=separator)(?P<day>[0-9]{2})"
    r"(?:(?P<t>[_T])(?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?)?)?)?)?)?"
    r"(?P<suffix>[+-][0-9]{4}|_?[A-Z]+)?"
)
_PRINTED_JD = re.compile(r"JD_-?[0-9]+(?:\.(?P<fraction>[0-9]+))?")


def parse_times(texts: TimeTexts) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Read a column of DRMS times; see `parse_time` for the forms.

    Parameters
    ----------
    texts : numpy array of dtype ``S``, Arrow string array, or sequence of str
        Length n. An Arrow null is no time.

    Returns
    -------
    values : numpy.ndarray of float64, shape (n,)
        TAI seconds since 1977.01.01_00:00:00_TAI; NaN where a text is no time.
    ok : numpy.ndarray of bool, shape (n,)
        Which texts are times.

    Notes
    -----
    Quick for ``YYYY.MM.DD[_HH[:MM[:SS[.f]]]]`` and ``YYYY-MM-DD[THH[:MM[:SS[.f]]]]`` with any zone.
    """
    column = _Column.of(texts)
    values = np.full(column.size, np.nan)

    def read(layout: _Layout, rows: NDArray[np.intp], columns: _Bytes) -> NDArray[np.bool_]:
        times, seconds = layout.read(columns)
        values[rows[times]] = seconds[times]
        return times

    for rows in _read_by_layout(column, read):
        values[rows] = column.apply(rows, _value_or_nan)
    return values, ~np.isnan(values)


def learn_time_format(texts: TimeTexts) -> tuple[str, int] | None:
    """Find the zone and the precision with which all texts were printed.

    Parameters
    ----------
    texts : numpy array of dtype ``S``, Arrow string array, or sequence of str
        As `format_times` prints them, the missing time included.

    Returns
    -------
    (str, int) or None
        The arguments for `format_times`; None where texts differ, a text is nothing that DRMS
        prints, or there is none. A date alone with dashes is ``ISO``, with dots it is ``Z``.
    """
    column = _Column.of(texts)
    found: set[tuple[str, int] | None] = set()

    def check(layout: _Layout, _: NDArray[np.intp], columns: _Bytes) -> NDArray[np.bool_]:
        found.add(_printed_as(layout.example))
        return layout.fits(columns)

    for rows in _read_by_layout(column, check):
        found.add(column.apply(rows, _printed_as))
        if None in found:
            return None
    forms = {form for form in found if form and form[0] != _ISO_OR_Z}
    forms |= {("Z", form[1]) for form in found - forms if form and ("ISO", form[1]) not in forms}
    return forms.pop() if len(forms) == 1 and None not in found else None


def _value_or_nan(text: str) -> float:
    try:
        return parse_time(text)
    except TimeTextError:
        return np.nan


def _printed_as(text: str) -> tuple[str, int] | None:
    """Find the zone and precision with which DRMS prints such a text."""
    if julian_day := _PRINTED_JD.fullmatch(text):
        return "JD", len(julian_day["fraction"] or "")
    match = _PRINTED.fullmatch(text)
    if match is None:
        return None
    fields = sum(match[field] is not None for field in ("month", "day", "hour", "minute", "second"))
    precision = fields - 5 + len(match["fraction"] or "")
    suffix = match["suffix"] or ("Z" if precision <= -3 else "")
    if match["separator"] == "-":
        return ("ISO", precision) if suffix == "Z" and match["t"] in ("T", None) else None
    zone = find_zone(suffix.removeprefix("_"))
    if zone is None or zone.suffix != suffix or match["t"] == "T":
        return None
    return (_ISO_OR_Z if zone.name == "Z" and text[0] == "-" else zone.name), precision


@dataclass(frozen=True, slots=True)
class _Layout:
    """The places of the fields in texts of one form.

    Parameters
    ----------
    example : str
        One such text; what is not a digit of a field is the same in all of them.
    fields : dict
        Name of a field to its place.
    zone : Zone
        The zone that all name.
    """

    example: str
    fields: dict[str, slice]
    zone: Zone

    @classmethod
    def of(cls, example: str) -> _Layout | None:
        """Find the layout of a text; None where it is no time or its fields vary in width."""
        fixed, time = _FIXED.match(example), match_time(example)
        if fixed is None or time is None or time.end() != len(example) or time["signed_hour"]:
            return None
        same = {"hour": "hour", "minute": "minute", "second": "second"}
        same["fraction"] = "second_fraction"
        if any(fixed.span(mine) != time.span(theirs) for mine, theirs in same.items()):
            return None
        zone = find_zone(time["zone"] or time["z"] or time["offset"] or "UTC")
        found = [name for name, text in fixed.groupdict().items() if text]
        fields = {name: slice(*fixed.span(name)) for name in found}
        return cls(example, fields, zone) if zone else None

    def fits(self, columns: _Bytes) -> NDArray[np.bool_]:
        """Which texts, one per column of the matrix, have this layout."""
        width, size = columns.shape
        length = len(self.example)
        if width < length:
            return np.zeros(size, dtype=np.bool_)
        fits = columns[length] == 0 if width > length else np.ones(size, dtype=np.bool_)
        digits = {place for field in self.fields.values() for place in _places(field)}
        for place, character in enumerate(self.example.encode("ascii")):
            if place in digits:
                fits &= columns[place] - _ZERO <= 9  # unsigned: what is below "0" wraps around
            else:
                fits &= columns[place] == character
        return fits

    def read(self, columns: _Bytes) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Which texts are times in this layout, and their TAI seconds (elsewhere anything).

        Dates that do not exist, and the month in which the calendar changes, are left out.
        """
        month = self._number("month", columns)
        day = self._number("day", columns)
        index = self._number("year", columns) * 12 + month - 1
        ok = self.fits(columns)
        ok &= (month >= 1) & (month <= 12) & (day >= 1) & (index != _OCTOBER_1582)
        starts = month_starts()
        days = starts[np.clip(index, 0, starts.size - 1)] + (day - 1)
        minutes = days.astype(np.int64) * 1440
        if "hour" in self.fields:
            minutes += self._number("hour", columns) * 60
        if "minute" in self.fields:
            minutes += self._number("minute", columns)
        seconds = np.zeros(1, dtype=np.int64)
        if "second" in self.fields:
            seconds = self._number("second", columns).astype(np.int64)
        fraction = np.zeros(1)
        if "fraction" in self.fields:
            decimals = len(_places(self.fields["fraction"]))
            fraction = self._number("fraction", columns, np.int64) / 10**decimals
        return ok, tai_from_clock(minutes, seconds, fraction, self.zone)

    def _number(
        self, field: str, columns: _Bytes, dtype: type[np.int32 | np.int64] = np.int32
    ) -> NDArray[Any]:
        first, *others = _places(self.fields[field])
        number: NDArray[Any] = (columns[first] - _ZERO).astype(dtype)
        for place in others:
            number *= 10
            number += columns[place] - _ZERO
        return number


def _places(field: slice) -> range:
    return range(field.start, field.stop)


def _read_by_layout(
    column: _Column,
    read: Callable[[_Layout, NDArray[np.intp], _Bytes], NDArray[np.bool_]],
) -> Iterator[NDArray[np.intp]]:
    """Hand texts of one layout after the other to ``read``, which says what it read.

    Yields
    ------
    array of int
        Rows of one and the same text that has no layout, or was not read with it.
    """
    yield from np.flatnonzero(column.beside).reshape(-1, 1)
    rows = np.flatnonzero(~column.beside)
    for _ in range(_MOST_LAYOUTS):
        if rows.size == 0:
            return
        columns = column.columns if rows.size == column.size else column.columns[:, rows]
        layout = _Layout.of(column.text(int(rows[0])) or "")
        done = read(layout, rows, columns) if layout else np.zeros(rows.size, dtype=np.bool_)
        if not done[0]:
            same = (columns == columns[:, :1]).all(axis=0)
            yield rows[same]
            done |= same
        rows = rows[~done]
    yield from rows.reshape(-1, 1)


@dataclass(slots=True)
class _Column:
    """A column of texts as a matrix of bytes.

    Parameters
    ----------
    size : int
        Number of texts.
    columns : array of uint8, shape (width, size)
        One text per column of the matrix, padded with NUL; contiguous along the texts, so that
        an operation on one character of all texts is quick.
    beside : array of bool, shape (size,)
        Texts that the matrix does not hold: null, or too wide.
    text : callable
        The text of a row; None where it is null.
    """

    size: int
    columns: _Bytes
    beside: NDArray[np.bool_]
    text: Callable[[int], str | None]
    _seen: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: TimeTexts) -> _Column:
        if isinstance(texts, np.ndarray):
            return cls._of_bytes(texts)
        if isinstance(texts, Sequence):
            return cls._of_bytes(np.array([text.encode() for text in texts], dtype=np.bytes_))
        # Known by their methods: whoever passes no Arrow data needs no pyarrow.
        return cls._of_arrow(texts.combine_chunks() if hasattr(texts, "combine_chunks") else texts)

    @classmethod
    def _of_bytes(cls, texts: NDArray[np.bytes_]) -> _Column:
        if texts.dtype.kind != "S" or texts.ndim != 1:
            raise TypeError(f"texts must be one-dimensional and of dtype S, not {texts.dtype}")
        matrix = np.ascontiguousarray(texts).view(np.uint8).reshape(texts.size, texts.itemsize)
        beside = matrix[:, _WIDEST:].max(axis=1, initial=0) > 0
        return cls(
            texts.size,
            np.ascontiguousarray(matrix[:, :_WIDEST].T),
            beside,
            lambda row: texts[row].decode("utf-8", "replace"),
        )

    @classmethod
    def _of_arrow(cls, texts: pa.Array[Any]) -> _Column:
        if str(texts.type) != "large_string":
            texts = texts.cast("large_string")
        size = len(texts)
        _, offset_buffer, data_buffer = (memoryview(part or b"\0" * 8) for part in texts.buffers())
        offsets = np.frombuffer(offset_buffer, np.int64)[texts.offset :][: size + 1]
        starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
        data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : max(offsets[-1], offsets[0] + 1)]
        valid: NDArray[np.bool_] = texts.is_valid().to_numpy(zero_copy_only=False)
        beside = ~valid | (lengths > _WIDEST)
        width = int(lengths[~beside].max(initial=0))
        if size and lengths.min() == width == lengths.max():
            columns = np.ascontiguousarray(data[: size * width].reshape(size, width).T)
        else:
            columns = np.empty((width, size), dtype=np.uint8)
            for place in range(width):
                characters = data[np.minimum(starts + place, data.size - 1)]
                columns[place] = np.where(lengths > place, characters, 0)
        if (data == 0).any():  # a NUL inside a text must not be taken for its end
            inside = np.arange(width)[:, np.newaxis] < lengths
            columns = np.where(inside & (columns == 0), np.uint8(1), columns)
        return cls(size, columns, beside, lambda row: texts[row].as_py())

    def apply(self, rows: NDArray[np.intp], function: Callable[[str], _T]) -> _T | None:
        """Apply a function to the one text of some rows; None for a null."""
        text = self.text(int(rows[0]))
        if text is None:
            return None
        if text not in self._seen:
            self._seen[text] = function(text)
        result: _T = self._seen[text]
        return result
