"""Files that are there completely and durably, or not at all."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drmsmirror.errors import StoreError
from drmsmirror.failpoints import effect
from drmsmirror.files.basics import explained, flush_file, flush_names, rename_flushed
from drmsmirror.files.links import link_file, move_file
from drmsmirror.files.removing import remove_abandoned

__all__ = [
    "name_durably",
    "rename_durably",
    "replacing",
    "sync_directory",
    "sync_files",
    "temporary_in",
    "temporary_link",
    "write_bytes",
]


@contextmanager
def replacing(target: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """Give a temporary path beside ``target`` that becomes ``target`` when the block ends well.

    Parameters
    ----------
    target : Path
        Final name; whatever stands there stays until the new bytes are durable.
    mode : int
        Permissions of the file.

    Raises
    ------
    NoSpaceError
        The disk is full; ``target`` is as it was.
    StoreError
        The file cannot be written for another reason, or ``target`` is no file but a device, say.
    """
    try:
        if target.exists() and not target.is_file():
            raise StoreError(f"Cannot write {target}: it is no regular file")
        _remove_abandoned(target)
        with _temporary_beside(target) as temporary:
            with effect("file.write"):
                yield temporary
                temporary.chmod(mode)
            with effect("file.fsync"):
                flush_file(temporary)
            rename_flushed(temporary, target)
    except OSError as error:
        raise explained(error, target) from error


def write_bytes(target: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a whole small file so that it is there completely or not at all."""
    with replacing(target, mode=mode) as temporary:
        temporary.write_bytes(content)


@contextmanager
def temporary_in(directory: Path, name: str) -> Iterator[Path]:
    """Give the path of a new file that is locked for as long as the block runs, and goes with it.

    Unless it was renamed. :func:`abandoned_files` finds those of processes that were killed.
    """
    try:
        with _temporary_beside(directory / name) as temporary:
            yield temporary
    except FileExistsError:  # what the block wanted to name has its name already
        raise
    except OSError as error:
        raise explained(error, directory / name) from error


@contextmanager
def temporary_link(source: Path, directory: Path, name: str) -> Iterator[Path | None]:
    """The same with a hard link to a file that is there; None where there can be none."""
    try:
        with source.open("rb") as file:
            with suppress(OSError):  # who holds it himself keeps others away too
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary = directory / f".{name}.{secrets.token_hex(4)}.tmp"
            is_linked = link_file(source, temporary)
            try:
                yield temporary if is_linked else None
            finally:
                if is_linked:
                    temporary.unlink(missing_ok=True)
    except OSError as error:
        raise explained(error, source, "link") from error


def rename_durably(path: Path, target: Path, *, mode: int | None = None) -> None:
    """Flush a file and give it its final name, in place of what may stand there.

    Parameters
    ----------
    path, target : Path
        On the same file system.
    mode : int, optional
        Permissions that it has from then on.
    """
    try:
        with effect("file.fsync"):
            if mode is not None:
                path.chmod(mode)
            flush_file(path)
        rename_flushed(path, target)
    except OSError as error:
        raise explained(error, target) from error


def name_durably(path: Path, target: Path, *, mode: int) -> None:
    """Flush a file and give it a name that nothing has; its old one may stay.

    Raises
    ------
    FileExistsError
        There is something of that name, which stays as it is.
    StoreError
        The directory cannot be written.
    """
    try:
        with effect("file.fsync"):
            path.chmod(mode)
            flush_file(path)
    except OSError as error:
        raise explained(error, path) from error
    if not link_file(path, target):  # without links nobody can tell whether one was quicker
        if os.path.lexists(target):
            raise FileExistsError(target)
        move_file(path, target)
    sync_directory(target.parent)


def sync_directory(path: Path) -> None:
    """Flush the names in a directory to the disk."""
    try:
        with effect("directory.fsync"):
            flush_names(path)
    except OSError as error:
        raise explained(error, path) from error


def sync_files(paths: Iterable[Path]) -> None:
    """Flush files that another library wrote, and the directories they stand in, to the disk."""
    written = [path for path in paths if path.exists()]
    with effect("data.fsync"):
        for path in written:
            flush_file(path)
        for directory in {path.parent for path in written}:
            flush_names(directory)


@contextmanager
def _temporary_beside(target: Path) -> Iterator[Path]:
    """A new file that is locked for as long as its process lives, and removed unless renamed."""
    while True:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            break
        os.close(handle)  # another process saw it before it was locked, and took it for abandoned
    temporary = Path(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


def _remove_abandoned(target: Path) -> None:
    """Remove the temporary files of processes that were killed: those that nobody locks."""
    for leftover in target.parent.glob(f".{target.name}.*.tmp"):
        remove_abandoned(leftover)
