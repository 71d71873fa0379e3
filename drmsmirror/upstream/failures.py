"""What failures of HTTP mean: which error each status and each broken connection is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3

from drmsmirror.errors import (
    DrmsMirrorError,
    SettingsError,
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)
from drmsmirror.settings import UpstreamSettings

__all__ = ["broken_connection", "check_http_status", "retry_after_seconds"]

_OK = 200
_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503


def check_http_status(
    status: int, headers: Mapping[str, str], url: str, now_utc: Callable[[], datetime]
) -> None:
    """Raise unless the status is 200.

    JSOC answers 200 even to what it refuses, so anything else comes from the web server or from
    something between (DRMS semantics 4.0).

    Parameters
    ----------
    status : int
    headers : mapping
        Headers of the answer, found in any case.
    url : str
        What was asked, for the message.
    now_utc : callable
        Wall time, to turn a date in Retry-After into a wait.

    Raises
    ------
    UpstreamOverloadedError
        429, or 503 with Retry-After.
    UpstreamUnavailableError
        Any other 5xx, and 408.
    UpstreamRefusedError
        Any other 4xx.
    UpstreamAnswerError
        Anything else: no content where content is due.
    """
    if status == _OK:
        return
    wait = retry_after_seconds(headers.get("Retry-After"), now_utc)
    if status == _TOO_MANY_REQUESTS or (status == _UNAVAILABLE and wait is not None):
        when = "without saying for how long" if wait is None else f"for {wait:.0f} s"
        raise UpstreamOverloadedError(
            f"{url} answered HTTP {status}: it wants no requests from us {when}. Wait, then ask "
            f"less at a time; [upstream] requests_per_second makes every run gentler.",
            retry_after=wait,
        )
    if status >= 500 or status == _REQUEST_TIMEOUT:
        raise UpstreamUnavailableError(
            f"{url} answered HTTP {status}: the server is there but does not work now. Try later."
        )
    if status >= 400:
        raise UpstreamRefusedError(
            f"{url} answered HTTP {status}: there is nothing for us at this address. Check "
            f"[upstream] url in the settings: it names the server, without /cgi-bin."
        )
    raise UpstreamAnswerError(f"{url} answered HTTP {status}, which carries no data. Try later.")


def retry_after_seconds(value: str | None, now_utc: Callable[[], datetime]) -> float | None:
    """Seconds that a Retry-After header asks for; None where there is none or it makes no sense.

    Parameters
    ----------
    value : str or None
        Seconds, or a date (RFC 9110, 10.2.3).
    now_utc : callable
        Wall time.
    """
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - now_utc()).total_seconds())


def broken_connection(error: Exception, url: str, settings: UpstreamSettings) -> DrmsMirrorError:
    """Translate a failure of the connection into an error of ours.

    Parameters
    ----------
    error : Exception
        What requests or urllib3 raised.
    url : str
        What was asked, for the message.
    settings : UpstreamSettings
        For the message.
    """
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return UpstreamUnavailableError(
            f"No connection to {url} within {settings.connect_timeout:g} s ([upstream] "
            f"connect_timeout). The server or the network is away; try later."
        )
    if isinstance(error, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError):
        return UpstreamUnavailableError(
            f"{url} sent nothing for {settings.read_timeout:g} s ([upstream] read_timeout). Ask "
            f"for less at a time, wait longer, or try later."
        )
    if isinstance(error, _BROKEN_BODY):
        return UpstreamAnswerError(f"The answer of {url} broke off: {error}. Try again.")
    if isinstance(error, _NO_ADDRESS):
        return SettingsError(f"{url} is no address: {error}. Correct [upstream] url.")
    if isinstance(error, requests.exceptions.ProxyError):
        return UpstreamUnavailableError(
            f"The proxy does not lead to {url}: {_reason(error)}. Check http_proxy, https_proxy "
            f"and no_proxy in the environment."
        )
    return UpstreamUnavailableError(
        f"No answer from {url}: {_reason(error)}. The server or the network is away; try later."
    )


def _reason(error: BaseException) -> str:
    """Give the innermost cause: libraries wrap a refused connection in three layers of words."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return str(error) or type(error).__name__


_BROKEN_BODY = (
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.DecodeError,
    urllib3.exceptions.SSLError,
)
_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationParseError,
)
