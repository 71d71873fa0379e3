"""The session on the wire: a server that sends exactly what the test says."""

from __future__ import annotations

import contextlib
import gzip
import socket
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from drmsmirror import __version__
from drmsmirror.errors import (
    DrmsMirrorError,
    SettingsError,
    UpstreamAnswerError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamUnavailableError,
)
from drmsmirror.settings import UpstreamSettings
from drmsmirror.upstream.failures import retry_after_seconds
from drmsmirror.upstream.session import LONGEST_URL, PoliteSession

from .scripted import reply, serve

SettingsFor = Callable[..., UpstreamSettings]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_body_arrives_with_its_cost(settings_for: SettingsFor) -> None:
    with serve(reply(b"{}")) as server, PoliteSession(settings_for(server.url)) as session:
        body = session.get("jsoc_info", {"ds": "a.b[1 2]", "key": "*recnum*,Q+"})
        assert body.content == b"{}"
        assert body.url == f"{server.url}/cgi-bin/ajax/jsoc_info"
        assert (session.traffic.requests, session.traffic.bytes) == (1, 2)
        assert session.traffic.seconds == body.seconds > 0
    line = server.requests[0].split(b"\r\n")[0]
    assert line == (
        b"GET /cgi-bin/ajax/jsoc_info?ds=a.b%5B1%202%5D&key=%2Arecnum%2A%2CQ%2B HTTP/1.1"
    )


@pytest.mark.parametrize(
    ("contact", "agent"),
    [
        ("", f"drmsmirror/{__version__}"),
        ("me@example.org", f"drmsmirror/{__version__} (+me@example.org)"),
    ],
)
def test_we_say_who_we_are(settings_for: SettingsFor, contact: str, agent: str) -> None:
    with serve(reply(b"{}")) as server:
        PoliteSession(settings_for(server.url, contact=contact)).get("jsoc_info", {})
    assert f"User-Agent: {agent}\r\n".encode() in server.requests[0]


def test_a_long_query_is_posted(settings_for: SettingsFor) -> None:
    params = {"op": "rs_list", "ds": "a.b[" + "1 ," * LONGEST_URL + "]"}
    with serve(reply(b"{}")) as server:
        PoliteSession(settings_for(server.url)).get("jsoc_info", params)
    head, _, form = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /cgi-bin/ajax/jsoc_info HTTP/1.1\r\n")
    assert b"Content-Type: application/x-www-form-urlencoded" in head
    assert form.startswith(b"op=rs_list&ds=a.b%5B1%20%2C1%20%2C")


def test_the_border_between_get_and_post(settings_for: SettingsFor) -> None:
    with serve(reply(b"{}"), reply(b"{}")) as server:
        session = PoliteSession(settings_for(server.url))
        room = LONGEST_URL - len(f"{server.url}/cgi-bin/ajax/jsoc_info?ds=")
        session.get("jsoc_info", {"ds": "x" * room})
        session.get("jsoc_info", {"ds": "x" * (room + 1)})
    assert [request.split(b" ")[0] for request in server.requests] == [b"GET", b"POST"]


# ---------------------------------------------------------------- HTTP status


@pytest.mark.parametrize(
    ("status", "headers", "error", "says"),
    [
        ("400 Bad", "", UpstreamRefusedError, r"\[upstream\] url"),
        ("403 Forbidden", "", UpstreamRefusedError, r"\[upstream\] url"),
        ("404 Not Found", "", UpstreamRefusedError, r"/cgi-bin/ajax/jsoc_info.*404.*\[upstream\]"),
        ("408 Timeout", "", UpstreamUnavailableError, "408"),
        ("429 Slow down", "", UpstreamOverloadedError, "without saying for how long"),
        ("429 Slow down", "Retry-After: 7\r\n", UpstreamOverloadedError, "for 7 s"),
        ("500 Oops", "", UpstreamUnavailableError, "500"),
        ("500 Oops", "Retry-After: 7\r\n", UpstreamUnavailableError, "500"),
        ("502 Gateway", "", UpstreamUnavailableError, "502"),
        ("503 Busy", "", UpstreamUnavailableError, "503"),
        ("503 Busy", "Retry-After: soon\r\n", UpstreamUnavailableError, "503"),
        ("503 Busy", "Retry-After: 30\r\n", UpstreamOverloadedError, "for 30 s"),
        ("204 Nothing", "", UpstreamAnswerError, "204"),
        ("304 Same", "", UpstreamAnswerError, "304"),
        ("300 Choices", "", UpstreamAnswerError, "300"),
    ],
)
def test_each_status_is_one_error(
    settings_for: SettingsFor,
    status: str,
    headers: str,
    error: type[DrmsMirrorError],
    says: str,
) -> None:
    with serve(reply(b"", status, headers=headers)) as server:
        session = PoliteSession(settings_for(server.url))
        with pytest.raises(error, match=says) as caught:
            session.get("jsoc_info", {})
    assert type(caught.value) is error
    assert len(server.requests) == session.traffic.requests == 1
    if error is UpstreamOverloadedError and headers:
        assert caught.value.retry_after == float(headers.split()[1])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("-5", None),
        ("1.5", None),
        ("nan", None),
        ("9" * 400, None),
        ("soon", None),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90.0),
        ("Thu, 01 Jan 2026 12:01:30 -0000", 90.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, lambda: NOON) == seconds


