"""A session that ends in good order when it has sent as many requests as it may."""

from __future__ import annotations

from collections.abc import Mapping

from drmsmirror.errors import RequestLimitError
from drmsmirror.upstream.deadline import NEVER, Deadline
from drmsmirror.upstream.protocol import Body, Receiver, Session, Traffic

__all__ = ["LimitedSession"]


class LimitedSession:
    """A session with a number of requests that it does not exceed.

    A redirect is followed all the same, though it counts.

    Parameters
    ----------
    session : Session
        What fetches bodies.
    most : int
        Requests that it may send, what it has sent already included.
    """

    def __init__(self, session: Session, most: int) -> None:
        self._session = session
        self._most = most

    @property
    def traffic(self) -> Traffic:
        """What has been asked so far."""
        return self._session.traffic

    def get(self, cgi: str, params: Mapping[str, str], deadline: Deadline = NEVER) -> Body:
        """Fetch the whole answer of one of the server's programs, in time.

        Raises
        ------
        RequestLimitError
            It would be one request too many; nothing was sent.
        """
        self._count()
        return self._session.get(cgi, params, deadline)

    def download(self, path: str, receiver: Receiver, deadline: Deadline = NEVER) -> None:
        """Fetch a file, or what is missing of it, in time.

        Raises
        ------
        RequestLimitError
            It would be one request too many; nothing was sent.
        """
        self._count()
        self._session.download(path, receiver, deadline)

    def _count(self) -> None:
        if self.traffic.requests >= self._most:
            raise RequestLimitError(
                f"The {self._most} requests of this run are used up; the next run goes on"
            )
