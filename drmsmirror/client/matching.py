"""Which record a file is of that somebody has: by its header or its name, as the mirror knows it.

Records are asked for some at a time, by their prime keys. The record number that an export wrote
must be that of the record which is found: so a file of a version that was superseded is not taken
for the one that there is now.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from drmsmirror.client.client import Client
from drmsmirror.errors import (
    DrmsMirrorError,
    NotHeldError,
    QueryError,
    TimeTextError,
    UnknownSeriesError,
)
from drmsmirror.model.filenames import NamedFile, default_template, export_name, tree_path
from drmsmirror.model.fitsnames import fits_name, read_description
from drmsmirror.model.segmentfile import SegmentFile
from drmsmirror.model.series import Keyword, Segment, SeriesDefinition
from drmsmirror.model.times import parse_time, time_style
from drmsmirror.model.types import KeywordType
from drmsmirror.segments.recognising import Clue, NamedBy, contradiction

__all__ = ["Claim", "Mismatch", "NotMatchedError", "Records", "Series"]

_NUMBER = "*recnum*"
#: Keywords that say which part of the Sun a pixel shows. Whoever cuts, turns or bins an image
#: changes them.
_PLACING = ("CRPIX1", "CRPIX2", "CDELT1", "CDELT2")
#: What JSOC appends to the name of a series whose files it processed.
_PROCESSED = "_mod"
#: So many records are asked for at once.
_AT_ONCE = 50
#: A time as it stands in names of files.
_TIME = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)[_T](\d\d)(\d\d)(\d\d)(?:_([A-Za-z]+)|Z)", re.ASCII)
_ZONE = re.compile(r"(_[A-Za-z]+|Z)$")
#: What has a meaning of its own in a record set, and is in no value by which a record is found.
_SYNTAX = re.compile(r"[\[\]{}?!@#$^,]")


class Mismatch(Enum):
    """Why a file is of no record."""

    UNRECOGNISED = "not recognised"
    OTHER_VERSION = "other version"
    NO_RECORD = "no record"


class NotMatchedError(Exception):
    """A file is of no record that is known.

    Parameters
    ----------
    mismatch : Mismatch
    message : str
    """

    def __init__(self, mismatch: Mismatch, message: str) -> None:
        self.mismatch = mismatch
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Claim:
    """Which record and segment a file says that it is of.

    Parameters
    ----------
    definition : SeriesDefinition
    segment : str
        As the definition spells it.
    values : tuple of str
        Of the prime keys, in their order.
    recnum : int or None
        Where its header says it.
    named : NamedBy or None
        The name, where nothing else tells which record it is.
    placed : mapping of str to float
        Where its image lies, by keyword, as its header says.
    """

    definition: SeriesDefinition
    segment: str
    values: tuple[str, ...]
    recnum: int | None = None
    named: NamedBy | None = None
    placed: Mapping[str, float] = field(default_factory=dict)

    @property
    def has_header(self) -> bool:
        """Whether the file has keywords of its record, as an export writes them."""
        return self.named is None

    @property
    def record_set(self) -> str:
        """The record, as it is asked for."""
        return self.definition.name + "".join(f"[{value}]" for value in self.values)


class Series:
    """The series that files can be of, each looked up once.

    Parameters
    ----------
    client : Client
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, SeriesDefinition | None] = {}

    def claim(self, clue: Clue, *, trust_names: bool) -> Claim:
        """What a file claims to be.

        Raises
        ------
        NotMatchedError
            It says too little, or contradicts what the series says.
        UpstreamError
        """
        if clue.recnum is not None:
            return self._by_header(clue)
        if not trust_names:
            raise _unproved(clue)
        for named in clue.names:
            found = self._segment(named.series, named.segment)
            if found is not None and (claim := _by_name(*found, clue, named)) is not None:
                return claim
        raise NotMatchedError(
            Mismatch.UNRECOGNISED, "its name is that of no file of a series that is known"
        )

    def _by_header(self, clue: Clue) -> Claim:
        said = (
            [(clue.series, clue.segment)]
            if clue.series
            else [(one.series, one.segment) for one in clue.names]
        )
        for series, segment in said:
            found = self._segment(series, segment)
            if found is not None:
                definition, one = found
                values = _fit(found, clue)
                placed = _placed(definition, clue)
                return Claim(definition, one.name, values, clue.recnum, placed=placed)
        tried = ", ".join(f"{series}{{{segment}}}" for series, segment in said)
        raise NotMatchedError(
            Mismatch.UNRECOGNISED,
            f"no segment {tried} is known" if said else "its header says no series, nor its name",
        )

    def _segment(self, series: str, name: str) -> tuple[SeriesDefinition, Segment] | None:
        key = series.lower()
        if key not in self._known:
            try:
                self._known[key] = self._client.definition(series)
            except (UnknownSeriesError, NotHeldError):
                self._known[key] = None
        definition = self._known[key]
        for one in definition.segments if definition else ():
            if one.name.lower() == name.lower() and definition is not None:
                return definition, one
        return None


