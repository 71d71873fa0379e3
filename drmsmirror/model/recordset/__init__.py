"""The record-set language: text to a syntax tree, the tree to conditions on stored columns.

================  ============================================================
`parse_recordset`  a query to its syntax tree; needs nothing but the text
`canonical`        a syntax tree to text
`bind`             a tree to conditions, with the definitions of its series
`window_text`      a bound set, on a window of its axis, to a query for a server
`recnum_text`      the same on a window of record numbers
`edge_text`        the same at the first or last position of its axis
`words_of`         what the filters of a bound set ask for, in words
================  ============================================================

Source: the project's page on record sets, whose rules are cited by their numbers.
"""

from __future__ import annotations

from drmsmirror.model.recordset.bind import bind
from drmsmirror.model.recordset.bound import (
    BoundRecordSet,
    BoundSet,
    Condition,
    Edge,
    Span,
    SqlCondition,
)
from drmsmirror.model.recordset.parse import parse_recordset
from drmsmirror.model.recordset.printing import edge_text, recnum_text, window_text
from drmsmirror.model.recordset.syntax import (
    Name,
    Number,
    NumberFilter,
    RecnumFilter,
    RecordSet,
    SeriesSet,
    SqlFilter,
    Value,
    ValueFilter,
    canonical,
)
from drmsmirror.model.recordset.words import words_of

__all__ = [
    "BoundRecordSet",
    "BoundSet",
    "Condition",
    "Edge",
    "Name",
    "Number",
    "NumberFilter",
    "RecnumFilter",
    "RecordSet",
    "SeriesSet",
    "Span",
    "SqlCondition",
    "SqlFilter",
    "Value",
    "ValueFilter",
    "bind",
    "canonical",
    "edge_text",
    "parse_recordset",
    "recnum_text",
    "window_text",
    "words_of",
]
