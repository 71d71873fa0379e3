"""Conditions in SQL, ``[? ... ?]``: PostgreSQL's text to a checked and typed tree.

What PostgreSQL means is fixed here: which operator a pair of types has, what a literal becomes,
which functions there are. The tree has nodes of our own, each of which is known to be safe: it
reads columns of the series and its arguments, and nothing else. What has no node is refused. The
record tables' engine prints the tree in its own SQL.

Reading (`read.read_condition`) is imported where there is a condition: few questions have one.
"""

from __future__ import annotations

from drmsmirror.model.conditions.nodes import (
    Call,
    Case,
    Column,
    Constant,
    Node,
    SubSelect,
    columns_of,
    sub_selects_of,
    walk,
)
from drmsmirror.model.conditions.sqltypes import SqlType

__all__ = [
    "Call",
    "Case",
    "Column",
    "Constant",
    "Node",
    "SqlType",
    "SubSelect",
    "columns_of",
    "sub_selects_of",
    "walk",
]
