"""Read the answer to ``op=series_struct`` into a series definition.

Source: DRMS semantics 4.2.2. Besides what JSOC sends, three members of our own are understood, so
that a definition can be written to a file and read back without loss: ``x_series`` (the canonical
name), ``x_formats`` (keyword to print format) and ``x_learnt`` (keywords whose format is not the
series' word, but was learnt from what it printed).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from drmsmirror.errors import DefinitionError
from drmsmirror.model.codecs import codec_of, definition_format
from drmsmirror.model.series import Keyword, Link, LinkTarget, Scope, Segment, SeriesDefinition
from drmsmirror.model.types import KeywordType

__all__ = ["definition_from_struct", "learnt_from_struct", "struct_from_definition"]

_ATTRIBUTES = ("retention", "stagingretention", "unitsize", "archive", "tapegroup")
_NOTHING_LEARNT: Mapping[str, str] = MappingProxyType({})
_SERIES_NAME = re.compile(r"[A-Za-z]\w{0,62}\.\w{1,63}", re.ASCII)
_KEYWORD_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_ALIAS_NOTE = re.compile(r"\[(?P<alias>[^\]\s]+)\]")


def definition_from_struct(name: str, answer: Mapping[str, Any]) -> SeriesDefinition:
    """Make a definition from a parsed ``series_struct`` answer.

    Parameters
    ----------
    name : str
        The series' name; ``x_series`` in the answer, or the name in ``Interval``, gives the
        canonical spelling where they differ only in case.
    answer : mapping
        The parsed JSON body.

    Raises
    ------
    DefinitionError
        A required member is absent or of the wrong kind, a type or class is unknown, or the prime
        keys are not among the keywords.
    """
    formats = answer.get("x_formats") or {}
    if not isinstance(formats, dict) or not all(isinstance(one, str) for one in formats.values()):
        raise DefinitionError(f"{name}: x_formats must be an object of keywords and their formats")
    keywords = _keywords(name, answer, formats)
    known = {keyword.name.lower(): keyword.name for keyword in keywords}
    definition = SeriesDefinition(
        name=_canonical_name(name, answer),
        note=_text(answer.get("note")),
        keywords=keywords,
        prime_keys=_key_names(name, answer, "primekeys", known),
        db_index=_key_names(name, answer, "dbindex", known),
        segments=tuple(_segment(name, entry) for entry in _entries(name, answer, "segments")),
        links=tuple(_link(name, entry) for entry in _entries(name, answer, "links")),
        attributes={key: int(answer[key]) for key in _ATTRIBUTES if key in answer},
    )
    _refuse_odd_names(definition)
    return definition


def learnt_from_struct(
    name: str, answer: Mapping[str, Any]
) -> tuple[SeriesDefinition, dict[str, str]]:
    """A definition as the series gives it, and by keyword the codec formats that were learnt.

    Parameters
    ----------
    name, answer
        As for :func:`definition_from_struct`, which takes a learnt format for one of the series.

    Raises
    ------
    DefinitionError
        As for :func:`definition_from_struct`.
    """
    definition = definition_from_struct(name, answer)
    named = answer.get("x_learnt") or []
    if not isinstance(named, list):
        raise DefinitionError(f"{name}: x_learnt must be a list of keywords")
    codecs = {
        keyword.name: codec.format
        for keyword in definition.keywords
        if keyword.name in named and keyword.format and (codec := codec_of(keyword))
    }
    keywords = tuple(
        replace(keyword, format=None) if keyword.name in codecs else keyword
        for keyword in definition.keywords
    )
    return replace(definition, keywords=keywords), codecs


def struct_from_definition(
    definition: SeriesDefinition, codecs: Mapping[str, str] = _NOTHING_LEARNT
) -> dict[str, Any]:
    """The ``series_struct`` members that give the definition back.

    The inverse of :func:`definition_from_struct`; volatile members (``Interval``, ``runtime``) and
    ``primekeysinfo`` (which repeats the constants) are left out.

    Parameters
    ----------
    definition : SeriesDefinition
    codecs : mapping of str to str, optional
        By keyword, codec formats that were learnt; with them it is the inverse of
        :func:`learnt_from_struct`.
    """
    learnt = {
        keyword.name: known
        for keyword in definition.keywords
        if (codec := codecs.get(keyword.name))
        and (known := definition_format(keyword, codec)) is not None
        and known != keyword.format
    }
    given = {keyword.name: keyword.format for keyword in definition.keywords if keyword.format}
    return {
        "note": definition.note,
        **definition.attributes,
        "primekeys": list(definition.prime_keys) or [None],
        "dbindex": list(definition.db_index) or [None],
        "keywords": [_keyword_entry(keyword) for keyword in definition.keywords],
        "segments": [
            {
                "name": segment.name,
                "type": segment.type,
                "units": segment.units,
                "protocol": segment.protocol,
                "dims": segment.dims,
                "note": segment.note,
            }
            for segment in definition.segments
        ],
        "links": [
            {"name": link.name, "target": link.target, "kind": link.kind, "note": link.note}
            for link in definition.links
        ],
        "x_series": definition.name,
        "x_formats": given | learnt,
        "x_learnt": list(learnt),
    }


def _refuse_odd_names(definition: SeriesDefinition) -> None:
    """Names become paths and columns, so that nothing else may hide in them."""
    if not _SERIES_NAME.fullmatch(definition.name):
        raise DefinitionError(
            f"{definition.name!r} is no series name: it must be namespace.name, of letters, digits "
            f"and underscores"
        )
    for keyword in definition.keywords:
        if keyword.alias_of is None and not _KEYWORD_NAME.fullmatch(keyword.name):
            raise DefinitionError(f"{definition.name}: {keyword.name!r} is no keyword name")


def _canonical_name(name: str, answer: Mapping[str, Any]) -> str:
    interval = answer.get("Interval")
    first = interval.get("FirstRecord", "") if isinstance(interval, Mapping) else ""
    spelled = answer.get("x_series") or str(first).partition("[")[0]
    return spelled if str(spelled).lower() == name.lower() else name


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _entries(name: str, answer: Mapping[str, Any], member: str) -> Sequence[Mapping[str, Any]]:
    entries = answer.get(member)
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise DefinitionError(f"The definition of {name} has no list of {member}")
    return entries


def _key_names(
    name: str, answer: Mapping[str, Any], member: str, known: Mapping[str, str]
) -> tuple[str, ...]:
    """External key names; ``[null]`` is how DRMS says that there are none."""
    listed = [key for key in answer.get(member) or [] if key is not None]
    unknown = [key for key in listed if str(key).lower() not in known]
    if unknown:
        raise DefinitionError(f"{name}: {member} names {unknown[0]!r}, which is no keyword of it")
    return tuple(known[str(key).lower()] for key in listed)


def _keywords(
    name: str, answer: Mapping[str, Any], formats: Mapping[str, str]
) -> tuple[Keyword, ...]:
    keywords: list[Keyword] = []
    for entry in _entries(name, answer, "keywords"):
        keyword = _keyword(name, entry, formats, keywords[-1] if keywords else None)
        keywords.append(keyword)
    return tuple(keywords)


def _keyword(
    name: str, entry: Mapping[str, Any], formats: Mapping[str, str], before: Keyword | None
) -> Keyword:
    keyword_name = _text(entry.get("name"))
    if not keyword_name:
        raise DefinitionError(f"{name} lists a keyword without a name")
    return Keyword(
        name=keyword_name,
        type=_type(name, keyword_name, entry),
        scope=_scope(name, keyword_name, entry),
        default=_text(entry.get("defval")),
        units=_text(entry.get("units")),
        note=_text(entry.get("note")),
        link=_link_target(entry.get("linkinfo")),
        format=formats.get(keyword_name),
        alias_of=_aliased(keyword_name, before),
    )


def _type(name: str, keyword: str, entry: Mapping[str, Any]) -> KeywordType:
    text = _text(entry.get("type"))
    if text == "link":  # DRMS could not follow the link: whatever is read will be text
        return KeywordType.STRING
    try:
        return KeywordType(text)
    except ValueError:
        kinds = ", ".join(KeywordType)
        raise DefinitionError(
            f"{name}: keyword {keyword} has type {text!r}; known types are {kinds}"
        ) from None


def _scope(name: str, keyword: str, entry: Mapping[str, Any]) -> Scope:
    text = _text(entry.get("recscope"))
    if _text(entry.get("type")) == "link":
        return Scope.VARIABLE
    try:
        return Scope(text)
    except ValueError:
        raise DefinitionError(f"{name}: keyword {keyword} has recscope {text!r}") from None


def _link_target(linkinfo: object) -> LinkTarget | None:
    if not linkinfo:
        return None
    link, _, keyword = str(linkinfo).partition("->")
    return LinkTarget(link, keyword)


def _aliased(name: str, before: Keyword | None) -> str | None:
    """The keyword that ``name`` is another name of (DRMS semantics 2.3, aliases)."""
    if before is None:
        return None
    bracketed = _ALIAS_NOTE.match(before.note)
    return before.name if bracketed and bracketed["alias"].lower() == name.lower() else None


def _segment(name: str, entry: Mapping[str, Any]) -> Segment:
    if not entry.get("name"):
        raise DefinitionError(f"{name} lists a segment without a name")
    return Segment(
        **{
            member: _text(entry.get(member))
            for member in ("name", "type", "units", "protocol", "dims", "note")
        }
    )


def _link(name: str, entry: Mapping[str, Any]) -> Link:
    if not entry.get("name"):
        raise DefinitionError(f"{name} lists a link without a name")
    return Link(
        **{member: _text(entry.get(member)) for member in ("name", "target", "kind", "note")}
    )


def _keyword_entry(keyword: Keyword) -> dict[str, str]:
    link = (
        {"linkinfo": f"{keyword.link.link}->{keyword.link.keyword}"}
        if keyword.link is not None
        else {}
    )
    return {
        "name": keyword.name,
        **link,
        "type": str(keyword.type),
        "recscope": str(keyword.scope),
        "defval": keyword.default,
        "units": keyword.units,
        "note": keyword.note,
    }
