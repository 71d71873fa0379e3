"""One polite connection to the upstream: who we are, how often, how long, how much."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote, urlencode, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from drmsmirror.errors import UpstreamAnswerError, UpstreamRefusedError
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream.deadline import NEVER, Deadline
from drmsmirror.upstream.failures import broken_connection, check_http_status
from drmsmirror.upstream.gate import Gate
from drmsmirror.upstream.pace import Pace
from drmsmirror.upstream.protocol import Body, Receiver, Traffic
from drmsmirror.version import __version__

__all__ = ["LONGEST_URL", "PoliteSession"]

#: Longest address sent by GET; longer queries are posted. JSOC's programs take both (DRMS semantics
#: 4.0), and users report that addresses above some 4,000 characters are refused.
LONGEST_URL = 3000

_PROGRAMS = "cgi-bin/ajax"
_MOST_REDIRECTS = 3
_CHUNK = 64 * 1024
#: Shortest wait for a byte that can be asked for, seconds.
_SHORTEST = 1e-3
#: A file that comes more slowly is given up after a while, bytes per second.
_SLOWEST = 10_000
_PARTIAL, _UNSATISFIABLE = 206, 416
_ABSENT = frozenset({404, 410})
#: Where a part of a file begins, and how long the whole is, if that is known (RFC 9110, 14.4).
_RANGE = re.compile(r"bytes (\d{1,15})-\d{1,15}/(?:(\d{1,15})(?!\d)|\*)", re.ASCII)
#: Of no body are there more bytes than that has digits for: whatever counts them takes it.
_LENGTH = re.compile(r"\d{1,15}", re.ASCII)
#: A whole body may take so many read time-outs: no server holds us for ever, a byte at a time.
_PATIENCE = 10


class _TooLargeError(UpstreamAnswerError):
    """A body above the limit: the same request would get the same body."""

    retryable = False


class _RangeError(UpstreamAnswerError):
    """The rest of a file cannot be had: it has to be asked for as a whole."""


class _NoRedirects(requests.Session):
    """Leaves redirects alone: requests would read their bodies first, whatever their size."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find none."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One request: its address, and the form where it is posted."""

    url: str
    form: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The address without the query, for messages."""
        return self.url.partition("?")[0]


def _now_utc() -> datetime:
    return datetime.now(UTC)


