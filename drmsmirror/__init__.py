"""A local caching mirror and metadata warehouse of JSOC's DRMS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drmsmirror.version import __version__

if TYPE_CHECKING:
    from drmsmirror.client import Client

__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the client only where it is used; ``drmsmirror --help`` needs none of it."""
    if name == "Client":
        from drmsmirror.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
