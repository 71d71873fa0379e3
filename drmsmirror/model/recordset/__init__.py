"""The record-set language: text to a syntax tree, the tree to conditions on stored columns.

================  ============================================================
`parse_recordset`  a query to its syntax tree; needs nothing but the text
`canonical`        a syntax tree to text
`bind`             a tree to conditions, with the definitions of its series
`matches`          which values of a column satisfy a condition
`window_text`      a bound set, on a window of its axis, to a query for a server
`recnum_text`      the same on a window of record numbers
`edge_text`        the same at the first or last position of its axis
================  ============================================================

Source: DRMS semantics 1. Of the language this version answers sets joined by separators, positional
and named filters by value, and lists of segments. It refuses ``[? ?]``, ``[! !]``, ``[#...]``,
``[:#...]``, ``^``, ``$``, comments and ``@file`` with `NotUnderstoodError`.
"""

from __future__ import annotations

from drmsmirror.model.recordset.bind import bind
from drmsmirror.model.recordset.bound import BoundRecordSet, BoundSet, Condition, Span
from drmsmirror.model.recordset.matching import matches
from drmsmirror.model.recordset.parse import parse_recordset
from drmsmirror.model.recordset.printing import edge_text, recnum_text, window_text
from drmsmirror.model.recordset.syntax import (
    Filter,
    Name,
    RecordSet,
    SeriesSet,
    Value,
    canonical,
)

__all__ = [
    "BoundRecordSet",
    "BoundSet",
    "Condition",
    "Filter",
    "Name",
    "RecordSet",
    "SeriesSet",
    "Span",
    "Value",
    "bind",
    "canonical",
    "edge_text",
    "matches",
    "parse_recordset",
    "recnum_text",
    "window_text",
]
