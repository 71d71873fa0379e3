"""The one place that writes files under the mirror's root.

A visible name means complete and durable bytes: written to a temporary file in the same directory,
flushed to the disk, renamed, and the directory flushed. Record tables are the exception: Delta
Lake writes those, with the same guarantee of its own.

Not promised: that a file system which lies about ``fsync`` keeps anything, and that two hosts on a
network file system see a rename at the same moment.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from drmsmirror.errors import NoSpaceError, StoreError
from drmsmirror.failpoints import effect

__all__ = [
    "LEAST_FREE",
    "GrowingFile",
    "abandoned_files",
    "clone_bytes",
    "copy_bytes",
    "free_bytes",
    "growing_file",
    "is_abandoned",
    "link_file",
    "locked_file",
    "make_directory",
    "make_shared_directory",
    "move_file",
    "name_again",
    "name_durably",
    "refuse_full",
    "refuse_read_only",
    "remove_abandoned",
    "remove_directory",
    "remove_empty_directory",
    "remove_file",
    "rename_durably",
    "replacing",
    "set_aside",
    "sync_directory",
    "sync_files",
    "temporary_in",
    "temporary_link",
    "write_bytes",
]


#: Bytes that must be free where more is to be brought in: with less, what has to be noted of a
#: failure finds no room either.
LEAST_FREE = 16 * 2**20

#: Names of temporary files: the one that they shall have, and what ``tempfile`` makes of chance.
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")

#: Bytes that are read or written at once.
_PIECE = 2**20

#: Of a file that grows the disk gets so many bytes at once, while more comes: in the end there is
#: little left to flush.
_BEGUN_AT_ONCE = 4 * 2**20

#: ``FICLONE`` of Linux (``linux/fs.h``), which Python does not name.
_FICLONE = 0x40049409

#: What a file system says that cannot link, not so often, or not from another one.
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)


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
                _sync(temporary)
            _rename_durably(temporary, target)
    except OSError as error:
        raise _explained(error, target) from error


def write_bytes(target: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a whole small file so that it is there completely or not at all."""
    with replacing(target, mode=mode) as temporary:
        temporary.write_bytes(content)


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
        raise _explained(error, path) from error
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
            raise _explained(error, path) from error
        yield LockedFile(
            text, lambda content: _overwrite(handle, path, content), lambda: _flush(handle, path)
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
                _write_at(self._handle, content, self.size)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._handle, self.size)
            raise _explained(error, self.path) from error
        self.size += len(content)
        if self.size - self._begun >= _BEGUN_AT_ONCE:
            _begin_writing(self._handle, self._begun, self.size - self._begun)
            self._begun = self.size

    def content(self) -> Iterator[bytes]:
        """Read what is in it, from the beginning, in pieces."""
        try:
            yield from _read_through(self._handle, self.size)
        except OSError as error:
            raise _explained(error, self.path, "read") from error

    def cut(self, size: int = 0) -> None:
        """Keep the first bytes only."""
        self._unseal()
        try:
            with effect("file.truncation"):
                os.ftruncate(self._handle, size)
        except OSError as error:
            raise _explained(error, self.path) from error
        self.size = size
        self._begun = min(self._begun, size)

    def flush(self) -> None:
        """Have on the disk what was written so far."""
        _flush(self._handle, self.path)

    def seal(self, mode: int) -> None:
        """Give it the permissions that it shall have in the end, and flush it."""
        try:
            with effect("file.fsync"):
                os.fchmod(self._handle, mode)
                os.fsync(self._handle)
        except OSError as error:
            raise _explained(error, self.path) from error
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
            _rename_durably(self.path, target)
        except OSError as error:
            raise _explained(error, target) from error

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
        raise _explained(error, path) from error
    if handle is None:
        yield None
        return
    file = GrowingFile(path, handle, mode)
    try:
        yield file
    finally:
        try:
            if not file.size and _has_name(handle, path):
                remove_file(path)
        finally:
            os.close(handle)


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
        raise _explained(error, directory / name) from error


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
        raise _explained(error, source, "link") from error


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
        for piece in _read_through(reading):
            _write_at(writing, piece, written)
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
        raise _explained(error, target) from error
    return True


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
            _sync(path)
    except OSError as error:
        raise _explained(error, path) from error
    if not link_file(path, target):  # without links nobody can tell whether one was quicker
        if os.path.lexists(target):
            raise FileExistsError(target)
        move_file(path, target)
    sync_directory(target.parent)


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
            _sync(path)
        _rename_durably(path, target)
    except OSError as error:
        raise _explained(error, target) from error


def sync_directory(path: Path) -> None:
    """Flush the names in a directory to the disk."""
    try:
        with effect("directory.fsync"):
            _sync_directory(path)
    except OSError as error:
        raise _explained(error, path) from error


def make_shared_directory(path: Path, *, mode: int = 0o2775) -> None:
    """Make a directory for a group, whatever the umask; one that is there is used as it is.

    It has its permissions from the moment on that it has its name, and stays after a power loss.
    """
    try:
        if not path.is_dir():
            with _alone_in(path.parent), effect("directory.making"):
                _make_shared(path, mode)
        with effect("directory.fsync"):
            _sync_directory(path.parent)
    except OSError as error:
        raise _explained(error, path) from error


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


def make_directory(path: Path) -> None:
    """Make a directory and its parents where they are absent."""
    try:
        with effect("directory.making"):
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _explained(error, path) from error


