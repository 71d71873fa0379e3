"""Files that a lock keeps others from: small ones, and those that are appended to."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from drmsmirror.errors import StoreError
from drmsmirror.failpoints import effect
from drmsmirror.files.basics import (
    explained,
    flush_handle,
    has_name,
    read_through,
    rename_flushed,
    write_at,
)
from drmsmirror.files.removing import remove_file

__all__ = ["GrowingFile", "LockedFile", "growing_file", "locked_file"]

#: Of a file that grows the disk gets so many bytes at once, while more comes: in the end there is
#: little left to flush.
_BEGUN_AT_ONCE = 4 * 2**20


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A small file that others leave alone for now.

    Parameters
    ----------
    text : str
        What stands in it.
    write : callable
        Writes another text in its place, which nobody may rely on after a crash.
    flush : callable
        After which one may.
    """

    text: str
    write: Callable[[str], object]
    flush: Callable[[], object]


@contextmanager
def locked_file(path: Path, *, mode: int | None = None) -> Iterator[LockedFile | None]:
    """Lock a small file while a block runs, made where it is absent; None where others hold it.

    Parameters
    ----------
    path : Path
    mode : int, optional
        Permissions that it gets where it is ours; else the umask says.

    Raises
    ------
    StoreError
        It cannot be written or locked.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise explained(error, path) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if mode is not None and os.geteuid() in (0, os.fstat(handle).st_uid):
                os.fchmod(handle, mode)
            text = os.pread(handle, 4096, 0).decode("ascii", "replace")
        except BlockingIOError:
            yield None
            return
        except OSError as error:
            raise explained(error, path) from error
        yield LockedFile(
            text,
            lambda content: _overwrite(handle, path, content),
            lambda: flush_handle(handle, path),
        )
    finally:
        os.close(handle)


class GrowingFile:
    """A file that is appended to while a lock keeps others away, and that outlives its process.

    Parameters
    ----------
    path : Path
    handle : int
        Open for reading and writing, and locked.
    mode : int
        Its permissions while it grows.
    """

    def __init__(self, path: Path, handle: int, mode: int) -> None:
        self.path = path
        self._handle = handle
        self._mode = mode
        self._is_sealed = False
        #: Bytes that are in it.
        self.size = os.fstat(handle).st_size
        self._begun = self.size
        self._is_final = False

    def append(self, content: bytes | memoryview) -> None:
        """Write at the end; where that fails, the file is as it was before.

        Raises
        ------
        NoSpaceError
            The disk is full.
        StoreError
            The file cannot be written for another reason.
        """
        self._unseal()
        try:
            with effect("file.appending"):
                write_at(self._handle, content, self.size)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._handle, self.size)
            raise explained(error, self.path) from error
        self.size += len(content)
        if self.size - self._begun >= _BEGUN_AT_ONCE:
            _begin_writing(self._handle, self._begun, self.size - self._begun)
            self._begun = self.size

    def content(self) -> Iterator[bytes]:
        """Read what is in it, from the beginning, in pieces."""
        try:
            yield from read_through(self._handle, self.size)
        except OSError as error:
            raise explained(error, self.path, "read") from error

    def cut(self, size: int = 0) -> None:
        """Keep the first bytes only."""
        self._unseal()
        try:
            with effect("file.truncation"):
                os.ftruncate(self._handle, size)
        except OSError as error:
            raise explained(error, self.path) from error
        self.size = size
        self._begun = min(self._begun, size)

    def flush(self) -> None:
        """Have on the disk what was written so far."""
        flush_handle(self._handle, self.path)

    def seal(self, mode: int) -> None:
        """Give it the permissions that it shall have in the end, and flush it."""
        try:
            with effect("file.fsync"):
                os.fchmod(self._handle, mode)
                os.fsync(self._handle)
        except OSError as error:
            raise explained(error, self.path) from error
        self._is_sealed = True

    def become(self, target: Path, *, mode: int) -> None:
        """Give it its final name, sealed, in place of what may stand there."""
        if not self._is_sealed:
            self.seal(mode)
        try:
            written = os.fstat(self._handle).st_size
            if written != self.size:
                raise StoreError(
                    f"Cannot finish {self.path}: it has {written:,} bytes, but "
                    f"{self.size:,} were written; begin it again"
                )
            self._is_final = True  # from here on it may have its final name
            rename_flushed(self.path, target)
        except OSError as error:
            raise explained(error, target) from error

    def _unseal(self) -> None:
        if self._is_final:
            raise StoreError(f"Cannot write {self.path}: it may have its final name; open it again")
        if self._is_sealed:
            os.fchmod(self._handle, self._mode)
            self._is_sealed = False


@contextmanager
def growing_file(path: Path, *, mode: int) -> Iterator[GrowingFile | None]:
    """Open a file to append to, locked while a block runs and made where it is absent.

    One that is empty when the block ends goes.

    Parameters
    ----------
    path : Path
        No symbolic link.
    mode : int
        Permissions of the file.

    Yields
    ------
    GrowingFile or None
        None where another process holds the lock.

    Raises
    ------
    StoreError
        It cannot be written or locked.
    """
    try:
        handle = _open_alone(path, mode)
    except OSError as error:
        raise explained(error, path) from error
    if handle is None:
        yield None
        return
    file = GrowingFile(path, handle, mode)
    try:
        yield file
    finally:
        try:
            if not file.size and has_name(handle, path):
                remove_file(path)
        finally:
            os.close(handle)


def _open_alone(path: Path, mode: int) -> int | None:
    """Open and lock the file that has this name; None where another process holds it.

    Of another user's that nobody works on one of ours takes the place: only its owner can protect
    it in the end.
    """
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
            is_writable = True
        except PermissionError:
            if not path.exists():
                raise
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            is_writable = False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if has_name(handle, path):  # else the one who held it gave it another name meanwhile
                if os.geteuid() in (0, os.fstat(handle).st_uid):
                    os.fchmod(handle, mode)
                    if is_writable:
                        return handle
                else:
                    with effect("file.removal"):
                        path.unlink()
            os.close(handle)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:
            os.close(handle)
            raise


def _overwrite(handle: int, path: Path, content: str) -> None:
    try:
        with effect("file.overwriting"):
            os.pwrite(handle, content.encode("ascii"), 0)
            os.ftruncate(handle, len(content))
    except OSError as error:
        raise explained(error, path) from error


def _begin_writing(handle: int, offset: int, size: int) -> None:
    """Have the disk begin with what was written just now, where the system lets one say so.

    Pages that are not on the disk yet stay in memory, to be read soon.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(handle, offset, size, os.POSIX_FADV_DONTNEED)
