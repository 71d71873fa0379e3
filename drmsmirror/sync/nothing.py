"""An answer that there is nothing, which an upstream that fails can give: it has to be confirmed.

Taken at its word such an answer would hide records for long: a window without records is held like
any other, and what is newer is not asked for again.
"""

from __future__ import annotations

from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.model.recordset import BoundSet, edge_text
from drmsmirror.sync.work import Work

__all__ = ["confirm_nothing"]


def confirm_nothing(work: Work, record_set: str) -> None:
    """Have an upstream that has no records of a set count it again, with one that has to be there.

    That is the record with the largest number, as the upstream said when the run began; where it
    does not say, the last ones of a series of which records are held.

    Raises
    ------
    UpstreamAnswerError
        It does not count that one either, or counts more than that one now.
    """
    series, largest = work.wanted.series, work.as_of.recnum
    if largest:
        control = work.numbered_text([largest])
    elif work.target.has_recnums or not work.store.rows_held:
        return  # nothing is all that there is
    else:
        control = edge_text(BoundSet(series), "$")
    counted = work.upstream.count(f"{record_set},{control}")
    if not counted or (largest and counted > 1):
        raise UpstreamAnswerError(
            f"The upstream contradicts itself: it says that there is nothing in {record_set}, and "
            f"together with {control}, where a record has to be, it counts {counted}. Nothing of "
            f"the answer was kept; run the same again"
        )
