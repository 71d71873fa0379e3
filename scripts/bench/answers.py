"""Answers of an upstream, made once and given again: from memory, or over loopback HTTP."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from urllib.parse import parse_qsl, urlsplit

from drmsmirror.upstream import NEVER, Body, Deadline, Traffic
from tests.jsoc import Request, SampleJsoc

__all__ = ["Bodies", "MemorySession", "serving"]

#: Bodies by program and parameters.
Bodies = dict[tuple[str, tuple[tuple[str, str], ...]], bytes]


class MemorySession:
    """Gives bodies without a network and without delay.

    Parameters
    ----------
    bodies : dict
        Bodies made before; those that are asked for first are added.
    source : SampleJsoc, optional
        What makes a body that is not there.

    Attributes
    ----------
    seconds : float
        Time that making bodies took, which no upstream without delay would take.
    """

    def __init__(self, bodies: Bodies, source: SampleJsoc | None = None) -> None:
        self._bodies = bodies
        self._source = source
        self.traffic = Traffic()
        self.seconds = 0.0

    def get(self, cgi: str, params: Mapping[str, str], _deadline: Deadline = NEVER) -> Body:
        """Give the answer of one of the server's programs."""
        begun = time.perf_counter()
        key = (cgi, tuple(sorted(params.items())))
        if key not in self._bodies and self._source is not None:
            asked = Request(cgi, params.get("op", ""), params.get("ds", ""), dict(params))
            self._bodies[key] = self._source.respond(asked).body
        content = self._bodies[key]
        self.seconds += time.perf_counter() - begun
        self.traffic += Traffic(1, len(content), 0.0)
        return Body(content, 0.0, cgi)


@contextmanager
def serving(bodies: Bodies) -> Iterator[str]:
    """Serve bodies from a process of their own; gives its address."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    server = spawn.Process(target=_serve, args=(bodies, there), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        server.terminate()
        server.join()


def _serve(bodies: Bodies, ready: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._answer(self.rfile.read(length).decode())

        def _answer(self, query: str) -> None:
            params = tuple(sorted(parse_qsl(query, keep_blank_values=True)))
            body = bodies.get((urlsplit(self.path).path.rpartition("/")[2], params))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    ready.send(server.server_port)
    server.serve_forever()
