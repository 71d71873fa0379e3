"""Directories are made, for a group or not, and removed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drmsmirror.failpoints import effect
from drmsmirror.files.basics import explained, flush_names

__all__ = ["make_directory", "make_shared_directory", "remove_directory", "remove_empty_directory"]


def make_directory(path: Path) -> None:
    """Make a directory and its parents where they are absent."""
    try:
        with effect("directory.making"):
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explained(error, path) from error


def make_shared_directory(path: Path, *, mode: int = 0o2775) -> None:
    """Make a directory for a group, whatever the umask; one that is there is used as it is.

    It has its permissions from the moment on that it has its name, and stays after a power loss.
    """
    try:
        if not path.is_dir():
            with _alone_in(path.parent), effect("directory.making"):
                _make_shared(path, mode)
        with effect("directory.fsync"):
            flush_names(path.parent)
    except OSError as error:
        raise explained(error, path) from error


def _make_shared(path: Path, mode: int) -> None:
    if path.is_dir():  # another process was quicker: a rename would put another in its place
        return
    made = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"))
    try:
        made.chmod(mode)
        made.rename(path)
    except OSError:
        made.rmdir()
        if not path.is_dir():
            raise


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Have others who do so wait, as far as the file system has locks."""
    handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def remove_empty_directory(path: Path) -> None:
    """Remove a directory in which there is nothing any more."""
    try:
        with effect("directory.removal"):
            path.rmdir()
    except OSError as error:
        raise explained(error, path, "remove") from error


def remove_directory(path: Path) -> None:
    """Remove a directory with all that is in it, where it is there."""
    try:
        with effect("directory.removal"):
            shutil.rmtree(path)
    except FileNotFoundError:
        if path.exists():  # somebody else removed a part of it
            raise
    except OSError as error:
        raise explained(error, path, "remove") from error