class PoliteSession:
    """Fetches bodies: one connection, one request at a time, at a limited rate.

    Threads queue for their turn, and processes at a gate. Proxies are taken from the environment.
    Redirects are followed on the same host only. Nothing is retried here.

    Parameters
    ----------
    settings : UpstreamSettings
    gate : Gate, optional
        Where it waits for the requests of other processes.
    pace : Pace, optional
        The rate limit; by default one of this session's own.
    clock : callable
        Monotonic time, seconds.
    now_utc : callable
        Wall time, for dates in Retry-After.
    """

    def __init__(
        self,
        settings: UpstreamSettings,
        *,
        gate: Gate | None = None,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        now_utc: Callable[[], datetime] = _now_utc,
    ) -> None:
        self._settings = settings
        self._user_agent = _user_agent(settings.contact)
        self._gate = gate
        self._pace = pace or Pace(settings.requests_per_second)
        self._clock = clock
        self._now_utc = now_utc
        self._turn = threading.Lock()
        self._connection: requests.Session | None = None
        self._traffic = Traffic()

    def __enter__(self) -> PoliteSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; another request would open a new one."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def traffic(self) -> Traffic:
        """What has been asked so far; never waits for a request under way."""
        return self._traffic

    def get(self, cgi: str, params: Mapping[str, str], deadline: Deadline = NEVER) -> Body:
        """Fetch the whole answer of one of the server's programs.

        Parameters
        ----------
        cgi : str
            Name of the program: ``jsoc_info``.
        params : mapping
            Its parameters, not encoded.
        deadline : Deadline
            When the whole of it, waiting for a turn included, has to have ended.

        Raises
        ------
        UpstreamTimeoutError
            It did not.
        UpstreamUnavailableError
            No connection, a time-out, HTTP 5xx.
        UpstreamOverloadedError
            The server wants fewer requests.
        UpstreamRefusedError
            HTTP 4xx, or a redirect to another host.
        UpstreamAnswerError
            A body that broke off, is too large, or took for ever.
        SettingsError
            The URL in the settings is no address.
        """
        call = _call(f"{self._settings.url}/{_PROGRAMS}/{cgi}", params)
        content = bytearray()
        deadline.take(self._turn)
        took, url = deadline.run(
            lambda: self._follow(call, deadline, partial(self._read_answer, content))
        )
        return Body(bytes(content), took, url)

    def download(self, path: str, receiver: Receiver, deadline: Deadline = NEVER) -> None:
        """Fetch a file, or what is missing of it, handing it on as it comes.

        Parameters
        ----------
        path : str
            On the server, from its root: ``/SUM12/D1148128819/S00000/magnetogram.fits``.
        receiver : Receiver
            Takes it in; where it has a part of the same version already, the rest is asked for.
        deadline : Deadline
            When the whole of it, waiting for a turn included, has to have ended.

        Raises
        ------
        UpstreamError
            As :meth:`get`; and there is no such file, or the server sent something else. What came
            until then is in the receiver.
        """
        call = _Call(f"{self._settings.url}{quote(path)}", headers=_asking_for(receiver))
        deadline.take(self._turn)
        # not in a thread of its own, which could be left alone while it writes
        self._follow(call, deadline, partial(self._receive, receiver))

    def _follow(self, call: _Call, deadline: Deadline, read: _Reader) -> tuple[float, str]:
        """Read the body from where the server says it is; our turn ends with it.

        Returns
        -------
        seconds : float
        url : str
            Where it was, without the query.
        """
        try:
            for _ in range(1 + _MOST_REDIRECTS):
                seconds, elsewhere = self._once(call, deadline, read)
                if elsewhere is None:
                    return seconds, call.shown
                call = replace(call, url=elsewhere)
        finally:
            self._turn.release()
        raise UpstreamRefusedError(
            f"{call.shown} redirects again and again. Check [upstream] url in the settings."
        )

    def _once(self, call: _Call, deadline: Deadline, read: _Reader) -> tuple[float, str | None]:
        """Read the body, or learn where the server sends us instead, when it is our turn."""
        with nullcontext() if self._gate is None else self._gate.turn(deadline):
            return self._ask(call, deadline, read)

    def _ask(self, call: _Call, deadline: Deadline, read: _Reader) -> tuple[float, str | None]:
        self._pace.wait(deadline)
        deadline.check(was_asked=False)
        started = self._clock()
        coming = None
        try:
            with self._send(call, deadline) as response:
                if (elsewhere := _redirection(response, call)) is not None:
                    return 0.0, elsewhere
                coming = _Coming(response, call, deadline)
                read(coming)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            deadline.check()
            raise broken_connection(error, call.shown, self._settings) from error
        finally:
            seconds = self._clock() - started
            self._traffic += Traffic(1, coming.size if coming else 0, seconds)
        return seconds, None

    def _send(self, call: _Call, deadline: Deadline) -> requests.Response:
        connection = self._connection = self._connection or self._open()
        form = {} if call.form is None else {"Content-Type": "application/x-www-form-urlencoded"}
        method = "GET" if call.form is None else "POST"
        request = connection.prepare_request(
            requests.Request(method, call.url, headers={**form, **call.headers}, data=call.form)
        )
        environment = connection.merge_environment_settings(call.url, {}, True, None, None)
        return connection.send(
            request,
            timeout=(
                min(self._settings.connect_timeout, deadline.left or _SHORTEST),
                min(self._settings.read_timeout, deadline.left or _SHORTEST),
            ),
            allow_redirects=False,
            **environment,
        )

    def _open(self) -> requests.Session:
        connection = _NoRedirects()
        connection.headers["User-Agent"] = self._user_agent
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0, pool_block=True)
        connection.mount("http://", adapter)
        connection.mount("https://", adapter)
        return connection

    def _read_answer(self, content: bytearray, coming: _Coming) -> None:
        """Read an answer of a program, which must be complete and not too large."""
        call, limit = coming.call, self._settings.max_body_mib * 2**20
        check_http_status(coming.status, coming.headers, call.shown, self._now_utc)
        if (coming.length or 0) > limit:
            raise self._too_large(call)
        ends_at = self._clock() + _PATIENCE * self._settings.read_timeout
        for piece in coming.pieces():
            content += piece
            if len(content) > limit:
                raise self._too_large(call)
            if self._clock() > ends_at:
                raise UpstreamAnswerError(
                    f"The answer of {call.shown} was not complete after "
                    f"{_PATIENCE * self._settings.read_timeout:g} s. Ask for less at a time."
                )

    def _receive(self, receiver: Receiver, coming: _Coming) -> None:
        """Hand a file on; urllib3 compares the length of what comes with Content-Length."""
        try:
            start = coming.start(receiver.size_bytes)
        except _RangeError:
            receiver.restart()
            raise
        if coming.status in _ABSENT:
            raise UpstreamRefusedError(
                f"{coming.call.shown} answered HTTP {coming.status}: it has no such file now. Try "
                f"again later."
            )
        if start is None:
            check_http_status(coming.status, coming.headers, coming.call.shown, self._now_utc)
            start = 0
        if "text/html" in coming.headers.get("Content-Type", "").lower():
            raise UpstreamAnswerError(
                f"{coming.call.shown} is a web page, not the file. Try again later."
            )
        receiver.begin(start, coming.total(start), _validator(coming.headers))
        begun = self._clock()
        patience = _PATIENCE * self._settings.read_timeout
        for piece in coming.pieces(decoded=False):  # a file is what is stored, however it is packed
            receiver.append(piece)
            if self._clock() - begun > patience + coming.size / _SLOWEST:
                raise UpstreamAnswerError(
                    f"{coming.call.shown} comes more slowly than {_SLOWEST:,} bytes a second. Try "
                    f"again later: what has come is kept."
                )

    def _too_large(self, call: _Call) -> _TooLargeError:
        return _TooLargeError(
            f"The answer of {call.shown} is larger than {self._settings.max_body_mib} MiB "
            f"([upstream] max_body_mib). Ask for less at a time, or raise the limit."
        )