@dataclass(frozen=True, slots=True)
class _Row:
    """A record that there is: its prime keys as they print, its number, where its images lie."""

    values: tuple[str, ...]
    recnum: int
    placed: Mapping[str, str]


class Records:
    """The records that files claim to be of.

    Parameters
    ----------
    client : Client
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def files(self, claims: Sequence[Claim]) -> list[SegmentFile | Exception]:
        """The segment file of each claim, or why it is of none."""
        found: dict[int, SegmentFile | Exception] = {}
        groups: dict[str, list[int]] = defaultdict(list)
        for place, claim in enumerate(claims):
            groups[claim.definition.name].append(place)
        for group in groups.values():
            for first in range(0, len(group), _AT_ONCE):
                some = group[first : first + _AT_ONCE]
                of_some = self._some([claims[place] for place in some])
                found.update(zip(some, of_some, strict=True))
        return [found[place] for place in range(len(claims))]

    def _some(self, claims: Sequence[Claim]) -> list[SegmentFile | Exception]:
        """The same of a few of one series, which are asked for together."""
        try:
            rows = self._rows(claims)
        except NotHeldError:
            rows = []
        except QueryError as error:  # one of them has a value that is none
            if len(claims) > 1:
                return [found for claim in claims for found in self._some([claim])]
            return [
                NotMatchedError(Mismatch.UNRECOGNISED, f"its prime keys find no record: {error}")
            ]
        except DrmsMirrorError as error:
            return [error] * len(claims)
        found: list[SegmentFile | Exception] = []
        for claim in claims:
            try:
                found.append(self._file(claim, rows))
            except NotMatchedError as error:
                found.append(error)
        return found

    def _rows(self, claims: Sequence[Claim]) -> list[_Row]:
        """The records that are there, with where their images lie as far as that is held."""
        placing = list(dict.fromkeys(name for claim in claims for name in claim.placed))
        try:
            return self._asked(claims, placing)
        except NotHeldError:
            if not placing:
                raise
        return self._asked(claims, [])

    def _asked(self, claims: Iterable[Claim], placing: Sequence[str]) -> list[_Row]:
        wanted = {claim.record_set: claim for claim in claims}
        definition = next(iter(wanted.values())).definition
        keys = definition.prime_keys
        answer = self._client.answer(",".join(wanted), [*keys, _NUMBER, *placing], partial=True)
        texts = answer.texts()
        return [
            _Row(
                tuple(str(texts[key][row]) for key in keys),
                int(str(number)),
                {name: str(texts[name][row]) for name in placing},
            )
            for row, number in enumerate(texts[_NUMBER])
            if number is not None and int(str(number)) > 0
        ]

    def _file(self, claim: Claim, rows: Sequence[_Row]) -> SegmentFile:
        definition = claim.definition
        keywords = [definition.keyword(key) for key in definition.prime_keys]
        same = {
            row.recnum: row
            for row in rows
            if all(map(_is_same, keywords, row.values, claim.values))
        }
        if not same:
            raise NotMatchedError(
                Mismatch.NO_RECORD,
                f"there is no record {claim.record_set} that the mirror knows; sync it first",
            )
        if claim.recnum is not None and claim.recnum not in same:
            now = ", ".join(f"#{number}" for number in sorted(same))
            raise NotMatchedError(
                Mismatch.OTHER_VERSION,
                f"it is of #{claim.recnum}, a version of {claim.record_set} that {now} superseded",
            )
        number = max(same) if claim.recnum is None else claim.recnum
        _refuse_changed(claim, same[number])
        values = dict(zip(definition.prime_keys, same[number].values, strict=True))
        if claim.named is not None and not _is_called(claim, values, number):
            raise NotMatchedError(
                Mismatch.UNRECOGNISED, f"no file of {claim.record_set} has its name"
            )
        generation = self._generation(definition.name)
        return SegmentFile(definition.name, generation, number, claim.segment)

    def _generation(self, series: str) -> int:
        try:
            return self._client.mirror.catalogue.state(series).generation
        except UnknownSeriesError:
            return 0


def _placed(definition: SeriesDefinition, clue: Clue) -> dict[str, float]:
    """Where an image lies by its header, of what the series says of it too."""
    cards = {name: clue.value(name) for name in _PLACING if definition.find(name) is not None}
    return {name: value for name, value in cards.items() if isinstance(value, int | float)}


def _refuse_changed(claim: Claim, row: _Row) -> None:
    """Refuse a file whose image does not lie where that of its record lies."""
    for name, value in claim.placed.items():
        try:
            stored = float(row.placed[name])
        except (KeyError, ValueError):  # not held, or no number
            continue
        if math.isfinite(stored) and not math.isclose(stored, value, rel_tol=1e-3, abs_tol=0.01):
            raise NotMatchedError(
                Mismatch.UNRECOGNISED,
                f"its image was changed since it was taken: {name} is {value:g} in its header, and "
                f"{stored:g} of the record",
            )


def _unproved(clue: Clue) -> NotMatchedError:
    if clue.names:
        message = (
            "its header has no RECNUM, so that only its name says which record it is of, and "
            "nothing says of which version; --trust-names takes it for the newest"
        )
    else:
        message = "neither its header nor its name says which record it is of"
    return NotMatchedError(Mismatch.UNRECOGNISED, message)


def _fit(found: tuple[SeriesDefinition, Segment], clue: Clue) -> tuple[str, ...]:
    """The prime keys that a header says, of a file that can be one of the segment."""
    definition, segment = found
    for named in clue.names:
        if named.series.lower() == definition.name.lower() + _PROCESSED:
            raise NotMatchedError(
                Mismatch.UNRECOGNISED,
                f"it is called a file of {named.series}: JSOC processed it, and its image is "
                f"another than that of {definition.name}",
            )
    if why := contradiction(clue, segment):
        raise NotMatchedError(
            Mismatch.UNRECOGNISED, f"it says that it is {segment.name}, but {why}"
        )
    if not definition.prime_keys:
        raise NotMatchedError(
            Mismatch.UNRECOGNISED, f"{definition.name} has no prime keys to find its record by"
        )
    return tuple(_card(definition.keyword(key), clue) for key in definition.prime_keys)


def _card(keyword: Keyword, clue: Clue) -> str:
    """The value of a prime key, as a record set has it."""
    name = fits_name(keyword.name, read_description(keyword.note).name)
    value = keyword.default if keyword.is_constant else clue.value(name)
    text = "" if value is None else str(value).strip()
    if keyword.type is KeywordType.TIME and text and not _ZONE.search(text):
        zone = time_style(keyword.units, keyword.format).zone
        text = f"{text}Z" if zone.upper() in ("UTC", "Z") else f"{text}_{zone}"
    if not _is_one_value(keyword, text):
        raise NotMatchedError(
            Mismatch.UNRECOGNISED,
            f"its header has no value of the prime key {keyword.name} (card {name}) that finds "
            f"a record",
        )
    return text


def _is_one_value(keyword: Keyword, text: str) -> bool:
    """Whether a text names one value in a record set, and no range of them."""
    if not text or _SYNTAX.search(text):
        return False
    try:
        if keyword.type is KeywordType.TIME:
            parse_time(text)
        elif keyword.type.is_float:
            float(text)
        elif keyword.type is not KeywordType.STRING:
            int(text, 0)
    except (ValueError, TimeTextError):
        return False
    return True


def _by_name(
    definition: SeriesDefinition, segment: Segment, clue: Clue, named: NamedBy
) -> Claim | None:
    if not definition.prime_keys or len(named.values) != len(definition.prime_keys):
        return None
    if why := contradiction(clue, segment):
        raise NotMatchedError(Mismatch.UNRECOGNISED, f"it is called like {segment.name}, but {why}")
    keywords = [definition.keyword(key) for key in definition.prime_keys]
    try:
        values = _fit((definition, segment), clue)
    except NotMatchedError:  # its header has no keywords, as JSOC stores files
        values = tuple(map(_from_name, keywords, named.values))
        if not all(map(_is_one_value, keywords, values)):
            return None
        return Claim(definition, segment.name, values, named=named)
    return Claim(definition, segment.name, values)


def _from_name(keyword: Keyword, text: str) -> str:
    if keyword.type is KeywordType.TIME and (found := _TIME.fullmatch(text)):
        year, month, day, hour, minute, second, zone = found.groups()
        return f"{year}.{month}.{day}_{hour}:{minute}:{second}_{zone or 'UTC'}"
    return text


def _is_called(claim: Claim, values: Mapping[str, str], number: int) -> bool:
    """Whether a file of the record would be called like this: the other way round, as a proof."""
    assert claim.named is not None
    file = NamedFile(claim.definition, claim.segment, values, number)
    exported = export_name(file, default_template(claim.definition)).removesuffix(file.extension)
    tree = PurePosixPath(tree_path(file)).with_suffix("")
    said = (claim.named.series, *claim.named.values, claim.named.segment)
    return ".".join(said).lower() == exported.lower() or "/".join(said).lower() == str(tree).lower()


def _is_same(keyword: Keyword, printed: str, value: str) -> bool:
    """Whether two texts are one value; of a slot it is that of the record that counts."""
    try:
        if keyword.type is KeywordType.TIME:
            return abs(parse_time(printed) - parse_time(value)) < 1
        if keyword.type.is_float:
            return math.isclose(float(printed), float(value), rel_tol=1e-6)
        if keyword.type is not KeywordType.STRING:
            return int(printed, 0) == int(value, 0)
    except (ValueError, TimeTextError):
        return False
    return printed.strip() == value.strip()
