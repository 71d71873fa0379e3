"""Places that end or are shut: a file system of a few MiB, and one that can only be read.

They are mounted in a namespace of their own, so that nobody needs to be root; commands are run in
there. Files there are seen from outside below ``/proc/PID/root``, though not by SQLite, DuckDB and
delta-rs, which resolve that name: what is to be looked at is copied first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.forking import Forks, forks

__all__ = ["Places", "places"]

_UNSHARE = ("unshare", "--map-root-user", "--mount")
_MOUNT = (
    'mount -t tmpfs -o "$1" none "$2"; mount --bind "$3" "$4";'
    ' mount -o remount,bind,ro "$4"; shift 4; exec "$@"'
)
#: Of it a small mirror takes a part.
_SIZE = "size=32m,nr_inodes=2k"
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class Places:
    """Where commands meet what is wrong.

    Parameters
    ----------
    forks : Forks
        Runs commands that see it.
    narrow : Path
        A file system that can be full, as commands see it.
    shut : Path
        What commands cannot write.
    is_open : Path
        The same, as everybody else sees it.
    """

    forks: Forks
    narrow: Path
    shut: Path
    is_open: Path

    @property
    def from_outside(self) -> Path:
        """The file system that can be full, as the test sees it."""
        return Path(f"/proc/{self.forks.pid}/root{self.narrow}")

    @property
    def _filling(self) -> Path:
        return self.from_outside / "filling"

    def fill(self, *, but: int = 0) -> None:
        """Leave no bytes there, or so many."""
        self._filling.mkdir()
        with suppress(OSError), (self._filling / "bytes").open("ab", buffering=0) as filler:
            while (left := shutil.disk_usage(self.from_outside).free - but) > 0:
                filler.write(bytes(min(_PIECE, left)))

    def fill_with_files(self) -> None:
        """Leave bytes there, but no room for a further file."""
        self._filling.mkdir()
        for number in range(os.statvfs(self.from_outside).f_ffree):
            (self._filling / str(number)).touch()

    def free(self) -> None:
        """Take away again what filled it."""
        shutil.rmtree(self._filling)

    def clear(self) -> None:
        """Leave nothing there."""
        for path in (*self.from_outside.iterdir(), *self.is_open.iterdir()):
            shutil.rmtree(path)

    def start(self, environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
        """Start ``drmsmirror`` in there as a process that the test goes on beside."""
        enter = ("nsenter", "--preserve-credentials", "--user", "--mount", f"-t{self.forks.pid}")
        return subprocess.Popen(
            [*enter, sys.executable, "-P", "-m", "drmsmirror", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(environment),
        )


@contextmanager
def places(folder: Path) -> Iterator[Places]:
    """Have such places as long as the block runs; a test that wants them is skipped without.

    Parameters
    ----------
    folder : Path
        Where they are.
    """
    narrow, shut, is_open = (folder / name for name in ("narrow", "shut", "open"))
    for place in (narrow, shut, is_open):
        place.mkdir()
    within = (*_UNSHARE, "sh", "-ec", _MOUNT, "sh", _SIZE, *map(str, (narrow, is_open, shut)))
    tried = subprocess.run([*within, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
    with forks(*within) as running:
        yield Places(running, narrow, shut, is_open)
