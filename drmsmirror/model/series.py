"""What a DRMS series is: keywords, segments, links, prime keys, and the columns they make.

Sources: DRMS semantics 2.3 (keyword classes), 3.1-3.2 (tables), 4.2.2 (``series_struct``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from drmsmirror.errors import UnknownKeywordError
from drmsmirror.model.types import KeywordType

__all__ = [
    "Axis",
    "Column",
    "Keyword",
    "Link",
    "LinkTarget",
    "Scope",
    "Segment",
    "SeriesDefinition",
]

_COMPRESSION_PARAMETERS = re.compile(r"cparms_sg\d{3}", re.IGNORECASE)


class Scope(StrEnum):
    """The class of a keyword, spelled as ``recscope`` in ``series_struct``."""

    VARIABLE = "variable"
    CONSTANT = "constant"
    INDEX = "index"
    TS_EQ = "ts_eq"
    TS_SLOT = "ts_slot"
    SLOT = "slot"
    ENUM = "enum"
    CARR = "carr"
    SEGMENT = "segment"

    @property
    def is_slotted(self) -> bool:
        """Whether identity and filters go by the slot index instead of the value."""
        return self in (Scope.TS_EQ, Scope.TS_SLOT, Scope.SLOT, Scope.ENUM, Scope.CARR)


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Where a linked keyword reads its value: a link and a keyword of its target."""

    link: str
    keyword: str


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword of a series.

    Parameters
    ----------
    name : str
        Canonical spelling.
    type : KeywordType
        Type of the values; of a linked keyword, the type of the target.
    scope : Scope
        Class of the keyword.
    default : str
        Default value as DRMS prints it; the value itself where ``scope`` is constant.
    units, note : str
        As the series says; of a time, ``units`` is the zone in which it prints.
    link : LinkTarget, optional
        Set where the value is read through a link.
    format : str, optional
        Print format, where the definition gives one (JSOC's ``series_struct`` does not).
    alias_of : str, optional
        Set on the extra entry that DRMS lists for a FITS name: the keyword it stands for.
    """

    name: str
    type: KeywordType
    scope: Scope = Scope.VARIABLE
    default: str = ""
    units: str = ""
    note: str = ""
    link: LinkTarget | None = None
    format: str | None = None
    alias_of: str | None = None

    @property
    def is_constant(self) -> bool:
        """Whether the value lives in the definition and not in the records."""
        return self.scope is Scope.CONSTANT


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment (file) that each record of a series has."""

    name: str
    type: str = ""
    units: str = ""
    protocol: str = ""
    dims: str = ""
    note: str = ""

    @property
    def is_linked(self) -> bool:
        """Whether it is the segment of another series' record (DRMS semantics 3.3)."""
        return self.protocol.startswith("link via ")


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a series to the records of another."""

    name: str
    target: str
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One keyword column of a record table.

    Parameters
    ----------
    name : str
        Column name as in DRMS's own series table: lower case, ``_000`` for a segment's.
    key : str
        How the upstream is asked for it: ``T_REC``, ``BUNIT[0]``.
    keyword : Keyword
        The keyword that it holds.
    """

    name: str
    key: str
    keyword: Keyword

    @property
    def type(self) -> KeywordType:
        """Type of the stored values."""
        return self.keyword.type


@dataclass(frozen=True, slots=True)
class Axis:
    """The column along which coverage is counted and windows are cut.

    Parameters
    ----------
    column : str
        ``t_rec_index`` (slots), ``t_obs`` (seconds of the DRMS epoch) or ``recnum``.
    keyword : str or None
        The prime key behind it; None for the record number.
    slotted : bool
        Whether positions are slot numbers.
    """

    column: str
    keyword: str | None
    slotted: bool


@dataclass(frozen=True)
class SeriesDefinition:
    """All that is fixed about a series.

    Parameters
    ----------
    name : str
        Canonical spelling, ``namespace.name``.
    note : str
        One line of description.
    keywords : tuple of Keyword
        In DRMS order, implicit ones and aliases included.
    prime_keys : tuple of str
        External names (``T_REC``, not ``T_REC_index``); empty where there are none.
    db_index : tuple of str
        Indexed keywords.
    segments : tuple of Segment
    links : tuple of Link
    attributes : dict
        ``retention``, ``stagingretention``, ``unitsize``, ``archive``, ``tapegroup``, as sent.
    """

    name: str
    note: str = ""
    keywords: tuple[Keyword, ...] = ()
    prime_keys: tuple[str, ...] = ()
    db_index: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    links: tuple[Link, ...] = ()
    attributes: dict[str, int] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """The part before the dot, in lower case: DRMS's database schema."""
        return self.name.partition(".")[0].lower()

    @property
    def table(self) -> str:
        """The part after the first dot, in lower case: DRMS's table name."""
        return self.name.partition(".")[2].lower()

    @cached_property
    def _by_name(self) -> dict[str, Keyword]:
        return {keyword.name.lower(): keyword for keyword in reversed(self.keywords)}

    def find(self, name: str) -> Keyword | None:
        """The keyword of that name, in any case, or None."""
        return self._by_name.get(name.lower())

    def keyword(self, name: str) -> Keyword:
        """The keyword of that name, in any case.

        Raises
        ------
        UnknownKeywordError
            There is none; the message suggests near names.
        """
        found = self.find(name)
        if found is None:
            near = difflib.get_close_matches(name.lower(), self._by_name, n=3)
            suggestion = ", ".join(self._by_name[match].name for match in near)
            hint = f" Did you mean {suggestion}?" if near else ""
            raise UnknownKeywordError(f"{self.name} has no keyword {name!r}.{hint}")
        return found

    def is_implicit(self, keyword: Keyword) -> bool:
        """Whether DRMS made the keyword by itself and hides it from ``**ALL**``.

        These are the slot indices, ``cparms_sgNNN``, ``<segment>_bzero`` and
        ``<segment>_bscale`` (DRMS semantics 2.3).
        """
        name = keyword.name.lower()
        return (
            keyword.scope is Scope.INDEX
            or _COMPRESSION_PARAMETERS.fullmatch(name) is not None
            or name in self._scaling_names
        )

    @cached_property
    def _scaling_names(self) -> frozenset[str]:
        return frozenset(
            f"{segment.name.lower()}_{suffix}"
            for segment in self.segments
            for suffix in ("bzero", "bscale")
        )

    @cached_property
    def internal_prime_keys(self) -> tuple[str, ...]:
        """Columns that make a record's identity: slotted keys replaced by their index."""
        return tuple(self._internal_name(key) for key in self.prime_keys)

    def _internal_name(self, key: str) -> str:
        return f"{key.lower()}_index" if self.keyword(key).scope.is_slotted else key.lower()

    @cached_property
    def axis(self) -> Axis:
        """The first slotted time prime key; else the first time prime key; else recnum."""
        times = [key for key in self.prime_keys if self.keyword(key).type is KeywordType.TIME]
        slotted = [key for key in times if self.keyword(key).scope.is_slotted]
        if slotted:
            return Axis(f"{slotted[0].lower()}_index", self.keyword(slotted[0]).name, slotted=True)
        if times:
            return Axis(times[0].lower(), self.keyword(times[0]).name, slotted=False)
        return Axis("recnum", None, slotted=False)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The keyword columns of the record table: prime and index keys first, then DRMS order.

        Constants and aliases have none, and of slot indices only those that identify a record.
        Keywords read through links have one: the value as it was seen.
        """
        first = {key.lower() for key in self.prime_keys} | set(self.internal_prime_keys)
        columns = [
            column
            for keyword in self.keywords
            if self._is_stored(keyword)
            for column in self._columns_of(keyword)
        ]
        return tuple(sorted(columns, key=lambda column: column.name not in first))

    def _is_stored(self, keyword: Keyword) -> bool:
        if keyword.scope is Scope.INDEX:
            return keyword.name.lower() in self.internal_prime_keys
        return not (keyword.is_constant or keyword.alias_of)

    def _columns_of(self, keyword: Keyword) -> Iterator[Column]:
        if keyword.scope is not Scope.SEGMENT:
            yield Column(keyword.name.lower(), keyword.name, keyword)
            return
        for number in range(len(self.segments)):
            yield Column(
                f"{keyword.name.lower()}_{number:03d}", f"{keyword.name}[{number}]", keyword
            )

    def column(self, name: str) -> Column | None:
        """The column of that name or key (``T_REC``, ``bunit_000``, ``BUNIT[0]``), or None."""
        return self._columns_by_name.get(name.lower())

    @cached_property
    def _columns_by_name(self) -> dict[str, Column]:
        by_key = {column.key.lower(): column for column in self.columns}
        return by_key | {column.name: column for column in self.columns}
