"""The tables of a published series, as SQLAlchemy knows them.

PostgreSQL gets what DRMS has: a schema ``hmi`` with the table ``sharp_720s``, and DRMS's master
tables beside it. SQLite has no schemas: there the table is ``hmi__sharp_720s``, a name that needs
no quotes, and the master tables serve all namespaces.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    REAL,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from drmsmirror.catalogue import tables as catalogue
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.model.types import KeywordType
from drmsmirror.records import comment_on

__all__ = ["MASTERS", "Tables", "tables_for"]

#: The catalogue's tables of which the published ones have DRMS's own columns.
MASTERS = (
    catalogue.drms_series,
    catalogue.drms_keyword,
    catalogue.drms_segment,
    catalogue.drms_link,
)

#: What DRMS makes of its types in PostgreSQL (DRMS semantics 2.1), ``char`` as a number.
_TYPES: dict[KeywordType, TypeEngine[Any]] = {
    KeywordType.CHAR: SmallInteger(),
    KeywordType.SHORT: SmallInteger(),
    KeywordType.INT: Integer(),
    KeywordType.LONGLONG: BigInteger(),
    KeywordType.FLOAT: REAL(),
    KeywordType.DOUBLE: Double(),
    KeywordType.TIME: Double(),
    KeywordType.STRING: Text(),
}

#: SQLAlchemy shortens names made so to what the database takes.
_NAMING = {"ix": "ix_%(table_name)s_%(column_0_N_name)s"}

# in SQLite only INTEGER makes the number of a record the number of its row
_Recnum = BigInteger().with_variant(Integer(), "sqlite")


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one series in one target.

    Parameters
    ----------
    records : Table
        The series itself.
    view : str
        Name of the view on it in which times are dates.
    masters : dict of str to Table
        ``drms_series`` and the others, by name.
    published : Table
        What the target remembers of each series.
    stage : Table
        Temporary: records that are to be there, with the columns of ``records``.
    touched : Table
        Temporary: record numbers that are to be as in ``stage``, or absent.
    """

    records: Table
    view: str
    masters: dict[str, Table]
    published: Table
    stage: Table
    touched: Table

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that is ours in the target."""
        own = (self.records.name, self.view, self.published.name)
        return (*own, *(table.name for table in self.masters.values()))


def tables_for(definition: SeriesDefinition, columns: tuple[str, ...], *, sqlite: bool) -> Tables:
    """The tables of a series.

    Parameters
    ----------
    definition : SeriesDefinition
    columns : tuple of str
        Keyword columns in their order, which is that of the table that is there.
    sqlite : bool
        Whether there are no schemas.
    """
    schema = None if sqlite else definition.namespace
    metadata = MetaData(schema=schema, naming_convention=_NAMING)
    name = f"{definition.namespace}__{definition.table}" if sqlite else definition.table
    temporary: dict[str, Any] = {"prefixes": ["TEMPORARY"]}
    if not sqlite:
        temporary["postgresql_on_commit"] = "DROP"
    records = Table(
        name, metadata, *_record_columns(definition, columns), comment=definition.note or None
    )
    _add_indexes(records, definition.internal_prime_keys)
    return Tables(
        records=records,
        view=f"{name}_v",
        masters={table.name: _master(table, metadata) for table in MASTERS},
        published=_published(metadata),
        stage=Table(
            "drmsmirror_stage", MetaData(), *_record_columns(definition, columns), **temporary
        ),
        touched=Table("drmsmirror_touched", MetaData(), _recnum(), **temporary),
    )


def _recnum() -> Column[int]:
    return Column("recnum", _Recnum, primary_key=True, autoincrement=False)


def _record_columns(definition: SeriesDefinition, columns: tuple[str, ...]) -> list[Column[Any]]:
    keywords = [definition.column(name) for name in columns]
    return [
        _recnum(),
        Column("sunum", BigInteger, comment="Storage unit of the segments"),
        *(
            Column(column.name, _TYPES[column.type], comment=comment_on(column))
            for column in keywords
            if column is not None
        ),
    ]


def _add_indexes(records: Table, keys: tuple[str, ...]) -> None:
    """One index over the prime keys, and one for each that is not its first."""
    if keys:
        Index(None, *(records.c[key] for key in keys))
    for key in keys[1:]:
        Index(None, records.c[key])


def _master(table: Table, metadata: MetaData) -> Table:
    """A master table with the columns that DRMS has: ours come after them."""
    drms = itertools.takewhile(lambda column: column.name != "series_key", table.columns)
    return Table(table.name, metadata, *(Column(column.name, column.type) for column in drms))


def _published(metadata: MetaData) -> Table:
    """The table of the fields of :class:`~drmsmirror.publish.note.Note`, and the name used."""
    return Table(
        "drmsmirror_published",
        metadata,
        Column("series", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("columns", JSON, nullable=False),
        Column("prime_keys", JSON, nullable=False),
        Column("definition", Text, nullable=False),
        Column("table_version", BigInteger, nullable=False),
        Column("run", BigInteger),
        Column("run_started_utc", Text),
        Column("run_has_ended", Boolean, nullable=False),
        Column("records", BigInteger, nullable=False),
        Column("as_of_utc", Text),
        Column("published_utc", Text, nullable=False),
        Column("published_by", Text, nullable=False),
    )
