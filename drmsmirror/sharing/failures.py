"""Failures of the upstream that are remembered for a while, and raised again to who asks the same.

What says something about who asked and not about the question is not remembered: that the time
somebody allowed was over, and that the upstream is left alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from drmsmirror.catalogue import FailedQuestion
from drmsmirror.errors import (
    DrmsMirrorError,
    UnknownSeriesError,
    UpstreamAnswerError,
    UpstreamError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTooLargeError,
    UpstreamUnavailableError,
)

__all__ = ["again", "remembered"]

#: For so long a question that failed is not asked again, seconds.
_SECONDS = 30.0
#: Longest time that a server can ask for, seconds.
_LONGEST = 86400.0

#: What is remembered, by code.
_CLASSES: dict[str, type[DrmsMirrorError]] = {
    kind.code: kind
    for kind in (
        UnknownSeriesError,
        UpstreamAnswerError,
        UpstreamError,
        UpstreamOverloadedError,
        UpstreamRefusedError,
        UpstreamTooLargeError,
        UpstreamUnavailableError,
    )
}


def remembered(
    digest: str, url: str, error: DrmsMirrorError, now: datetime
) -> FailedQuestion | None:
    """Give what is to be remembered of a failure; None where it is nothing.

    Parameters
    ----------
    digest : str
        Of the question.
    url : str
        Server that was asked.
    error : DrmsMirrorError
        What came of it.
    now : datetime
    """
    if error.code not in _CLASSES:
        return None
    wait = error.retry_after if isinstance(error, UpstreamOverloadedError) else None
    seconds = _SECONDS if wait is None else min(wait, _LONGEST)
    until = now + timedelta(seconds=seconds)
    return FailedQuestion(digest, url, error.code, str(error), wait, now, until)


def again(failed: FailedQuestion, now: datetime) -> DrmsMirrorError:
    """Give the error that somebody else got, with a note of when that was."""
    kind = _CLASSES.get(failed.error_code, UpstreamError)
    message = (
        f"{failed.error_message} (That was at {failed.failed_utc:%Y-%m-%d %H:%M:%S} UTC; the same "
        f"is not asked again before {failed.until_utc:%H:%M:%S} UTC.)"
    )
    if kind is not UpstreamOverloadedError:
        return kind(message)
    left = (failed.until_utc - now).total_seconds()
    return UpstreamOverloadedError(message, None if failed.retry_after is None else max(0.0, left))
