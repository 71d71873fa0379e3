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
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from drmsmirror.errors import NoObjectError, StoreError, WrongContentError
from drmsmirror.files import (
    GrowingFile,
    abandoned_files,
    clone_bytes,
    copy_bytes,
    free_bytes,
    growing_file,
    is_abandoned,
    make_shared_directory,
    move_file,
    remove_abandoned,
    remove_file,
    rename_durably,
    replacing,
    sync_directory,
    temporary_in,
    temporary_link,
)
from drmsmirror.objects.content import refuse_damaged, refuse_other, sha256_of
from drmsmirror.objects.names import (
    INCOMING,
    QUARANTINE,
    checked_part,
    is_object,
    is_shard,
    key_of,
    name_of_part,
)
from drmsmirror.objects.protocol import ADOPT, Condition, Finding, Leftover, Stored, Way

__all__ = ["LocalObjects"]

#: Of an object: for its group and everybody to read, for nobody to write.
_OBJECT_MODE = 0o444
#: Of a part: whoever of the group goes on with it writes it.
_PART_MODE = 0o664
#: How a file is called that is being adopted, with what makes it unique.
_ADOPTED = "adopted"


class LocalObjects:
    """A store of objects in a directory.

    Parameters
    ----------
    root : Path
        Made when something is first put there; its parent is there.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        #: Directories whose names are known to be on the disk.
        self._lasting: set[str] = set()

    @contextmanager
    def part(self, name: str) -> Iterator[LocalPart | None]:
        """Open a part while a block runs; None where another process works on it."""
        file_name = checked_part(name)
        with growing_file(self._directory(INCOMING) / file_name, mode=_PART_MODE) as file:
            yield None if file is None else LocalPart(self, file)

    def put_file(
        self, path: Path, how: Sequence[Way] = ADOPT, expected_sha256: str | None = None
    ) -> Stored:
        """Make an object of a file that somebody has."""
        if not path.is_file():
            raise StoreError(f"Cannot adopt {path}: it is no file, or cannot be reached")
        for way in how:
            with _brought(path.resolve(), self._directory(INCOMING), way) as temporary:
                if temporary is not None:
                    return self._take_in(temporary, expected_sha256)
        raise StoreError(
            f"Cannot adopt {path} by {' or '.join(way.value for way in how)}: it is somebody "
            f"else's, or {self._root} is on another file system, or on one that cannot; have it "
            f"copied"
        )

    def open(self, sha256: str) -> BufferedReader:
        """Open an object to read from it."""
        path = self._place(sha256)
        try:
            return path.open("rb")
        except FileNotFoundError:
            raise _absent(sha256, self._root) from None
        except OSError as error:
            raise _unreadable(error, path) from error

    def local_path(self, sha256: str) -> Path | None:
        """Where an object is; None where there is none."""
        return self._place(sha256) if self.exists(sha256) else None

    def fetch_to(self, sha256: str, path: Path) -> None:
        """Write a verified copy of an object."""
        source = self._place(sha256)
        if not self.exists(sha256):
            raise _absent(sha256, self._root)
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

    def remove(self, sha256: str) -> None:
        """Remove an object where it is there."""
        remove_file(self._place(sha256))

    def set_aside(self, sha256: str) -> bool:
        """Take a damaged object out of use; it cannot come back by a power loss."""
        path = self._place(sha256)
        if not os.path.lexists(path):
            return False
        move_file(path, self._directory(QUARANTINE) / sha256)
        sync_directory(path.parent)
        return True

    def walk(self, after: str = "") -> Iterator[Stored]:
        """Every object in order of name, those after a name only."""
        for shard in self._names(self._root):
            if not is_shard(shard) or shard < after[:2]:
                continue
            for name in self._names(self._root / shard):
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

    def free_bytes(self) -> int:
        """Bytes that this user can still write there."""
        return free_bytes(self._root)

    def abandoned(self, before: float) -> list[Leftover]:
        """Parts, and other files that were being written, which nobody has locked."""
        return [_leftover(path) for path in self._abandoned(before)]

    def remove_abandoned(self, before: float) -> list[Leftover]:
        """Remove those, and say what it was."""
        removed = []
        for path in self._abandoned(before):
            left = _leftover(path)
            remove_abandoned(path)
            if not path.exists():
                removed.append(left)
        return removed

    def _abandoned(self, before: float) -> list[Path]:
        incoming = self._root / INCOMING
        parts = [incoming / name for name in self._names(incoming) if name_of_part(name)]
        return [
            *(path for path in parts if is_abandoned(path, before)),
            *abandoned_files(incoming, before),
        ]

    def _take_in(self, temporary: Path, expected_sha256: str | None) -> Stored:
        """Make an object of a file in the store that has no lasting name yet."""
        with temporary.open("rb") as file:
            stored = Stored(sha256_of(file), os.fstat(file.fileno()).st_size)
        refuse_other(stored.sha256, expected_sha256, "The file")
        if not self.has_already(stored):
            rename_durably(temporary, self.place_for(stored.sha256), mode=_OBJECT_MODE)
        return stored

    def has_already(self, stored: Stored) -> bool:
        """Whether an object is there in its size, and stays whatever happens."""
        if self.size(stored.sha256) != stored.size_bytes:
            return False
        sync_directory(self.place_for(stored.sha256).parent)  # its writer may not have come to it
        return True

    def place_for(self, sha256: str) -> Path:
        """Where an object is to be put, in a directory that is there."""
        self._directory(sha256[:2])
        return self._place(sha256)

    def _place(self, sha256: str) -> Path:
        return self._root / key_of(sha256)

    def _directory(self, name: str) -> Path:
        """A directory of the store, made where it is absent; its own name is on the disk."""
        if name not in self._lasting:
            if not self._lasting:
                make_shared_directory(self._root)
            there = self._names(self._root)
            make_shared_directory(self._root / name)  # flushes the names of all that are there
            self._lasting.update(there, [name])
        return self._root / name

    @staticmethod
    def _names(directory: Path) -> list[str]:
        try:
            return sorted(path.name for path in directory.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(error, directory) from error


class LocalPart:
    """A part as a file of the store.

    Parameters
    ----------
    store : LocalObjects
    file : GrowingFile
    """

    def __init__(self, store: LocalObjects, file: GrowingFile) -> None:
        self._store = store
        self._file = file
        self._digest = hashlib.sha256()
        for piece in file.content():
            self._digest.update(piece)

    @property
    def size_bytes(self) -> int:
        """How much is there."""
        return self._file.size

    def append(self, content: bytes | memoryview) -> None:
        """Write at the end."""
        self._file.append(content)
        self._digest.update(content)

    def restart(self) -> None:
        """Throw away what is there."""
        self._file.cut()
        self._digest = hashlib.sha256()

    def finish(self, expected_sha256: str | None = None) -> Stored:
        """Make an object of it."""
        stored = Stored(self._digest.hexdigest(), self.size_bytes)
        try:
            refuse_other(stored.sha256, expected_sha256, f"What came for {self._file.path.name}")
        except WrongContentError:
            self.restart()
            raise
        if self._store.has_already(stored):
            remove_file(self._file.path)
        else:
            self._file.become(self._store.place_for(stored.sha256), mode=_OBJECT_MODE)
        return stored


@contextmanager
def _brought(path: Path, directory: Path, way: Way) -> Iterator[Path | None]:
    """Give a file of no lasting name with the bytes of another one; None where that cannot be."""
    if way is Way.HARD_LINK:
        if os.geteuid() not in (0, path.stat().st_uid):  # it could not be protected
            yield None
            return
        with temporary_link(path, directory, _ADOPTED) as temporary:
            yield temporary
    elif way is Way.SYMLINK:
        yield None
    else:
        with temporary_in(directory, _ADOPTED) as temporary:
            if way is Way.COPY:
                copy_bytes(path, temporary)
                yield temporary
            else:
                yield temporary if clone_bytes(path, temporary) else None


def _size_of(path: Path) -> int | None:
    """Bytes of a regular file; None where there is none."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(error, path) from error
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _leftover(path: Path) -> Leftover:
    try:
        status = path.stat()
    except OSError:  # gone meanwhile
        return Leftover(name_of_part(path.name) or path.name, 0, 0.0)
    return Leftover(name_of_part(path.name) or path.name, status.st_size, status.st_mtime)


def _unreadable(error: OSError, path: Path) -> StoreError:
    return StoreError(f"Cannot read {path}: {error.strerror or error}")


def _absent(sha256: str, root: Path) -> NoObjectError:
    return NoObjectError(f"There is no object {sha256} in {root}; fetch it again")
