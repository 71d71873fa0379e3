"""Files that were made of others: known by what they were made of, and how.

They are objects like all others. One of them that goes takes its fellows out of use: what was made
together is there together, or counts as not there. What shows one segment file in another form is
pinned with it, and dropped with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, false, insert, select

from drmsmirror.catalogue import tables
from drmsmirror.catalogue.database import Database
from drmsmirror.catalogue.segmentindex import (
    USED_EVERY,
    batches,
    have_object,
    is_given,
    key_of,
    touch_objects,
)
from drmsmirror.model.segmentfile import SegmentFile

__all__ = ["MadeFile", "MadeFiles"]

_ALL, _OBJECTS, _DOWNLOADS = tables.made_files, tables.objects, tables.downloads

_MADE_OF = select(_ALL, _OBJECTS.c.bytes, _OBJECTS.c.used_utc).order_by(
    _ALL.c.digest, _ALL.c.position
)
_THERE = _MADE_OF.join(_OBJECTS, and_(_OBJECTS.c.sha256 == _ALL.c.sha256, is_given()))
#: The same, and what is damaged.
_KNOWN = _MADE_OF.join(
    _OBJECTS, and_(_OBJECTS.c.sha256 == _ALL.c.sha256, _OBJECTS.c.is_leaving.is_(false()))
)
#: Of what is of no one segment file.
_OF_NONE = dict.fromkeys(("series_key", "generation", "recnum", "segment_key"))


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
    of : SegmentFile, optional
        The one segment file that it shows in another form.
    """

    sha256: str
    size_bytes: int
    file_name: str
    record: str = ""
    of: SegmentFile | None = None


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
        return self.use_all([digest]).get(digest, ())

    def use_all(self, digests: Collection[str]) -> dict[str, tuple[MadeFile, ...]]:
        """Give what was made under several digests, those of which all is there, as :meth:`use`."""
        found: dict[str, list[Any]] = defaultdict(list)
        with self.database.read() as connection:
            for some in batches(digests):
                for row in connection.execute(_THERE.where(_ALL.c.digest.in_(some))):
                    found[row.digest].append(row)
        whole = {digest: rows for digest, rows in found.items() if len(rows) == rows[0].files}
        now = self.database.clock()  # of a clock that was ahead, what was used later is stale too
        old = {
            row.sha256
            for rows in whole.values()
            for row in rows
            if not now - USED_EVERY <= row.used_utc <= now
        }
        gone: set[str] = set()
        if old and not self.database.read_only:
            gone = old - touch_objects(self.database, old)
        return {
            digest: tuple(map(_made, rows))
            for digest, rows in whole.items()
            if not any(row.sha256 in gone for row in rows)
        }

    def of_object(self, sha256: str) -> dict[str, MadeFile]:
        """By digest, what was made and is this object, be it damaged or not."""
        with self.database.read() as connection:
            rows = connection.execute(_KNOWN.where(_ALL.c.sha256 == sha256))
            return {row.digest: _made(row) for row in rows}

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
            connection.execute(delete(_ALL).where(_ALL.c.digest == digest))
            connection.execute(delete(_DOWNLOADS).where(_DOWNLOADS.c.name == digest))
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
            **(_OF_NONE if one.of is None else key_of(one.of)),
        }
        for position, one in enumerate(made)
    ]


def _made(row: Any) -> MadeFile:
    of = None
    if row.series_key is not None:
        of = SegmentFile(row.series_key, row.generation, row.recnum, row.segment_key)
    return MadeFile(row.sha256, row.bytes, row.file_name, row.record, of)
