"""Misbehaviour on command: what a remote server does on a bad day.

The error bodies have the forms that JSOC has been recorded to send (DRMS semantics 4.2.5).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

__all__ = [
    "OVERLOAD_TEXT",
    "Fault",
    "FaultKind",
    "error_body",
    "overload_body",
    "spoil",
    "wrapper_error",
]

OVERLOAD_TEXT: Final = (
    "STOP - Use of JSOC from your IP address is overworking our system. Please consider reducing"
    " your rate of use. Please see http://jsoc.stanford.edu/Contacts.html for contact information."
)
_BIN: Final = "/home/jsoc/releases/sample/bin/linux_x86_64"


class FaultKind(Enum):
    """What goes wrong."""

    SLOW = "slow"
    """`seconds` before the answer, and `per_record` for each record in it."""
    STALL = "stall"
    """Headers, then nothing until released or stopped."""
    CLOSE_EARLY = "close-early"
    """Half of the body under the Content-Length of all of it, then the connection closes."""
    HTTP_STATUS = "http-status"
    """HTTP `status` (429, 503...) with Retry-After when `retry_after` is set."""
    HTML = "html"
    """HTTP 200 with a web page."""
    WRONG_COLUMN_LENGTH = "wrong-column-length"
    """One value missing from the last keyword's column, in lists of records only."""
    WRONG_COUNT = "wrong-count"
    """``count`` is one more than the columns hold."""
    TRUNCATED = "truncated"
    """Half of a file, with the right Content-Length for half."""
    FLIPPED_BIT = "flipped-bit"
    """One bit in the middle of a file is another; its ETag is not."""
    CHANGED_BYTES = "changed-bytes"
    """Other bytes than the file has at other times, with an ETag of their own."""
    NO_RANGES = "no-ranges"
    """The whole file, whatever range was asked for."""
    TRUNCATED_JSON = "truncated-json"
    """Half of the body, with the right Content-Length for half."""
    EMPTY_BODY = "empty-body"
    """HTTP 200, no bytes."""
    DROPPED_KEYWORD = "dropped-keyword"
    """The last keyword is left out of the answer."""
    RENAMED_KEYWORD = "renamed-keyword"
    """The last keyword answers under another name."""
    GARBAGE = "garbage"
    """One stray letter, as recorded."""
    ERROR_BODY = "error-body"
    """JSOC's error body with `status` (4, 5, 6...) and `text`."""
    NO_RECORDS = "no-records"
    """The good answer that there are none, to questions about records."""
    OVERLOAD = "overload"
    """JSOC's notice that one asks too much (status 4, ``STOP - ...``)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave; the fields that a kind does not name are ignored.

    Attributes
    ----------
    kind : FaultKind
    seconds, per_record : float
        For SLOW.
    status : int
        HTTP status for HTTP_STATUS, JSON status for ERROR_BODY.
    retry_after : str or None
        Value of the Retry-After header for HTTP_STATUS.
    text : str or None
        Error text for ERROR_BODY; None gives the text recorded for the status.
    """

    kind: FaultKind
    seconds: float = 0.0
    per_record: float = 0.0
    status: int = 503
    retry_after: str | None = None
    text: str | None = None

    def concerns(self, cgi: str, op: str) -> bool:
        """Whether it can strike the answer to an operation; others have no columns, or no bytes."""
        if cgi == "file":
            return self.kind not in _JSON_ONLY
        if cgi == "jsoc_fetch" and self.kind in _EDITS:
            return False
        if self.kind is FaultKind.NO_RECORDS:
            return op in ("rs_list", "rs_summary")
        if self.kind is FaultKind.WRONG_COLUMN_LENGTH:
            return op == "rs_list"
        return self.kind not in _FILES_ONLY


def wrapper_error(ds: str, code: int = 1) -> bytes:
    """The wrapper's complaint that it cannot parse a record set (status 4)."""
    command = f"{_BIN}/drms_parserecset spec={ds}"
    text = f"Command '{command}' returned non-zero status code {code}"
    return json.dumps({"status": 4, "error": text}).encode()


def error_body(status: int, ds: str, text: str | None = None) -> bytes:
    """An error body of the wrapper: status 4, 5 or 6, blanks between tokens."""
    if text is None and status == 4:
        return wrapper_error(ds)
    if text is None and status == 5:
        command = (
            f"{_BIN}/show_series -qz JSOC_DBHOST=hmidb2:5432 JSOC_DBNAME=jsoc JSOC_DBUSER=apache"
        )
        text = f"Command '{command}' returned non-zero status code 1"
    return json.dumps({"status": status, "error": text or ""}).encode()


def overload_body() -> bytes:
    """The notice for those who ask too much: no blanks, as recorded."""
    return json.dumps({"status": 4, "error": OVERLOAD_TEXT}, separators=(",", ":")).encode()


def _shorten_last_column(answer: Any) -> None:
    if answer.get("keywords"):
        answer["keywords"][-1]["values"].pop()


def _wrong_count(answer: Any) -> None:
    answer["count"] = answer.get("count", 0) + 1


def _drop_keyword(answer: Any) -> None:
    if answer.get("keywords"):
        answer["keywords"].pop()


def _rename_keyword(answer: Any) -> None:
    if answer.get("keywords"):
        answer["keywords"][-1]["name"] += "_X"


_EDITS: Final[dict[FaultKind, Callable[[Any], None]]] = {
    FaultKind.WRONG_COLUMN_LENGTH: _shorten_last_column,
    FaultKind.WRONG_COUNT: _wrong_count,
    FaultKind.DROPPED_KEYWORD: _drop_keyword,
    FaultKind.RENAMED_KEYWORD: _rename_keyword,
}


_FILES_ONLY: Final = (
    FaultKind.TRUNCATED,
    FaultKind.FLIPPED_BIT,
    FaultKind.CHANGED_BYTES,
    FaultKind.NO_RANGES,
)
_JSON_ONLY: Final = (*_EDITS, FaultKind.TRUNCATED_JSON, FaultKind.NO_RECORDS)


def spoil(fault: Fault, body: bytes, ds: str) -> bytes:
    """The body that a fault makes of a good one (unchanged for faults of the connection)."""
    if fault.kind in _EDITS:
        answer = json.loads(body)
        _EDITS[fault.kind](answer)
        return json.dumps(answer, separators=(",", ":")).encode() + b"\n"
    if fault.kind is FaultKind.HTML:
        return b"<html><head><title>JSOC</title></head><body><h1>Maintenance</h1></body></html>\n"
    if fault.kind is FaultKind.HTTP_STATUS:
        return b"<html><body><h1>Try again later</h1></body></html>\n"
    if fault.kind in (FaultKind.TRUNCATED, FaultKind.TRUNCATED_JSON):
        return body[: len(body) // 2]
    if fault.kind is FaultKind.FLIPPED_BIT:
        middle = len(body) // 2
        return (
            body[:middle]
            + bytes(byte ^ 1 for byte in body[middle : middle + 1])
            + (body[middle + 1 :])
        )
    if fault.kind is FaultKind.EMPTY_BODY:
        return b""
    if fault.kind is FaultKind.GARBAGE:
        return b"n"
    if fault.kind is FaultKind.ERROR_BODY:
        return error_body(fault.status, ds, fault.text) + b"\n"
    if fault.kind is FaultKind.NO_RECORDS:
        return b'{"count":0,"runtime":0.075,"status":0}\n'
    if fault.kind is FaultKind.OVERLOAD:
        return overload_body() + b"\n"
    return body
