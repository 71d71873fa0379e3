"""Objects at paths of a user's own: linked where that can be, or copied.

A hard link is another name of the object itself, and a symbolic link leads to it: both are as
little to be written to as the object is. It has mode 0444, and one that has not is not hard-linked;
root, and whoever changes the mode, can write all the same, and what comes of it is found by reading
the object again. Whoever wants to write asks for a copy.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from drmsmirror.errors import StoreError
from drmsmirror.files import (
    clone_bytes,
    copy_bytes,
    link_file,
    make_directory,
    name_durably,
    remove_file,
    sync_directory,
    temporary_in,
)
from drmsmirror.objects.content import absent, sha256_of
from drmsmirror.objects.protocol import ObjectStore, Way

__all__ = ["Laid", "Laying", "lay"]

#: Permissions of a copy, and those of which an object has none.
_MODE = 0o644
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class Laying(Enum):
    """What is wanted at a path."""

    LINK = "link"  #: to read: by reflink, hard link or symlink, or copied where none can be
    COPY = "copy"  #: to write too: by reflink or copy


_WAYS = {
    Laying.LINK: (Way.REFLINK, Way.HARD_LINK, Way.SYMLINK, Way.COPY),
    Laying.COPY: (Way.REFLINK, Way.COPY),
}


@dataclass(frozen=True, slots=True)
class Laid:
    """An object at a path.

    Parameters
    ----------
    path : Path
    way : Way or None
        How it came there; None where the same bytes stood there already.
    """

    path: Path
    way: Way | None


def lay(
    store: ObjectStore, sha256: str, directory: Path, name: PurePosixPath, laying: Laying
) -> Laid:
    """Lay an object at a path below a directory, whole or not at all.

    Parameters
    ----------
    store : ObjectStore
    sha256 : str
    directory : Path
        Made where it is absent.
    name : PurePosixPath
        Below it, whatever it was made of.
    laying : Laying
        From S3 everything is copied.

    Raises
    ------
    NoObjectError
    DamageError
        The object came from S3 and is not what its name says.
    StoreError
        Another file stands there, which stays; or the name leads out of the directory.
    """
    target = _below(directory, name)
    source = store.local_path(sha256)
    if source is None and not store.exists(sha256):
        raise absent(sha256, "the store")
    if _stands_there(target, sha256, source, laying):
        return Laid(target, None)
    try:
        if source is None:
            return Laid(target, _downloaded(store, sha256, target))
        for way in _WAYS[laying]:
            if _DEEDS[way](source, target):
                return Laid(target, way)
    except FileExistsError:  # somebody was quicker
        if _stands_there(target, sha256, source, laying):
            return Laid(target, None)
        raise StoreError(
            f"Cannot lay {target}: somebody else lays there too; run the same again"
        ) from None
    raise StoreError(f"Cannot lay {target}: {target.parent} takes neither links nor copies")


def _below(directory: Path, name: PurePosixPath) -> Path:
    """A path in a directory that is there; names that lead elsewhere are refused."""
    if name.is_absolute() or not name.parts or ".." in name.parts or "\0" in str(name):
        raise StoreError(f"{str(name)!r} names nothing below {directory}; nothing was laid there")
    make_directory(directory)
    root, target = directory.resolve(), directory / name
    place = root
    for part in name.parts[:-1]:  # one after the other, so that nothing is made elsewhere either
        place = (place / part).resolve()
        if not place.is_relative_to(root):
            raise StoreError(
                f"{target} is not below {directory}: a link in it leads to {place}; nothing was "
                f"laid there"
            )
        make_directory(place)
    return place / name.name


def _stands_there(target: Path, sha256: str, source: Path | None, laying: Laying) -> bool:
    """Whether the object stands at a path already; a link where a copy is wanted is removed.

    Raises
    ------
    StoreError
        Something else does.
    """
    if not os.path.lexists(target):
        return False
    try:
        is_link = source is not None and target.exists() and target.samefile(source)
        if is_link and laying is Laying.COPY:
            remove_file(target)
            return False
        if is_link or _has_bytes(target, sha256):
            return True
    except OSError as error:
        raise StoreError(f"Cannot read {target}: {error.strerror or error}") from error
    raise StoreError(
        f"{target} is there and is another file; it was left alone. Move it away, or name another "
        f"directory"
    )


def _has_bytes(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return sha256_of(file) == sha256


def _downloaded(store: ObjectStore, sha256: str, target: Path) -> Way:
    with temporary_in(target.parent, target.name) as temporary:
        store.fetch_to(sha256, temporary)
        name_durably(temporary, target, mode=_MODE)
    return Way.COPY


def _cloned(source: Path, target: Path) -> bool:
    with temporary_in(target.parent, target.name) as temporary:
        if not clone_bytes(source, temporary):
            return False
        name_durably(temporary, target, mode=_MODE)
    return True


def _copied(source: Path, target: Path) -> bool:
    with temporary_in(target.parent, target.name) as temporary:
        copy_bytes(source, temporary)
        name_durably(temporary, target, mode=_MODE)
    return True


def _hard_linked(source: Path, target: Path) -> bool:
    try:
        mode = source.stat().st_mode
    except OSError:
        return False
    return not mode & _WRITABLE and _linked(source, target, symbolic=False)


def _symlinked(source: Path, target: Path) -> bool:
    return _linked(source.resolve(), target, symbolic=True)


def _linked(source: Path, target: Path, *, symbolic: bool) -> bool:
    is_linked = link_file(source, target, symbolic=symbolic)
    if is_linked:
        sync_directory(target.parent)
    return is_linked


_DEEDS: dict[Way, Callable[[Path, Path], bool]] = {
    Way.REFLINK: _cloned,
    Way.HARD_LINK: _hard_linked,
    Way.SYMLINK: _symlinked,
    Way.COPY: _copied,
}
