"""The types of PostgreSQL that a condition on a series can have, and which pairs go together."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from drmsmirror.model.types import KeywordType

__all__ = [
    "COLUMN_TYPES",
    "NAMED_TYPES",
    "RECORD_NUMBERS",
    "SqlType",
    "common_number",
    "wider_number",
]


class SqlType(StrEnum):
    """A type, by the name that PostgreSQL's messages use."""

    BOOLEAN = "boolean"
    INT2 = "smallint"
    INT4 = "integer"
    INT8 = "bigint"
    NUMERIC = "numeric"
    FLOAT4 = "real"
    FLOAT8 = "double precision"
    TEXT = "text"
    BITS = "bit"
    #: A quoted literal, or NULL, before it is known what it is compared with.
    UNKNOWN = "unknown"

    @property
    def is_integer(self) -> bool:
        """Whether values are whole numbers of a fixed size."""
        return self in _INTEGERS

    @property
    def is_number(self) -> bool:
        """Whether values can be calculated with."""
        return self in _NUMBERS

    @property
    def bits(self) -> int:
        """Size of a whole number."""
        return {SqlType.INT2: 16, SqlType.INT4: 32, SqlType.INT8: 64}[self]


_INTEGERS = (SqlType.INT2, SqlType.INT4, SqlType.INT8)
#: In the order in which one becomes the other.
_NUMBERS = (*_INTEGERS, SqlType.NUMERIC, SqlType.FLOAT4, SqlType.FLOAT8)

#: The column that a keyword has in DRMS's own table (DRMS semantics 2.1).
COLUMN_TYPES = {
    KeywordType.CHAR: SqlType.INT2,
    KeywordType.SHORT: SqlType.INT2,
    KeywordType.INT: SqlType.INT4,
    KeywordType.LONGLONG: SqlType.INT8,
    KeywordType.FLOAT: SqlType.FLOAT4,
    KeywordType.DOUBLE: SqlType.FLOAT8,
    KeywordType.TIME: SqlType.FLOAT8,
    KeywordType.STRING: SqlType.TEXT,
}

#: Columns that every series has besides its keywords (DRMS semantics 3.2).
RECORD_NUMBERS = {"recnum": SqlType.INT8, "sunum": SqlType.INT8, "slotnum": SqlType.INT4}

#: What a cast may name, as sqlglot calls it.
NAMED_TYPES = {
    "BOOLEAN": SqlType.BOOLEAN,
    "SMALLINT": SqlType.INT2,
    "INT": SqlType.INT4,
    "BIGINT": SqlType.INT8,
    "DECIMAL": SqlType.NUMERIC,
    "FLOAT": SqlType.FLOAT4,
    "DOUBLE": SqlType.FLOAT8,
    "TEXT": SqlType.TEXT,
    "VARCHAR": SqlType.TEXT,
}


def wider_number(types: Iterable[SqlType]) -> SqlType:
    """The type of a choice between numbers (CASE, COALESCE, IN): the one that all can become."""
    return max(types, key=_NUMBERS.index)


def common_number(one: SqlType, other: SqlType) -> SqlType:
    """The type in which PostgreSQL calculates with, and compares, two numbers.

    A ``real`` with any other kind of number is calculated in double precision.
    """
    if one is other:
        return one
    wider = wider_number((one, other))
    return SqlType.FLOAT8 if wider is SqlType.FLOAT4 else wider
