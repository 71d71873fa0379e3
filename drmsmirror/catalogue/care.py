"""What a database needs now and then: to know how its tables are filled, and its room back."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum

from sqlalchemy import Connection, func, select, text

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.failures import explained
from drmsmirror.failpoints import effect

__all__ = ["Care", "needed", "take"]

#: A SQLite file gives room back when so much of it is empty, and at least so many bytes.
_EMPTY_SHARE = 0.25
_EMPTY_BYTES = 4 * 2**20

#: A table is looked at when so many rows changed: in SQLite, when it is so many times as large or
#: small; in PostgreSQL, such a share of it, where that does not do so by itself already.
_CHANGED = 50
_GROWN = 2
_CHANGED_SHARE = 0.1

_TABLES = tables.metadata.sorted_tables


class Care(StrEnum):
    """One thing that is done for a database."""

    #: Look at how tables are filled, so that queries are planned well.
    ANALYZE = "analyze"
    #: Write a SQLite file anew without its empty pages.
    VACUUM = "vacuum"


def needed(database: Database) -> tuple[Care, ...]:
    """What the database needs now."""
    if not database.is_sqlite:
        return (Care.ANALYZE,) if _changed_tables(database) else ()
    with database.read() as connection:
        known = _known_rows(connection)
        has_grown = any(
            _differs(connection.scalar(select(func.count()).select_from(table)) or 0, known)
            for table, known in ((table, known.get(table.name, 0)) for table in _TABLES)
        )
        empty, pages, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("freelist_count", "page_count", "page_size")
        )
    is_empty = empty * size >= _EMPTY_BYTES and empty >= _EMPTY_SHARE * pages
    wanted = {Care.ANALYZE: has_grown, Care.VACUUM: is_empty}
    return tuple(care for care, is_needed in wanted.items() if is_needed)


def take(database: Database, care: Care) -> None:
    """Do one of the things that are needed.

    Raises
    ------
    LockedError
        Another process uses the database all the time.
    """
    if not database.is_sqlite:
        with database.write() as connection:
            for name in _changed_tables(database):
                connection.execute(text(f"ANALYZE {name}"))
        return
    # outside of transactions, in which SQLite cannot vacuum
    with (
        explained(database.place),
        closing(database.engine.raw_connection()) as raw,
        effect("catalogue.care"),
    ):
        raw.cursor().execute("ANALYZE" if care is Care.ANALYZE else "VACUUM")


def _known_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table of a SQLite file had when it was looked at; none without any."""
    has_any = text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'")
    if connection.execute(has_any).first() is None:
        return {}
    rows = connection.execute(text("SELECT tbl, stat FROM sqlite_stat1"))
    return {row.tbl: int(row.stat.split(" ")[0]) for row in rows}


def _differs(now: int, known: int) -> bool:
    return abs(now - known) > _CHANGED and max(now, known) > _GROWN * min(now, known)


def _changed_tables(database: Database) -> list[str]:
    query = text(
        """
        SELECT relname FROM pg_stat_user_tables
        WHERE pg_table_is_visible(relid)
          AND n_mod_since_analyze > :changed + :share * n_live_tup
        """
    )
    with database.read() as connection:
        names = set(connection.scalars(query, {"changed": _CHANGED, "share": _CHANGED_SHARE}))
    return sorted(names & {table.name for table in _TABLES})
