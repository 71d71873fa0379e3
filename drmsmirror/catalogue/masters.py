"""A series definition as rows of DRMS's master tables, and back.

Source: DRMS semantics 2.3 (``isconstant``, ``persegment``), 3.1 (the other columns).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from drmsmirror.model.series import Keyword, Link, LinkTarget, Scope, Segment, SeriesDefinition
from drmsmirror.model.types import KeywordType

__all__ = [
    "definition_of",
    "keyword_rows",
    "link_rows",
    "segment_rows",
    "series_key",
    "series_row",
]

_CLASS_NUMBERS = {
    Scope.VARIABLE: 0,
    Scope.SEGMENT: 0,
    Scope.CONSTANT: 1,
    Scope.INDEX: 100,
    Scope.TS_EQ: 1000,
    Scope.SLOT: 1001,
    Scope.ENUM: 1002,
    Scope.CARR: 1003,
    Scope.TS_SLOT: 1004,
}
_PER_SEGMENT, _IMPLICIT, _INTERNAL_PRIME, _EXTERNAL_PRIME, _RANK_SHIFT = 1, 2, 4, 8, 16


def series_key(name: str) -> str:
    """Give what a series is found by: its name in lower case."""
    return name.strip().lower()


def series_row(definition: SeriesDefinition) -> dict[str, Any]:
    """Give the row of ``drms_series``."""
    attributes = definition.attributes
    return {
        "seriesname": definition.name,
        "unitsize": attributes.get("unitsize"),
        "archive": attributes.get("archive"),
        "retention": _retention(attributes),
        "tapegroup": attributes.get("tapegroup"),
        "primary_idx": ", ".join(_internal(definition, key) for key in definition.prime_keys),
        "description": definition.note,
        "dbidx": ", ".join(_internal(definition, key) for key in definition.db_index),
        "series_key": series_key(definition.name),
        "prime_keys": list(definition.prime_keys),
        "db_index": list(definition.db_index),
        "attributes": dict(attributes),
    }


def keyword_rows(definition: SeriesDefinition, codecs: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the rows of ``drms_keyword``; ``codecs`` by lower-case keyword."""
    return [
        {
            "seriesname": definition.name,
            "keywordname": keyword.name,
            "linkname": keyword.link.link if keyword.link else None,
            "targetkeyw": keyword.link.keyword if keyword.link else None,
            "type": str(keyword.type),
            "defaultval": keyword.default,
            "format": keyword.format,
            "unit": keyword.units,
            "islink": int(keyword.link is not None),
            "isconstant": _CLASS_NUMBERS[keyword.scope],
            "persegment": _flags(definition, keyword, rank),
            "description": keyword.note,
            "series_key": series_key(definition.name),
            "keyword_rank": rank,
            "recscope": str(keyword.scope),
            "alias_of": keyword.alias_of,
            "codec": codecs.get(keyword.name.lower()),
        }
        for rank, keyword in enumerate(definition.keywords)
    ]


def segment_rows(definition: SeriesDefinition) -> list[dict[str, Any]]:
    """Give the rows of ``drms_segment``."""
    return [
        {
            "seriesname": definition.name,
            "segmentname": segment.name,
            "segnum": number,
            "scope": "vardim" if "VAR" in segment.dims else None,
            "type": segment.type,
            "naxis": len(segment.dims.split("x")) if segment.dims else 0,
            "axis": ", ".join(segment.dims.split("x")) if segment.dims else "",
            "unit": segment.units,
            "protocol": segment.protocol,
            "description": segment.note,
            "series_key": series_key(definition.name),
            "dims": segment.dims,
        }
        for number, segment in enumerate(definition.segments)
    ]


def link_rows(definition: SeriesDefinition) -> list[dict[str, Any]]:
    """Give the rows of ``drms_link``."""
    return [
        {
            "seriesname": definition.name,
            "linkname": link.name,
            "target_seriesname": link.target,
            "type": link.kind.lower(),
            "description": link.note,
            "series_key": series_key(definition.name),
            "link_rank": rank,
            "kind": link.kind,
        }
        for rank, link in enumerate(definition.links)
    ]


def definition_of(
    series: Row[Any],
    keywords: Iterable[Row[Any]],
    segments: Iterable[Row[Any]],
    links: Iterable[Row[Any]],
) -> SeriesDefinition:
    """Give the definition that the rows, in the order of their ranks, were made from."""
    return SeriesDefinition(
        name=series.seriesname,
        note=series.description,
        keywords=tuple(_keyword(row) for row in keywords),
        prime_keys=_names(series.prime_keys),
        db_index=_names(series.db_index),
        segments=tuple(
            Segment(row.segmentname, row.type, row.unit, row.protocol, row.dims, row.description)
            for row in segments
        ),
        links=tuple(
            Link(row.linkname, row.target_seriesname, row.kind, row.description) for row in links
        ),
        attributes={str(name): int(value) for name, value in series.attributes.items()},
    )


def _names(listed: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(name) for name in listed)


def _keyword(row: Row[Any]) -> Keyword:
    return Keyword(
        name=row.keywordname,
        type=KeywordType(row.type),
        scope=Scope(row.recscope),
        default=row.defaultval,
        units=row.unit,
        note=row.description,
        link=LinkTarget(row.linkname, row.targetkeyw) if row.islink else None,
        format=row.format,
        alias_of=row.alias_of,
    )


def _retention(attributes: Mapping[str, int]) -> int | None:
    """Days in the low bits, staging days from bit 16 up, as DRMS packs them."""
    days, staging = attributes.get("retention"), attributes.get("stagingretention", 0)
    if days is None or not (0 <= days < 1 << 15 and 0 <= staging < 1 << 15):
        return days
    return days | staging << 16


def _internal(definition: SeriesDefinition, key: str) -> str:
    """Give the keyword that stands for a key inside DRMS: the slot index of a slotted one."""
    keyword = definition.find(key)
    if keyword is None or not keyword.scope.is_slotted:
        return key
    index = definition.find(f"{key}_index")
    return index.name if index else f"{key}_index"


def _flags(definition: SeriesDefinition, keyword: Keyword, rank: int) -> int:
    """DRMS's kwflags, the rank counted from 1."""
    name = keyword.name.lower()
    external = {key.lower() for key in definition.prime_keys}
    internal = {_internal(definition, key).lower() for key in definition.prime_keys}
    return (
        (rank + 1) << _RANK_SHIFT
        | (_PER_SEGMENT if keyword.scope is Scope.SEGMENT else 0)
        | (_IMPLICIT if definition.is_implicit(keyword) else 0)
        | (_INTERNAL_PRIME if name in internal else 0)
        | (_EXTERNAL_PRIME if name in external else 0)
    )
