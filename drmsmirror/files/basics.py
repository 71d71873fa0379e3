"""What all that writes files does with the operating system, told as our errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from drmsmirror.errors import NoSpaceError, StoreError
from drmsmirror.failpoints import effect

__all__ = [
    "explained",
    "flush_file",
    "flush_handle",
    "flush_names",
    "has_name",
    "read_through",
    "rename_flushed",
    "write_at",
]

#: Bytes that are read or written at once.
_PIECE = 2**20


def explained(error: OSError, path: Path, deed: str = "write") -> StoreError:
    """Say in words what the operating system would not do, and to what."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"No space left to {deed} {path}; free some and run the same again")
    return StoreError(f"Cannot {deed} {path}: {error.strerror or error}")


def flush_file(path: Path) -> None:
    """Have the bytes of a file on the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush_names(path: Path) -> None:
    """Have the names in a directory on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush a directory
            raise
    finally:
        os.close(handle)


def flush_handle(handle: int, path: Path) -> None:
    """Have on the disk what was written to a file that is open."""
    try:
        with effect("file.fsync"):
            os.fsync(handle)
    except OSError as error:
        raise explained(error, path) from error


def rename_flushed(path: Path, target: Path) -> None:
    """Give a flushed file its final name, in place of what stands there, for good."""
    with effect("file.rename"):
        path.replace(target)
    with effect("directory.fsync"):
        flush_names(target.parent)


def has_name(handle: int, path: Path) -> bool:
    """Whether a file that is open is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def write_at(handle: int, content: bytes | memoryview, offset: int) -> None:
    """Write all of some bytes at a place of a file."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(handle, rest, offset)
        rest, offset = rest[written:], offset + written


def read_through(handle: int, size: int | None = None) -> Iterator[bytes]:
    """Pieces of a file from its beginning, to a size or its end."""
    offset = 0
    while size is None or offset < size:
        piece = os.pread(handle, _PIECE if size is None else min(_PIECE, size - offset), offset)
        if not piece:
            return
        yield piece
        offset += len(piece)
