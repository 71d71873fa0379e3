"""Cutting a record-set query into sets and filters (DRMS semantics 1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .errors import SplitError

__all__ = ["Filter", "RecordSet", "split_query"]

_BLANKS: Final = " \t\r\n\b"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]*)*")
_NAMED: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*=(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Filter:
    """One bracketed filter.

    Attributes
    ----------
    kind : str
        ``empty``, ``value`` (positional), ``named``, ``recnum``, ``sql`` (``[? ?]``) or ``bang``
        (``[! !]``).
    body : str
        What stands between the brackets, without the marks of the kind.
    name : str
        Keyword of a named filter.
    """

    kind: str
    body: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class RecordSet:
    """A series name, its filters, and the segment list (None when there is none)."""

    series: str
    filters: tuple[Filter, ...]
    segments: tuple[str, ...] | None


def _skip(text: str, pos: int) -> int:
    while pos < len(text) and text[pos] in _BLANKS:
        pos += 1
    return pos


def _quoted_end(text: str, pos: int) -> int:
    """Position after the quoted string that starts at `pos`."""
    quote, i = text[pos], pos + 1
    while i < len(text):
        if text[i] == "\\":
            i += 2
        elif text[i] == quote:
            return i + 1
        else:
            i += 1
    raise SplitError(f"unterminated quote at {pos}")


def _filter_end(text: str, pos: int) -> int:
    """Position of the ``]`` that closes the filter whose ``[`` is at `pos`."""
    mark = text[pos + 1 : pos + 2]
    i = pos + 2 if mark in ("?", "!") and mark else pos + 1
    while i < len(text):
        char = text[i]
        if char in "'\"":
            i = _quoted_end(text, i)
        elif mark and mark in "?!" and char == mark:
            if text[i + 1 : i + 2] != "]":
                raise SplitError(f"stray {mark!r} at {i}")
            return i + 1
        elif char == "]" and mark not in ("?", "!"):
            return i
        else:
            i += 1
    raise SplitError("filter is not closed")


def _classify(body: str) -> Filter:
    if body[:1] == "?":
        return Filter("sql", body[1:-1])
    if body[:1] == "!":
        return Filter("bang", body[1:-1])
    stripped = body.strip(_BLANKS)
    if not stripped:
        return Filter("empty", "")
    if stripped[0] == ":":
        return Filter("recnum", stripped[1:])
    if named := _NAMED.match(body):
        return Filter("named", named[2], named[1])
    return Filter("value", body)


def _read_set(text: str, pos: int) -> tuple[RecordSet, int]:
    name = _NAME.match(text, pos)
    if name is None:
        raise SplitError(f"no series name at {pos}")
    pos = _skip(text, name.end())
    filters: list[Filter] = []
    while text[pos : pos + 1] == "[":
        end = _filter_end(text, pos)
        filters.append(_classify(text[pos + 1 : end]))
        pos = _skip(text, end + 1)
    segments = None
    if text[pos : pos + 1] == "{":
        end = text.find("}", pos)
        if end < 0:
            raise SplitError("segment list is not closed")
        names = re.split(r"[,:;]", re.sub(r"\s+", "", text[pos + 1 : end]))
        segments = tuple(n for n in names if n)
        pos = _skip(text, end + 1)
    if sum(f.kind == "recnum" for f in filters) > 1:
        raise SplitError("Only one recnum list filter is allowed.")
    return RecordSet(name[0], tuple(filters), segments), pos


def split_query(text: str) -> tuple[RecordSet, ...]:
    """Cut a query into its record sets.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of RecordSet
        In the order written.

    Raises
    ------
    SplitError
        The text does not follow the grammar, or names a file or a legacy source, which a server
        must not read.
    """
    end = len(text.rstrip(_BLANKS))
    text, pos = text[:end], _skip(text, 0)
    sets: list[RecordSet] = []
    while pos < end:
        if text[pos] in "[],;#{@/.":
            raise SplitError(f"a record set cannot begin with {text[pos]!r}")
        record_set, pos = _read_set(text, pos)
        sets.append(record_set)
        if pos < end and text[pos] == "#":
            close = text.find("#", pos + 1)
            pos = end if close < 0 else _skip(text, close + 1)
            if pos < end:
                raise SplitError("nothing may follow a comment")
        elif pos < end:
            newline = "\n" in text[len(text[:pos].rstrip(_BLANKS)) : pos]
            if text[pos] in ",;":
                pos = _skip(text, pos + 1)
            elif not newline:
                raise SplitError(f"unexpected {text[pos]!r} at {pos}")
    if not sets:
        raise SplitError("empty query")
    return tuple(sets)
