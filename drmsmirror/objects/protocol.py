"""What a store of objects does; services are written against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from io import BufferedReader
from pathlib import Path
from typing import Protocol

__all__ = ["ADOPT", "Condition", "Finding", "Leftover", "ObjectStore", "Part", "Stored", "Way"]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is there.

    Parameters
    ----------
    sha256 : str
        Its name: the digest of its bytes, 64 hexadecimal digits in lower case.
    size_bytes : int
    """

    sha256: str
    size_bytes: int


class Way(Enum):
    """How bytes that are at one place come to another."""

    REFLINK = "reflink"  #: both share blocks until one is written; Btrfs, XFS and the like
    HARD_LINK = "hard link"  #: two names of one file: whoever writes to one writes to both
    SYMLINK = "symlink"  #: one place names the other
    COPY = "copy"


#: Ways to adopt a file so that what is done to it afterwards does not matter.
ADOPT = (Way.REFLINK, Way.COPY)


class Condition(Enum):
    """How an object is found when it is looked at."""

    INTACT = "intact"
    MISSING = "missing"  #: there is none of that name
    TORN = "torn"  #: not of the size that it should have
    ROTTEN = "rotten"  #: other bytes, or some that cannot be read any more


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found where an object should be.

    Parameters
    ----------
    sha256 : str
        Its name.
    condition : Condition
    size_bytes : int or None
        Of what is there.
    found_sha256 : str or None
        Digest of what is there, where it was read to its end.
    """

    sha256: str
    condition: Condition
    size_bytes: int | None = None
    found_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that a process which ended was still working on.

    Parameters
    ----------
    name : str
        Name of the part; of what else was left, that of the file.
    size_bytes : int
    written_at : float
        When it was last written, seconds since 1970.
    """

    name: str
    size_bytes: int
    written_at: float


class Part(Protocol):
    """A place to download to: it survives the process, and becomes an object at its end."""

    @property
    def path(self) -> Path:
        """Where it is on this host, to look into."""
        ...

    @property
    def size_bytes(self) -> int:
        """How much is there: where a download that was broken off goes on."""
        ...

    @property
    def became(self) -> Stored | None:
        """The object that it became, where who finished it died before the block had ended."""
        ...

    def append(self, content: bytes | memoryview) -> None:
        """Write at the end; where that fails the part is as it was before.

        Raises
        ------
        NoSpaceError, StoreError
        """
        ...

    def restart(self) -> None:
        """Throw away what is there, and begin from zero."""
        ...

    def finish(self, expected_sha256: str | None = None) -> Stored:
        """Make an object of it, durable when this returns; the part is gone then.

        Raises
        ------
        WrongContentError
            Another digest was expected; the part is empty, and no object was made.
        NoSpaceError, StoreError
            The part is still there.
        """
        ...


class ObjectStore(Protocol):
    """Immutable bytes by their SHA-256. Any number of threads and processes may use one at once."""

    def part(self, name: str) -> AbstractContextManager[Part | None]:
        """Open a part while a block runs, locked, with what is in it already.

        Parameters
        ----------
        name : str
            Chosen by the caller: 8 to 128 hexadecimal digits in lower case.

        Yields
        ------
        Part or None
            None where another process works on it.
        """
        ...

    def part_size(self, name: str) -> int | None:
        """Bytes of a part, whoever works on it; None where there is none."""
        ...

    def put_file(
        self, path: Path, how: Sequence[Way] = ADOPT, expected_sha256: str | None = None
    ) -> Stored | None:
        """Make an object of a file that somebody has, which stays where it is.

        Parameters
        ----------
        path : Path
        how : sequence of Way
            The first that is possible is taken. With a hard link the file itself becomes the
            object, and can be written by nobody from then on. To S3 it is uploaded in any case, and
            never from a name of a file that its owner can write to meanwhile.
        expected_sha256 : str, optional

        Returns
        -------
        Stored or None
            None where none of the ways is possible: it is somebody else's, or on another file
            system, or on one that cannot do so.

        Raises
        ------
        WrongContentError
            The digest of what came is another one.
        NoSpaceError, StoreError
        """
        ...

    def open(self, sha256: str) -> BufferedReader:
        """Open an object to read from it; closing is the caller's. It can go away meanwhile.

        Raises
        ------
        NoObjectError
        """
        ...

    def local_path(self, sha256: str) -> Path | None:
        """Where an object is as a file, to read only; None where it is none, or there is none."""
        ...

    def url(self, sha256: str) -> str:
        """Where an object is, or would be, for others that open it: ``file://`` or ``s3://``."""
        ...

    def fetch_to(self, sha256: str, path: Path) -> None:
        """Write a copy that is the caller's own, verified, in place of what stands at ``path``.

        Raises
        ------
        NoObjectError
        DamageError
            The object is not what its name says; ``path`` is as it was.
        NoSpaceError, StoreError
        """
        ...

    def exists(self, sha256: str) -> bool:
        """Whether there is such an object."""
        ...

    def size(self, sha256: str) -> int | None:
        """Bytes of an object; None where there is none."""
        ...

    def written_at(self, sha256: str) -> float | None:
        """When an object came here, seconds since 1970; None where there is none."""
        ...

    def is_shared(self, sha256: str) -> bool:
        """Whether an object has names elsewhere, so that to remove it would free nothing."""
        ...

    def remove(self, sha256: str) -> None:
        """Remove an object where it is there; whoever has it open as a file can read on."""
        ...

    def set_aside(self, sha256: str) -> bool:
        """Take a damaged object out of use without losing it; False where there is none."""
        ...

    def walk(self, after: str = "") -> Iterator[Stored]:
        """Every object in order of name, those after a name only; what comes meanwhile may lack."""
        ...

    def hash_of(self, sha256: str, size_bytes: int | None = None) -> Finding:
        """Read an object to its end, and say how it is.

        Parameters
        ----------
        sha256 : str
        size_bytes : int, optional
            What it should have; one of another size is torn, and not read.
        """
        ...

    @property
    def is_on_disk(self) -> bool:
        """Whether objects stay on the disk on which parts grow, so that removing some frees it."""
        ...

    def free_bytes(self) -> int:
        """Bytes that this user can still write where parts grow."""
        ...

    def abandoned(self, before: float) -> list[Leftover]:
        """Parts, and other files that were being written, which nobody has locked.

        Parameters
        ----------
        before : float
            Only what was last written earlier, seconds since 1970.
        """
        ...

    def remove_abandoned(self, before: float) -> list[Leftover]:
        """Remove what :meth:`abandoned` lists, and say what it was."""
        ...
