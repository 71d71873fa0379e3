"""The upstream of a mirror, opened so that all of its processes together stay polite."""

from __future__ import annotations

from drmsmirror.mirror import Mirror
from drmsmirror.sharing.shared import SharedUpstream
from drmsmirror.upstream import Jsoc, LimitedSession, Session

__all__ = ["open_upstream"]


def open_upstream(mirror: Mirror, *, most_requests: int | None = None) -> SharedUpstream:
    """Give the upstream that a mirror's settings name.

    Parameters
    ----------
    mirror : Mirror
    most_requests : int, optional
        No more requests are sent than this.
    """
    settings = mirror.settings.upstream

    def session() -> Session:
        from drmsmirror.upstream.gate import Gate
        from drmsmirror.upstream.session import PoliteSession  # what it needs takes its time

        polite = PoliteSession(settings, gate=Gate(mirror.upstream_gate, settings))
        return polite if most_requests is None else LimitedSession(polite, most_requests)

    return SharedUpstream(mirror, Jsoc(settings, session))
