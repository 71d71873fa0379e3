"""The HTTP side: JSOC's CGIs on loopback, with a log of requests and faults on command."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from .cgi import Reply, Request
from .faults import Fault, FaultKind, spoil

if TYPE_CHECKING:
    from .sample import SampleJsoc

__all__ = ["SampleServer"]

PREFIX: Final = "/cgi-bin/ajax/"
FILES: Final = "/SUM"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SampleServer
    disable_nagle_algorithm = True
    wbufsize = -1
    started = 0.0
    current: Request | None = None

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base names it
        """Keep quiet; `SampleJsoc.requests` is the log."""

    def parse_request(self) -> bool:
        self.started = time.monotonic()
        return super().parse_request()

    def do_GET(self) -> None:
        self._serve(urlsplit(self.path).query)

    def do_HEAD(self) -> None:
        self._serve(urlsplit(self.path).query)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode("utf-8", errors="replace")
        query = urlsplit(self.path).query
        self._serve(f"{query}&{body}" if query else body)

    def _serve(self, query: str) -> None:
        jsoc = self.server.jsoc
        path = urlsplit(self.path).path
        cgi = path.removeprefix(PREFIX) if path.startswith(PREFIX) else path
        params = dict(parse_qsl(query, keep_blank_values=True, errors="replace"))
        op, ds = params.get("op", ""), params.get("ds", "")
        if path.startswith(FILES):
            cgi, op, ds = "file", "", unquote(path)
        asked = Request(
            cgi,
            op,
            ds,
            params,
            self.command or "",
            started=self.started,
            range=self.headers.get("Range") or "",
            if_range=self.headers.get("If-Range") or "",
        )
        jsoc.begin()
        self.current = asked
        try:
            fault = jsoc.take_fault(asked)
            reply = jsoc.respond(asked, fault.kind if fault else None)
            self.current = replace(
                asked,
                rows=reply.rows,
                refusal=reply.refusal,
                fault=fault.kind if fault else None,
            )
            self._send(asked, reply, fault)
        finally:
            self._end(500, 0)

    def _end(self, status: int, sent: int) -> None:
        """Write the request into the log, once, before its last byte goes out.

        So a client that has the whole answer always finds its request in the log, and never counts
        as two when it asks again.
        """
        if self.current is not None:
            ended = time.monotonic()
            self.server.jsoc.end(replace(self.current, status=status, ended=ended, bytes=sent))
            self.current = None

    def _send(self, asked: Request, reply: Reply, fault: Fault | None) -> None:
        """Send the reply, spoiled by the fault if there is one."""
        jsoc = self.server.jsoc
        jsoc.wait(jsoc.latency + jsoc.latency_per_record * reply.rows)
        if fault is None:
            return self._write(reply.body, reply)
        body = spoil(fault, reply.body, asked.ds)
        if fault.kind is FaultKind.SLOW:
            jsoc.wait(fault.seconds + fault.per_record * reply.rows)
        if fault.kind is FaultKind.HTTP_STATUS:
            later = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            page = Reply(b"", status=fault.status, content_type="text/html", headers=later)
            return self._write(body, page)
        if fault.kind is FaultKind.HTML:
            return self._write(body, Reply(b"", content_type="text/html"))
        if fault.kind in (FaultKind.STALL, FaultKind.CLOSE_EARLY):
            self.close_connection = True
            part = b"" if fault.kind is FaultKind.STALL else body[: len(body) // 2]
            self._head(len(body), reply)
            self._flush()
            if fault.kind is FaultKind.STALL:
                jsoc.wait(None)
            self._end(reply.status, len(part))
            return self._flush(part)
        if fault.kind in (FaultKind.EMPTY_BODY, FaultKind.GARBAGE):
            return self._write(body, Reply(b"", content_type=reply.content_type))
        return self._write(body, reply)

    def _write(self, body: bytes, like: Reply) -> None:
        """Send a body with the status and the headers of a reply."""
        self._head(len(body), like)
        part = b"" if self.command == "HEAD" else body
        self._end(like.status, len(part))
        self._flush(part)

    def _head(self, length: int, like: Reply) -> None:
        self.send_response(like.status)
        self.send_header("Content-Type", like.content_type)
        self.send_header("Content-Length", str(length))
        for name, value in like.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _flush(self, body: bytes = b"") -> None:
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:  # the client went away, or the server stops
            self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            self.rfile.close()


class SampleServer(ThreadingHTTPServer):
    """A threading server that can drop its connections when it stops."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: int, jsoc: SampleJsoc) -> None:
        self.jsoc = jsoc
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection while it is open."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Record what broke in a handler: `SampleJsoc.failures` shows it to the test."""
        self.jsoc.record_failure()

    def drop_connections(self) -> None:
        """Break every open connection."""
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
