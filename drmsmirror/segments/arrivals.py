"""One file comes from the upstream into the store; one that broke off goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from drmsmirror.mirror import Mirror
from drmsmirror.objects import Part, Stored
from drmsmirror.segments.intake import Intake
from drmsmirror.segments.room import Room
from drmsmirror.upstream import Upstream

__all__ = ["Arrivals"]


class Arrivals:
    """What comes into the store of a mirror.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
    room : Room
    """

    def __init__(self, mirror: Mirror, upstream: Upstream, room: Room) -> None:
        self._downloads = mirror.catalogue.downloads
        self._store = mirror.objects
        self._upstream = upstream
        self._room = room

    @contextmanager
    def arriving(self, name: str, path: str) -> Iterator[Stored | None]:
        """Download a file, and keep others from it while a block says what it is.

        One that had become an object when its process was killed is not downloaded again. The room
        that is reserved for it stays so until it is said to be there.

        Parameters
        ----------
        name : str
            Of the part that it comes into.
        path : str
            On the server, from its root.

        Yields
        ------
        Stored or None
            None where another process is at it.

        Raises
        ------
        UpstreamError, FitsError, NoSpaceError
        """
        with self._store.part(name) as part:
            yield None if part is None else part.became or self._taken(part, name, path)

    def _taken(self, part: Part, name: str, path: str) -> Stored:
        """Have a file come into a part, and make an object of it."""
        intake = Intake(
            part,
            self._downloads.find(name),
            lambda size, validator: self._room.reserve(name, size, validator),
        )
        try:
            intake.take(PurePosixPath(path).name, lambda: self._upstream.download(path, intake))
        finally:
            if not part.size_bytes:  # nothing of it is kept
                self._downloads.end([name])
        return part.finish()
