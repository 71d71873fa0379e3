"""The upstream as all processes of one mirror share it."""

from __future__ import annotations

from collections.abc import Sequence

from drmsmirror.mirror import Mirror
from drmsmirror.sharing.guard import Guard
from drmsmirror.sharing.turns import Trouble
from drmsmirror.upstream import RecordText, SeriesEntry, SeriesState, Traffic, Upstream

__all__ = ["SharedUpstream"]


class SharedUpstream:
    """An upstream whose failures are known to all processes of a mirror.

    It is an :class:`~drmsmirror.upstream.Upstream` itself. After some failures in a row the server
    is left alone for a while, by everybody: every operation raises ``UpstreamPausedError`` then,
    besides what it raises anyway.

    A mirror that can only be read, and a catalogue that fails, keep nothing from being asked.

    Parameters
    ----------
    mirror : Mirror
    upstream : Upstream
        The server; it is known by the address in the mirror's settings.
    trouble : Trouble, optional
        Where it is said, once, that nothing can be shared.
    """

    def __init__(
        self, mirror: Mirror, upstream: Upstream, *, trouble: Trouble | None = None
    ) -> None:
        self._mirror = mirror
        self._upstream = upstream
        self._trouble = trouble or Trouble()
        self._guard = Guard(mirror, self._trouble)

    @property
    def traffic(self) -> Traffic:
        """What this process has asked so far."""
        return self._upstream.traffic

    def within(self, seconds: float) -> SharedUpstream:
        """Give the same upstream, whose operations together end within so many seconds from now."""
        return SharedUpstream(self._mirror, self._upstream.within(seconds), trouble=self._trouble)

    def series_names(self, filter: str | None = None) -> tuple[SeriesEntry, ...]:  # noqa: A002
        """List the series whose name matches."""
        return self._guard(lambda: self._upstream.series_names(filter))

    def definition(self, series: str) -> SeriesState:
        """Read the definition of a series, and how far it has come."""
        return self._guard(lambda: self._upstream.definition(series))

    def count(self, recordset: str) -> int:
        """Count the records of a record set."""
        return self._guard(lambda: self._upstream.count(recordset))

    def records(
        self,
        recordset: str,
        keys: Sequence[str],
        *,
        segments: Sequence[str] = (),
        links: Sequence[str] = (),
        n: int | None = None,
    ) -> RecordText:
        """List keywords, segments and links of the records of a record set."""
        return self._guard(
            lambda: self._upstream.records(recordset, keys, segments=segments, links=links, n=n)
        )
