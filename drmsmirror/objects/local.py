"""Objects as files, on a local or a cluster file system.

::

    <root>/<first two digits>/<sha256>      objects, mode 0444
    <root>/incoming/<name>.part             what is being downloaded
    <root>/quarantine/<sha256>              what was damaged

Directories are made so that a group can share them. Whoever can write there can replace objects:
what is read is verified only by whoever asks for it (:meth:`LocalObjects.hash_of`).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path

from drmsmirror.errors import StoreError
from drmsmirror.files import (
    GrowingFile,
    clone_bytes,
    copy_bytes,
    free_bytes,
    move_file,
    remove_file,
    rename_durably,
    replacing,
    sync_directory,
)
from drmsmirror.objects.content import absent, refuse_damaged, refuse_other, sha256_of
from drmsmirror.objects.directories import Directories, names_in
from drmsmirror.objects.names import QUARANTINE, is_object, is_shard, key_of
from drmsmirror.objects.partnote import boot_of_this_host
from drmsmirror.objects.parts import FilePart, Incoming
from drmsmirror.objects.protocol import ADOPT, Condition, Finding, Leftover, Stored, Way

__all__ = ["LocalObjects"]

#: Of an object: for its group and everybody to read, for nobody to write.
_MODE = 0o444


class LocalObjects:
    """A store of objects in a directory.

    Parameters
    ----------
    root : Path
        Made when something is first put there; its parent is there.
    boot : str, optional
        What tells this run of the host's system from others; the system says, where nobody does.
    """

    def __init__(self, root: Path, boot: str | None = None) -> None:
        self._root = root
        self._directories = Directories(root)
        self._incoming = Incoming(
            self._directories, boot_of_this_host() if boot is None else boot, seal=_MODE
        )

    def part(self, name: str) -> AbstractContextManager[FilePart | None]:
        """Open a part while a block runs; None where another process works on it."""
        return self._incoming.part(name, self._keep, self._has_already)

    def part_size(self, name: str) -> int | None:
        """Bytes of a part; None where there is none."""
        return self._incoming.size(name)

    def put_file(
        self, path: Path, how: Sequence[Way] = ADOPT, expected_sha256: str | None = None
    ) -> Stored | None:
        """Make an object of a file that somebody has."""
        with self._incoming.adopted(path, how) as brought:
            if brought is None:
                return None
            temporary, stored = brought
            refuse_other(stored.sha256, expected_sha256, str(path))
            if not self._has_already(stored):
                rename_durably(temporary, self._place_for(stored.sha256), mode=_MODE)
        return stored

    def open(self, sha256: str) -> BufferedReader:
        """Open an object to read from it."""
        path = self._place(sha256)
        try:
            return path.open("rb")
        except FileNotFoundError:
            raise absent(sha256, str(self._root)) from None
        except OSError as error:
            raise _unreadable(error, path) from error

    def local_path(self, sha256: str) -> Path | None:
        """Where an object is; None where there is none."""
        return self._place(sha256) if self.exists(sha256) else None

    def url(self, sha256: str) -> str:
        """Where an object is, or would be, as ``file://``."""
        return self._place(sha256).absolute().as_uri()

    def fetch_to(self, sha256: str, path: Path) -> None:
        """Write a verified copy of an object."""
        source = self._place(sha256)
        if not self.exists(sha256):
            raise absent(sha256, str(self._root))
        with replacing(path) as temporary:
            if not clone_bytes(source, temporary):
                copy_bytes(source, temporary)
            with temporary.open("rb") as copied:
                refuse_damaged(sha256, sha256_of(copied))

    def exists(self, sha256: str) -> bool:
        """Whether there is such an object."""
        return self.size(sha256) is not None

    def size(self, sha256: str) -> int | None:
        """Bytes of an object; None where there is none."""
        return _size_of(self._place(sha256))

    def written_at(self, sha256: str) -> float | None:
        """When an object came here: a file that was adopted by a hard link may be older."""
        status = _status_of(self._place(sha256))
        return None if status is None else max(status.st_mtime, status.st_ctime)

    def is_shared(self, sha256: str) -> bool:
        """Whether an object has hard links elsewhere; shared blocks nobody can tell."""
        status = _status_of(self._place(sha256))
        return status is not None and status.st_nlink > 1

    def remove(self, sha256: str) -> None:
        """Remove an object where it is there."""
        remove_file(self._place(sha256))

    def set_aside(self, sha256: str) -> bool:
        """Take a damaged object out of use; it cannot come back by a power loss."""
        path = self._place(sha256)
        if _size_of(path) is None:
            return False
        move_file(path, self._directories.made(QUARANTINE) / sha256)
        sync_directory(path.parent)
        return True

    def walk(self, after: str = "") -> Iterator[Stored]:
        """Every object in order of name, those after a name only."""
        for shard in names_in(self._root):
            if not is_shard(shard) or shard < after[:2]:
                continue
            for name in names_in(self._root / shard):
                if name > after and is_object(name) and name[:2] == shard:
                    size = _size_of(self._root / shard / name)
                    if size is not None:  # else it was removed meanwhile
                        yield Stored(name, size)

    def hash_of(self, sha256: str, size_bytes: int | None = None) -> Finding:
        """Read an object to its end, and say how it is."""
        path = self._place(sha256)
        found = _size_of(path)
        if found is None:
            return Finding(sha256, Condition.MISSING)
        if size_bytes is not None and found != size_bytes:
            return Finding(sha256, Condition.TORN, found)
        try:
            with path.open("rb") as file:
                digest = sha256_of(file)
        except FileNotFoundError:
            return Finding(sha256, Condition.MISSING)
        except OSError as error:
            if error.errno != errno.EIO:
                raise _unreadable(error, path) from error
            return Finding(sha256, Condition.ROTTEN, found)  # the disk lost some of it
        is_intact = digest == sha256
        return Finding(sha256, Condition.INTACT if is_intact else Condition.ROTTEN, found, digest)

    @property
    def is_on_disk(self) -> bool:
        """True."""
        return True

    def free_bytes(self) -> int:
        """Bytes that this user can still write there."""
        return free_bytes(self._root)

    def abandoned(self, before: float) -> list[Leftover]:
        """Parts, and other files that were being written, which nobody has locked."""
        return self._incoming.abandoned(before)

    def remove_abandoned(self, before: float) -> list[Leftover]:
        """Remove those, and say what it was."""
        return self._incoming.remove_abandoned(before)

    def _keep(self, file: GrowingFile, stored: Stored) -> None:
        if self._has_already(stored):
            remove_file(file.path)
        else:
            file.become(self._place_for(stored.sha256), mode=_MODE)

    def _has_already(self, stored: Stored) -> bool:
        """Whether an object is there and sound, and stays whatever happens."""
        if self.hash_of(stored.sha256, stored.size_bytes).condition is not Condition.INTACT:
            return False
        sync_directory(self._place_for(stored.sha256).parent)  # its writer may not be so far yet
        return True

    def _place(self, sha256: str) -> Path:
        return self._root / key_of(sha256)

    def _place_for(self, sha256: str) -> Path:
        """Where an object is to be put, in a directory that is there."""
        self._directories.made(sha256[:2])
        return self._place(sha256)


def _size_of(path: Path) -> int | None:
    """Bytes of a regular file; None where there is none."""
    status = _status_of(path)
    return None if status is None else status.st_size


def _status_of(path: Path) -> os.stat_result | None:
    """What the file system knows of a regular file; None where there is none."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(error, path) from error
    return status if stat.S_ISREG(status.st_mode) else None


def _unreadable(error: OSError, path: Path) -> StoreError:
    return StoreError(f"Cannot read {path}: {error.strerror or error}")
