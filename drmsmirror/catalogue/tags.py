"""Tags: names of moments, kept until they are dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.moments import Moment
from drmsmirror.errors import NotFoundError, QueryError

__all__ = [
    "Tag",
    "Tags",
]

#: A name that is neither the number of a run nor a date.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Tag:
    """A name of a moment.

    Parameters
    ----------
    name : str
    run : int
        The last run that had ended by then; 0 where none had.
    moment_utc : datetime
    note : str
        What it is for.
    made_utc : datetime
        When the name was given.
    """

    name: str
    run: int
    moment_utc: datetime
    note: str
    made_utc: datetime


@dataclass(frozen=True, slots=True)
class Tags:
    """The names of moments.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def make(self, name: str, moment: Moment, note: str = "") -> Tag:
        """Give a moment a name.

        Raises
        ------
        QueryError
            The name is none, or is given already.
        """
        if not _NAME.fullmatch(name):
            raise QueryError(
                f"{name!r} is no name of a tag: it begins with a letter, and letters, digits, '.', "
                f"'_' and '-' follow, 100 in all at most"
            )
        table = tables.tags
        with self.database.write() as connection:
            self.database.keep_others_out(connection, table)
            row = connection.execute(select(table).where(table.c.name == name)).first()
            if row is not None:
                raise QueryError(
                    f"There is a tag {name} already, of {row.moment_utc:%Y-%m-%d %H:%M:%S} UTC. "
                    f"Take another name, or drop that one first\n  drmsmirror tag --drop {name}"
                )
            tag = Tag(name, moment.run, moment.utc, note, self.database.clock())
            connection.execute(
                insert(table), {field: getattr(tag, field) for field in Tag.__slots__}
            )
        return tag

    def all(self) -> tuple[Tag, ...]:
        """All tags, the earliest moment first."""
        table = tables.tags
        query = select(table).order_by(table.c.moment_utc, table.c.name)
        with self.database.read() as connection:
            return tuple(_tag(row) for row in connection.execute(query))

    def drop(self, name: str) -> None:
        """Forget a name.

        Raises
        ------
        NotFoundError
            There is no such tag.
        """
        with self.database.write() as connection:
            gone = connection.execute(delete(tables.tags).where(tables.tags.c.name == name))
            if not gone.rowcount:
                raise NotFoundError(
                    f"There is no tag {name}. List them with\n  drmsmirror tag --list"
                )


def _tag(row: Row[Any]) -> Tag:
    return Tag(**{field: row._mapping[field] for field in Tag.__slots__})  # noqa: SLF001