def remove_file(path: Path) -> None:
    """Remove a file where it is there; whoever has it open can read on."""
    try:
        with effect("file.removal"):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise _explained(error, path, "remove") from error


def move_file(path: Path, target: Path) -> None:
    """Give a file another name in the same directory, where there is none of that name."""
    try:
        with effect("file.rename"):
            path.rename(target)
        with effect("directory.fsync"):
            _sync_directory(target.parent)
    except OSError as error:
        raise _explained(error, target) from error


def name_again(path: Path, target: Path) -> None:
    """Give a file a second name, so that at no moment it has none; or another, without links."""
    try:
        with effect("file.linking"):
            target.hardlink_to(path)
        with effect("directory.fsync"):
            _sync_directory(target.parent)
    except OSError:
        move_file(path, target)


def remove_empty_directory(path: Path) -> None:
    """Remove a directory in which there is nothing any more."""
    try:
        with effect("directory.removal"):
            path.rmdir()
    except OSError as error:
        raise _explained(error, path, "remove") from error


def set_aside(path: Path) -> None:
    """Give a damaged file another name beside the old one; nothing where it is gone."""
    try:
        with effect("file.rename"):
            path.rename(path.with_name(path.name + ".damaged"))
        with effect("directory.fsync"):
            _sync_directory(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _explained(error, path) from error


def remove_directory(path: Path) -> None:
    """Remove a directory with all that is in it, where it is there."""
    try:
        with effect("directory.removal"):
            shutil.rmtree(path)
    except FileNotFoundError:
        if path.exists():  # somebody else removed a part of it
            raise
    except OSError as error:
        raise _explained(error, path, "remove") from error


def abandoned_files(directory: Path, before: float) -> list[Path]:
    """Temporary files that :func:`replacing` made, and directories, that nobody works on.

    Parameters
    ----------
    directory : Path
        Those below it are not looked at.
    before : float
        Only files that were last written earlier, seconds since 1970: on a file system that knows
        no locks a younger one may be in use.
    """
    found = (path for path in directory.glob(".*.tmp") if _TEMPORARY.fullmatch(path.name))
    return sorted(path for path in found if is_abandoned(path, before))


def is_abandoned(path: Path, before: float) -> bool:
    """Whether it is a file that nobody locks and that was last written earlier, as above.

    A directory is one that was being made: it is empty, and nobody locks it.
    """
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            return not any(path.iterdir()) and path.stat().st_mtime < before
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            status = os.fstat(file.fileno())
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_mtime < before


def remove_abandoned(path: Path) -> None:
    """Remove the temporary file of a process that was killed, unless somebody locks it."""
    if path.is_dir():
        with suppress(OSError), effect("directory.removal"):
            path.rmdir()
        return
    with suppress(OSError), path.open("rb") as file:  # another process may be quicker
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _has_name(file.fileno(), path):
            with effect("file.removal"):
                path.unlink()


def sync_files(paths: Iterable[Path]) -> None:
    """Flush files that another library wrote, and the directories they stand in, to the disk."""
    written = [path for path in paths if path.exists()]
    with effect("data.fsync"):
        for path in written:
            _sync(path)
        for directory in {path.parent for path in written}:
            _sync_directory(directory)


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
        raise _explained(error, target, f"copy {source} to") from error


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
            if _has_name(handle, path):  # else the one who held it gave it another name meanwhile
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


def _has_name(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _write_at(handle: int, content: bytes | memoryview, offset: int) -> None:
    rest = memoryview(content)
    while rest:
        written = os.pwrite(handle, rest, offset)
        rest, offset = rest[written:], offset + written


def _begin_writing(handle: int, offset: int, size: int) -> None:
    """Have the disk begin with what was written just now, where the system lets one say so.

    Pages that are not on the disk yet stay in memory, to be read soon.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(handle, offset, size, os.POSIX_FADV_DONTNEED)


def _read_through(handle: int, size: int | None = None) -> Iterator[bytes]:
    """Pieces of a file from its beginning, to a size or its end."""
    offset = 0
    while size is None or offset < size:
        piece = os.pread(handle, _PIECE if size is None else min(_PIECE, size - offset), offset)
        if not piece:
            return
        yield piece
        offset += len(piece)


def _clone(reading: int, writing: int) -> bool:
    """Have a file share the blocks of another one; False where the file system cannot."""
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        return False
    return True


def _rename_durably(path: Path, target: Path) -> None:
    with effect("file.rename"):
        path.replace(target)
    with effect("directory.fsync"):
        _sync_directory(target.parent)


def _overwrite(handle: int, path: Path, content: str) -> None:
    try:
        with effect("file.overwriting"):
            os.pwrite(handle, content.encode("ascii"), 0)
            os.ftruncate(handle, len(content))
    except OSError as error:
        raise _explained(error, path) from error


def _flush(handle: int, path: Path) -> None:
    try:
        with effect("file.fsync"):
            os.fsync(handle)
    except OSError as error:
        raise _explained(error, path) from error


def _remove_abandoned(target: Path) -> None:
    """Remove the temporary files of processes that were killed: those that nobody locks."""
    for leftover in target.parent.glob(f".{target.name}.*.tmp"):
        remove_abandoned(leftover)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush a directory
            raise
    finally:
        os.close(handle)


def _explained(error: OSError, path: Path, deed: str = "write") -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"No space left to {deed} {path}; free some and run the same again")
    return StoreError(f"Cannot {deed} {path}: {error.strerror or error}")
