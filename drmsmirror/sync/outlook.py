"""How much there is to do, in records: what turns what was read into a share and a rest."""

from __future__ import annotations

from dataclasses import dataclass

from drmsmirror.model.intervals import Interval

__all__ = ["Outlook"]

_NOWHERE = Interval(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a run found out about its task before it began.

    Parameters
    ----------
    total : int
        Records of the wanted set.
    unheld : int
        Records of it that are not held as they stand upstream.
    records : int
        Records that have to be read, as the upstream counted them. More than those that are not
        held, where what was read before is read again for certainty.
    extent : Interval
        Part of the axis on which records that were missing lie.
    density : float
        Records that were missing, per unit of the axis.
    newer : float
        Records of the wanted set per record number, among those that are to be followed.
    following : int
        How many records those are, as the upstream counted them.
    """

    total: int = 0
    unheld: int = 0
    records: int = 0
    extent: Interval = _NOWHERE
    density: float = 0.0
    newer: float = 0.0
    following: int = 0

    def records_left(self, read: int) -> int:
        """How many records have to be read yet, once so many were."""
        return max(0, self.records - read)

    def share_held(self, read: int) -> float:
        """Share of the wanted set that is held then, 0 to 1."""
        unheld = self.unheld * self.records_left(read) / max(self.records, 1)
        return 1.0 - unheld / max(self.total, unheld, 1)
