"""A server that sends exactly the bytes it was given: what the sample JSOC never does wrong."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["Scripted", "reply", "serve"]


@dataclass
class Scripted:
    """What was scripted, and what came.

    Attributes
    ----------
    url : str
        Address of the server.
    requests : list of bytes
        Heads and bodies of the requests, in order.
    ended : threading.Event
        Set when the test is over: a script can wait for it with the line open.
    """

    url: str
    requests: list[bytes] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


def reply(
    body: bytes = b"", status: str = "200 OK", length: int | None = None, headers: str = ""
) -> bytes:
    """A whole reply; ``length`` is announced instead of the body's own."""
    announced = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {announced}\r\n{headers}\r\n"
    return head.encode() + body


@contextmanager
def serve(*replies: bytes, hold: bool = False) -> Iterator[Scripted]:
    """Serve one connection per reply: read one request, send the bytes, close.

    With ``hold`` the connection stays open, silent, until the test is over.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        script = Scripted(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_run, args=(listener, replies, script, hold), daemon=True)
        thread.start()
        try:
            yield script
        finally:
            script.ended.set()
            # wakes the thread where it still waits for a connection
            socket.create_connection(listener.getsockname(), timeout=5).close()
            thread.join(timeout=5)


def _run(listener: socket.socket, replies: tuple[bytes, ...], script: Scripted, hold: bool) -> None:
    for content in replies:
        connection, _ = listener.accept()
        with connection:
            if script.ended.is_set():
                return
            script.requests.append(_request(connection))
            connection.sendall(content)
            if hold:
                script.ended.wait(timeout=20)


def _request(connection: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
