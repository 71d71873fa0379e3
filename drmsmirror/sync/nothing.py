"""An answer that there is nothing, which an upstream that fails can give: it has to be confirmed.

Taken at its word such an answer would hide records for long: a window without records is held like
any other, and what is newer is not asked for again.
"""

from __future__ import annotations

from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.model.recordset import BoundSet, edge_text
from drmsmirror.model.series import SeriesDefinition
from drmsmirror.sync.work import Work
from drmsmirror.upstream import Upstream

__all__ = ["confirm_empty", "confirm_nothing"]


def confirm_nothing(work: Work, record_set: str) -> None:
    """Have an upstream that has no records of a set count it again, with one that has to be there.

    That is the record with the largest number, as the upstream said when the run began; where it
    does not say, the last ones of a series of which records are held.

    Raises
    ------
    UpstreamAnswerError
        It does not count that one either, or counts more than that one now.
    """
    largest = work.as_of.recnum
    if largest or (work.store.rows_held and not work.target.has_recnums):
        confirm_empty(work.upstream, work.wanted.series, record_set, largest)


def confirm_empty(
    upstream: Upstream, series: SeriesDefinition, record_set: str, largest: int
) -> None:
    """Have an upstream count a set again that is said to be empty; see :func:`confirm_nothing`.

    Parameters
    ----------
    upstream : Upstream
    series : SeriesDefinition
        One that has records.
    record_set : str
    largest : int
        The largest record number, or 0 where that is not known.

    Raises
    ------
    UpstreamAnswerError
        The upstream contradicts itself.
    """
    control = f"{series.name}[:#{largest}]" if largest else edge_text(BoundSet(series), "$")
    counted = upstream.count(f"{record_set},{control}")
    if not counted or (largest and counted > 1):
        raise UpstreamAnswerError(
            f"The upstream contradicts itself: it says that there is nothing in {record_set}, and "
            f"together with {control}, where a record has to be, it counts {counted}. Nothing of "
            f"the answer was kept; run the same again"
        )
