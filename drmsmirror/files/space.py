"""Whether there is room, and whether one may write."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from drmsmirror.errors import NoSpaceError, StoreError

__all__ = ["LEAST_FREE", "free_bytes", "refuse_full", "refuse_read_only"]

#: Bytes that must be free where more is to be brought in: with less, what has to be noted of a
#: failure finds no room either.
LEAST_FREE = 16 * 2**20


def free_bytes(path: Path) -> int:
    """Bytes that this user can still write on the file system of ``path`` or its nearest parent."""
    place = path
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def refuse_read_only(path: Path) -> None:
    """Refuse to write a directory that can only be read.

    Raises
    ------
    StoreError
        It is another's, on a file system that is read-only, or not there any more.
    """
    if not path.exists():
        raise StoreError(f"{path} is not there any more; bring it back and run the same again")
    if not os.access(path, os.W_OK):
        raise StoreError(
            f"Cannot write {path}, which you may only read. Have somebody who may write there run "
            f"this, or name a mirror of your own with --mirror DIR"
        )


def refuse_full(path: Path) -> None:
    """Refuse to bring more to a file system on which next to nothing is free.

    Raises
    ------
    NoSpaceError
        It is full, or nearly so.
    """
    free = free_bytes(path)
    if free < LEAST_FREE:
        raise NoSpaceError(
            f"No space left at {path}: {free // 2**10} KiB are free, and at least "
            f"{LEAST_FREE // 2**20} MiB are needed; free some and run the same again: nothing that "
            f"was held is lost"
        )
