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
    "abandoned_files",
    "free_bytes",
    "locked_file",
    "make_directory",
    "move_file",
    "name_again",
    "remove_abandoned",
    "remove_directory",
    "remove_empty_directory",
    "remove_file",
    "replacing",
    "set_aside",
    "sync_files",
    "write_bytes",
]


#: Names of temporary files: the one that they shall have, and what ``tempfile`` makes of chance.
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")


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
            with effect("file.rename"):
                temporary.replace(target)
            with effect("directory.fsync"):
                _sync_directory(target.parent)
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
    """

    text: str
    write: Callable[[str], object]


@contextmanager
def locked_file(path: Path) -> Iterator[LockedFile | None]:
    """Lock a small file while a block runs, made where it is absent; None where others hold it.

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
            text = os.pread(handle, 4096, 0).decode("ascii", "replace")
        except BlockingIOError:
            yield None
            return
        except OSError as error:
            raise _explained(error, path) from error
        yield LockedFile(text, lambda content: _overwrite(handle, path, content))
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
    """Temporary files in a directory that :func:`replacing` made and nobody works on.

    Parameters
    ----------
    directory : Path
        Those below it are not looked at.
    before : float
        Only files that were last written earlier, seconds since 1970: on a file system that knows
        no locks a younger one may be in use.
    """
    found = (path for path in directory.glob(".*.tmp") if _TEMPORARY.fullmatch(path.name))
    return sorted(path for path in found if _is_abandoned(path, before))


def remove_abandoned(path: Path) -> None:
    """Remove the temporary file of a process that was killed, unless somebody locks it."""
    with suppress(OSError), path.open("rb") as file:  # another process may be quicker
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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


def _overwrite(handle: int, path: Path, content: str) -> None:
    try:
        with effect("file.overwriting"):
            os.pwrite(handle, content.encode("ascii"), 0)
            os.ftruncate(handle, len(content))
    except OSError as error:
        raise _explained(error, path) from error


def _remove_abandoned(target: Path) -> None:
    """Remove the temporary files of processes that were killed: those that nobody locks."""
    for leftover in target.parent.glob(f".{target.name}.*.tmp"):
        remove_abandoned(leftover)


def _is_abandoned(path: Path, before: float) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            status = os.fstat(file.fileno())
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_mtime < before


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
