"""A file over HTTP, as a web server gives it: whole, or the range that was asked for."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Final

from .cgi import Reply, Request

__all__ = ["deliver", "entity_tag"]

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
_TYPES: Final = {
    ".fits": "application/fits",
    ".json": "application/json",
    ".tar": "application/x-tar",
    ".txt": "text/plain",
}


def entity_tag(body: bytes) -> str:
    """ETag of a file: another one for other bytes."""
    return f'"{len(body):x}-{hashlib.sha256(body).hexdigest()[:13]}"'


def _is_current(condition: str, tag: str, modified: datetime) -> bool:
    """Whether an ``If-Range`` names the file as it is."""
    if not condition or condition.startswith(('"', "W/")):
        return condition in ("", tag)
    try:
        return parsedate_to_datetime(condition) == modified
    except ValueError:
        return False


def _range(text: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a range (the first may lie behind the file); None: all of it.

    Several ranges in one request are answered with everything, as a server may.
    """
    match = _RANGE.fullmatch(text.replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(size - int(match[2]), 0) if int(match[2]) else size, size - 1
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    return None if match[2] and int(match[2]) < first else (first, last)


def deliver(body: bytes, modified: float, asked: Request, ranges: bool = True) -> Reply:
    """The answer to a request for a file.

    Parameters
    ----------
    body : bytes
    modified : float
        Seconds of the Unix epoch.
    asked : Request
        Its ``range`` and ``if_range`` are honoured.
    ranges : bool
        False for a server that knows nothing of ranges.

    Returns
    -------
    Reply
        With status 200, 206 or 416.
    """
    when = datetime.fromtimestamp(int(modified), UTC)
    tag = entity_tag(body)
    headers = {"Last-Modified": format_datetime(when, usegmt=True), "ETag": tag}
    kind = _TYPES.get(PurePosixPath(asked.ds).suffix, "application/octet-stream")
    if not ranges:
        return Reply(body, content_type=kind, headers=headers)
    headers["Accept-Ranges"] = "bytes"
    span = _range(asked.range, len(body)) if _is_current(asked.if_range, tag, when) else None
    if span is None:
        return Reply(body, content_type=kind, headers=headers)
    first, last = span
    if first >= len(body):
        headers["Content-Range"] = f"bytes */{len(body)}"
        return Reply(b"", status=416, content_type=kind, headers=headers)
    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return Reply(body[first : last + 1], status=206, content_type=kind, headers=headers)
