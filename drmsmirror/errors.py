"""Every error that drmsmirror raises on purpose.

::

    DrmsMirrorError
    ├── SettingsError               a setting is unknown, malformed or out of range
    ├── QueryError                  what was asked cannot be understood or answered
    │   ├── RecordSetError          the text of a record set; points at the character
    │   │   └── NotUnderstoodError  DRMS knows the form, this version does not yet
    │   ├── TimeTextError           a text that is no DRMS time
    │   ├── UnknownKeywordError     the series has no such keyword
    │   └── SqlError                SQL that is refused or fails
    ├── DefinitionError             a series definition that contradicts itself
    ├── NotFoundError
    │   ├── UnknownSeriesError      neither held nor known upstream
    │   ├── NotHeldError            the mirror does not hold all that was asked for
    │   │   └── TooSlowError        ... and the upstream would take too long for the rest
    │   ├── NoMirrorError           there is no mirror where one was named
    │   └── NoObjectError           the store has no such object
    ├── UpstreamError               the remote server
    │   ├── UpstreamUnavailableError    no connection, time-out, HTTP 5xx, wrapper failures
    │   │   ├── UpstreamTimeoutError    no answer within the time that was allowed
    │   │   └── UpstreamPausedError     it failed again and again: left alone for a while
    │   ├── UpstreamOverloadedError     429, or JSOC's notice that we ask too much
    │   ├── UpstreamAnswerError         an answer that must not be taken for data
    │   │   └── UpstreamNumbersError    ... its records come without their numbers
    │   └── UpstreamRefusedError        the server says that the request itself is wrong
    │       └── UpstreamTooLargeError   ... or that more rows were asked for than it gives
    ├── StoreError                  what is on disk
    │   ├── CatalogueVersionError   the catalogue belongs to another version
    │   ├── IntegrityError          what is stored contradicts itself
    │   │   └── DamageError         files that are held are not as they were written
    │   ├── WrongContentError       what came is not what was expected, and was not stored
    │   └── NoSpaceError            the disk is full
    ├── FitsError                   a file that is no whole FITS file
    ├── ImportDataError             a file to import is not what it was said to be
    ├── LockedError                 another process is working on this
    ├── SubscribedError             what is to be dropped is subscribed to
    ├── RequestLimitError           all requests that a run may send are used up
    │   └── TooFewRequestsError     ... before anything was held; the next run would end the same
    ├── PartialError                of several things some were done and some failed
    ├── UnhealthyError              the daemon does not run as it should
    ├── ExportError                 files that were to be exported are not given
    ├── UnsupportedError            DRMS clients can do it, this version cannot yet
    └── MissingLibraryError         an optional library is not installed

Each class has a stable ``code`` (for scripts and JSON), the ``exit_code`` of the command line, and
says by ``retryable`` whether the same request can succeed later without anybody changing anything.
Messages say what happened, to what, and what to do next.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CatalogueVersionError",
    "DamageError",
    "DefinitionError",
    "DrmsMirrorError",
    "ExportError",
    "FitsError",
    "ImportDataError",
    "IntegrityError",
    "LockedError",
    "MissingLibraryError",
    "NoMirrorError",
    "NoObjectError",
    "NoSpaceError",
    "NotFoundError",
    "NotHeldError",
    "NotUnderstoodError",
    "PartialError",
    "QueryError",
    "RecordSetError",
    "RequestLimitError",
    "SettingsError",
    "SqlError",
    "StoreError",
    "SubscribedError",
    "TimeTextError",
    "TooFewRequestsError",
    "TooSlowError",
    "UnhealthyError",
    "UnknownKeywordError",
    "UnknownSeriesError",
    "UnsupportedError",
    "UpstreamAnswerError",
    "UpstreamError",
    "UpstreamNumbersError",
    "UpstreamOverloadedError",
    "UpstreamPausedError",
    "UpstreamRefusedError",
    "UpstreamTimeoutError",
    "UpstreamTooLargeError",
    "UpstreamUnavailableError",
    "WrongContentError",
]


#: Longest part of a record set that an error shows, characters.
_SHOWN = 120


class DrmsMirrorError(Exception):
    """The root: whatever drmsmirror raises on purpose is one of these."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False


class SettingsError(DrmsMirrorError):
    """A setting is unknown, malformed or out of range; the message names file and line."""

    code = "settings"
    exit_code = 2


class QueryError(DrmsMirrorError, ValueError):
    """What was asked cannot be understood."""

    code = "query"
    exit_code = 2


class RecordSetError(QueryError):
    """The text of a record set is wrong at one place.

    Parameters
    ----------
    problem : str
        What is wrong, without the query.
    query : str
        The whole record set as it was given.
    position : int
        Offset of the character at fault, 0 based; ``len(query)`` means the end.
    hint : str, optional
        What would be right.
    """

    code = "record-set"

    def __init__(self, problem: str, query: str, position: int, hint: str | None = None) -> None:
        self.problem = problem
        self.query = query
        self.position = position
        self.hint = hint
        super().__init__(problem, query, position, hint)  # all of them, so that it can be copied

    def __str__(self) -> str:
        shown, marked = _around(self.query.replace("\n", " ").replace("\t", " "), self.position)
        lines = [f"{self.problem}", f"  {shown}", "  " + " " * marked + "^"]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


