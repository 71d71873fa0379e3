"""DRMS's master tables as a namespace has them there: for whoever asks in SQL."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Table, Text, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MASTER_TABLES", "load"]

_TABLES: Final = {
    table.name: table
    for table in (
        tables.drms_keyword,
        tables.drms_link,
        tables.drms_segment,
        tables.drms_series,
    )
}

#: Their names, the same in every namespace.
MASTER_TABLES: Final = tuple(_TABLES)


def load(database: Database, name: str, namespace: str) -> pa.Table:
    """Read one master table of a namespace.

    Parameters
    ----------
    database : Database
    name : str
        One of :data:`MASTER_TABLES`.
    namespace : str
        In lower case.

    Returns
    -------
    pyarrow.Table
        The columns that DRMS has (DRMS semantics 3.1), as texts and int64. An alias is no row: in
        DRMS it stands in the description of its keyword.
    """
    import pyarrow as pa

    table = _TABLES[name]
    columns = _columns_of_drms(table)
    keys = table.primary_key.columns
    query = (
        select(*columns)
        .where(table.c.series_key.startswith(f"{namespace}.", autoescape=True))
        .order_by(table.c.series_key, *keys)
    )
    if table is tables.drms_keyword:
        query = query.where(table.c.alias_of.is_(None))
    with database.read() as connection:
        rows = [row._asdict() for row in connection.execute(query)]
    types = [pa.string() if isinstance(column.type, Text) else pa.int64() for column in columns]
    names = [column.name for column in columns]
    return pa.Table.from_pylist(rows, pa.schema(zip(names, types, strict=True)))


def _columns_of_drms(table: Table) -> list[Column[Any]]:
    """Those before the first of ours."""
    return list(takewhile(lambda column: column.name != "series_key", table.columns))
