"""What JSOC's complaints mean: which error each status and text is.

Source: DRMS semantics 4.2.5. JSOC reports failures under HTTP 200, often in words that say
something else, so every status other than 0 is an error here, and most can pass by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from drmsmirror.errors import (
    UnknownSeriesError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTooLargeError,
    UpstreamUnavailableError,
)

__all__ = ["Asked", "Operation", "is_overload_notice", "raise_complaint"]

#: Longest piece of a record set or of the server's text that a message repeats, characters.
_SHOWN = 300

_BAD_REQUEST = 1
_UNREADABLE_RECORD_SET = 4
#: From JSOC's notice to an address that asks too much.
_OVERLOAD_TEXT = "overworking our system"
_NOT_FOUND = "series not found"
_NO_SERIES_NAME = "invalid series name"
#: PostgreSQL or its client say that there is no connection, whatever the status.
_NO_DATABASE = ("connection to database", "couldn't connect", "fatal:", "connection limit exceeded")


class Operation(Enum):
    """A remote operation; the value says what it gives, for messages."""

    NAMES = "the list of series"
    DEFINITION = "the definition of"
    COUNT = "the number of records of"
    RECORDS = "the records of"
    ADDRESS = "whether the e-mail address is registered"
    RECORDED = "the recorded answer"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, for the choice and the text of an error.

    Parameters
    ----------
    operation : Operation
    subject : str
        The series, the record set, or the file; empty where there is none.
    """

    operation: Operation
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.operation.value} {shortened(self.subject)}".strip()


def shortened(text: str) -> str:
    """Put the text on one line, without what a terminal would obey, and cut it where it is long."""
    line = "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "..."


def is_overload_notice(text: str) -> bool:
    """Whether JSOC says that this address asks too much, in whatever it says that."""
    return _OVERLOAD_TEXT in text.lower()


def raise_complaint(asked: Asked, status: int, text: str) -> NoReturn:
    """Raise the error that a status and its text mean.

    Parameters
    ----------
    asked : Asked
    status : int
        The member ``status``, not 0.
    text : str
        The server's own words.

    Raises
    ------
    UpstreamOverloadedError
        The notice that this address asks too much.
    UpstreamTooLargeError
        Records were asked for, and the series is not found: mostly too many rows.
    UnknownSeriesError
        Anything else was asked for, and the series is not found; or its name cannot be one.
    UpstreamRefusedError
        The server names something wrong with the request.
    UpstreamUnavailableError
        All else: the wrapper or the database failed, which says nothing about the records.
    """
    lower = text.lower()
    said = f"it says {shortened(text)!r}" if text.strip() else "it gives no reason"
    said += f" (status {status})"
    if is_overload_notice(text):
        raise UpstreamOverloadedError(
            f"The upstream wants no more requests from this address; {said}. Wait some hours, then "
            f"make [upstream] requests_per_second smaller; it has an address for questions."
        )
    if any(sign in lower for sign in _NO_DATABASE):
        raise UpstreamUnavailableError(
            f"The upstream's database did not give {asked}; {said}. Try later."
        )
    if _NO_SERIES_NAME in lower:
        raise UnknownSeriesError(
            f"The upstream does not give {asked}; {said}. A series is named namespace.name, as in "
            f"hmi.M_45s."
        )
    if status == _BAD_REQUEST:
        _raise_bad_request(asked, text, said)
    if status == _UNREADABLE_RECORD_SET:
        raise UpstreamUnavailableError(
            f"The upstream did not give {asked}; {said}. Either it does not work now (try later), "
            f"or it cannot read the record set (check it): it says the same of both."
        )
    raise UpstreamUnavailableError(
        f"The upstream did not give {asked}; {said}. That is its own failure and says nothing "
        f"about the records. Try later."
    )


def _raise_bad_request(asked: Asked, text: str, said: str) -> NoReturn:
    if _NOT_FOUND not in text.lower():
        raise UpstreamRefusedError(f"The upstream refuses {asked}; {said}. Correct the request.")
    if asked.operation is Operation.RECORDS:
        raise UpstreamTooLargeError(
            f"The upstream does not list {asked}; {said}. It says so of more rows than it gives in "
            f"one answer (ask for less at a time), and of a series that does not exist."
        )
    raise UnknownSeriesError(
        f"The upstream does not give {asked}; {said}. Check the spelling of the series, and the "
        f"filters where there are any."
    )
