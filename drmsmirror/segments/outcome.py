"""What came of a segment file that somebody wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from drmsmirror.model.segmentfile import SegmentFile

__all__ = ["FileState", "Form", "Outcome"]


class FileState(StrEnum):
    """How a segment file stands."""

    HELD = "held"  #: it was there
    FETCHED = "fetched"  #: it was brought now
    NO_FILE = "no file"  #: the record has none
    LOST = "lost"  #: the upstream has it no longer
    ORDERED = "ordered"  #: it is on tape, and ordered
    ON_TAPE = "on tape"  #: and cannot be ordered; the message says why
    NOT_HELD = "not held"  #: and the upstream was not to be asked
    FAILED = "failed"  #: trying again later can help

    @property
    def is_there(self) -> bool:
        """Whether there is a file."""
        return self in (FileState.HELD, FileState.FETCHED)


class Form(StrEnum):
    """What there is of a segment file, by the names that JSOC has for it."""

    AS_IS = "as-is"  #: the file as JSOC stores it
    FITS = "fits"  #: its image, with the keywords of its record in the header


@dataclass(frozen=True, slots=True)
class Outcome:
    """One segment file.

    Parameters
    ----------
    file : SegmentFile
    state : FileState
    path : Path or None
        Where it is, to read only; it stays there for at least ``[segments] keep_hours``. None
        where there is none, and where the store is no file system.
    sha256 : str
        Names its bytes; empty where there are none.
    size_bytes : int
    file_name : str
        What the upstream calls it.
    message : str
        Why there is none, and what to do about it.
    form : Form
    error : str
        Code of the error that kept it from coming; empty where there was none.
    url : str
        Where it is, as ``file://`` or ``s3://``; empty where there is none.
    """

    file: SegmentFile
    state: FileState
    path: Path | None = None
    sha256: str = ""
    size_bytes: int = 0
    file_name: str = ""
    message: str = ""
    form: Form = Form.AS_IS
    error: str = ""
    url: str = ""