def _around(text: str, position: int) -> tuple[str, int]:
    """What stands around a position of a text, … for what was cut, and the position in it."""
    begin = max(0, min(position - _SHOWN // 2, len(text) - _SHOWN))
    end = begin + _SHOWN
    before, after = "…" if begin else "", "…" if end < len(text) else ""
    return f"{before}{text[begin:end]}{after}", position - begin + len(before)


class NotUnderstoodError(RecordSetError):
    """DRMS knows this form; drmsmirror does not answer it by itself yet."""

    code = "not-understood"


class TimeTextError(QueryError):
    """A text that is no DRMS time."""

    code = "time"


class UnknownKeywordError(QueryError):
    """The series has no keyword of that name."""

    code = "unknown-keyword"


class SqlError(QueryError):
    """SQL that is refused, or that the engine cannot run."""

    code = "sql"


class DefinitionError(DrmsMirrorError):
    """A series definition that lacks something or contradicts itself."""

    code = "definition"


class NotFoundError(DrmsMirrorError, LookupError):
    """Something that was named does not exist."""

    code = "not-found"
    exit_code = 3

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class UnknownSeriesError(NotFoundError):
    """The series is neither held nor, as far as was asked, known upstream."""

    code = "unknown-series"


class NotHeldError(NotFoundError):
    """The mirror does not hold everything that was asked for."""

    code = "not-held"


class TooSlowError(NotHeldError):
    """The mirror lacks something, and the upstream would take longer for it than it is given."""

    code = "too-slow"


class NoMirrorError(NotFoundError):
    """There is no mirror at the place that was named."""

    code = "no-mirror"


class NoObjectError(NotFoundError):
    """The store of objects has none of that name."""

    code = "no-object"


class UpstreamError(DrmsMirrorError):
    """The remote server failed, refused, or answered what cannot be used."""

    code = "upstream"
    exit_code = 4


class UpstreamUnavailableError(UpstreamError, OSError):
    """No connection, a time-out, HTTP 5xx, or a failure of JSOC's own wrapper."""

    code = "upstream-unavailable"
    retryable = True


class UpstreamTimeoutError(UpstreamUnavailableError):
    """No answer within the time that was allowed for it.

    Parameters
    ----------
    message : str
        What happened.
    was_asked : bool
        Whether a request was on its way; else the time went by waiting for a turn to send one,
        which says nothing about the server.
    allowed : float
        Seconds that were allowed in all.
    """

    code = "upstream-timeout"

    def __init__(
        self, message: str, *, was_asked: bool = True, allowed: float = float("inf")
    ) -> None:
        super().__init__(message)
        self.was_asked = was_asked
        self.allowed = allowed


class UpstreamPausedError(UpstreamUnavailableError):
    """The server failed again and again, and is not asked for a while."""

    code = "upstream-paused"


class UpstreamOverloadedError(UpstreamError, OSError):
    """HTTP 429, or JSOC's notice that this address asks too much.

    Parameters
    ----------
    message : str
        What happened.
    retry_after : float, optional
        Seconds after which the server allows another request.
    """

    code = "upstream-overloaded"
    retryable = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UpstreamAnswerError(UpstreamError):
    """An answer that must not be taken for data: empty, HTML, cut, or inconsistent."""

    code = "upstream-answer"
    retryable = True


class UpstreamNumbersError(UpstreamAnswerError):
    """An answer whose records come without the numbers that they were believed to have."""

    code = "upstream-numbers"


class UpstreamRefusedError(UpstreamError):
    """The server understood the request and says that it is wrong."""

    code = "upstream-refused"


class UpstreamTooLargeError(UpstreamRefusedError):
    """More rows than the server gives in one answer (it says ``series not found``)."""

    code = "upstream-too-large"


class StoreError(DrmsMirrorError):
    """Something is wrong with what is on disk."""

    code = "store"


class CatalogueVersionError(StoreError):
    """The catalogue was written by another version of drmsmirror."""

    code = "catalogue-version"


class IntegrityError(StoreError):
    """What is stored contradicts itself."""

    code = "integrity"
    exit_code = 6


class DamageError(IntegrityError):
    """Files that are held are no longer as they were written, or gone."""

    code = "damaged"


class WrongContentError(StoreError):
    """What came is not what was expected; it was not stored."""

    code = "wrong-content"
    retryable = True


class NoSpaceError(StoreError):
    """The disk is full, or so full that nothing more is brought in."""

    code = "no-space"
    exit_code = 8


class FitsError(DrmsMirrorError):
    """A file is cut, is no FITS file, or has no image; the message says what and where."""

    code = "fits"


class ImportDataError(DrmsMirrorError):
    """A file to import is not what it was said to be."""

    code = "import"


class LockedError(DrmsMirrorError):
    """Another process is working on the same thing."""

    code = "locked"
    exit_code = 7
    retryable = True


class SubscribedError(DrmsMirrorError):
    """What is to be dropped is subscribed to: the next sync would bring it back."""

    code = "subscribed"


class RequestLimitError(DrmsMirrorError):
    """All requests that a run may send were used up before it had begun with a record set."""

    code = "request-limit"


class TooFewRequestsError(RequestLimitError):
    """So few requests that a run comes nowhere, however often it is repeated."""

    code = "too-few-requests"


class PartialError(DrmsMirrorError):
    """Of several things that were to be done some were done and some failed."""

    code = "partial"
    exit_code = 5


class UnhealthyError(DrmsMirrorError):
    """The daemon does not run, does not move, cannot work, or is late with something."""

    code = "unhealthy"
    exit_code = 9


class ExportError(DrmsMirrorError):
    """Files that were to be exported are not given; the message says why, with JSOC's number."""

    code = "export"


class UnsupportedError(DrmsMirrorError):
    """What ``drms.Client`` can do and this version cannot yet."""

    code = "unsupported"


class MissingLibraryError(DrmsMirrorError, ImportError):
    """An optional library is not installed; the message names the command that installs it."""

    code = "missing-library"
