"""The header of a segment, from the keywords of its record.

Source: JSOC's export with ``protocol=fits`` (``fitsexport.c`` of DRMS, and files that it wrote).
What is done otherwise, and why, is in the project's documentation of FITS files.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from drmsmirror.errors import NotHeldError, QueryError
from drmsmirror.model.codecs import Codec, arrow_type, codec_of, default_codec
from drmsmirror.model.fitscards import Card
from drmsmirror.model.fitsnames import (
    Cast,
    Description,
    distinct_names,
    fits_name,
    is_commentary,
    is_structural,
    read_description,
)
from drmsmirror.model.series import Keyword, Scope, SeriesDefinition
from drmsmirror.model.times import format_time, time_style
from drmsmirror.model.types import MISSING_TIME_TOLERANCE, KeywordType

__all__ = ["header_columns", "segment_cards"]

_Value = str | int | float | None

#: Decimals of the seconds of a time.
_PRECISION = 3

#: DRMS keeps its prime keys in a keyword of this name, which its export leaves out.
_INTERNAL = "primekeystring"

_HYPHEN = re.compile(r"\s*(?<!-)-(?!-).*", re.DOTALL)
_WITHOUT_UNIT = ("", "none")


@dataclass(frozen=True, slots=True)
class _Field:
    """A keyword as one segment has it.

    Parameters
    ----------
    name : str
        DRMS name, with the number of the segment where each has one of its own.
    column : str or None
        Where the record holds the value; None where the definition does.
    """

    name: str
    keyword: Keyword
    column: str | None
    description: Description

    @property
    def fits_name(self) -> str:
        return fits_name(self.name, self.description.name, self.keyword.name)


def header_columns(definition: SeriesDefinition, segment: str) -> tuple[str, ...]:
    """The columns of a record table that :func:`segment_cards` needs, besides ``recnum``.

    Raises
    ------
    QueryError
        The series has no such segment.
    """
    fields = _fields(definition, _number_of(definition, segment))
    return tuple(field.column for field in fields if field.column is not None)


def segment_cards(
    definition: SeriesDefinition,
    segment: str,
    record: Mapping[str, _Value],
    codecs: Mapping[str, Codec] | None = None,
) -> tuple[Card, ...]:
    """The cards that a record's keywords make in the header of one of its segments.

    Parameters
    ----------
    definition : SeriesDefinition
    segment : str
        Name of the segment, in any case.
    record : mapping
        One row of the record table, by column: values of the columns' types, with DRMS's sentinels
        or None where there is none; ``recnum`` where it is known.
    codecs : mapping of str to Codec, optional
        How keywords print, by name, for those that are numbers and are to be texts.

    Returns
    -------
    tuple of Card
        In DRMS order, then what says which record it is. Nothing about how the image is stored.

    Raises
    ------
    QueryError
        The series has no such segment.
    NotHeldError
        The record lacks the column of a keyword.
    """
    number = _number_of(definition, segment)
    fields = list(_fields(definition, number))
    absent = [f.name for f in fields if f.column is not None and f.column not in record]
    if absent:
        raise NotHeldError(
            f"The header of a segment of {definition.name} has all keywords, and the record is "
            f"held without {', '.join(absent[:5])}{' and others' if len(absent) > 5 else ''}; "
            f"sync the series with all keywords"
        )
    names = distinct_names((field.name, field.fits_name) for field in fields)
    cards = [
        _card(field, name, record, (codecs or {}).get(field.keyword.name))
        for field, name in zip(fields, names, strict=True)
    ]
    written = [card for card in cards if card.value or not is_commentary(card.name)]
    return (*written, *_origin(definition, definition.segments[number].name, record))


def _number_of(definition: SeriesDefinition, segment: str) -> int:
    names = [one.name.lower() for one in definition.segments]
    if segment.lower() not in names:
        known = ", ".join(one.name for one in definition.segments) or "none"
        raise QueryError(f"{definition.name} has no segment {segment!r}; its segments: {known}")
    return names.index(segment.lower())


def _fields(definition: SeriesDefinition, number: int) -> Iterator[_Field]:
    """Keywords that are to be in the header, in DRMS order."""
    for keyword in definition.keywords:
        if keyword.alias_of is not None or definition.is_implicit(keyword):
            continue
        name = keyword.name
        if keyword.scope is Scope.SEGMENT:
            name = f"{name}_{number:03d}"
        column = None if keyword.is_constant else name.lower()
        field = _Field(name, keyword, column, read_description(keyword.note))
        if name.lower() != _INTERNAL and not is_structural(field.fits_name):
            yield field


def _card(field: _Field, name: str, record: Mapping[str, _Value], codec: Codec | None) -> Card:
    keyword = field.keyword
    value = _constant(keyword) if field.column is None else record[field.column]
    remark = "" if not _is_missing(keyword.type, value) else "(MISSING)"
    if isinstance(value, float) and math.isinf(value) and keyword.type.is_float:
        remark = "(+INFINITY)" if value > 0 else "(-INFINITY)"
    shown = None if remark or value is None else _converted(field, value, codec)
    if is_commentary(name):
        return Card(name, None if shown is None else str(shown))
    return Card(name, shown, _comment(field, name, remark))


def _constant(keyword: Keyword) -> _Value:
    codec = codec_of(keyword) or default_codec(keyword)
    value: _Value = codec.decode(pa.array([keyword.default], pa.string())).values[0].as_py()
    return value


def _is_missing(type_: KeywordType, value: _Value) -> bool:
    if value is None:
        return True
    if isinstance(value, float):
        if type_ is KeywordType.TIME and abs(value - float(type_.missing)) < MISSING_TIME_TOLERANCE:
            return True
        return math.isnan(value) or (type_ is KeywordType.TIME and math.isinf(value))
    return value == type_.missing


def _converted(field: _Field, value: str | int | float, codec: Codec | None) -> str | int | float:
    """A value as FITS has it: times are texts, and a description may ask for another type."""
    keyword = field.keyword
    cast = field.description.cast
    if cast is Cast.STRING and not isinstance(value, str):
        printing = codec or codec_of(keyword) or default_codec(keyword)
        return printing.encode(pa.array([value], arrow_type(keyword.type)))[0]
    if cast is not Cast.NONE and not isinstance(value, str):
        return _number(cast, value)
    if keyword.type is KeywordType.TIME:
        return _time(keyword, float(value))
    if keyword.type is KeywordType.FLOAT:
        return float(f"{value:.9G}")  # so many digits tell every float from the next
    return value


def _number(cast: Cast, value: float) -> float:
    if cast is Cast.LOGICAL:
        return bool(value)
    return int(value) if cast is Cast.INTEGER else float(value)


def _time(keyword: Keyword, value: float) -> str:
    style = time_style(keyword.units, keyword.format)
    if style.interval is not None:
        return f"{value / style.interval:.17G}"
    return format_time(value, style.zone, _PRECISION).removesuffix("Z")


def _comment(field: _Field, name: str, remark: str) -> str:
    """``[unit] (MISSING) note {DRMS name}``, the note up to its first hyphen."""
    note = _HYPHEN.sub("", field.description.text).replace("--", "-")
    braces = f"{{{field.name}}}" if field.name.upper() != name else ""
    return " ".join(part for part in (_unit(field.keyword), remark, note, braces) if part)


def _unit(keyword: Keyword) -> str:
    units = keyword.units.strip()
    if keyword.type is KeywordType.TIME:
        style = time_style(keyword.units, keyword.format)
        if style.interval is None:
            units = "UTC" if style.zone.lower() in (*_WITHOUT_UNIT, "time") else style.zone
    return "" if units.lower() in _WITHOUT_UNIT else f"[{units}]"


def _origin(
    definition: SeriesDefinition, segment: str, record: Mapping[str, _Value]
) -> Iterator[Card]:
    """The cards by which JSOC's export says which record and segment a file is of."""
    recnum = record.get("recnum")
    if recnum is not None:
        yield Card("RECNUM", recnum, "Recnum")
        yield Card("DRMS_ID", f"{definition.name}:{recnum}:{segment}", "DRMS ID")
    if definition.prime_keys:
        yield Card("PRIMARYK", ", ".join(definition.prime_keys), "DRMS primary key")
    yield Card("LONGSTRN", "OGIP 1.0", "The HEASARC Long String Convention may be used.")
