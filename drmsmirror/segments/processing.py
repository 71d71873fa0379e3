"""Files that the upstream processed: ordered once, kept under what was ordered, given offline then.

What an order gives is known by its digest: which records, which segments, and what is done to them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from drmsmirror.catalogue import MadeFile
from drmsmirror.errors import LockedError
from drmsmirror.mirror import Mirror
from drmsmirror.segments.arrivals import Arrivals
from drmsmirror.segments.ordering import Errand, Ordered, Ordering
from drmsmirror.segments.room import Room
from drmsmirror.sharing import SharedUpstream
from drmsmirror.upstream import OrderedFile, OrderStage

__all__ = ["Processed", "Processing", "ResultFile"]

#: The upstream's number for an order that is being worked on.
_WORKED_ON = 1


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file that an order gave, in the store.

    Parameters
    ----------
    record : str
        The record that it belongs to, as a record set, as the upstream says.
    file_name : str
        As the upstream calls it.
    sha256 : str
    size_bytes : int
    path : Path or None
        To read only; None where the store is no file system.
    url : str
        The same as ``file://``; else where it is, as ``s3://``.
    """

    record: str
    file_name: str
    sha256: str
    size_bytes: int
    path: Path | None
    url: str


@dataclass(frozen=True, slots=True)
class Processed:
    """How an order of processed files stands.

    Parameters
    ----------
    stage : OrderStage
    message : str
        Why it is not ready.
    files : tuple of ResultFile
        Of one that is.
    request_id : str
        What the upstream calls it; empty where that is not known.
    status : int
        In the upstream's own numbers.
    protocol : str
        In which form the files are, where that is known.
    """

    stage: OrderStage
    message: str = ""
    files: tuple[ResultFile, ...] = ()
    request_id: str = ""
    status: int = 0
    protocol: str = ""


class Processing:
    """The processed files of a mirror.

    Parameters
    ----------
    mirror : Mirror
    upstream : SharedUpstream
    pause : callable
        Lets seconds go by while others remove files.
    """

    def __init__(
        self,
        mirror: Mirror,
        upstream: SharedUpstream,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._made = mirror.catalogue.made
        self._store = mirror.objects
        self._room = Room(mirror, pause)
        self._arrivals = Arrivals(mirror, upstream, self._room)
        self._ordering = Ordering(mirror, upstream, pause)

    def held(self, digest: str) -> Processed | None:
        """Give what an order gave; None where not all of it is there."""
        made = self._made.use(digest)
        if not made or not all(self._store.exists(one.sha256) for one in made):
            return None
        return self._ready(made, Ordered(OrderStage.READY))

    def step(self, digest: str, errand: Errand, email: str) -> Processed:
        """Take one step with an order, and say how it stands; once it is ready, with its files.

        Parameters
        ----------
        digest : str
            What its files are to be known by.
        errand : Errand
        email : str
            The address that it is ordered for.

        Raises
        ------
        UpstreamError, FitsError, NoSpaceError
            It cannot be asked, or a file did not come; what came is kept for the next try.
        """
        return self._brought(digest, self._ordering.step(errand, email))

    def follow(self, digest: str, request_id: str) -> Processed:
        """The same of an order of which only the number is known."""
        return self._brought(digest, self._ordering.stands(request_id))

    def _brought(self, digest: str, stands: Ordered) -> Processed:
        if stands.stage is not OrderStage.READY:
            return Processed(stands.stage, stands.message, (), stands.request_id, stands.status)
        made = self._room.storing(lambda: self._bring(digest, stands.files))
        if made is None:
            why = "another process downloads it"
            return Processed(OrderStage.PENDING, why, (), stands.request_id, _WORKED_ON)
        return self._ready(made, stands)

    def _ready(self, made: Sequence[MadeFile], stands: Ordered) -> Processed:
        files = tuple(self._result(one) for one in made)
        return Processed(OrderStage.READY, "", files, stands.request_id, protocol=stands.protocol)

    def _bring(self, digest: str, files: Sequence[OrderedFile]) -> list[MadeFile] | None:
        """Download what an order gave; None where another process does."""
        made = []
        for position, one in enumerate(files):
            name = hashlib.sha256(f"{digest}\0{position}\0{one.path}".encode()).hexdigest()
            arrived = self._arrived(name, one)
            if arrived is None:
                return None
            made.append(arrived)
        self._made.keep(digest, made)
        return made

    def _arrived(self, name: str, file: OrderedFile) -> MadeFile | None:
        """One file; it is there already where a download of all was broken off."""
        for made in self._made.use(name):
            if self._store.exists(made.sha256):
                return made
        with self._arrivals.arriving(name, file.path) as stored:
            if stored is None:
                return None
            file_name = PurePosixPath(file.path).name
            made = MadeFile(stored.sha256, stored.size_bytes, file_name, file.record)
            self._made.keep(name, [made])
        if not self._store.exists(made.sha256):  # what had the same bytes went between the two
            raise LockedError(f"{file.path} was removed by another process as soon as it had come")
        return made

    def _result(self, made: MadeFile) -> ResultFile:
        path, url = self._store.local_path(made.sha256), self._store.url(made.sha256)
        return ResultFile(made.record, made.file_name, made.sha256, made.size_bytes, path, url)