# ---------------------------------------------------------------- redirects


def test_a_redirect_on_the_same_host_is_followed(settings_for: SettingsFor) -> None:
    moved = reply(b"moved", "301 Moved", headers="Location: /elsewhere?ds=a.b\r\n")
    with serve(moved, reply(b"{}")) as server:
        session = PoliteSession(settings_for(server.url))
        body = session.get("jsoc_info", {"ds": "a.b"})
    assert body.url == f"{server.url}/elsewhere"
    assert session.traffic.requests == 2
    assert server.requests[1].startswith(b"GET /elsewhere?ds=a.b ")


def test_a_posted_form_is_posted_again(settings_for: SettingsFor) -> None:
    moved = reply(b"", "308 Moved", headers="Location: /elsewhere\r\n")
    with serve(moved, reply(b"{}")) as server:
        PoliteSession(settings_for(server.url)).get("jsoc_info", {"ds": "x" * LONGEST_URL})
    assert server.requests[1].startswith(b"POST /elsewhere ")
    assert server.requests[1].endswith(b"ds=" + b"x" * LONGEST_URL)


@pytest.mark.parametrize(
    "location", ["http://login.example.org/", "//login.example.org/x", "file:///etc/passwd"]
)
def test_a_redirect_elsewhere_is_refused(settings_for: SettingsFor, location: str) -> None:
    moved = reply(b"", "302 Found", headers=f"Location: {location}\r\n")
    with serve(moved) as server:
        session = PoliteSession(settings_for(server.url))
        with pytest.raises(UpstreamRefusedError, match="another host"):
            session.get("jsoc_info", {})
    assert len(server.requests) == 1


def test_redirects_end(settings_for: SettingsFor) -> None:
    round_and_round = reply(b"", "302 Found", headers="Location: /again\r\n")
    with serve(*[round_and_round] * 9) as server:
        session = PoliteSession(settings_for(server.url))
        with pytest.raises(UpstreamRefusedError, match="again and again"):
            session.get("jsoc_info", {})
    assert len(server.requests) == session.traffic.requests == 4


def test_the_body_of_a_redirect_is_not_waited_for(settings_for: SettingsFor) -> None:
    endless = reply(b"x", "302 Found", length=10**12, headers="Location: http://b.example.org/\r\n")
    with serve(endless, hold=True) as server:
        session = PoliteSession(settings_for(server.url, read_timeout=1.0))
        with pytest.raises(UpstreamRefusedError, match="another host"):
            session.get("jsoc_info", {})


# ---------------------------------------------------------------- bodies


def test_a_body_that_breaks_off(settings_for: SettingsFor) -> None:
    with serve(reply(b'{"count":', length=1000)) as server:
        session = PoliteSession(settings_for(server.url))
        with pytest.raises(UpstreamAnswerError, match="broke off") as caught:
            session.get("jsoc_info", {})
    assert caught.value.retryable
    assert session.traffic.bytes == len(b'{"count":')


