"""Names of segment files: the readable tree, and those that JSOC's exports have.

What they are made of comes from outside, and no more than a name is made of it: no separators, no
``..``, nothing hidden, empty or longer than a file system takes. A value that cannot be a name as
it is gets some digits of its SHA-256 besides, so that two different values never have one name.

Source: DRMS semantics 4.4.4 (``exputil.c``).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from drmsmirror.errors import QueryError, TimeTextError
from drmsmirror.model.printf import Printf
from drmsmirror.model.series import Keyword, Segment, SeriesDefinition
from drmsmirror.model.times import format_time, parse_time, time_style
from drmsmirror.model.types import KeywordType

__all__ = [
    "NamedFile",
    "default_template",
    "export_name",
    "find_clashes",
    "safe_name",
    "tree_path",
    "usual_name",
]

#: Longest name that every file system takes, with room for what a temporary file adds to it.
_MOST: Final = 200
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._+=@,-]")
#: JSOC's names may have colons; not every file system takes them.
_UNSAFE_OF_EXPORTS: Final = re.compile(r"[^A-Za-z0-9._+=@,:-]")
#: What a shell would take for an option, and what it would hide; a number may be negative.
_UNSAFE_START: Final = re.compile(r"^\.|^-(?![0-9.])")

_TIME: Final = re.compile(
    r"(-?\d{4,})[.-](\d\d)[.-](\d\d)[_T](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(?:_([A-Za-z]+)|Z)"
)
#: Extensions of protocols that store no FITS files, or under another.
_EXTENSIONS: Final = {
    "generic": "",
    "bin": ".bin",
    "bin.gz": ".bin.gz",
    "fitzdep": ".fitz",
    "msi": ".msi",
    "tas": ".tas",
}
_TOKEN: Final = re.compile(r"\{([^{}]*)\}")
_TIME_LAYOUT: Final = re.compile(r"([A-Za-z]?)(-?\d*)(?:,(.+))?")
_COUNTER: Final = "%05d"


@dataclass(frozen=True, slots=True)
class NamedFile:
    """One file of one record.

    Parameters
    ----------
    definition : SeriesDefinition
    segment : str
        Name of the segment.
    values : mapping of str to str
        Keywords as DRMS prints them, by their names in the definition; prime keys at least.
    recnum : int or None
        Number of the record, where it has one.
    stored_name : str
        Name of the file at the upstream, without its directory; empty where it is not known.
    """

    definition: SeriesDefinition
    segment: str
    values: Mapping[str, str] = field(default_factory=dict)
    recnum: int | None = None
    stored_name: str = ""

    @property
    def record(self) -> str:
        """The record as a record set; by its number where it has no prime keys."""
        values = [self.values.get(key, "") for key in self.definition.prime_keys]
        if not values:
            return f"{self.definition.name}[:#{self.recnum}]"
        return self.definition.name + "".join(f"[{value}]" for value in values)

    @property
    def shown(self) -> str:
        """Record and segment, as a record set."""
        return f"{self.record}{{{self.segment}}}"

    @property
    def extension(self) -> str:
        """That of the stored name, with its dot; where that is not known the protocol's."""
        if self.stored_name:
            return PurePosixPath(self.stored_name).suffix
        protocols = {one.name.lower(): one.protocol for one in self.definition.segments}
        return _extension(protocols.get(self.segment.lower(), ""))


def tree_path(file: NamedFile) -> PurePosixPath:
    """Where a file is in the readable tree: series, prime keys in order, segment.

    ``hmi.sharp_cea_720s/377/20110215_020000_TAI/Br.fits``. Segments whose names differ only by case
    are told apart by digits, since some file systems take them for one.

    Raises
    ------
    QueryError
        A prime key has no value; or the series has no prime keys, and the record no number.
    """
    definition = file.definition
    keys = [
        _directory_of(definition.keyword(key), _value(file, key)) for key in definition.prime_keys
    ]
    if not keys:
        keys = [str(_number_of(file))]
    segments = Counter(one.name.lower() for one in definition.segments)
    is_alone = segments[file.segment.lower()] < 2
    name = _safe(file.segment, file.extension, marked=not is_alone)
    return PurePosixPath(_safe(definition.name), *keys, name)


def default_template(definition: SeriesDefinition) -> str:
    """The ``filenamefmt`` that ``drms.Client`` asks for where its caller names none."""
    keys = [
        f"{{{key}:A}}" if definition.keyword(key).type is KeywordType.TIME else f"{{{key}}}"
        for key in definition.prime_keys
    ]
    return ".".join([definition.name.lower(), *(keys or ["{recnum:%lld}"]), "{segment}"])


