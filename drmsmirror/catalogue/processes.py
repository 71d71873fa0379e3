"""Tell whether a process that once worked here is still alive."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Host", "Process", "has_ended", "this_host", "this_process"]

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process somewhere.

    Parameters
    ----------
    host : str
        Name of its host, for people.
    pid : int
    identity : str
        Where process numbers mean the same (boot and process name space: containers often share
        the name of their host), and when the process began.
    """

    host: str
    pid: int
    identity: str


@dataclass(frozen=True, slots=True)
class Host:
    """A host, or a container.

    Parameters
    ----------
    name : str
    boot : str
        Of its system: the same for all containers of a host.
    """

    name: str
    boot: str


def this_host() -> Host:
    """Name the host of the process that asks."""
    return Host(socket.gethostname(), _space().partition("/")[0])


def this_process() -> Process:
    """Name the process that asks."""
    pid = os.getpid()
    return Process(socket.gethostname(), pid, f"{_space()}#{_began(pid) or ''}")


def has_ended(process: Process) -> bool:
    """Whether a process is known to have ended; False where that cannot be known from here."""
    space, _, began = process.identity.partition("#")
    if space != _space():
        return False
    now = _began(process.pid)
    if now is None:  # no such entry, or none that this user may see
        return not _answers(process.pid)
    return now != began


def _space() -> str:
    """Name the set of processes among which a process number means one process."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _began(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; ``ended`` for one that is not yet reaped."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = fields.rpartition(")")[2].split()
    return "ended" if state in "ZX" else rest[18]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
