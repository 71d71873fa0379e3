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

#: Requests with which a run comes further where the upstream answers well and windows do not have
#: to shrink: the definition, whether records have numbers (2), whether the series is the same, the
#: counts and edges of a survey (6) with its probe (2), the edges of the series (2), and three
#: windows with their counts (7).
ENOUGH = 21


@contextmanager
def refusing_too_few(
    upstream: Upstream, asked: str, terms: Terms, work: Work | None = None
) -> Iterator[None]:
    """Say so where the requests of a run are used up before it came any further.

    Parameters
    ----------
    upstream : Upstream
    asked : str
        What is to be synced.
    terms : Terms
        On what terms; where requests had been used for something else, the next run may have more.
    work : Work, optional
        The run, once it has begun.

    Raises
    ------
    TooFewRequestsError
    """
    try:
        yield
    except RequestLimitError as error:
        if terms.traffic_before.requests or (work is not None and work.steps):
            raise
        used = upstream.traffic.requests
        enough = ENOUGH if used < ENOUGH else 2 * used
        raise TooFewRequestsError(
            f"The {used} requests of this run were used up before anything more of {asked} was "
            f"held, and every run with as many would end so. Allow at least {enough} "
            f"(--max-requests)"
        ) from error
