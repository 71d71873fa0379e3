"""A file gets further names, or shares its bytes with another one."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drmsmirror.failpoints import effect
from drmsmirror.files.basics import explained, flush_names, read_through, write_at

__all__ = ["clone_bytes", "copy_bytes", "link_file", "move_file", "name_again"]

#: ``FICLONE`` of Linux (``linux/fs.h``), which Python does not name.
_FICLONE = 0x40049409

#: What a file system says that cannot link, not so often, or not from another one.
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)


def clone_bytes(source: Path, target: Path) -> bool:
    """Have a file that is there, and empty, share the blocks of another one (``FICLONE``).

    Returns
    -------
    bool
        False where the file system cannot do so.

    Raises
    ------
    NoSpaceError, StoreError
        One cannot be read, or the other not written.
    """
    with _copying(source, target) as (reading, writing):
        return _clone(reading, writing)


def copy_bytes(source: Path, target: Path) -> None:
    """Fill a file that is there, and empty, with what is in another one.

    Raises
    ------
    NoSpaceError, StoreError
        One cannot be read, or the other not written.
    """
    with _copying(source, target) as (reading, writing):
        written = 0
        for piece in read_through(reading):
            write_at(writing, piece, written)
            written += len(piece)


def link_file(path: Path, target: Path, *, symbolic: bool = False) -> bool:
    """Give a file a further name, by a hard or a symbolic link; False where that cannot be.

    Raises
    ------
    FileExistsError
        There is something of that name, which stays as it is.
    StoreError
        The directory cannot be written.
    """
    try:
        with effect("file.linking"):
            if symbolic:
                target.symlink_to(path)
            else:
                target.hardlink_to(path)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise explained(error, target) from error
    return True


def name_again(path: Path, target: Path) -> None:
    """Give a file a second name, so that at no moment it has none; or another, without links."""
    try:
        with effect("file.linking"):
            target.hardlink_to(path)
        with effect("directory.fsync"):
            flush_names(target.parent)
    except OSError:
        move_file(path, target)


def move_file(path: Path, target: Path) -> None:
    """Give a file another name in the same directory, where there is none of that name."""
    try:
        with effect("file.rename"):
            path.rename(target)
        with effect("directory.fsync"):
            flush_names(target.parent)
    except OSError as error:
        raise explained(error, target) from error


@contextmanager
def _copying(source: Path, target: Path) -> Iterator[tuple[int, int]]:
    """Have one file open for reading, another one for writing."""
    try:
        with source.open("rb") as reading, effect("file.write"):
            writing = os.open(target, os.O_WRONLY | os.O_CLOEXEC)
            try:
                yield reading.fileno(), writing
            finally:
                os.close(writing)
    except OSError as error:
        raise explained(error, target, f"copy {source} to") from error


def _clone(reading: int, writing: int) -> bool:
    """Have a file share the blocks of another one; False where the file system cannot."""
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        return False
    return True
