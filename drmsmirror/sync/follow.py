"""Bring what is held up to date: every record that is newer, by record number.

DRMS gives every new or reprocessed record a larger record number, so that nothing is missed
whatever its time (DRMS semantics 5.1).
"""

from __future__ import annotations

from dataclasses import replace

from drmsmirror.catalogue import RunOutcome
from drmsmirror.model.coverage import CoverageEntry
from drmsmirror.model.intervals import Interval
from drmsmirror.model.recordset import recnum_text
from drmsmirror.sync.byrecnum import take_counted
from drmsmirror.sync.pieces import all_behind, recnums_to_follow
from drmsmirror.sync.work import Work

__all__ = ["follow"]


def follow(work: Work) -> RunOutcome:
    """Take the changes since what is held of the wanted set was read, as far as time allows."""
    behind = all_behind(work.pieces())
    target = work.as_of

    def held_up_to(recnum: int) -> list[CoverageEntry]:
        # on the way only the number moves: the date is that of the target
        is_there = recnum >= target.recnum
        return [
            replace(
                entry,
                as_of_recnum=recnum,
                as_of_utc=target.utc if is_there else entry.as_of_utc,
            )
            for entry in behind
            if entry.as_of_recnum < recnum
        ]

    def question(recnums: Interval) -> str:
        return recnum_text(work.followed, recnums)

    recnums = recnums_to_follow(behind, target.recnum)
    return take_counted(work, recnums, work.outlook.following, question, held_up_to)