def export_name(file: NamedFile, template: str, number: int = 0) -> str:
    """Name of a file by the ``filenamefmt`` of an export.

    Parameters
    ----------
    file : NamedFile
    template : str
        Text with tokens in braces: ``{seriesname}``, ``{recnum:%lld}``, ``{segment}``, the counter
        ``{#:%05d}``, ``{KEY}``, ``{KEY:%format}``, and of times ``{T_REC:A}`` (without dots and
        colons), ``{T_REC:D}`` (with ``@``) or neither, each with decimals and a zone: ``A3,UTC``.
    number : int
        What the counter says.

    Returns
    -------
    str
        With the extension of the file; without white space.

    Raises
    ------
    UnknownKeywordError
        The series has no such keyword (JSOC fails then too).
    QueryError
        The template is none, or the record has no such value.
    """
    if template.count("{") != template.count("}"):
        raise QueryError(f"The file name template {template!r} has a brace without its other one")
    filled = "".join(_TOKEN.sub(lambda token: _token(file, token[1], number), template).split())
    name = filled.removesuffix(file.extension)
    return _safe(name, file.extension, unsafe=_UNSAFE_OF_EXPORTS)


def safe_name(name: str) -> str:
    """A name that somebody else gave, as one of a file; most of them as they are."""
    ending = PurePosixPath(name).suffix
    return _safe(name.removesuffix(ending), ending, unsafe=_UNSAFE_OF_EXPORTS)


def usual_name(segment: Segment) -> str:
    """What DRMS calls a file of a segment where nothing else was said (DRMS semantics 3.4)."""
    return segment.name + _extension(segment.protocol)


def find_clashes(paths: Iterable[PurePosixPath]) -> list[list[PurePosixPath]]:
    """Paths that are the same, or would be where a file system does not know case."""
    together: dict[str, list[PurePosixPath]] = {}
    for path in paths:
        together.setdefault(str(path).casefold(), []).append(path)
    return [each for each in together.values() if len(each) > 1]


def _extension(protocol: str) -> str:
    """That of files of a protocol, with its dot; most are FITS files."""
    return _EXTENSIONS.get(protocol.lower(), ".fits")


def _directory_of(keyword: Keyword, value: str) -> str:
    if keyword.type is KeywordType.TIME and (found := _TIME.fullmatch(value)):
        year, month, day, hour, minute, second, zone = found.groups(default="")
        return f"{year}{month}{day}_{hour}{minute}{second}_{zone.upper() or 'UTC'}"
    return _safe(value)


def _value(file: NamedFile, key: str) -> str:
    keyword = file.definition.keyword(key)
    if keyword.is_constant:
        return keyword.default
    value = file.values.get(keyword.name)
    if value is None:
        raise QueryError(
            f"The record of {file.definition.name} has no value of {keyword.name} to name a file "
            f"by; ask for that keyword too"
        )
    return value


def _number_of(file: NamedFile) -> int:
    if file.recnum is None:
        raise QueryError(
            f"The record of {file.definition.name} has no record number to name a file by"
        )
    return file.recnum


def _token(file: NamedFile, token: str, number: int) -> str:
    """What stands for one token; the names that are no keywords are spelled as they are."""
    name, _, layout = token.partition(":")
    match name:
        case "":
            return ""
        case "seriesname":
            return file.definition.name
        case "segment":
            return file.stored_name or file.segment
        case "recnum":
            return Printf.of(layout or "%lld").print_numbers([_number_of(file)], bits=64)[0]
        case "#":
            return Printf.of(layout or _COUNTER).print_numbers([number], bits=32)[0]
    keyword, value = file.definition.keyword(name), _value(file, name)
    if not layout:
        return value
    if keyword.type is KeywordType.TIME:
        return _laid_out_time(keyword, value, layout)
    return _laid_out(keyword, value, layout)


def _laid_out_time(keyword: Keyword, value: str, layout: str) -> str:
    found = _TIME_LAYOUT.match(layout)
    assert found is not None  # every part may be absent
    kind, precision, zone = found.groups(default="")
    style = time_style(keyword.units, keyword.format)
    try:
        decimals = int(precision) if precision.strip("-") else 0
        value = format_time(parse_time(value), zone or style.zone, min(decimals, 12))
    except TimeTextError:  # a value that is no date, or a zone that nobody knows
        if zone:
            raise
    if kind == "A":
        return value.replace(".", "").replace(":", "")
    if kind == "D":
        date, _, clock = value.partition("_")
        return "@" + f"{date}@{clock}".replace(".", "@").replace(":", "")
    return value


def _laid_out(keyword: Keyword, value: str, layout: str) -> str:
    printf = Printf.of(layout)
    if keyword.type is KeywordType.STRING:
        return printf.print_texts([value])[0]
    try:
        number = float(value) if keyword.type.is_float else int(value, 0)
    except ValueError:  # MISSING
        return value
    return printf.print_numbers([number], bits=keyword.type.bits)[0]


def _safe(
    text: str,
    extension: str = "",
    *,
    marked: bool = False,
    unsafe: re.Pattern[str] = _UNSAFE,
) -> str:
    """A name of a file: the text, or what is left of it with digits that stand for the rest."""
    safe = _UNSAFE_START.sub("_", unsafe.sub("_", text))
    ending = _UNSAFE.sub("_", extension)[:16]
    is_all = (safe, ending) == (text, extension) and 0 < len(safe) <= _MOST - len(ending)
    if is_all and not marked:
        return safe + ending
    digits = hashlib.sha256((text + extension).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{safe[: _MOST - len(ending) - 13]}~{digits}{ending}"
