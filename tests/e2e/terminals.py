"""A command on a terminal of its own: what it asks can be answered."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.e2e.conftest import Command

__all__ = ["Terminal"]

_SECONDS = 120.0


@dataclass
class Terminal:
    """``drmsmirror`` with a pseudo-terminal as stdin and stderr."""

    process: subprocess.Popen[bytes]
    master: int
    shown: str = field(default="")

    @classmethod
    @contextmanager
    def running(
        cls, command: Command, *arguments: str, more: Mapping[str, str] | None = None
    ) -> Iterator[Terminal]:
        """Start a command; at the end of the block it is gone."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "drmsmirror", *arguments],
            stdin=slave,
            stdout=subprocess.PIPE,
            stderr=slave,
            env=command.environment | {"TERM": "xterm", "COLUMNS": "200"} | dict(more or {}),
            cwd=command.mirror.parent,
        )
        os.close(slave)
        try:
            with process:
                yield cls(process, master)
                process.kill()
        finally:
            os.close(master)

    def read_until(self, text: str) -> None:
        """Read what is shown until a text appears."""
        while text not in self.shown:
            assert self._read(), f"{text!r} was not shown, but {self.shown!r}"

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self.master, f"{text}\n".encode())

    def finish(self) -> int:
        """Read to the end, and give the exit code."""
        while self._read():
            pass
        return self.process.wait(_SECONDS)

    def _read(self) -> bool:
        """Read some more; false at the end."""
        end = time.monotonic() + _SECONDS
        ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"nothing is shown any more after {self.shown!r}"
        try:
            new = os.read(self.master, 65536)
        except OSError:  # the other end was closed
            new = b""
        self.shown += new.decode(errors="replace")
        return bool(new)