@pytest.mark.parametrize("cut", [b"", b"5\r\n{}", b"zz\r\n"])
def test_a_chunked_body_that_breaks_off(settings_for: SettingsFor, cut: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    with serve(head + b"0\r\n\r\n", head + cut) as server:
        session = PoliteSession(settings_for(server.url))
        assert session.get("jsoc_info", {}).content == b"{}"
        with pytest.raises(UpstreamAnswerError, match="broke off"):
            session.get("jsoc_info", {})


def test_a_compressed_body(settings_for: SettingsFor) -> None:
    packed = gzip.compress(b"{}" * 1000)
    gzipped = "Content-Encoding: gzip\r\n"
    with serve(reply(packed, headers=gzipped), reply(b"not gzip", headers=gzipped)) as server:
        session = PoliteSession(settings_for(server.url))
        assert session.get("jsoc_info", {}).content == b"{}" * 1000
        with pytest.raises(UpstreamAnswerError, match="broke off"):
            session.get("jsoc_info", {})


@pytest.mark.parametrize(
    "large",
    [
        pytest.param(reply(b"", length=1024**2 + 1), id="announced"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (1024**2 + 1), id="not announced"),
        pytest.param(
            reply(gzip.compress(b"x" * (50 * 1024**2)), headers="Content-Encoding: gzip\r\n"),
            id="when unpacked",
        ),
    ],
)
def test_a_body_above_the_limit(settings_for: SettingsFor, large: bytes) -> None:
    with serve(large) as server:
        session = PoliteSession(settings_for(server.url, max_body_mib=1))
        with pytest.raises(UpstreamAnswerError, match=r"larger than 1 MiB.*max_body_mib") as caught:
            session.get("jsoc_info", {})
    assert not caught.value.retryable
    assert session.traffic.bytes < 2 * 1024**2


def test_a_body_of_just_the_limit(settings_for: SettingsFor) -> None:
    with serve(reply(b"x" * 1024**2)) as server:
        session = PoliteSession(settings_for(server.url, max_body_mib=1))
        assert len(session.get("jsoc_info", {}).content) == 1024**2


def test_a_body_that_comes_byte_by_byte_ends(settings_for: SettingsFor) -> None:
    """Every byte is in time, the whole is not: the clock stands for a very patient server."""
    ticks = iter(range(0, 10**6, 90))
    with serve(reply(b"{", length=1000), hold=True) as server:
        session = PoliteSession(
            settings_for(server.url, read_timeout=5.0), clock=lambda: float(next(ticks))
        )
        with pytest.raises(UpstreamAnswerError, match="not complete after 50 s"):
            session.get("jsoc_info", {})


def test_a_server_that_says_nothing(settings_for: SettingsFor) -> None:
    with serve(b"", hold=True) as server:
        session = PoliteSession(settings_for(server.url, read_timeout=0.1))
        with pytest.raises(UpstreamUnavailableError, match=r"nothing for 0.1 s.*read_timeout"):
            session.get("jsoc_info", {})


def test_a_server_that_hangs_up(settings_for: SettingsFor) -> None:
    with serve(b"") as server:
        session = PoliteSession(settings_for(server.url))
        with pytest.raises(UpstreamUnavailableError, match="No answer from"):
            session.get("jsoc_info", {})


def test_nobody_there(settings_for: SettingsFor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    session = PoliteSession(settings_for(f"http://127.0.0.1:{port}"))
    with pytest.raises(
        UpstreamUnavailableError, match=r"No answer from .*Connection refused"
    ) as caught:
        session.get("jsoc_info", {"ds": "a.b[secret]"})
    assert "secret" not in str(caught.value), "the query may be long; the caller knows it"
    assert session.traffic.requests == 1


@pytest.mark.parametrize("url", ["http://[1::", "http://a b/", "http://:80:90/"])
def test_no_address(settings_for: SettingsFor, url: str) -> None:
    try:
        settings = settings_for(url)
    except ValueError:
        return  # the settings refuse it already
    with pytest.raises(SettingsError, match=r"\[upstream\] url"):
        PoliteSession(settings).get("jsoc_info", {})


def test_a_closed_session_opens_again(settings_for: SettingsFor) -> None:
    with serve(reply(b"1"), reply(b"2")) as server:
        session = PoliteSession(settings_for(server.url))
        session.get("jsoc_info", {})
        session.close()
        session.close()
        assert session.get("jsoc_info", {}).content == b"2"


# ------------------------------------------------------------------------------ files
class Kept:
    """What came of a file, and how long it was said to be."""

    size_bytes, validator = 0, ""

    def __init__(self) -> None:
        self.content, self.totals = b"", list[int | None]()

    def restart(self) -> None:
        self.content = b""

    def begin(self, start: int, total: int | None, validator: str) -> None:
        assert (start, validator) == (0, "")
        self.totals.append(total)

    def append(self, content: bytes) -> None:
        self.content += content


@pytest.mark.parametrize("digits", [16, 40, 5000])
@pytest.mark.parametrize("status", ["200 OK", "206 Partial Content"])
def test_a_length_that_no_file_has_is_none(
    digits: int, status: str, settings_for: SettingsFor
) -> None:
    many = "9" * digits
    head = f"Content-Range: bytes 0-3/{many}\r\n" if status.startswith("206") else ""
    answer = reply(b"abcd", status, headers=head)
    if not head:
        answer = answer.replace(b"Content-Length: 4", f"Content-Length: {many}".encode())
    kept = Kept()
    with (
        serve(answer) as server,
        PoliteSession(settings_for(server.url)) as session,
        contextlib.suppress(UpstreamAnswerError),  # it breaks off, or does not begin
    ):
        session.download("/SUM1/D1/S00000/a.fits", kept)
    assert set(kept.totals) <= {None}
    assert kept.content in (b"", b"abcd")
