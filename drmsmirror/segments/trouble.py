"""What can be wrong with an object, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drmsmirror.model.segmentfile import SegmentFile

__all__ = ["Problem", "Remedy", "Trouble"]


class Problem(StrEnum):
    """How an object is found."""

    MISSING = "missing"  #: the index has it, the store has not
    TORN = "torn"  #: it is not as long as it was
    ROTTEN = "rotten"  #: its bytes are not those that its name says, or cannot be read
    UNINDEXED = "unindexed"  #: the store has it, the index has not


class Remedy(StrEnum):
    """What was done about it."""

    NONE = "none"  #: nothing, since nothing was wanted
    FETCHED = "fetched"  #: its files were fetched anew, and have the bytes that they had
    REMOVED = "removed"  #: nobody could have found it
    FORGOTTEN = "forgotten"  #: it was of no file, so that nobody misses it
    OTHER_BYTES = "other bytes"  #: its files were fetched anew, and have other bytes than before
    WANTED = "wanted"  #: a file of it cannot be had now; the next repair tries again
    LOST = "lost"  #: a file of it cannot be had any more; the index has it no longer

    @property
    def is_repaired(self) -> bool:
        """Whether all is as it was."""
        return self in (Remedy.FETCHED, Remedy.REMOVED, Remedy.FORGOTTEN)


@dataclass(frozen=True, slots=True)
class Trouble:
    """An object that is not as it should be.

    Parameters
    ----------
    sha256 : str
        Its name.
    problem : Problem
    size_bytes : int
        That it should have; of one that is not indexed, that it has.
    files : tuple of SegmentFile
        What it is of; series and segment in lower case.
    remedy : Remedy
    message : str
        Why it could not be repaired.
    is_adopted : bool
        Whether it is an exported file that was adopted, which cannot be fetched.
    """

    sha256: str
    problem: Problem
    size_bytes: int
    files: tuple[SegmentFile, ...] = ()
    remedy: Remedy = Remedy.NONE
    message: str = ""
    is_adopted: bool = False