class _Coming:
    """A body that is on its way.

    Parameters
    ----------
    response : requests.Response
        Of which the head is there.
    call : _Call
    deadline : Deadline
    """

    def __init__(self, response: requests.Response, call: _Call, deadline: Deadline) -> None:
        self._response = response
        self._deadline = deadline
        self.call = call
        self.status = response.status_code
        self.headers = response.headers
        #: Bytes that have come.
        self.size = 0

    @property
    def length(self) -> int | None:
        """Bytes that are to come, where the server says so."""
        announced = self.headers.get("Content-Length", "")
        return int(announced) if _LENGTH.fullmatch(announced) else None

    def total(self, start: int) -> int | None:
        """Bytes of the whole file, of which those from ``start`` on are coming."""
        said = _RANGE.match(self.headers.get("Content-Range", ""))
        if self.status == _PARTIAL and said is not None and said[2]:
            return int(said[2])
        return None if self.length is None else start + self.length

    def start(self, held: int) -> int | None:
        """Where in the file a partial answer begins; None for one that is none.

        Raises
        ------
        UpstreamAnswerError
            It does not go on where what is held ends.
        """
        if self.status == _UNSATISFIABLE:  # it became shorter, or all of it is held
            raise _RangeError(f"{self.call.shown} has no more than what has come of it.")
        if self.status != _PARTIAL:
            return None
        said = _RANGE.match(self.headers.get("Content-Range", ""))
        if said is None or int(said[1]) != held:
            raise _RangeError(f"{self.call.shown} does not go on where it was broken off.")
        return held

    def pieces(self, *, decoded: bool = True) -> Iterator[bytes]:
        """Read what comes; what it was packed into for the way is taken off or not."""
        # read1 returns what has come: read would wait for a whole chunk, however slowly it comes
        while piece := self._response.raw.read1(_CHUNK, decode_content=decoded):
            self.size += len(piece)
            self._deadline.check()
            yield piece


#: Reads a body.
_Reader = Callable[[_Coming], None]


def _asking_for(receiver: Receiver) -> Mapping[str, str]:
    """Headers that ask for a file as it is, or for the rest of the version that has come."""
    headers = {"Accept-Encoding": "identity"}
    if receiver.size_bytes and receiver.validator:
        headers |= {"Range": f"bytes={receiver.size_bytes}-", "If-Range": receiver.validator}
    return headers


def _validator(headers: Mapping[str, str]) -> str:
    """By what the server knows this version of a file again (RFC 9110, 13.1.5)."""
    tag = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _call(url: str, params: Mapping[str, str]) -> _Call:
    # blanks as %20: show_series decodes no plus signs (DRMS semantics 4.0)
    query = urlencode(params, quote_via=quote, safe="")
    if not query:
        return _Call(url)
    if len(url) + 1 + len(query) > LONGEST_URL:
        return _Call(url, query)
    return _Call(f"{url}?{query}")


def _redirection(response: requests.Response, call: _Call) -> str | None:
    """Where a redirect leads, on the same host; None where the answer is none."""
    location = response.headers.get("Location")
    if not response.is_redirect or location is None:
        return None
    target = urljoin(call.url, location)
    there, here = urlsplit(target), urlsplit(call.url)
    if there.hostname != here.hostname or there.scheme not in ("http", "https"):
        raise UpstreamRefusedError(
            f"{call.shown} sends us to {there.scheme}://{there.netloc}, another host: a login page "
            f"of the network, or the server has moved. If it has, change [upstream] url."
        )
    return target


def _user_agent(contact: str) -> str:
    return f"drmsmirror/{__version__}" + (f" (+{contact})" if contact else "")
