"""How much there is to do, in records: what turns coverage into a share and a rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drmsmirror.model.coverage import Interval, inside, length
from drmsmirror.sync.pieces import Piece, all_behind, all_missing

__all__ = ["Outlook"]

_NOWHERE = Interval(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run found out about its task before it began.

    Parameters
    ----------
    target : int
        Record number up to which it is to come.
    total : int
        Records of the wanted set.
    extent : Interval
        Part of the axis on which records that were missing lie.
    density : float
        Records that were missing, per unit of the axis.
    newer : float
        Records of the wanted set per record number, among those that are to be followed.
    """

    target: int
    total: int = 0
    extent: Interval = _NOWHERE
    density: float = 0.0
    newer: float = 0.0

    def records_left(self, pieces: Sequence[Piece]) -> float:
        """How many records have to be read yet, where the pieces stand like this."""
        missing = length(inside(all_missing(pieces), self.extent)) * self.density
        as_of = min((entry.as_of_recnum for entry in all_behind(pieces)), default=self.target)
        return missing + (self.target - as_of) * self.newer

    def share_held(self, pieces: Sequence[Piece]) -> float:
        """Share of the wanted set that is held as of the target, 0 to 1."""
        left = self.records_left(pieces)
        return 1.0 - left / max(self.total, left, 1.0)
