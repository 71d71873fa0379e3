"""So few requests that a run comes nowhere: every run would end so, and that has to be said.

Each run asks anew how far the series has come and what lies ahead. One whose requests are used up
by that leaves the mirror as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from drmsmirror.errors import RequestLimitError, TooFewRequestsError
from drmsmirror.sync.work import Terms, Work
from drmsmirror.upstream import Upstream

__all__ = ["ENOUGH", "refusing_too_few"]

#: Requests with which a run comes further where the upstream answers well. A test has them from the
#: most laborious beginning, all of a series at a server that refuses to be asked for numbers of
#: records: the definition, whether records have numbers (4), the count, edges and probe of a survey
#: (4), and a window that is cut ten times: its counts (11) and its list.
ENOUGH = 21


@contextmanager
def refusing_too_few(
    upstream: Upstream, asked: str, terms: Terms, work: Work | None = None
) -> Iterator[None]:
    """Say so where the requests of a run are used up before it came any further.

    What others have left can be more another night. Where that was too few it is a notice of the
    run, which stops, or what the error says where none had begun.

    Parameters
    ----------
    upstream : Upstream
    asked : str
        What is to be synced.
    terms : Terms
        On what terms, and what had been used for others by then.
    work : Work, optional
        The run, once it has begun.

    Raises
    ------
    TooFewRequestsError
        All requests were its own.
    RequestLimitError
    """
    try:
        yield
    except RequestLimitError as error:
        used = upstream.traffic.requests - terms.by_others
        if not used or (work is not None and work.steps):
            raise
        enough = ENOUGH if used < ENOUGH else 2 * used
        if not terms.by_others:
            raise TooFewRequestsError(
                f"The {used} requests of this run were used up before anything more of {asked} "
                f"was held, and every run with as many would end so. Allow at least {enough} "
                f"(--max-requests)"
            ) from error
        said = (
            f"What others had left of the requests, {used}, was used up before anything more of "
            f"{asked} was held, and every run that has as few left would end so. Allow at least "
            f"{enough} more than the others take (--max-requests)"
        )
        if work is None:
            raise RequestLimitError(said) from error
        work.notices.append(said)
        raise
