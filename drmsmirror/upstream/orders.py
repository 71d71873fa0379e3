"""What the server says of an order of files, and where trust in that ends (DRMS semantics 4.4.3).

Its numbers may be texts, and a path is never believed to be more than one on the server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from drmsmirror.errors import UpstreamAnswerError
from drmsmirror.upstream.complaints import shortened
from drmsmirror.upstream.protocol import OrderedFile, OrderReply, OrderStage

__all__ = ["is_server_path", "read_reply"]

_READY = 0
#: Being worked on, queued (12 in a test system), and not yet registered.
_PENDING = frozenset({1, 2, 6, 12})
#: What stands in place of the file of a record that has none.
_NO_FILE = "NoDataFile"
_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
#: Longest wait that the server is granted before it is asked again, seconds.
_LONGEST = 600.0


def is_server_path(path: str) -> bool:
    """Whether a text can be the path of a file on the server, from its root."""
    parts = path.split("/")
    return path.startswith("/") and path.isprintable() and not {"", ".", ".."} & set(parts[1:])


def read_reply(body: bytes, subject: str) -> OrderReply:
    """Read the answer to ``exp_request`` or ``exp_status``.

    Parameters
    ----------
    body : bytes
    subject : str
        What was ordered, for messages.

    Raises
    ------
    UpstreamAnswerError
        It is no such answer, or contradicts itself.
    """
    try:
        answer = orjson.loads(body if body.isascii() else body.decode("latin-1"))
        status = int(answer["status"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise _unusable(subject, f"it begins {shortened(body[:60].decode('latin-1'))!r}") from None
    request_id = str(answer.get("requestid") or answer.get("reqid") or "")
    message = shortened(str(answer.get("error") or answer.get("contact") or ""))
    if not _ID.fullmatch(request_id):
        if status in _PENDING:
            raise _unusable(subject, f"it is pending and has the number {request_id[:80]!r}")
        request_id = ""
    if status in _PENDING:
        return OrderReply(OrderStage.PENDING, request_id, status, message, _wait(answer))
    if status != _READY:
        return OrderReply(OrderStage.FAILED, request_id, status, message)
    return OrderReply(
        OrderStage.READY,
        request_id,
        status,
        message,
        files=tuple(_files(answer, subject)),
        protocol=shortened(str(answer.get("protocol") or "")),
    )


def _files(answer: Mapping[str, Any], subject: str) -> list[OrderedFile]:
    archive = str(answer.get("tarfile") or "")
    if archive:
        return [OrderedFile("", _checked(archive, subject))]
    listed = answer.get("data")
    if not isinstance(listed, list):
        raise _unusable(subject, "it is ready and lists no files")
    directory = str(answer.get("dir") or "").rstrip("/")
    found = []
    for one in listed:
        if not isinstance(one, dict):
            raise _unusable(subject, "what it lists are no files")
        record, name = str(one.get("record", "")), str(one.get("filename", ""))
        if "\0" in record:  # which not every catalogue can hold
            raise _unusable(subject, f"it lists a record {record[:120]!r}")
        if name == _NO_FILE:
            continue
        path = name if name.startswith("/") else f"{directory}/{name}"
        found.append(OrderedFile(record, _checked(path, subject)))
    return found


def _checked(path: str, subject: str) -> str:
    if not is_server_path(path):
        raise _unusable(subject, f"it lists a file {path[:120]!r}")
    return path


def _wait(answer: Mapping[str, Any]) -> float:
    try:
        return min(max(0.0, float(answer.get("wait", 0))), _LONGEST)
    except (TypeError, ValueError):
        return 0.0


def _unusable(subject: str, what: str) -> UpstreamAnswerError:
    return UpstreamAnswerError(
        f"The upstream's answer about the order of {shortened(subject)} cannot be used: {what}. "
        f"Try again later."
    )
