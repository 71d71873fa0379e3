"""What a segment file is known by, wherever its bytes are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["SegmentFile"]


@dataclass(frozen=True, slots=True, order=True)
class SegmentFile:
    """One segment of one record.

    What it is known by does not change while the upstream does: a record number means one record
    within a generation, and a record's files are written once (DRMS semantics 3.4).

    Parameters
    ----------
    series : str
        Canonical name.
    generation : int
        Stretch of the upstream's life in which the record number means this record.
    recnum : int
    segment : str
        As the definition spells it.
    """

    series: str
    generation: int
    recnum: int
    segment: str

    @property
    def digest(self) -> str:
        """Names it where names have to be short and of plain letters, 64 hexadecimal digits."""
        key = (self.series.lower(), str(self.generation), str(self.recnum), self.segment.lower())
        return hashlib.sha256("\0".join(key).encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.series}[:#{self.recnum}]{{{self.segment}}}"
