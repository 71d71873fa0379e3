"""Text codecs learnt for keywords; their texts mean nothing here."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, func, select, update

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.definitions import known_key
from drmsmirror.errors import UnknownKeywordError

__all__ = ["load", "write"]


_CODECS = (
    select(tables.drms_keyword.c.keywordname, tables.drms_keyword.c.codec)
    .where(
        tables.drms_keyword.c.series_key == bindparam("key"),
        tables.drms_keyword.c.codec.is_not(None),
    )
    .order_by(tables.drms_keyword.c.keyword_rank)
)


def load(database: Database, series: str) -> dict[str, str]:
    """Give the codecs of a series by keyword, canonically spelled; those not learnt yet are absent.

    Raises
    ------
    UnknownSeriesError
        The mirror knows no such series.
    """
    with database.read() as connection:
        found = connection.execute(_CODECS, {"key": known_key(connection, series)})
        return {row.keywordname: row.codec for row in found}


def write(connection: Connection, key: str, codecs: Mapping[str, str]) -> None:
    """Keep codecs by keyword, in any case, inside a transaction; those of other keywords stay.

    Raises
    ------
    UnknownKeywordError
        The series has no such keyword.
    """
    keyword = tables.drms_keyword.c
    for name, codec in codecs.items():
        changed = connection.execute(
            update(tables.drms_keyword)
            .where(keyword.series_key == key, func.lower(keyword.keywordname) == name.lower())
            .values(codec=codec)
        )
        if not changed.rowcount:
            raise UnknownKeywordError(f"{key} has no keyword {name!r} that a codec could be of")
