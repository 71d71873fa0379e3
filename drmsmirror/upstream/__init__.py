"""The server that the mirror copies from: one polite connection, one method per remote operation.

What comes back has been checked: an answer that is not wholly what was asked for is an error,
never data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drmsmirror.upstream.complaints import is_overload_notice
from drmsmirror.upstream.deadline import NEVER, Deadline
from drmsmirror.upstream.jsoc import Jsoc
from drmsmirror.upstream.limit import LimitedSession
from drmsmirror.upstream.orders import is_server_path
from drmsmirror.upstream.protocol import (
    Body,
    KeySample,
    OrderedFile,
    OrderReply,
    OrderStage,
    OrderTerms,
    Receiver,
    RecordText,
    SeriesEntry,
    SeriesState,
    Session,
    Traffic,
    Upstream,
)

if TYPE_CHECKING:
    from drmsmirror.upstream.session import PoliteSession

__all__ = [
    "NEVER",
    "Body",
    "Deadline",
    "Jsoc",
    "KeySample",
    "LimitedSession",
    "OrderReply",
    "OrderStage",
    "OrderTerms",
    "OrderedFile",
    "PoliteSession",
    "Receiver",
    "RecordText",
    "SeriesEntry",
    "SeriesState",
    "Session",
    "Traffic",
    "Upstream",
    "is_overload_notice",
    "is_server_path",
]


def __getattr__(name: str) -> Any:
    """Import the session only where it is used: requests takes its time."""
    if name == "PoliteSession":
        from drmsmirror.upstream.session import PoliteSession

        return PoliteSession
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
