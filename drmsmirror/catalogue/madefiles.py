"""Files that were made of others: known by what they were made of, and how.

They are objects like all others. One of them that goes takes its fellows out of use: what was made
together is there together, or counts as not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, false, insert, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.segmentindex import USED_EVERY, have_object, touch_objects

__all__ = ["MadeFile", "MadeFiles"]

_ALL, _OBJECTS, _DOWNLOADS = tables.made_files, tables.objects, tables.downloads


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that was made of others.

    Parameters
    ----------
    sha256 : str
        Names the object.
    size_bytes : int
    file_name : str
    record : str
        The record that it belongs to, as a record set, where nothing else tells.
    """

    sha256: str
    size_bytes: int
    file_name: str
    record: str = ""


@dataclass(frozen=True, slots=True)
class MadeFiles:
    """The files of a mirror that were made of others.

    Parameters
    ----------
    database : Database
    """

    database: Database

    def use(self, digest: str) -> tuple[MadeFile, ...]:
        """Give what was made, and have it stay for whoever was given it now.

        Parameters
        ----------
        digest : str
            Of what it was made of, and how.

        Returns
        -------
        tuple of MadeFile
            In their order; none where nothing was made, or not all of it is there any more.
        """
        query = (
            select(_ALL, _OBJECTS.c.bytes, _OBJECTS.c.used_utc)
            .join(
                _OBJECTS,
                and_(_OBJECTS.c.sha256 == _ALL.c.sha256, _OBJECTS.c.is_leaving.is_(false())),
            )
            .where(_ALL.c.digest == digest)
            .order_by(_ALL.c.position)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        if not rows or len(rows) != rows[0].files:
            return ()
        stale = self.database.clock() - USED_EVERY
        old = {row.sha256 for row in rows if row.used_utc < stale}
        if old and not self.database.read_only and touch_objects(self.database, old) != old:
            return ()
        return tuple(MadeFile(row.sha256, row.bytes, row.file_name, row.record) for row in rows)

    def keep(self, digest: str, made: Sequence[MadeFile]) -> None:
        """Say what was made, in place of what was before; room that was reserved for it is taken.

        Parameters
        ----------
        digest : str
        made : sequence of MadeFile
            All of it.

        Raises
        ------
        LockedError
            Some of it is just being removed: store it again.
        """
        now = self.database.clock()
        with self.database.write() as connection:
            self.database.keep_others_out(connection, _OBJECTS)
            for one in made:
                have_object(connection, one.sha256, one.size_bytes, now)
            connection.execute(delete(_DOWNLOADS).where(_DOWNLOADS.c.name == digest))
            connection.execute(delete(_ALL).where(_ALL.c.digest == digest))
            if made:
                connection.execute(insert(_ALL), _rows(digest, made, now))


def _rows(digest: str, made: Sequence[MadeFile], now: datetime) -> list[dict[str, object]]:
    return [
        {
            "digest": digest,
            "position": position,
            "files": len(made),
            "record": one.record,
            "file_name": one.file_name,
            "sha256": one.sha256,
            "made_utc": now,
        }
        for position, one in enumerate(made)
    ]
